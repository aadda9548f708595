//! What stands in a realm file. A key that is not here is refused, with its line and the keys that
//! there are.

use std::collections::BTreeMap;

use krb_proto::kdc;
use serde::Deserialize;
use toml::Spanned;

use super::values::{Enctype, GroupName, KeyText, Seconds, Secret, SidText, Time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) realm: Vec<RealmTable>,
}

/// Accounts by their sAMAccountNames.
pub(super) type Accounts = BTreeMap<Spanned<String>, AccountTable>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RealmTable {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) compat: Compat,
    pub(super) enctypes: Option<Vec<Enctype>>,
    pub(super) domain_sid: Option<SidText>,
    pub(super) ticket_lifetime: Option<Seconds>,
    pub(super) renewable_lifetime: Option<Seconds>,
    pub(super) clock_skew: Option<Seconds>,
    /// RIDs by name.
    #[serde(default)]
    pub(super) groups: BTreeMap<String, u32>,
    #[serde(default)]
    pub(super) users: Accounts,
    #[serde(default)]
    pub(super) services: Accounts,
    #[serde(default)]
    pub(super) computers: Accounts,
    #[serde(default)]
    pub(super) trusts: BTreeMap<String, TrustTable>,
}

#[derive(Clone, Copy, Deserialize, Default)]
pub(super) enum Compat {
    #[default]
    #[serde(rename = "strict")]
    Strict,
    #[serde(rename = "ad")]
    Ad,
    #[serde(rename = "ad-2019")]
    Ad2019,
    #[serde(rename = "ad-2025")]
    Ad2025,
}

impl From<Compat> for kdc::Compat {
    fn from(compat: Compat) -> Self {
        match compat {
            Compat::Strict => Self::Strict,
            Compat::Ad => Self::Ad,
            Compat::Ad2019 => Self::Ad2019,
            Compat::Ad2025 => Self::Ad2025,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountTable {
    pub(super) password: Option<Secret>,
    pub(super) one_time_password: Option<Secret>,
    pub(super) one_time_pin: Option<Secret>,
    #[serde(default)]
    pub(super) keys: Vec<KeyText>,
    pub(super) kvno: Option<u32>,
    pub(super) enctypes: Option<Vec<Enctype>>,
    pub(super) upn: Option<String>,
    #[serde(default)]
    pub(super) spns: Vec<Spanned<String>>,
    pub(super) rid: Option<u32>,
    #[serde(default)]
    pub(super) groups: Vec<Spanned<GroupName>>,
    #[serde(default)]
    pub(super) not_delegated: bool,
    #[serde(default)]
    pub(super) protected_user: bool,
    #[serde(default)]
    pub(super) trusted_to_auth_for_delegation: bool,
    #[serde(default)]
    pub(super) trusted_for_delegation: bool,
    #[serde(default)]
    pub(super) allowed_to_delegate_to: Vec<String>,
    #[serde(default)]
    pub(super) allowed_to_act: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default)]
    pub(super) locked: bool,
    #[serde(default)]
    pub(super) must_change_password: bool,
    #[serde(default)]
    pub(super) smartcard_required: bool,
    #[serde(default)]
    pub(super) no_preauth: bool,
    pub(super) expires: Option<Time>,
    pub(super) password_expires: Option<Time>,
    pub(super) max_life: Option<Seconds>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustTable {
    pub(super) password: Secret,
    #[serde(default)]
    pub(super) domains: Vec<String>,
    pub(super) domain_sid: Option<SidText>,
    pub(super) enctypes: Option<Vec<Enctype>>,
    #[serde(default)]
    pub(super) transitive: bool,
    #[serde(default = "yes")]
    pub(super) delegation: bool,
}

const fn yes() -> bool {
    true
}

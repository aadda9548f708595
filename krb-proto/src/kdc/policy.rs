use alloc::vec::Vec;

use crate::iana::EncType;
use crate::kpasswd::PasswordPolicy;
#[cfg(feature = "pkinit")]
use crate::pkinit::{MappingRules, RequestRules};
#[cfg(feature = "spake")]
use crate::preauth::spake::SpakeGroup;

/// Whose behaviour the KDC shows where KDCs differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Compat {
    /// What Samba's KDC and MIT's both insist on, and of several meanings of a request none: a
    /// client that works here works with both.
    #[default]
    Strict,
    /// What Active Directory tolerates beside: a TGS-REQ without a checksum in its authenticator,
    /// two S4U2Self names of which the newer one counts, S4U2Proxy by resource-based delegation with
    /// evidence that is not forwardable (MS-SFU 3.2.5.2.3), and no PAC for who wants none.
    Ad,
    /// The same as Windows Server 2019 had it: accounts whose enctypes are not set have RC4 keys,
    /// and their tickets are sealed with those.
    Ad2019,
    /// The same as Windows Server 2025 has it: no ticket-granting ticket is made with RC4, and
    /// resource-based delegation wants forwardable evidence too.
    Ad2025,
}

impl Compat {
    /// Is it the strict profile?
    pub(super) const fn is_strict(self) -> bool {
        matches!(self, Self::Strict)
    }

    /// Is a TGS-REQ taken whose authenticator has no checksum over the request's body?
    pub(super) const fn tolerates_missing_checksum(self) -> bool {
        !self.is_strict()
    }

    /// Do PA-FOR-USER and PA-S4U-X509-USER have to name the same user?
    pub(super) const fn wants_one_user(self) -> bool {
        self.is_strict()
    }

    /// MS-SFU 3.2.5.2.3: resource-based delegation takes evidence that is not forwardable.
    pub(super) const fn takes_evidence_not_forwardable(self) -> bool {
        matches!(self, Self::Ad | Self::Ad2019)
    }

    /// Are tickets without a PAC given to those who ask for none?
    pub(super) const fn honours_no_pac(self) -> bool {
        !self.is_strict()
    }

    /// May a client log in with an RC4 key, if its account has one?
    pub(super) const fn rc4_logins(self) -> bool {
        matches!(self, Self::Ad | Self::Ad2019)
    }

    /// What a PKINIT request is held against. Windows Server 2025 demands a second checksum.
    #[cfg(feature = "pkinit")]
    pub(super) const fn pkinit_rules(self, skew: i64) -> RequestRules {
        RequestRules {
            skew,
            second_checksum: matches!(self, Self::Ad2025),
            any_client: !matches!(self, Self::Strict),
        }
    }

    /// What is believed of certificates. Before KB5014754 and KB5057784 were enforced AD took weak
    /// mappings, and key identifiers from any CA.
    #[cfg(feature = "pkinit")]
    pub(super) const fn mapping_rules(self) -> MappingRules {
        let enforced = matches!(self, Self::Strict | Self::Ad2025);
        MappingRules {
            principal_names: matches!(self, Self::Strict),
            weak: !enforced,
            key_identifier_needs_nt_auth: enforced,
        }
    }

    /// Windows Server 2025 changes a password and says so in a KRB-ERROR that anybody could have sent.
    pub(super) const fn answers_change_with_error(self) -> bool {
        matches!(self, Self::Ad2025)
    }

    /// Are tickets sealed with RC4 for services whose enctypes are not set?
    pub(super) const fn rc4_where_unset(self) -> bool {
        matches!(self, Self::Ad2019)
    }
}

/// How long tickets live, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// A ticket.
    pub ticket: i64,
    /// A renewable ticket, with all its renewals.
    pub renewable: i64,
    /// A ticket of Protected Users, with all its renewals (MS-KILE 3.3.5.6: four hours).
    pub protected_users: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { ticket: 36_000, renewable: 604_800, protected_users: 14_400 }
    }
}

/// What holds for a whole realm.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Whose behaviour the KDC shows where KDCs differ.
    pub compat: Compat,
    /// How long tickets live.
    pub lifetimes: Lifetimes,
    /// How far a client's clock may be from the KDC's, in seconds.
    pub skew: i64,
    /// The enctypes of accounts for which none are set, in any order.
    pub enctypes: Vec<EncType>,
    /// Is an account found by its sAMAccountName without the `$` at its end?
    pub implicit_dollar: bool,
    /// Is a client only known to those who ask for its canonical name (KDC option canonicalize)? Then
    /// no two names lead to tickets of one account, as Samba from 4.24 on can be told.
    pub require_canonicalize: bool,
    /// What new passwords must be like where users choose them: the length, and as far as the KDC
    /// knows the former ones, the history. Ages are said and not looked at.
    pub passwords: PasswordPolicy,
    /// The groups of SPAKE, which is offered if there are any. AD does not know it.
    #[cfg(feature = "spake")]
    pub spake: Vec<SpakeGroup>,
}

impl Policy {
    /// The usual policy of a profile.
    #[must_use]
    pub fn new(compat: Compat) -> Self {
        let mut enctypes =
            Vec::from([EncType::AES256_CTS_HMAC_SHA1_96, EncType::AES128_CTS_HMAC_SHA1_96]);
        if compat.rc4_where_unset() {
            enctypes.push(EncType::RC4_HMAC);
        }
        Self {
            compat,
            lifetimes: Lifetimes::default(),
            skew: 300,
            enctypes,
            implicit_dollar: true,
            require_canonicalize: false,
            passwords: PasswordPolicy { min_length: 7, ..PasswordPolicy::default() },
            #[cfg(feature = "spake")]
            spake: if compat.is_strict() { SpakeGroup::ALL.to_vec() } else { Vec::new() },
        }
    }
}

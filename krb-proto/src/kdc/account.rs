use alloc::string::{String, ToString};
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::keys::Keys;
use crate::crypto::{CryptoError, Key};
use crate::iana::EncType;
use crate::pac::Sid;
#[cfg(feature = "pkinit")]
use crate::pkinit::CertificateMapping;
use crate::{KerberosTime, Random};

/// Kinds of accounts, which differ in their salts and in what their PACs say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AccountKind {
    /// A user, or a service's user account.
    User,
    /// A computer, whose name ends in `$`.
    Computer,
    /// A domain controller.
    DomainController,
}

/// Who may act on behalf of others at a service: an entry of
/// msDS-AllowedToActOnBehalfOfOtherIdentity (MS-SFU 3.2.5.2.3).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Trustee {
    /// An account of the realm, by its sAMAccountName.
    Account(String),
    /// An account or a group, of any realm.
    Sid(Sid),
    /// The same with an access mask. Generic rights are not expanded: only what holds
    /// [`Trustee::CONTROL_ACCESS`] lets anybody in.
    Access(Sid, u32),
}

impl Trustee {
    /// ADS_RIGHT_DS_CONTROL_ACCESS.
    pub const CONTROL_ACCESS: u32 = 0x100;
}

/// An account. What is public may be changed at any time; what the realm finds it by (names, UPNs,
/// SPNs, certificates) is set before it is added, with the methods that build one.
#[derive(Clone, Debug)]
pub struct Account {
    pub(super) name: String,
    pub(super) kind: AccountKind,
    pub(super) upn: Option<String>,
    pub(super) spns: Vec<String>,
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) rid: Option<u32>,
    pub(super) keys: Keys,
    /// What the account's token shows.
    pub(super) one_time_password: Option<Zeroizing<String>>,
    pub(super) one_time_pin: Option<Zeroizing<String>>,
    /// A password that waits for the realm's name, which is part of the salt.
    pub(super) password: Option<Zeroizing<String>>,
    /// msDS-SupportedEncryptionTypes; the realm's, if it is not set.
    pub enctypes: Option<Vec<EncType>>,
    /// RIDs of the groups that the account is in, beside its primary group.
    pub groups: Vec<u32>,
    /// NOT_DELEGATED: tickets for this account may not be forwarded.
    pub not_delegated: bool,
    /// A member of Protected Users, directly or not. The group's RID 525 among [`Self::groups`] is
    /// the same.
    pub protected_user: bool,
    /// TRUSTED_TO_AUTH_FOR_DELEGATION: what this service gets by S4U2Self may be forwarded.
    pub trusted_to_auth_for_delegation: bool,
    /// TRUSTED_FOR_DELEGATION: tickets for this service say ok-as-delegate.
    pub trusted_for_delegation: bool,
    /// msDS-AllowedToDelegateTo: SPNs.
    pub allowed_to_delegate_to: Vec<String>,
    /// msDS-AllowedToActOnBehalfOfOtherIdentity.
    pub allowed_to_act: Vec<Trustee>,
    /// The account is disabled.
    pub disabled: bool,
    /// The account is locked out.
    pub locked: bool,
    /// The password must be changed first.
    pub must_change_password: bool,
    /// No password will do, only a certificate.
    pub smartcard_required: bool,
    /// DONT_REQ_PREAUTH.
    pub no_preauth: bool,
    /// altSecurityIdentities: what the account's certificates are known by in PKINIT.
    #[cfg(feature = "pkinit")]
    pub certificate_mappings: Vec<CertificateMapping>,
    /// May set the passwords of others (User-Force-Change-Password on all of them).
    pub may_reset_passwords: bool,
    /// When the account expires.
    pub expires: Option<KerberosTime>,
    /// When the password expires.
    pub password_expires: Option<KerberosTime>,
    /// logonHours: a bit for each hour of the week, the first that of Sunday midnight, UTC, least
    /// significant first.
    pub logon_hours: Option<[u8; 21]>,
    /// The longest life of this account's tickets in seconds, where it is less than the realm's.
    pub max_life: Option<i64>,
}

impl Account {
    /// The RID of Protected Users.
    pub const PROTECTED_USERS: u32 = 525;

    fn new(name: &str, kind: AccountKind) -> Self {
        Self {
            name: name.to_string(),
            kind,
            upn: None,
            spns: Vec::new(),
            certificates: Vec::new(),
            rid: None,
            keys: Keys::none(),
            one_time_password: None,
            one_time_pin: None,
            password: None,
            enctypes: None,
            groups: Vec::new(),
            not_delegated: false,
            protected_user: false,
            trusted_to_auth_for_delegation: false,
            trusted_for_delegation: false,
            allowed_to_delegate_to: Vec::new(),
            allowed_to_act: Vec::new(),
            disabled: false,
            locked: false,
            must_change_password: false,
            smartcard_required: false,
            no_preauth: false,
            #[cfg(feature = "pkinit")]
            certificate_mappings: Vec::new(),
            may_reset_passwords: false,
            expires: None,
            password_expires: None,
            logon_hours: None,
            max_life: None,
        }
    }

    /// A user with this sAMAccountName.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::new(name, AccountKind::User)
    }

    /// A service's user account. It differs from a user in having SPNs.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::user(name)
    }

    /// A computer; its name ends in `$`.
    #[must_use]
    pub fn computer(name: &str) -> Self {
        Self::new(name, AccountKind::Computer)
    }

    /// A domain controller; its name ends in `$`.
    #[must_use]
    pub fn domain_controller(name: &str) -> Self {
        Self::new(name, AccountKind::DomainController)
    }

    /// With this password. It replaces keys given before.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(Zeroizing::new(password.to_string()));
        self
    }

    /// With a token that shows this, whenever it is looked at (RFC 6560): the KDC keeps nothing, so that
    /// it is not used up. The password alone is not enough then, and FAST is needed.
    #[must_use]
    pub fn one_time_password(mut self, shown: &str) -> Self {
        self.one_time_password = Some(Zeroizing::new(shown.to_string()));
        self
    }

    /// With a PIN that is asked for beside what the token shows.
    #[must_use]
    pub fn one_time_pin(mut self, pin: &str) -> Self {
        self.one_time_pin = Some(Zeroizing::new(pin.to_string()));
        self
    }

    /// With these keys of one version.
    #[must_use]
    pub fn keys(mut self, kvno: u32, keys: impl IntoIterator<Item = Key>) -> Self {
        self.keys.push_keys(kvno, keys);
        self
    }

    /// With random keys of these enctypes, as services have that read a keytab.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncType`] and [`CryptoError::DangerousEncType`].
    pub fn random_keys(
        self,
        enctypes: &[EncType],
        rng: &mut dyn Random,
    ) -> Result<Self, CryptoError> {
        let keys: Result<Vec<Key>, _> =
            enctypes.iter().map(|&enctype| Key::generate(enctype, rng)).collect();
        let kvno = self.keys.next_kvno();
        Ok(self.keys(kvno, keys?).set(|account| account.enctypes = Some(enctypes.to_vec())))
    }

    /// With a userPrincipalName.
    #[must_use]
    pub fn upn(mut self, upn: &str) -> Self {
        self.upn = Some(upn.to_string());
        self
    }

    /// With one more servicePrincipalName, as `HTTP/web.example.test`.
    #[must_use]
    pub fn spn(mut self, spn: &str) -> Self {
        self.spns.push(spn.to_string());
        self
    }

    /// With one more certificate that S4U2Self finds the account by: its DER.
    #[must_use]
    pub fn certificate(mut self, der: &[u8]) -> Self {
        self.certificates.push(der.to_vec());
        self
    }

    /// With this RID. Without one the realm chooses.
    #[must_use]
    pub fn rid(mut self, rid: u32) -> Self {
        self.rid = Some(rid);
        self
    }

    /// In these groups of the realm, beside its primary group.
    #[must_use]
    pub fn groups(mut self, rids: impl IntoIterator<Item = u32>) -> Self {
        self.groups.extend(rids);
        self
    }

    /// With another name, and the same RID, keys and salt, as when an account is renamed.
    #[must_use]
    pub fn renamed(mut self, name: &str) -> Self {
        self.name = name.to_string();
        self
    }

    /// With whatever `change` does to it.
    #[must_use]
    pub fn set(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The sAMAccountName.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The userPrincipalName, if there is an explicit one.
    #[must_use]
    pub fn user_principal_name(&self) -> Option<&str> {
        self.upn.as_deref()
    }

    /// The servicePrincipalNames.
    #[must_use]
    pub fn service_principal_names(&self) -> &[String] {
        &self.spns
    }

    /// The RID; `None` before the account is in a realm.
    #[must_use]
    pub const fn relative_id(&self) -> Option<u32> {
        self.rid
    }

    /// The keys.
    #[must_use]
    pub const fn long_term_keys(&self) -> &Keys {
        &self.keys
    }

    /// May nobody forward tickets of this account (MS-KILE 3.3.5.1)?
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.not_delegated || self.is_protected()
    }

    /// Is it in Protected Users?
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.protected_user || self.groups.contains(&Self::PROTECTED_USERS)
    }

    /// The salt of its passwords (MS-KILE 3.1.1.2): that of a computer has its host name in it.
    pub(super) fn salt(&self, realm: &str) -> Vec<u8> {
        let salt = match self.kind {
            AccountKind::User => [realm, &self.name].concat(),
            AccountKind::Computer | AccountKind::DomainController => {
                let host = self.name.strip_suffix('$').unwrap_or(&self.name).to_lowercase();
                [realm, "host", &host, ".", &realm.to_lowercase()].concat()
            }
        };
        salt.into_bytes()
    }
}

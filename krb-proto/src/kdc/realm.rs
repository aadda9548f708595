use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::account::Account;
use super::keys::Keys;
use super::policy::{Compat, Policy};
use super::trust::Trust;
use crate::ap::ReplayCache;
use crate::crypto::{CryptoError, Key};
use crate::formats::{Keytab, KeytabEntry};
use crate::iana::EncType;
use crate::pac::Sid;
#[cfg(feature = "pkinit")]
use crate::pkinit::KdcPkinit;
use crate::{KerberosTime, Name, Principal, Random};

/// A realm: all that its KDC knows. Plain data that can be cloned and changed between requests.
#[derive(Clone, Debug)]
pub struct Realm {
    name: String,
    domain: String,
    netbios_name: String,
    domain_sid: Sid,
    krbtgt: Keys,
    krbtgt_enctype: EncType,
    /// What holds for the whole realm.
    pub policy: Policy,
    /// The KDC's certificate and whom it believes; without it there is no PKINIT.
    #[cfg(feature = "pkinit")]
    pub pkinit: Option<KdcPkinit>,
    accounts: BTreeMap<u32, Account>,
    by_name: BTreeMap<String, u32>,
    by_upn: BTreeMap<String, Vec<u32>>,
    by_spn: BTreeMap<String, Vec<u32>>,
    by_certificate: BTreeMap<Vec<u8>, Vec<u32>>,
    trusts: BTreeMap<String, Trust>,
    next_rid: u32,
    /// Changes of passwords that were asked for: none is done twice.
    pub(super) password_requests: ReplayCache,
}

/// What is added to a realm.
pub trait Member {
    /// Adds it.
    fn join(self, realm: &mut Realm);
}

impl Member for Account {
    fn join(self, realm: &mut Realm) {
        realm.insert(self);
    }
}

impl Member for Trust {
    fn join(mut self, realm: &mut Realm) {
        if let Some(password) = self.password.take() {
            let [here, there] = [&realm.name, &self.realm].map(String::as_str);
            let salt = |of: &str, to: &str| [of, "krbtgt", to].concat().into_bytes();
            self.outgoing.push_password(1, &password, salt(here, there));
            self.incoming.push_password(1, &password, salt(there, here));
        }
        realm.trusts.insert(self.realm.clone(), self);
    }
}

/// For how long requests are remembered, in seconds: the largest skew that is of use.
const MAX_SKEW: u32 = 3600;

/// Names as they are compared: AD does not tell cases apart.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

impl Realm {
    /// The first RID of accounts that are given none.
    const FIRST_RID: u32 = 1104;
    /// How many changes of passwords are remembered; more within the skew are refused.
    const MAX_PASSWORD_REQUESTS: usize = 4096;

    /// An empty realm of this name, with a random key for krbtgt and the strict profile. Its domain's
    /// SID comes from its name, so that no two realms have the same.
    #[must_use]
    pub fn new(name: &str, rng: &mut dyn Random) -> Self {
        let mut sub_authorities = Vec::from([21]);
        let digest = Sha256::digest(name.as_bytes());
        sub_authorities
            .extend(digest.as_chunks().0.iter().take(3).map(|part| u32::from_le_bytes(*part)));
        let mut realm = Self {
            name: name.to_string(),
            domain: name.to_lowercase(),
            netbios_name: name.split('.').next().unwrap_or(name).to_uppercase(),
            // S-1-5-21 and three numbers are never too many.
            domain_sid: Sid::new(5, sub_authorities).unwrap_or_default(),
            krbtgt: Keys::none(),
            krbtgt_enctype: EncType::AES256_CTS_HMAC_SHA1_96,
            policy: Policy::new(Compat::Strict),
            #[cfg(feature = "pkinit")]
            pkinit: None,
            accounts: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_upn: BTreeMap::new(),
            by_spn: BTreeMap::new(),
            by_certificate: BTreeMap::new(),
            trusts: BTreeMap::new(),
            next_rid: Self::FIRST_RID,
            password_requests: ReplayCache::new(Self::MAX_PASSWORD_REQUESTS, MAX_SKEW),
        };
        // AES-256 is never refused.
        let _ = realm.roll_krbtgt(EncType::AES256_CTS_HMAC_SHA1_96, rng);
        realm
    }

    /// With the usual policy of a profile.
    #[must_use]
    pub fn compat(mut self, compat: Compat) -> Self {
        self.policy = Policy::new(compat);
        self
    }

    /// With another domain SID.
    #[must_use]
    pub fn with_domain_sid(mut self, sid: Sid) -> Self {
        self.domain_sid = sid;
        self
    }

    /// With one more account, or trust. An account takes the place of one of the same name.
    #[must_use]
    pub fn with(mut self, member: impl Member) -> Self {
        member.join(&mut self);
        self
    }

    /// A new random key for krbtgt. Tickets under the old one stay good.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncType`] and [`CryptoError::DangerousEncType`].
    pub fn roll_krbtgt(
        &mut self,
        enctype: EncType,
        rng: &mut dyn Random,
    ) -> Result<(), CryptoError> {
        let kvno = self.krbtgt.next_kvno();
        self.krbtgt.push_keys(kvno, [Key::generate(enctype, rng)?]);
        self.krbtgt_enctype = enctype;
        Ok(())
    }

    /// Adds an account and returns its RID. One of the same name makes room for it.
    pub fn insert(&mut self, mut account: Account) -> u32 {
        self.remove(&account.name.clone());
        if let Some(password) = account.password.take() {
            let salt = account.salt(&self.name);
            account.keys.push_password(account.keys.next_kvno(), &password, salt);
        }
        let taken = |rid: &u32| self.accounts.contains_key(rid);
        let rid = match account.rid.filter(|rid| !taken(rid)) {
            Some(rid) => rid,
            None => {
                while taken(&self.next_rid) {
                    self.next_rid += 1;
                }
                self.next_rid
            }
        };
        self.next_rid = self.next_rid.max(rid.saturating_add(1));
        account.rid = Some(rid);
        self.by_name.insert(fold(&account.name), rid);
        if let Some(upn) = &account.upn {
            self.by_upn.entry(fold(upn)).or_default().push(rid);
        }
        for spn in &account.spns {
            self.by_spn.entry(fold(spn)).or_default().push(rid);
        }
        for certificate in &account.certificates {
            self.by_certificate.entry(certificate.clone()).or_default().push(rid);
        }
        self.accounts.insert(rid, account);
        rid
    }

    /// Takes an account out, by its sAMAccountName; changed or renamed it may be put back.
    pub fn remove(&mut self, name: &str) -> Option<Account> {
        let rid = self.by_name.remove(&fold(name))?;
        let forget = |index: &mut BTreeMap<String, Vec<u32>>| {
            index.retain(|_, rids| {
                rids.retain(|other| *other != rid);
                !rids.is_empty()
            });
        };
        forget(&mut self.by_upn);
        forget(&mut self.by_spn);
        self.by_certificate.retain(|_, rids| {
            rids.retain(|other| *other != rid);
            !rids.is_empty()
        });
        self.accounts.remove(&rid)
    }

    /// Gives an account a new password. Returns its keys' new version, or nothing if there is no such
    /// account.
    pub fn set_password(&mut self, name: &str, password: &str) -> Option<u32> {
        let realm = self.name.clone();
        let account = self.account_mut(name)?;
        let (kvno, salt) = (account.keys.next_kvno(), account.salt(&realm));
        account.keys.push_password(kvno, password, salt);
        account.must_change_password = false;
        account.password_expires = None;
        Some(kvno)
    }

    /// The realm's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its DNS domain: the realm's, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The NetBIOS name of its domain.
    #[must_use]
    pub fn netbios_name(&self) -> &str {
        &self.netbios_name
    }

    /// The SID of its domain.
    #[must_use]
    pub const fn domain_sid(&self) -> &Sid {
        &self.domain_sid
    }

    /// Has the KDC a certificate to show?
    pub(super) fn has_pkinit(&self) -> bool {
        #[cfg(feature = "pkinit")]
        return self.pkinit.is_some();
        #[cfg(not(feature = "pkinit"))]
        false
    }

    /// The keys of krbtgt.
    #[must_use]
    pub const fn krbtgt_keys(&self) -> &Keys {
        &self.krbtgt
    }

    /// The newest key of krbtgt. Every realm has one.
    #[must_use]
    pub fn krbtgt_key(&self) -> Option<&Key> {
        self.krbtgt.current(self.krbtgt_enctype)
    }

    /// The enctypes of session keys that go with ticket-granting tickets.
    pub(super) fn krbtgt_enctypes(&self) -> &[EncType] {
        &self.policy.enctypes
    }

    /// The key that tickets for an account are sealed with.
    pub(super) fn ticket_key<'a>(&'a self, account: &'a Account) -> Option<&'a Key> {
        let rc4 = account.enctypes.is_none() && self.policy.compat.rc4_where_unset();
        let rc4 = rc4.then(|| account.keys.current(EncType::RC4_HMAC)).flatten();
        rc4.or_else(|| account.keys.preferred(self.enctypes(account)))
    }

    /// An account, by its sAMAccountName.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.get(self.by_name.get(&fold(name))?)
    }

    /// The same, to be changed.
    pub fn account_mut(&mut self, name: &str) -> Option<&mut Account> {
        self.accounts.get_mut(self.by_name.get(&fold(name))?)
    }

    /// All accounts, in the order of their RIDs.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// `Some(None)` if it is the UPN of two.
    pub(super) fn by_upn(&self, upn: &str) -> Option<Option<&Account>> {
        self.by_upn.get(&fold(upn)).map(|rids| self.the_only(Some(rids)))
    }

    pub(super) fn by_spn(&self, spn: &str) -> Option<&Account> {
        self.the_only(self.by_spn.get(spn))
    }

    pub(super) fn by_certificate(&self, der: &[u8]) -> Option<&Account> {
        self.the_only(self.by_certificate.get(der))
    }

    /// What two accounts claim finds neither.
    fn the_only(&self, rids: Option<&Vec<u32>>) -> Option<&Account> {
        match rids?.as_slice() {
            [rid] => self.accounts.get(rid),
            _ => None,
        }
    }

    /// An account's SID.
    #[must_use]
    pub fn sid(&self, account: &Account) -> Option<Sid> {
        self.domain_sid.with_rid(account.rid?)
    }

    /// A trust, by the other realm's name.
    #[must_use]
    pub fn trust(&self, realm: &str) -> Option<&Trust> {
        self.trusts.get(realm)
    }

    /// The same, to be changed.
    pub fn trust_mut(&mut self, realm: &str) -> Option<&mut Trust> {
        self.trusts.get_mut(realm)
    }

    /// All trusts.
    pub fn trusts(&self) -> impl Iterator<Item = &Trust> {
        self.trusts.values()
    }

    /// The enctypes of an account, in no order.
    #[must_use]
    pub fn enctypes<'a>(&'a self, account: &'a Account) -> &'a [EncType] {
        account.enctypes.as_deref().unwrap_or(&self.policy.enctypes)
    }

    /// The keys of an account as a keytab has them: under its sAMAccountName and each of its SPNs,
    /// old versions too.
    #[must_use]
    pub fn keytab(&self, account: &Account) -> Keytab {
        let names =
            account.spns.iter().filter_map(|spn| Principal::parse(spn, Some(&self.name)).ok());
        let own = Principal::new(Name::user(&account.name), &self.name);
        let entries = core::iter::once(own).chain(names).flat_map(|principal| {
            account.keys.all(self.enctypes(account)).map(move |(kvno, key)| KeytabEntry {
                principal: principal.clone(),
                timestamp: KerberosTime::default(),
                kvno,
                enctype: key.enctype(),
                key_bytes: zeroize::Zeroizing::new(key.as_bytes().to_vec()),
            })
        });
        Keytab { entries: entries.collect() }
    }
}

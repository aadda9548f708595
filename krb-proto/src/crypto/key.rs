use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use md5::Digest;
use zeroize::Zeroizing;

use super::constant_time::verify;
use super::derived::Derived;
use super::profile::{Checksumming, Profile, Sealing};
use super::rfc4757::{self, HmacMd5};
use super::usage_key::{UsageKey, checksum, open, seal};
use super::{CryptoError, constant_time_eq};
use crate::Random;
use crate::iana::{ChecksumType, EncType, KeyUsage};

/// The most iterations that string-to-key makes of one password: some tenths of a second. Whoever
/// answers in a KDC's place chooses the count, before anything is authenticated; MIT's bound, 16 times as
/// many, keeps a processor busy for seconds. KDCs ask for 4,096 or 32,768.
pub const MAX_ITERATIONS: u32 = 1 << 20;

/// The octets of the longest key.
const LONGEST: usize = 32;

/// The long-term, session or sub-key that messages name: an enctype and its secret octets.
///
/// Nothing is encrypted with these octets themselves: every [`KeyUsage`] has keys of its own,
/// derived from them when it is first asked for and kept as long as the key. Clones share the
/// octets and what is derived from them. All of it is wiped when the last of them is dropped; the
/// octets are never printed, and compared in constant time.
#[derive(Clone)]
pub struct Key {
    pub(super) profile: &'static Profile,
    // On the heap, so that moving a key leaves no copy of it behind.
    secret: Arc<Secret>,
}

struct Secret {
    /// As many as the enctype has.
    bytes: Zeroizing<[u8; LONGEST]>,
    sealing: Derived<dyn Sealing>,
    checksumming: Derived<dyn Checksumming>,
}

impl Key {
    /// A key from its octets (`keyvalue` of RFC 4120 section 5.2.9).
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncType`], [`CryptoError::KeyLength`], and
    /// [`CryptoError::DangerousEncType`] for RC4, which has [`Key::danger_new_rc4`].
    pub fn new(enctype: EncType, bytes: &[u8]) -> Result<Self, CryptoError> {
        Self::from_bytes(safe_profile(enctype)?, bytes)
    }

    /// An RC4-HMAC key from its 16 octets, which for an account are its NT hash. RC4 is broken:
    /// only for peers that have nothing else.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`].
    pub fn danger_new_rc4(bytes: &[u8]) -> Result<Self, CryptoError> {
        Self::from_bytes(&rfc4757::RC4, bytes)
    }

    /// The RC4-HMAC key of a password (RFC 4757 section 2). Whoever has this key has the account
    /// everywhere: no salt tells realms apart, and guessing costs one MD4 a password.
    #[must_use]
    pub fn danger_rc4_from_password(password: &str) -> Self {
        Self::from_secret(&rfc4757::RC4, &*rfc4757::string_to_key(password))
    }

    /// Another key of the same enctype (random-to-key, which changes nothing in any enctype here).
    #[cfg(feature = "spake")]
    pub(crate) fn sibling(&self, bytes: &[u8]) -> Result<Self, CryptoError> {
        Self::from_bytes(self.profile, bytes)
    }

    fn from_bytes(profile: &'static Profile, bytes: &[u8]) -> Result<Self, CryptoError> {
        if bytes.len() != profile.key_len {
            return Err(CryptoError::KeyLength);
        }
        Ok(Self::from_secret(profile, bytes))
    }

    fn from_secret(profile: &'static Profile, bytes: &[u8]) -> Self {
        let none = Zeroizing::new([0; LONGEST]);
        let none = Secret { bytes: none, sealing: Derived::none(), checksumming: Derived::none() };
        let mut secret = Arc::new(none);
        // Copied to where they stay, of which there is one owner yet.
        if let Some(secret) = Arc::get_mut(&mut secret) {
            secret.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
        Self { profile, secret }
    }

    /// A fresh random key, as for a sub-key.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncType`] and [`CryptoError::DangerousEncType`].
    pub fn generate(enctype: EncType, rng: &mut dyn Random) -> Result<Self, CryptoError> {
        Ok(Self::random(safe_profile(enctype)?, rng))
    }

    /// A fresh random key of this key's enctype, as for a subkey beside it.
    #[must_use]
    pub fn generate_alike(&self, rng: &mut dyn Random) -> Self {
        Self::random(self.profile, rng)
    }

    fn random(profile: &'static Profile, rng: &mut dyn Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; profile.key_len]);
        rng.fill(&mut bytes);
        Self::from_secret(profile, &bytes)
    }

    /// String-to-key (RFC 3962, RFC 8009 and RFC 6803, each section 4). `params` is the `s2kparams`
    /// of ETYPE-INFO2: an iteration count of 4 octets, or none for the enctype's default.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncType`], [`CryptoError::DangerousEncType`],
    /// [`CryptoError::BadParameters`], and [`CryptoError::IterationCount`] for less than the
    /// default, which would weaken the key, or more than [`MAX_ITERATIONS`]. A count of 0 stands
    /// for 2^32 and is too many.
    pub fn from_password(
        enctype: EncType,
        password: &[u8],
        salt: &[u8],
        params: Option<&[u8]>,
    ) -> Result<Self, CryptoError> {
        let profile = safe_profile(enctype)?;
        let least = profile.string_to_key.as_ref().map_or(0, |it| it.default_iterations);
        Self::from_password_at_least(profile, password, salt, params, least)
    }

    /// As [`Key::from_password`], but with an iteration count below the enctype's default if `params`
    /// say so. A count from a reply that nobody has authenticated lets an attacker try passwords as
    /// much faster: only for keys whose count is known to be the account's.
    ///
    /// # Errors
    /// As [`Key::from_password`]. A count of 0 stands for 2^32 and is too many here too.
    pub fn danger_from_password_with_any_count(
        enctype: EncType,
        password: &[u8],
        salt: &[u8],
        params: Option<&[u8]>,
    ) -> Result<Self, CryptoError> {
        Self::from_password_at_least(safe_profile(enctype)?, password, salt, params, 1)
    }

    fn from_password_at_least(
        profile: &'static Profile,
        password: &[u8],
        salt: &[u8],
        params: Option<&[u8]>,
        least: u32,
    ) -> Result<Self, CryptoError> {
        let string_to_key = profile
            .string_to_key
            .as_ref()
            .ok_or(CryptoError::UnsupportedEncType(profile.enctype))?;
        let iterations = match params {
            None => string_to_key.default_iterations,
            Some(params) => {
                u32::from_be_bytes(params.try_into().map_err(|_| CryptoError::BadParameters)?)
            }
        };
        if !(least..=MAX_ITERATIONS).contains(&iterations) {
            return Err(CryptoError::IterationCount);
        }
        let salt = [string_to_key.salt_prefix, salt].concat();
        let mut bytes = Zeroizing::new(vec![0; profile.key_len]);
        (string_to_key.derive)(password, &salt, iterations, &mut bytes);
        Ok(Self::from_secret(profile, &bytes))
    }

    /// Octets of a key of this enctype.
    #[cfg(feature = "pkinit")]
    pub(crate) fn length(enctype: EncType) -> Result<usize, CryptoError> {
        safe_profile(enctype).map(|profile| profile.key_len)
    }

    /// Which enctype this is a key of.
    #[must_use]
    pub fn enctype(&self) -> EncType {
        self.profile.enctype
    }

    /// The secret octets, for messages and files that carry the key itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.secret.bytes[..self.profile.key_len]
    }

    /// This key for one usage.
    #[must_use]
    pub fn for_usage(&self, usage: KeyUsage) -> UsageKey {
        UsageKey {
            profile: self.profile,
            sealing: (self.profile.sealing)(self.as_bytes(), usage),
            checksumming: (self.profile.checksumming)(self.as_bytes(), usage),
        }
    }

    /// Encrypts `plaintext`: the `cipher` octets of an EncryptedData.
    pub fn encrypt(&self, usage: KeyUsage, plaintext: &[u8], rng: &mut dyn Random) -> Vec<u8> {
        let mut message = Vec::new();
        self.with_sealing(usage, |sealing| {
            seal(self.profile, sealing, plaintext, rng, &mut message);
        });
        message
    }

    /// Decrypts the `cipher` octets of an EncryptedData, if their MAC is right.
    ///
    /// # Errors
    /// [`CryptoError::CiphertextTooShort`], [`CryptoError::IntegrityCheckFailed`].
    pub fn decrypt(
        &self,
        usage: KeyUsage,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.with_sealing(usage, |sealing| open(self.profile, sealing, ciphertext))
    }

    /// The type of the checksums that [`Key::checksum`] makes: the enctype's mandatory one.
    #[must_use]
    pub fn checksum_type(&self) -> ChecksumType {
        self.profile.checksum_type
    }

    /// How many octets [`Key::checksum`] makes.
    #[must_use]
    pub fn checksum_len(&self) -> usize {
        self.profile.checksum_len
    }

    /// A checksum of type [`Key::checksum_type`] over `data`.
    #[must_use]
    pub fn checksum(&self, usage: KeyUsage, data: &[u8]) -> Vec<u8> {
        let derive = || (self.profile.checksumming)(self.as_bytes(), usage);
        self.secret.checksumming.with(usage, derive, |checksumming| {
            checksum(self.profile.checksum_len, checksumming, data)
        })
    }

    /// Whether `checksum` is right. Only keyed types are accepted: the key's own
    /// ([`Key::checksum_type`]), and with every key KERB_CHECKSUM_HMAC_MD5, which PA-FOR-USER
    /// (MS-SFU 2.2.1) and the PAC signatures of old accounts (MS-PAC 2.8) have.
    ///
    /// # Errors
    /// [`CryptoError::ChecksumTypeNotAllowed`], [`CryptoError::IntegrityCheckFailed`].
    pub fn verify_checksum(
        &self,
        usage: KeyUsage,
        checksum_type: ChecksumType,
        data: &[u8],
        checksum: &[u8],
    ) -> Result<(), CryptoError> {
        let expected = if checksum_type == self.checksum_type() {
            self.checksum(usage, data)
        } else if checksum_type == ChecksumType::HMAC_MD5 {
            self.hmac_md5(usage, data).to_vec()
        } else {
            return Err(CryptoError::ChecksumTypeNotAllowed(checksum_type));
        };
        verify(&expected, checksum)
    }

    /// As [`Key::verify_checksum`], and with the unkeyed types rsa-md4, rsa-md5 and sha1 (14), which
    /// Windows has in authenticators: rsa-md5 in those of TGS-REQs and of some applications. Whoever
    /// can write the data can write such a checksum: it says something only where it is encrypted
    /// itself, and about the data next to nothing, MD4 and MD5 being broken.
    ///
    /// # Errors
    /// As [`Key::verify_checksum`].
    pub fn danger_verify_checksum(
        &self,
        usage: KeyUsage,
        checksum_type: ChecksumType,
        data: &[u8],
        checksum: &[u8],
    ) -> Result<(), CryptoError> {
        match checksum_type {
            ChecksumType::RSA_MD4 => verify(&md4::Md4::digest(data), checksum),
            ChecksumType::RSA_MD5 => verify(&md5::Md5::digest(data), checksum),
            ChecksumType::SHA1 => verify(&sha1::Sha1::digest(data), checksum),
            _ => self.verify_checksum(usage, checksum_type, data, checksum),
        }
    }

    /// KERB_CHECKSUM_HMAC_MD5 (RFC 4757 section 4, type -138) over `data`, whatever the enctype of
    /// the key.
    #[must_use]
    pub fn hmac_md5(&self, usage: KeyUsage, data: &[u8]) -> [u8; 16] {
        let mut out = [0; rfc4757::MAC];
        HmacMd5::new(self.as_bytes(), usage).checksum(data, &mut out);
        out
    }

    /// The enctype's pseudo-random function (RFC 3961 section 3) of `input`, of a length that is
    /// the enctype's.
    #[must_use]
    pub fn prf(&self, input: &[u8]) -> Zeroizing<Vec<u8>> {
        (self.profile.prf)(self.as_bytes(), input)
    }

    /// PRF+ (RFC 6113 section 5.1): `len` octets from `input`.
    ///
    /// # Errors
    /// [`CryptoError::OutputTooLong`] if more than 255 outputs of the PRF would be needed.
    pub fn prf_plus(&self, input: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut out = Zeroizing::new(Vec::with_capacity(len));
        let mut numbered = Zeroizing::new([&[0], input].concat());
        for number in 1..=u8::MAX {
            let missing = len - out.len();
            if missing == 0 {
                return Ok(out);
            }
            if let Some(first) = numbered.first_mut() {
                *first = number;
            }
            let block = self.prf(&numbered);
            out.extend(block.iter().take(missing));
        }
        if out.len() == len { Ok(out) } else { Err(CryptoError::OutputTooLong) }
    }

    /// KRB-FX-CF2 (RFC 6113 section 5.1): one key, of this key's enctype, from two.
    ///
    /// # Errors
    /// None for keys of the enctypes here; [`CryptoError::OutputTooLong`] by its signature.
    pub fn fx_cf2(
        &self,
        pepper: &[u8],
        other: &Self,
        other_pepper: &[u8],
    ) -> Result<Self, CryptoError> {
        let mut bytes = self.prf_plus(pepper, self.profile.key_len)?;
        let with = other.prf_plus(other_pepper, self.profile.key_len)?;
        bytes.iter_mut().zip(with.iter()).for_each(|(to, from)| *to ^= from);
        Ok(Self::from_secret(self.profile, &bytes))
    }

    fn with_sealing<R>(
        &self,
        usage: KeyUsage,
        with: impl FnOnce(&(dyn Sealing + 'static)) -> R,
    ) -> R {
        let derive = || (self.profile.sealing)(self.as_bytes(), usage);
        self.secret.sealing.with(usage, derive, with)
    }
}

/// The profile of an enctype that needs no warning.
fn safe_profile(enctype: EncType) -> Result<&'static Profile, CryptoError> {
    match enctype {
        EncType::RC4_HMAC => Err(CryptoError::DangerousEncType(enctype)),
        _ => Profile::of(enctype),
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.enctype())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.enctype() == other.enctype() && constant_time_eq(self.as_bytes(), other.as_bytes())
    }
}
impl Eq for Key {}

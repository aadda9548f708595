//! JWE in its compact form (RFC 7516), of one kind only: RSA-OAEP-256 and A256GCM (RFC 7518 sections
//! 4.3 and 5.3).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;
use zeroize::Zeroizing;

/// The longest text that is read, in bytes: a ticket with the largest PAC fits.
const MAX_LENGTH: usize = 512 * 1024;
const MAX_HEADER: usize = 1024;
/// Smaller keys are not taken (NIST SP 800-57); larger ones make each call cost too much.
const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
const TAG: usize = 16;

/// What tickets are encrypted for.
pub(super) struct JweKey(OaepPrivateDecryptingKey);

impl JweKey {
    /// A private key, PKCS #8 DER.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, &'static str> {
        let key = PrivateDecryptingKey::from_pkcs8(der);
        let key = key.map_err(|_| "it is no RSA private key in PKCS #8 (BEGIN PRIVATE KEY)")?;
        if !KEY_BITS.contains(&key.key_size_bits()) {
            return Err("the RSA key must have 2048 to 4096 bits");
        }
        OaepPrivateDecryptingKey::new(key).map(Self).map_err(|_| "the RSA key is not usable")
    }

    /// What a JWE holds; else what is wrong with it. Which step of decrypting failed is not told.
    pub(super) fn open(&self, jwe: &str) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        if jwe.len() > MAX_LENGTH {
            return Err("it is too long");
        }
        let mut parts = jwe.split('.');
        let parts = [(); 5].map(|()| parts.next().unwrap_or_default());
        if jwe.split('.').count() != parts.len() || parts[0].len() > MAX_HEADER {
            return Err("it is no JWE in compact form");
        }
        let [header, key, nonce, content, tag] = parts;
        let decode = |part| Base64UrlUnpadded::decode_vec(part).map_err(|_| "it is not base64url");
        check(&decode(header)?)?;
        let nonce = decode(nonce)?;
        let mut sealed = Zeroizing::new(decode(content)?);
        let tag = decode(tag)?;
        if tag.len() != TAG {
            return Err("its authentication tag is not 16 octets long");
        }
        sealed.extend(tag);
        self.decrypt(header, &decode(key)?, &nonce, sealed).ok_or("it does not decrypt")
    }

    fn decrypt(
        &self,
        header: &str,
        key: &[u8],
        nonce: &[u8],
        mut sealed: Zeroizing<Vec<u8>>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut room = Zeroizing::new(vec![0; self.0.min_output_size()]);
        let key = self.0.decrypt(&OAEP_SHA256_MGF1SHA256, key, &mut room, None).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = key.open_in_place(nonce, Aad::from(header), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }
}

/// The protected header: this kind, uncompressed (compressed, little text would be much), and
/// nothing that would have to be understood.
fn check(header: &[u8]) -> Result<(), &'static str> {
    let header: Value = serde_json::from_slice(header).map_err(|_| "its header is not JSON")?;
    let is = |name: &str, value: &str| header.get(name).and_then(Value::as_str) == Some(value);
    if !is("alg", "RSA-OAEP-256") || !is("enc", "A256GCM") {
        return Err("it is not of alg RSA-OAEP-256 and enc A256GCM");
    }
    if header.get("zip").is_some() || header.get("crit").is_some() {
        return Err("its header has zip or crit, which are not taken");
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod testing {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeySize, OaepPublicEncryptingKey};

    use super::*;

    pub(in super::super) fn key_pair() -> (JweKey, OaepPublicEncryptingKey) {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        (JweKey::from_pkcs8(der.as_ref()).unwrap(), public)
    }

    pub(in super::super) fn seal(
        public: &OaepPublicEncryptingKey,
        header: &str,
        content: &[u8],
    ) -> String {
        let base64 = Base64UrlUnpadded::encode_string;
        let header = base64(header.as_bytes());
        let mut wrapped = vec![0; public.ciphertext_size()];
        public.encrypt(&OAEP_SHA256_MGF1SHA256, &[3; 32], &mut wrapped, None).unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[3; 32]).unwrap());
        let (nonce, mut sealed) = ([5; 12], content.to_vec());
        let aad = Aad::from(header.as_bytes());
        let tag =
            key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        let (nonce, sealed, tag) = (base64(&nonce), base64(&sealed), base64(tag.unwrap().as_ref()));
        format!("{header}.{}.{nonce}.{sealed}.{tag}", base64(&wrapped))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{key_pair, seal};
    use super::*;

    const HEADER: &str = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"mcp"}"#;

    #[test]
    fn what_was_sealed_for_us_opens_and_nothing_that_was_changed() {
        let (key, public) = key_pair();
        let jwe = seal(&public, HEADER, b"a ticket");
        assert_eq!(*key.open(&jwe).unwrap(), b"a ticket");
        let another = key_pair().0;
        assert_eq!(another.open(&jwe), Err("it does not decrypt"));
        for place in (0..jwe.len()).step_by(7) {
            let mut changed = jwe.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(key.open(&changed).is_err(), "{place}");
        }
    }

    #[test]
    fn only_one_kind_is_taken() {
        let (key, public) = key_pair();
        for header in [
            r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
            r#"{"alg":"RSA1_5","enc":"A256GCM"}"#,
            r#"{"alg":"dir","enc":"A256GCM"}"#,
            r#"{"alg":"RSA-OAEP-256","enc":"A128CBC-HS256"}"#,
            r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#,
            r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["exp"]}"#,
            "[]",
            "",
        ] {
            assert!(key.open(&seal(&public, header, b"x")).is_err(), "{header}");
        }
        let jwe = seal(&public, HEADER, b"x");
        for text in ["", "a", "....", "a.b.c.d.e", &format!("{jwe}."), &format!("{jwe}.x")] {
            assert!(key.open(text).is_err(), "{text}");
        }
        assert_eq!(key.open(&"a".repeat(MAX_LENGTH + 1)), Err("it is too long"));
        let short = jwe.rsplit_once('.').unwrap().0.to_owned() + ".AAAA";
        assert_eq!(key.open(&short), Err("its authentication tag is not 16 octets long"));
    }
}

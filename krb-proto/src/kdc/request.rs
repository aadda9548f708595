use super::granted::Addresses;
use super::realm::Realm;
use super::refusal::Refusal;
use crate::asn1::{KdcReqBody, PaData, PrincipalName};
use crate::crypto::{CryptoError, Key};
use crate::der::{Encoded, List};
use crate::iana::{EncType, ErrorCode, KdcOptions, PaType};
use crate::preauth::find_padata;
use crate::{KerberosTime, Name, Random, Timestamp};

/// An AS-REQ or TGS-REQ, what FAST had in its armor taken out of it.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    /// Whose KDC is asked.
    pub(super) realm: &'a Realm,
    /// What the request says beside its body.
    pub(super) padata: List<'a, PaData<'a>>,
    /// Its body.
    pub(super) body: KdcReqBody<'a>,
    /// The body's DER.
    #[cfg_attr(
        not(any(feature = "pkinit", feature = "spake")),
        expect(dead_code, reason = "PKINIT and SPAKE read it")
    )]
    pub(super) body_der: &'a [u8],
    /// The DER of the body that stands outside of any armor.
    pub(super) outer_der: &'a [u8],
    /// The whole request as it came.
    #[cfg_attr(not(feature = "pkinit"), expect(dead_code, reason = "PKINIT reads it"))]
    pub(super) message: &'a [u8],
    /// The key of FAST's armor, if there is any.
    pub(super) armor: Option<&'a Key>,
    /// When it came.
    pub(super) now: KerberosTime,
}

impl<'a> Request<'a> {
    /// As it came.
    pub(super) fn new(
        realm: &'a Realm,
        message: &'a [u8],
        padata: Option<List<'a, PaData<'a>>>,
        body: &Encoded<'a, KdcReqBody<'a>>,
        now: Timestamp,
    ) -> Self {
        Self {
            realm,
            padata: padata.unwrap_or(List::of(&[])),
            body: **body,
            body_der: body.der(),
            outer_der: body.der(),
            message,
            armor: None,
            now: now.seconds,
        }
    }
}

impl Request<'_> {
    pub(super) fn options(&self) -> KdcOptions {
        KdcOptions(self.body.kdc_options.bits())
    }

    pub(super) fn find(&self, padata_type: PaType) -> Option<&[u8]> {
        find_padata(self.padata, padata_type)
    }

    /// The name of the service that is asked for.
    pub(super) fn service(&self) -> Result<Name, Refusal> {
        let missing = Refusal::new(ErrorCode::S_PRINCIPAL_UNKNOWN, "the request names no service");
        self.body.sname.as_ref().map(PrincipalName::to_name).ok_or(missing)
    }

    /// The addresses that the ticket shall be good from.
    pub(super) fn addresses(&self) -> Addresses {
        let addresses = self.body.addresses.iter().flat_map(|list| list.iter());
        addresses.map(|it| (it.addr_type, it.address.to_vec())).collect()
    }

    /// Does it ask for a ticket of nobody's (RFC 8062)?
    pub(super) fn is_anonymous(&self) -> bool {
        self.options().contains(KdcOptions::REQUEST_ANONYMOUS)
    }

    /// A fresh session key: of the first enctype in the client's order that the service has.
    pub(super) fn session_key(
        &self,
        service: &[EncType],
        rng: &mut dyn Random,
    ) -> Result<Key, Refusal> {
        let enctype = self.body.etype.iter().find(|enctype| service.contains(enctype));
        let text = "the client and the service have no enctype in common";
        let nothing = Refusal::new(ErrorCode::ETYPE_NOSUPP, text);
        random_key(enctype.ok_or(nothing.clone())?, rng).map_err(|_| nothing)
    }
}

/// A random key, also of RC4 where the realm's policy has let that through.
fn random_key(enctype: EncType, rng: &mut dyn Random) -> Result<Key, CryptoError> {
    if enctype != EncType::RC4_HMAC {
        return Key::generate(enctype, rng);
    }
    let mut bytes = zeroize::Zeroizing::new([0; 16]);
    rng.fill(&mut *bytes);
    Key::danger_new_rc4(&*bytes)
}

/// PA-SUPPORTED-ENCTYPES (MS-KILE 2.2.8): a service's enctypes as msDS-SupportedEncryptionTypes.
pub(super) fn supported_enctypes(enctypes: &[EncType]) -> [u8; 4] {
    let bit = |enctype: &EncType| match *enctype {
        EncType::RC4_HMAC => 0x04,
        EncType::AES128_CTS_HMAC_SHA1_96 => 0x08,
        EncType::AES256_CTS_HMAC_SHA1_96 => 0x10,
        EncType::AES128_CTS_HMAC_SHA256_128 => 0x40,
        EncType::AES256_CTS_HMAC_SHA384_192 => 0x80,
        _ => 0_u32,
    };
    enctypes.iter().map(bit).fold(0, |bits, bit| bits | bit).to_le_bytes()
}

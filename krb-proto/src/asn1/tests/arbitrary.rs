//! `decode(encode(x)) == x` for arbitrary messages of every type.

use std::format;
use std::vec::Vec;

use proptest::prelude::*;

use crate::asn1::*;
use crate::der::{self, Any, Encode, List, Oid, Sample, Source, keep};
use crate::spnego::{NegState, NegTokenInit, NegTokenResp};

impl<'a> Sample<'a> for NameString<'a> {
    fn sample(source: &mut Source<'a>) -> Self {
        let components: Vec<&[u8]> = List::<&[u8]>::sample(source).iter().collect();
        Self::Components(Vec::leak(components.into_iter().map(<[u8]>::to_vec).collect()))
    }
}

impl<'a> Sample<'a> for SecretOctets<'a> {
    fn sample(source: &mut Source<'a>) -> Self {
        Self(Sample::sample(source))
    }
}

impl<'a> Sample<'a> for AlgorithmIdentifier<'a> {
    fn sample(source: &mut Source<'a>) -> Self {
        let parameters = Option::<Any<'_>>::sample(source).map(|any| any.0);
        Self { algorithm: Oid::sample(source), parameters }
    }
}

impl<'a> Sample<'a> for Verifier<'a> {
    fn sample(source: &mut Source<'a>) -> Self {
        Self::Mac(Sample::sample(source))
    }
}

impl<'a> Sample<'a> for SignerIdentifier<'a> {
    fn sample(source: &mut Source<'a>) -> Self {
        match source.octet() % 2 {
            0 => Self::IssuerAndSerialNumber(Sample::sample(source)),
            _ => Self::SubjectKeyIdentifier(Sample::sample(source)),
        }
    }
}

impl<'a> Sample<'a> for IakerbRealm<'a> {
    fn sample(source: &mut Source<'a>) -> Self {
        match source.octet() % 2 {
            0 => Self::Utf8String(Sample::sample(source)),
            _ => Self::OctetString(Sample::sample(source)),
        }
    }
}

impl<'a> Sample<'a> for NegState {
    fn sample(source: &mut Source<'a>) -> Self {
        Self(Sample::sample(source))
    }
}

macro_rules! round_trips {
    ($source:ident: $($type:ty),+ $(,)?) => {$(
        let value = <$type>::sample(&mut Source($source));
        let der = der::encode(&value);
        prop_assert_eq!(value.encoded_len(), der.len(), "{}", stringify!($type));
        let decoded: $type = der::decode(&der)
            .map_err(|error| TestCaseError::fail(format!("{}: {error}", stringify!($type))))?;
        prop_assert_eq!(decoded, value);
        prop_assert_eq!(der::encode(&decoded), &der[..], "{}", stringify!($type));
    )+};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_message_is_what_it_was(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        let source: &[u8] = keep(bytes.into());
        round_trips!(
            source: AsReq<'_>, AsRep<'_>, TgsReq<'_>, TgsRep<'_>, KdcReqBody<'_>, ApReq<'_>,
            ApRep<'_>, Ticket<'_>, EncTicketPart<'_>, EncKdcRepPart<'_>, Authenticator<'_>,
            EncApRepPart<'_>, KrbSafe<'_>, KrbPriv<'_>, EncKrbPrivPart<'_>, KrbCred<'_>,
            EncKrbCredPart<'_>, KrbError<'_>, KerbErrorData<'_>, TypedData<'_>,
            AuthorizationData<'_>, List<'_, EtypeInfo2Entry<'_>>, List<'_, EtypeInfoEntry<'_>>,
            PaEncTsEnc, PaPacOptions<'_>, PaPacRequest, PaForUser<'_>, PaS4uX509User<'_>,
            AdKdcIssued<'_>, AdAndOr<'_>, AdCammac<'_>, KerbAdRestrictionEntry<'_>,
            PaFxFastRequest<'_>, PaFxFastReply<'_>, KrbFastReq<'_>, KrbFastResponse<'_>,
            KrbFastArmor<'_>, PaOtpChallenge<'_>, PaOtpRequest<'_>, PaOtpEncRequest<'_>,
            PaOtpPinChange<'_>, ChangePasswdData<'_>, KdcProxyMessage<'_>, KerbTgtRequest<'_>,
            KerbTgtReply<'_>, SubjectPublicKeyInfo<'_>, PaPkAsReq<'_>, PaPkAsRep<'_>,
            AuthPack<'_>, KdcDhKeyInfo<'_>, ReplyKeyPack<'_>, Krb5PrincipalName<'_>,
            OtherInfo<'_>, PkinitSuppPubInfo<'_>, TdDhParameters<'_>, TdTrustedCertifiers<'_>,
            TdCertDigestAlgorithmsData<'_>, PaSpake<'_>, ContentInfo<'_>, SignedData<'_>,
            IakerbHeader<'_>, IakerbFinished<'_>, NegTokenInit<'_>, NegTokenResp<'_>,
        );
    }
}

use alloc::vec::Vec;

use crate::asn1::*;
use crate::der::{self, Encode, List, Writer};

/// Whatever decodes encodes back byte for byte, but for members of later versions in types that may
/// have them; and an error lies within the input.
macro_rules! round_trip {
    ($input:ident: $($type:ty),+ $(,)?; extensible: $($extensible:ty),+ $(,)?) => {
        $(round_trip!(@one $input, $type, |_, _| false);)+
        $(round_trip!(@one $input, $extensible, |input, written| {
            written.len() < input.len()
                && der::decode::<$extensible>(written) == der::decode::<$extensible>(input)
        });)+
    };
    (@one $input:ident, $type:ty, $is_shorter:expr) => {
        match der::decode::<$type>($input) {
            Ok(value) => {
                let written = der::encode(&value);
                let is_shorter: fn(&[u8], &[u8]) -> bool = $is_shorter;
                assert!(written == $input || is_shorter($input, &written), stringify!($type));
                assert_eq!(value.encoded_len(), written.len(), stringify!($type));
                let again: $type = der::decode($input).expect("decoded before");
                assert_eq!(again, value, stringify!($type));
            }
            Err(error) => assert!(error.offset <= $input.len(), "{error}"),
        }
    };
}

/// Every ASN.1 type: what is accepted is written back as it came.
pub fn messages(input: &[u8]) {
    round_trip!(
        input: AsReq<'_>, AsRep<'_>, TgsReq<'_>, TgsRep<'_>, KdcReqBody<'_>, ApReq<'_>, ApRep<'_>,
        Ticket<'_>, EncTicketPart<'_>, Authenticator<'_>, EncApRepPart<'_>, KrbSafe<'_>,
        KrbPriv<'_>, EncKrbPrivPart<'_>, KrbCred<'_>, EncKrbCredPart<'_>, KrbError<'_>,
        KerbErrorData<'_>, List<'_, PaData<'_>>, List<'_, TypedData<'_>>, AuthorizationData<'_>,
        List<'_, EtypeInfo2Entry<'_>>, List<'_, EtypeInfoEntry<'_>>, PaEncTsEnc, PaPacOptions<'_>,
        PaPacRequest, PaForUser<'_>, PaS4uX509User<'_>, AdKdcIssued<'_>, AdAndOr<'_>, AdCammac<'_>,
        List<'_, KerbAdRestrictionEntry<'_>>, ChangePasswdData<'_>, KdcProxyMessage<'_>,
        KerbTgtRequest<'_>, KerbTgtReply<'_>, AlgorithmIdentifier<'_>, ContentInfo<'_>,
        SignedData<'_>, SubjectPublicKeyInfo<'_>, Krb5PrincipalName<'_>, OtherInfo<'_>,
        TdDhParameters<'_>, TdTrustedCertifiers<'_>, TdInvalidCertificates<'_>,
        TdCmsDigestAlgorithmsData<'_>, AdInitialVerifiedCas<'_>;
        extensible: PaFxFastRequest<'_>, PaFxFastReply<'_>, KrbFastReq<'_>, KrbFastResponse<'_>,
        KrbFastArmor<'_>, PaOtpChallenge<'_>, PaOtpRequest<'_>, PaOtpEncRequest<'_>,
        PaOtpPinChange<'_>, IakerbHeader<'_>, IakerbFinished<'_>, PaSpake<'_>, PaPkAsReq<'_>,
        PaPkAsRep<'_>, AuthPack<'_>, KdcDhKeyInfo<'_>, ReplyKeyPack<'_>, PkinitSuppPubInfo<'_>,
        TdCertDigestAlgorithmsData<'_>,
    );
    if let Ok(part) = EncKdcRepPart::from_der(input) {
        let mut writer = Writer::new();
        part.write(input.first().copied().unwrap_or_default(), &mut writer);
        assert_eq!(writer.as_slice(), input);
    }
    if let Ok(error) = der::decode::<KrbError<'_>>(input) {
        let _ = error.data().and_then(|data| data.nt_status());
    }
    if let Ok(ticket) = der::decode::<Ticket<'_>>(input) {
        let server = ticket.sname.in_realm(ticket.realm);
        let names: Vec<&[u8]> = ticket.sname.name_string.iter().collect();
        assert_eq!(server.name.components, names);
    }
}

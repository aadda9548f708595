//! What attackers do to messages: leave members out, nest without end, hide behind a NUL.

use std::collections::BTreeSet;
use std::string::ToString;

use super::*;
use crate::Principal;
use crate::der::DecodeErrorKind;
use crate::der::absent::without_each_member;
use crate::preauth::{default_salt, for_user_checksum_input};

/// The tags of those members behind `path` that may be left out, as RFC 4120 and its extensions
/// have them.
macro_rules! optional {
    ($($type:ty: $name:literal [$($path:literal)*] = [$($tag:literal)*];)*) => {$(
        let der = reference($name);
        let taken: BTreeSet<u8> = without_each_member(&der)
            .into_iter()
            .filter(|(_, without)| der::decode::<$type>(without).is_ok())
            .filter_map(|(path, _)| Some(*path.strip_prefix(&[$($path),*])?.last()? & 0x1f))
            .collect();
        assert_eq!(taken, BTreeSet::from([$($tag),*]), "{} of {}", stringify!($type), $name);
    )*};
}

#[test]
fn members_that_are_optional_may_be_absent_and_no_others() {
    optional! {
        Authenticator<'_>: "authenticator" [0x62] = [3 6 7 8];
        Ticket<'_>: "ticket" [] = [1];
        EncTicketPart<'_>: "enc_tkt_part" [0x63] = [6 8 9 10];
        AsReq<'_>: "as_req" [0x6a 0x30 0xa4 0x30] = [1 3 4 6 9 10 11];
        TgsReq<'_>: "tgs_req" [0x6c 0x30 0xa4 0x30] = [1 3 4 6 9 10 11];
        AsRep<'_>: "as_rep" [0x6b] = [1 2];
        TgsRep<'_>: "tgs_rep" [0x6d] = [1 2];
        ApReq<'_>: "ap_req" [] = [1];
        ApRep<'_>: "ap_rep" [] = [1];
        EncApRepPart<'_>: "ap_rep_enc_part" [] = [2 3];
        KrbError<'_>: "error" [] = [2 3 7 8 11 12];
        KrbSafe<'_>: "safe" [] = [1 2 3 5];
        EncKrbPrivPart<'_>: "enc_priv_part" [] = [1 2 3 5];
        KrbCred<'_>: "cred" [] = [1];
        EncKrbCredPart<'_>: "enc_cred_part" [0x7d 0x30 0xa0] = [1 2 3 4 5 6 7 8 9 10];
        AdKdcIssued<'_>: "ad_kdcissued" [] = [1 2];
        AdCammac<'_>: "cammac" [] = [0 1 2 3];
        PaForUser<'_>: "pa_for_user" [] = [];
        PaS4uX509User<'_>: "pa_s4u_x509_user" [] = [1 3 4];
        KrbFastResponse<'_>: "fast_response" [] = [1 2];
        OtpTokenInfo<'_>: "otp_tokeninfo" [] = [1 2 3 4 5 6 7 8];
        KdcProxyMessage<'_>: "kkdcp_message" [] = [1];
        List<'_, EtypeInfo2Entry<'_>>: "etype_info2" [] = [1 2];
        List<'_, TypedData<'_>>: "typed_data" [] = [1];
        EncryptedData<'_>: "enc_data" [] = [1];
    }
}

/// Values in values, each of the same tag, 64 KB of them.
fn nested(tag: u8, indefinite: bool) -> Vec<u8> {
    if indefinite {
        return [tag, 0x80].repeat(32_000);
    }
    let mut writer = der::Writer::new();
    for _ in 0..16_000 {
        writer.close(tag, 0);
    }
    writer.into_vec()
}

/// The reader goes as deep as a type is declared, and no deeper: there is nothing to overflow.
#[test]
fn nesting_without_end_is_refused_at_its_beginning() {
    macro_rules! refuses {
        ($($type:ty),*) => {$(
            for tag in [0x30, 0x61, 0x63, 0x6b, 0x6e, 0x7e, 0xa0, 0xa1] {
                let error = der::decode::<$type>(&nested(tag, false)).unwrap_err();
                assert!(error.offset < 64, "{} {tag:02x}: {error}", stringify!($type));
                let error = der::decode::<$type>(&nested(tag, true)).unwrap_err();
                assert!(
                    error.offset < 2 && error.kind != DecodeErrorKind::Truncated,
                    "{} {tag:02x}: {error}",
                    stringify!($type)
                );
            }
        )*};
    }
    refuses!(
        AuthorizationData<'_>,
        Ticket<'_>,
        EncTicketPart<'_>,
        AsRep<'_>,
        ApReq<'_>,
        KrbError<'_>,
        PaFxFastReply<'_>,
        AlgorithmIdentifier<'_>
    );
}

#[test]
fn a_nul_ends_no_name() {
    let name = Name::user("alice\0.evil");
    let der = der::encode(&PrincipalName::from(&name));
    let read: PrincipalName<'_> = der::decode(&der).unwrap();
    assert_eq!(read.to_name(), name);
    assert!(!read.to_name().same_components(&Name::user("alice")));
    let principal = Principal::new(name, "EXAMPLE");
    assert_eq!(principal.to_string(), "alice\\0.evil@EXAMPLE");
    assert_eq!(Principal::parse(&principal.to_string(), None).unwrap(), principal);
    assert_eq!(default_salt(&principal), b"EXAMPLEalice\0.evil");
    assert!(for_user_checksum_input(&principal).ends_with(b"alice\0.evilEXAMPLEKerberos"));
}

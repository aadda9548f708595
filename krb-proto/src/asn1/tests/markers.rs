//! Which types have ASN.1's extension marker "...", as the module of each RFC says: there, and there
//! only, members of later versions are passed over.

use std::vec::Vec;

use super::*;
use crate::der::{Any, DecodeErrorKind, Sample, Source, keep};
use crate::oracles::tests::assert_seed;
use crate::spnego::{NegTokenInit, NegTokenResp};

/// Behind the last of every type's members.
const LATER: &[u8] = b"\xbe\x03\x02\x01\x2a";

/// The SEQUENCE `der`, which may stand behind an APPLICATION tag, with something more at its end.
fn with_more(der: &[u8], more: &[u8]) -> Vec<u8> {
    let mut reader = der::Reader::new(der);
    let tag = reader.peek_tag().unwrap();
    let contents = reader.enter(tag).unwrap().rest();
    let inner = if tag == 0x30 { [contents, more].concat() } else { with_more(contents, more) };
    let mut writer = der::Writer::new();
    writer.prepend(&inner);
    writer.close(tag, 0);
    writer.into_vec()
}

/// What every type's value is made of.
fn source() -> Source<'static> {
    Source(keep((0..1500_u32).map(|n| (n * 7 % 251) as u8).collect()))
}

/// Each type with the marker, by the module that has it.
macro_rules! extensible {
    ($($module:literal: $($type:ident)*;)*) => {{
        $($(
            let der = der::encode(&<$type<'_>>::sample(&mut source()));
            let value: $type<'_> = der::decode(&der).unwrap();
            let name = stringify!($type);
            let decode = |der: &[u8]| der::decode::<$type<'_>>(der).map(|_| ()).map_err(|e| e.kind);
            assert_eq!(der::decode::<$type<'_>>(&with_more(&der, LATER)), Ok(value), "{name}");
            assert_eq!(decode(&with_more(&der, &[LATER, LATER].concat())), Ok(()), "{name}");
            // But not what is cut off, is one of its own members, has no context tag or a long one.
            let cut = with_more(&der, b"\xbe\x04\x02\x01\x2a");
            assert_eq!(decode(&cut), Err(DecodeErrorKind::Truncated), "{name}");
            for more in [&b"\xa0\x03\x02\x01\x2a"[..], b"\x02\x01\x2a", b"\x7e\x00", b"\xbf\x1f\x00"] {
                let more = with_more(&der, more);
                assert_eq!(decode(&more), Err(DecodeErrorKind::TrailingData), "{name}");
            }
        )*)*
        [$($(stringify!($type)),*),*]
    }};
}

/// Each type without it.
macro_rules! closed {
    ($($module:literal: $($type:ident $(<$life:lifetime>)?)*;)*) => {{
        $($(
            let der = der::encode(&<$type $(<$life>)?>::sample(&mut source()));
            let name = stringify!($type);
            assert!(der::decode::<$type $(<$life>)?>(&der).is_ok(), "{name}");
            let later = with_more(&der, LATER);
            assert!(der::decode::<$type $(<$life>)?>(&later).is_err(), "{name}");
        )*)*
        [$($(stringify!($type)),*),*]
    }};
}

#[test]
fn members_of_later_versions_are_passed_over_where_the_marker_is_and_nowhere_else() {
    let extensible = extensible! {
        "draft-ietf-kitten-iakerb section 3": IakerbHeader IakerbFinished;
        "MS-SFU 2.2.2": S4uUserId;
        "RFC 4178 section 4.2": NegTokenInit NegTokenResp;
        "RFC 4556 appendix A":
            PaPkAsReq ExternalPrincipalIdentifier AuthPack PkAuthenticator DhRepInfo KdcDhKeyInfo
            ReplyKeyPack;
        "RFC 6113 appendix C":
            KrbFastArmor KrbFastArmoredReq KrbFastReq KrbFastArmoredRep KrbFastResponse
            KrbFastFinished;
        "RFC 6560 appendix A":
            OtpTokenInfo PaOtpChallenge PaOtpRequest PaOtpEncRequest PaOtpPinChange;
        "RFC 8636 appendix B": TdCertDigestAlgorithmsData KdfAlgorithmId PkinitSuppPubInfo;
        "RFC 9588 appendix A": SpakeSupport SpakeChallenge SpakeResponse;
    };
    let closed = closed! {
        "draft-swift-win2k-krb-user2user section 3": KerbTgtRequest<'_> KerbTgtReply<'_>;
        "MS-KILE 2.2":
            KerbErrorData<'_> PaPacRequest PaPacOptions<'_> KerbAdRestrictionEntry<'_>;
        "MS-KKDCP 2.2.2": KdcProxyMessage<'_>;
        "MS-PKCA 2.2.3": PaChecksum2<'_>;
        "MS-SFU 2.2": PaForUser<'_> PaS4uX509User<'_>;
        "RFC 3244 section 2": ChangePasswdData<'_>;
        "RFC 4120 appendix A":
            PrincipalName<'_> HostAddress<'_> AuthorizationDataElement<'_> PaData<'_>
            EncryptedData<'_> EncryptionKey<'_> Checksum<'_> Ticket<'_> TransitedEncoding<'_>
            EncTicketPart<'_> LastReqEntry EncKdcRepPart<'_> KdcReqBody<'_> AsReq<'_> TgsReq<'_>
            AsRep<'_> TgsRep<'_> ApReq<'_> Authenticator<'_> ApRep<'_> EncApRepPart<'_>
            KrbSafe<'_> KrbSafeBody<'_> KrbPriv<'_> EncKrbPrivPart<'_> KrbCred<'_>
            KrbCredInfo<'_> EncKrbCredPart<'_> KrbError<'_> TypedData<'_> PaEncTsEnc
            EtypeInfoEntry<'_> EtypeInfo2Entry<'_> AdKdcIssued<'_> AdAndOr<'_>;
        "RFC 4556 appendix A": Krb5PrincipalName<'_>;
        "RFC 5280 section 4.1": SubjectPublicKeyInfo<'_>;
        "RFC 5652":
            ContentInfo<'_> SignedData<'_> EncapsulatedContentInfo<'_> SignerInfo<'_>
            Attribute<'_> IssuerAndSerialNumber<'_>;
        "RFC 7751 section 3": AdCammac<'_> VerifierMac<'_>;
        "RFC 8636 section 6": OtherInfo<'_>;
        "RFC 9588 appendix A": SpakeSecondFactor<'_>;
    };
    // Whoever declares a type says here which it is.
    for file in DECLARATIONS {
        for (block, _) in file.match_indices("sequence! {") {
            let block = file[block..].split("\n}\n").next().unwrap();
            for declared in block.split("pub struct ").skip(1) {
                let name = declared.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                let marked = declared.split("    }\n").next().unwrap().contains("    ...\n");
                let listed: &[&str] = if marked { &extensible } else { &closed };
                assert!(listed.contains(&name), "{name} is not listed, or on the wrong side");
            }
        }
    }
}

const DECLARATIONS: &[&str] = &[
    include_str!("../ap.rs"),
    include_str!("../algorithm.rs"),
    include_str!("../authorization.rs"),
    include_str!("../base.rs"),
    include_str!("../cms.rs"),
    include_str!("../cred.rs"),
    include_str!("../encrypted_part.rs"),
    include_str!("../error.rs"),
    include_str!("../fast.rs"),
    include_str!("../iakerb.rs"),
    include_str!("../kdc.rs"),
    include_str!("../kpasswd.rs"),
    include_str!("../otp.rs"),
    include_str!("../pa_data.rs"),
    include_str!("../pkinit.rs"),
    include_str!("../protected.rs"),
    include_str!("../proxy.rs"),
    include_str!("../s4u.rs"),
    include_str!("../spake.rs"),
    include_str!("../user_to_user.rs"),
    include_str!("../../spnego/token.rs"),
];

#[test]
fn an_alternative_of_a_later_version_is_named_as_such() {
    fn kind<'a, T: Decode<'a>>(der: &'a [u8]) -> DecodeErrorKind {
        der::decode::<T>(der).err().unwrap().kind
    }
    let later = DecodeErrorKind::UnknownAlternative { tag: 0xbe };
    assert_eq!(kind::<PaSpake<'_>>(LATER), later);
    assert_eq!(kind::<PaFxFastRequest<'_>>(LATER), later);
    assert_eq!(kind::<PaFxFastReply<'_>>(LATER), later);
    assert_eq!(kind::<PaPkAsRep<'_>>(LATER), later);
    assert_eq!(kind::<PaSpake<'_>>(b"\x30\x00"), DecodeErrorKind::NoAlternative);
    assert_eq!(kind::<PaSpake<'_>>(b""), DecodeErrorKind::NoAlternative);

    // A verifier that is not known spoils no CAMMAC.
    let others = [Verifier::Other(Any(LATER)), Verifier::sample(&mut source())];
    let elements = List::of(&[]);
    let (kdc_verifier, svc_verifier) = (None, None);
    let other_verifiers = Some(List::of(&others));
    let cammac = AdCammac { elements, kdc_verifier, svc_verifier, other_verifiers };
    let der = der::encode(&cammac);
    assert_eq!(der::decode::<AdCammac<'_>>(&der), Ok(cammac));
}

/// Windows Server 2025 sends flags in a member `[3]`.
#[test]
fn the_iakerb_header_of_windows_2025_is_read() {
    let header = b"\x30\x17\xa1\x0c\x0c\x0aEXAMPLEDOM\xa3\x07\x03\x05\0\0\0\0\0";
    assert_seed("messages", "iakerb-header-windows-2025", header);
    let header: IakerbHeader<'_> = der::decode(header).unwrap();
    assert_eq!((header.target_realm.octets(), header.cookie), (&b"EXAMPLEDOM"[..], None));
}

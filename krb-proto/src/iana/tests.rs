use std::format;
use std::string::ToString;

use super::*;

#[test]
fn numbers_that_have_names_print_them() {
    assert_eq!(EncType::AES256_CTS_HMAC_SHA1_96.to_string(), "aes256-cts-hmac-sha1-96");
    assert_eq!(EncType(16).to_string(), "des3-cbc-sha1-kd");
    assert_eq!(format!("{:?}", EncType(-133)), "EncType(rc4-hmac-old)");
    assert_eq!(ErrorCode(27).to_string(), "KDC_ERR_MUST_USE_USER2USER");
    assert_eq!(ErrorCode(69).name(), Some("KRB_AP_ERR_USER_TO_USER_REQUIRED"));
    assert_eq!(NameType(-128).to_string(), "NT-MS-PRINCIPAL");
    assert_eq!(PaType(161).to_string(), "KERB-KEY-LIST-REQ");
    assert_eq!(AdType(97).to_string(), "AD-AUTHENTICATION-INDICATOR");
    assert_eq!(ChecksumType(14).to_string(), "sha1");
    assert_eq!(MessageType(17).to_string(), "KERB_TGT_REPLY");
    // An unknown one is its number.
    assert_eq!((EncType(4711).to_string(), EncType(4711).name()), ("4711".to_string(), None));
    assert_eq!(format!("{:?}", ErrorCode(-5)), "ErrorCode(-5)");
    // In a message too.
    assert_eq!(format!("{:?}", crate::der::Int::<14>), "14");
}

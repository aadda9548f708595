use super::registry;

registry! {
    /// Pre-authentication data types (IANA "Pre-authentication and Typed Data").
    PaType(i32) {
        /// AP-REQ of a TGS-REQ (RFC 4120 section 5.2.7.1).
        TGS_REQ = 1, "PA-TGS-REQ";
        /// RFC 4120 section 5.2.7.2.
        ENC_TIMESTAMP = 2, "PA-ENC-TIMESTAMP";
        /// RFC 4120 section 5.2.7.3; in AD's e-data the number carries KERB-EXT-ERROR.
        PW_SALT = 3, "PA-PW-SALT";
        /// RFC 4120 section 5.2.7.4.
        ETYPE_INFO = 11, "PA-ETYPE-INFO";
        /// RFC 4556.
        PK_AS_REQ = 16, "PA-PK-AS-REQ";
        /// RFC 4556.
        PK_AS_REP = 17, "PA-PK-AS-REP";
        /// RFC 4120 section 5.2.7.5.
        ETYPE_INFO2 = 19, "PA-ETYPE-INFO2";
        /// RFC 4556 section 3.2.2.
        TD_TRUSTED_CERTIFIERS = 104, "TD-TRUSTED-CERTIFIERS";
        /// RFC 4556 section 3.2.2.
        TD_INVALID_CERTIFICATES = 105, "TD-INVALID-CERTIFICATES";
        /// RFC 4556 section 3.2.2.
        TD_DH_PARAMETERS = 109, "TD-DH-PARAMETERS";
        /// RFC 8636 section 4.
        TD_CMS_DIGEST_ALGORITHMS = 111, "TD-CMS-DIGEST-ALGORITHMS";
        /// RFC 8636 section 5.
        TD_CERT_DIGEST_ALGORITHMS = 112, "TD-CERT-DIGEST-ALGORITHMS";
        /// MS-KILE 2.2.3.
        PAC_REQUEST = 128, "PA-PAC-REQUEST";
        /// MS-SFU 2.2.1.
        FOR_USER = 129, "PA-FOR-USER";
        /// MS-SFU 2.2.2.
        S4U_X509_USER = 130, "PA-S4U-X509-USER";
        /// RFC 6113.
        FX_COOKIE = 133, "PA-FX-COOKIE";
        /// RFC 6113.
        FX_FAST = 136, "PA-FX-FAST";
        /// RFC 6113.
        FX_ERROR = 137, "PA-FX-ERROR";
        /// RFC 6113.
        ENCRYPTED_CHALLENGE = 138, "PA-ENCRYPTED-CHALLENGE";
        /// RFC 6560.
        OTP_CHALLENGE = 141, "PA-OTP-CHALLENGE";
        /// RFC 6560.
        OTP_REQUEST = 142, "PA-OTP-REQUEST";
        /// RFC 6560.
        OTP_PIN_CHANGE = 144, "PA-OTP-PIN-CHANGE";
        /// RFC 8062 section 7.
        PKINIT_KX = 147, "PA-PKINIT-KX";
        /// RFC 6806 section 11.
        REQ_ENC_PA_REP = 149, "PA-REQ-ENC-PA-REP";
        /// RFC 8070.
        AS_FRESHNESS = 150, "PA-AS-FRESHNESS";
        /// RFC 9588.
        SPAKE = 151, "PA-SPAKE";
        /// MS-KILE 2.2.8.
        SUPPORTED_ENCTYPES = 165, "PA-SUPPORTED-ENCTYPES";
        /// MS-KILE 2.2.10.
        PAC_OPTIONS = 167, "PA-PAC-OPTIONS";
    } also {
        5 = "PA-ENC-UNIX-TIME";
        6 = "PA-SANDIA-SECUREID";
        7 = "PA-SESAME";
        8 = "PA-OSF-DCE";
        9 = "PA-CYBERSAFE-SECUREID";
        10 = "PA-AFS3-SALT";
        12 = "PA-SAM-CHALLENGE";
        13 = "PA-SAM-RESPONSE";
        14 = "PA-PK-AS-REQ-OLD";
        15 = "PA-PK-AS-REP-OLD";
        18 = "PA-PK-OCSP-RESPONSE";
        20 = "PA-SVR-REFERRAL-INFO";
        21 = "PA-SAM-REDIRECT";
        22 = "TD-PADATA";
        23 = "PA-SAM-ETYPE-INFO";
        24 = "PA-ALT-PRINC";
        25 = "PA-SERVER-REFERRAL";
        30 = "PA-SAM-CHALLENGE2";
        31 = "PA-SAM-RESPONSE2";
        41 = "PA-EXTRA-TGT";
        101 = "TD-PKINIT-CMS-CERTIFICATES";
        102 = "TD-KRB-PRINCIPAL";
        103 = "TD-KRB-REALM";
        106 = "TD-CERTIFICATE-INDEX";
        107 = "TD-APP-DEFINED-ERROR";
        108 = "TD-REQ-NONCE";
        132 = "PA-AS-CHECKSUM";
        134 = "PA-AUTHENTICATION-SET";
        135 = "PA-AUTH-SET-SELECTED";
        143 = "PA-OTP-CONFIRM";
        148 = "PA-PKU2U-NAME";
        161 = "KERB-KEY-LIST-REQ";
        162 = "KERB-KEY-LIST-REP";
    }
}

use super::registry;

registry! {
    /// Authorization data types (RFC 4120 section 7.5.4, MS-KILE 2.2).
    AdType(i32) {
        /// RFC 4120 section 5.2.6.1.
        IF_RELEVANT = 1, "AD-IF-RELEVANT";
        /// RFC 4120 section 5.2.6.2.
        KDC_ISSUED = 4, "AD-KDCIssued";
        /// RFC 4120 section 5.2.6.3.
        AND_OR = 5, "AD-AND-OR";
        /// RFC 6113 section 5.4.2: the ticket may be FAST armor only.
        FX_FAST_ARMOR = 71, "AD-fx-fast-armor";
        /// RFC 6113 section 5.4.2: the AP-REQ may be FAST armor only.
        FX_FAST_USED = 72, "AD-fx-fast-used";
        /// RFC 7751.
        CAMMAC = 96, "AD-CAMMAC";
        /// MS-PAC: the privilege attribute certificate.
        WIN2K_PAC = 128, "AD-WIN2K-PAC";
        /// RFC 4537: enctypes the initiator can use for an acceptor subkey.
        ETYPE_NEGOTIATION = 129, "AD-ETYPE-NEGOTIATION";
        /// KERB_AUTH_DATA_TOKEN_RESTRICTIONS (MS-KILE 2.2.6).
        TOKEN_RESTRICTIONS = 141, "KERB-AUTH-DATA-TOKEN-RESTRICTIONS";
        /// AD-AUTH-DATA-AP-OPTIONS (MS-KILE 3.2.5.8): four bytes, little-endian; 0x4000 says that
        /// the client sends channel bindings whenever it has them.
        AP_OPTIONS = 143, "AD-AUTH-DATA-AP-OPTIONS";
        /// KERB_AUTH_DATA_CLIENT_TARGET (MS-KILE 3.2.5.8): the target's name in UTF-16.
        CLIENT_TARGET = 144, "AD-TARGET-PRINCIPAL";
    } also {
        8 = "AD-MANDATORY-FOR-KDC";
        9 = "AD-INITIAL-VERIFIED-CAS";
        64 = "OSF-DCE";
        65 = "SESAME";
        66 = "AD-OSF-DCE-PKI-CERTID";
        70 = "AD-authentication-strength";
        97 = "AD-AUTHENTICATION-INDICATOR";
        142 = "KERB-LOCAL";
    }
}

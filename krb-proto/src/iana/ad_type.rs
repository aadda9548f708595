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
        /// RFC 7751.
        CAMMAC = 96, "AD-CAMMAC";
        /// MS-PAC: the privilege attribute certificate.
        WIN2K_PAC = 128, "AD-WIN2K-PAC";
        /// RFC 4537: enctypes the initiator can use for an acceptor subkey.
        ETYPE_NEGOTIATION = 129, "AD-ETYPE-NEGOTIATION";
    }
}

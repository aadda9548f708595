use super::registry;

registry! {
    /// Principal name types (RFC 4120 section 6.2, RFC 6806 section 5, RFC 8062).
    NameType(i32) {
        /// Name type not known.
        UNKNOWN = 0, "NT-UNKNOWN";
        /// Just the name of the principal, as in a user name.
        PRINCIPAL = 1, "NT-PRINCIPAL";
        /// Service and other unique instance (krbtgt).
        SRV_INST = 2, "NT-SRV-INST";
        /// Service with host name as instance.
        SRV_HST = 3, "NT-SRV-HST";
        /// Encoded X.509 distinguished name.
        X500_PRINCIPAL = 6, "NT-X500-PRINCIPAL";
        /// One component that looks like `user@suffix` (RFC 6806).
        ENTERPRISE = 10, "NT-ENTERPRISE";
        /// Well-known names (RFC 6111).
        WELLKNOWN = 11, "NT-WELLKNOWN";
    } also {
        4 = "NT-SRV-XHST";
        5 = "NT-UID";
        7 = "NT-SMTP-NAME";
        12 = "NT-SRV-HST-DOMAIN";
        -128 = "NT-MS-PRINCIPAL";
        -129 = "NT-MS-PRINCIPAL-AND-ID";
        -130 = "NT-ENT-PRINCIPAL-AND-ID";
    }
}

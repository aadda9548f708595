use super::registry;

registry! {
    /// `ulType` of PAC_INFO_BUFFER (MS-PAC 2.4): what a buffer of a PAC holds.
    PacBufferType(u32) {
        /// KERB_VALIDATION_INFO (MS-PAC 2.5).
        LOGON_INFO = 1, "LOGON_INFO";
        /// PAC_CREDENTIAL_INFO (MS-PAC 2.6).
        CREDENTIAL_INFO = 2, "CREDENTIAL_INFO";
        /// PAC_SIGNATURE_DATA with the service's key (MS-PAC 2.8.4).
        SERVER_SIGNATURE = 6, "SERVER_SIGNATURE";
        /// PAC_SIGNATURE_DATA over the server signature, with krbtgt's key (MS-PAC 2.8.5).
        KDC_SIGNATURE = 7, "KDC_SIGNATURE";
        /// PAC_CLIENT_INFO (MS-PAC 2.7).
        CLIENT_INFO = 10, "CLIENT_INFO";
        /// S4U_DELEGATION_INFO (MS-PAC 2.9).
        DELEGATION_INFO = 11, "DELEGATION_INFO";
        /// UPN_DNS_INFO (MS-PAC 2.10).
        UPN_DNS_INFO = 12, "UPN_DNS_INFO";
        /// PAC_CLIENT_CLAIMS_INFO (MS-PAC 2.11).
        CLIENT_CLAIMS = 13, "CLIENT_CLAIMS";
        /// PAC_DEVICE_INFO (MS-PAC 2.12).
        DEVICE_INFO = 14, "DEVICE_INFO";
        /// PAC_DEVICE_CLAIMS_INFO (MS-PAC 2.13).
        DEVICE_CLAIMS = 15, "DEVICE_CLAIMS";
        /// PAC_SIGNATURE_DATA over the ticket, with krbtgt's key (MS-PAC 2.8.2).
        TICKET_SIGNATURE = 16, "TICKET_SIGNATURE";
        /// PAC_ATTRIBUTES_INFO (MS-PAC 2.14).
        ATTRIBUTES = 17, "ATTRIBUTES";
        /// PAC_REQUESTOR (MS-PAC 2.15).
        REQUESTOR = 18, "REQUESTOR";
        /// PAC_SIGNATURE_DATA over the whole PAC, with krbtgt's key (MS-PAC 2.8.3).
        EXTENDED_KDC_SIGNATURE = 19, "EXTENDED_KDC_SIGNATURE";
    }
}

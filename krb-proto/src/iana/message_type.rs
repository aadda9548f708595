use super::registry;

registry! {
    /// Message types: the APPLICATION tag numbers of RFC 4120 section 5.10.
    MessageType(u8) {
        /// Request for initial authentication.
        AS_REQ = 10, "KRB_AS_REQ";
        /// Response to AS-REQ.
        AS_REP = 11, "KRB_AS_REP";
        /// Request for authentication based on a TGT.
        TGS_REQ = 12, "KRB_TGS_REQ";
        /// Response to TGS-REQ.
        TGS_REP = 13, "KRB_TGS_REP";
        /// Application request to a server.
        AP_REQ = 14, "KRB_AP_REQ";
        /// Response to AP-REQ for mutual authentication.
        AP_REP = 15, "KRB_AP_REP";
        /// Safe (checksummed) application message.
        SAFE = 20, "KRB_SAFE";
        /// Private (encrypted) application message.
        PRIV = 21, "KRB_PRIV";
        /// Message that forwards credentials.
        CRED = 22, "KRB_CRED";
        /// Error response.
        ERROR = 30, "KRB_ERROR";
    } also {
        16 = "KERB_TGT_REQUEST";
        17 = "KERB_TGT_REPLY";
    }
}

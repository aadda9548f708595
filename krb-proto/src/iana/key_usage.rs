use super::registry;

registry! {
    /// Key usage numbers (RFC 4120 section 7.5.1 and the documents named below).
    KeyUsage(u32) {
        /// PA-ENC-TIMESTAMP.
        PA_ENC_TIMESTAMP = 1, "PA-ENC-TIMESTAMP";
        /// Ticket enc-part, with the service's key.
        TICKET = 2, "ticket";
        /// AS-REP enc-part.
        AS_REP = 3, "AS-REP";
        /// TGS-REQ enc-authorization-data, with the session key.
        TGS_REQ_AUTH_DATA_SESSION_KEY = 4, "TGS-REQ authorization data (session key)";
        /// TGS-REQ enc-authorization-data, with the authenticator subkey.
        TGS_REQ_AUTH_DATA_SUBKEY = 5, "TGS-REQ authorization data (subkey)";
        /// Checksum over KDC-REQ-BODY in PA-TGS-REQ's authenticator.
        TGS_REQ_CHECKSUM = 6, "TGS-REQ checksum";
        /// PA-TGS-REQ authenticator.
        TGS_REQ_AUTHENTICATOR = 7, "TGS-REQ authenticator";
        /// TGS-REP enc-part, with the session key.
        TGS_REP_SESSION_KEY = 8, "TGS-REP (session key)";
        /// TGS-REP enc-part, with the authenticator subkey.
        TGS_REP_SUBKEY = 9, "TGS-REP (subkey)";
        /// AP-REQ authenticator checksum.
        AP_REQ_CHECKSUM = 10, "AP-REQ checksum";
        /// AP-REQ authenticator.
        AP_REQ_AUTHENTICATOR = 11, "AP-REQ authenticator";
        /// AP-REP enc-part.
        AP_REP = 12, "AP-REP";
        /// KRB-PRIV enc-part.
        KRB_PRIV = 13, "KRB-PRIV";
        /// KRB-CRED enc-part.
        KRB_CRED = 14, "KRB-CRED";
        /// KRB-SAFE checksum.
        KRB_SAFE = 15, "KRB-SAFE";
        /// KERB_NON_KERB_SALT: PAC_CREDENTIAL_INFO (MS-PAC 2.6.1).
        PAC_CREDENTIALS = 16, "PAC credentials";
        /// KERB_NON_KERB_CKSUM_SALT: PA-FOR-USER (MS-SFU 2.2.1) and PAC signatures (MS-PAC 2.8).
        NON_KERB_CHECKSUM = 17, "PA-FOR-USER and PAC checksums";
        /// AD-KDCIssued (RFC 4120 section 5.2.6.2).
        KDC_ISSUED = 19, "AD-KDCIssued checksum";
        /// RFC 4121 section 2.
        ACCEPTOR_SEAL = 22, "GSS acceptor seal";
        /// RFC 4121 section 2.
        ACCEPTOR_SIGN = 23, "GSS acceptor sign";
        /// RFC 4121 section 2.
        INITIATOR_SEAL = 24, "GSS initiator seal";
        /// RFC 4121 section 2.
        INITIATOR_SIGN = 25, "GSS initiator sign";
        /// PA-S4U-X509-USER request, and reply without the option bit (MS-SFU 2.2.2).
        PA_S4U_X509_USER_REQUEST = 26, "PA-S4U-X509-USER request";
        /// PA-S4U-X509-USER reply when the request set 0x20000000 (MS-SFU 2.2.2).
        PA_S4U_X509_USER_REPLY = 27, "PA-S4U-X509-USER reply";
        /// IAKERB-FINISHED (draft-ietf-kitten-iakerb section 3.1).
        FINISHED = 41, "IAKERB finished";
        /// IAKERB-FINISHED (draft-zhu-ws-kerb section 3), as MIT krb5 before 1.22 has it.
        IAKERB_FINISHED = 42, "IAKERB finished of the older draft";
        /// The KDC's part in a session key (RFC 8062 section 7).
        PA_PKINIT_KX = 44, "PA-PKINIT-KX";
        /// OTP request and nonce (RFC 6560 section 4.2).
        PA_OTP_REQUEST = 45, "PA-OTP request";
        /// FAST request checksum (RFC 6113 section 5.4.2).
        FAST_REQUEST_CHECKSUM = 50, "FAST request checksum";
        /// KrbFastReq (RFC 6113 section 5.4.2).
        FAST_ENC = 51, "FAST request";
        /// KrbFastResponse (RFC 6113 section 5.4.3).
        FAST_REP = 52, "FAST reply";
        /// KrbFastFinished (RFC 6113 section 5.4.3).
        FAST_FINISHED = 53, "FAST finished";
        /// Encrypted challenge, the client's (RFC 6113 section 5.4.6).
        ENC_CHALLENGE_CLIENT = 54, "client's encrypted challenge";
        /// Encrypted challenge, the KDC's (RFC 6113 section 5.4.6).
        ENC_CHALLENGE_KDC = 55, "KDC's encrypted challenge";
        /// RFC 6806 section 11: checksum over the AS-REQ.
        AS_REQ_CHECKSUM = 56, "AS-REQ checksum";
        /// AD-CAMMAC verifiers (RFC 7751 section 3).
        CAMMAC = 64, "CAMMAC";
        /// SPAKE factors (RFC 9588 section 11.1).
        SPAKE = 65, "SPAKE";
    }
}

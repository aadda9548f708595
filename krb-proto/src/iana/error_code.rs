use super::registry;

registry! {
    /// Error codes of KRB-ERROR (RFC 4120 section 7.5.9, RFC 6806, RFC 4556).
    ErrorCode(i32) {
        /// No error.
        NONE = 0, "KDC_ERR_NONE";
        /// Client's entry in the database has expired.
        NAME_EXP = 1, "KDC_ERR_NAME_EXP";
        /// Server's entry in the database has expired.
        SERVICE_EXP = 2, "KDC_ERR_SERVICE_EXP";
        /// Protocol version not supported.
        BAD_PVNO = 3, "KDC_ERR_BAD_PVNO";
        /// Client not found in the database.
        C_PRINCIPAL_UNKNOWN = 6, "KDC_ERR_C_PRINCIPAL_UNKNOWN";
        /// Server not found in the database.
        S_PRINCIPAL_UNKNOWN = 7, "KDC_ERR_S_PRINCIPAL_UNKNOWN";
        /// Multiple entries for one principal.
        PRINCIPAL_NOT_UNIQUE = 8, "KDC_ERR_PRINCIPAL_NOT_UNIQUE";
        /// The client or server has a null key.
        NULL_KEY = 9, "KDC_ERR_NULL_KEY";
        /// Ticket not eligible for postdating.
        CANNOT_POSTDATE = 10, "KDC_ERR_CANNOT_POSTDATE";
        /// Requested start time is later than end time.
        NEVER_VALID = 11, "KDC_ERR_NEVER_VALID";
        /// KDC policy rejects the request.
        POLICY = 12, "KDC_ERR_POLICY";
        /// KDC cannot accommodate a requested option.
        BADOPTION = 13, "KDC_ERR_BADOPTION";
        /// KDC has no support for the encryption type.
        ETYPE_NOSUPP = 14, "KDC_ERR_ETYPE_NOSUPP";
        /// KDC has no support for the checksum type.
        SUMTYPE_NOSUPP = 15, "KDC_ERR_SUMTYPE_NOSUPP";
        /// KDC has no support for the pre-authentication type.
        PADATA_TYPE_NOSUPP = 16, "KDC_ERR_PADATA_TYPE_NOSUPP";
        /// KDC has no support for the transited type.
        TRTYPE_NOSUPP = 17, "KDC_ERR_TRTYPE_NOSUPP";
        /// Client's credentials have been revoked.
        CLIENT_REVOKED = 18, "KDC_ERR_CLIENT_REVOKED";
        /// Credentials of the server have been revoked.
        SERVICE_REVOKED = 19, "KDC_ERR_SERVICE_REVOKED";
        /// The TGT has been revoked.
        TGT_REVOKED = 20, "KDC_ERR_TGT_REVOKED";
        /// The password has expired.
        KEY_EXPIRED = 23, "KDC_ERR_KEY_EXPIRED";
        /// Pre-authentication information was invalid.
        PREAUTH_FAILED = 24, "KDC_ERR_PREAUTH_FAILED";
        /// Additional pre-authentication required.
        PREAUTH_REQUIRED = 25, "KDC_ERR_PREAUTH_REQUIRED";
        /// Requested server and ticket don't match.
        SERVER_NOMATCH = 26, "KDC_ERR_SERVER_NOMATCH";
        /// The server is served by user-to-user tickets only.
        MUST_USE_USER2USER = 27, "KDC_ERR_MUST_USE_USER2USER";
        /// The ticket passed through realms that are not trusted.
        PATH_NOT_ACCEPTED = 28, "KDC_ERR_PATH_NOT_ACCEPTED";
        /// A service is not available.
        SVC_UNAVAILABLE = 29, "KDC_ERR_SVC_UNAVAILABLE";
        /// Integrity check on a decrypted field failed.
        BAD_INTEGRITY = 31, "KRB_AP_ERR_BAD_INTEGRITY";
        /// The ticket has expired.
        TKT_EXPIRED = 32, "KRB_AP_ERR_TKT_EXPIRED";
        /// The ticket is not yet valid.
        TKT_NYV = 33, "KRB_AP_ERR_TKT_NYV";
        /// The request is a replay.
        REPEAT = 34, "KRB_AP_ERR_REPEAT";
        /// The ticket isn't for us.
        NOT_US = 35, "KRB_AP_ERR_NOT_US";
        /// Ticket and authenticator don't match.
        BADMATCH = 36, "KRB_AP_ERR_BADMATCH";
        /// Clock skew too great.
        SKEW = 37, "KRB_AP_ERR_SKEW";
        /// Message stream modified.
        MODIFIED = 41, "KRB_AP_ERR_MODIFIED";
        /// The version of the key that a ticket is sealed with is not available.
        BADKEYVER = 44, "KRB_AP_ERR_BADKEYVER";
        /// The key that a ticket is sealed with is not available.
        NOKEY = 45, "KRB_AP_ERR_NOKEY";
        /// Inappropriate type of checksum in the message.
        INAPP_CKSUM = 50, "KRB_AP_ERR_INAPP_CKSUM";
        /// Response too big for UDP; retry with TCP.
        RESPONSE_TOO_BIG = 52, "KRB_ERR_RESPONSE_TOO_BIG";
        /// Generic error.
        GENERIC = 60, "KRB_ERR_GENERIC";
        /// Field is too long for this implementation.
        FIELD_TOOLONG = 61, "KRB_ERR_FIELD_TOOLONG";
        /// The KDC does not trust the client's certificate (RFC 4556 section 3.2.2).
        CLIENT_NOT_TRUSTED = 62, "KDC_ERR_CLIENT_NOT_TRUSTED";
        /// The client's signature is wrong (RFC 4556 section 3.2.2).
        INVALID_SIG = 64, "KDC_ERR_INVALID_SIG";
        /// Another Diffie-Hellman group is wanted (RFC 4556 section 3.2.2).
        DH_KEY_PARAMETERS_NOT_ACCEPTED = 65, "KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED";
        /// The client's certificate is not mapped to its account strongly enough (KB5014754).
        CERTIFICATE_MISMATCH = 66, "KDC_ERR_CERTIFICATE_MISMATCH";
        /// The service has no ticket-granting ticket for user-to-user (MS-KILE).
        NO_TGT = 67, "KRB_AP_ERR_NO_TGT";
        /// The client is in another realm (RFC 6806).
        WRONG_REALM = 68, "KDC_ERR_WRONG_REALM";
        /// No path to a CA that the KDC trusts (RFC 4556 section 3.2.2).
        CANT_VERIFY_CERTIFICATE = 70, "KDC_ERR_CANT_VERIFY_CERTIFICATE";
        /// A certificate of the client's is invalid (RFC 4556 section 3.2.2).
        INVALID_CERTIFICATE = 71, "KDC_ERR_INVALID_CERTIFICATE";
        /// A certificate of the client's was revoked (RFC 4556 section 3.2.2).
        REVOKED_CERTIFICATE = 72, "KDC_ERR_REVOKED_CERTIFICATE";
        /// Whether a certificate was revoked is not known (RFC 4556 section 3.2.2).
        REVOCATION_STATUS_UNKNOWN = 73, "KDC_ERR_REVOCATION_STATUS_UNKNOWN";
        /// The client's certificate is for somebody else (RFC 4556 section 3.2.2).
        CLIENT_NAME_MISMATCH = 75, "KDC_ERR_CLIENT_NAME_MISMATCH";
        /// The client's certificate is not for this use (RFC 4556 section 3.2.2).
        INCONSISTENT_KEY_PURPOSE = 77, "KDC_ERR_INCONSISTENT_KEY_PURPOSE";
        /// The hash in a certificate is not accepted (RFC 4556 section 3.2.2).
        DIGEST_IN_CERT_NOT_ACCEPTED = 78, "KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED";
        /// The PKINIT request lacks a checksum over the request (RFC 4556 section 3.2.3, MS-PKCA).
        PA_CHECKSUM_MUST_BE_INCLUDED = 79, "KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED";
        /// The hash in the signed message is not accepted (RFC 4556 section 3.2.2).
        DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED = 80, "KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED";
        /// RSA key transport is not supported (RFC 4556 section 3.2.2).
        PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED = 81, "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED";
        /// No key derivation function in common (RFC 8636 section 6).
        NO_ACCEPTABLE_KDF = 82, "KDC_ERR_NO_ACCEPTABLE_KDF";
        /// Pre-authentication took too long: it has to be begun anew (RFC 6113).
        PREAUTH_EXPIRED = 90, "KDC_ERR_PREAUTH_EXPIRED";
        /// The mechanism needs another round (RFC 6113).
        MORE_PREAUTH_DATA_REQUIRED = 91, "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";
        /// Critical FAST options that the KDC does not know (RFC 6113).
        UNKNOWN_CRITICAL_FAST_OPTIONS = 93, "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS";
        /// The IAKERB proxy finds no KDC of the realm.
        IAKERB_KDC_NOT_FOUND = 85, "KRB_AP_ERR_IAKERB_KDC_NOT_FOUND";
        /// The KDC did not answer the IAKERB proxy.
        IAKERB_KDC_NO_RESPONSE = 86, "KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE";
    } also {
        4 = "KDC_ERR_C_OLD_MAST_KVNO";
        5 = "KDC_ERR_S_OLD_MAST_KVNO";
        21 = "KDC_ERR_CLIENT_NOTYET";
        22 = "KDC_ERR_SERVICE_NOTYET";
        38 = "KRB_AP_ERR_BADADDR";
        39 = "KRB_AP_ERR_BADVERSION";
        40 = "KRB_AP_ERR_MSG_TYPE";
        42 = "KRB_AP_ERR_BADORDER";
        46 = "KRB_AP_ERR_MUT_FAIL";
        47 = "KRB_AP_ERR_BADDIRECTION";
        48 = "KRB_AP_ERR_METHOD";
        49 = "KRB_AP_ERR_BADSEQ";
        51 = "KRB_AP_PATH_NOT_ACCEPTED";
        63 = "KDC_ERR_KDC_NOT_TRUSTED";
        69 = "KRB_AP_ERR_USER_TO_USER_REQUIRED";
        74 = "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE";
        76 = "KDC_ERR_KDC_NAME_MISMATCH";
        92 = "KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET";
    }
}

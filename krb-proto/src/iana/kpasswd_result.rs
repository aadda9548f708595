use super::registry;

registry! {
    /// Result codes of a password change (RFC 3244 section 2).
    KpasswdResult(u16) {
        /// The password is changed.
        SUCCESS = 0, "KRB5_KPASSWD_SUCCESS";
        /// The request is malformed.
        MALFORMED = 1, "KRB5_KPASSWD_MALFORMED";
        /// The server cannot do it; another try is of no use.
        HARD_ERROR = 2, "KRB5_KPASSWD_HARDERROR";
        /// The client is not authenticated.
        AUTH_ERROR = 3, "KRB5_KPASSWD_AUTHERROR";
        /// The new password is not good enough.
        SOFT_ERROR = 4, "KRB5_KPASSWD_SOFTERROR";
        /// The client may not change this password.
        ACCESS_DENIED = 5, "KRB5_KPASSWD_ACCESSDENIED";
        /// The server does not know this version of the protocol.
        BAD_VERSION = 6, "KRB5_KPASSWD_BAD_VERSION";
        /// The ticket must come of an AS exchange.
        INITIAL_FLAG_NEEDED = 7, "KRB5_KPASSWD_INITIAL_FLAG_NEEDED";
    }
}

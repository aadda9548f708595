use super::registry;

registry! {
    /// NTSTATUS values that a KDC puts into KERB-EXT-ERROR (MS-ERREF 2.3.1, MS-KILE 2.2.1).
    NtStatus(u32) {
        /// The KDC does not do what was asked.
        NOT_SUPPORTED = 0xc000_00bb, "STATUS_NOT_SUPPORTED";
        /// Access was denied.
        ACCESS_DENIED = 0xc000_0022, "STATUS_ACCESS_DENIED";
        /// No such user.
        NO_SUCH_USER = 0xc000_0064, "STATUS_NO_SUCH_USER";
        /// Wrong password.
        WRONG_PASSWORD = 0xc000_006a, "STATUS_WRONG_PASSWORD";
        /// A restriction of the account forbids it.
        ACCOUNT_RESTRICTION = 0xc000_006e, "STATUS_ACCOUNT_RESTRICTION";
        /// Outside the logon hours.
        INVALID_LOGON_HOURS = 0xc000_006f, "STATUS_INVALID_LOGON_HOURS";
        /// The password is too old.
        PASSWORD_EXPIRED = 0xc000_0071, "STATUS_PASSWORD_EXPIRED";
        /// The account is disabled.
        ACCOUNT_DISABLED = 0xc000_0072, "STATUS_ACCOUNT_DISABLED";
        /// The account expired.
        ACCOUNT_EXPIRED = 0xc000_0193, "STATUS_ACCOUNT_EXPIRED";
        /// The password must be changed first.
        PASSWORD_MUST_CHANGE = 0xc000_0224, "STATUS_PASSWORD_MUST_CHANGE";
        /// Resource-based delegation was not granted.
        NOT_FOUND = 0xc000_0225, "STATUS_NOT_FOUND";
        /// The account is locked out.
        ACCOUNT_LOCKED_OUT = 0xc000_0234, "STATUS_ACCOUNT_LOCKED_OUT";
        /// The target is not among those allowed.
        NO_MATCH = 0xc000_0272, "STATUS_NO_MATCH";
        /// Only user-to-user tickets are made for the service.
        USER2USER_REQUIRED = 0xc000_0408, "STATUS_USER2USER_REQUIRED";
        /// A smart card is required.
        SMARTCARD_LOGON_REQUIRED = 0xc000_02fa, "STATUS_SMARTCARD_LOGON_REQUIRED";
    }
}

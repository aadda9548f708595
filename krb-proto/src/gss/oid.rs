use crate::der::Oid;

/// The mechanisms.
impl Oid<'static> {
    /// Kerberos, 1.2.840.113554.1.2.2 (RFC 4121 section 4.1).
    pub const KRB5: Self = Self(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
    /// Kerberos as Windows 2000 numbered it, 1.2.840.48018.1.2.2: the second arc's 113554 cut to
    /// 16 bits (MS-SPNG 2.2). Only SPNEGO's lists hold it; inside, tokens carry [`Oid::KRB5`].
    pub const MS_KRB5: Self = Self(b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02");
    /// Kerberos user-to-user, 1.2.840.113554.1.2.2.3 (draft-swift-win2k-krb-user2user section 2).
    pub const KRB5_USER_TO_USER: Self = Self(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03");
    /// Kerberos with the KDC behind the service, 1.3.6.1.5.2.5 (draft-ietf-kitten-iakerb).
    pub const IAKERB: Self = Self(b"\x2b\x06\x01\x05\x02\x05");
    /// SPNEGO, 1.3.6.1.5.5.2 (RFC 4178).
    pub const SPNEGO: Self = Self(b"\x2b\x06\x01\x05\x05\x02");
}

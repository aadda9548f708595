use super::registry;

registry! {
    /// Checksum types (IANA "Kerberos Checksum Type Numbers").
    ChecksumType(i32) {
        /// RFC 1320, unkeyed: only PA-S4U-X509-USER with an RC4 key uses it.
        RSA_MD4 = 2, "rsa-md4";
        /// RFC 1321, unkeyed: never accepted where a key protects the data.
        RSA_MD5 = 7, "rsa-md5";
        /// RFC 3961 section 6.3 and MS-KILE, unkeyed: never accepted where a key protects the data.
        SHA1 = 14, "sha1";
        /// RFC 3962.
        HMAC_SHA1_96_AES128 = 15, "hmac-sha1-96-aes128";
        /// RFC 3962.
        HMAC_SHA1_96_AES256 = 16, "hmac-sha1-96-aes256";
        /// RFC 6803.
        CMAC_CAMELLIA128 = 17, "cmac-camellia128";
        /// RFC 6803.
        CMAC_CAMELLIA256 = 18, "cmac-camellia256";
        /// RFC 8009.
        HMAC_SHA256_128_AES128 = 19, "hmac-sha256-128-aes128";
        /// RFC 8009.
        HMAC_SHA384_192_AES256 = 20, "hmac-sha384-192-aes256";
        /// RFC 4121 section 4.1.1: the authenticator checksum that carries GSS flags.
        GSSAPI = 0x8003, "gssapi";
        /// KERB_CHECKSUM_HMAC_MD5, RFC 4757 section 4.
        HMAC_MD5 = -138, "hmac-md5-rc4";
    } also {
        1 = "crc32";
        3 = "rsa-md4-des";
        4 = "des-mac";
        5 = "des-mac-k";
        6 = "rsa-md4-des-k";
        8 = "rsa-md5-des";
        9 = "rsa-md5-des3";
        10 = "sha1";
        12 = "hmac-sha1-des3-kd";
        13 = "hmac-sha1-des3";
    }
}

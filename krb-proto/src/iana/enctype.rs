use super::registry;

registry! {
    /// Encryption types (IANA "Kerberos Encryption Type Numbers").
    EncType(i32) {
        /// RFC 3962.
        AES128_CTS_HMAC_SHA1_96 = 17, "aes128-cts-hmac-sha1-96";
        /// RFC 3962.
        AES256_CTS_HMAC_SHA1_96 = 18, "aes256-cts-hmac-sha1-96";
        /// RFC 8009.
        AES128_CTS_HMAC_SHA256_128 = 19, "aes128-cts-hmac-sha256-128";
        /// RFC 8009.
        AES256_CTS_HMAC_SHA384_192 = 20, "aes256-cts-hmac-sha384-192";
        /// RFC 4757. Broken: named so that it can be recognised and refused.
        RC4_HMAC = 23, "arcfour-hmac";
        /// RFC 6803.
        CAMELLIA128_CTS_CMAC = 25, "camellia128-cts-cmac";
        /// RFC 6803.
        CAMELLIA256_CTS_CMAC = 26, "camellia256-cts-cmac";
    } also {
        1 = "des-cbc-crc";
        2 = "des-cbc-md4";
        3 = "des-cbc-md5";
        5 = "des3-cbc-md5";
        7 = "des3-cbc-sha1";
        9 = "dsaWithSHA1-CmsOID";
        10 = "md5WithRSAEncryption-CmsOID";
        11 = "sha1WithRSAEncryption-CmsOID";
        12 = "rc2CBC-EnvOID";
        13 = "rsaEncryption-EnvOID";
        14 = "rsaES-OAEP-ENV-OID";
        15 = "des-ede3-cbc-Env-OID";
        16 = "des3-cbc-sha1-kd";
        24 = "arcfour-hmac-exp";
        65 = "subkey-keymaterial";
        -128 = "rc4-md4";
        -133 = "rc4-hmac-old";
        -135 = "rc4-hmac-old-exp";
    }
}

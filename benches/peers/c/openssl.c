/* OpenSSL's primitives in the order in which an enctype uses them, with contexts made beforehand:
 * what the enctype costs at least with that library. Confounders are constant, AES is plain CBC
 * (no ciphertext stealing), nothing is derived; a MAC is compared, and decryption of AES is after
 * the MAC. RC4-HMAC derives its one key per message. */
#include "bench.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#define WHO "OpenSSL primitives"

static const struct enctype {
    int number;
    const char *cipher, *mac, *digest;
    size_t confounder, tag;
    int iterations, encrypt_then_mac;
    /* The cipher of a CMAC. */
    const char *mac_cipher;
} enctypes[] = {
    {17, "AES-128-CBC", "HMAC", "SHA1", 16, 12, 4096, 0, NULL},
    {18, "AES-256-CBC", "HMAC", "SHA1", 16, 12, 4096, 0, NULL},
    {19, "AES-128-CBC", "HMAC", "SHA256", 16, 16, 32768, 1, NULL},
    {20, "AES-256-CBC", "HMAC", "SHA384", 16, 24, 32768, 1, NULL},
    {23, "RC4", "HMAC", "MD5", 8, 16, 0, 0, NULL},
    {25, "CAMELLIA-128-CBC", "CMAC", NULL, 16, 16, 32768, 0, "CAMELLIA-128-CBC"},
    {26, "CAMELLIA-256-CBC", "CMAC", NULL, 16, 16, 32768, 0, "CAMELLIA-256-CBC"},
};

static struct {
    const struct enctype *enctype;
    struct octets key, password;
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *encrypt, *decrypt;
    EVP_MAC_CTX *mac, *message_mac;
    /* Confounder and plaintext, then encrypted. */
    unsigned char *plain, *sealed, *opened;
    size_t length;
    unsigned char tag[EVP_MAX_MD_SIZE];
} s;

static const unsigned char zero[16];

static void mac(EVP_MAC_CTX *keyed, const unsigned char *first, size_t first_length,
                const unsigned char *second, size_t second_length, unsigned char *tag) {
    size_t length;
    /* Without a key: again with the one that the context has. */
    CHECK(EVP_MAC_init(keyed, NULL, 0, NULL));
    CHECK(EVP_MAC_update(keyed, first, first_length));
    if (second_length) CHECK(EVP_MAC_update(keyed, second, second_length));
    CHECK(EVP_MAC_final(keyed, tag, &length, EVP_MAX_MD_SIZE));
}

static void cipher(EVP_CIPHER_CTX *keyed, const unsigned char *in, unsigned char *out) {
    int length;
    CHECK(EVP_CipherInit_ex2(keyed, NULL, NULL, zero, -1, NULL));
    CHECK(EVP_CipherUpdate(keyed, out, &length, in, s.length));
}

static void encrypt(void *unused) {
    if (s.enctype->encrypt_then_mac) {
        cipher(s.encrypt, s.plain, s.sealed);
        mac(s.mac, zero, sizeof zero, s.sealed, s.length, s.tag);
    } else {
        mac(s.mac, s.plain, s.length, NULL, 0, s.tag);
        cipher(s.encrypt, s.plain, s.sealed);
    }
}

static void decrypt(void *unused) {
    unsigned char tag[EVP_MAX_MD_SIZE];
    if (s.enctype->encrypt_then_mac) {
        mac(s.mac, zero, sizeof zero, s.sealed, s.length, tag);
        CHECK(!CRYPTO_memcmp(tag, s.tag, s.enctype->tag));
        cipher(s.decrypt, s.sealed, s.opened);
    } else {
        cipher(s.decrypt, s.sealed, s.opened);
        mac(s.mac, s.opened, s.length, NULL, 0, tag);
        CHECK(!CRYPTO_memcmp(tag, s.tag, s.enctype->tag));
    }
}

/* RFC 4757 section 5: the message's key is an HMAC of its checksum. */
static void rc4(const unsigned char *in, unsigned char *out) {
    unsigned char key[EVP_MAX_MD_SIZE];
    int length;
    mac(s.message_mac, s.tag, 16, NULL, 0, key);
    CHECK(EVP_CipherInit_ex2(s.encrypt, NULL, key, NULL, 1, NULL));
    CHECK(EVP_CipherUpdate(s.encrypt, out, &length, in, s.length));
}

static void encrypt_rc4(void *unused) {
    mac(s.mac, s.plain, s.length, NULL, 0, s.tag);
    rc4(s.plain, s.sealed);
}

static void decrypt_rc4(void *unused) {
    unsigned char tag[EVP_MAX_MD_SIZE];
    rc4(s.sealed, s.opened);
    mac(s.mac, s.opened, s.length, NULL, 0, tag);
    CHECK(!CRYPTO_memcmp(tag, s.tag, s.enctype->tag));
}

static void string_to_key(void *unused) {
    unsigned char key[32];
    EVP_MD *digest = EVP_MD_fetch(NULL, s.enctype->digest, NULL);
    int length = s.enctype->number == 17 || s.enctype->number == 19 ? 16 : 32;
    CHECK(PKCS5_PBKDF2_HMAC((char *)s.password.data, s.password.length, s.key.data, s.key.length,
                            s.enctype->iterations, digest, length, key));
    EVP_MD_free(digest);
}

static EVP_MAC_CTX *new_mac(const unsigned char *key, size_t length) {
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, s.enctype->mac, NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    const char *name = s.enctype->digest ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER;
    const char *value = s.enctype->digest ? s.enctype->digest : s.enctype->mac_cipher;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(name, (char *)value, 0), OSSL_PARAM_construct_end()};
    CHECK(context && EVP_MAC_init(context, key, length, parameters));
    EVP_MAC_free(algorithm);
    return context;
}

static EVP_CIPHER_CTX *new_cipher(int encrypting) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    CHECK(EVP_CipherInit_ex2(context, s.cipher, s.key.data, zero, encrypting, NULL));
    EVP_CIPHER_CTX_set_padding(context, 0);
    return context;
}

static void run(struct test_case *c) {
    int number = atoi(c->what), with_rc4 = number == 23;
    void (*sealing)(void *) = with_rc4 ? encrypt_rc4 : encrypt;
    void (*opening)(void *) = with_rc4 ? decrypt_rc4 : decrypt;
    size_t i;

    if (!number) return; /* a message */
    for (i = 0; enctypes[i].number != number; i++) CHECK(i + 1 < sizeof enctypes / sizeof *enctypes);
    s.enctype = &enctypes[i];
    s.key = c->key;
    if (!strcmp(c->operation, "string-to-key")) {
        s.password = c->input;
        /* Camellia's has PBKDF2 with CMAC, which OpenSSL has not. */
        if (s.enctype->digest) measure(WHO, string_to_key, NULL);
        return;
    }
    s.cipher = EVP_CIPHER_fetch(NULL, s.enctype->cipher, NULL);
    CHECK(s.cipher);
    s.encrypt = new_cipher(1);
    s.decrypt = new_cipher(0);
    s.mac = new_mac(c->key.data, c->key.length);
    s.message_mac = new_mac(c->key.data, c->key.length);
    /* The name of a case ends in the length of its plaintext. */
    s.length = s.enctype->confounder + atol(strrchr(c->name, '/') + 1);
    s.plain = calloc(1, s.length);
    s.sealed = malloc(s.length);
    s.opened = malloc(s.length);
    sealing(NULL);
    opening(NULL);
    CHECK(!memcmp(s.plain, s.opened, s.length));
    measure(WHO, strcmp(c->operation, "encrypt") ? opening : sealing, NULL);
    free(s.plain);
    free(s.sealed);
    free(s.opened);
    EVP_MAC_CTX_free(s.mac);
    EVP_MAC_CTX_free(s.message_mac);
    EVP_CIPHER_CTX_free(s.encrypt);
    EVP_CIPHER_CTX_free(s.decrypt);
    EVP_CIPHER_free(s.cipher);
}

int main(int argc, char **argv) {
    CHECK(OSSL_PROVIDER_load(NULL, "default") && OSSL_PROVIDER_load(NULL, "legacy"));
    return run_cases(argc, argv, run);
}

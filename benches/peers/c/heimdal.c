/* Heimdal: the codec of libasn1 and the crypto of libkrb5. It has no Camellia. */
#include "bench.h"
#include <krb5.h>
#include <krb5_asn1.h>

enum { USAGE = 2 };

typedef int decoder(const unsigned char *, size_t, void *, size_t *);
typedef int encoder(unsigned char *, size_t, const void *, size_t *);
typedef size_t measurer(const void *);
typedef void release(void *);

static const struct message {
    const char *name;
    decoder *decode;
    encoder *encode;
    measurer *length;
    release *free;
} messages[] = {
#define MESSAGE(name, type) \
    {name, (decoder *)decode_##type, (encoder *)encode_##type, (measurer *)length_##type, \
     (release *)free_##type}
    MESSAGE("AS-REP", AS_REP),
    MESSAGE("TGS-REP-1.5K", TGS_REP),
    MESSAGE("TGS-REP-12K", TGS_REP),
    MESSAGE("TGS-REQ", TGS_REQ),
    MESSAGE("KRB-ERROR", KRB_ERROR),
    MESSAGE("EncTicketPart", EncTicketPart),
    MESSAGE("AP-REQ", AP_REQ),
    MESSAGE("EncTGSRepPart", EncTGSRepPart),
};

/* Room for any of them. */
union value {
    AS_REP as_rep;
    TGS_REP tgs_rep;
    TGS_REQ tgs_req;
    KRB_ERROR krb_error;
    EncTicketPart enc_ticket_part;
    AP_REQ ap_req;
    EncTGSRepPart enc_tgs_rep_part;
};

static krb5_context context;

static struct {
    const struct message *message;
    struct octets input;
    union value value;
    krb5_enctype enctype;
    krb5_keyblock keyblock;
    krb5_crypto crypto;
    krb5_data password;
    krb5_salt salt;
} s;

static void decode(void *unused) {
    union value value;
    size_t size;
    CHECK(!s.message->decode(s.input.data, s.input.length, &value, &size));
    s.message->free(&value);
}

/* As Heimdal's ASN1_MALLOC_ENCODE: length, allocation, encoding from the end. */
static void encode_and_compare(int compare) {
    size_t size, length = s.message->length(&s.value);
    unsigned char *out = malloc(length);
    CHECK(!s.message->encode(out + length - 1, length, &s.value, &size));
    if (compare) CHECK(length == s.input.length && size == length && !memcmp(out, s.input.data, length));
    free(out);
}

static void encode(void *unused) {
    encode_and_compare(0);
}

static void codec(struct test_case *c) {
    size_t i, size;

    for (i = 0; strcmp(messages[i].name, c->what); i++) CHECK(i + 1 < sizeof messages / sizeof *messages);
    s.message = &messages[i];
    if (!strcmp(c->operation, "decode")) {
        measure("Heimdal", decode, NULL);
        return;
    }
    CHECK(!s.message->decode(s.input.data, s.input.length, &s.value, &size));
    encode_and_compare(1);
    measure("Heimdal", encode, NULL);
    s.message->free(&s.value);
}

static void encrypt_cached(void *unused) {
    krb5_data out;
    CHECK(!krb5_encrypt(context, s.crypto, USAGE, s.input.data, s.input.length, &out));
    krb5_data_free(&out);
}

static void decrypt_cached(void *unused) {
    krb5_data out;
    CHECK(!krb5_decrypt(context, s.crypto, USAGE, s.input.data, s.input.length, &out));
    krb5_data_free(&out);
}

static void with_new_crypto(void (*operation)(void *)) {
    CHECK(!krb5_crypto_init(context, &s.keyblock, 0, &s.crypto));
    operation(NULL);
    krb5_crypto_destroy(context, s.crypto);
}

static void encrypt(void *unused) { with_new_crypto(encrypt_cached); }
static void decrypt(void *unused) { with_new_crypto(decrypt_cached); }

static void string_to_key(void *unused) {
    krb5_keyblock key;
    CHECK(!krb5_string_to_key_data_salt(context, s.enctype, s.password, s.salt, &key));
    krb5_free_keyblock_contents(context, &key);
}

static void crypto(struct test_case *c) {
    void (*cached)(void *) = encrypt_cached, (*uncached)(void *) = encrypt;

    s.enctype = atoi(c->what);
    if (s.enctype == 25 || s.enctype == 26) return;
    if (!strcmp(c->operation, "string-to-key")) {
        s.password.data = c->input.data;
        s.password.length = c->input.length;
        s.salt.salttype = KRB5_PW_SALT;
        s.salt.saltvalue.data = c->key.data;
        s.salt.saltvalue.length = c->key.length;
        measure("Heimdal", string_to_key, NULL);
        return;
    }
    if (!strcmp(c->operation, "decrypt")) cached = decrypt_cached, uncached = decrypt;
    CHECK(!krb5_keyblock_init(context, s.enctype, c->key.data, c->key.length, &s.keyblock));
    CHECK(!krb5_crypto_init(context, &s.keyblock, 0, &s.crypto));
    measure("Heimdal, keys cached", cached, NULL);
    krb5_crypto_destroy(context, s.crypto);
    measure("Heimdal", uncached, NULL);
    krb5_free_keyblock_contents(context, &s.keyblock);
}

static void run(struct test_case *c) {
    s.input = c->input;
    if (!strcmp(c->operation, "decode") || !strcmp(c->operation, "encode")) codec(c);
    else crypto(c);
}

int main(int argc, char **argv) {
    CHECK(!krb5_init_context(&context));
    return run_cases(argc, argv, run);
}

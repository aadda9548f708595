/* MIT krb5: the codec of libkrb5, which its headers do not declare, and libk5crypto. */
#include "bench.h"
#include <krb5.h>

enum { USAGE = 2 };

/* Every decoder and encoder has one of these two types. */
typedef krb5_error_code decoder(const krb5_data *, void **);
typedef krb5_error_code encoder(const void *, krb5_data **);
typedef void release(krb5_context, void *);

#define MESSAGE(name) \
    extern decoder decode_krb5_##name; \
    extern encoder encode_krb5_##name;
MESSAGE(as_rep) MESSAGE(tgs_rep) MESSAGE(tgs_req) MESSAGE(error)
MESSAGE(enc_tkt_part) MESSAGE(ap_req) MESSAGE(enc_kdc_rep_part)
extern void krb5_free_kdc_rep(krb5_context, krb5_kdc_rep *);
extern void krb5_free_kdc_req(krb5_context, krb5_kdc_req *);
extern void krb5_free_enc_tkt_part(krb5_context, krb5_enc_tkt_part *);
extern void krb5_free_ap_req(krb5_context, krb5_ap_req *);
extern void krb5_free_enc_kdc_rep_part(krb5_context, krb5_enc_kdc_rep_part *);

static const struct message {
    const char *name;
    decoder *decode;
    encoder *encode;
    release *free;
} messages[] = {
    {"AS-REP", decode_krb5_as_rep, encode_krb5_as_rep, (release *)krb5_free_kdc_rep},
    {"TGS-REP-1.5K", decode_krb5_tgs_rep, encode_krb5_tgs_rep, (release *)krb5_free_kdc_rep},
    {"TGS-REP-12K", decode_krb5_tgs_rep, encode_krb5_tgs_rep, (release *)krb5_free_kdc_rep},
    {"TGS-REQ", decode_krb5_tgs_req, encode_krb5_tgs_req, (release *)krb5_free_kdc_req},
    {"KRB-ERROR", decode_krb5_error, encode_krb5_error, (release *)krb5_free_error},
    {"EncTicketPart", decode_krb5_enc_tkt_part, encode_krb5_enc_tkt_part,
     (release *)krb5_free_enc_tkt_part},
    {"AP-REQ", decode_krb5_ap_req, encode_krb5_ap_req, (release *)krb5_free_ap_req},
    {"EncTGSRepPart", decode_krb5_enc_kdc_rep_part, encode_krb5_enc_kdc_rep_part,
     (release *)krb5_free_enc_kdc_rep_part},
};

static krb5_context context;

static struct {
    const struct message *message;
    krb5_data input;
    void *value;
    krb5_keyblock keyblock;
    krb5_key key;
    krb5_enc_data sealed;
    krb5_data plain, salt;
} s;

static void decode(void *unused) {
    void *value;
    CHECK(!s.message->decode(&s.input, &value));
    s.message->free(context, value);
}

static void encode(void *unused) {
    krb5_data *out;
    CHECK(!s.message->encode(s.value, &out));
    krb5_free_data(context, out);
}

static void codec(struct test_case *c) {
    krb5_data *out;
    size_t i;

    for (i = 0; strcmp(messages[i].name, c->what); i++) CHECK(i + 1 < sizeof messages / sizeof *messages);
    s.message = &messages[i];
    if (!strcmp(c->operation, "decode")) {
        measure("MIT krb5", decode, NULL);
        return;
    }
    CHECK(!s.message->decode(&s.input, &s.value));
    /* The message type, which here decides between EncASRepPart and EncTGSRepPart, is not part of it. */
    if (!strcmp(c->what, "EncTGSRepPart")) ((krb5_enc_kdc_rep_part *)s.value)->msg_type = KRB5_TGS_REP;
    CHECK(!s.message->encode(s.value, &out));
    CHECK(out->length == c->input.length && !memcmp(out->data, c->input.data, out->length));
    krb5_free_data(context, out);
    measure("MIT krb5", encode, NULL);
    s.message->free(context, s.value);
}

static void encrypt_cached(void *unused) {
    CHECK(!krb5_k_encrypt(context, s.key, USAGE, NULL, &s.input, &s.sealed));
}

static void encrypt(void *unused) {
    CHECK(!krb5_c_encrypt(context, &s.keyblock, USAGE, NULL, &s.input, &s.sealed));
}

static void decrypt_cached(void *unused) {
    CHECK(!krb5_k_decrypt(context, s.key, USAGE, NULL, &s.sealed, &s.plain));
}

static void decrypt(void *unused) {
    CHECK(!krb5_c_decrypt(context, &s.keyblock, USAGE, NULL, &s.sealed, &s.plain));
}

static void string_to_key(void *unused) {
    krb5_keyblock key;
    CHECK(!krb5_c_string_to_key(context, s.keyblock.enctype, &s.input, &s.salt, &key));
    krb5_free_keyblock_contents(context, &key);
}

static void crypto(struct test_case *c) {
    size_t length;

    s.keyblock.enctype = atoi(c->what);
    if (!strcmp(c->operation, "string-to-key")) {
        s.salt.data = (char *)c->key.data;
        s.salt.length = c->key.length;
        measure("MIT krb5", string_to_key, NULL);
        return;
    }
    s.keyblock.contents = c->key.data;
    s.keyblock.length = c->key.length;
    CHECK(!krb5_k_create_key(context, &s.keyblock, &s.key));
    s.sealed.enctype = s.keyblock.enctype;
    if (!strcmp(c->operation, "encrypt")) {
        CHECK(!krb5_c_encrypt_length(context, s.keyblock.enctype, s.input.length, &length));
        s.sealed.ciphertext.data = malloc(length);
        s.sealed.ciphertext.length = length;
        measure("MIT krb5, keys cached", encrypt_cached, NULL);
        measure("MIT krb5", encrypt, NULL);
        free(s.sealed.ciphertext.data);
    } else {
        s.sealed.ciphertext = s.input;
        s.plain.data = malloc(s.input.length);
        s.plain.length = s.input.length;
        measure("MIT krb5, keys cached", decrypt_cached, NULL);
        measure("MIT krb5", decrypt, NULL);
        free(s.plain.data);
    }
    krb5_k_free_key(context, s.key);
}

static void run(struct test_case *c) {
    s.input.data = (char *)c->input.data;
    s.input.length = c->input.length;
    if (!strcmp(c->operation, "decode") || !strcmp(c->operation, "encode")) codec(c);
    else crypto(c);
}

int main(int argc, char **argv) {
    CHECK(!krb5_init_context(&context));
    return run_cases(argc, argv, run);
}

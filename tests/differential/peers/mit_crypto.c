/*
 * MIT's libk5crypto.
 *
 *   encrypt|decrypt|checksum|hmac-md5|prf  ENCTYPE KEY USAGE OCTETS
 *   prf+      ENCTYPE KEY LENGTH OCTETS
 *   cf2       ENCTYPE KEY ENCTYPE KEY PEPPER PEPPER    (peppers are text)
 *   password  ENCTYPE PASSWORD SALT PARAMETERS|none
 */
#include <krb5.h>

#include "lines.h"

static krb5_context context;

static krb5_data data_of(const char *word)
{
    struct octets octets = unhex(word);
    krb5_data data = {0, octets.length, (char *)octets.data};

    return data;
}

static krb5_keyblock key_of(const char *enctype, const char *key)
{
    struct octets octets = unhex(key);
    krb5_keyblock block = {0, atoi(enctype), octets.length, octets.data};

    return block;
}

static krb5_error_code output(krb5_data *data, size_t length)
{
    data->data = calloc(1, length + 1);
    data->length = length;
    return 0;
}

static krb5_error_code encrypt(krb5_keyblock *key, krb5_keyusage usage, krb5_data *in,
                               krb5_data *out)
{
    krb5_enc_data sealed = {0};
    size_t length;
    krb5_error_code error = krb5_c_encrypt_length(context, key->enctype, in->length, &length);

    if (error)
        return error;
    output(&sealed.ciphertext, length);
    error = krb5_c_encrypt(context, key, usage, NULL, in, &sealed);
    *out = sealed.ciphertext;
    return error;
}

static krb5_error_code decrypt(krb5_keyblock *key, krb5_keyusage usage, krb5_data *in,
                               krb5_data *out)
{
    krb5_enc_data sealed = {0, key->enctype, 0, *in};

    output(out, in->length);
    return krb5_c_decrypt(context, key, usage, NULL, &sealed, out);
}

static krb5_error_code checksum(krb5_cksumtype type, krb5_keyblock *key, krb5_keyusage usage,
                                krb5_data *in, krb5_data *out)
{
    krb5_checksum sum = {0};
    krb5_error_code error = krb5_c_make_checksum(context, type, key, usage, in, &sum);

    out->data = (char *)sum.contents;
    out->length = sum.length;
    return error;
}

static krb5_error_code prf(krb5_keyblock *key, krb5_data *in, krb5_data *out)
{
    size_t length;
    krb5_error_code error = krb5_c_prf_length(context, key->enctype, &length);

    if (error)
        return error;
    output(out, length);
    return krb5_c_prf(context, key, in, out);
}

static krb5_error_code do_it(int words, char **word, krb5_data *out)
{
    const char *what = word[0];

    if (strcmp(what, "cf2") == 0 && words == 7) {
        krb5_keyblock one = key_of(word[1], word[2]), other = key_of(word[3], word[4]), *key;
        krb5_error_code error =
            krb5_c_fx_cf2_simple(context, &one, word[5], &other, word[6], &key);

        if (!error)
            *out = (krb5_data){0, key->length, (char *)key->contents};
        return error;
    }
    if (strcmp(what, "password") == 0 && words == 5) {
        krb5_data password = data_of(word[2]), salt = data_of(word[3]), given = data_of(word[4]);
        krb5_data *parameters = strcmp(word[4], "none") ? &given : NULL;
        krb5_keyblock key;
        krb5_error_code error = krb5_c_string_to_key_with_params(context, atoi(word[1]), &password,
                                                                 &salt, parameters, &key);

        if (!error)
            *out = (krb5_data){0, key.length, (char *)key.contents};
        return error;
    }
    if (words == 5) {
        krb5_keyblock key = key_of(word[1], word[2]);
        long number = atol(word[3]);
        krb5_data in = data_of(word[4]);

        if (strcmp(what, "encrypt") == 0)
            return encrypt(&key, number, &in, out);
        if (strcmp(what, "decrypt") == 0)
            return decrypt(&key, number, &in, out);
        if (strcmp(what, "checksum") == 0)
            return checksum(0, &key, number, &in, out);
        if (strcmp(what, "hmac-md5") == 0)
            return checksum(CKSUMTYPE_HMAC_MD5_ARCFOUR, &key, number, &in, out);
        if (strcmp(what, "prf") == 0)
            return prf(&key, &in, out);
        if (strcmp(what, "prf+") == 0) {
            output(out, number);
            return krb5_c_prfplus(context, &key, &in, out);
        }
    }
    return EINVAL;
}

static void answer(int words, char **word)
{
    krb5_data out = {0};
    krb5_error_code error = do_it(words, word, &out);

    if (error)
        no(krb5_get_error_message(context, error));
    else
        ok(out.data, out.length);
}

int main(void)
{
    if (krb5_init_context(&context))
        return 1;
    answer_all();
    return 0;
}

/*
 * MIT's ASN.1 codec. Question: the message's name and its octets; answer: what MIT writes for what
 * it read, or its error.
 *
 * The library exports its codec, no header declares it. All of its functions have these two types,
 * but for the pointers' targets, which this program does not look at.
 */
#include <krb5.h>
#include <com_err.h>

#include "lines.h"

typedef krb5_error_code decoder(const krb5_data *, void **);
typedef krb5_error_code encoder(const void *, krb5_data **);

#define MESSAGES(MESSAGE)                                                                          \
    MESSAGE(AsReq, as_req)                                                                         \
    MESSAGE(TgsReq, tgs_req)                                                                       \
    MESSAGE(KdcReqBody, kdc_req_body)                                                              \
    MESSAGE(AsRep, as_rep)                                                                         \
    MESSAGE(TgsRep, tgs_rep)                                                                       \
    MESSAGE(EncTgsRepPart, enc_kdc_rep_part)                                                       \
    MESSAGE(Ticket, ticket)                                                                        \
    MESSAGE(EncTicketPart, enc_tkt_part)                                                           \
    MESSAGE(ApReq, ap_req)                                                                         \
    MESSAGE(Authenticator, authenticator)                                                          \
    MESSAGE(ApRep, ap_rep)                                                                         \
    MESSAGE(EncApRepPart, ap_rep_enc_part)                                                         \
    MESSAGE(KrbPriv, priv)                                                                         \
    MESSAGE(EncKrbPrivPart, enc_priv_part)                                                         \
    MESSAGE(KrbCred, cred)                                                                         \
    MESSAGE(EncKrbCredPart, enc_cred_part)                                                         \
    MESSAGE(KrbError, error)                                                                       \
    MESSAGE(MethodData, padata_sequence)                                                           \
    MESSAGE(TypedData, typed_data)                                                                 \
    MESSAGE(AuthorizationData, authdata)                                                           \
    MESSAGE(EncryptedData, enc_data)                                                               \
    MESSAGE(EncryptionKey, encryption_key)                                                         \
    MESSAGE(EtypeInfo, etype_info)                                                                 \
    MESSAGE(EtypeInfo2, etype_info2)                                                               \
    MESSAGE(PaEncTsEnc, pa_enc_ts)                                                                 \
    MESSAGE(PaPacOptions, pa_pac_options)                                                          \
    MESSAGE(PaForUser, pa_for_user)                                                                \
    MESSAGE(PaS4uX509User, pa_s4u_x509_user)                                                       \
    MESSAGE(AdKdcIssued, ad_kdcissued)                                                             \
    MESSAGE(AdCammac, cammac)                                                                      \
    MESSAGE(PaFxFastReply, pa_fx_fast_reply)                                                       \
    MESSAGE(KrbFastResponse, fast_response)                                                        \
    MESSAGE(KdcProxyMessage, kkdcp_message)                                                        \
    MESSAGE(OtpTokenInfo, otp_tokeninfo)                                                           \
    MESSAGE(PaOtpChallenge, pa_otp_challenge)                                                      \
    MESSAGE(PaOtpRequest, pa_otp_req)                                                              \
    MESSAGE(PaOtpEncRequest, pa_otp_enc_req)

#define DECLARE(name, mit)                                                                         \
    extern decoder decode_krb5_##mit;                                                              \
    extern encoder encode_krb5_##mit;
#define ENTRY(name, mit) {#name, decode_krb5_##mit, encode_krb5_##mit},

MESSAGES(DECLARE)

static const struct {
    const char *name;
    decoder *decode;
    encoder *encode;
} messages[] = {MESSAGES(ENTRY)};

static void answer(int words, char **word)
{
    struct octets in = unhex(word[1]);
    krb5_data data = {0, in.length, (char *)in.data}, *out;
    void *value;
    krb5_error_code error;

    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        if (strcmp(messages[i].name, word[0]) == 0) {
            error = messages[i].decode(&data, &value);
            if (!error)
                error = messages[i].encode(value, &out);
            if (error)
                no(error_message(error));
            else
                ok(out->data, out->length);
            return;
        }
    }
    no("unknown");
}

int main(void)
{
    krb5_context context;

    if (krb5_init_context(&context))
        return 1;
    answer_all();
    return 0;
}

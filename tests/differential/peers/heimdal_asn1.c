/*
 * Heimdal's ASN.1 codec. Question: the message's name and its octets; answer: what Heimdal writes
 * for what it read, or its error.
 */
#include <krb5.h>
#include <krb5_asn1.h>
#include <com_err.h>
#include <asn1_err.h>

#include "lines.h"

typedef int reencoder(const unsigned char *, size_t, unsigned char **, size_t *);

#define LEFT_OVER (-1)

#define REENCODER(type)                                                                            \
    static int reencode_##type(const unsigned char *in, size_t in_length, unsigned char **out,     \
                               size_t *out_length)                                                 \
    {                                                                                              \
        type value;                                                                                \
        size_t used, length;                                                                       \
        int error = decode_##type(in, in_length, &value, &used);                                   \
        if (error)                                                                                 \
            return error;                                                                          \
        if (used != in_length)                                                                     \
            return LEFT_OVER;                                                                      \
        length = length_##type(&value);                                                            \
        *out = malloc(length + 1);                                                                 \
        error = encode_##type(*out + length - 1, length, &value, out_length);                      \
        *out += length - *out_length; /* it writes from the end */                                 \
        return error;                                                                              \
    }

#define MESSAGES(MESSAGE)                                                                          \
    MESSAGE(AsReq, AS_REQ)                                                                         \
    MESSAGE(TgsReq, TGS_REQ)                                                                       \
    MESSAGE(KdcReqBody, KDC_REQ_BODY)                                                              \
    MESSAGE(AsRep, AS_REP)                                                                         \
    MESSAGE(TgsRep, TGS_REP)                                                                       \
    MESSAGE(EncAsRepPart, EncASRepPart)                                                            \
    MESSAGE(EncTgsRepPart, EncTGSRepPart)                                                          \
    MESSAGE(Ticket, Ticket)                                                                        \
    MESSAGE(EncTicketPart, EncTicketPart)                                                          \
    MESSAGE(ApReq, AP_REQ)                                                                         \
    MESSAGE(Authenticator, Authenticator)                                                          \
    MESSAGE(ApRep, AP_REP)                                                                         \
    MESSAGE(EncApRepPart, EncAPRepPart)                                                            \
    MESSAGE(KrbSafe, KRB_SAFE)                                                                     \
    MESSAGE(KrbPriv, KRB_PRIV)                                                                     \
    MESSAGE(EncKrbPrivPart, EncKrbPrivPart)                                                        \
    MESSAGE(KrbCred, KRB_CRED)                                                                     \
    MESSAGE(EncKrbCredPart, EncKrbCredPart)                                                        \
    MESSAGE(KrbError, KRB_ERROR)                                                                   \
    MESSAGE(MethodData, METHOD_DATA)                                                               \
    MESSAGE(AuthorizationData, AuthorizationData)                                                  \
    MESSAGE(EncryptedData, EncryptedData)                                                          \
    MESSAGE(EncryptionKey, EncryptionKey)                                                          \
    MESSAGE(EtypeInfo, ETYPE_INFO)                                                                 \
    MESSAGE(EtypeInfo2, ETYPE_INFO2)                                                               \
    MESSAGE(PaEncTsEnc, PA_ENC_TS_ENC)                                                             \
    MESSAGE(PaPacRequest, PA_PAC_REQUEST)                                                          \
    MESSAGE(PaForUser, PA_S4U2Self)                                                                \
    MESSAGE(AdKdcIssued, AD_KDCIssued)                                                             \
    MESSAGE(AdAndOr, AD_AND_OR)                                                                    \
    MESSAGE(KrbFastArmor, KrbFastArmor)                                                            \
    MESSAGE(PaFxFastRequest, PA_FX_FAST_REQUEST)                                                   \
    MESSAGE(KrbFastReq, KrbFastReq)                                                                \
    MESSAGE(PaFxFastReply, PA_FX_FAST_REPLY)                                                       \
    MESSAGE(KrbFastResponse, KrbFastResponse)                                                      \
    MESSAGE(ChangePasswdData, ChangePasswdDataMS)                                                  \
    MESSAGE(KdcProxyMessage, KDC_PROXY_MESSAGE)

#define DEFINE(name, type) REENCODER(type)
#define ENTRY(name, type) {#name, reencode_##type},

MESSAGES(DEFINE)

static const struct {
    const char *name;
    reencoder *reencode;
} messages[] = {MESSAGES(ENTRY)};

static void answer(int words, char **word)
{
    struct octets in = unhex(word[1]);
    unsigned char *out;
    size_t length;

    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        if (strcmp(messages[i].name, word[0]) == 0) {
            int error = messages[i].reencode(in.data, in.length, &out, &length);
            if (error)
                no(error == LEFT_OVER ? "bytes are left" : error_message(error));
            else
                ok(out, length);
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

/*
 * MIT's libgssapi_krb5: one security context.
 *
 *   init    krb5|spnego FLAGS BINDINGS SERVICE   the first token
 *   accept  krb5|spnego BINDINGS TOKEN           the answer
 *   step    TOKEN                                the answer
 *   wrap    0|1 MESSAGE                          a token, encrypted or not
 *   unwrap  TOKEN                                one octet, whether it was encrypted; the message
 *   mic     MESSAGE                              a token
 *   verify  MESSAGE TOKEN                        nothing
 *   peer                                         the initiator's name, as the acceptor sees it
 *
 * The first octet of an answer to init, accept and step is 1 if the context is established. An
 * answer that is authentic and out of order is "no" with the supplementary status.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include "lines.h"

static gss_OID_desc spnego = {6, "\x2b\x06\x01\x05\x05\x02"};

static gss_ctx_id_t context = GSS_C_NO_CONTEXT;
static gss_name_t service = GSS_C_NO_NAME, client = GSS_C_NO_NAME;
static gss_cred_id_t acceptor = GSS_C_NO_CREDENTIAL;
static gss_OID mechanism;
static struct gss_channel_bindings_struct bindings;
static int initiating, bound;
static OM_uint32 flags;

static gss_buffer_desc buffer_of(const char *word)
{
    struct octets octets = unhex(word);
    gss_buffer_desc buffer = {octets.length, octets.data};

    return buffer;
}

static void failed(OM_uint32 major, OM_uint32 minor)
{
    OM_uint32 ignored, more = 0;
    gss_buffer_desc text;

    if (!GSS_ERROR(major)) {
        no(major & GSS_S_DUPLICATE_TOKEN ? "duplicate"
           : major & GSS_S_OLD_TOKEN     ? "old"
           : major & GSS_S_UNSEQ_TOKEN   ? "out of sequence"
                                         : "gap");
        return;
    }
    gss_display_status(&ignored, GSS_ERROR(minor) || minor ? minor : major,
                       minor ? GSS_C_MECH_CODE : GSS_C_GSS_CODE, mechanism, &more, &text);
    printf("no %08x %.*s\n", major, (int)text.length, (char *)text.value);
}

static void step(gss_buffer_desc in)
{
    OM_uint32 major, minor;
    gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
    unsigned char *answer;
    gss_channel_bindings_t channel = bound ? &bindings : GSS_C_NO_CHANNEL_BINDINGS;

    if (initiating)
        major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context, service, mechanism,
                                     flags, 0, channel, &in, NULL, &out, NULL, NULL);
    else
        major = gss_accept_sec_context(&minor, &context, acceptor, &in, channel, &client, NULL,
                                       &out, NULL, NULL, NULL);
    if (GSS_ERROR(major)) {
        failed(major, minor);
        return;
    }
    answer = malloc(out.length + 1);
    answer[0] = !(major & GSS_S_CONTINUE_NEEDED);
    if (out.length)
        memcpy(answer + 1, out.value, out.length);
    ok(answer, out.length + 1);
}

static void begin(const char *mech, const char *bound_to)
{
    mechanism = strcmp(mech, "spnego") ? (gss_OID)gss_mech_krb5 : &spnego;
    bound = strcmp(bound_to, "none") != 0;
    bindings.application_data = bound ? buffer_of(bound_to) : (gss_buffer_desc){0, NULL};
}

static void answer(int words, char **word)
{
    OM_uint32 major = 0, minor = 0;
    gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER;
    const char *what = words ? word[0] : "";
    int sealed = 0;

    if (strcmp(what, "init") == 0 && words == 5) {
        in = (gss_buffer_desc){strlen(word[4]), word[4]};
        major = gss_import_name(&minor, &in, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &service);
        begin(word[1], word[3]);
        initiating = 1;
        flags = strtoul(word[2], NULL, 0);
        if (GSS_ERROR(major))
            failed(major, minor);
        else
            step((gss_buffer_desc){0, NULL});
    } else if (strcmp(what, "accept") == 0 && words == 4) {
        begin(word[1], word[2]);
        major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_ACCEPT,
                                 &acceptor, NULL, NULL);
        if (GSS_ERROR(major))
            failed(major, minor);
        else
            step(buffer_of(word[3]));
    } else if (strcmp(what, "step") == 0 && words == 2) {
        step(buffer_of(word[1]));
    } else if (strcmp(what, "wrap") == 0 && words == 3) {
        in = buffer_of(word[2]);
        major = gss_wrap(&minor, context, atoi(word[1]), GSS_C_QOP_DEFAULT, &in, &sealed, &out);
        major ? failed(major, minor) : ok(out.value, out.length);
    } else if (strcmp(what, "unwrap") == 0 && words == 2) {
        in = buffer_of(word[1]);
        major = gss_unwrap(&minor, context, &in, &out, &sealed, NULL);
        if (major) {
            failed(major, minor);
        } else {
            unsigned char *message = malloc(out.length + 1);

            message[0] = sealed;
            memcpy(message + 1, out.value, out.length);
            ok(message, out.length + 1);
        }
    } else if (strcmp(what, "mic") == 0 && words == 2) {
        in = buffer_of(word[1]);
        major = gss_get_mic(&minor, context, GSS_C_QOP_DEFAULT, &in, &out);
        major ? failed(major, minor) : ok(out.value, out.length);
    } else if (strcmp(what, "verify") == 0 && words == 3) {
        gss_buffer_desc token = buffer_of(word[2]);

        in = buffer_of(word[1]);
        major = gss_verify_mic(&minor, context, &in, &token, NULL);
        major ? failed(major, minor) : ok("", 0);
    } else if (strcmp(what, "peer") == 0) {
        major = gss_display_name(&minor, client, &out, NULL);
        major ? failed(major, minor) : ok(out.value, out.length);
    } else {
        no("no such question");
    }
}

int main(void)
{
    answer_all();
    return 0;
}

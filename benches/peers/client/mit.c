/* MIT's GSSAPI in one process, as krb-benches client is called:
 *
 *   mit CASE CLIENTS SECONDS KDC REALM ACCOUNT KEYTAB USER TARGET
 *
 * KRB5_CONFIG says where the KDC is. Clients are threads. Nothing is in a cache that was not put there
 * for this one: each login has a cache of its own in memory, and GSSAPI makes one for each user. */
#define _GNU_SOURCE
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { USERS = 1000, MOST_CLIENTS = 256 };

static const char *which, *realm, *account, *keytab, *user, *target;
static double until;
static unsigned long numbers, caches;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static double processor_time(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

static void check(OM_uint32 major, OM_uint32 minor, const char *what) {
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    OM_uint32 unused, more = 0;
    if (!GSS_ERROR(major)) return;
    gss_display_status(&unused, minor, GSS_C_MECH_CODE, (gss_OID)gss_mech_krb5, &more, &text);
    fprintf(stderr, "%s: %.*s\n", what, (int)text.length, (char *)text.value);
    exit(1);
}

static gss_name_t name(const char *text) {
    char whole[512];
    gss_buffer_desc buffer;
    gss_name_t name;
    OM_uint32 major, minor;
    buffer.length = snprintf(whole, sizeof whole, "%s@%s", text, realm);
    buffer.value = whole;
    major = gss_import_name(&minor, &buffer, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &name);
    check(major, minor, text);
    return name;
}

static const gss_OID_set_desc *kerberos(void) { return gss_mech_set_krb5; }

/* A login with the keytab, when it is first needed, into this cache. */
static gss_cred_id_t log_in(const char *cache) {
    gss_key_value_element_desc elements[] = {{"client_keytab", keytab}, {"ccache", cache}};
    gss_key_value_set_desc store = {2, elements};
    gss_cred_id_t credential;
    gss_name_t self = name(account);
    OM_uint32 major, minor;
    major = gss_acquire_cred_from(&minor, self, GSS_C_INDEFINITE, (gss_OID_set)kerberos(),
                                  GSS_C_INITIATE, &store, &credential, NULL, NULL);
    check(major, minor, "login");
    gss_release_name(&minor, &self);
    return credential;
}

/* The first token to the target. */
static void begin(gss_cred_id_t credential) {
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
    gss_name_t to = name(target);
    OM_uint32 major, minor;
    major = gss_init_sec_context(&minor, credential, &context, to, (gss_OID)gss_mech_krb5,
                                 GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG, 0,
                                 GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &token, NULL, NULL);
    check(major, minor, target);
    gss_release_buffer(&minor, &token);
    gss_delete_sec_context(&minor, &context, GSS_C_NO_BUFFER);
    gss_release_name(&minor, &to);
}

static void in_a_users_name(gss_cred_id_t own) {
    unsigned long number = __sync_fetch_and_add(&numbers, 1) % USERS;
    const char *star = strchr(user, '*');
    gss_cred_id_t users;
    gss_name_t who;
    OM_uint32 major, minor;
    char text[256];
    if (star) snprintf(text, sizeof text, "%.*s%04lu%s", (int)(star - user), user, number, star + 1);
    else snprintf(text, sizeof text, "%s", user);
    who = name(text);
    major = gss_acquire_cred_impersonate_name(&minor, own, who, GSS_C_INDEFINITE, (gss_OID_set)kerberos(),
                                              GSS_C_INITIATE, &users, NULL, NULL);
    check(major, minor, text);
    begin(users);
    gss_release_cred(&minor, &users);
    gss_release_name(&minor, &who);
}

static void forget(krb5_context context, const char *cache) {
    krb5_ccache ccache;
    if (!krb5_cc_resolve(context, cache, &ccache)) krb5_cc_destroy(context, ccache);
}

struct client { krb5_context context; gss_cred_id_t kept; pthread_t thread; unsigned long done; };

static void *go_on(void *argument) {
    struct client *client = argument;
    gss_cred_id_t credential;
    OM_uint32 minor;
    char cache[64];
    for (client->done = 0; now() < until; client->done++) {
        if (!strcmp(which, "s4u")) {
            in_a_users_name(client->kept);
            continue;
        }
        snprintf(cache, sizeof cache, "MEMORY:%lu", __sync_fetch_and_add(&caches, 1));
        credential = log_in(cache);
        if (!strcmp(which, "cold")) in_a_users_name(credential);
        else begin(credential);
        gss_release_cred(&minor, &credential);
        forget(client->context, cache);
    }
    return NULL;
}

static unsigned long all(struct client *clients, int number, double seconds) {
    unsigned long done = 0;
    int i;
    until = now() + seconds * 1e9;
    for (i = 0; i < number; i++) pthread_create(&clients[i].thread, NULL, go_on, &clients[i]);
    for (i = 0; i < number; i++) {
        pthread_join(clients[i].thread, NULL);
        done += clients[i].done;
    }
    return done;
}

int main(int argc, char **argv) {
    static struct client clients[MOST_CLIENTS];
    unsigned long done;
    double seconds, begun, before;
    char cache[64], file[512];
    int number, i;

    if (argc != 10 || (number = atoi(argv[2])) < 1 || number > MOST_CLIENTS) return 2;
    which = argv[1];
    seconds = atof(argv[3]);
    realm = argv[5];
    account = argv[6];
    snprintf(file, sizeof file, "FILE:%s", argv[7]);
    keytab = file;
    user = argv[8];
    target = argv[9];
    for (i = 0; i < number; i++) {
        if (krb5_init_context(&clients[i].context)) return 1;
        snprintf(cache, sizeof cache, "MEMORY:kept-%d", i);
        clients[i].kept = log_in(cache);
    }
    all(clients, number, seconds / 2);
    begun = now();
    before = processor_time();
    done = all(clients, number, seconds);
    if (!done) return 1;
    printf("%.0f\t%.0f\n", (now() - begun) / done, (processor_time() - before) / done);
    return 0;
}

#!/bin/bash
# python3-gssapi 1.8.2 on MIT krb5 1.20.1 (Debian 12): an initiator of IAKERB, the mechanism for clients that
# reach no KDC, makes no first token. One asks for it with step(), without a token, since there is none yet; what
# gss_init_sec_context gets is an empty token, which RFC 2744 section 5.19 allows at first as well as none.
# MIT's Kerberos mechanism takes both, its IAKERB reads the empty one as the acceptor's answer. MIT's own sample client, which gives none, begins with the same credentials. No KDC is asked by
# either. Runs as root or not, on Debian 12; installs nothing outside of a temporary folder. Exits with 1 if the
# behaviour is another.
set -eu
krb5=1.20.1-2+deb12u5 gssapi=1.8.2-1+b1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "libkrb5-3=$krb5" "libk5crypto3=$krb5" "libkrb5support0=$krb5" "libgssapi-krb5-2=$krb5" \
    "krb5-gss-samples=$krb5" "python3-gssapi=$gssapi" python3-decorator >/dev/null
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
LD_LIBRARY_PATH=$folder/$(dirname "$(find unpacked -name 'libgssapi_krb5.so.2' | head -1)")
export LD_LIBRARY_PATH LC_ALL=C PYTHONPATH=$folder/unpacked/usr/lib/python3/dist-packages
export KRB5_CONFIG=$folder/krb5.conf KRB5CCNAME=FILE:$folder/cc
printf '[libdefaults]\ndefault_realm = EXAMPLE.TEST\ndns_lookup_kdc = false\ndns_lookup_realm = false\n' >krb5.conf
printf 'rdns = false\ndns_canonicalize_hostname = false\n' >>krb5.conf
echo "MIT krb5 $krb5, python3-gssapi $gssapi"

cat >first.py <<'PYTHON'
import gssapi

IAKERB = gssapi.OID.from_int_seq("1.3.6.1.5.2.5")
alice = gssapi.Name("alice@EXAMPLE.TEST", gssapi.NameType.kerberos_principal)
service = gssapi.Name("HTTP/web.example.test@EXAMPLE.TEST", gssapi.NameType.kerberos_principal)
got = gssapi.raw.acquire_cred_with_password(alice, b"a password", mechs=[IAKERB], usage="initiate")
context = gssapi.SecurityContext(name=service, creds=got.creds, usage="initiate", mech=IAKERB)
try:
    print(len(context.step()), "octets")
except gssapi.exceptions.GSSError as error:
    print(" ".join(str(error).split()))
PYTHON
python=$(/usr/bin/python3 first.py)
echo "python3-gssapi's first token: $python"

# The sample client says first that a context is next (one octet of kind, four of length), then its token.
cat >listen.py <<'PYTHON'
import socket, sys

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
client = listener.accept()[0].makefile("rb")
client.read(5)
client.read(1)
print(len(client.read(int.from_bytes(client.read(4), "big"))), "octets", flush=True)
PYTHON
/usr/bin/python3 listen.py >heard &
until [[ -s heard ]]; do sleep 0.1; done
unpacked/usr/bin/gss-client -iakerb -user alice -pass "a password" -port "$(head -n 1 heard)" 127.0.0.1 \
    HTTP@web.example.test "a message" >client.log 2>&1 || true
wait
sample=$(tail -n 1 heard)
echo "gss-client's first token:     $sample"

grep -q 'Message size is incompatible with encryption type' <<<"$python" || { echo "CHANGED: python3-gssapi"; exit 1; }
grep -Eq '^[1-9][0-9]+ octets$' <<<"$sample" || { echo "CHANGED: gss-client"; exit 1; }
echo "With python3-gssapi nobody begins IAKERB here: give gss_init_sec_context no token, not an empty one."

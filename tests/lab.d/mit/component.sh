# A plain MIT KDC: reads PA-S4U-X509-USER, which Samba ignores; its db2 knows no S4U2Proxy. It has a
# certificate (pki/); beside it are kadmind, which changes passwords, and a RADIUS server.
needs=()

at() { echo "$MIT_REALM at $MIT_IP:88"; }
start() {
  # shellcheck disable=SC2016  # the shell's that is started
  daemon mit KRB5_KDC_PROFILE="$LAB/mit/kdc.conf" REALM="$MIT_REALM" RADIUS="$LAB_D/mit/radius" \
    SOCKET="$LAB/mit/otp.socket" bash -c \
    '"$RADIUS" "$SOCKET" & kadmind -nofork -r "$REALM" & exec krb5kdc -n -r "$REALM"'
}
ready() { answers "$MIT_IP" 88 && answers "$MIT_IP" 464; }

# certificate CA NAME PURPOSE TYPE COMPONENT…: RFC 4556 sections 3.2.2 and 3.2.4.
certificate() {
  local ca=$1 name=$2 purpose=$3 type=$4 components='' component
  for component in "${@:5}"; do components+="c${#components}=GeneralString:$component"$'\n'; done
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" &&
    openssl x509 -req -in "$name.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial -days 3650 \
      -out "$name.pem" -extfile <(cat <<X
keyUsage=digitalSignature
extendedKeyUsage=1.3.6.1.5.2.3.$purpose
subjectAltName=otherName:1.3.6.1.5.2.2;SEQUENCE:principal
[principal]
realm=EXP:0,GeneralString:$MIT_REALM
name=EXP:1,SEQUENCE:name
[name]
type=EXP:0,INTEGER:$type
components=EXP:1,SEQUENCE:components
[components]
$components
X
      )
}

# A CA, the KDC's certificate and alice's by it, and a CA that nobody knows.
certificates() {
  local ca
  mkdir -p "$LAB/mit/pki" && cd "$LAB/mit/pki" &&
    for ca in ca stranger; do
      openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$ca" -keyout "$ca.key" \
        -out "$ca.pem" -addext keyUsage=critical,keyCertSign
    done &&
    certificate ca kdc 5 2 krbtgt "$MIT_REALM" && certificate ca alice 4 1 alice
}

build() {
  export KRB5_KDC_PROFILE=$LAB/mit/kdc.conf
  mkdir -p "$LAB/mit"
  (certificates) >"$LAB/log/mit-certificates.log" 2>&1 || return
  echo "admin/admin@$MIT_REALM *" >"$LAB/mit/kadm5.acl"
  render "$LAB_D/mit/kdc.conf" >"$KRB5_KDC_PROFILE" &&
    { kdb5_util -r "$MIT_REALM" create -s -P master &&
      kadmin.local -r "$MIT_REALM" <<X
addprinc -pw Passw0rd!alice +requires_preauth alice
addprinc -pw Passw0rd!bob bob
addprinc -pw Passw0rd!dave -allow_forwardable dave
addprinc -pw Passw0rd!eve -allow_tix eve
addprinc -pw Passw0rd!frank -expire 2012-01-01 frank
addprinc -pw Passw0rd!gwen +requires_preauth gwen
addprinc -pw Passw0rd!hugo +requires_preauth +needchange hugo
addprinc -randkey WELLKNOWN/ANONYMOUS
addprinc -pw Passw0rd!otto +requires_preauth otto
setstr otto otp "[{""type"":""token""}]"
addprinc -pw Passw0rd!mit +ok_to_auth_as_delegate +requires_preauth $MIT_ACCOUNT
addprinc -randkey HTTP/web.${MIT_REALM,,}
addprinc -randkey HTTP/fast.${MIT_REALM,,}
addprinc -randkey MSSQLSvc/sql.${MIT_REALM,,}:1433
setstr HTTP/fast.${MIT_REALM,,} require_auth challenge
ktadd -norandkey -k $LAB/keytabs/mit.keytab $MIT_ACCOUNT HTTP/web.${MIT_REALM,,}
X
    } >"$LAB/log/mit-build.log" 2>&1 && [[ -s $LAB/keytabs/mit.keytab ]]
}

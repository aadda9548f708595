# A plain MIT KDC: reads PA-S4U-X509-USER, which Samba ignores; its db2 knows no S4U2Proxy.
needs=()

at() { echo "$MIT_REALM at $MIT_IP:88"; }
start() { daemon mit KRB5_KDC_PROFILE="$LAB/mit/kdc.conf" krb5kdc -n -r "$MIT_REALM"; }
ready() { answers "$MIT_IP" 88; }

build() {
  export KRB5_KDC_PROFILE=$LAB/mit/kdc.conf
  mkdir -p "$LAB/mit"
  render "$LAB_D/mit/kdc.conf" >"$KRB5_KDC_PROFILE" &&
    { kdb5_util -r "$MIT_REALM" create -s -P master &&
      kadmin.local -r "$MIT_REALM" <<X
addprinc -pw Passw0rd!alice +requires_preauth alice
addprinc -pw Passw0rd!bob bob
addprinc -pw Passw0rd!dave -allow_forwardable dave
addprinc -pw Passw0rd!eve -allow_tix eve
addprinc -pw Passw0rd!frank -expire 2012-01-01 frank
addprinc -pw Passw0rd!mit +ok_to_auth_as_delegate +requires_preauth $MIT_ACCOUNT
addprinc -randkey HTTP/web.${MIT_REALM,,}
addprinc -randkey HTTP/fast.${MIT_REALM,,}
setstr HTTP/fast.${MIT_REALM,,} require_auth challenge
ktadd -norandkey -k $LAB/keytabs/mit.keytab $MIT_ACCOUNT HTTP/web.${MIT_REALM,,}
X
    } >"$LAB/log/mit-build.log" 2>&1 && [[ -s $LAB/keytabs/mit.keytab ]]
}

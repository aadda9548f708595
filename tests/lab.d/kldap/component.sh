# A plain MIT KDC whose accounts are in LDAP: there S4U2Proxy's list has a place (krbAllowedToDelegateTo),
# which db2 has not. OpenLDAP is reached by its Unix socket alone.
needs=()

HOME_DIR=$LAB_CACHE/kldap-$(dpkg-query -W -f '${Version}' krb5-kdc 2>/dev/null || true)
PROGRAMS=$HOME_DIR/usr/sbin:$HOME_DIR/usr/bin:$SYSTEM_PATH
LIBRARIES=$HOME_DIR/usr/lib/x86_64-linux-gnu:$HOME_DIR/usr/lib/x86_64-linux-gnu/krb5
SOCKET=ldapi://${LAB//\//%2F}%2Fkldap%2Fldapi

at() { echo "$KLDAP_REALM at $KLDAP_IP:88"; }
# shellcheck disable=SC2016  # the shell's that is started
start() {
  daemon kldap PATH="$PROGRAMS" LD_LIBRARY_PATH="$LIBRARIES" KRB5_KDC_PROFILE="$LAB/kldap/kdc.conf" \
    REALM="$KLDAP_REALM" SOCKET="$SOCKET" CONFIG="$LAB/kldap/slapd.conf" bash -c '
      slapd -d 0 -h "$SOCKET" -f "$CONFIG" &
      for _ in {1..1500}; do
        if ldapwhoami -Q -Y EXTERNAL -H "$SOCKET"; then exec krb5kdc -n -r "$REALM"; fi
        sleep .02
      done
      kill 0; exit 1'
}
ready() { answers "$KLDAP_IP" 88; }

# Installed, the packages would be a directory server that everybody reaches, and lack the schema where
# documentation is left out: they are unpacked where nothing finds them by itself.
obtain() {
  [[ ! -d $HOME_DIR ]] || return 0
  local part=$HOME_DIR.$$
  rm -rf "$part" && mkdir -p "$part" && cd "$part" || return
  ( download_packages slapd ldap-utils krb5-kdc-ldap libwrap0 libltdl7 &&
      for deb in *.deb; do dpkg -x "$deb" . || exit; done &&
      gunzip usr/share/doc/krb5-kdc-ldap/kerberos.schema.gz && rm ./*.deb
  ) >install.log 2>&1 || { tail -5 install.log >&2; return 1; }
  mv -T "$part" "$HOME_DIR" 2>/dev/null || [[ -d $HOME_DIR ]]
  cd / && rm -rf "$part" && lap "MIT's LDAP back end unpacked"
}

accounts() {
  local web=HTTP/web.${KLDAP_REALM,,} user
  kdb5_ldap_util -H "$SOCKET" -r "$KLDAP_REALM" create -subtrees o=lab -s -P master &&
    kadmin.local -r "$KLDAP_REALM" <<X &&
addprinc -pw Passw0rd!alice +requires_preauth alice
addprinc -pw Passw0rd!dave -allow_forwardable dave
addprinc -pw Passw0rd!eve -allow_tix eve
addprinc -pw Passw0rd!frank -expire 2012-01-01 frank
addprinc -pw Passw0rd!grace +needchange grace
addprinc -pw Passw0rd!mcp +ok_to_auth_as_delegate +requires_preauth svc-mcp
addprinc -pw Passw0rd!ko +requires_preauth svc-ko
addprinc -randkey $web
addprinc -randkey HTTP/other.${KLDAP_REALM,,}
ktadd -norandkey -k $LAB/keytabs/kldap.keytab svc-mcp svc-ko $web
X
    for user in svc-mcp svc-ko; do
      printf '%s\n' "dn: krbPrincipalName=$user@$KLDAP_REALM,cn=$KLDAP_REALM,cn=krb,o=lab" \
        'changetype: modify' 'add: krbAllowedToDelegateTo' "krbAllowedToDelegateTo: $web" ''
    done | ldapmodify -Q -Y EXTERNAL -H "$SOCKET" && [[ -s $LAB/keytabs/kldap.keytab ]]
}

build() {
  export PATH=$PROGRAMS LD_LIBRARY_PATH=$LIBRARIES KRB5_KDC_PROFILE=$LAB/kldap/kdc.conf
  local server status=0
  mkdir -p "$LAB/kldap/accounts" &&
    render "$LAB_D/kldap/slapd.conf" HOME_DIR="$HOME_DIR" >"$LAB/kldap/slapd.conf" &&
    render "$LAB_D/kldap/kdc.conf" SOCKET="$SOCKET" MODULES="${LIBRARIES#*:}/plugins/kdb" \
      >"$KRB5_KDC_PROFILE" &&
    printf '%s\n' 'dn: o=lab' 'objectClass: organization' 'o: lab' |
      slapadd -f "$LAB/kldap/slapd.conf" || return
  slapd -d 0 -h "$SOCKET" -f "$LAB/kldap/slapd.conf" &
  server=$!
  for _ in {1..1500}; do ! ldapwhoami -Q -Y EXTERNAL -H "$SOCKET" || break; sleep .02; done
  accounts || status=1
  kill "$server"
  wait "$server" || true
  return $status
} >"$LAB/log/kldap-build.log" 2>&1

# Keycloak, an identity provider with standard token exchange (realm.json, and the realm that ships,
# with the domain as its directory; docs/lab.md says what is in them). Its database is in memory: every start is a new one. It takes 15 s of processor time until it
# answers, so nobody waits for it here; tests that want it do.
needs=()

VERSION=26.7.5
SHA256=30ef87fb7101c43d29688d1ae80c0588ff4a151b3330e9f664bf9692d398658a
# What the server is built with; another choice is another directory of the cache.
OPTIONS=(--db=dev-mem --cache=local --health-enabled=false
  --features-disabled=admin,account,device-flow,ciba,impersonation)
HOME_DIR=$LAB_CACHE/keycloak-$VERSION-$(cksum <<<"$SHA256 ${OPTIONS[*]}" | cut -d' ' -f1)

at() { echo "$KEYCLOAK_ISSUER (not before some seconds)"; }
ready() { :; }

# From Maven's registry, as it is configured on this machine; no Debian package has it.
obtain() {
  [[ ! -d $HOME_DIR ]] || return 0
  local part=$HOME_DIR.$$ artifact=keycloak-quarkus-dist
  rm -rf "$part" && mkdir -p "$part" && cd "$part" || return
  { mvn -q -B dependency:copy -Dartifact=org.keycloak:$artifact:$VERSION:zip -DoutputDirectory=. &&
      sha256sum -c <<<"$SHA256  $artifact-$VERSION.zip" && unzip -q "$artifact-$VERSION.zip" &&
      "keycloak-$VERSION/bin/kc.sh" build "${OPTIONS[@]}" && mkdir "keycloak-$VERSION/data"
  } >install.log 2>&1 || { tail -5 install.log >&2; return 1; }
  mv -T "keycloak-$VERSION" "$HOME_DIR" 2>/dev/null || [[ -d $HOME_DIR ]]
  cd / && rm -rf "$part"
  lap "Keycloak $VERSION installed"
}

# Labs share the program, and each has its own data directory.
start() {
  local base=DC=${DOMAIN//./,DC=}
  # shellcheck disable=SC2016  # expands in there
  daemon keycloak MCP_URL=http://localhost:3000/mcp MCP_REDIRECT_URI=http://127.0.0.1/callback \
    MCP_PASSWORD_GRANT=true MCP_OAUTH_CLIENT_SECRET=mcp-oauth-secret \
    LDAP_URL="ldaps://$DC_HOST:636" LDAP_BIND_DN="CN=svc-keycloak,CN=Users,$base" \
    LDAP_BIND_PASSWORD='Passw0rd!svc-keycloak' LDAP_USERS_DN="CN=Users,$base" \
    LDAP_GROUPS_DN="OU=MCP,$base" JAVA_OPTS='-Xms64m -Xmx384m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC
    -XX:TieredStopAtLevel=1 -Djava.security.egd=file:/dev/urandom -Djava.io.tmpdir=/run/lab/tmp' \
    nice -n 10 unshare -m bash -c '
    mount --bind /run/lab/keycloak/data "$1/data" && shift && exec "$@"' _ "$HOME_DIR" \
    "$HOME_DIR/bin/kc.sh" start --optimized --import-realm \
    --truststore-paths="$LAB/tls/ca.crt" --hostname="https://$KEYCLOAK_HOST:8443" --http-host="$KEYCLOAK_IP" \
    --https-certificate-file="$LAB/keycloak/tls.crt" \
    --https-certificate-key-file="$LAB/keycloak/tls.key"
}

build() {
  mkdir -p "$LAB/keycloak/data/import" && cd "$LAB/keycloak" &&
    cp "$LAB_D/keycloak/realm.json" data/import/ &&
    /usr/bin/python3 "$LAB_D/keycloak/realms" "$SHIPPED_REALM" data/import &&
    { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$KEYCLOAK_HOST" \
        -keyout tls.key -out tls.csr &&
      openssl x509 -req -in tls.csr -CA "$LAB/tls/ca.crt" -CAkey "$LAB/tls/ca.key" -CAcreateserial \
        -days 3650 -out tls.crt -extfile <(echo "subjectAltName=DNS:$KEYCLOAK_HOST")
    } >"$LAB/log/keycloak-build.log" 2>&1
}

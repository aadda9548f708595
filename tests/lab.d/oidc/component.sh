# npm's oidc-provider, a second make of identity provider, with token exchange (provider.mjs). Its program
# comes from npm's registry, so it is started only by name.
needs=()

MODULES=$LAB_CACHE/oidc-$(cksum <"$LAB_D/oidc/package.json" | cut -d' ' -f1)

at() { echo "$OIDC_ISSUER"; }
ready() { answers "$KEYCLOAK_IP" 8444; }

# From npm's registry, as it is configured on this machine.
obtain() {
  [[ ! -d $MODULES ]] || return 0
  local part=$MODULES.$$
  rm -rf "$part" && mkdir -p "$part" && cp "$LAB_D/oidc/package.json" "$part/" && cd "$part" || return
  PATH=$CALLER_PATH npm install --ignore-scripts --no-audit --no-fund --loglevel=error >install.log 2>&1 ||
    { tail -5 install.log >&2; return 1; }
  mv -T "$part" "$MODULES" 2>/dev/null || [[ -d $MODULES ]]
  cd / && rm -rf "$part"
  lap "oidc-provider installed"
}

# The client's key is made at every start, and its public half given to the provider.
start() {
  mkdir -p "$LAB/oidc" && cd "$LAB/oidc" || return
  ln -sfn "$MODULES/node_modules" node_modules && cp "$LAB_D/oidc/provider.mjs" . || return
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out client-key.pem &&
    PATH=$CALLER_PATH node -e '
      const { createPublicKey } = require("node:crypto");
      const key = createPublicKey(require("node:fs").readFileSync("client-key.pem"));
      console.log(JSON.stringify({ ...key.export({ format: "jwk" }), alg: "ES256", use: "sig" }));
    ' >client-key.json || return
  # It has the host, and so the certificate, of the other one.
  daemon oidc "$(PATH=$CALLER_PATH type -P node)" provider.mjs "$OIDC_ISSUER" "$KEYCLOAK_IP:8444" \
    "$LAB/keycloak/tls.crt" "$LAB/keycloak/tls.key" client-key.json
}

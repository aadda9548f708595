#!/bin/bash
# Keycloak 26.7.5, token endpoint, valid RFC 8693 requests: which error stands for which cause.
#
#   cause                    RFC                                    Keycloak
#   wrong client secret      invalid_client (RFC 6749 5.2)          401 unauthorized_client
#   unknown client           invalid_client (RFC 6749 5.2)          401 invalid_client, the same words
#   unknown audience         invalid_target (RFC 8693 2.2.2)        400 invalid_client
#   subject token not for us invalid_request (RFC 8693 2.2.2)       403 access_denied
#
# So a client library that explains errors by the RFC's codes gives each the remedy of another: only
# the description tells the causes apart. Needs Java 17 or later, Maven, unzip, curl, jq. Everything is
# in a temporary folder and on loopback. Exits with 1 if the behaviour is another one.
set -euo pipefail
VERSION=26.7.5 PORT=${PORT:-18099}
folder=$(mktemp -d) server=
trap '[[ ! $server ]] || kill "$server" 2>/dev/null || true; wait 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
mvn -q -B dependency:copy -Dartifact=org.keycloak:keycloak-quarkus-dist:$VERSION:zip -DoutputDirectory=.
unzip -q keycloak-quarkus-dist-$VERSION.zip
mkdir -p keycloak-$VERSION/data/import
cat >keycloak-$VERSION/data/import/realm.json <<'X'
{ "realm": "r", "enabled": true, "sslRequired": "none",
  "clients": [
    { "clientId": "agent", "secret": "agent", "serviceAccountsEnabled": true },
    { "clientId": "exchanger", "secret": "right",
      "attributes": { "standard.token.exchange.enabled": "true" } } ] }
X
env -u JAVA_OPTS keycloak-$VERSION/bin/kc.sh start-dev --import-realm --http-host=127.0.0.1 \
  --http-port="$PORT" >server.log 2>&1 &
server=$!
realm=http://127.0.0.1:$PORT/realms/r
for _ in {1..300}; do
  curl -sf -m 2 "$realm/.well-known/openid-configuration" >/dev/null && break
  kill -0 "$server" || { tail server.log; exit 2; }
  sleep 1
done
token() { curl -s -m 20 -w '\n%{http_code}' "$realm/protocol/openid-connect/token" "$@"; }
subject=$(token -d grant_type=client_credentials -d client_id=agent -d client_secret=agent |
  head -1 | jq -r .access_token)
kind=urn:ietf:params:oauth:token-type:access_token failed=0
expect() {  # CAUSE, "STATUS ERROR DESCRIPTION", form fields
  local answer said
  answer=$(token -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
    -d subject_token="$subject" -d subject_token_type=$kind "${@:3}")
  said="$(tail -1 <<<"$answer") $(head -1 <<<"$answer" | jq -r '.error + " " + .error_description')"
  printf '%-25s %s\n' "$1" "$said"
  [[ $said == "$2" ]] || { echo "  changed; it was: $2"; failed=1; }
}
echo "Keycloak $VERSION"
expect "wrong client secret" \
  "401 unauthorized_client Invalid client or Invalid client credentials" \
  -d client_id=exchanger -d client_secret=wrong
expect "unknown client" \
  "401 invalid_client Invalid client or Invalid client credentials" \
  -d client_id=nobody -d client_secret=wrong
expect "unknown audience" "400 invalid_client Audience not found" \
  -d client_id=exchanger -d client_secret=right -d audience=nowhere
expect "subject token not for us" "403 access_denied Client is not within the token audience" \
  -d client_id=exchanger -d client_secret=right
exit $failed

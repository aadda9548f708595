# Apache with mod_auth_gssapi: a page that says who came, and one that is alice's alone.
needs=()

at() { echo "https://$WEB_HOST ($WEB_IP:443, plain at :80, default header limit at :8081)"; }
start() { daemon web apache2 -DFOREGROUND -f "$LAB/web/httpd.conf"; }
ready() { answers "$WEB_IP" 443 && answers "$WEB_IP" 80 && answers "$WEB_IP" 8081; }

build() {
  mkdir -p "$LAB/web/htdocs/private"
  certificate && install -o www-data -m 600 "$LAB/keytabs/web.keytab" "$LAB/web/web.keytab" &&
    cp "$LAB_D/web/whoami" "$LAB/web/htdocs/" &&
    echo "for ALICE_ADMIN" >"$LAB/web/htdocs/private/index.html" &&
    render "$LAB_D/web/httpd.conf" >"$LAB/web/httpd.conf"
}

# Of the lab's CA.
certificate() {
  cd "$LAB/tls" || return
  { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$WEB_HOST" \
      -keyout web.key -out web.csr &&
    openssl x509 -req -in web.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out web.crt \
      -extfile <(echo "subjectAltName=DNS:$WEB_HOST,IP:$WEB_IP")
  } >"$LAB/log/web-certificate.log" 2>&1
}

# Apache with mod_auth_gssapi: a page that says who came, and one that is alice's alone.
needs=()

at() { echo "http://$WEB_HOST ($WEB_IP:80, default header limit at :8081)"; }
start() { daemon web apache2 -DFOREGROUND -f "$LAB/web/httpd.conf"; }
ready() { answers "$WEB_IP" 80 && answers "$WEB_IP" 8081; }

build() {
  mkdir -p "$LAB/web/htdocs/private"
  install -o www-data -m 600 "$LAB/keytabs/web.keytab" "$LAB/web/web.keytab" &&
    cp "$LAB_D/web/whoami" "$LAB/web/htdocs/" &&
    echo "for ALICE_ADMIN" >"$LAB/web/htdocs/private/index.html" &&
    render "$LAB_D/web/httpd.conf" >"$LAB/web/httpd.conf"
}

# A KDC of Heimdal's: keeps S4U2Proxy's list itself, and puts no PAC into tickets.
needs=()

HOME_DIR=$LAB_CACHE/heimdal
SERVER=$HOME_DIR/usr/lib/heimdal-servers/kdc
CONFIG=$LAB/heimdal/krb5.conf

at() { echo "$HEIMDAL_REALM at $HEIMDAL_IP:88"; }
start() { daemon heimdal KRB5_CONFIG="$CONFIG" "$SERVER" -c "$CONFIG" --ports=88 --addresses="$HEIMDAL_IP"; }
ready() { answers "$HEIMDAL_IP" 88; }

# Its Debian packages conflict with MIT's, so they are unpacked where nothing finds them by itself.
obtain() {
  [[ ! -x $SERVER ]] || return 0
  local part=$HOME_DIR.$$
  rm -rf "$part" && mkdir -p "$part" && cd "$part" || return
  { download_packages heimdal-kdc heimdal-clients && for deb in *.deb; do dpkg -x "$deb" .; done
  } >install.log 2>&1 || { tail -5 install.log >&2; return 1; }
  rm -rf "$HOME_DIR" && mv -T "$part" "$HOME_DIR" && cd / && lap "Heimdal unpacked"
}

build() {
  local admin=("$HOME_DIR/usr/bin/kadmin.heimdal" -c "$CONFIG" -l -r "$HEIMDAL_REALM") user
  local web=HTTP/web.${HEIMDAL_REALM,,}
  export KRB5_CONFIG=$CONFIG
  mkdir -p "$LAB/heimdal"
  add() { "${admin[@]}" add --use-defaults "$@"; }
  modify() { "${admin[@]}" modify "$@"; }
  render "$LAB_D/heimdal/krb5.conf" >"$CONFIG" && {
    "${admin[@]}" init --realm-max-ticket-life=10h --realm-max-renewable-life=7d "$HEIMDAL_REALM" &&
      for user in alice dave eve frank svc-mcp svc-ko; do
        add --password="Passw0rd!$user" "$user" || return
      done &&
      add --random-key "$web" && add --random-key "HTTP/other.${HEIMDAL_REALM,,}" &&
      modify -a +disallow-forwardable dave && modify -a +disallow-all-tix eve &&
      modify --expiration-time=2012-01-01 frank && modify -a +trusted-for-delegation svc-mcp &&
      for user in svc-mcp svc-ko; do
        modify --constrained-delegation="$web@$HEIMDAL_REALM" "$user" || return
      done &&
      "${admin[@]}" ext_keytab -k "$LAB/keytabs/heimdal.keytab" svc-mcp svc-ko
  } >"$LAB/log/heimdal-build.log" 2>&1 && [[ -s $LAB/keytabs/heimdal.keytab ]]
}

# Samba AD domain controller without its KDC: LDAP, DNS, SMB, RPC.
needs=()

at() { echo "$DC_HOST ($DC_IP)"; }
start() { daemon dc samba -F --no-process-group -s "$LAB/dc/etc/smb.conf"; }
ready() { answers "$DC_IP" 53 && answers "$DC_IP" 389 && answers "$DC_IP" 445 && answers "$DC_IP" 636; }

build() {
  provision && certificates && configure && populate
}

# Not from the packaged smb.conf: what is in there would become the domain controller's.
provision() {
  echo '[global]' >"$TMPDIR/empty.conf"
  samba-tool domain provision --configfile="$TMPDIR/empty.conf" --targetdir="$LAB/dc" \
    --realm="$REALM" --domain="$NETBIOS" --server-role=dc --use-rfc2307 \
    --dns-backend=SAMBA_INTERNAL --adminpass="$ADMIN_PASSWORD" \
    --host-name="$(short "$DC_HOST")" --host-ip="$DC_IP" \
    --option="interfaces=$DC_IP/$(mask "$DC_IP")" --option='bind interfaces only=yes' \
    >"$LAB/log/provision.log" 2>&1
}

# Samba's own certificate has no subjectAltName.
certificates() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  mkdir -p "$LAB/tls" && cd "$LAB/tls" || return
  { openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=Lab CA $REALM" -keyout ca.key -out ca.crt \
      -addext basicConstraints=critical,CA:TRUE &&
    openssl req "${key[@]}" -subj "/CN=$DC_HOST" -keyout dc.key -out dc.csr &&
    openssl x509 -req -in dc.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out dc.crt \
      -extfile <(echo "subjectAltName=DNS:$DC_HOST,DNS:$DOMAIN,IP:$DC_IP")
  } >"$LAB/log/certificates.log" 2>&1
}

configure() {
  local name dc=$LAB/dc
  name=$(short "$DC_HOST")
  common=(NAME="${name^^}" MASK="$(mask "$DC_IP")")
  mkdir -p $dc/{cache,lock,pids,pids-kdc,ncalrpc,bind-dns}
  render "$LAB_D/dc/smb.conf" "${common[@]}" LOG=dc LOG_LEVEL=1 PIDS=pids \
    SERVICES='s3fs, rpc, ldap, cldap, winbindd, dns' >$dc/etc/smb.conf &&
    render "$LAB_D/dc/smb.conf" "${common[@]}" LOG=kdc LOG_LEVEL='1 kerberos:3 auth_audit:3' \
      PIDS=pids-kdc SERVICES=kdc >$dc/etc/kdc.conf
}

# Without samba_spnupdate there is no ldap/… SPN.
populate() {
  PYTHONPATH=$LAB_D/lib /usr/bin/python3 -B "$LAB_D/dc/populate.py" >"$LAB/log/populate.log" 2>&1 &&
    samba_spnupdate -s "$LAB/dc/etc/smb.conf" >>"$LAB/log/populate.log" 2>&1
}

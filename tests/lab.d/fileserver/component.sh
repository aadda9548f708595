# A file server that is a member of the domain, with an ACL for each user and a log of who came.
needs=(kdc dc)

at() { echo "//$FILESERVER_HOST/corp ($FILESERVER_IP)"; }
ready() { answers "$FILESERVER_IP" 445; }

# winbindd's socket has a fixed place, which the domain controller's winbindd has already.
start() {
  # shellcheck disable=SC2016  # expands in there
  daemon fileserver unshare -m bash -c '
    mount -t tmpfs fileserver /run/samba && mkdir -p /run/samba/winbindd
    winbindd -F --no-process-group --configfile="$1" --debug-stdout &
    for _ in {1..600}; do
      if wbinfo -p >/dev/null 2>&1; then exec smbd -F --no-process-group --configfile="$1"; fi
      sleep .05
    done
    kill 0; exit 1' _ "$LAB/fileserver/etc/smb.conf"
}

build() {
  local name
  name=$(short "$FILESERVER_HOST")
  mkdir -p "$LAB"/fileserver/{etc,private,state,cache,lock,pids,ncalrpc}
  render "$LAB_D/fileserver/smb.conf" NAME="${name^^}" MASK="$(mask "$FILESERVER_IP")" \
    >"$LAB/fileserver/etc/smb.conf" &&
    join && files
}

# A controller that has only just begun does not answer all that this asks on a busy machine.
join() {
  local attempt
  for attempt in 1 2 3; do
    net ads join --configfile="$LAB/fileserver/etc/smb.conf" -S "$DC_HOST" --no-dns-updates \
      -U "Administrator%$ADMIN_PASSWORD" >"$LAB/log/join.log" 2>&1 && return
    echo "attempt $attempt to join:" && cat "$LAB/log/join.log"
    sleep 2
  done
  return 1
}

# Readable by this account alone. idmap_rid makes uids of RIDs.
only_for() {
  local account=$1 rid
  shift
  rid=$(awk -v account="$account" '$1 == account { print $2 }' "$LAB/rids")
  chmod 600 "$@" && setfacl -m "u:$((100000 + rid)):r" "$@"
}

files() {
  local account number
  mkdir -p "$LAB"/share/{reports,large,bulk/{ALICE_ADMIN,bob}}
  cd "$LAB/share" || return
  printf 'quarter,amount\n1,42\n2,43\n' >reports/data.csv
  head -c 1048576 /dev/zero | tr '\0' m >large/mebibyte.bin
  head -c 1048577 /dev/zero | tr '\0' m >large/mebibyte-and-one.bin
  only_for ALICE_ADMIN reports/data.csv large/*.bin
  for account in ALICE_ADMIN alice ben molly bob erin rené rene many huge phoenix svc-reports; do
    printf 'account,amount\n%s,42\n' "$account" >"reports/$account.csv"
    only_for "$account" "reports/$account.csv" || return
  done
  for account in ALICE_ADMIN bob; do
    for number in {00..39}; do echo "$account $number" >"bulk/$account/$number.txt"; done
    only_for "$account" bulk/"$account"/*.txt || return
  done
}

# Two MIT realms that trust one another, on MIT's test database: the only one of its that knows
# resource-based delegation and the services of other realms. No package has it, so it is built from
# the source of the krb5-kdc that is installed, which takes minutes the first time: this component is
# started only by name. Its database is the configuration itself, its keys are made of the names.
needs=()

SOURCE=$(dpkg-query -W -f '${source:Version}' krb5-kdc 2>/dev/null || true)
MODULES=$LAB_CACHE/krb5-test-kdb-$SOURCE

at() { echo "$HERE_REALM at $HERE_IP:88, $THERE_REALM at $THERE_IP:88"; }
ready() { answers "$HERE_IP" 88 && answers "$THERE_IP" 88; }

# From Debian's source, as it is configured on this machine.
obtain() {
  [[ ! -d $MODULES ]] || return 0
  ( ((${#SOURCE})) || exit 1
    part=$MODULES.$$
    rm -rf "$part" && mkdir -p "$part/lists/partial" "$part/sources" && cd "$part" || exit
    shopt -s nullglob
    for file in /etc/apt/sources.list.d/*.sources; do
      sed 's/^Types:.*/Types: deb-src/' "$file" >"sources/${file##*/}"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
      [[ ! -e $file ]] || sed -n 's/^deb /deb-src /p' "$file" >"sources/${file##*/}.list"
    done
    apt=(-qq -o APT::Sandbox::User=root -o Dir::Etc::SourceList=/dev/null
      -o Dir::Etc::SourceParts="$part/sources" -o Dir::State::Lists="$part/lists")
    { apt-get "${apt[@]}" update && apt-get "${apt[@]}" source "krb5=$SOURCE" && cd krb5-*/src &&
        ./configure -q --without-ldap --disable-rpath &&
        for directory in util include lib plugins/kdb/test; do
          nice -n 5 make -s -j2 -C "$directory" || exit
        done &&
        mkdir "$part/plugins" && cp plugins/kdb/test/test.so "$part/plugins/"
    } >"$part/log" 2>&1 || { tail -5 "$part/log" >&2; exit 1; }
    mv -T "$part/plugins" "$MODULES" 2>/dev/null || [[ -d $MODULES ]]
    cd / && rm -rf "$part" ) || return
  lap "MIT's test database built"
}

# One realm's KDC and the keytabs of its services.
realm() {
  local role=$1 name=$2 directory=$LAB/realms/$1
  shift 2
  mkdir -p "$directory"
  render "$LAB_D/realms/$role.conf" MODULES="$MODULES" >"$directory/kdc.conf" || return
  for principal; do
    KRB5_KDC_PROFILE=$directory/kdc.conf kadmin.local -r "$name" \
      -q "ktadd -norandkey -k $LAB/keytabs/realms.keytab $principal" || return
  done >>"$LAB/log/realms-build.log" 2>&1
}

start() {
  rm -f "$LAB/keytabs/realms.keytab"
  realm here "$HERE_REALM" svc-mcp svc-rb svc-ko HTTP/web.s.test HTTP/rweb.s.test &&
    realm there "$THERE_REALM" HTTP/uweb.u.test || return
  # shellcheck disable=SC2016  # expands in there
  daemon realms bash -c 'for role in here there; do
      name=$1; shift
      KRB5_KDC_PROFILE=/run/lab/realms/$role/kdc.conf krb5kdc -n -r "$name" &
    done; wait' _ "$HERE_REALM" "$THERE_REALM"
}

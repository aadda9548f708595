# The KDC of Samba 4.22, which knows resource-based delegation, in a realm of its own: Debian 13's packages,
# unpacked, and run with a file system of their own.
needs=()

SUITE=trixie
PACKAGES=(bash coreutils base-files base-passwd python3-samba samba samba-ad-dc samba-ad-provision
  samba-dsdb-modules)
OWN_SUITE=$(. /etc/os-release && echo "$VERSION_CODENAME")
# apt's sources as they are on this machine, for that suite. A file that names no suite of Debian's is
# somebody else's.
SOURCES=$(shopt -s nullglob
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
    ! grep -qsw "$OWN_SUITE" "$file" || { echo "# ${file##*/}"; sed "s/\b$OWN_SUITE\b/$SUITE/g" "$file"; }
  done)
TREE=$LAB_CACHE/samba422-$(echo "${PACKAGES[*]} $SOURCES" | cksum | cut -d' ' -f1)
MOUNTS=/run/samba422                     # gone with the lab, and with it what is written into the tree
DIRECTORY=$LAB/samba422
HOST=dc.${SAMBA422_REALM,,}

at() { echo "$SAMBA422_REALM at $SAMBA422_IP:88"; }
start() { tree && daemon samba422 chroot "$MOUNTS/root" samba -F --no-process-group -s "$DIRECTORY/etc/smb.conf"; }
ready() { answers "$SAMBA422_IP" 88; }

# A package manager with a state of its own, in which nothing is installed.
obtain() {
  [[ ! -d $TREE ]] || return 0
  ( part=$TREE.$$
    rm -rf "$part" && mkdir -p "$part"/{sources,lists/partial,archives/partial,root} && cd "$part" || exit
    : >status
    csplit -sz -f sources/ -b %d - '/^# .*\.\(list\|sources\)$/' '{*}' <<<"$SOURCES" || exit
    for file in sources/*; do mv "$file" "$file-$(sed -n '1s/^# //p' "$file")"; done
    apt=(-qq -o APT::Sandbox::User=root -o Dir::State="$part" -o Dir::State::status="$part/status"
      -o Dir::State::Lists="$part/lists" -o Dir::Cache="$part" -o Dir::Cache::archives="$part/archives"
      -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$part/sources"
      -o Dir::Etc::PreferencesParts=/dev/null)
    { apt-get "${apt[@]}" update &&
        apt-get "${apt[@]}" -y --no-install-recommends --download-only install "${PACKAGES[@]}" &&
        # Its links (/bin) come before what lies behind them.
        for package in archives/{base-files_,}*.deb; do dpkg -x "$package" root || exit; done &&
        cp root/usr/share/base-passwd/passwd.master root/etc/passwd &&
        cp root/usr/share/base-passwd/group.master root/etc/group &&
        rm -rf root/usr/share/{doc,locale,man} &&
        chroot root python3 -m compileall -q /usr/lib/python3/dist-packages/samba
    } >log 2>&1 || { tail -5 log >&2; exit 1; }
    mv -T root "$TREE" 2>/dev/null || [[ -d $TREE ]]
    cd / && rm -rf "$part" ) || return
  lap "Samba 4.22 unpacked"
}

# The tree, to be written to, with the lab's directory where it is outside.
tree() {
  local root=$MOUNTS/root directory
  ! mountpoint -q "$root$LAB" || return 0
  mkdir -p $MOUNTS/{upper,work,root} &&
    mount -t overlay -o "lowerdir=$TREE,upperdir=$MOUNTS/upper,workdir=$MOUNTS/work" lab "$root" &&
    mkdir -p "$root$LAB" "$root/run/samba" || return
  for directory in /proc /dev $LAB; do mount --rbind "$directory" "$root$directory" || return; done
  printf '%s\n' '127.0.0.1 localhost' "$SAMBA422_IP $HOST dc" >"$root/etc/hosts"
}

build() {
  local options=(--option="interfaces=$SAMBA422_IP/$(mask "$SAMBA422_IP")" --option='bind interfaces only=yes')
  tree && mkdir -p "$DIRECTORY" && {
    chroot "$MOUNTS/root" samba-tool domain provision --configfile=/dev/null --targetdir="$DIRECTORY" \
      --realm="$SAMBA422_REALM" --domain="${SAMBA422_REALM%%.*}" --server-role=dc --dns-backend=NONE \
      --adminpass="$ADMIN_PASSWORD" --host-name=dc --host-ip="$SAMBA422_IP" "${options[@]}" \
      --function-level=2016 --base-schema=2019 --option='ad dc functional level=2016' &&
      mkdir -p "$DIRECTORY"/{cache,lock,pids} &&
      render "$LAB_D/samba422/smb.conf" MASK="$(mask "$SAMBA422_IP")" DOMAIN="${SAMBA422_REALM%%.*}" \
        >"$DIRECTORY/etc/smb.conf" &&
      cp "$LAB_D/lib/directory.py" "$DIRECTORY" &&
      PYTHONPATH=$DIRECTORY chroot "$MOUNTS/root" python3 - <"$LAB_D/samba422/populate.py"
  } >"$LAB/log/samba422-build.log" 2>&1
}

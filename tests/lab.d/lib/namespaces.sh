# The lab's process tree, seen from outside, and its first process. Sourced by tests/lab.

# The holder file says which process is pid 1 of the lab, and which network namespace it must be in.
is_up() {
  [[ -s $LAB_DIR/holder ]] || return 1
  read -r PID1 NAMESPACE <"$LAB_DIR/holder"
  [[ $(readlink "/proc/$PID1/ns/net" 2>/dev/null) == "$NAMESPACE" ]]
}

# Sets ENTER to what runs a command in the lab, in the present directory; it dies with its caller.
entrance() {
  ENTER=()
  if inside; then return; fi
  is_up || die "$LAB_NAME is not up: tests/lab up"
  # shellcheck disable=SC2016  # expands inside
  ENTER=(nsenter -t "$PID1" -n -m -p -i -u -- setpriv --pdeathsig KILL
    bash -c 'cd "$1" 2>/dev/null; shift; exec "$@"' _ "$PWD")
}
enter() { entrance; "${ENTER[@]}" "$@"; }

# Makes the namespaces; `tests/lab _boot` is pid 1 in there.
create_namespaces() {
  local holder
  setsid unshare --net --mount --pid --ipc --uts --fork --mount-proc --kill-child \
    "$LAB_SCRIPT" _boot </dev/null >"$LAB_DIR/log/boot.log" 2>&1 &
  holder=$!
  for _ in $(seq 1500); do
    [[ -e $LAB_DIR/booted ]] && break
    kill -0 "$holder" 2>/dev/null || die "no namespaces: $(tail -3 "$LAB_DIR/log/boot.log")"
    sleep .02
  done
  [[ -e $LAB_DIR/booted ]] || die "no namespaces in time: $(tail -3 "$LAB_DIR/log/boot.log")"
  PID1=$(pgrep -P "$holder") || die "no namespaces: $(tail -3 "$LAB_DIR/log/boot.log")"
  echo "$PID1 $(readlink "/proc/$PID1/ns/net")" >"$LAB_DIR/holder"
}

# One kill ends everything. A zombie may stay until whoever started the lab reaps it.
destroy_namespaces() {
  kill -KILL "$PID1"
  while [[ $(ps -o stat= -p "$PID1") == [!Z]* ]]; do sleep .01; done
}

# Pid 1: private mounts, names and addresses; then it reaps orphans until it is killed.
boot() {
  local role address host directory
  cd "$LAB_DIR"
  mount -t tmpfs -o mode=755 lab /run
  mkdir -p $LAB /run/lock /run/samba/winbindd /run/etc/{upper,work}
  mount --bind . $LAB
  cd /
  mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work lab /etc
  # Replay caches, and what Samba keeps outside of its configured directories.
  for directory in /var/tmp /var/{log,lib,cache,spool}/samba; do
    [[ ! -d $directory ]] || mount -t tmpfs -o mode="$(stat -c %a $directory)" lab $directory
  done

  hostname "$(short "$DC_HOST")"
  ip link set lo up
  { echo 127.0.0.1 localhost
    while read -r role address host; do
      [[ $role ]] || continue
      [[ $address == 127.* ]] || ip addr add "$address/24" dev lo
      host=${role^^}_HOST
      echo "$address ${!host} $(short "${!host}")"
    done <<<"$HOSTS"
  } >/run/etc/hosts
  rm -f /etc/hosts /etc/resolv.conf /etc/krb5.conf /etc/krb5.keytab
  cp /run/etc/hosts /etc/hosts
  echo "nameserver $DC_IP" >/etc/resolv.conf
  sed -i -E 's/^(passwd|group):.*/\1: files winbind/; s/^hosts:.*/hosts: files dns/' \
    /etc/nsswitch.conf
  render "$LAB_D/etc/krb5.conf" >/etc/krb5.conf
  render "$LAB_D/etc/smb.conf" MASK="$(mask "$DC_IP")" >/etc/samba/smb.conf

  touch $LAB/booted
  trap : TERM
  while :; do sleep 3600 & wait; done
}

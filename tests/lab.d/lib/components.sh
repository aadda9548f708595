# Building, starting and stopping servers; all of it runs inside of the lab. Sourced by tests/lab.
#
# A component is tests/lab.d/NAME/component.sh, which defines
#   needs=(NAME…)   started before this one is built or started
#   at              what it says when it is up
#   start           launches it, with `daemon`
#   ready           waits until it answers, with `answers`
#   build           optional: fills its directory; runs once, and its result is cached. What comes up only
#                   by name is built when it first starts, and not cached
#   obtain          optional: outside of the lab, gets into LAB_CACHE what no Debian package has

COMPONENTS=(keycloak kdc dc mit heimdal web postgres fileserver)   # in the order in which they come up
BY_NAME=(realms oidc samba422 kldap rodc)                   # only those that were asked for

# Runs functions of a component without leaving its definitions behind.
component() {
  ( needs=()
    # shellcheck source=/dev/null
    . "$LAB_D/$1/component.sh"
    "${@:2}" )
}
is_component() { [[ " ${COMPONENTS[*]} ${BY_NAME[*]} " == *" ${1:-} "* ]]; }
component_needs() { component "$1" eval 'echo "${needs[*]}"'; }
can_build() { component "$1" declare -F build >/dev/null; }

# A server in a session, environment and process group of its own. Each has a log by its name.
daemon() {
  setsid env -i PATH=$SYSTEM_PATH TMPDIR=$LAB/tmp LC_ALL=C.UTF-8 TDB_NO_FSYNC=1 "${@:2}" \
    </dev/null >>"$LAB/log/$1.out" 2>&1 &
  echo $! >"$LAB/pids/$1"
}
group_of() { cat "$LAB/pids/$1" 2>/dev/null; }
is_running() { local group; group=$(group_of "$1") && kill -0 -- "-$group" 2>/dev/null; }

# Waits until something listens.
answers() {
  local deadline=$((SECONDS + 30))
  until (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; do
    ((SECONDS < deadline)) || { echo "nothing answers at $1:$2" >&2; return 1; }
    sleep .02
  done
}

start_component() {
  local need
  is_running "$1" && return
  for need in $(component_needs "$1"); do start_component "$need"; done
  build_by_name "$1"
  component "$1" eval 'start; ready' || die "$1 did not start; see $LAB_DIR/log/$1.*"
  lap "$1 $(component "$1" at)"
}

build_by_name() {
  [[ " ${BY_NAME[*]} " == *" $1 "* && ! -d $LAB/$1 ]] && can_build "$1" || return 0
  component "$1" build || { rm -rf "${LAB:?}/$1"; die "$1 was not built; see $LAB_DIR/log"; }
  lap "$1 built"
}

stop_component() {
  local group
  if is_running "$1"; then
    group=$(group_of "$1")
    kill -TERM -- "-$group"
    kill -CONT -- "-$group" 2>/dev/null || true     # it may be frozen
    for _ in $(seq 1500); do is_running "$1" || break; sleep .02; done
    ! is_running "$1" || kill -KILL -- "-$group"
  fi
  rm -f "$LAB/pids/$1"
  lap "$1 stopped"
}

build_components() {
  local name need
  for name in dc mit heimdal web postgres fileserver keycloak; do
    for need in $(component_needs "$name"); do start_component "$need"; done
    component "$name" build || die "$name was not built; see $LAB_DIR/log"
    lap "$name built"
  done
  # What is cached must be at rest.
  for name in "${COMPONENTS[@]}"; do ! is_running "$name" || stop_component "$name"; done
}

# SIGSTOP makes a KDC that takes connections and never answers.
signal_kdc() {
  is_running kdc || die "the kdc is not running"
  kill "-$1" -- "-$(group_of kdc)"
}

component_status() {
  local name
  for name in "${COMPONENTS[@]}" "${BY_NAME[@]}"; do
    if is_running "$name"; then printf '  up    %-11s %s\n' "$name" "$(component "$name" at)"
    elif [[ -e $LAB/pids/$name ]]; then printf '  DEAD  %-11s see %s\n' "$name" "$LAB_DIR/log"
    else printf '  down  %s\n' "$name"; fi
  done
}

# Debian packages. Sourced by tests/lab.

PACKAGES=(
  samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules python3-samba ldb-tools
  python3-setproctitle winbind libnss-winbind smbclient acl
  krb5-kdc krb5-admin-server krb5-user krb5-pkinit krb5-otp
  libhdb9-heimdal libkadm5clnt7-heimdal libkadm5srv8-heimdal libkdc2-heimdal
  apache2 libapache2-mod-auth-gssapi nginx-light curl python3-gssapi
  postgresql
  openjdk-17-jre-headless maven unzip
  iproute2 procps openssl redis-server
)

# Installs what is missing of the lab's packages and of those named. Nothing starts on the host:
# policy-rc.d answers 101 for the time being, and what stood in its place comes back.
install_packages() {
  local installed missing=() package policy=/usr/sbin/policy-rc.d kept=
  # shellcheck disable=SC2016  # dpkg-query's own variables
  installed=$(dpkg-query -W -f '${Package}=${db:Status-Status}\n' "${PACKAGES[@]}" "$@" 2>/dev/null ||
    true)
  for package in "${PACKAGES[@]}" "$@"; do
    grep -qx "$package=installed" <<<"$installed" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  (
    if [[ -e $policy || -L $policy ]]; then
      kept=$policy.before-lab
      mv "$policy" "$kept"
    fi
    restore() { rm -f "$policy"; [[ ! $kept ]] || mv "$kept" "$policy"; }
    trap restore EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    export DEBIAN_FRONTEND=noninteractive
    echo "installing ${missing[*]}"
    apt-get update -qq &&
      apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}" >/dev/null
  ) || die "could not install: ${missing[*]}"
  lap "packages installed"
}

# Into the present directory, for what is unpacked and not installed. apt's lists may be old, or not there.
download_packages() { apt-get -q download "$@" || { apt-get -qq update && apt-get -q download "$@"; }; }

# What no package has, for those of these components that need such.
obtain_programs() {
  local name
  for name in "$@"; do
    ! component "$name" declare -F obtain >/dev/null ||
      component "$name" obtain || die "could not get $name"
  done
}

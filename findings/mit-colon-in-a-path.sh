#!/bin/bash
# MIT krb5 1.20.1 (Debian 12): an absolute path with a colon in it names a keytab, but not a
# credential cache. The same path works for one and is an unknown type to the other: up to the first
# colon it is a type, `/srv/backup-12` for one named after a time, say. Only the keytab look-up makes an
# exception for a slash in front. Runs as root or not, on Debian 12; installs nothing outside of a
# temporary folder. Exits with 1 if the behaviour is another.
set -eu
version=1.20.1-2+deb12u5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "krb5-user=$version" "libkrb5-3=$version" "libk5crypto3=$version" \
    "libkrb5support0=$version" "libgssapi-krb5-2=$version" >/dev/null
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
LD_LIBRARY_PATH=$(dirname "$(find unpacked -name 'libkrb5.so.3' | head -1)")
LD_LIBRARY_PATH=$folder/$LD_LIBRARY_PATH
export LD_LIBRARY_PATH LC_ALL=C KRB5_CONFIG=/dev/null
klist=$folder/unpacked/usr/bin/klist
"$klist" -V

path=$folder/backup-12:30
keytab=$("$klist" -k "$path" 2>&1 || true)
cache=$("$klist" "$path" 2>&1 || true)
named=$("$klist" "FILE:$path" 2>&1 || true)
echo "as a keytab:         $keytab"
echo "as a cache:          $cache"
echo "as a cache by FILE:  $named"

# Neither file is there; the keytab and the cache by FILE: are missed as files, which is right.
grep -q 'not found' <<<"$keytab" || { echo "CHANGED: keytab"; exit 1; }
grep -q 'No credentials cache found' <<<"$named" || { echo "CHANGED: FILE:"; exit 1; }
grep -q 'Unknown credential cache type' <<<"$cache" || { echo "CHANGED: cache"; exit 1; }
echo "A path that is good for a keytab is no cache: put FILE: in front."

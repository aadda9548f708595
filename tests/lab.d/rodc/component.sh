# A read-only domain controller of the lab's domain: its KDC has a krbtgt account of its own, the keys of those
# whom it may have them of (populate.py), and hands on what the others ask.
needs=(kdc dc)

DIRECTORY=$LAB/rodc

at() { echo "$RODC_HOST ($RODC_IP)"; }
start() { daemon rodc samba -F --no-process-group -s "$DIRECTORY/etc/smb.conf"; }
ready() { answers "$RODC_IP" 88 && answers "$RODC_IP" 464; }

build() {
  local name admin=(--server="$DC_HOST" -U "Administrator%$ADMIN_PASSWORD")
  name=$(short "$RODC_HOST")
  echo '[global]' >"$TMPDIR/empty.conf"
  { samba-tool domain join "$DOMAIN" RODC "${admin[@]}" --configfile="$TMPDIR/empty.conf" \
      --targetdir="$DIRECTORY" --dns-backend=NONE --option="netbios name=${name^^}" \
      --option="interfaces=$RODC_IP/$(mask "$RODC_IP")" --option='bind interfaces only=yes' \
      --option='name resolve order=host' &&
      mkdir -p "$DIRECTORY"/{cache,lock,pids,ncalrpc} &&
      render "$LAB_D/rodc/smb.conf" NAME="${name^^}" MASK="$(mask "$RODC_IP")" >"$DIRECTORY/etc/smb.conf" &&
      PYTHONPATH=$LAB_D/lib /usr/bin/python3 -B "$LAB_D/rodc/populate.py" &&
      samba-tool rodc preload paul pia svc-branch svc-branch-web "${admin[@]}" -s "$DIRECTORY/etc/smb.conf"
  } >"$LAB/log/rodc-build.log" 2>&1
}

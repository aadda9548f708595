# The domain's KDC, a Samba process of its own on the domain controller's directory (dc/smb.conf).
needs=()

at() { echo "$REALM at $DC_IP:88"; }
start() { daemon kdc samba -F --no-process-group -s "$LAB/dc/etc/kdc.conf"; }
ready() { answers "$DC_IP" 88; }

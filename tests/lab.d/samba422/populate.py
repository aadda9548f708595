"""Accounts and keytabs, written into the domain controller's database at rest, by Samba's own tools.

What each account is good for: docs/lab.md. The environment is tests/lab.d/lib/conf.sh's.
"""
import os
import subprocess

from directory import ACCOUNTDISABLE, NOT_DELEGATED, TRUSTED_TO_AUTH_FOR_DELEGATION, Directory

LAB, DOMAIN = os.environ["LAB"], os.environ["SAMBA422_REALM"].lower()
CONF = f"{LAB}/samba422/etc/smb.conf"
AES = "24"

directory = Directory(f"{LAB}/samba422")
sam, user = directory.sam, directory.user


def service(name, host, flags=0, **attributes):
    spn = f"HTTP/{host}.{DOMAIN}"
    user(name, flags=flags, servicePrincipalName=spn, msDS_SupportedEncryptionTypes=AES, **attributes)


sam.transaction_start()
user("bob")
user("carol")
directory.add_to_group("Protected Users", ["carol"])
user("dave", flags=NOT_DELEGATED)
user("eve", flags=ACCOUNTDISABLE)
user("frank", accountExpires="130000000000000000")  # in 2012
user("grace", pwdLastSet="0")  # must change the password
web = {"msDS_AllowedToDelegateTo": [f"HTTP/web.{DOMAIN}"]}
service("svc-mcp", "mcp", TRUSTED_TO_AUTH_FOR_DELEGATION, **web)
service("svc-ko", "ko", **web)
service("svc-rb", "rb", TRUSTED_TO_AUTH_FOR_DELEGATION)
service("svc-plain", "plain")
service("svc-web", "web")
service("svc-rweb", "rweb")  # lets some in, below
service("svc-other", "other")
sam.transaction_commit()

for front in ["svc-rb", "svc-ko", "svc-plain"]:
    subprocess.run(["samba-tool", "delegation", "add-principal", "svc-rweb", front, "-s", CONF], check=True)

keytab = ["svc-mcp", "svc-ko", "svc-rb", "svc-plain", f"HTTP/web.{DOMAIN}", f"HTTP/rweb.{DOMAIN}"]
directory.export(f"{LAB}/keytabs/samba422.keytab", keytab)

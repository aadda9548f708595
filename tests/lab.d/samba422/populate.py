"""Accounts and keytabs, written into the domain controller's database at rest, by Samba's own tools.

What each account is good for: docs/lab.md. The environment is tests/lab.d/lib/conf.sh's.
"""
import os
import subprocess

import ldb
import samba.dckeytab  # adds Net.export_keytab
from samba.auth import system_session
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

LAB, DOMAIN = os.environ["LAB"], os.environ["SAMBA422_REALM"].lower()
CONF = f"{LAB}/samba422/etc/smb.conf"

ACCOUNTDISABLE = 0x2
NOT_DELEGATED = 0x100000
TRUSTED_TO_AUTH_FOR_DELEGATION = 0x1000000
AES = "24"

lp = LoadParm()
lp.load(CONF)
sam = SamDB(url=f"{LAB}/samba422/private/sam.ldb", session_info=system_session(), lp=lp)
USERS = f"CN=Users,{sam.domain_dn()}"


def user(name, flags=0, **attributes):
    sam.newuser(name, f"Passw0rd!{name}")
    dn = f"CN={name},{USERS}"
    found = sam.search(dn, scope=ldb.SCOPE_BASE, attrs=["userAccountControl"])[0]
    attributes["userAccountControl"] = str(int(str(found["userAccountControl"])) | flags)
    message = ldb.Message(ldb.Dn(sam, dn))
    for key, value in attributes.items():
        key = key.replace("_", "-")
        message[key] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, key)
    sam.modify(message)


def service(name, host, flags=0, **attributes):
    spn = f"HTTP/{host}.{DOMAIN}"
    user(name, flags, servicePrincipalName=spn, msDS_SupportedEncryptionTypes=AES, **attributes)


sam.transaction_start()
user("bob")
user("carol")
sam.add_remove_group_members("Protected Users", ["carol"], add_members_operation=True)
user("dave", NOT_DELEGATED)
user("eve", ACCOUNTDISABLE)
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

net = Net(None, lp)
for principal in ["svc-mcp", "svc-ko", "svc-rb", "svc-plain", f"HTTP/web.{DOMAIN}", f"HTTP/rweb.{DOMAIN}"]:
    net.export_keytab(keytab=f"{LAB}/keytabs/samba422.keytab", principal=principal)

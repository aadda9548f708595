"""Those whose keys the read-only domain controller may have, made in the domain controller's database, and
their keytab. What each account is good for: docs/lab.md.
"""
import os

import ldb
import samba.dckeytab  # adds Net.export_keytab
from samba.auth import system_session
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

env = os.environ
LAB, DOMAIN = env["LAB"], env["DOMAIN"]
TRUSTED_TO_AUTH_FOR_DELEGATION = 0x1000000
AES = "24"

lp = LoadParm()
lp.load(f"{LAB}/dc/etc/smb.conf")
sam = SamDB(url=f"{LAB}/dc/private/sam.ldb", session_info=system_session(), lp=lp)


def user(name, flags=0, **attributes):
    sam.newuser(name, f"Passw0rd!{name}")
    dn = f"CN={name},CN=Users,{sam.domain_dn()}"
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
user("paul")
user("pia")
targets = [f"HTTP/branch-web.{DOMAIN}", f"HTTP/{env['WEB_HOST']}"]
service("svc-branch", "branch", TRUSTED_TO_AUTH_FOR_DELEGATION, msDS_AllowedToDelegateTo=targets)
service("svc-branch-web", "branch-web")
kept = ["paul", "pia", "svc-branch", "svc-branch-web"]
sam.add_remove_group_members("Allowed RODC Password Replication Group", kept, add_members_operation=True)
sam.transaction_commit()

net = Net(None, lp)
for principal in ["svc-branch", f"HTTP/branch-web.{DOMAIN}"]:
    net.export_keytab(keytab=f"{LAB}/keytabs/rodc.keytab", principal=principal)

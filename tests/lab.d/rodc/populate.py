"""Those whose keys the read-only domain controller may have, made in the domain controller's database, and
their keytab. What each account is good for: docs/lab.md.
"""
import os

from directory import TRUSTED_TO_AUTH_FOR_DELEGATION, Directory

env = os.environ
LAB, DOMAIN = env["LAB"], env["DOMAIN"]
AES = "24"

directory = Directory(f"{LAB}/dc")
sam, user = directory.sam, directory.user


def service(name, host, flags=0, **attributes):
    spn = f"HTTP/{host}.{DOMAIN}"
    user(name, flags=flags, servicePrincipalName=spn, msDS_SupportedEncryptionTypes=AES, **attributes)


sam.transaction_start()
user("paul")
user("pia")
targets = [f"HTTP/branch-web.{DOMAIN}", f"HTTP/{env['WEB_HOST']}"]
service("svc-branch", "branch", TRUSTED_TO_AUTH_FOR_DELEGATION, msDS_AllowedToDelegateTo=targets)
service("svc-branch-web", "branch-web")
kept = ["paul", "pia", "svc-branch", "svc-branch-web"]
directory.add_to_group("Allowed RODC Password Replication Group", kept)
sam.transaction_commit()

directory.export(f"{LAB}/keytabs/rodc.keytab", ["svc-branch", f"HTTP/branch-web.{DOMAIN}"])

"""A Samba controller's directory at rest, as the populate.py of each controller writes to it."""
import ldb
import samba.dckeytab  # adds Net.export_keytab
from samba.auth import system_session
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

ACCOUNTDISABLE = 0x2
TRUSTED_FOR_DELEGATION = 0x80000
NOT_DELEGATED = 0x100000
TRUSTED_TO_AUTH_FOR_DELEGATION = 0x1000000


class Directory:
    """That of the controller which lies in this folder."""

    def __init__(self, folder):
        self.lp = LoadParm()
        self.lp.load(f"{folder}/etc/smb.conf")
        self.sam = SamDB(url=f"{folder}/private/sam.ldb", session_info=system_session(), lp=self.lp)
        self.base = str(self.sam.domain_dn())
        self.users = f"CN=Users,{self.base}"

    def change(self, dn, operation=ldb.FLAG_MOD_REPLACE, **attributes):
        message = ldb.Message(ldb.Dn(self.sam, dn))
        for name, value in attributes.items():
            name = name.replace("_", "-")
            message[name] = ldb.MessageElement(value, operation, name)
        self.sam.modify(message)

    def set_flags(self, dn, flags, **attributes):
        """And attributes, if there are any."""
        if flags:
            found = self.sam.search(dn, scope=ldb.SCOPE_BASE, attrs=["userAccountControl"])[0]
            attributes["userAccountControl"] = str(int(str(found["userAccountControl"])) | flags)
        if attributes:
            self.change(dn, **attributes)

    def user(self, name, password=None, flags=0, **attributes):
        self.sam.newuser(name, password or f"Passw0rd!{name}")
        self.set_flags(f"CN={name},{self.users}", flags, **attributes)

    def add_to_group(self, group, members):
        self.sam.add_remove_group_members(group, members, add_members_operation=True)

    def export(self, keytab, principals):
        for principal in principals:
            Net(None, self.lp).export_keytab(keytab=keytab, principal=principal)

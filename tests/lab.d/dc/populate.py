"""Accounts, DNS records and keytabs, written into the domain controller's database at rest.

What each account is good for: docs/lab.md. The environment is tests/lab.d/lib/conf.sh's.
"""
import os

import ldb
from directory import (
    ACCOUNTDISABLE,
    NOT_DELEGATED,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Directory,
)
from samba.dcerpc import dnsp, security
from samba.ndr import ndr_pack, ndr_unpack

env = os.environ
LAB, DOMAIN = env["LAB"], env["DOMAIN"]

GLOBAL_GROUP, DOMAIN_LOCAL_GROUP = -2147483646, -2147483644
AES_AND_RC4 = "28"  # unset, a keytab exported by SPN holds an RC4 key only

directory = Directory(f"{LAB}/dc")
sam, user, change, BASE, USERS = directory.sam, directory.user, directory.change, directory.base, directory.users


def computer(name, password, flags=0, **attributes):
    sam.newcomputer(name)
    sam.setpassword(f"(sAMAccountName={name}$)", password)
    directory.set_flags(f"CN={name},CN=Computers,{BASE}", flags, **attributes)


def people():
    user("bob")
    user("carol")
    directory.add_to_group("Protected Users", ["carol"])
    user("dave", flags=NOT_DELEGATED)
    user("dora")
    directory.add_to_group("Domain Admins", ["dora"])
    user("eve", flags=ACCOUNTDISABLE)
    user("frank", accountExpires="130000000000000000")  # in 2012
    user("grace", pwdLastSet="0")  # must change her password
    user("erin", userPrincipalName=f"erin@{env['UPN_SUFFIX']}")
    user("rene")
    user("rené")
    user("phoenix")
    user("ALICE_ADMIN")
    user("alice", userPrincipalName=f"alice.decoy@{DOMAIN}")
    user("ben")
    change(f"CN=ben,{USERS}", ldb.FLAG_MOD_DELETE, userPrincipalName=[])
    user("molly")
    user("hal")
    user("hank")
    for number in range(100):
        user(f"crowd{number:02}")


def privileged():
    """A user in each group that controls the domain, named for it: in-domain-admins."""
    for rid, name in [(526, "Key Admins"), (527, "Enterprise Key Admins")]:  # new in Windows 2016
        group = {
            "dn": f"CN={name},{USERS}",
            "objectClass": "group",
            "sAMAccountName": name,
            "groupType": str(GLOBAL_GROUP),
            "objectSid": ndr_pack(security.dom_sid(f"{sam.get_domain_sid()}-{rid}")),
        }
        sam.add(group, ["provision:0"])
    for group in [
        "Account Operators",
        "Administrators",
        "Backup Operators",
        "Cert Publishers",
        "DnsAdmins",
        "Domain Admins",
        "Domain Controllers",
        "Enterprise Admins",
        "Enterprise Key Admins",
        "Enterprise Read-only Domain Controllers",
        "Group Policy Creator Owners",
        "Key Admins",
        "Print Operators",
        "Protected Users",
        "Read-only Domain Controllers",
        "Replicator",
        "Schema Admins",
        "Server Operators",
    ]:
        member = f"in-{group.lower().replace(' ', '-')}"
        user(member)
        directory.add_to_group(group, [member])


def cross_names():
    """UPNs that are somebody else's name. Samba's modules refuse them, so they are written below
    the modules, where only the index is kept."""
    partition = ldb.Ldb(f"{LAB}/dc/private/sam.ldb.d/{BASE.upper()}.ldb")
    for name, upn in [("ALICE_ADMIN", "alice"), ("molly", "ben"), ("hal", "hal"), ("hank", "hal")]:
        message = ldb.Message(ldb.Dn(partition, f"CN={name},{USERS}"))
        message["userPrincipalName"] = ldb.MessageElement(
            f"{upn}@{DOMAIN}", ldb.FLAG_MOD_REPLACE, "userPrincipalName"
        )
        partition.modify(message)


def groups(member, prefix, kind, foreign_domain=None):
    """600 groups. One of the domain takes 8 bytes of a PAC, one with a foreign SID 40."""
    user(member)
    for number in range(600):
        name = f"{prefix}{number:03}"
        group = {
            "dn": f"CN={name},{USERS}",
            "objectClass": "group",
            "sAMAccountName": name,
            "groupType": str(kind),
            "member": f"CN={member},{USERS}",
        }
        if foreign_domain:
            sid = security.dom_sid(f"{foreign_domain}-{5000 + number}")
            group["objectSid"] = ndr_pack(sid)
        sam.add(group, ["provision:0"] if foreign_domain else [])


def permissions():
    """Groups that the realm which ships gives permissions for, in a unit of their own."""
    unit = f"OU=MCP,{BASE}"
    sam.add({"dn": unit, "objectClass": "organizationalUnit"})
    for name, members in [("SQL_Writers", ["ALICE_ADMIN"]), ("File_Readers", ["ALICE_ADMIN", "bob"])]:
        sam.newgroup(name, groupou="OU=MCP")
        directory.add_to_group(name, members)


def let_in(*accounts):
    """What a service has that lets these front ends in: full control of it, as Samba's tool has it."""
    entries = ""
    for account in accounts:
        found = sam.search(f"CN={account},{USERS}", scope=ldb.SCOPE_BASE, attrs=["objectSid"])[0]
        sid = ndr_unpack(security.dom_sid, found["objectSid"][0])
        entries += f"(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{sid})"
    descriptor = security.descriptor.from_sddl(f"O:BAD:{entries}", security.dom_sid(sam.get_domain_sid()))
    return {"msDS_AllowedToActOnBehalfOfOtherIdentity": ndr_pack(descriptor)}


def services():
    """Service accounts; returns keytab name -> principals."""
    mcp, web = f"HTTP/{env['MCP_HOST']}", f"HTTP/{env['WEB_HOST']}"
    other = f"HTTP/other.{DOMAIN}"
    postgres = f"postgres/{env['POSTGRES_HOST']}"
    sql = f"MSSQLSvc/{env['SQL_HOST']}:1433"
    targets = [
        f"cifs/{env['FILESERVER_HOST']}",
        f"cifs/{env['DC_HOST']}",
        web,
        postgres,
        sql,
        f"HTTP/unknown.{DOMAIN}",  # listed, but nobody's SPN
    ]
    delegates = {"msDS_AllowedToDelegateTo": targets}
    trusted = {"flags": TRUSTED_TO_AUTH_FOR_DELEGATION}
    account = env["SVC_ACCOUNT"]
    ko = f"HTTP/ko.{DOMAIN}"
    aes = {"msDS_SupportedEncryptionTypes": AES_AND_RC4}
    user(account, env["SVC_PASSWORD"], servicePrincipalName=mcp, **delegates, **trusted, **aes)
    user("svc-ko", servicePrincipalName=ko, **delegates, **aes)
    narrow = f"HTTP/narrow.{DOMAIN}"
    user("svc-narrow", servicePrincipalName=narrow, msDS_AllowedToDelegateTo=[web], **trusted, **aes)
    reports = f"HTTP/reports.{DOMAIN}"
    user("svc-reports", servicePrincipalName=reports, **aes)
    user("svc-web", servicePrincipalName=web, **aes)
    user("svc-postgres", servicePrincipalName=postgres, **aes)
    user("svc-sql", servicePrincipalName=sql, **aes)
    user("svc-keycloak")  # reads the directory
    keycloak = f"HTTP/{env['KEYCLOAK_HOST']}"
    front = {"servicePrincipalName": keycloak, "flags": TRUSTED_FOR_DELEGATION}
    user("svc-keycloak-web", **front, **aes)  # takes users' tickets and what they hand on
    user("svc-other", servicePrincipalName=other, **aes)
    user("svc-rb", servicePrincipalName=f"HTTP/rb.{DOMAIN}", **trusted, **aes)
    user("svc-plain", servicePrincipalName=f"HTTP/plain.{DOMAIN}", **aes)
    user("svc-rweb", servicePrincipalName=f"HTTP/rweb.{DOMAIN}", **aes, **let_in("svc-rb", "svc-ko", "svc-plain"))
    for name in ["renamed", "rotated"]:
        spn = f"HTTP/{name}.{DOMAIN}"
        user(f"svc-{name}", servicePrincipalName=spn, **delegates, **trusted, **aes)
    change(f"CN=svc-renamed,{USERS}", sAMAccountName="svc-new-name")  # the keys keep their salt
    spn = f"HTTP/computer.{DOMAIN}"
    computer("SVC-COMPUTER", "Passw0rd!computer", servicePrincipalName=spn, **delegates, **trusted, **aes)
    return {
        "mcp": [account, mcp],
        "ko": ["svc-ko", ko],
        "narrow": ["svc-narrow", narrow],
        "reports": ["svc-reports", reports],
        "web": ["svc-web", web],
        "postgres": ["svc-postgres", postgres],
        "sql": ["svc-sql", sql],
        "keycloak": ["svc-keycloak-web", keycloak],
        "other": ["svc-other", other],
        "rb": ["svc-rb", "svc-plain"],
        "dc": [env["DC_HOST"].split(".")[0].upper() + "$"],
        "krbtgt": ["krbtgt"],
    }


def address_record(name, address):
    """Provision makes none for 127.0.0.1, and the domain controller's own for other addresses."""
    zone = f"DC={DOMAIN},CN=MicrosoftDNS,DC=DomainDnsZones,{BASE}"
    record = dnsp.DnssrvRpcRecord()
    record.wType, record.data = dnsp.DNS_TYPE_A, address
    record.rank, record.dwTtlSeconds = dnsp.DNS_RANK_ZONE, 900
    dn, packed = f"DC={name},{zone}", ndr_pack(record)
    try:
        sam.add({"dn": dn, "objectClass": ["top", "dnsNode"], "dnsRecord": packed})
    except ldb.LdbError as error:
        if error.args[0] != ldb.ERR_ENTRY_ALREADY_EXISTS:
            raise
        found = sam.search(dn, scope=ldb.SCOPE_BASE, attrs=["dnsRecord"])[0]["dnsRecord"]
        kinds = [ndr_unpack(dnsp.DnssrvRpcRecord, one).wType for one in found]
        if dnsp.DNS_TYPE_A not in kinds:
            change(dn, ldb.FLAG_MOD_ADD, dnsRecord=packed)


def rids():
    """Account and RID, a line each: the file server's uids come from them."""
    with open(f"{LAB}/rids", "w", encoding="utf-8") as file:
        for one in sam.search(USERS, expression="(objectClass=user)", attrs=["sAMAccountName", "objectSid"]):
            sid = ndr_unpack(security.dom_sid, one["objectSid"][0])
            file.write(f"{one['sAMAccountName']} {sid.split()[1]}\n")


sam.transaction_start()
sam.set_minPwdLength("4")
sam.set_minPwdAge("0")
sam.set_maxPwdAge("0")
change(BASE, pwdProperties="0")
change(f"CN=Partitions,CN=Configuration,{BASE}", ldb.FLAG_MOD_ADD, uPNSuffixes=env["UPN_SUFFIX"])
people()
privileged()
groups("many", "g", GLOBAL_GROUP)
groups("huge", "f", DOMAIN_LOCAL_GROUP, "S-1-5-21-1111111111-2222222222-3333333333")
permissions()
keytabs = services()
for role in ["dc", "fileserver", "web", "postgres", "sql", "mcp", "keycloak"]:
    address_record(env[f"{role.upper()}_HOST"].split(".")[0], env[f"{role.upper()}_IP"])
address_record("@", env["DC_IP"])
sam.transaction_commit()
cross_names()
rids()

os.makedirs(f"{LAB}/keytabs", exist_ok=True)
for file, principals in keytabs.items():
    directory.export(f"{LAB}/keytabs/{file}.keytab", principals)

#!/usr/bin/python3
"""Accounts, awkward ones among them, DNS records and keytabs, in one process on sam.ldb.

Runs while the DC is stopped. Environment: LAB, REALM, HOSTS, UPN_SUFFIX. docs/lab.md says why each
account is there.
"""
import os

import ldb
import samba.dckeytab  # adds Net.export_keytab
from samba.auth import system_session
from samba.dcerpc import dnsp, security
from samba.ndr import ndr_pack, ndr_unpack
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

LAB, REALM, SUFFIX = (os.environ[name] for name in ('LAB', 'REALM', 'UPN_SUFFIX'))
DOMAIN = REALM.lower()
HOSTS = {f[0]: (f[1], f[2]) for f in (line.split() for line in os.environ['HOSTS'].splitlines()) if f}
GROUPS = 600
FOREIGN_DOMAIN = 'S-1-5-21-1111111111-2222222222-3333333333'

NOT_DELEGATED, DISABLED, TRUSTED_TO_AUTH = 0x100000, 0x2, 0x1000000

parameters = LoadParm()
parameters.load(f'{LAB}/dc/etc/smb.conf')
directory = SamDB(url=f'{LAB}/dc/private/sam.ldb', session_info=system_session(), lp=parameters)
BASE = str(directory.domain_dn())
USERS = f'CN=Users,{BASE}'


def fqdn(role):
    return f'{HOSTS[role][1]}.{DOMAIN}'


def change(user, **attributes):
    message = ldb.Message()
    message.dn = ldb.Dn(directory, f'CN={user},{USERS}')
    for name, value in attributes.items():
        name = name.replace('_', '-')
        message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    directory.modify(message)


def add_flag(user, flag):
    found = directory.search(f'CN={user},{USERS}', scope=ldb.SCOPE_BASE, attrs=['userAccountControl'])
    change(user, userAccountControl=str(int(str(found[0]['userAccountControl'])) | flag))


def add_user(name, password=None, **attributes):
    directory.newuser(name, password or f'Passw0rd!{name}')
    if attributes:
        change(name, **attributes)


def add_groups(user, prefix, group_type, foreign):
    for number in range(GROUPS):
        name = f'{prefix}{number:04}'
        group = {
            'dn': f'CN={name},{USERS}', 'objectClass': 'group', 'sAMAccountName': name,
            'groupType': str(group_type), 'member': f'CN={user},{USERS}',
        }
        if foreign:  # goes into the PAC whole: 40 bytes and not 8
            group['objectSid'] = ndr_pack(security.dom_sid(f'{FOREIGN_DOMAIN}-{5000 + number}'))
        directory.add(group, ['provision:0'] if foreign else [])


def add_address(name, address):
    record = dnsp.DnssrvRpcRecord()
    record.wType, record.data = dnsp.DNS_TYPE_A, address
    record.rank, record.dwTtlSeconds = dnsp.DNS_RANK_ZONE, 900
    node = f'DC={name},DC={DOMAIN},CN=MicrosoftDNS,DC=DomainDnsZones,{BASE}'
    try:
        directory.add({'dn': node, 'objectClass': ['top', 'dnsNode'], 'dnsRecord': ndr_pack(record)})
    except ldb.LdbError as error:
        if error.args[0] != ldb.ERR_ENTRY_ALREADY_EXISTS:
            raise
        old = directory.search(node, scope=ldb.SCOPE_BASE, attrs=['dnsRecord'])[0].get('dnsRecord', [])
        if not any(ndr_unpack(dnsp.DnssrvRpcRecord, r).wType == dnsp.DNS_TYPE_A for r in old):
            message = ldb.Message()
            message.dn = ldb.Dn(directory, node)
            message['dnsRecord'] = ldb.MessageElement(ndr_pack(record), ldb.FLAG_MOD_ADD, 'dnsRecord')
            directory.modify(message)


directory.transaction_start()
directory.set_minPwdLength('4')
directory.set_minPwdAge('0')
directory.set_maxPwdAge('0')
directory.modify_ldif(f'dn: {BASE}\nchangetype: modify\nreplace: pwdProperties\npwdProperties: 0\n')
directory.modify_ldif(f'dn: CN=Partitions,CN=Configuration,{BASE}\nchangetype: modify\n'
                      f'add: uPNSuffixes\nuPNSuffixes: {SUFFIX}\n')

# People.
for name in ('bob', 'carol', 'dave', 'dora', 'eve', 'frank', 'grace', 'phoenix', 'rene', 'rené'):
    add_user(name)
directory.add_remove_group_members('Protected Users', ['carol'], add_members_operation=True)
directory.add_remove_group_members('Domain Admins', ['dora'], add_members_operation=True)
add_flag('dave', NOT_DELEGATED)
add_flag('eve', DISABLED)
change('frank', accountExpires='130000000000000000')  # in 2012
change('grace', pwdLastSet='0')  # must change the password
add_user('erin', userPrincipalName=f'erin@{SUFFIX}')
for name, prefix, group_type, foreign in (('many', 'g', -2147483646, False),
                                          ('huge', 'f', -2147483644, True)):
    add_user(name)
    add_groups(name, prefix, group_type, foreign)

# People whose names cross. Samba refuses to store what is in CROSSED, so that is written below its
# modules further down.
for name in ('ALICE_ADMIN', 'ben', 'hal', 'hank', 'molly'):
    add_user(name)
add_user('alice', userPrincipalName=f'alice.decoy@{DOMAIN}')
directory.modify_ldif(f'dn: CN=ben,{USERS}\nchangetype: modify\ndelete: userPrincipalName\n')
CROSSED = {'ALICE_ADMIN': 'alice', 'hank': 'hal', 'molly': 'ben'}

# Services.
TARGETS = [f'cifs/{fqdn("fileserver")}', f'cifs/{fqdn("dc")}', f'HTTP/{fqdn("web")}',
           f'HTTP/unknown.{DOMAIN}']
SERVICES = {
    'mcp': ('svc-mcp-server', f'HTTP/{fqdn("mcp")}'),
    'web': ('svc-web', f'HTTP/{fqdn("web")}'),
    'ko': ('svc-ko', f'HTTP/ko.{DOMAIN}'),
    'other': ('svc-other', f'HTTP/other.{DOMAIN}'),
}
for keytab, (account, spn) in SERVICES.items():
    # 28: AES and RC4. Left out, keytabs and tickets are RC4.
    add_user(account, f'Passw0rd!{keytab}', servicePrincipalName=spn,
             msDS_SupportedEncryptionTypes='28')
change('svc-mcp-server', msDS_AllowedToDelegateTo=TARGETS)
add_flag('svc-mcp-server', TRUSTED_TO_AUTH)
change('svc-ko', msDS_AllowedToDelegateTo=TARGETS)

for address, name in HOSTS.values():
    add_address(name, address)
add_address('@', HOSTS['dc'][0])
directory.transaction_commit()

partition = ldb.Ldb(f'{LAB}/dc/private/sam.ldb.d/{BASE.upper()}.ldb')
for account, upn in CROSSED.items():
    message = ldb.Message()
    message.dn = ldb.Dn(partition, f'CN={account},{USERS}')
    message['userPrincipalName'] = ldb.MessageElement(
        f'{upn}@{DOMAIN}', ldb.FLAG_MOD_REPLACE, 'userPrincipalName')
    partition.modify(message)

os.makedirs(f'{LAB}/keytabs', exist_ok=True)
exporter = Net(None, parameters)
PRINCIPALS = {keytab: names for keytab, names in SERVICES.items()}
PRINCIPALS.update(krbtgt=('krbtgt',), dc=(f'{HOSTS["dc"][1].upper()}$',))
for keytab, principals in PRINCIPALS.items():
    for principal in principals:
        exporter.export_keytab(keytab=f'{LAB}/keytabs/{keytab}.keytab', principal=principal)

# The uid that the file server makes of each account (idmap_rid).
with open(f'{LAB}/uids', 'w') as uids:
    for account in directory.search(USERS, expression='(&(objectClass=user)(objectSid=*))',
                                    attrs=['sAMAccountName', 'objectSid']):
        rid = ndr_unpack(security.dom_sid, account['objectSid'][0]).split()[1]
        uids.write(f"{account['sAMAccountName']} {100000 + rid}\n")

"""impacket in one process, as krb-benches client is called, but for one client alone:

with_impacket.py GETST CASE CLIENTS SECONDS KDC REALM ACCOUNT KEYTAB USER TARGET

GETST is its own script getST.py, whose steps are taken here, without the files that it writes.
"""

import argparse
import itertools
import runpy
import sys
import time

from impacket.krb5.ccache import CCache
from impacket.krb5.constants import PrincipalNameType
from impacket.krb5.crypto import Enctype
from impacket.krb5.keytab import Keytab
from impacket.krb5.kerberosv5 import getKerberosTGS, getKerberosTGT
from impacket.krb5.types import Principal

USERS = 1000
getst, case, _, seconds, kdc, realm, account, keytab, user, target = sys.argv[1:]
seconds = float(seconds)
host = kdc.rpartition(":")[0]
script = runpy.run_path(getst, run_name="getst")
key = Keytab.loadFile(keytab).getKey(f"{account}@{realm}", specificEncType=Enctype.AES256)
key = key.hexlifiedValue().decode()
numbers = itertools.count()


def log_in():
    name = Principal(account, type=PrincipalNameType.NT_PRINCIPAL.value)
    return getKerberosTGT(name, "", realm, b"", b"", key, host)


def as_a_user(login):
    name = user.replace("*", "%04d" % (next(numbers) % USERS))
    unset = ("force_forwardable", "additional_ticket", "dmsa", "no_s4u2proxy", "hashes", "u2u", "altservice")
    options = argparse.Namespace(aesKey=key, dc_ip=host, impersonate=name, spn=target, **dict.fromkeys(unset))
    ticket, _, session_key, _ = script["GETST"](account, "", realm, options).doS4U(*login, b"", key, host)
    CCache().fromTGS(ticket, session_key, session_key)


def ask():
    if case == "s4u":
        as_a_user(kept)
    elif case == "cold":
        as_a_user(log_in())
    else:
        tgt, cipher, _, session_key = log_in()
        service = Principal(target, type=PrincipalNameType.NT_SRV_INST.value)
        getKerberosTGS(service, realm, host, tgt, cipher, session_key)


def go_on(seconds):
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        ask()
        done += 1
    return done


kept = log_in()
go_on(seconds / 2)
begun, before = time.monotonic_ns(), time.process_time_ns()
done = go_on(seconds)
taken, processor_time = time.monotonic_ns() - begun, time.process_time_ns() - before
print(taken // done, processor_time // done, sep="\t")

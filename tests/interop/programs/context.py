"""GSSAPI of MIT's library, by python3-gssapi: initiator and acceptor, face to face.

context.py SERVICE [impersonate NAME]

The initiator has the tickets of KRB5CCNAME, the acceptor the keys of KRB5_KTNAME. With
`impersonate`, the initiator is NAME, by S4U2Self and S4U2Proxy with the tickets of KRB5CCNAME.
Prints whom the acceptor saw; a line of the error, and status 1, if there is none.
"""

import sys

import gssapi

KRB5 = gssapi.MechType.kerberos
PRINCIPAL = gssapi.NameType.kerberos_principal


def initiator(arguments):
    if not arguments:
        return None
    own = gssapi.Credentials(usage="initiate", mechs=[KRB5])
    user = gssapi.Name(arguments[1], gssapi.NameType.user)
    return own.impersonate(user, usage="initiate", mechs=[KRB5])


def main():
    service, *rest = sys.argv[1:]
    client = gssapi.SecurityContext(
        name=gssapi.Name(service, PRINCIPAL),
        creds=initiator(rest),
        usage="initiate",
        mech=KRB5,
        flags=gssapi.RequirementFlag.mutual_authentication,
    )
    server = gssapi.SecurityContext(creds=gssapi.Credentials(usage="accept"), usage="accept")
    token = None
    while not (client.complete and server.complete):
        token = client.step(token)
        if token:
            token = server.step(token)
    sealed = client.wrap(b"for the service's eyes", True).message
    assert server.unwrap(sealed).message == b"for the service's eyes"
    print(server.initiator_name)


try:
    main()
except gssapi.exceptions.GSSError as error:
    print(" ".join(str(error).split()))
    sys.exit(1)

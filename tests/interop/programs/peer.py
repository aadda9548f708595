"""One end of a GSSAPI context of MIT's library, by python3-gssapi; the other end is ours.

peer.py initiate SERVICE|accept [spnego] [iakerb] [binding DATA]

Tokens come and go as lines of base64, an empty one where there is none. The initiator has the tickets of
KRB5CCNAME, the acceptor the keys of KRB5_KTNAME. When the context is there, `done WHO FLAGS` is printed, and
then each line is a command: `wrap|unwrap|mic MESSAGE`, `verify MESSAGE MIC`. What fails is a line that
begins with `error`.
"""

import base64
import sys

import gssapi

KRB5 = gssapi.MechType.kerberos
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
IAKERB = gssapi.OID.from_int_seq("1.3.6.1.5.2.5")
FLAGS = (
    gssapi.RequirementFlag.mutual_authentication
    | gssapi.RequirementFlag.confidentiality
    | gssapi.RequirementFlag.integrity
    | gssapi.RequirementFlag.replay_detection
    | gssapi.RequirementFlag.out_of_sequence_detection
)

# An error that comes with a token is told at once, not at the next step.
gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False


def say(data):
    print(base64.b64encode(data or b"").decode(), flush=True)


def hear():
    return [base64.b64decode(word) for word in sys.stdin.readline().split()]


def context(role, words):
    bindings = None
    if "binding" in words:
        data = words[words.index("binding") + 1].encode()
        bindings = gssapi.raw.ChannelBindings(application_data=data)
    mechanism = SPNEGO if "spnego" in words else IAKERB if "iakerb" in words else KRB5
    if role == "accept":
        # Without being asked for, MIT's acceptor does not take it.
        mechanisms = [IAKERB] if mechanism == IAKERB else None
        own = gssapi.Credentials(usage="accept", mechs=mechanisms)
        return gssapi.SecurityContext(creds=own, usage="accept", channel_bindings=bindings)
    return gssapi.SecurityContext(
        name=gssapi.Name(words[0], gssapi.NameType.kerberos_principal),
        usage="initiate",
        mech=mechanism,
        flags=FLAGS,
        channel_bindings=bindings,
    )


def serve(ctx):
    for line in sys.stdin:
        command, *words = line.split()
        words = [base64.b64decode(word) for word in words]
        try:
            if command == "wrap":
                say(ctx.wrap(words[0], True).message)
            elif command == "unwrap":
                say(ctx.unwrap(words[0]).message)
            elif command == "mic":
                say(ctx.get_signature(words[0]))
            else:
                ctx.verify_signature(words[0], words[1])
                say(b"verified")
        except gssapi.exceptions.GSSError as error:
            print("error", " ".join(str(error).split()), flush=True)


def main():
    role, *words = sys.argv[1:]
    ctx = context(role, words)
    heard = hear()[0] if role == "accept" else None
    while True:
        say(ctx.step(heard))
        if ctx.complete:
            break
        heard = hear()[0]
    print("done", ctx.initiator_name, int(ctx.actual_flags), flush=True)
    serve(ctx)


try:
    main()
except gssapi.exceptions.GSSError as error:
    print("error", " ".join(str(error).split()), flush=True)
    sys.exit(1)

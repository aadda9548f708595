#!/bin/bash
# impacket 0.13.1: KRB5CCNAME is a path to it, never a type and a path. `FILE:/run/alice`, as MIT's
# programs write that variable and as login services set it, is looked for as a file of that very name,
# and what is raised says "no such file" and not that the type is the matter. The same file without
# `FILE:` is read. Needs python3 with venv; installs nothing outside of a temporary folder. Exits with 1
# if the behaviour is another.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip --quiet install impacket==0.13.1
cat >look.py <<'PYTHON'
import importlib.metadata
import os
import struct

from impacket.krb5.ccache import CCache


def counted(text):
    return struct.pack(">I", len(text)) + text


# A cache of format version 4 without tickets: no header fields, the principal alice@EXAMPLE.TEST.
with open("cache", "wb") as cache:
    cache.write(b"\x05\x04\x00\x00" + struct.pack(">II", 1, 1))
    cache.write(counted(b"EXAMPLE.TEST") + counted(b"alice"))

print("impacket", importlib.metadata.version("impacket"))
for kind in ("", "FILE:"):
    os.environ["KRB5CCNAME"] = kind + os.path.abspath("cache")
    try:
        print(f"[{kind}]", CCache.parseFile()[:2])
    except OSError as error:
        print(f"[{kind}]", type(error).__name__)
PYTHON
seen=$(venv/bin/python look.py)
echo "$seen"
grep -qF "[] ('EXAMPLE.TEST', 'alice')" <<<"$seen" || { echo "CHANGED: a path"; exit 1; }
grep -qF '[FILE:] FileNotFoundError' <<<"$seen" || { echo "CHANGED: FILE:"; exit 1; }
echo "For impacket, KRB5CCNAME has to be a bare path."

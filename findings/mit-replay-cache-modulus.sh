#!/bin/bash
# MIT krb5 1.20.1 (Debian 12): where a record stands in a replay cache (file2). MIT's documentation of the format
# (rcache_file_format) takes the hash modulo one less than the length of a table: 1022 for the first one, which has
# 1023 slots, and 2047 for the second, which has 2048. The library takes it modulo the length itself, so that a
# program that goes by the documentation finds none of the library's records where it looks for them. The slot behind
# a table's last one is the next table's first.
# Runs as root or not, on Debian 12; installs nothing outside of a temporary folder. Exits with 1 if the behaviour
# is another.
set -eu
krb5=1.20.1-2+deb12u5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "libkrb5-3=$krb5" "libk5crypto3=$krb5" "libkrb5support0=$krb5" >/dev/null
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
LD_LIBRARY_PATH=$folder/$(dirname "$(find unpacked -name 'libkrb5.so.3' | head -1)")
export LD_LIBRARY_PATH LC_ALL=C KRB5_CONFIG=$folder/krb5.conf
printf '[libdefaults]\ndefault_realm = EXAMPLE.TEST\n' >krb5.conf
echo "MIT krb5 $krb5"

cat >store.py <<'PYTHON'
import ctypes, os, struct, sys

RECORDS, TAG, AES256 = 400, 12, 18


class Data(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("length", ctypes.c_uint), ("data", ctypes.c_char_p)]


class Encrypted(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_int32), ("enctype", ctypes.c_int32), ("kvno", ctypes.c_uint), ("ciphertext", Data)]


def siphash24(key, message):
    mask = (1 << 64) - 1
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    turn = lambda x, by: (x << by | x >> (64 - by)) & mask

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = turn(v[1], 13) ^ v[0]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = turn(v[1], 17) ^ v[2]
            v[2] = turn(v[2], 32)

    tail = len(message) % 8
    words = message[: len(message) - tail]
    last = message[len(message) - tail :] + bytes(7 - tail) + bytes([len(message) & 255])
    for (word,) in struct.iter_unpack("<Q", words + last):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


assert siphash24(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5  # the vector of its authors' paper

krb5 = ctypes.CDLL("libkrb5.so.3")
context, cache = ctypes.c_void_p(), ctypes.c_void_p()
assert krb5.krb5_init_context(ctypes.byref(context)) == 0
assert krb5.k5_rc_resolve(context, b"file2:" + os.path.join(os.getcwd(), "rcache").encode(), ctypes.byref(cache)) == 0
tags = []
for _ in range(RECORDS):
    cipher = os.urandom(64)
    stored = Encrypted(0, AES256, 0, Data(0, len(cipher), cipher))
    assert krb5.k5_rc_store(context, cache, ctypes.byref(stored)) == 0
    tags.append(cipher[-TAG:])
assert krb5.k5_rc_store(context, cache, ctypes.byref(stored)) != 0  # it is found again

octets = open("rcache", "rb").read()
seed, slots = octets[:16], [octets[16 + at * 16 : 16 + at * 16 + TAG] for at in range(1023)]


def found(modulus):
    at = lambda tag: siphash24(seed, tag) % modulus
    return sum(tag in slots[at(tag) : at(tag) + 2] for tag in tags)


by_length, as_documented = found(1023), found(1022)
print(f"of {RECORDS} records in the first table stand where the hash says,")
print(f"modulo 1023, the table's length:             {by_length}")
print(f"modulo 1022, as the documentation has it:    {as_documented}")
sys.exit(0 if by_length > RECORDS * 0.8 and as_documented < RECORDS * 0.1 else 1)
PYTHON
/usr/bin/python3 store.py || { echo "CHANGED"; exit 1; }

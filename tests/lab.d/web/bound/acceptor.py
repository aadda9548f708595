"""An https server that demands channel bindings (Extended Protection) and says who came.

Its bindings are its own certificate's by GnuTLS's word; Kerberos is MIT's. It prints its port.
"""
import argparse
import base64
import ctypes
import hashlib
import http.server
import ssl

import gssapi
from gssapi.raw import ChannelBindings, accept_sec_context

CHANNEL_BOUND = 0x800  # GSS_C_CHANNEL_BOUND_FLAG of MIT 1.19


class Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_uint)]


def hash_of_signature(der):
    """The name of the hash of a certificate's signature, as GnuTLS sees it."""
    tls = ctypes.CDLL("libgnutls.so.30")
    tls.gnutls_digest_get_name.restype = ctypes.c_char_p
    certificate = ctypes.c_void_p()
    assert tls.gnutls_x509_crt_init(ctypes.byref(certificate)) == 0
    datum = Datum(der, len(der))
    assert tls.gnutls_x509_crt_import(certificate, ctypes.byref(datum), 0) == 0
    signature = tls.gnutls_x509_crt_get_signature_algorithm(certificate)
    return tls.gnutls_digest_get_name(tls.gnutls_sign_get_hash_algorithm(signature)).decode()


def bindings(file):
    with open(file, encoding="ascii") as pem:
        der = ssl.PEM_cert_to_DER_cert(pem.read())
    name = hash_of_signature(der).lower()
    digest = hashlib.new("sha256" if name in ("md5", "sha1") else name, der).digest()
    return ChannelBindings(application_data=b"tls-server-end-point:" + digest)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Negotiate":
            return self.answer(401, "Negotiate", "no ticket")
        try:
            accepted = accept_sec_context(
                base64.b64decode(token), CREDENTIALS, None, BINDINGS if args.demand else None
            )
        except gssapi.exceptions.GSSError as error:
            return self.answer(401, "Negotiate", f"{type(error).__name__}: {error}")
        proof = "Negotiate " + base64.b64encode(accepted.token or b"").decode()
        flags = int(accepted.flags)
        if args.demand and not flags & CHANNEL_BOUND:
            return self.answer(401, "Negotiate", "no bindings")
        who = gssapi.Name(base=accepted.initiator_name)
        self.answer(200, proof, f"{who} over {self.connection.version()}")

    def answer(self, status, negotiate, text):
        print(status, text, flush=True)
        body = text.encode()
        self.send_response(status)
        self.send_header("WWW-Authenticate", negotiate)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("certificate")
parser.add_argument("key")
parser.add_argument("keytab")
parser.add_argument("--tls", choices=["TLSv1_2", "TLSv1_3"], default="TLSv1_3")
parser.add_argument("--no-demand", dest="demand", action="store_false")
args = parser.parse_args()

CREDENTIALS = gssapi.raw.acquire_cred_from(
    {b"keytab": args.keytab.encode()}, usage="accept"
).creds
BINDINGS = bindings(args.certificate)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = context.maximum_version = ssl.TLSVersion[args.tls]
context.load_cert_chain(args.certificate, args.key)
server = http.server.HTTPServer((args.address, 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()

"""Ends TLS with a certificate of its own and passes what is inside on to an https server.

It prints its port.
"""
import select
import socket
import ssl
import sys
import threading

address, certificate, key, port = sys.argv[1:]
outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
outer.load_cert_chain(certificate, key)
inner = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
inner.check_hostname, inner.verify_mode = False, ssl.CERT_NONE


def serve(client):
    """One thread for both directions: a TLS connection is no matter for two."""
    try:
        client = outer.wrap_socket(client, server_side=True)
        server = inner.wrap_socket(socket.create_connection((address, int(port))))
        other = {client: server, server: client}
        while True:
            readable = [end for end in other if end.pending()] or select.select(other, [], [])[0]
            for source in readable:
                source.setblocking(False)
                try:
                    data = source.recv(65536)
                except ssl.SSLWantReadError:
                    continue
                finally:
                    source.setblocking(True)
                if not data:
                    return
                other[source].sendall(data)
    except OSError:
        return


listener = socket.create_server((address, 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

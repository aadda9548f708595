"""Ends TLS with a certificate of its own and passes what is inside on to an https server.

It prints its port.
"""
import socket
import ssl
import sys
import threading

address, certificate, key, port = sys.argv[1:]
outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
outer.load_cert_chain(certificate, key)
inner = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
inner.check_hostname, inner.verify_mode = False, ssl.CERT_NONE


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client):
    try:
        client = outer.wrap_socket(client, server_side=True)
        server = inner.wrap_socket(socket.create_connection((address, int(port))))
    except OSError:
        return
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
    copy(server, client)


listener = socket.create_server((address, 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

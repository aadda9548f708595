"""other_port.py PORT SCRIPT ARGUMENT…: runs a script that knows no port for a KDC but 88."""

import runpy
import socket
import sys

port, *sys.argv = sys.argv[1:]
connect = socket.socket.connect


def connect_to(self, address):
    host, wanted = address[:2]
    return connect(self, (host, int(port)) if wanted == 88 else address)


socket.socket.connect = connect_to
runpy.run_path(sys.argv[0], run_name="__main__")

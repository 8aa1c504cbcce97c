# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Sessions with network.mode = "veth" in the network of network.py: their policies, and what goes through ssh."""

import contextlib
import socket

from support import host
from support import network

EVERYTHING = 'egress = {"any"}'
# the kernel limits how many errors it sends, so that some of several at once go without
CLOSED = ("errno EHOSTUNREACH", "errno EACCES", "silence")


def policy(user="alice", egress=EVERYTHING, masquerade=True, more="", pool=(network.POOL["4"], network.POOL["6"])):
    pools = ", ".join(f'"{prefix}"' for prefix in pool)
    host.set_policy(f"user/{user}.conf", f"network {{\n mode = veth\n pool = {{{pools}}}\n {egress}\n "
                                         f"masquerade = {str(masquerade).lower()}\n}}\n{more}")


def tcp(address, port=443):
    return f"tcp/{address}/{port}"


def both(address):
    return list(address.values())


def first_line(port, path="127.0.0.1"):
    """What a server behind a forwarded port says first; "" when the connection is closed instead."""
    with socket.create_connection((path, port), timeout=host.TIMEOUT) as connection:
        with contextlib.suppress(ConnectionResetError):
            return connection.makefile().readline().strip()
    return ""


def socks(port, address, to):
    """Through ssh -D, SOCKS5 without a name or password."""
    with socket.create_connection(("127.0.0.1", port), timeout=host.TIMEOUT) as connection:
        connection.sendall(b"\5\1\0")
        assert connection.recv(2) == b"\5\0"
        connection.sendall(b"\5\1\0\1" + socket.inet_aton(address) + to.to_bytes(2, "big"))
        file = connection.makefile("rb")
        answer = file.read(10)
        return file.readline().decode().strip() if answer[1:2] == b"\0" else ""

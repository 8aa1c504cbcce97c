# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Networks around the sandbox's host: namespaces with a name, hosts behind interfaces, and who answers there."""

import contextlib
import os
import subprocess

from support import host as H
from support import programs as P

NAMES = "/run/netns"

# answers every connection and packet at ADDRESS PORT with WORD; says when it does
ANSWER = """
import select, socket, sys
address, port, word = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
family = socket.AF_INET6 if ":" in address else socket.AF_INET
stream = socket.create_server((address, port), family=family)
packets = socket.socket(family, socket.SOCK_DGRAM)
packets.bind((address, port))
print("ready", flush=True)
while True:
    for ready in select.select([stream, packets], [], [])[0]:
        if ready is stream:
            peer, _ = stream.accept()
            with peer:
                peer.sendall(word)
        else:
            _, sender = packets.recvfrom(4096)
            packets.sendto(word, sender)
"""

# what answers at ADDRESS PORT: the word, or the error
ASK = """
import socket, sys
kind, address, port, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
try:
    if kind == "tcp":
        with socket.create_connection((address, port), seconds) as peer:
            print(peer.recv(100).decode())
    else:
        peer = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        peer.settimeout(seconds)
        peer.connect((address, port))
        peer.send(b"?")
        print(peer.recv(100).decode())
except OSError as error:
    print("error:", error)
"""
ASK_PROGRAM = "/usr/local/lib/nsisolate-tests/ask"


def run(*arguments):
    return P.run(list(arguments)).check()


def ask(kind, address, port, seconds=20):
    """The command by which a session asks who answers there, within a time that matters where nobody is to."""
    return f"/usr/bin/python3 {ASK_PROGRAM} {kind} {address} {port} {seconds}"


@contextlib.contextmanager
def answering(word, address, port, namespace=None):
    """Something that answers with a word, on the host or in a named namespace."""
    H.write(ASK_PROGRAM, ASK)
    around = ["ip", "netns", "exec", namespace] if namespace else []
    process = subprocess.Popen([*around, "/usr/bin/python3", "-c", ANSWER, address, str(port), word],
                               stdout=subprocess.PIPE, text=True, cwd="/", start_new_session=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.wait(H.TIMEOUT)
        process.stdout.close()


def forget_names():
    """ip netns add leaves its directory a mount point."""
    while any(line.split()[4] == NAMES for line in H.read("/proc/self/mountinfo").splitlines()):
        run("umount", NAMES)
    if os.path.isdir(NAMES):
        os.rmdir(NAMES)


@contextlib.contextmanager
def named(*names, commands=()):
    """Network namespaces by ip-netns(8), with lo up; or what these commands make of them."""
    try:
        for name in names if not commands else ():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for command in commands:
            run(*command.split())
        yield
    finally:
        for name in names:
            if os.path.exists(f"{NAMES}/{name}"):
                run("ip", "netns", "delete", name)
        forget_names()


def join(left, right, interface, ipv4, ipv6):
    """A cable between two namespaces, whose ends have the addresses .1 and .2, ::1 and ::2."""
    run("ip", "link", "add", interface, "netns", left, "type", "veth", "peer", "name", interface, "netns", right)
    for host, name in enumerate((left, right), 1):
        run("ip", "-n", name, "address", "add", f"{ipv4}.{host}/24", "dev", interface)
        run("ip", "-n", name, "address", "add", f"{ipv6}{host}/64", "dev", interface, "nodad")
        run("ip", "-n", name, "link", "set", interface, "up")


def number(name):
    return os.stat(f"{NAMES}/{name}").st_ino

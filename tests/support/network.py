# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
A network around the sandbox's host, which is the server that people log in to: a router, and behind it a campus and
an internet, each in a network namespace that only descriptors hold. Whoever listens there is a thread of the tests.

    host up0 192.0.2.2, 2001:db8:1::2 --- router --- campus    10.1.0.10,     2001:db8:ca::10
                                             +------ internet  198.51.100.10, 2001:db8:2::10 (MTU 1400)
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

from support.host import wait_until

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

HOST = {"4": "192.0.2.2", "6": "2001:db8:1::2"}
OTHER = {"4": "203.0.113.5", "6": "2001:db8:5::5"}  # more addresses of the host, on lo
CAMPUS = {"4": "10.1.0.10", "6": "2001:db8:ca::10"}
INTERNET = {"4": "198.51.100.10", "6": "2001:db8:2::10"}
POOL = {"4": "10.99.0.0/24", "6": "fd00:99::/64"}
NARROW = 1400
TCP_PORTS = (22, 53, 80, 443, 8080, 8099)
UDP_PORTS = (53, 443, 8080)


def check(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def in_thread(function):
    """In a thread of its own, whose network namespace may then be another."""
    result = []

    def run():
        try:
            result.append((function(), None))
        except BaseException as error:  # the caller's to see
            result.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = result[0]
    if error:
        raise error
    return value


class Namespace:
    """A network namespace."""

    def __init__(self, name, descriptor=None):
        self.name = name
        self.descriptor = in_thread(self.make) if descriptor is None else descriptor
        self.sockets = []

    @staticmethod
    def make():
        check(libc.unshare(CLONE_NEWNET), "unshare")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def inside(self, function):
        def run():
            check(libc.setns(self.descriptor, CLONE_NEWNET), "setns")
            return function()
        return in_thread(run)

    def run(self, *command, check=True):
        return self.inside(lambda: subprocess.run(command, check=check, capture_output=True, text=True))

    def address(self, address, interface):
        self.run("ip", "address", "add", address, "dev", interface, *(("nodad",) if ":" in address else ()))

    def sysctl(self, name, value):
        path = f"/proc/sys/{name.replace('.', '/')}"

        def write():
            with open(path, "w", encoding="ascii") as file:
                file.write(value)
        self.inside(write)

    # who listens

    def listen(self, tcp=TCP_PORTS, udp=UDP_PORTS):
        for port in tcp:
            listener = self.inside(lambda port=port: socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64))
            self.serve(listener, self.accept)
        for port in udp:
            for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                self.serve(self.inside(lambda f=family, a=any_address, p=port: self.bound(f, a, p)), self.answer)
        return self

    @staticmethod
    def bound(family, address, port):
        listener = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        return listener

    def serve(self, listener, function):
        self.sockets.append(listener)
        threading.Thread(target=function, args=(listener,), daemon=True).start()

    def word(self, peer):
        return f"{self.name} {peer[0].removeprefix('::ffff:')}"

    def accept(self, listener):
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection, peer), daemon=True).start()

    def talk(self, connection, peer):
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(60)
            file = connection.makefile("rwb")
            file.write(f"{self.word(peer)}\n".encode())
            file.flush()
            request = file.readline().split()
            if request and request[0] == b"get":
                file.write(b"x" * int(request[1]))
            elif request:
                file.write(f"{len(file.read(int(request[1])))}\n".encode())
            file.flush()

    def answer(self, listener):
        while True:
            try:
                _, peer = listener.recvfrom(65536)
                if not peer:
                    return  # shut down
                listener.sendto(self.word(peer).encode(), peer)
            except OSError:
                return

    def close(self):
        for listener in self.sockets:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.sockets.clear()
        os.close(self.descriptor)


class Network:
    """The host, and what is around it."""

    def __init__(self):
        self.host = Namespace("host", os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        self.router, self.campus, self.internet = (Namespace(name) for name in ("router", "campus", "internet"))
        self.host.address(f"{OTHER['4']}/32", "lo")
        self.host.address(f"{OTHER['6']}/128", "lo")
        self.link(self.host, "up0", ("192.0.2.2/24", "2001:db8:1::2/64"), "host", ("192.0.2.1/24", "2001:db8:1::1/64"))
        self.link(self.campus, "up0", ("10.1.0.10/24", "2001:db8:ca::10/64"), "campus",
                  ("10.1.0.1/24", "2001:db8:ca::1/64"))
        self.link(self.internet, "up0", ("198.51.100.10/24", "2001:db8:2::10/64"), "internet",
                  ("198.51.100.1/24", "2001:db8:2::1/64"))
        for end, interface in ((self.internet, "up0"), (self.router, "internet")):
            end.run("ip", "link", "set", interface, "mtu", str(NARROW))
        for end, gateways in ((self.host, ("192.0.2.1", "2001:db8:1::1")), (self.campus, ("10.1.0.1", "2001:db8:ca::1")),
                              (self.internet, ("198.51.100.1", "2001:db8:2::1"))):
            end.run("ip", "route", "add", "default", "via", gateways[0])
            end.run("ip", "-6", "route", "add", "default", "via", gateways[1])
        self.router.run("ip", "route", "add", "10.99.0.0/16", "via", "192.0.2.2")
        self.router.run("ip", "-6", "route", "add", "fd00:99::/48", "via", "2001:db8:1::2")
        for end in (self.host, self.router):
            self.forward(end, True)
        for end in (self.host, self.campus, self.internet):
            end.listen(tcp=[port for port in TCP_PORTS if end is not self.host or port != 22])
        # neighbours find each other, and link-local addresses become usable
        wait_until(lambda: all(self.host.run("ping", "-n", "-c", "1", "-W", "1", address, check=False).returncode == 0
                               for address in (*CAMPUS.values(), *INTERNET.values())), "the network is not up")

    @staticmethod
    def forward(end, wanted):
        end.sysctl("net.ipv4.ip_forward", str(int(wanted)))
        end.sysctl("net.ipv6.conf.all.forwarding", str(int(wanted)))

    def link(self, end, interface, addresses, other, other_addresses):
        end.inside(lambda: subprocess.run(
            ["ip", "link", "add", interface, "type", "veth", "peer", "name", other, "netns",
             f"/proc/{os.getpid()}/fd/{self.router.descriptor}"], check=True))
        for namespace, name, own in ((end, interface, addresses), (self.router, other, other_addresses)):
            for address in own:
                namespace.address(address, name)
            namespace.run("ip", "link", "set", name, "up")
            namespace.run("ip", "link", "set", "lo", "up")

    def close(self):
        self.host.run("ip", "link", "delete", "up0", check=False)
        self.forward(self.host, False)
        self.host.run("ip", "address", "del", f"{OTHER['4']}/32", "dev", "lo", check=False)
        self.host.run("ip", "address", "del", f"{OTHER['6']}/128", "dev", "lo", check=False)
        for namespace in (self.host, self.router, self.campus, self.internet):
            namespace.close()

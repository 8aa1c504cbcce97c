# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Packets as root in a session makes them, and what arrives of them."""

import contextlib
import socket
import threading


class Sniffer:
    """What arrives at an interface of another namespace: IP packets, by a packet socket of the test's."""

    def __init__(self, namespace, interface):
        self.socket = namespace.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)))
        self.socket.bind((interface, 3))
        self.seen = []
        threading.Thread(target=self.receive, daemon=True).start()

    def receive(self):
        with contextlib.suppress(OSError):
            while True:
                self.seen.append(self.socket.recv(65536))

    def has(self, mark):
        return any(mark in packet for packet in self.seen)

    def close(self):
        self.socket.close()


# for python in the session: frame(ipv4(own(2), "198.51.100.10", 17, udp(b"mark")))
RAW = """
import socket, struct
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
def ipv4(source, target, protocol, payload, flags=0, number=1):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), number, flags, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload
def ipv6(source, target, following, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), following, 64) + socket.inet_pton(10, source) \\
        + socket.inet_pton(10, target) + payload
def udp(payload, port=443):
    return struct.pack("!HHHH", 4000, port, 8 + len(payload), 0) + payload
def error4(to, other, mark):
    inner = ipv4(to, other, 17, struct.pack("!HHHH", 53, 4053, 8 + len(mark), 0) + mark)
    body = struct.pack("!BBHI", 3, 3, 0, 0) + inner + bytes(len(inner) % 2)
    return ipv4(own(2), to, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:])
def own(family):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect(("198.51.100.10" if family == 2 else "2001:db8:2::10", 443))
        return s.getsockname()[0]
def frame(packet, kind=None):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind(("eth0", 0))
    mine = open("/sys/class/net/eth0/address").read().strip().replace(":", "")
    kind = kind or (0x0800 if packet[0] >> 4 == 4 else 0x86dd)
    s.send(bytes.fromhex("026e73000001" + mine) + struct.pack("!H", kind) + packet)
"""


def send_all(root, kind, packets):
    """Each with a mark of its own in place of MARK; then, as a witness, one that the rules let through."""
    marked = "".join(f"MARK = b'{kind}-mark-{number:02}'\nfor packet in ({packet},): frame(packet)\n"
                     for number, packet in enumerate(packets))
    root.python(f"{RAW}\n{marked}frame(ipv4(own(2), '198.51.100.10', 17, udp(b'{kind}-witness')))")


def arrived(sniffer, kind, packets):
    return [packet for number, packet in enumerate(packets) if sniffer.has(f"{kind}-mark-{number:02}".encode())]

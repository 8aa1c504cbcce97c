# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
A user with root inside a session with a network of its own (by sudo) against the rules on the host's side. What would
need cap_net_admin, which nobody inside has, is tried with it from outside: the rules hold even then. Each attack
has a control: it works once the rules are gone.
"""

import contextlib
import os
import re
import socket
import time

import pytest

from support import host as H
from support import network as N
from support import networks
from support import programs as P
from support.inside import root_inside as inside
from support.packets import RAW, Sniffer, arrived, send_all

pytestmark = pytest.mark.usefixtures("installed", "network")


def policy(user, network, more=""):
    H.set_policy(f"user/{user}.conf", f'network {{ mode = veth egress = {{"any"}} {network} }}\n{more}\n')


@pytest.fixture
def installed(installed):
    H.set_policy("user/alice.conf", f"""
        network {{ mode = veth
                   pool = {{"{N.POOL["4"]}", "{N.POOL["6"]}"}}
                   egress = {{"any tcp 443", "any udp 443"}} }}""")


# what leaves by a packet socket: what it is, and the expression of the packet or packets
PACKETS = [
    ("source of the campus", 'ipv4("10.1.0.77", "198.51.100.10", 17, udp(MARK))'),
    ("source of the server", 'ipv4("192.0.2.2", "198.51.100.10", 17, udp(MARK))'),
    ("source of a neighbour", 'ipv4("10.99.0.200", "198.51.100.10", 17, udp(MARK))'),
    ("source 6 of the campus", 'ipv6("2001:db8:ca::77", "2001:db8:2::10", 17, udp(MARK))'),
    ("source 6 of a neighbour", 'ipv6("fd00:99::dead", "2001:db8:2::10", 17, udp(MARK))'),
    ("protocol 41", 'ipv4(own(2), "198.51.100.10", 41, ipv6("2001:db8:1::1", "2001:db8:2::10", 17, udp(MARK)))'),
    ("protocol 4", 'ipv4(own(2), "198.51.100.10", 4, ipv4("10.1.0.1", "10.1.0.10", 17, udp(MARK)))'),
    ("GRE", 'ipv4(own(2), "198.51.100.10", 47, b"\\0\\0\\x08\\0" + MARK)'),
    ("ESP", 'ipv4(own(2), "198.51.100.10", 50, b"\\0\\0\\0\\1\\0\\0\\0\\1" + MARK)'),
    ("SCTP", 'ipv4(own(2), "198.51.100.10", 132, MARK * 2)'),
    ("GRE in IPv6", 'ipv6(own(10), "2001:db8:2::10", 47, b"\\0\\0\\x08\\0" + MARK)'),
    ("another port behind a destination option",
     'ipv6(own(10), "2001:db8:2::10", 60, bytes([17, 0, 1, 4, 0, 0, 0, 0]) + udp(MARK, 80))'),
    ("another port in fragments", 'ipv4(own(2), "198.51.100.10", 17, udp(MARK + bytes(64), 80)[:40], 0x2000, 77), '
                                  'ipv4(own(2), "198.51.100.10", 17, udp(MARK + bytes(64), 80)[40:], 5, 77)'),
    ("an error about a connection of the host", 'error4("10.1.0.10", "192.0.2.2", MARK)'),
    ("TCP without a connection", 'ipv4(own(2), "198.51.100.10", 6, struct.pack("!HHIIBBHHH", 4000, 443, 1, 1, 0x50, '
                                 '0x10, 1000, 0, 0) + MARK)'),
]


def with_net_admin(command):
    """In the network of the one session."""
    [init] = H.session_inits()
    return P.run(["nsenter", f"--net=/proc/{init}/ns/net", "sh", "-c", command]).check().stdout


@contextlib.contextmanager
def tracked(network):
    """A connection of the host to the campus, from port 4053 to port 53, which the rules have the kernel know."""
    with network.host.inside(lambda: network.host.bound(socket.AF_INET, "0.0.0.0", 4053)) as end:
        end.settimeout(H.TIMEOUT)
        end.connect((N.CAMPUS["4"], 53))
        end.send(b"?")
        assert end.recv(100).startswith(b"campus")
        yield


def test_no_raw_packet_gets_out(network):
    sniffer, packets = Sniffer(network.router, "host"), [packet for _, packet in PACKETS]
    try:
        with inside() as root, tracked(network):
            send_all(root, "denied", packets)
            H.wait_until(lambda: sniffer.has(b"denied-witness"), "what is allowed does not arrive")
            assert arrived(sniffer, "denied", packets) == []
            # the control: without rules, and without the kernel's own check of sources
            [record] = H.live_records().values()
            network.host.run("nft", "delete", "table", "inet", "nsisolate")
            network.host.sysctl(f"net.ipv4.conf.{record['interface']}.rp_filter", "0")
            network.host.sysctl(f"net.ipv4.conf.{record['interface']}.accept_local", "1")
            send_all(root, "control", packets)
            H.wait_until(lambda: arrived(sniffer, "control", packets) == packets, lambda: "without rules these do not "
                         f"arrive either: {[one for one in packets if one not in arrived(sniffer, 'control', packets)]}")
    finally:
        sniffer.close()
        network.host.run("nsisolate-network", "restore")


def test_changed_addresses_and_routes_reach_nothing_more(network):
    denied = [f"tcp/{address}/{port}" for address in (*N.HOST.values(), *N.OTHER.values()) for port in (443, 8080)]
    with inside() as root:
        assert root.reach("tcp/198.51.100.10/443", timeout=20)["tcp/198.51.100.10/443"].startswith("internet 10.99.0.")
        assert root.status("ip address add 192.0.2.99/24 dev eth0")[0] == 2
        with_net_admin("set -e; ip address add 192.0.2.99/24 dev eth0; ip address add 10.1.0.77/32 dev eth0; "
                       "ip route replace default via 169.254.1.1 dev eth0 src 10.1.0.77 onlink; "
                       "ip -6 address add 2001:db8:1::99/64 dev eth0 nodad; "
                       "ip link set eth0 address 02:00:00:00:00:01; ip link set eth0 arp on; "
                       "ip link set eth0 promisc on")
        seen = root.reach("tcp/198.51.100.10/443", *denied, "tcp/169.254.1.1/443", "tcp/fe80::1%eth0/443", timeout=1)
        assert not [answer for answer in seen.values() if answer.startswith(("host", "internet", "campus"))]
    assert H.wait_until(lambda: not H.live_records(), "the session does not end")


def test_the_hosts_loopback_is_not_reached_by_martians(network):
    with inside() as root:
        root.run("true")
        with_net_admin("set -e; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; ip address del 127.0.0.1/8 dev lo; "
                       "ip route add 127.0.0.1/32 via 169.254.1.1 dev eth0 onlink")
        seen = root.reach("tcp/127.0.0.1/443", "tcp/127.0.0.1/22", timeout=1)
        assert not [answer for answer in seen.values() if answer.startswith("host")]


def test_router_advertisements_of_a_session_change_nothing_on_the_host(network):
    before = network.host.run("sh", "-c", "ip -6 route; ip -6 address | grep inet6").stdout
    with inside() as root:
        control = root.python(RAW + """
prefix = struct.pack("!BBBBIII16s", 3, 4, 64, 0xc0, 3600, 3600, 0, socket.inet_pton(10, "2001:db8:bad::"))
body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix
packet = ipv6("fe80::bad", "ff02::1", 58, body)
pseudo = packet[8:40] + struct.pack("!II", len(body), 58) + body
body = body[:2] + struct.pack("!H", checksum(pseudo)) + body[4:]
packet = bytearray(ipv6("fe80::bad", "ff02::1", 58, body)); packet[7] = 255
frame(bytes(packet))
print("sent")""")
        assert "sent" in control
        time.sleep(0.2)  # for nothing to happen in
        during = network.host.run("sh", "-c", "ip -6 route; ip -6 address | grep inet6").stdout
        assert "bad" not in during
    assert "bad" not in before


# many packets that each open a connection
FLOOD = """
import socket
for port in range(20000, 20500):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", port))
    s.sendto(b"x", ("198.51.100.10", 443))
    s.close()
print("sent")"""


def test_no_user_fills_the_table_of_connections(network):
    """Which the whole host needs: neither at once, by many sessions, nor by one after another."""
    def tracked():
        return int(network.host.inside(lambda: H.read("/proc/sys/net/netfilter/nf_conntrack_count")))

    policy("alice", 'pool = {"10.99.7.0/30"} connections = 100', "max-sessions = 2")
    before = tracked()
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                assert "sent" in stack.enter_context(inside()).python(FLOOD)
            assert P.run(["su", "alice", "-c", "echo in"]).stdout == ""
            assert before + 100 < tracked() <= before + 210
            rules = network.host.run("nft", "list", "table", "inet", "nsisolate").stdout
            assert [line for line in rules.splitlines() if "too many connections" in line and "packets 0 " not in line]
        # the kernel takes down a network namespace, and with it what holds an address, some time after the session's end
        H.wait_until(lambda: not H.live_records() and not [name for name in os.listdir("/sys/class/net") if name.startswith("ns")],
                     "a session does not end")


def test_no_user_takes_all_addresses():
    for user in ("alice", "bob"):
        policy(user, 'pool = {"10.99.7.0/29"}', "max-sessions = 5")
    with contextlib.ExitStack() as stack:
        logins = [stack.enter_context(P.Background(["su", "alice", "-c", "echo in; read line"])) for _ in range(9)]
        assert sorted(login.read_line() for login in logins) == [""] * 4 + ["in"] * 5
        assert P.run(["su", "bob", "-c", "echo in"]).stdout == "in\n"


def test_an_administrators_interface_of_a_like_name_is_left_alone(network):
    """Rules are for interfaces whose names begin with theirs, and nobody else's are like that."""
    network.host.run("ip", "link", "add", "nsadmin0", "type", "veth", "peer", "name", "nsadmin1")
    try:
        with inside() as root:
            assert root.reach("tcp/198.51.100.10/443", timeout=20)["tcp/198.51.100.10/443"].startswith("internet")
            rules = network.host.run("nft", "list", "table", "inet", "nsisolate").stdout
            assert '"ns*"' not in rules
        assert "nsadmin0" in network.host.run("ip", "-br", "link").stdout
    finally:
        network.host.run("ip", "link", "delete", "nsadmin0")


NET_ADMIN = 1 << 12
# an interface on the host, made over the other end of eth0, rtnetlink(7): 46 is IFLA_TARGET_NETNSID
OTHER_END = """
import socket, struct, subprocess
def attribute(kind, data):
    return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
subprocess.run(["ip", "link", "show", "eth0"], check=True, capture_output=True)
body = struct.pack("BxHiII", 0, 0, 0, 1, 1) + attribute(3, b"other0\\0") + attribute(46, struct.pack("i", 0)) \\
    + attribute(18, attribute(1, b"bridge\\0"))
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.send(struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
print("answer", struct.unpack_from("i", s.recv(65536), 16)[0])
"""


@pytest.mark.parametrize("mode", ["veth", "named"])
def test_root_makes_no_interface_at_the_other_end(network, mode):
    """The control has what nobody inside has."""
    def made():
        return "other0" in network.host.run("ip", "-br", "link").stdout

    with contextlib.ExitStack() as stack:
        if mode == "named":
            stack.enter_context(networks.named(commands=(
                "ip netns add course", "ip link add tocourse type veth peer name eth0 netns course")))
            stack.callback(lambda: networks.run("ip", "netns", "delete", "course"))
            H.set_policy("user/alice.conf", 'network { mode = named name = "course" }')
        root = stack.enter_context(inside())
        assert root.python(OTHER_END).split()[-1] == "-1"
        assert not made()
        assert "not permitted" in root.run("ip link set eth0 address 02:00:00:00:00:09 2>&1")
        assert with_net_admin(f"/usr/bin/python3 -c '{OTHER_END}'").split()[-1] == "0"
        assert made()
        network.host.run("ip", "link", "delete", "other0")


def test_no_process_inside_has_it():
    """sudo's monitor stays, as root and with what the login program had: root inside can trace it."""
    H.write("/etc/sudoers.d/pty", "Defaults use_pty\n", 0o440)
    try:
        with P.Background(["script", "-qec", "sudo -n -u alice sudo -n sh -c 'echo in; read line'", "/dev/null"]) \
                as login:
            assert "in" in login.read_line()
            found = H.isolated_processes()
            names = [process.name for process in found]
            assert names.count("sudo") >= 2, names
            for process in found:
                status = dict(re.findall(r"^(Cap...|NoNewPrivs):\t(\w+)", H.read(f"/proc/{process.pid}/status"), re.M))
                assert len(status) == 6
                if status.pop("NoNewPrivs") == "1":
                    status.pop("CapBnd")  # of the init: nothing gives it anything
                assert [name for name, value in status.items() if int(value, 16) & NET_ADMIN] == [], names
    finally:
        os.unlink("/etc/sudoers.d/pty")

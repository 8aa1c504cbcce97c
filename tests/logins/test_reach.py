# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What a session with network.mode = "veth" reaches, and what reaches it, asked of real sessions of ssh. The rows of the
table in nsisolate.conf(5), THE NETWORK OF A SESSION, are the tests here: a row without a test fails, as does a test
without a row.
"""

import contextlib
import json
import pathlib
import re
import socket

import pytest

from support import host as H
from support import network as N
from support import programs as P
from support.host import REACH
from support.inside import Inside
from support.packets import Sniffer, arrived, send_all
from support.veth import CLOSED, both, first_line, policy, socks, tcp

FROM_INSIDE, FROM_OUTSIDE = "from inside to", "from outside to inside"
NO_ROUTE = {"4": "errno EHOSTUNREACH", "6": "errno EACCES"}
TESTED = []  # rows that have a test


def row(direction, other_end, reached):
    """The test is the one of this row of the page."""
    def mark(test):
        assert test.__name__.startswith("test_")
        TESTED.append((direction, other_end, reached))
        return test
    return mark


def rows_of_the_page():
    page = (pathlib.Path(__file__).parents[2] / "man/nsisolate.conf.5.scd").read_text(encoding="utf-8")
    section = re.search(r"^# THE NETWORK OF A SESSION\n(.*?)^# ", page, re.M | re.S)[1]
    table = re.search(r"^\|\[.*?\n\n", section, re.M | re.S)[0]
    lines = [re.fullmatch(r"(?:\|\[|:<|[|:]) +(.*)", line)[1] for line in table.splitlines() if line]
    rows, direction = [], None
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        if second == "*is reached*":
            direction = first.strip("*")
        else:
            rows.append((direction, *(re.sub(r"(?<!\w)[*_]|[*_](?!\w)", "", cell) for cell in (first, second))))
    return rows


def test_each_row_of_the_page_is_tested_and_each_test_is_on_the_page():
    assert sorted(rows_of_the_page()) == sorted(TESTED)
    assert len(set(TESTED)) == len(TESTED) > 10


# The sandbox

pytestmark = pytest.mark.usefixtures("server", "network")


SILENCE = 1  # seconds, where all are to be silent, and a control says that they would not be


def reach(*targets, user="alice", timeout=2):
    """From inside."""
    return P.ssh(user, f"REACH_TIMEOUT={timeout} {REACH} {' '.join(targets)}").check().json()


def reach_from(namespace, *targets, timeout=2):
    return json.loads(namespace.run("env", f"REACH_TIMEOUT={timeout}", REACH, *targets).stdout)


def opened(seen):
    return {target: answer for target, answer in seen.items() if answer not in CLOSED}


@contextlib.contextmanager
def without_rules(network):
    """For controls: what was denied was denied by them."""
    network.host.run("nft", "delete", "table", "inet", "nsisolate")
    before = H.read("/proc/sys/net/ipv4/conf/all/rp_filter")
    network.host.sysctl("net.ipv4.conf.all.rp_filter", "0")
    for record in H.live_records().values():
        # some login of before may be ending
        with contextlib.suppress(FileNotFoundError):
            network.host.sysctl(f"net.ipv4.conf.{record['interface']}.rp_filter", "0")
    try:
        yield
    finally:
        network.host.sysctl("net.ipv4.conf.all.rp_filter", before)
        network.host.run("nsisolate-network", "restore")


@contextlib.contextmanager
def shell(user="alice", command="exec /bin/bash"):
    with P.ssh_background(user, command) as login:
        yield Inside(login)


def record_of(ident):
    return next(record for record in H.live_records().values() if record["id"] == ident)


def record_here(login):
    return record_of(login.run("echo $NSISOLATE_ID").strip())


def root_shell():
    return shell(command="exec sudo -n /bin/bash")


SERVE = """import os, socket, threading
listener = socket.create_server(("::", 8443), family=socket.AF_INET6, dualstack_ipv6=True)
def serve():
    while True:
        with listener.accept()[0] as peer:
            peer.sendall(b"session\\n")
threading.Thread(target=serve, daemon=True).start()
print(os.environ["NSISOLATE_ID"], flush=True)
input()"""


@contextlib.contextmanager
def serving(user="alice"):
    """A session of ssh with a server on port 8443, and what to try at its addresses."""
    with P.ssh_background(user, f"exec /usr/bin/python3 -c '{SERVE}'") as login:
        addresses = record_of(login.read_line())["addresses"].split(",")
        yield [f"tcp/{address}/8443" for address in addresses] + [f"icmp/{address}" for address in addresses]


# From inside

@row(FROM_INSIDE, "an address that network.egress names", "by the protocols and ports named")
def test_what_egress_names():
    policy(egress='egress = {"198.51.100.10 tcp 80,443", "2001:db8:2::10 udp 443", "10.1.0.0/24 icmp"}')
    reached = ["tcp/198.51.100.10/80", "tcp/198.51.100.10/443", "udp/2001:db8:2::10/443", "icmp/10.1.0.10"]
    denied = ["tcp/198.51.100.10/8080", "udp/198.51.100.10/443", "icmp/198.51.100.10", "tcp/2001:db8:2::10/443",
              "udp/2001:db8:2::10/53", "tcp/10.1.0.10/443", "icmp/2001:db8:ca::10"]
    assert set(opened(reach(*reached, *denied))) == set(reached)


@row(FROM_INSIDE, "every other address",
     'no: the connection fails at once, "No route to host"; of IPv6 "Permission denied"')
def test_what_egress_does_not_name():
    policy(egress='egress = {"192.0.2.1", "2001:db8:1::1"}')
    with shell() as alice:
        for target in (N.CAMPUS, N.INTERNET):
            for family, address in target.items():
                # one at a time: the kernel limits how many errors it sends
                assert alice.reach(tcp(address)) == {tcp(address): NO_ROUTE[family]}


@row(FROM_INSIDE, "the host's own addresses", "no, but by an item host, and the name servers of dns")
def test_the_host():
    addresses = [*both(N.HOST), *both(N.OTHER)]
    targets = [f"{kind}/{address}/{port}" for address in addresses
               for kind, port in (("tcp", 443), ("tcp", 8080), ("tcp", 53), ("udp", 53))]
    policy()
    assert opened(reach(*targets, timeout=SILENCE)) == {}
    policy(egress='egress = {"host tcp 8080"}')
    assert set(opened(reach(*targets))) == {f"tcp/{address}/8080" for address in addresses}
    H.write("/etc/resolv.conf", f"nameserver {N.OTHER['4']}\nnameserver {N.OTHER['6']}\n")
    try:
        policy(egress='egress = {"dns"}')
        servers = [f"{kind}/{address}/53" for address in both(N.OTHER) for kind in ("tcp", "udp")]
        assert set(opened(reach(*targets))) == set(servers)
    finally:
        H.write("/etc/resolv.conf", "")


@row(FROM_INSIDE, "another session, of whatever policy", "no")
def test_another_session(network):
    policy()
    policy("bob", 'egress = {"any", "10.99.0.0/16", "fd00:99::/48"}')
    with serving() as of_alice, serving("bob") as of_bob:
        assert opened(reach(*of_bob, *of_alice, timeout=SILENCE)) == {}
        with shell("bob") as bob:
            assert opened(bob.reach(*of_alice, *of_bob, timeout=SILENCE)) == {}
            with without_rules(network):
                assert set(opened(bob.reach(*of_alice, *of_bob))) == {*of_alice, *of_bob}


@row(FROM_INSIDE, "169.254.169.254, link-local, multicast", "no, but by an item that names it")
def test_special_addresses(network):
    metadata = "tcp/169.254.169.254/80"
    network.internet.address("169.254.169.254/32", "lo")
    network.router.run("ip", "route", "add", "169.254.169.254", "via", N.INTERNET["4"])
    try:
        policy(egress='egress = {"any", "169.254.169.254 tcp 80"}')
        assert reach(metadata) == {metadata: "internet 192.0.2.2"}
        policy()
        assert opened(reach(metadata, timeout=SILENCE)) == {}
        link_local(network)
        multicast(network)
    finally:
        network.router.run("ip", "route", "delete", "169.254.169.254")
        network.internet.run("ip", "address", "delete", "169.254.169.254/32", "dev", "lo")


def link_local(network):
    with shell() as alice:
        for address in ("169.254.1.1/32", "fe80::1/64"):
            network.host.address(address, record_here(alice)["interface"])
        targets = ["tcp/169.254.1.1/443", "tcp/fe80::1%eth0/443"]
        assert opened(alice.reach(*targets, timeout=SILENCE)) == {}
        with without_rules(network):
            assert set(opened(alice.reach(*targets))) == set(targets)


def multicast(network):
    """The host listens to a group on the session's interface."""
    send = "import socket; socket.socket(2, 2).sendto(b\"{}\", (\"239.1.2.3\", 5000))"
    with shell() as alice, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        index = socket.if_nametoindex(record_here(alice)["interface"])
        listener.bind(("239.1.2.3", 5000))
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                            socket.inet_aton("239.1.2.3") + bytes(4) + index.to_bytes(4, "little"))
        listener.settimeout(20)
        alice.run(f"/usr/bin/python3 -c '{send.format('denied')}'")
        with without_rules(network):
            assert alice.status(f"/usr/bin/python3 -c '{send.format('control')}'") == (0, "")
            assert listener.recv(100) == b"control"


SOURCES = ['ipv4("10.1.0.77", "198.51.100.10", 17, udp(MARK))', 'ipv4("10.99.0.250", "198.51.100.10", 17, udp(MARK))',
           'ipv6("2001:db8:ca::77", "2001:db8:2::10", 17, udp(MARK))',
           'ipv6("fd00:99::dead", "2001:db8:2::10", 17, udp(MARK))']
PROTOCOLS = ['ipv4(own(2), "198.51.100.10", 47, b"\\0\\0\\x08\\0" + MARK)', 'ipv4(own(2), "198.51.100.10", 132, MARK * 2)',
             'ipv6(own(10), "2001:db8:2::10", 50, b"\\0\\0\\0\\1\\0\\0\\0\\1" + MARK)']


@row(FROM_INSIDE, "anything, with another source address", "no")
@row(FROM_INSIDE, "anything, by another protocol than TCP, UDP and ICMP", "no")
def test_another_source_or_protocol(network):
    """These packets of root's do not reach the router, and do once there are no rules."""
    policy()
    sniffer, packets = Sniffer(network.router, "host"), SOURCES + PROTOCOLS
    try:
        with root_shell() as root:
            send_all(root, "denied", packets)
            H.wait_until(lambda: sniffer.has(b"denied-witness"), "what is allowed does not arrive")
            assert arrived(sniffer, "denied", packets) == []
            with without_rules(network):
                send_all(root, "control", packets)
                H.wait_until(lambda: arrived(sniffer, "control", packets) == packets, "without rules they do not arrive either")
    finally:
        sniffer.close()


CONNECT = """import socket
def answered(port, seconds):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", port))
        s.settimeout(seconds)
        s.connect(("198.51.100.10", 443))
        s.send(b"x")
        try:
            return bool(s.recv(100))
        except OSError:
            return False
print(sum(answered(port, 20) for port in range(20000, 20000 + COUNT)),
      sum(answered(port, SECONDS) for port in range(30000, 30003)))"""


@row(FROM_INSIDE, "more than network.connections at once", "no")
def test_connections_at_once():
    policy(egress='egress = {"any"}\n connections = 200')
    with shell() as alice:
        assert alice.python(CONNECT.replace("COUNT", "200").replace("SECONDS", "1")).split() == ["200", "0"]
    with shell() as alice:
        # each session has that many
        assert alice.python(CONNECT.replace("COUNT", "10").replace("SECONDS", "20")).split() == ["10", "3"]


# From outside

@row(FROM_OUTSIDE, "the host, its other users", "no")
def test_from_the_host(network):
    policy()
    with serving() as targets:
        def seen_by(user, timeout=2):
            return opened(P.run(["env", f"REACH_TIMEOUT={timeout}", REACH, *targets], user=user).check().json())

        assert seen_by("bob", SILENCE) == seen_by(None, SILENCE) == {}
        with without_rules(network):
            assert set(seen_by("bob")) == set(targets)


@row(FROM_OUTSIDE, "another machine", "no, but with answers")
def test_from_another_machine(network):
    policy(masquerade=False)
    with serving() as targets:
        assert opened(reach_from(network.campus, *targets, timeout=SILENCE)) == {}
        assert all(answer.startswith("campus") for answer in reach(*map(tcp, both(N.CAMPUS))).values())
        with without_rules(network):
            assert set(opened(reach_from(network.campus, *targets))) == set(targets)


@row(FROM_OUTSIDE, "ssh -R, a server in the session", "by the session alone")
def test_servers_in_the_session(network):
    policy()
    with P.Listener("hello\n") as listener, P.ssh_background(
            "alice", "exec /bin/bash", options=("-R", f"7020:127.0.0.1:{listener.port}")) as login:
        alice = Inside(login)
        targets = ["tcp/127.0.0.1/7020", "tcp/127.0.0.1/8443"]
        alice.run(f"/usr/bin/python3 -c '{SERVE.replace('input()', 'threading.Event().wait()')}' >up 2>&1 &")
        H.wait_until(lambda: alice.run("cmp up - <<<$NSISOLATE_ID") == "", "no server in the session")
        assert alice.reach(*targets) == dict(zip(targets, ("hello", "session")))
        addresses = record_here(alice)["addresses"].split(",")
        outside = [*targets, *(f"tcp/{address}/{port}" for address in addresses for port in (7020, 8443))]
        for end in (network.host, network.campus):
            assert opened(reach_from(end, *outside, timeout=SILENCE)) == dict.fromkeys(targets, "errno ECONNREFUSED")
        alice.run("kill %1; rm up")


@row(FROM_OUTSIDE, "ssh -L, -D", "what a program in the session reaches")
def test_forwarding():
    policy(egress='egress = {"10.1.0.0/16 tcp 443"}')
    policy("bob")
    with serving("bob") as of_bob:
        neighbours = [target.split("/")[1] for target in of_bob[:2]]
        targets = {7001: (N.CAMPUS["4"], 443), 7002: (N.CAMPUS["4"], 80), 7003: (N.INTERNET["4"], 443),
                   7004: (N.HOST["4"], 443), 7005: ("127.0.0.1", 443), 7006: (N.OTHER["4"], 8080),
                   7007: (neighbours[0], 8443), 7008: (f"[{neighbours[1]}]", 8443), 7009: ("[::1]", 443)}
        options = [option for port, (address, to) in targets.items() for option in ("-L", f"{port}:{address}:{to}")]
        with P.ssh_forward("alice", *options, "-D", "7021"):
            H.wait_until(lambda: P.listening_on(7009) and P.listening_on(7021), "ssh does not listen")
            assert first_line(7001) == "campus 192.0.2.2"
            assert {port: first_line(port) for port in targets if port != 7001} == {
                port: "" for port in targets if port != 7001}
            assert first_line(443) == "host 127.0.0.1"
            assert socks(7021, N.CAMPUS["4"], 443) == "campus 192.0.2.2"
            assert socks(7021, N.HOST["4"], 443) == ""


def test_x11_is_forwarded():
    """Whatever egress says: X clients reach sshd by the session's own loopback."""
    policy(egress="")
    P.assert_forwards_x11("alice")

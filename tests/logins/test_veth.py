# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""network.mode = "veth": what a session reaches and what reaches it, asked by real logins on a real network."""

import contextlib
import fcntl
import glob
import json
import os
import re
import signal
import struct
import subprocess

import pytest

from support import host as H
from support import network as N
from support import programs as P
from support.driver import TRACE, Helper
from support.host import REACH
from support.veth import CLOSED, both, policy, tcp

MANY = 500 if os.environ.get("NSISOLATE_LONG") == "1" else 50

pytestmark = pytest.mark.usefixtures("installed", "network")


def reach(*targets, user="alice", timeout=2):
    command = f"REACH_TIMEOUT={timeout} {REACH} {' '.join(targets)}"
    return P.run(["su", user, "-c", command]).check().json()


def reach_by_ssh(*targets, user="alice"):
    with P.sshd():
        return P.ssh(user, f"{REACH} {' '.join(targets)}").check().json()


def interfaces():
    """The host's ends of sessions."""
    return [name for name in os.listdir("/sys/class/net") if re.fullmatch(r"ns[a-z2-7]{13}", name)]


def test_a_session_reaches_both_families_with_the_hosts_address():
    policy()
    seen = reach_by_ssh(*(f"{kind}/{address}" for address in both(N.INTERNET) for kind in ("icmp",)),
                        *map(tcp, both(N.INTERNET)), *(f"udp/{address}/443" for address in both(N.INTERNET)))
    assert seen == {
        "icmp/198.51.100.10": "echo", "icmp/2001:db8:2::10": "echo",
        "tcp/198.51.100.10/443": "internet 192.0.2.2", "tcp/2001:db8:2::10/443": "internet 2001:db8:1::2",
        "udp/198.51.100.10/443": "internet 192.0.2.2", "udp/2001:db8:2::10/443": "internet 2001:db8:1::2"}


def test_without_masquerade_it_has_its_own_address_out_there():
    policy(masquerade=False)
    seen = reach(*map(tcp, both(N.CAMPUS)))
    assert re.fullmatch(r"campus 10\.99\.0\.\d+", seen[tcp(N.CAMPUS["4"])])
    assert re.fullmatch(r"campus fd00:99::[0-9a-f:]+", seen[tcp(N.CAMPUS["6"])])


# what egress says, what is then reached, and what is not
RULES = [
    ('egress = {"any tcp 443"}', ["tcp/{i4}/443", "tcp/{i6}/443", "tcp/{c4}/443"],
     ["tcp/{i4}/80", "tcp/{i6}/80", "udp/{i4}/443", "udp/{i6}/443", "icmp/{i4}", "icmp/{i6}"]),
    ('egress = {"any udp 443", "any icmp"}', ["udp/{i4}/443", "udp/{i6}/443", "icmp/{i4}", "icmp/{i6}"],
     ["tcp/{i4}/443", "tcp/{i6}/443", "udp/{i4}/8080"]),
    ('egress = {"10.1.0.0/24", "2001:db8:ca::/48"}',
     ["tcp/{c4}/80", "tcp/{c6}/80", "udp/{c4}/8080", "udp/{c6}/8080", "icmp/{c4}", "icmp/{c6}"],
     ["tcp/{i4}/80", "tcp/{i6}/80", "udp/{i4}/8080", "udp/{i6}/8080", "icmp/{i4}", "icmp/{i6}"]),
    ('egress = {"any tcp 80,8000-8100"}', ["tcp/{i4}/80", "tcp/{i6}/8080", "tcp/{i4}/8099"],
     ["tcp/{i4}/443", "tcp/{i6}/443"]),
    ('egress = {"any", "!10.1.0.0/16", "!2001:db8:ca::/48"}', ["tcp/{i4}/443", "tcp/{i6}/443"],
     ["tcp/{c4}/443", "tcp/{c6}/443", "icmp/{c4}"]),
    ('egress = {"0.0.0.0/0 tcp"}', ["tcp/{i4}/443"], ["tcp/{i6}/443", "udp/{i4}/443"]),
    ('egress = {"any", "!::/0"}', ["tcp/{i4}/443"], ["tcp/{i6}/443"]),
    ('egress = {"host tcp 8080"}', ["tcp/{h4}/8080", "tcp/{h6}/8080", "tcp/{o4}/8080"],
     ["tcp/{h4}/443", "tcp/{o6}/443", "udp/{h4}/8080", "tcp/{i4}/8080"]),
    ('egress = {"host tcp 8080", "!203.0.113.0/24", "!2001:db8:5::/48"}', ["tcp/{h4}/8080", "tcp/{h6}/8080"],
     ["tcp/{o4}/8080", "tcp/{o6}/8080"]),
    ('', [], ["tcp/{i4}/443", "tcp/{i6}/443", "udp/{i4}/53", "icmp/{i4}", "icmp/{i6}"]),
]


def filled(target):
    names = {"h": N.HOST, "o": N.OTHER, "c": N.CAMPUS, "i": N.INTERNET}
    return target.format(**{key + family: addresses[family] for key, addresses in names.items() for family in "46"})


@pytest.mark.parametrize("egress, reached, denied", RULES, ids=[rule[0] or "none" for rule in RULES])
def test_egress_is_what_is_reached(egress, reached, denied):
    policy(egress=egress)
    reached, denied = [[filled(target) for target in targets] for targets in (reached, denied)]
    seen = reach(*reached, *denied)
    assert {target: seen[target] for target in reached if seen[target] in CLOSED} == {}
    assert {target: seen[target] for target in denied if seen[target] not in CLOSED} == {}


def test_dns_is_the_name_servers_of_the_resolver_file():
    H.write("/etc/resolv.conf", f"# both\nnameserver {N.CAMPUS['4']}\nnameserver {N.CAMPUS['6']}\n")
    try:
        policy(egress='egress = {"dns"}')
        allowed = [f"{kind}/{address}/53" for kind in ("tcp", "udp") for address in both(N.CAMPUS)]
        denied = [tcp(N.CAMPUS["4"]), "udp/198.51.100.10/53", f"tcp/{N.INTERNET['6']}/53"]
        seen = reach(*allowed, *denied)
        assert [seen[target].split()[0] for target in allowed] == ["campus"] * 4
        assert all(seen[target] in CLOSED for target in denied)
    finally:
        H.write("/etc/resolv.conf", "")


def test_dns_is_of_the_resolver_file_that_the_policy_gives():
    H.write("/etc/resolv.conf", "nameserver 127.0.0.53\n")
    H.write("/etc/resolv-sessions.conf", f"nameserver {N.CAMPUS['4']}\n")
    try:
        policy(egress='egress = {"dns"}\n resolv-conf = "/etc/resolv-sessions.conf"')
        seen = P.run(["su", "alice", "-c", f"{REACH} udp/{N.CAMPUS['4']}/53; cat /etc/resolv.conf"]).check().stdout
        assert "campus 192.0.2.2" in seen
        assert f"nameserver {N.CAMPUS['4']}" in seen
    finally:
        H.write("/etc/resolv.conf", "")
        os.unlink("/etc/resolv-sessions.conf")


@pytest.mark.parametrize("text, reason", [
    ("", "names no name server"), ("nameserver 127.0.0.53\n", "names 127.0.0.53, which no session reaches"),
    ("nameserver example.org\n", "'example.org' is no address of a name server")])
def test_a_resolver_file_that_no_session_can_use_is_a_refusal(text, reason):
    H.write("/etc/resolv.conf", text)
    try:
        policy(egress='egress = {"dns"}')
        assert_refused(reason)
    finally:
        H.write("/etc/resolv.conf", "")


def assert_refused(reason, user="alice"):
    assert P.run(["su", user, "-c", "echo in"]).stdout == ""
    H.log.wait_for(re.escape(reason))


def test_what_is_denied_fails_at_once():
    policy(egress="")
    seen = reach(tcp(N.INTERNET["4"]), tcp(N.INTERNET["6"]))
    assert set(seen.values()) <= {"errno EHOSTUNREACH", "errno EACCES"}


def test_the_server_itself_is_not_reached():
    """With a control: from elsewhere these answer."""
    targets = [f"{kind}/{address}/{port}" for address in (*both(N.HOST), *both(N.OTHER))
               for kind, port in (("tcp", 443), ("udp", 53), ("tcp", 8080))]
    elsewhere = subprocess.run([REACH, *targets], check=True, capture_output=True, text=True)
    assert "silence" not in elsewhere.stdout and "errno" not in elsewhere.stdout
    policy()
    seen = reach(*targets, *(f"icmp/{address}" for address in (*both(N.HOST), *both(N.OTHER))))
    assert {target: answer for target, answer in seen.items() if answer not in CLOSED} == {}


LISTEN = """import socket, sys
s = socket.create_server(("::", 8443), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
sys.stdin.read()"""


@contextlib.contextmanager
def listening(user="alice"):
    """A session in which somebody listens on port 8443 of both families: gives its addresses."""
    with P.Background(["su", user, "-c", f"exec /usr/bin/python3 -c '{LISTEN}'"]) as server:
        assert server.read_line().strip() == "up"
        [record] = [record for record in H.live_records().values() if record["user"] == user]
        yield record["addresses"].split(",")


def test_a_session_is_not_reached_from_anywhere(network):
    policy(masquerade=False)
    policy("bob", 'egress = {"any", "10.99.0.0/16", "fd00:99::/48"}', masquerade=False)
    with listening() as addresses:
        targets = [f"tcp/{address}/8443" for address in addresses] + [f"icmp/{address}" for address in addresses]
        of_bob, of_alice = reach(*targets, user="bob"), reach(*targets)
        elsewhere = [json.loads(end.run(REACH, *targets).stdout) for end in (network.campus, network.host)]
        for seen in (of_bob, of_alice, *elsewhere):
            assert {target: answer for target, answer in seen.items() if answer not in CLOSED} == {}
        # the control: without our table they all would
        network.host.run("nft", "delete", "table", "inet", "nsisolate")
        for end in (network.campus, network.host):
            seen = json.loads(end.run(REACH, *(target for target in targets if target.startswith("icmp"))).stdout)
            assert set(seen.values()) == {"echo"}
        network.host.run("nsisolate-network", "restore")


@pytest.mark.parametrize("masquerade", [True, False])
def test_large_transfers_through_a_narrow_link(masquerade):
    policy(masquerade=masquerade)
    size = 4_000_000
    targets = [f"tcp/{address}/443/{way}/{size}" for address in both(N.INTERNET) for way in ("get", "put")]
    seen = reach(*targets, *(f"udp/{address}/443/1300" for address in both(N.INTERNET)),
                 *(f"udp/{address}/443/1440" for address in both(N.CAMPUS)))
    assert all(answer.startswith(("internet", "campus")) for answer in seen.values()), seen


def filled_pools(name):
    """The policy of an example, with the name servers that it needs."""
    H.set_policy("user/alice.conf", H.read(f"/usr/share/doc/nsisolate/examples/{name}.conf"))
    H.write("/etc/resolv.conf", f"nameserver {N.CAMPUS['4']}\n")


@pytest.mark.parametrize("name, reached, denied", [
    ("bastion", ["tcp/{c4}/22", "tcp/{c6}/22", "tcp/{c4}/443", "udp/{c4}/53"],
     ["tcp/{c4}/80", "tcp/{i4}/22", "tcp/{i6}/443", "tcp/{h4}/443", "icmp/{c4}"]),
    ("shared-hosting", ["tcp/{i4}/443", "tcp/{i6}/80", "icmp/{i4}"],
     ["tcp/{c4}/443", "tcp/{i4}/22", "udp/{i4}/443", "tcp/{h4}/443", "tcp/{o6}/80"])])
def test_an_example_policy_does_what_it_says(name, reached, denied):
    try:
        filled_pools(name)
        reached, denied = [[filled(target) for target in targets] for targets in (reached, denied)]
        seen = reach(*reached, *denied)
        assert {target: seen[target] for target in reached if seen[target] in CLOSED} == {}
        assert {target: seen[target] for target in denied if seen[target] not in CLOSED} == {}
        homes = P.su("alice", "ls /home").check().stdout.split()
        assert ("bob" not in homes) == (name == "shared-hosting") and "alice" in homes
    finally:
        H.write("/etc/resolv.conf", "")


def test_files_are_copied(tmp_path):
    policy()
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_000))
    with P.sshd():
        assert P.scp(str(source), "alice@127.0.0.1:copy").status == 0
        assert P.scp("alice@127.0.0.1:copy", str(tmp_path / "back")).status == 0
        assert P.ssh("alice", "rm copy").status == 0
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_teardown_leaves_no_interface_address_or_lock():
    policy()
    with P.Background(["su", "alice", "-c", "echo in; exec sleep 1000"]) as login:
        assert login.read_line().strip() == "in"
        [record] = H.live_records().values()
        assert interfaces() == [record["interface"]]
        routes = subprocess.run("ip route; ip -6 route", shell=True, check=True, capture_output=True, text=True).stdout
        assert all(address in routes for address in record["addresses"].split(","))
        os.kill(H.session_init(), signal.SIGKILL)
        H.wait_until(lambda: not interfaces(), "the interface is still there")
        routes = subprocess.run("ip route; ip -6 route", shell=True, check=True, capture_output=True, text=True).stdout
        assert not any(address in routes for address in record["addresses"].split(","))
        login.kill()


def test_names_and_addresses_do_not_come_again_at_once():
    policy()
    names, addresses = set(), []
    for _ in range(8):
        with P.Background(["su", "alice", "-c", "echo in; read line"]) as login:
            assert login.read_line().strip() == "in"
            [record] = H.live_records().values()
            names.add(record["interface"])
            addresses.append(record["addresses"])
        H.wait_until(lambda: not H.live_records(), "the session does not end")
    assert len(names) == 8
    assert len({name[:8] for name in names}) == 1
    assert all(before != after for before, after in zip(addresses, addresses[1:]))


def interfaces_of_others():
    """Of sessions that have no record, as those under way."""
    return set(interfaces()) - {record["interface"] for record in H.live_records().values()}


def test_an_exhausted_pool_refuses_by_name():
    policy(pool=("10.99.7.0/30",))
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            login = stack.enter_context(P.Background(["su", "alice", "-c", "echo in; read line"]))
            assert login.read_line().strip() == "in"
        assert_refused("every address of network.pool 10.99.7.0/30 is taken")
        # one after another waits for an address, longer than who unloads rules waits for them
        rules = next(iter(H.live_records().values()))["interface"][:8]
        with P.Background(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do su alice -c true & sleep 0.4; done; wait"],
                          reads=False):
            H.wait_until(interfaces_of_others, "one waits")
            assert "sessions are under these rules" in P.run(["nsisolate-network", "unload", rules]).stderr
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"


def test_the_address_of_who_has_just_logged_out_is_waited_for():
    """As of a user with two addresses, who edits at one and copies one file after another at the other."""
    policy(pool=("10.99.7.0/30", "fd00:99:7::/126"))
    with P.Background(["su", "alice", "-c", "echo in; read line"]) as other:
        assert other.read_line().strip() == "in"
        assert [P.run(["su", "alice", "-c", "echo in"]).stdout for _ in range(10)] == ["in\n"] * 10


FLOW = """import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(("", 4000))
s.connect((sys.argv[1], 443))
try:
    s.send(b"?")
    print(s.recv(100).decode(), flush=True)
except OSError as error:
    print("denied", error, flush=True)"""


@pytest.mark.parametrize("pool, sessions, target", [("10.99.7.0/30", 2, N.INTERNET["4"]),
                                                    ("fd00:99::7:0/126", 3, N.INTERNET["6"])])
def test_an_address_comes_without_the_connections_of_the_session_before(pool, sessions, target):
    """Those of every address of the pool, so that the next session has one that was used, whichever it gets."""
    flow = f"/usr/bin/python3 -c '{FLOW}' {target}"
    policy(pool=(pool,))
    with contextlib.ExitStack() as stack:
        for _ in range(sessions):
            login = stack.enter_context(P.Background(["su", "alice", "-c", f"{flow}; read line"]))
            assert login.read_line().startswith("internet")
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    policy(pool=(pool,), egress='egress = {"192.0.2.77 tcp 1", "2001:db8:1::77 tcp 1"}')
    assert P.run(["su", "alice", "-c", flow]).check().stdout.startswith("denied")


def test_connections_of_dead_sessions_are_taken_away(network):
    """Of all that are gone, when the pool has no address left that was not used."""
    def count():
        return int(network.host.inside(lambda: H.read("/proc/sys/net/netfilter/nf_conntrack_count")))

    policy(pool=("10.99.8.0/30",))
    many = (f"import socket\nfor i in range(500):\n s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            f" s.sendto(b\"?\", (\"{N.INTERNET['4']}\", 443))\n s.close()\nprint(\"sent\")")
    for _ in range(2):
        filled = count()
        assert P.run(["su", "alice", "-c", f"/usr/bin/python3 -c '{many}'"]).check().stdout == "sent\n"
        H.wait_until(lambda: not interfaces(), "interfaces are left")
    assert count() >= filled + 400
    with P.Background(["su", "alice", "-c", f"/usr/bin/python3 -c '{many}'; read line"]) as live:
        assert live.read_line() == "sent"
        assert filled - 100 <= count() <= filled + 100, "those of one session are there"
        # who is in keeps theirs, and the other address is free of any
        P.run(["su", "alice", "-c", "true"]).check()
        H.wait_until(lambda: len(interfaces()) == 1, "interfaces are left")
        P.run(["su", "alice", "-c", "true"]).check()
        assert filled - 100 <= count() <= filled + 100


@pytest.mark.parametrize("name, remedy", [
    ("net.ipv4.conf.up0.forwarding", "sysctl net.ipv4.conf.up0.forwarding=1"),
    ("net.ipv6.conf.all.forwarding", "sysctl net.ipv6.conf.all.forwarding=1")])
def test_missing_forwarding_is_a_refusal_with_the_sysctl(network, name, remedy):
    policy()
    network.host.sysctl(name, "0")
    try:
        assert_refused(remedy)
    finally:
        network.forward(network.host, True)
        network.host.sysctl("net.ipv4.conf.up0.forwarding", "1")
    assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"


# the host's own address on a network that it is on, and one of the network
NEAR = [("198.18.5.1/24", "198.18.5.0/24"), ("198.18.5.3/31", "198.18.5.2/31"), ("198.18.5.1/32 peer 198.18.5.2/32", "198.18.5.2"),
        ("2001:db8:5::1/64", "2001:db8:5::/64")]


@pytest.mark.parametrize("own, egress", NEAR)
def test_forwarding_is_missed_where_the_host_has_the_first_address(network, own, egress):
    """What is refused is the way back: the host's own address does not say by which interface that is."""
    ipv6 = ":" in egress
    policy(egress=f'egress = {{"{egress}"}}')
    network.host.run("ip", "link", "add", "near0", "type", "veth", "peer", "name", "near1")
    try:
        network.host.run("ip", "address", "add", *own.split(), "dev", "near0", *(["nodad"] if ipv6 else []))
        for end in ("near0", "near1"):
            network.host.run("ip", "link", "set", end, "up")
        assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"
        network.host.sysctl("net.ipv6.conf.all.forwarding" if ipv6 else "net.ipv4.conf.near0.forwarding", "0")
        assert_refused("forwarded from the interface near0")
    finally:
        network.host.run("ip", "link", "delete", "near0")
        network.forward(network.host, True)


def loaded():
    return re.findall(r"chain (ns[a-z2-7]{6})-from", subprocess.run(
        ["nft", "list", "table", "inet", "nsisolate"], check=False, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("change", ["flush ruleset", "delete table inet nsisolate"])
def test_rules_that_are_gone_come_back_with_the_next_login_for_all(change):
    policy()
    policy("bob", 'egress = {"192.0.2.79 tcp 1"}')
    with P.Background(["nsrun", "-u", "bob", "--", "sh", "-c", f"echo in; read line; {REACH} {tcp(N.CAMPUS['4'])}"]) as live:
        assert live.read_line().strip() == "in"
        [record] = H.live_records().values()
        subprocess.run(["nft", change], check=True)
        assert loaded() == []
        assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"
        assert len(loaded()) >= 2 and record["interface"][:8] in loaded()
        assert not findings("NSI110")
        live.process.stdin.write(b"\n")
        live.process.stdin.flush()
        assert json.loads(live.read_line())[tcp(N.CAMPUS["4"])] in CLOSED


def test_a_host_without_names_of_protocols_and_services():
    """As a Debian without netbase is."""
    policy(egress='egress = {"192.0.2.81 tcp 1", "192.0.2.82 icmp", "2001:db8::81 udp", "host"}')
    with H.renamed_away("/etc/protocols", "/etc/services"):
        assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"


def test_rules_that_are_gone_and_that_nobody_is_under_are_no_finding():
    policy()
    P.run(["su", "alice", "-c", "true"]).check()
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    subprocess.run(["nft", "delete table inet nsisolate"], check=True)
    assert not findings("NSI110")
    P.run(["su", "alice", "-c", "true"]).check()
    assert rules_of("alice") in loaded()


@pytest.mark.parametrize("change, let_in", [("flush ruleset", True), ("flush chain inet nsisolate {}-from", False)])
def test_rules_are_looked_at_again_when_the_interface_is_there(change, let_in):
    """Before that nobody could know that a session is to be under them. What stops there has an address already."""
    policy()
    name = rules_of("alice")
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    [program] = glob.glob("/usr/libexec/nsisolate/*/nsisolate-veth")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(TRACE)
    # address_use() writes there
    with Helper(program).traced("-e", "trace=pwrite64", "-e", "inject=pwrite64:signal=SIGSTOP:when=1"):
        login = P.Background(["nsrun", "-u", "alice", "--", "echo", "in"])
        H.wait_until(lambda: os.path.exists(TRACE) and "stopped by SIGSTOP" in H.read(TRACE), "nobody stops")
    with login:
        assert len(interfaces()) == 1
        subprocess.run(["nft", change.format(name)], check=True)
        [stopped] = [process for process in H.processes() if process.name == "nsisolate-veth.real"[:15]]
        os.kill(stopped.pid, signal.SIGCONT)
        assert login.result().stdout == ("in\n" if let_in else "")
        assert let_in or H.log.wait_for("are no longer as they were written")
        assert name in loaded()
    subprocess.run(["nsisolate-network", "restore"], check=True)
    H.wait_until(lambda: not interfaces(), "an interface is left")


def test_rules_that_nobody_needs_any_more_go_when_others_are_loaded():
    rules = {}
    for user, port in (("alice", 11), ("bob", 12), ("carol", 13)):
        policy(user, f'egress = {{"192.0.2.80 tcp {port}"}}')
        rules[user] = rules_of(user)
        [state] = glob.glob(f"/run/nsisolate/network/*/{rules[user]}.nft")
        if user != "carol":
            os.utime(state, (0, 0))
    H.wait_until(lambda: not interfaces(), "an interface is left")
    with P.Background(["su", "bob", "-c", "echo in; read line"]) as login:
        assert login.read_line().strip() == "in"
        [state] = glob.glob(f"/run/nsisolate/network/*/{rules['bob']}.nft")
        os.utime(state, (0, 0))
        policy(egress='egress = {"192.0.2.80 tcp 14"}')
        assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"
        assert rules["alice"] not in loaded()
        # one has a session, the other was needed today
        assert rules["bob"] in loaded() and rules["carol"] in loaded()
        assert not glob.glob(f"/run/nsisolate/network/*/{rules['alice']}*")


@pytest.mark.parametrize("change", [
    "flush table inet nsisolate", "flush chain inet nsisolate {}-from",
    "add rule inet nsisolate {}-host accept", "insert rule inet nsisolate {}-from accept",
    "add table inet nsisolate {{ flags dormant; }}", "flush chain inet nsisolate {}-source"])
def test_rules_that_changed_refuse_logins_until_they_are_restored(change):
    policy()
    assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"
    name = rules_of("alice")
    subprocess.run(["nft", change.format(name)], check=True)
    assert_refused("'nsisolate-network restore' loads them again")
    subprocess.run(["nsisolate-network", "restore"], check=True)
    assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"


def rules_of(user):
    with P.Background(["su", user, "-c", "echo in; read line"]) as login:
        assert login.read_line().strip() == "in"
        [record] = H.live_records().values()
    H.wait_until(lambda: not H.live_records(), "the session does not end")
    return record["interface"][:8]


def test_other_rules_may_change_at_any_time():
    policy()
    for number in range(3):
        assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"
        subprocess.run(["nft", f"add table inet other{number}"], check=True)
    for number in range(3):
        subprocess.run(["nft", f"delete table inet other{number}"], check=True)
    assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"


def test_without_nft_the_refusal_names_the_package():
    policy(egress='egress = {"192.0.2.77 tcp 1"}')
    with H.renamed_away("/usr/sbin/nft"):
        assert_refused("install the package nftables")


def test_a_nested_login_is_refused_by_name():
    policy("bob")
    policy()
    command = "sudo -n -u bob -- echo in"
    done = P.run(["su", "alice", "-c", command])
    assert "in" not in done.stdout.split()
    H.log.wait_for("'veth' is set up from the host, and this login comes from inside a session")


def test_logins_of_a_user_share_one_interface():
    policy(more='scope = "user"\n')
    with P.Background(["su", "alice", "-c", "echo in; read line"]) as first:
        assert first.read_line().strip() == "in"
        seen = P.run(["su", "alice", "-c", f"ip -br address show eth0; {REACH} {tcp(N.INTERNET['4'])}"]).check()
        assert "internet 192.0.2.2" in seen.stdout
        assert len(interfaces()) == 1


def test_the_first_packet_of_a_session_is_answered():
    """The kernel activates an end of a veth pair in the background: a login waits for it."""
    policy()
    ping = f"ping -n -c 1 -W 5 {N.CAMPUS['4']} >/dev/null && echo echo"
    assert [P.run(["nsrun", "-u", "alice", "--", "sh", "-c", ping]).stdout for _ in range(10)] == ["echo\n"] * 10


def test_many_sessions_at_once():
    policy(more="max-sessions = 1000\n", pool=("10.99.0.0/20", N.POOL["6"]))
    P.run(["nsrun", "-u", "alice", "true"]).check()
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    sessions = [subprocess.Popen(["nsrun", "-u", "alice", "--", "sh", "-c", "echo in; read line"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(MANY)]
    try:
        assert [process.stdout.readline() for process in sessions] == ["in\n"] * MANY
        assert len(interfaces()) == MANY
        assert reach(tcp(N.INTERNET["4"]))[tcp(N.INTERNET["4"])] == "internet 192.0.2.2"
    finally:
        for process in sessions:
            process.communicate(input="\n", timeout=H.TIMEOUT)
    H.wait_until(lambda: not interfaces(), "interfaces are left")


def test_a_hundred_logins_at_once_have_addresses_of_their_own():
    policy(more="max-sessions = 200\n")
    P.run(["su", "alice", "-c", "true"]).check()
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    logins = [subprocess.Popen(["su", "alice", "-c", "echo in; read line"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True) for _ in range(100)]
    try:
        assert [login.stdout.readline() for login in logins] == ["in\n"] * 100
        records = list(H.live_records().values())
        assert len(records) == len({record["interface"] for record in records}) == 100
        for family in (0, 1):
            assert len({record["addresses"].split(",")[family] for record in records}) == 100
        assert len(interfaces()) == 100
    finally:
        for login in logins:
            login.communicate(input="\n", timeout=H.TIMEOUT)
    H.wait_until(lambda: not interfaces(), "interfaces are left")


# what inspectors see

def audited(*codes):
    return [finding for finding in json.loads(P.run(["nsinspect", "audit", "-J"]).stdout)["findings"]
            if finding["code"] in codes]


def findings(*codes):
    """Code → all that was seen."""
    found = {}
    for finding in audited(*codes):
        found[finding["code"]] = f"{found.get(finding['code'], '')}{finding['seen']}\n"
    return found


NETWORK_CODES = ("NSI012", "NSI018", "NSI110", "NSI111", "NSI112")


def test_show_has_interface_addresses_and_counted_rules():
    policy(egress='egress = {"any tcp 443"}')
    with listening():
        reach(tcp(N.INTERNET["4"]), tcp(N.INTERNET["4"], 80))
        [(ident, record)] = H.live_records().items()
        shown = json.loads(P.run(["nsinspect", "show", "-J", ident]).check().stdout)
    assert shown["differences"] == []
    assert {key: shown["network"][key] for key in ("interface", "addresses", "state")} == {
        "interface": record["interface"], "addresses": record["addresses"], "state": "up"}
    counted = {rule["rule"]: rule for rule in shown["firewall"] if rule["packets"]}
    assert counted["egress any tcp 443"]["verdict"] == "accept"
    assert counted["not in egress"]["verdict"] == "deny"


# what is done to one session's interface, from the host or in its network, and what an audit says
DAMAGES = [
    ("ip link set {host} down", "is down"),
    ("ip link set {host} group 0", "is in another group"),
    ("ip link set {host} down; ip link set {host} name admin0", "is gone, or has another name"),
    ("ip link delete {host}", "is gone, or has another name"),
    ("nsenter --net=/proc/{init}/ns/net ip link set eth0 down", ""),
    ("nsenter --net=/proc/{init}/ns/net ip address flush dev eth0", ""),
    ("nsenter --net=/proc/{init}/ns/net ip link delete eth0", ""),
]
CHANGES = [
    ("nft flush chain inet nsisolate {rules}-from", "NSI110", "are not as they were loaded"),
    ("sysctl -q net.ipv4.conf.up0.forwarding=0", "NSI111", "net.ipv4.conf.up0.forwarding is 0"),
    ("ip link add nsaaaaaaaaaaaaa type veth peer name other0", "NSI112", "no session has it"),
]
LATER_CHANGES = [
    ("nft delete table inet nsisolate", "NSI110", "are gone"),
    ("sysctl -q net.ipv4.conf.up0.forwarding=1 net.ipv6.conf.all.forwarding=0", "NSI111",
     "net.ipv6.conf.all.forwarding is 0"),
]


def test_an_audit_finds_what_differs(network):
    policy()
    with contextlib.ExitStack() as stack:
        for _ in range(len(DAMAGES) + 1):
            login = stack.enter_context(P.Background(["nsrun", "-u", "alice", "--", "sh", "-c", "echo in; read line"]))
            assert login.read_line().strip() == "in"
        sessions = list(H.live_records().items())
        assert findings(*NETWORK_CODES) == {}
        try:
            for (command, _), (_, record) in zip(DAMAGES, sessions):
                subprocess.run(command.format(host=record["interface"], init=record["init-pid"]), shell=True, check=True)
            for changes in (CHANGES, LATER_CHANGES):
                for command, _, _ in changes:
                    subprocess.run(command.format(rules=record["interface"][:8]), shell=True, check=True)
                found = audited(*NETWORK_CODES)
                for _, code, seen in changes:
                    assert [finding for finding in found if finding["code"] == code and seen in finding["seen"]], (code, found)
                if changes is CHANGES:
                    for (command, seen), (ident, _) in zip(DAMAGES, sessions):
                        assert [finding for finding in found if finding["code"] == "NSI018" and seen in finding["seen"] and
                                ident in json.dumps(finding)], (command, found)
                    # the last is as it was made
                    assert not [finding for finding in found if sessions[-1][0] in json.dumps(finding)]
        finally:
            network.forward(network.host, True)
            network.host.sysctl("net.ipv4.conf.up0.forwarding", "1")
            subprocess.run("ip link delete nsaaaaaaaaaaaaa; nsisolate-network restore", shell=True, check=False,
                           stderr=subprocess.DEVNULL)


def test_check_says_what_would_be_refused(network):
    policy()
    assert "would be refused" not in P.run(["nsinspect", "check"]).stdout
    network.host.sysctl("net.ipv6.conf.all.forwarding", "0")
    try:
        assert "sysctl net.ipv6.conf.all.forwarding=1" in P.run(["nsinspect", "check"]).stdout
    finally:
        network.forward(network.host, True)
    with H.renamed_away("/usr/sbin/nft"):
        assert "needs /usr/sbin/nft, of the package nftables" in P.run(["nsinspect", "check"]).stdout
    H.set_policy("user/bob.conf", "network { mode = slirp }")
    with H.renamed_away("/usr/bin/slirp4netns"):
        assert "needs /usr/bin/slirp4netns, of the package slirp4netns" in P.run(["nsinspect", "check"]).stdout


# what differs from a policy that nothing is said of, and what is said then
WARNINGS = [
    ({}, None),
    ({"pool": ("10.99.0.0/24",)}, None),
    ({"pool": ("192.0.2.128/25",)}, "network.pool: '192.0.2.128/25' overlaps the network 192.0.2.0/24 of this host, on up0"),
    ({"pool": ("192.0.0.0/16",)}, "'192.0.0.0/16' overlaps the network 192.0.2.0/24 of this host, on up0"),
    ({"pool": ("203.0.113.0/24",)}, "'203.0.113.0/24' overlaps the address 203.0.113.5 of this host, on lo"),
    ({"pool": ("2001:db8:1::/64",)}, "overlaps the"),
    ({"pool": ("10.99.0.0/16",)}, "network.pool: '10.99.0.0/24' overlaps '10.99.0.0/16' of user/alice.conf"),
    ({"egress": 'egress = {"any tcp 443"}'}, "network.egress: does not reach the name server 10.1.0.10 of /etc/resolv.conf, "
                                             'so that sessions look no name up; add "dns"'),
    ({"egress": 'egress = {"dns", "!10.1.0.0/16"}'}, "an item with '!' excludes it"),
    ({"egress": 'egress = {"dns"}'}, None),
    ({"egress": 'egress = {"10.1.0.0/24 udp 50-60"}'}, None),
    ({"egress": 'egress = {"any"} connections = 512k'},
     "network.connections: '524288' for each of 64 sessions lets one user take more than half"),
]


def test_check_warns_of_what_is_in_the_way():
    H.write("/etc/resolv.conf", f"nameserver {N.CAMPUS['4']}\n")
    try:
        for change, expected in WARNINGS:
            policy("bob", pool=("10.99.0.0/24",))
            policy(**{"pool": ("10.99.0.0/24",)} | change)
            said = P.run(["nsinspect", "check"]).stdout
            lines = [line for line in said.splitlines() if "network." in line]
            assert not lines if expected is None else [line for line in lines if expected in line], (change, said)
    finally:
        H.write("/etc/resolv.conf", "")


def test_the_tool_shows_keeps_and_takes_away():
    policy(egress='egress = {"192.0.2.78 tcp 1"}')
    with listening():
        [record] = H.live_records().values()
        name = record["interface"][:8]
        assert f"{name} intact   1" in P.run(["nsisolate-network"]).check().stdout
        assert P.run(["nsisolate-network", "unload", name]).status == 2
        assert name in loaded()
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    P.run(["nsisolate-network", "unload", name]).check()
    assert name not in loaded()
    # the table goes with the last, unless an interface is of a session whose rules nobody remembers
    others = [line.split()[0] for line in P.run(["nsisolate-network"]).stdout.splitlines()[1:]]
    assert bool(others) == ("table inet nsisolate" in P.run(["nft", "list", "tables"]).check().stdout)
    assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"
    assert name in loaded()
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    P.run(["ip", "link", "add", "nsaaaaaa7", "type", "veth", "peer", "name", "other7"]).check()
    P.run(["nsisolate-network", "unload"]).check()
    assert name not in loaded() and "table inet nsisolate" in P.run(["nft", "list", "tables"]).check().stdout
    P.run(["ip", "link", "delete", "nsaaaaaa7"]).check()
    assert P.run(["su", "alice", "-c", "echo in"]).stdout == "in\n"
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    P.run(["nsisolate-network", "unload"]).check()
    assert "table inet nsisolate" not in P.run(["nft", "list", "tables"]).check().stdout


def test_rules_are_not_taken_away_from_a_login_under_way():
    """One that has looked at them, and has no interface yet by which it could be counted."""
    policy()
    name = rules_of("alice")
    H.wait_until(lambda: not interfaces(), "interfaces are left")
    [loading] = [path for path in glob.glob("/run/nsisolate/network/*/loading")
                 if os.path.exists(f"{os.path.dirname(path)}/{name}")]
    with open(loading, "r+b") as file:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 1, 1, 0))
        done = P.run(["nsisolate-network", "unload", name])
        assert done.status == 2
        assert name in loaded()
    P.run(["nsisolate-network", "unload", name]).check()
    assert name not in loaded()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""network.mode = "slirp": sessions that get out by slirp4netns(1)."""

import contextlib
import json
import os
import signal

import pytest

from support import host as H
from support import networks as N
from support import programs as P
from support.shared import PID_NAMESPACE, SHARED, STAY, live

SLIRP = 'network { mode = "slirp" }\n'
PROGRAM = "/usr/bin/slirp4netns"
HOST, SERVER = "192.0.2.1", "192.0.2.2"
RESOLV = "/etc/resolv.conf"


@pytest.fixture(autouse=True)
def outside(host, module):
    """A server in another network, to which the host has a cable."""
    host.add_module(("sshd", "su", "sudo"))
    host.set_policy("default.conf", 'mode = "off"\n')
    host.set_policy("user/alice.conf", SLIRP)
    before = H.read(RESOLV)
    with N.named("server"):
        N.run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", "server")
        N.run("ip", "address", "add", f"{HOST}/24", "dev", "cable")
        N.run("ip", "link", "set", "cable", "up")
        N.run("ip", "-n", "server", "address", "add", f"{SERVER}/24", "dev", "cable")
        N.run("ip", "-n", "server", "link", "set", "cable", "up")
        with P.sshd():
            yield
        H.wait_until(lambda: not H.records(), "the sessions to end")
        H.wait_until(lambda: not slirps(), "slirp4netns to end")
    H.wait_until(lambda: "cable" not in os.listdir("/sys/class/net"), "the cable to go")
    H.write(RESOLV, before)


def slirps():
    return [process for process in H.processes() if process.name == "slirp4netns" and process.state not in "ZX"]


def inside(command):
    return P.ssh("alice", command).check().stdout.strip()


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_server_of_another_network_is_reached(kind):
    with N.answering("the-server", SERVER, 8080, "server"):
        assert inside(N.ask(kind, SERVER, 8080)) == "the-server"


@pytest.mark.parametrize("kind", ["tcp", "udp"])
@pytest.mark.parametrize("resolver", ["127.0.0.1", HOST])
def test_the_hosts_loopback_is_out_of_reach_but_for_its_resolver(kind, resolver):
    H.write(RESOLV, f"nameserver {resolver}\n")
    with N.answering("the-resolver", resolver, 53), N.answering("the-host", "127.0.0.1", 8081), \
            N.answering("too", resolver, 8082):
        assert inside("cat /etc/resolv.conf") == "nameserver 10.0.2.3"
        assert inside(N.ask(kind, "10.0.2.3", 53)) == "the-resolver"
        for address, port in (("127.0.0.1", 8081), ("10.0.2.2", 8081), ("10.0.2.3", 8081), ("10.0.2.3", 8082),
                              ("10.0.2.2", 53), ("0.0.0.0", 8081)):
            assert inside(N.ask(kind, address, port, 2)).startswith("error:"), (address, port)


def test_the_hosts_other_addresses_are_reached_as_the_page_says():
    with N.answering("the-host", HOST, 8080):
        assert inside(N.ask("tcp", HOST, 8080)) == "the-host"


def test_files_are_copied_and_ports_forwarded():
    H.write("/root/sent", "content")
    P.scp("/root/sent", "alice@127.0.0.1:received").check()
    assert H.read("/home/alice/received") == "content"
    with N.answering("the-server", SERVER, 8080, "server"), P.Listener("the-client") as back, \
            P.ssh_forward("alice", "-L", f"9007:{SERVER}:8080", "-R", f"127.0.0.1:9008:127.0.0.1:{back.port}"):
        H.wait_until(lambda: P.connect(9007) == "the-server", "-L does not lead to the server")
        assert P.connect(9008) is None, "-R listens on the host"


# the process

def test_it_has_nothing_of_the_login_and_no_capability_to_speak_of():
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        process, = slirps()
        status = dict(line.split(":\t", 1) for line in H.read(f"/proc/{process.pid}/status").splitlines() if ":\t" in line)
        assert status["CapEff"] == "0000000000000400" and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        assert H.read(f"/proc/{process.pid}/environ") == ""
        assert os.listdir(f"/proc/{process.pid}/root") and "home" not in os.listdir(f"/proc/{process.pid}/root")
        held = {link.split(":")[0] for link in H.descriptors(process.pid)}
        assert held <= {"/dev/null", "/memfd", "pipe", "socket", "/net/tun", "/dev/net/tun"}, held
        assert os.getsid(process.pid) == process.pid and process.parent == 1


def test_the_user_inside_neither_sees_nor_ends_it():
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        process, = slirps()
        for root in ("", "sudo -n "):
            said = inside(f"{root}pgrep slirp4netns; {root}kill -9 {process.pid} 2>&1; "
                          f"{root}strace -p {process.pid} 2>&1; {root}ls -d /proc/{process.pid} 2>&1; echo")
            assert said.count("No such process") == 2 and "No such file" in said, (root, said)
            assert "slirp4netns" not in inside(f"{root}cat /proc/*/comm; echo")
        assert process.pid in [found.pid for found in slirps()]


def test_the_user_outside_neither_ends_nor_traces_it():
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        process, = slirps()
        for command in (["kill", "-9", str(process.pid)], ["strace", "-p", str(process.pid)],
                        ["cat", f"/proc/{process.pid}/mem"], ["ls", f"/proc/{process.pid}/fd/"]):
            done = P.run(command, user="alice")
            assert done.status != 0 and ("not permitted" in done.stderr or "denied" in done.stderr), done.stderr
        assert process.pid in [found.pid for found in slirps()]
        assert "TracerPid:\t0\n" in H.read(f"/proc/{process.pid}/status")


def holders_of_tap():
    """Descriptors of tun(4) that processes have."""
    found = []
    for process in H.processes():
        with contextlib.suppress(OSError):
            found += [(process.name, fd) for fd in os.listdir(f"/proc/{process.pid}/fd")
                      if os.readlink(f"/proc/{process.pid}/fd/{fd}").endswith("net/tun")]
    return found


@pytest.mark.parametrize("end", ["logout", "init", "monitor", "slirp", "slirp and init", "init and slirp"])
def test_it_ends_with_the_session(end):
    before = H.State.now()
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        process, = slirps()
        victims = {"init": H.session_init(), "slirp": process.pid,
                   "monitor": int(next(iter(live(False).values()))["login-pid"])}
        assert [name for name, _ in holders_of_tap()] == ["slirp4netns"]
        for victim in end.split(" and ") if end != "logout" else ():
            # of the first's end the second may have died
            with contextlib.suppress(ProcessLookupError):
                os.kill(victims[victim], signal.SIGKILL)
        if end != "logout":
            H.wait_until(lambda: not slirps(), "slirp4netns is left")
        if end == "slirp":
            assert len(live(False)) == 1
    H.wait_until(lambda: not slirps() and not H.isolated_processes(), "something is left")
    P.sweep_records()
    assert holders_of_tap() == []
    H.assert_nothing_left(before)


def test_joined_logins_have_the_same_way_out():
    H.set_policy("user/alice.conf", SHARED + SLIRP)
    with N.answering("the-server", SERVER, 8080, "server"):
        with P.ssh_background("alice", STAY) as first:
            namespace = first.read_line()
            process, = slirps()
            with P.ssh_background("alice", STAY) as second:
                assert second.read_line() == namespace
                assert [found.pid for found in slirps()] == [process.pid]
                first.kill()
                H.wait_until(lambda: len(live(True)) == 1, "the first to end")
                assert inside(N.ask("tcp", SERVER, 8080)) == "the-server"
                assert [found.pid for found in slirps()] == [process.pid]
        H.wait_until(lambda: not slirps(), "slirp4netns is left")


def findings():
    done = P.run(["nsinspect", "audit", "-J", "--hurried"])
    return [(found["code"], found["seen"]) for found in json.loads(done.stdout)["findings"]
            if found["code"][:5] in ("NSI00", "NSI01", "NSI03")]


def test_its_death_is_found_and_shown():
    look = f"{PID_NAMESPACE}; read line; echo $(ls /sys/class/net); {N.ask('tcp', SERVER, 8080)}; cat >/dev/null"
    with N.answering("the-server", SERVER, 8080, "server"), P.ssh_background("alice", look) as login:
        login.read_line()
        process, = slirps()
        assert findings() == []
        ident = next(iter(live(False)))
        step, = [step for step in json.loads(P.run(["nsinspect", "show", "-J", ident]).check().stdout)["plan"]
                 if step["step"] == "slirp"]
        assert step["kernel"] == f"pid {process.pid}" and not step["differs"]
        os.kill(process.pid, signal.SIGKILL)
        H.wait_until(lambda: not slirps() and not holders_of_tap(), "it ends")
        (code, seen), = findings()
        assert code == "NSI016" and f"its slirp4netns, pid {process.pid}, has ended" in seen
        login.process.stdin.write(b"\n")
        login.process.stdin.flush()
        assert login.read_line() == "lo"
        assert "unreachable" in login.read_line()


# refusals

def refused(log):
    done = P.ssh("alice", "echo got-in")
    assert done.status != 0 and "got-in" not in done.stdout
    H.wait_until(lambda: not slirps(), "slirp4netns is left")
    assert not H.records()
    return log.wait_for("refused: user=alice|failed: user=alice|user=alice .*slirp").text


def test_without_the_program_the_login_is_refused(log):
    with H.renamed_away(PROGRAM):
        assert "needs /usr/bin/slirp4netns: No such file or directory; install the package slirp4netns" in refused(log)
        H.set_policy("user/alice.conf", SLIRP + 'mode = "audit"\n')
        P.ssh("alice", "true").check()
        log.wait_for("would refuse: .*install the package slirp4netns")


@pytest.mark.parametrize("script, why", [
    ("echo a wish >&2; exit 1", "ended before it was ready: a wish"),
    ("exec 4>&-; exit 0", "ended before it was ready"),
])
def test_a_program_that_fails_refuses(script, why, log):
    with H.renamed_away(PROGRAM):
        H.write(PROGRAM, f"#!/bin/sh\n{script}\n", 0o755)
        try:
            assert f"step slirp: /usr/bin/slirp4netns {why}" in refused(log)
        finally:
            os.unlink(PROGRAM)


def test_a_login_from_inside_a_session_is_refused_by_name(log):
    H.set_policy("user/bob.conf", SLIRP)
    done = P.ssh("alice", "sudo -n -u bob echo got-in; echo status $?")
    assert "got-in" not in done.stdout and "status 1" in done.stdout
    assert "network.mode: 'slirp' is set up from the host" in log.wait_for("user/bob.conf").text

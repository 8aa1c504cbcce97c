# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""network.mode = "named": sessions in a network namespace that the administrator made by ip-netns(8)."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from support import host as H
from support import networks as N
from support import programs as P
from support.shared import STAY, live

NAMED = 'network {\n\tmode = "named"\n\tname = "course"\n}\n'
WORD = "the-course-server"
SERVER = "192.0.2.2"


@pytest.fixture(autouse=True)
def course(host, module):
    host.add_module(("sshd", "su", "sudo", "cron"))
    host.set_policy("default.conf", 'mode = "off"\n')
    host.set_policy("user/alice.conf", NAMED)
    with N.named("course", "server"):
        N.join("course", "server", "lab", "192.0.2", "2001:db8::")
        with P.sshd():
            yield
        H.wait_until(lambda: not H.records(), "the sessions to end")


def network_of(command="readlink /proc/self/ns/net"):
    return P.ssh("alice", command).check().stdout.strip()


# the session

def test_the_session_is_in_the_namespace_and_everything_else_is_its_own():
    host = H.namespaces()
    seen = P.ssh("alice", H.PROBE).check().json()
    assert P.own_kinds(seen) == {"mnt", "net", "ipc", "uts", "pid"}
    assert network_of() == f"net:[{N.number('course')}]" != host["net"]
    assert "lab" in network_of("ls /sys/class/net"), "/sys shows another network"


@pytest.mark.parametrize("address", [SERVER, "2001:db8::2"])
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_server_in_the_namespace_is_reached_and_the_host_is_not(kind, address):
    with N.answering(WORD, address, 8080, "server"), N.answering("the-host", "127.0.0.1", 8081):
        assert network_of(N.ask(kind, address, 8080)) == WORD
        assert network_of(N.ask(kind, "127.0.0.1", 8081, 5)).startswith("error:")


def test_several_sessions_of_several_users_share_it():
    H.set_policy("user/bob.conf", NAMED)
    with P.ssh_background("alice", "socat -u TCP-LISTEN:9000,fork,bind=127.0.0.1 SYSTEM:'cat >/dev/null' & "
                                   "readlink /proc/self/ns/net; cat >/dev/null; kill %1") as first:
        assert first.read_line() == f"net:[{N.number('course')}]"
        done = P.ssh("bob", "readlink /proc/self/ns/net; for i in $(seq 200); do "
                            "socat -u /dev/null TCP:127.0.0.1:9000 2>/dev/null && exit 0; sleep 0.05; done; exit 1")
        assert done.check().stdout.strip() == f"net:[{N.number('course')}]"


@pytest.mark.parametrize("how", ["su", "sudo", "cron"])
def test_other_services_lead_there_too(how):
    command = "readlink /proc/self/ns/net"
    others = {"su": lambda: P.su("alice", command), "sudo": lambda: P.sudo("alice", command),
              "cron": lambda: P.cron_job("alice", command)}
    assert f"net:[{N.number('course')}]" in others[how]().check().stdout


def test_files_are_copied_and_ports_forwarded():
    H.write("/root/sent", "content")
    P.scp("/root/sent", "alice@127.0.0.1:received").check()
    assert H.read("/home/alice/received") == "content"
    with N.answering(WORD, SERVER, 8080, "server"), P.Listener("the-host") as back:
        local = free_port()
        with P.ssh_forward("alice", "-L", f"{local}:{SERVER}:8080", "-R", f"127.0.0.1:9001:127.0.0.1:{back.port}"):
            H.wait_until(lambda: P.connect(local) == WORD, "-L does not lead to the server")
            # -R listens in the namespace, and what connects there comes out at the client
            assert network_of(N.ask("tcp", "127.0.0.1", 9001)) == "the-host"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_path_sockets_of_the_host_are_reached():
    """As sssd's and nscd's, by which users and groups are looked up."""
    os.makedirs("/run/daemon", exist_ok=True)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind("/run/daemon/socket")
        os.chmod("/run/daemon/socket", 0o666)
        listener.listen()
        listener.settimeout(H.TIMEOUT)
        with P.ssh_background("alice", "socat - UNIX-CONNECT:/run/daemon/socket") as asking:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"an answer\n")
            assert asking.read_line() == "an answer"
    os.unlink("/run/daemon/socket")


# its end

@pytest.mark.parametrize("end", ["logout", "init", "monitor"])
def test_the_namespace_stays_and_nothing_else(end):
    before = N.number("course")
    H.wait_until(lambda: "tentative" not in N.run("ip", "-n", "course", "-o", "address").stdout, "IPv6 addresses")
    interfaces = N.run("ip", "-n", "course", "-o", "address").stdout
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        if end == "init":
            os.kill(H.session_init(), signal.SIGKILL)
        elif end == "monitor":
            record = next(iter(live(False).values()))
            os.kill(int(record["login-pid"]), signal.SIGKILL)
    H.wait_until(lambda: not H.isolated_processes(), "processes are left")
    P.sweep_records()
    assert N.number("course") == before
    assert N.run("ip", "-n", "course", "-o", "address").stdout == interfaces


def test_the_init_holds_no_handle_of_it():
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        init = H.session_init()
        # it closes what it made the session with while the login goes on
        H.wait_until(lambda: not [link for link in H.descriptors(init) if "net:" in link or "mnt:" in link],
                     lambda: H.descriptors(init))


# sharing a session

def test_a_login_joins_only_in_the_namespace_of_that_name(log):
    H.set_policy("user/alice.conf", NAMED + 'scope = "user"\n')
    with P.ssh_background("alice", STAY) as first:
        first.read_line()
        network_of()
        log.wait_for("session joined: ")
        old = N.number("course")
        N.run("ip", "netns", "delete", "course")
        N.run("ip", "netns", "add", "course")
        assert N.number("course") != old
        assert network_of() == f"net:[{N.number('course')}]"
        log.wait_for("session opened: ", count=2)


# refusals

def remove():
    N.run("ip", "netns", "delete", "course")


def replace_by_file():
    remove()
    H.write(f"{N.NAMES}/course", "")


def replace_by_fifo():
    remove()
    os.mkfifo(f"{N.NAMES}/course")


def replace_by_link():
    remove()
    os.symlink("/proc/1/ns/net", f"{N.NAMES}/course")


def replace_by(kind, *options):
    """A namespace of another kind or owner."""
    def change():
        remove()
        H.write(f"{N.NAMES}/course", "")
        holder = subprocess.Popen(["unshare", *options, "--fork", "--kill-child", "sleep", "1000"], cwd="/")
        try:
            # its child is in all of them
            child = H.wait_until(lambda: next(iter(H.children(holder.pid)), None), "no child")
            H.wait_until(lambda: os.readlink(f"/proc/{child.pid}/ns/{kind}") != H.namespaces()[kind], "no namespace")
            N.run("mount", "--bind", f"/proc/{child.pid}/ns/{kind}", f"{N.NAMES}/course")
        finally:
            holder.kill()
            holder.wait()
    return change


def replace_by_the_hosts():
    remove()
    N.run("ip", "netns", "attach", "course", str(os.getpid()))


def give_directory_away():
    os.chmod(N.NAMES, 0o777)


@pytest.mark.parametrize("change, why", [
    (remove, "there is no network namespace 'course' on this host; make it: ip netns add course"),
    (replace_by_file, "'course', /run/netns/course, is a plain file"),
    (replace_by_fifo, "'course', /run/netns/course, is a plain file"),
    (replace_by_link, "network.name: /run/netns/course: Too many levels of symbolic links"),
    (replace_by("uts", "--uts"), "is a namespace of another kind"),
    (replace_by("net", "--net", "--user"), "belongs to another user namespace"),
    (replace_by_the_hosts, "is the network of the host itself; for that there is network { mode = \"host\" }"),
    (give_directory_away, "/run/netns must be root's, and no one else's to write to"),
], ids=lambda value: "" if isinstance(value, str) else value.__name__)
def test_a_namespace_that_cannot_be_trusted_refuses(change, why, log):
    try:
        change()
        done = P.ssh("alice", "echo got-in")
        assert done.status != 0 and "got-in" not in done.stdout
        line = log.wait_for("policy user/alice.conf|user/alice.conf").text
        assert why in log.text(), log.text()
        assert line
        linted = P.run(["nsinspect", "check", H.POLICIES])
        assert why in linted.stdout + linted.stderr and "every login would be refused" in linted.stdout + linted.stderr
        assert not H.records()
        # whose namespace was put there, unshare(1)'s child, ends some time after that
        H.wait_until(lambda: not H.isolated_processes(), "processes are left")
    finally:
        os.chmod(N.NAMES, 0o755)
        path = f"{N.NAMES}/course"
        if os.path.lexists(path):
            P.run(["umount", path])
            os.unlink(path)


def test_in_mode_audit_the_log_says_what_would_be(log):
    H.set_policy("user/alice.conf", NAMED + 'mode = "audit"\n')
    assert network_of() == H.namespaces()["net"]
    log.wait_for("would isolate")
    remove()
    assert network_of() == H.namespaces()["net"]
    log.wait_for("would refuse: .*there is no network namespace 'course'")


@pytest.mark.parametrize("outer", ["", "mount {\n\tisolate = false\n\tproc = \"host\"\n\truntime-dir = \"host\"\n}\n"
                                       "pid { isolate = false }\nipc { isolate = false }\n"], ids=["whole", "no-mounts"])
@pytest.mark.parametrize("mode", ["none", "named"])
def test_a_login_from_inside_a_session_is_refused_by_name(outer, mode, log):
    """Or it would get from the network of its session into another."""
    network = NAMED if mode == "named" else 'network { mode = "none" }\n'
    H.set_policy("user/alice.conf", network + outer)
    H.set_policy("user/bob.conf", NAMED)
    done = P.ssh("alice", "sudo -n -u bob echo got-in; echo status $?")
    assert "got-in" not in done.stdout and "status 1" in done.stdout, done
    line = log.wait_for("user/bob.conf").text
    assert "network.mode: 'named' is set up from the host, and this login comes from " in line


# inspection

def show(ident):
    return json.loads(P.run(["nsinspect", "show", "-J", ident]).check().stdout)


def findings():
    done = P.run(["nsinspect", "audit", "-J", "--hurried"])
    assert done.status in (0, 1), done
    return {(found["code"], found["seen"]) for found in json.loads(done.stdout)["findings"]
            if re.fullmatch(r"NSI0[013]\d", found["code"])}


def test_show_has_the_name_and_the_addresses():
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        ident = next(iter(live(False)))
        seen = show(ident)
        assert seen["session"]["network"] == "named" and seen["inside"]["network-name"] == "course"
        assert "192.0.2.1/24" in [entry["address"] for entry in seen["interfaces"]]
        assert seen["differences"] == []
        remove()
        seen = show(ident)
        assert seen["inside"]["network-name"] is None
        difference, = seen["differences"]
        assert difference.startswith("its network namespace was /run/netns/course, and now: ")


def test_the_audit_knows_that_others_share_the_namespace():
    """Nothing is found on a host with sessions in it, the administrator's own processes there, and the mount."""
    with N.answering(WORD, "127.0.0.1", 8080, "course"), P.ssh_background("alice", STAY) as login, \
            P.ssh_background("alice", STAY) as other:
        login.read_line(), other.read_line()
        assert findings() == set()


def test_a_process_of_the_administrator_is_no_member():
    """Also of a session that has no PID namespace, and is known by its other namespaces."""
    H.set_policy("user/alice.conf", NAMED + 'pid { isolate = false }\nmount { proc = "hidepid" }\n')
    with N.answering(WORD, "127.0.0.1", 8080, "course"), P.ssh_background("alice", STAY) as login:
        login.read_line()
        ident = next(iter(live(False)))
        listed = P.run(["nsinspect", "ps", ident]).check().stdout
        assert "python3" not in listed and "nsisolate-init" in listed


def test_nsrun_runs_there():
    done = P.run(["nsrun", "-u", "alice", "--", "readlink", "/proc/self/ns/net"]).check()
    assert done.stdout.strip() == f"net:[{N.number('course')}]"
    dry = P.run(["nsrun", "-u", "alice", "--dry-run", "--", "true"]).check().stdout
    assert re.search(r"^host +network-named +/run/netns/course$", dry, re.MULTILINE), dry

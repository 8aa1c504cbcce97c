# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Sessions that logins share, wait for processes, and are counted, under a user who wants them joined where they must not
be, kept alive, hidden or jammed. bob may become alice by su, as in the other attacks.
"""

import array
import concurrent.futures
import contextlib
import fcntl
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from attack.conftest import HOSTILE, HOSTILE_CALLER
from support import host as H
from support import programs as P
from support.shared import PID_NAMESPACE, SHARED, STAY, USERS, WAITING, live, sockets, where

BOB = ["setpriv", "--reuid=3002", "--regid=3002", "--clear-groups"]


@pytest.fixture(autouse=True)
def shared(installed):
    H.set_policy("user/alice.conf", SHARED)
    yield
    for process in H.isolated_processes():
        if process.state in "Tt":
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)


def can_trace():
    return shutil.which("strace") and P.run(["strace", "-o", "/dev/null", "true"]).status == 0


def needs_strace(test):
    return pytest.mark.skipif(not can_trace(), reason="needs strace")(test)


def staying(user="alice", command=STAY, prefix=()):
    return P.Background([*prefix, "su", user, "-c", command])


def wait_until_ended():
    H.wait_until(lambda: not H.isolated_processes(), H.isolated_processes)


def seconds_of_cpu(pid):
    """Which a process has used so far."""
    fields = H.read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idles(pid, seconds=1.0):
    before = seconds_of_cpu(pid)
    time.sleep(seconds)
    return seconds_of_cpu(pid) - before < seconds / 5


def seconds_of(function):
    begin = time.monotonic()
    function()
    return time.monotonic() - begin


def not_kept_waiting(seconds, login=where):
    """By what keeps each login waiting for longer; a busy machine is not that slow each time."""
    return any(seconds_of(login) < seconds for _ in range(4))


# joined where it must not be

def test_another_primary_group_is_another_session():
    """What the policy says of %g is another directory then."""
    H.set_policy("user/alice.conf", SHARED + 'mount { private "/srv/%g" { } }\n')
    for group in ("alice", "students"):
        os.makedirs(f"/srv/{group}", exist_ok=True)
    covered = f"{PID_NAMESPACE}; awk '$5 ~ \"^/srv/\" {{ print $5 }}' /proc/self/mountinfo"
    passwd = H.read("/etc/passwd")
    with staying() as first:
        namespace = first.read_line()
        assert where(covered).split() == [namespace, "/srv/alice"]
        H.write("/etc/passwd", passwd.replace("alice:x:3001:3001:", "alice:x:3001:4000:"))
        other, directory = where(covered).split()
        assert other != namespace and directory == "/srv/students"
        H.write("/etc/passwd", passwd)
        assert where() == namespace


def test_another_name_of_the_same_uid_and_a_new_uid_of_the_same_name_are_other_sessions():
    passwd = H.read("/etc/passwd")
    H.set_policy("default.conf", SHARED)
    H.set_policy("user/alias.conf", SHARED)
    with staying() as first:
        namespace = first.read_line()
        H.write("/etc/passwd", passwd + "alias:*:3001:3001::/home/alice:/bin/bash\n")
        assert where(user="alias") != namespace
        H.write("/etc/passwd", passwd.replace("alice:x:3001:", "alice:x:3007:"))
        assert where() != namespace
        H.write("/etc/passwd", passwd)
        assert where() == namespace


def test_who_comes_from_another_mount_namespace_does_not_get_out_of_it():
    """As from a service whose unit hides files from it: what is hidden there must be hidden in the session."""
    H.write("/srv/hidden/file", "")
    look = f"{PID_NAMESPACE}; ls /srv/hidden"
    hide = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /srv/hidden && exec "$@"', "-"]
    with staying() as first:
        namespace = first.read_line()
        assert where(look).split() == [namespace, "file"]
        other, *files = P.run([*hide, "su", "alice", "-c", look]).check().stdout.split()
        assert other != namespace and files == []
    # nor the other way round
    with staying(prefix=hide) as first:
        namespace = first.read_line()
        other, *files = where(look).split()
        assert other != namespace and files == ["file"]
    shutil.rmtree("/srv/hidden")


def test_a_login_from_inside_a_session_without_a_mount_table_of_its_own_does_not_join():
    """Such a session has the host's records in sight."""
    H.set_policy("user/alice.conf", SHARED + 'pid { isolate = false }\nipc { isolate = false }\nmount { isolate = false\n'
                 'proc = "host"\nruntime-dir = "host" }\nnetwork { mode = "none" }\n')
    net = "readlink /proc/self/ns/net"
    with staying(command=f"{net}; cat >/dev/null") as first:
        namespace = first.read_line()
        joined, inner = where(f"{net}; su alice -c '{net}'").split()
        assert joined == namespace
        assert inner not in (namespace, H.namespaces()["net"])


def test_nothing_that_alice_prepares_is_joined():
    """In namespaces of her own she is root, and makes directories, records and sockets as the host has them."""
    forge = ("mount -t tmpfs none /run && mkdir -p /run/nsisolate/sessions /run/nsisolate/users/3001 && "
             "touch /run/nsisolate/forged && exec su alice -c 'readlink /proc/self/ns/mnt; ls /run/nsisolate'")
    found = P.run(["unshare", "-Urmpf", "--mount-proc", "sh", "-c", forge], user="alice")
    assert "forged" not in found.stdout
    assert P.run(["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /run && echo prepared"],
                 user="alice").stdout == "prepared\n"


# jammed

def time_of_twelve_others(spoil):
    """Who log in beside one whose session has the limits of `spoil`."""
    with staying(prefix=spoil) as first, contextlib.ExitStack() as stack:
        first.read_line()
        begin = time.monotonic()
        others = [stack.enter_context(staying()) for _ in range(12)]
        assert len({other.read_line() for other in others}) == 2
        taken = time.monotonic() - begin
        assert all(idles(init, 0.2) for init in H.session_inits())
    H.wait_until(lambda: not H.session_inits(), "sessions are left")
    return taken


@pytest.mark.parametrize("limit", [18, 19])
def test_a_limit_on_descriptors_keeps_nobody_waiting(limit):
    """The init has as few as bob's su had: what it cannot take in goes to another session at once."""
    spoil = [*BOB, HOSTILE_CALLER, "spoil", f"limits:NOFILE={limit}"]
    assert P.run([*spoil, "sh", "-c", "ulimit -n"]).stdout == f"{limit}\n"
    # an init that is waited for answers within three seconds; a busy machine is not that slow each time
    assert any(time_of_twelve_others(spoil) < 3 for _ in range(4))


@needs_strace
def test_an_init_that_cannot_take_a_connection_does_not_spin():
    """No descriptor or no memory is left, in it or on the whole host."""
    calls = "/root/calls"
    with staying() as first:
        namespace = first.read_line()
        init, = H.session_inits()
        with P.Background(["strace", "-qqq", "-o", calls, "-e", "trace=accept4", "-e", "inject=accept4:error=ENFILE",
                           "-p", str(init)], reads=False):
            H.wait_until(lambda: "TracerPid:\t0\n" not in H.read(f"/proc/{init}/status"), "strace does not attach")
            other = where()
            assert other != namespace
        assert 5 < len(H.read(calls).splitlines()) < 100
        assert where() == namespace
    os.unlink(calls)


def test_inits_that_are_held_do_not_keep_logins_out():
    """By the freezer of a control group that is delegated to whoever opened the sessions."""
    with contextlib.ExitStack() as stack:
        for number in range(12):
            stack.enter_context(staying()).read_line()
            for path in sockets():
                os.rename(path, path.replace(".", ","))
        for path in glob.glob(f"{USERS}/*/*,*"):
            os.rename(path, path.replace(",", "."))
        assert len(H.session_inits()) == 12
        held = H.session_inits()
        for init in held:
            os.kill(init, signal.SIGSTOP)
        try:
            begin = time.monotonic()
            assert where()
            assert time.monotonic() - begin < 20
        finally:
            for init in held:
                os.kill(init, signal.SIGCONT)
    wait_until_ended()
    P.sweep_records()


SOMAXCONN = "/proc/sys/net/core/somaxconn"  # of the sandbox's network namespace


@contextlib.contextmanager
def backlog(length):
    before = H.read(SOMAXCONN)
    with open(SOMAXCONN, "w", encoding="ascii") as file:
        file.write(str(length))
    try:
        yield
    finally:
        with open(SOMAXCONN, "w", encoding="ascii") as file:
            file.write(before)


def test_an_init_whose_backlog_is_full_is_passed_over():
    """It is held, and logins that were killed have left connections that nobody takes."""
    with backlog(4), contextlib.ExitStack() as stack:
        namespace = stack.enter_context(staying()).read_line()
        init, = H.session_inits()
        path, = sockets()
        os.kill(init, signal.SIGSTOP)
        peers = []
        with pytest.raises(BlockingIOError):
            for _ in range(100):
                peers.append(stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)))
                peers[-1].connect(path)
        assert len(peers) < 10
        begin = time.monotonic()
        other = where()
        assert other not in (namespace, H.namespaces()["pid"]) and time.monotonic() - begin < 20
        os.kill(init, signal.SIGCONT)
        for peer in peers:
            peer.close()
        assert where() == namespace


@contextlib.contextmanager
def locked(user, name, byte=0):
    """As a helper of the user's has it that somebody froze past the gate, or as it takes a place."""
    with open(f"{USERS}/{H.USERS[user].uid}/{name}", "r+b") as file:
        fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))  # F_OFD_SETLK
        yield


def test_whoever_is_frozen_past_the_gate_holds_others_of_the_user_up_for_seconds_only():
    """Of two users at once, each in a place of its own: others wait for neither."""
    frozen = {"alice": "gate", "bob": "places"}
    for user in (*frozen, "carol"):
        H.set_policy(f"user/{user}.conf", SHARED)
        where(user=user)

    def held_up(user):
        begin = time.monotonic()
        return where(user=user), time.monotonic() - begin

    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(12) as pool:
        for user, name in frozen.items():
            stack.enter_context(locked(user, name))
        logins = [pool.submit(held_up, user) for user in frozen for _ in range(5)]
        begin = time.monotonic()
        assert where(user="carol") and time.monotonic() - begin < 8
        # what was decided before the wait holds after it
        for user in frozen:
            H.set_policy(f"user/{user}.conf", SHARED + 'uts { hostname = "late" }\n')
        for login in logins:
            namespace, seconds = login.result()
            assert namespace not in H.namespaces().values()
            assert 8 < seconds < 27


class Peer:
    """Speaks to a session's init as a helper does."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)

    def say(self, *words, fds=()):
        text = b"".join(word.encode() + b"\0" for word in words)
        self.socket.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def hear(self):
        with contextlib.suppress(ConnectionError):
            return self.socket.recv(1000).decode().split("\0")[1:-1]


def version():
    return re.search(r"nsisolate [0-9.]+", P.run(["strings", H.helpers()[0]]).check().stdout)[0]


def descriptors(pid):
    return sorted(re.sub("[0-9]+", "N", os.readlink(path)) for path in glob.glob(f"/proc/{pid}/fd/*"))


def test_peers_that_hang_break_off_or_talk_nonsense_leave_the_init_as_it_was():
    with staying() as first, open("/dev/null", "rb") as null:
        namespace = first.read_line()
        init, = H.session_inits()
        before = descriptors(init)
        path, = sockets()
        silent = [Peer(path) for _ in range(2)]
        begin = time.monotonic()
        assert where() == namespace
        assert 1 < time.monotonic() - begin < 20
        fds = [null.fileno()] * 250
        ours = version()
        for words, some in (([""], fds), ([ours], []), ([ours, "join"], fds[:2]), ([ours, "join", "abcdef"], fds[:1]),
                            ([ours, "join", "abcdef"], fds[:2]), ([ours, "join", "x" * 60000], fds[:2]),
                            ([ours, "leave", ""], fds[:1]), ([ours, "leave"], []), ([ours, "leave", "abcdef"], fds), (["other", "join"], fds[:2])):
            for hear in (True, False):
                peer = Peer(path)
                peer.say(*words, fds=some)
                assert not hear or peer.hear() in (None, [], ["unknown"], ["full"]), words
                peer.socket.close()
        assert where() == namespace
        assert descriptors(init) == before and idles(init, 0.3)
        assert [peer.hear() for peer in silent] == [[], []]


def test_a_full_session_is_passed_over_at_once():
    with staying() as first:
        namespace = first.read_line()
        path, = sockets()
        ours = version()
        job = subprocess.Popen(["sleep", "1000"])
        pidfd = os.pidfd_open(job.pid)
        words = []
        for number in range(400):
            with open(f"/root/record-{number % 2}", "w+b") as record:
                peer = Peer(path)
                peer.say(ours, "join", f"{number:06x}", fds=[pidfd, record.fileno()])
                words += peer.hear()
                peer.socket.close()
        assert words == ["joined"] * 399 + ["full"]
        begin = time.monotonic()
        assert where() != namespace
        assert time.monotonic() - begin < 8
        job.kill()
        job.wait()
        os.close(pidfd)
        assert where() == namespace


@pytest.mark.parametrize("choice, count", [("kill", 20), ("stop", 12), ("child-kill", 12), ("child-stop", 3)])
def test_logins_that_are_disturbed_do_not_disturb_others(choice, count):
    """bob starts, stops and kills su to alice, while alice logs in herself."""
    H.write("/home/alice/ran", "", owner=H.USERS["alice"])
    seen, over = [], threading.Event()

    def watch():
        while not over.is_set():
            seen.append(len(live(False)))

    H.set_policy("user/alice.conf", SHARED + "max-sessions = 3\n")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        watcher = pool.submit(watch)
        race = pool.submit(P.run, [HOSTILE_CALLER, "race", choice, str(count), "0.03", "su", "alice", "-c",
                                   f"{PID_NAMESPACE} >>/home/alice/ran"], user="bob", timeout=60)
        try:
            while not race.done():
                begin = time.monotonic()
                assert where() != H.namespaces()["pid"]
                assert time.monotonic() - begin < 20
            race.result().check()
        finally:
            over.set()
        watcher.result()
    assert H.namespaces()["pid"] not in H.read("/home/alice/ran")
    assert 0 < max(seen) <= 3
    wait_until_ended()
    P.sweep_records()
    assert where() and sockets() == []


@needs_strace
def test_a_login_that_is_stopped_as_it_leaves_hides_no_session(log):
    """bob may stop his su at any moment: here between the connection to the init and what it says there."""
    stop = ["strace", "-qqq", "-o", "/dev/null", "-e", "trace=sendmsg", "-e", "inject=sendmsg:delay_enter=1500000:when=2"]
    with staying() as first:
        namespace = first.read_line()
        begin = time.monotonic()
        assert P.run([*stop, "su", "alice", "-c", PID_NAMESPACE]).check().stdout.strip() == namespace
        assert time.monotonic() - begin > 1.5
        assert len(live(False)) == 1 and len(sockets()) == 1
        assert where() == namespace
    assert len(log.matching("session left: ")) == 2
    assert sockets() == []
    P.sweep_records()


@needs_strace
@pytest.mark.parametrize("policy", [SHARED, 'on-logout = "wait"\n'])
def test_a_helper_that_is_killed_leaves_no_socket_for_ever(policy):
    H.set_policy("user/alice.conf", policy)
    late = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=bind", "-e", "inject=bind:delay_exit=20000000"]
    with P.Background([*late, "su", "alice", "-c", "true"], reads=False):
        H.wait_until(sockets, "no helper binds")
        helper = next(process for process in H.processes() if process.name.startswith("nsisolate-"))
        os.kill(helper.parent, signal.SIGKILL)
        H.wait_until(lambda: helper.pid not in {process.pid for process in H.processes()}, "the helper goes on")
    assert sockets()
    # whatever the policy says by now
    H.set_policy("user/alice.conf", policy + 'uts { hostname = "new" }\n')
    where()
    wait_until_ended()
    assert sockets() == []
    P.sweep_records()


# kept alive

def zombies():
    return [process for process in H.processes() if process.state == "Z" and process.uid == H.USERS["alice"].uid]


@pytest.mark.parametrize("policy", ["kill", "wait"])
def test_a_zombie_that_somebody_outside_keeps(policy):
    """Under "kill" nothing but the zombie is left, and no place is taken; "wait" waits for it, which is a process, too."""
    H.set_policy("user/alice.conf", f'{SHARED}on-logout = "{policy}"\nmax-sessions = 1\n')
    command = "echo in; sleep 1 & exec sleep 0.5"
    with P.Background([*BOB, HOSTILE_CALLER, "keep_zombies", "su", "alice", "-c", command], reads=False) as keeper:
        assert keeper.read_line() == "kept"
        H.wait_until(zombies, "no zombie")
        if policy == "kill":
            H.wait_until(lambda: not live(False), "the session to end")
            # the init is gone but for its PID namespace, which goes with the zombie
            H.wait_until(lambda: not [process for process in H.isolated_processes() if "mnt" in dict(process.namespaces)],
                         "what the session had")
        else:
            H.wait_until(lambda: len(H.isolated_processes()) == 1, H.isolated_processes)
            assert len(live(False)) == 1
        assert not_kept_waiting(4)
        assert zombies()
        keeper.kill()
    wait_until_ended()
    P.sweep_records()
    assert not zombies()


def test_a_process_that_is_held_as_it_dies_takes_no_place():
    """By a tracer outside, where yama lets it: it runs no more, and neither the logout nor the next login waits for it."""
    H.set_policy("user/alice.conf", SHARED + "max-sessions = 1\n")
    with contextlib.ExitStack() as stack:
        with staying(command="echo in; sleep 1000 >/dev/null 2>&1 & cat >/dev/null") as first:
            assert first.read_line() == "in"
            victim = H.wait_until(lambda: [process.pid for process in H.isolated_processes() if process.name == "sleep"],
                                  "no process inside")[0]
            alice = [word.replace("3002", "3001") for word in BOB]
            tracer = stack.enter_context(P.Background([*alice, HOSTILE, "hold_exit", str(victim)], reads=False))
            if tracer.read_line() != "held":
                pytest.skip("the kernel lets nobody trace there")
            begin = time.monotonic()
        # it looks for two seconds, which are more where the machine is busy; the tracer holds on for ever
        assert time.monotonic() - begin < 20
        H.wait_until(lambda: not live(False), "the session to end")
        assert os.path.exists(f"/proc/{victim}"), "nothing was held"
        assert where()
    wait_until_ended()


@needs_strace
def test_a_crowd_of_orphans_does_not_keep_the_init_busy():
    H.set_policy("user/alice.conf", WAITING)
    calls = "/root/calls"
    where(f"{HOSTILE} orphans 100 60")
    init, = H.session_inits()
    H.wait_until(lambda: len([child for child in H.children(init) if child.name == "hostile"]) > 100, "no crowd")
    with P.Background(["strace", "-qqq", "-o", calls, "-e", "trace=kill", "-p", str(init)], reads=False):
        H.wait_until(lambda: "TracerPid:\t0\n" not in H.read(f"/proc/{init}/status"), "strace does not attach")
        begin = time.monotonic()
        H.wait_until(lambda: len(H.read(calls).splitlines()) > 1 and time.monotonic() > begin + 1, "it looks")
        looks, seconds = len(H.read(calls).splitlines()), time.monotonic() - begin
    assert looks < 60 * seconds
    os.unlink(calls)
    where("pkill -KILL -x hostile")
    wait_until_ended()
    P.sweep_records()


# what is reached

def test_a_login_that_joins_has_open_what_one_that_opens_has():
    with P.sshd() as server:
        with P.ssh_background("alice", STAY) as first:
            namespace = first.read_line()
            opener, = server.monitors()
            with P.ssh_background("alice", STAY) as second:
                assert second.read_line() == namespace
                joiner, = set(server.monitors()) - {opener}
                assert descriptors(joiner) == descriptors(opener)
                of_children = [descriptors(next(child.pid for child in H.children(pid))) for pid in (opener, joiner)]
                assert of_children[0] == of_children[1]
                # and of neither is anything alice's to see, from either
                pids = where("pgrep -u alice sshd").split()
                assert len(pids) == 2
                for pid in pids:
                    assert P.ssh("alice", f"{HOSTILE} look_at {pid}").check().json() == {}
                assert P.ssh("alice", f"{HOSTILE} look_at $$").check().json().keys() >= {"fd", "root", "ns"}
    wait_until_ended()

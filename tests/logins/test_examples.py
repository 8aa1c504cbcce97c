# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Each example policy under a real login: what a user sees is what the comments of the file promise."""

import contextlib
import dataclasses
import glob
import os
import re

import pytest

from support import host as H
from support import networks as N
from support import programs as P
from support.host import PROBE, USERS

EXAMPLES = "/usr/share/doc/nsisolate/examples"
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Example:
    own: set               # kinds of namespaces
    hostname: str          # with the session's id for %s
    tmp: int               # bytes of /tmp, which is the session's own
    shared: bool = False   # System V IPC and /dev/shm
    loopback: bool = True  # is up
    waits: bool = False    # for what its logins leave running
    interfaces: tuple = ("lo",)


EXAMPLE = {
    "restricted-shell": Example({"mnt", "net", "ipc", "uts", "pid"}, "shell-%s", 64 * MIB),
    "shell-and-cron": Example({"mnt", "net", "ipc", "uts", "pid"}, "shell-%s", 512 * MIB),
    "classroom-exam": Example({"mnt", "net", "ipc", "uts", "pid"}, "exam-alice", 256 * MIB, loopback=False),
    "course-network": Example({"mnt", "net", "ipc", "uts", "pid"}, "course-%s", 512 * MIB, interfaces=("eth0", "lo")),
    "outbound": Example({"mnt", "net", "ipc", "uts", "pid"}, "out-%s", 512 * MIB, interfaces=("lo", "tap0")),
    "tmux-and-editors": Example({"mnt", "ipc", "pid"}, "testhost", 2048 * MIB, waits=True),
    "hpc-login-node": Example({"mnt", "pid"}, "testhost", 8192 * MIB, shared=True),
    "host-network": Example({"mnt", "ipc", "uts", "pid"}, "testhost", 2048 * MIB),
}
WITH_NETWORK = ("bastion", "shared-hosting")  # in test_veth.py
WITH_SYSTEMD = ("compute-shell",)  # in test_systemd_limits.py
each = pytest.mark.parametrize("name", EXAMPLE)


@pytest.fixture(autouse=True)
def server(module, host):
    H.add_module((*H.STACKS["sshd"], *H.STACKS["su"]))
    if os.path.isdir(H.POLICIES):
        H.empty(H.POLICIES)
    H.set_policy("default.conf", 'mode = "off"\n')
    with course_network(), P.sshd() as running:
        yield running
        wait_until_ended()
    P.sweep_records()


@contextlib.contextmanager
def course_network():
    """The commands in the comment of course-network.conf, as they are there."""
    text = H.read(f"{EXAMPLES}/course-network.conf")
    commands = re.findall(r"^#     (ip .*)$", text, re.MULTILINE)
    assert commands[0] == "ip netns add course"
    with N.named("course", commands=commands):
        yield


def wait_until_ended():
    """A session that waits ends a moment after its last process."""
    H.wait_until(lambda: not H.live_records(), "the session to end")


def install(name):
    H.set_policy("user/alice.conf", H.read(f"{EXAMPLES}/{name}.conf"))


def look(name):
    install(name)
    return P.ssh("alice", PROBE).check().json()


def test_each_installed_policy_is_here():
    assert {os.path.basename(path) for path in glob.glob(f"{EXAMPLES}/*.conf")} == \
        {f"{name}.conf" for name in (*EXAMPLE, *WITH_NETWORK, *WITH_SYSTEMD)}


@each
def test_what_the_session_has_of_its_own(name):
    assert P.own_kinds(look(name)) == EXAMPLE[name].own


@each
def test_the_network(name):
    """The host's listener answers where the network is the host's; a loopback interface is up where one is promised."""
    install(name)
    with P.Listener("hello") as listener:
        seen = P.ssh("alice", f"{PROBE} connect {listener.port}").check().json()
    if "net" not in EXAMPLE[name].own:
        assert seen == {"answer": "hello"}
        return
    assert str(seen).startswith("errno ")
    seen = look(name)
    assert tuple(sorted(seen["interfaces"])) == EXAMPLE[name].interfaces
    assert bool(seen["interfaces"]["lo"] & 1) == EXAMPLE[name].loopback


@each
def test_the_host_name(name):
    seen = look(name)
    assert seen["hostname"] == EXAMPLE[name].hostname.replace("%s", seen["env"]["NSISOLATE_ID"])


@each
def test_private_temporary_directories_that_end_with_the_session(name):
    for directory in ("/tmp", "/var/tmp"):
        H.write(f"{directory}/of-the-host", "")
    try:
        seen = look(name)
        wait_until_ended()
        P.ssh("alice", "touch /tmp/left /var/tmp/left").check()
        wait_until_ended()
        again = look(name)
    finally:
        for directory in ("/tmp", "/var/tmp"):
            os.unlink(f"{directory}/of-the-host")
    assert seen["filesystems"]["/tmp"]["bytes"] == EXAMPLE[name].tmp
    for directory in ("/tmp", "/var/tmp"):
        for found in (seen, again):
            assert not {"of-the-host", "left"} & set(found["directories"][directory]["names"])
        assert not os.path.exists(f"{directory}/left")


@each
def test_shared_memory(name):
    H.write("/dev/shm/of-the-host", "")
    key = P.run(["ipcmk", "--shmem", "1000", "--mode", "0666"]).check().stdout.split()[-1]
    try:
        seen = look(name)
    finally:
        P.run(["ipcrm", "--shmem-id", key]).check()
        os.unlink("/dev/shm/of-the-host")
    assert ("of-the-host" in seen["directories"]["/dev/shm"]["names"]) == EXAMPLE[name].shared
    assert [line.split()[1] for line in seen["ipc"]["shm"]] == ([key] if EXAMPLE[name].shared else [])


@each
def test_nobody_elses_processes(name):
    """Of the host's only those of the same user, and they only without process numbers of the session's own."""
    install(name)
    with asleep("bob") as bobs, asleep("alice") as own:
        H.wait_until(lambda: {H.read(f"/proc/{pid}/comm") for pid in (bobs.pid, own.pid)} == {"sleep\n"}, "no sleep")
        seen = P.ssh("alice", PROBE).check().json()
    if "pid" in EXAMPLE[name].own:
        assert seen["commands"]["1"] == "nsisolate-init" and max(seen["pids"]) < 100
    else:
        assert own.pid in seen["pids"] and not {1, bobs.pid} & set(seen["pids"])


def asleep(user):
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "sleep", "1000"]
    return P.Background(command, reads=False)


@each
def test_what_is_left_running(name):
    """Ends with the login, but for the policy whose purpose is that it does not."""
    install(name)
    P.ssh("alice", "setsid sleep 1000 >/dev/null 2>&1 </dev/null & sleep 0.1").check()
    if EXAMPLE[name].waits:
        H.asleep("alice")
        assert P.ssh("alice", "pgrep -c sleep").stdout == "1\n"
        end(sleeping())
    else:
        H.wait_until(lambda: not sleeping(), "sleep is still there")


def sleeping(name="sleep"):
    return [process for process in H.processes()
            if process.name == name and process.uid == USERS["alice"].uid and process.state not in "ZX"]


def end(processes):
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, 9)


# What single files promise

def test_the_user_manager_is_refused_by_all():
    for name in EXAMPLE:
        assert 'user-manager = "allow"' not in H.read(f"{EXAMPLES}/{name}.conf")


def test_two_logins_to_a_restricted_shell_have_host_names_of_their_own():
    assert look("restricted-shell")["hostname"] != look("restricted-shell")["hostname"]


def test_the_restricted_shell_forwards_x11_and_the_exam_does_not():
    for name, forwarded in {"restricted-shell": True, "classroom-exam": False}.items():
        install(name)
        with P.Listener("", port=6000):
            done = P.ssh("alice", "echo ${DISPLAY:-none}", options=("-X",),
                         env=P.ENVIRONMENT | {"DISPLAY": "127.0.0.1:0"})
        assert (done.check().stdout.strip() != "none") == forwarded, name


def test_an_exam_shows_no_other_home():
    install("classroom-exam")
    assert P.ssh("alice", "ls /home; touch ~/solution; rm ~/solution").check().stdout == "alice\n"


def test_a_course_reaches_its_server_and_nested_logins_go_without():
    install("course-network")
    H.add_module(H.STACKS["sudo"])
    H.set_policy("user/bob.conf", 'extends = "user/alice"\n')
    with N.answering("the-server", "192.0.2.1", 8080), P.Listener("the-host") as listener:
        assert P.ssh("alice", N.ask("tcp", "192.0.2.1", 8080)).check().stdout == "the-server\n"
        assert P.ssh("alice", N.ask("tcp", "127.0.0.1", listener.port)).stdout.startswith("error")
        nested = P.ssh("alice", f"sudo -n -u bob {N.ask('tcp', '192.0.2.1', 8080)}").check()
        assert "unreachable" in nested.stdout


def test_the_way_out_without_a_pool_and_nested_logins_go_without():
    install("outbound")
    H.add_module(H.STACKS["sudo"])
    H.set_policy("user/bob.conf", 'extends = "user/alice"\n')
    with N.answering("the-host", "192.0.2.1", 8080), P.Listener("its-loopback") as listener:
        assert P.ssh("alice", N.ask("tcp", "192.0.2.1", 8080)).check().stdout == "the-host\n"
        assert P.ssh("alice", N.ask("tcp", "10.0.2.2", listener.port)).stdout.startswith("error")
        nested = P.ssh("alice", f"sudo -n -u bob {N.ask('tcp', '192.0.2.1', 8080)}").check()
        assert "unreachable" in nested.stdout


def test_two_logins_to_a_login_node_share_memory_and_no_processes():
    install("hpc-login-node")
    with P.ssh_background("alice", f"echo ranks >/dev/shm/segment; {P.STAY}") as first:
        theirs = first.probe()
        assert P.ssh("alice", "cat /dev/shm/segment; rm /dev/shm/segment").check().stdout == "ranks\n"
        ours = P.ssh("alice", PROBE).check().json()
    assert ours["namespaces"]["ipc"] == theirs["namespaces"]["ipc"] == H.namespaces()["ipc"]
    assert ours["namespaces"]["pid"] != theirs["namespaces"]["pid"]


def test_a_later_mount_of_the_host_appears_on_a_login_node():
    install("hpc-login-node")
    with P.ssh_background("alice", f"{PROBE}; read line; ls /srv/parallel; cat >/dev/null") as login:
        login.probe()
        os.mkdir("/srv/parallel")
        P.run(["mount", "-t", "tmpfs", "parallel", "/srv/parallel"]).check()
        try:
            H.write("/srv/parallel/data", "")
            login.process.stdin.write(b"\n")
            login.process.stdin.flush()
            assert login.read_line() == "data"
        finally:
            P.run(["umount", "/srv/parallel"]).check()
            os.rmdir("/srv/parallel")


TMUX = "tmux -f /dev/null"


@pytest.fixture
def tmux():
    yield
    P.ssh("alice", f"{TMUX} kill-server")
    end(sleeping("tmux: server"))


def test_a_tmux_outlives_its_login_and_is_used_from_another(tmux):
    install("tmux-and-editors")
    P.ssh("alice", f"echo first >/tmp/mark; {TMUX} new-session -d -s work 'exec sh'").check()
    H.wait_until(lambda: [record for record in H.records() if "." not in record], "the session waits")
    assert P.ssh("alice", f"{TMUX} list-sessions -F '#S'; cat /tmp/mark").check().stdout == "work\nfirst\n"
    P.ssh("alice", f"{TMUX} send-keys -t work 'readlink /proc/self/ns/mnt >/tmp/seen.new; mv /tmp/seen.new /tmp/seen' "
                   "Enter").check()
    seen = P.ssh("alice", "while [ ! -e /tmp/seen ]; do sleep 0.1; done; cat /tmp/seen; readlink /proc/self/ns/mnt")
    window, login = seen.check().stdout.split()
    assert window == login != H.namespaces()["mnt"]


def test_a_tmux_is_attached_to_on_the_terminal_of_another_login(tmux):
    install("tmux-and-editors")
    P.ssh("alice", f"{TMUX} new-session -d -s work 'exec sh'").check()
    with P.ssh_background("alice", f"export TERM=vt100; {TMUX} attach -t work", pty=True):
        H.wait_until(lambda: P.ssh("alice", f"{TMUX} list-clients -t work -F '#{{client_session}}'").stdout == "work\n",
                     "nobody is attached")
        P.ssh("alice", f"{TMUX} detach-client -s work").check()


def test_with_the_defaults_a_tmux_ends_at_logout_as_the_file_says():
    H.set_policy("user/alice.conf")
    P.ssh("alice", f"{TMUX} new-session -d -s work 'exec sh'").check()
    assert P.ssh("alice", f"{TMUX} has-session -t work").status != 0
    H.wait_until(lambda: not sleeping("tmux: server"), "it goes on")


def test_an_editor_knows_that_a_file_is_open_in_another_login():
    """vim's swap file: process number and host name mean the same in both."""
    install("tmux-and-editors")
    edit = "cd /tmp && TERM=vt100 vim -u NONE text"
    with P.ssh_background("alice", edit, pty=True):
        try:
            told = P.ssh("alice", "cd /tmp; while [ ! -s .text.swp ]; do sleep 0.1; done; vim -u NONE -r 2>&1")
        finally:
            end(sleeping("vim"))
    assert "STILL RUNNING" in told.stdout.upper(), told

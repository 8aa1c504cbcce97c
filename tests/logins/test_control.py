# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Ordinary logins, without the module: the drivers work, and what they see is the host."""

import json
import os

import pytest

from support import host as H
from support import programs as P
from support.host import PROBE, USERS


@pytest.fixture
def server(host):
    with P.sshd() as running:
        yield running


def assert_on_host(seen, user):
    assert {kind: seen["namespaces"][kind] for kind in ("mnt", "net", "ipc", "uts", "pid")} == \
        {kind: link for kind, link in H.namespaces().items() if kind in ("mnt", "net", "ipc", "uts", "pid")}
    assert seen["hostname"] == "testhost"
    assert (seen["uid"], seen["gid"]) == (USERS[user].uid, USERS[user].uid)


@pytest.mark.parametrize("program", P.PROGRAMS)
@pytest.mark.parametrize("user", ["alice", "carol"])
def test_a_user_is_on_the_host(program, user):
    seen = P.PROGRAMS[program](user, PROBE).check().json()
    assert_on_host(seen, user)
    assert ("students" in USERS[user].groups) == (H.GROUPS["students"] in seen["groups"])


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_root_is_on_the_host(program):
    assert_on_host(P.PROGRAMS[program]("root", PROBE).check().json(), "root")


@pytest.mark.parametrize("program", P.PROGRAMS)
@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_the_exit_status_comes_through(program, status):
    assert P.PROGRAMS[program]("alice", f"bash -c 'exit {status}'").status == status


def test_ssh_has_separate_streams_and_input(server):
    found = P.ssh("alice", "cat; echo oops >&2; exit 7", input="hello\n")
    assert (found.status, found.stdout, found.stderr) == (7, "hello\n", "oops\n")


def test_ssh_with_a_terminal(server):
    seen = P.ssh("alice", PROBE, pty=True).check().json()
    assert seen["terminal"].startswith("/dev/pts/")


def test_ssh_without_a_command_is_a_login_shell(server):
    assert P.ssh("alice", input="shopt -q login_shell && echo login; exit 5\n") == P.Result(5, "login\n")


@pytest.mark.parametrize("options", [(), ("-O",)], ids=["sftp", "scp"])
def test_scp_both_ways(server, options):
    H.write("/tmp/there", "content\n")
    P.scp("/tmp/there", "alice@127.0.0.1:there", *options).check()
    P.scp("alice@127.0.0.1:there", "/tmp/back", *options).check()
    assert H.read("/tmp/back") == "content\n"
    os.unlink("/home/alice/there")


def test_sftp(server):
    H.write("/tmp/there", "content\n")
    P.sftp("alice", "put /tmp/there there\nget there /tmp/back\nrm there\n").check()
    assert H.read("/tmp/back") == "content\n"


def test_agent_forwarding(server):
    with P.ssh_agent() as environment:
        found = P.ssh("alice", "ssh-add -l", options=("-A",), env=environment).check()
    assert "ED25519" in found.stdout


def test_local_forwarding_reaches_the_hosts_loopback(server):
    with P.Listener("hello") as listener, P.ssh_forward("alice", "-L", f"127.0.0.1:8001:127.0.0.1:{listener.port}"):
        H.wait_until(lambda: P.listening_on(8001), "-L does not listen")
        assert P.connect(8001) == "hello"


def test_remote_forwarding_listens_on_the_hosts_loopback(server):
    with P.Listener("hello") as listener, P.ssh_forward("alice", "-R", f"127.0.0.1:8002:127.0.0.1:{listener.port}"):
        H.wait_until(lambda: P.listening_on(8002), "-R does not listen")
        assert P.connect(8002) == "hello"


def test_x11_forwarding(server):
    P.assert_forwards_x11("alice")
    H.wait_until(lambda: not P.listening_on(6010), "sshd still listens for X clients")


def test_control_master_carries_several_sessions(server):
    with P.ssh_master("alice") as through:
        seen = [P.ssh("alice", PROBE, options=through).check().json() for _ in range(2)]
        assert len(server.monitors()) == 1
    assert_on_host(seen[0], "alice")


def test_two_logins_at_once(server):
    with P.ssh_background("alice") as first, P.ssh_background("alice") as second:
        assert first.probe()["namespaces"] == second.probe()["namespaces"]


def test_login_by_password():
    assert_on_host(P.login("alice", PROBE, password="alice-secret").check().json(), "alice")


def test_login_with_a_wrong_password_has_no_shell():
    with P.login_terminal("alice", "wrong") as terminal:
        terminal.child.expect("Login incorrect")


def test_login_gives_job_control():
    with P.login_terminal("alice") as terminal:
        assert terminal.logged_in()
        assert terminal.run("sleep 100 & kill %1; wait %1").status == 143
        assert terminal.leave(9).status in (0, 9)


def test_su_keeps_the_directory():
    os.mkdir("/tmp/here", 0o755)
    try:
        assert P.su("alice", "pwd", cwd="/tmp/here") == P.Result(0, "/tmp/here\n")
    finally:
        os.rmdir("/tmp/here")


def test_su_login_goes_home():
    assert P.su("alice", "pwd", options=("-l",)) == P.Result(0, "/home/alice\n")


def test_su_with_a_terminal_of_its_own():
    seen = P.su("alice", PROBE, options=("--pty",)).check().json()
    assert seen["uid"] == 3001


def test_su_by_another_user_asks_for_the_password():
    assert "uid=3001(alice)" in P.su_password("alice", "id", by="bob", password="alice-secret").stdout
    assert "Authentication failure" in P.su_password("alice", "id", by="bob", password="wrong").stdout


def test_sudo_by_a_user():
    seen = P.sudo("root", PROBE, by="alice").check().json()
    assert (seen["uid"], seen["env"]["SUDO_USER"]) == (0, "alice")
    assert P.sudo("root", "id", by="bob").status == 1


def test_sudo_login_goes_home():
    found = P.run(["sudo", "-n", "-i", "-u", "bob", "pwd"], user="alice")
    assert found == P.Result(0, "/home/bob\n")


def test_cron_mails_to_the_owner(host):
    P.cron_job("alice", "echo printed")
    assert "To: alice" in P.mails()[0]
    assert host.log.wait_for(r"CRON\[\d+\]: \(alice\) CMD")


def test_the_log_has_facility_and_text(host):
    P.su("alice", "true").check()
    line = host.log.wait_for(r"pam_unix\(su:session\): session opened for user alice")
    assert line.facility in (host.log.AUTH, host.log.AUTHPRIV)


def test_the_probe_reports_everything():
    seen = P.su("alice", PROBE).check().json()
    assert set(seen) >= {"namespaces", "hostname", "domainname", "interfaces", "mounts", "pids", "directories", "cwd",
                         "env", "ipc", "umask", "limits", "no_new_privs"}
    assert seen["interfaces"]["lo"] & 1
    assert json.dumps(seen["directories"]["/tmp"]["mode"]) == '"0o1777"'

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect kill, of sessions made by hand."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

from conftest import HeldUp, binary
from support import host as H

USERS = pathlib.Path("/run/nsisolate/users")


def kill(live, *arguments):
    result = live.run("kill", *arguments)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def is_running(session):
    return os.path.exists(f"/proc/{session.init}/ns/mnt")


def files(live):
    return sorted(path.name for path in live.directory.iterdir())


def test_killed_session_is_gone_with_all_that_is_in_it(live, log):
    session, other = live.open(commands=["sleep 1234"]), live.open()
    session.join("00beef")
    socket = USERS / "1000" / f"0123456789abcdef.{session.id}"
    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.write_text("")
    assert kill(live, session.id) == (0, f"{session.id}: killed: alice, sshd, 2 logins\n", "")
    assert not is_running(session) and is_running(other)
    assert subprocess.run(["pgrep", "-fx", "sleep 1234"]).returncode == 1
    assert files(live) == [other.id] and not socket.exists()
    line = log.wait_for("session killed: ")
    assert line.facility == log.AUTHPRIV
    assert f"id={session.id} user=alice service=sshd rhost=192.0.2.7 policy=group/students.conf hash=0123456789abcdef by=" in line.text


def test_several_are_killed_at_once_and_one_named_twice_once(live):
    first, second, third = live.open(), live.open(), live.open()
    status, out, err = kill(live, first.id, second.id[:12], first.id)
    assert (status, err) == (0, "")
    assert out == f"{first.id}: killed: alice, sshd, 1 login\n{second.id}: killed: alice, sshd, 1 login\n"
    assert [is_running(session) for session in (first, second, third)] == [False, False, True]


def test_unknown_and_ended_ids_are_refused_and_the_rest_is_killed(live):
    ended, session = live.open(), live.open()
    ended.end()
    status, out, err = kill(live, "f", ended.id, session.id)
    assert (status, out) == (1, f"{session.id}: killed: alice, sshd, 1 login\n")
    assert err == f"nsinspect: no session 'f'\nnsinspect: {ended.id}: not killed: it has ended\n"
    assert files(live) == [ended.id]


def test_ambiguous_id_kills_nothing(live):
    first, second = live.open("aaaaaaaaaaaa"), live.open("aaaabbbbbbbb")
    status, out, err = kill(live, "aaaa")
    assert (status, out) == (2, "") and "aaaaaaaaaaaa, aaaabbbbbbbb" in err
    assert is_running(first) and is_running(second)


def test_a_login_cannot_be_killed_alone(live):
    session = live.open()
    session.join("00beef")
    status, out, err = kill(live, f"{session.id}.00beef")
    assert (status, out) == (2, "") and "only be killed as a whole" in err
    assert is_running(session)


def test_process_that_has_the_init_pid_but_no_lock_is_not_hit(live):
    """The text says it is the init, and nobody holds the lock: the pid may be anybody's by now."""
    session = live.open()
    bystander = subprocess.Popen(["sleep", "600"])
    text = session.text(**{"id": "bbbbbbbbbbbb", "init-pid": bystander.pid})
    (live.directory / "bbbbbbbbbbbb").write_text(text)
    assert kill(live, "bbbbbbbbbbbb") == (1, "", "nsinspect: bbbbbbbbbbbb: not killed: it has ended\n")
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_session_that_ends_between_finding_and_killing_is_passed_over(live, tmp_path):
    """The lock is asked for again once the init is pinned."""
    session = live.open()
    killing = HeldUp(tmp_path, "pidfd_open", "exit", "kill", session.id)
    bystander = live.open()
    session.end()
    assert killing.let_go() == (1, "", f"nsinspect: {session.id}: not killed: it has ended\n")
    assert is_running(bystander)


def test_all_of_a_user(live):
    mine = [live.open(), live.open(uid=1000)]
    other = live.open(user="bob", uid=1001)
    status, out, err = kill(live, "-u", "alice")
    assert (status, err) == (0, "") and out.count("killed: alice") == 2
    assert not any(is_running(session) for session in mine) and is_running(other)
    assert kill(live, "-u", "1001")[:2] == (0, f"{other.id}: killed: bob, sshd, 1 login\n")
    assert kill(live, "--user", "carol") == (1, "", "nsinspect: no session of 'carol'\n")
    assert kill(live, "-u", "carlo") == (1, "", "nsinspect: no session of 'carlo', and there is no such user\n")


def test_session_without_a_pid_namespace_says_that_its_processes_go_on(live):
    session = live.open(flags=("net",))
    status, out, _ = kill(live, session.id)
    assert status == 0 and out.endswith("; without a PID namespace, its processes go on\n")
    assert files(live) == []


def test_login_that_is_only_audited_is_not_killed(live):
    session = live.open(flags=(), mode="audit")
    status, out, err = kill(live, session.id)
    assert (status, out) == (1, "") and "its mode is audit" in err
    assert is_running(session)


def test_file_that_is_no_record_is_not_acted_on(live):
    session = live.open(text="garbage")
    status, out, err = kill(live, session.id)
    assert (status, out) == (2, "") and "its file is no record" in err
    assert is_running(session)


def test_stopped_session_is_killed(live):
    session = live.open()
    os.kill(session.init, signal.SIGSTOP)
    assert kill(live, session.id)[0] == 0
    assert not is_running(session)


def policy_hash(user):
    result = subprocess.run([binary(), "policy", "-J", "--service", "sshd", "--from", "192.0.2.7", user],
                            capture_output=True, text=True)
    return re.search('"hash": *"([0-9a-f]{16})"', result.stdout)[1]


@pytest.fixture
def policies(host):
    if os.path.isdir(host.POLICIES):
        host.empty(host.POLICIES)
    host.set_policy("user/alice.conf", "")
    host.set_policy("user/bob.conf", "")


def test_changed_kills_those_whose_policy_is_another_now(live, policies):
    session = live.open()
    same = live.open(user="bob", **{"policy-hash": policy_hash("bob")})
    unknown = live.open(user="nosuchuser")
    status, out, err = kill(live, "--changed")
    assert out == f"{session.id}: killed: alice, sshd, 1 login\n"
    assert (status, err) == (1, f"nsinspect: {unknown.id}: not killed: there is no such user any more\n")
    assert is_running(same) and is_running(unknown)


def test_changed_of_one_user_is_that_users(live, policies):
    mine, other = live.open(), live.open(user="bob")
    assert kill(live, "--changed", "-u", "bob")[:2] == (0, f"{other.id}: killed: bob, sshd, 1 login\n")
    assert is_running(mine)
    assert kill(live, "--changed", "-u", "carol") == (0, "", "")


@pytest.mark.parametrize("text, reason", [("mode = of\n", "the policy now cannot be used"),
                                          (None, "no policy is its user's now")])
def test_changed_spares_those_whose_policy_cannot_be_told(live, policies, text, reason):
    session = live.open()
    if text is None:
        H.empty(H.POLICIES)
    else:
        H.set_policy("user/alice.conf", text)
    assert kill(live, "--changed") == (1, "", f"nsinspect: {session.id}: not killed: {reason}\n")
    assert is_running(session)


@pytest.mark.parametrize("arguments", [[], ["-u"], ["-u", "alice", "a"], ["--changed", "a"], ["-J", "a"], ["-a"]])
def test_wrong_usage(live, arguments):
    session = live.open()
    status, out, err = kill(live, *arguments)
    assert (status, out) == (2, "") and "nsinspect" in err
    assert is_running(session)


def test_killing_is_for_root(host):
    result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", binary(), "kill", "a"],
                            capture_output=True)
    assert (result.returncode, result.stderr) == (2, b"nsinspect: only root may inspect sessions: run this as root\n")

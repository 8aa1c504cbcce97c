# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect enter, of sessions made by hand: which are entered, how what is typed is read, and the streams."""

import os
import re
import signal
import subprocess

import pytest

from conftest import HeldUp, binary, namespaces_of
from support import host as H
from support import programs

FAILED, NOT_INVOKED, NOT_FOUND = 125, 126, 127


def enter(*arguments, **options):
    return programs.run([binary(), "enter", *arguments], **options)


def background(*arguments):
    return programs.Background([binary(), "enter", *arguments])


@pytest.fixture
def session(live):
    return live.open(uid=3001)


def refused(result, reason):
    assert (result.status, result.stdout) == (FAILED, ""), result
    assert reason in result.stderr and result.stderr.startswith("nsinspect: "), result
    assert result.stderr.count("\n") == 1


# what is typed

@pytest.mark.parametrize("arguments, out", [
    (["ID", "echo", "-u", "--root", "-h"], "-u --root -h\n"), (["ID", "--", "echo", "--", "x"], "-- x\n"),
    (["--", "ID", "echo", "-t"], "-t\n"), (["ID", "--root", "--", "id", "-u"], "0\n"), (["ID", "--root", "id", "-u"], "0\n"),
    (["--root", "ID", "id", "-u"], "0\n"), (["ID", "id", "-u"], "3001\n"),
])
def test_options_are_on_both_sides_of_the_id_and_not_behind_the_command(session, arguments, out):
    assert enter(*[session.id if word == "ID" else word for word in arguments]).check().stdout == out


@pytest.mark.parametrize("arguments", [[], ["--root"], ["--"], ["-x", "a"], ["a", "--nonsense"], ["-J", "a"], ["-u", "alice"]])
def test_wrong_usage(session, arguments):
    result = enter(*arguments)
    assert (result.status, result.stdout) == (FAILED, "") and "nsinspect: " in result.stderr


def test_help_tells_its_own_status():
    out = enter("--help").check().stdout
    assert "125 nsinspect failed" in out and "--root" in out and "findings" not in out


def test_beginning_of_an_id_is_enough(session):
    assert enter(session.id[:5], "echo", "in").check().stdout == "in\n"
    session.join("00beef")
    assert enter(f"{session.id}.00beef", "echo", "in").check().stdout == "in\n"


# which sessions

def test_unknown_and_ambiguous_ids_are_refused(live):
    refused(enter("fff"), "no session 'fff'")
    live.open("aaaaaaaaaaaa", uid=3001)
    live.open("aaaabbbbbbbb", uid=3001)
    refused(enter("aaaa", "true"), "aaaaaaaaaaaa, aaaabbbbbbbb")


def test_ended_session_is_refused(session):
    session.end()
    refused(enter(session.id, "true"), f"{session.id}: not entered: it has ended")


def test_process_that_has_the_init_pid_but_no_lock_is_not_entered(live, session):
    other = live.open("cccccccccccc", uid=3001)
    (live.directory / "bbbbbbbbbbbb").write_text(session.text(**{"id": "bbbbbbbbbbbb", "init-pid": other.init}))
    refused(enter("bbbbbbbbbbbb", "true"), "it has ended")


@pytest.mark.parametrize("call", ["pidfd_open", "setns"])
def test_session_that_ends_on_the_way_is_refused(live, session, tmp_path, call):
    bystander = live.open(uid=3001)
    entering = HeldUp(tmp_path, call, "enter", "enter", session.id, "echo", "ran")
    session.end()
    status, out, err = entering.let_go()
    assert (status, out) == (FAILED, "")
    assert re.search("has ended", err) and err.count("\n") == 1
    assert os.path.exists(f"/proc/{bystander.init}/ns/mnt")


def test_init_that_has_moved_since_is_refused(live, session, tmp_path):
    """root inside could trace it: what is entered is where it was seen."""
    entering = HeldUp(tmp_path, "setns", "enter", "enter", session.id, "echo", "ran")
    # gdb is no package of the tests: the init, which is python here, moves itself as it is told to
    session.tell("move")
    assert namespaces_of(session.init)["uts"] != session.namespaces["uts"]
    assert entering.let_go() == (
        FAILED, "", f"nsinspect: {session.id}: not entered: step setns: its init is in other namespaces now\n")


def test_session_whose_namespaces_are_not_the_recorded_ones_is_refused(live):
    session = live.open(uid=3001, **{"ns-net": 4026531840 + 12345})
    refused(enter(session.id, "true"), "its init is not in the namespaces that its record names")


def test_login_that_is_only_audited_is_refused(live):
    refused(enter(live.open(uid=3001, flags=(), mode="audit").id, "true"), "its mode is audit")


def test_session_that_is_ending_is_refused(session):
    session.leave()
    refused(enter(session.id, "true"), "it is ending")


def test_file_that_is_no_record_is_refused(live):
    refused(enter(live.open(text="garbage").id, "true"), "its file is no record")


def test_session_in_a_user_namespace_is_refused(live):
    refused(enter(live.open(uid=3001, flags=("user", "mnt", "pid")).id, "true"), "in a user namespace of its own")


def test_record_from_inside_is_refused(live):
    outer = live.open_outer(uid=3001)
    inner = live.nest(outer, uid=3003)
    refused(enter(f"{outer.id}/{inner.id}", "true"), "was written inside another session")


@pytest.mark.parametrize("fields, reason", [({"user": "nosuchuser"}, "no such user any more"),
                                            ({"uid": 1000}, "another uid now than the session's, 1000")])
def test_user_who_is_another_now_is_refused(live, fields, reason):
    refused(enter(live.open(**{"uid": 3001, **fields}).id, "true"), reason)


@pytest.mark.parametrize("flags", [("net",), ("mnt",), ("mnt", "net", "ipc", "uts"), ("pid",)])
def test_namespaces_that_it_has_are_entered_and_no_others(live, flags):
    session = live.open(uid=3001, flags=flags)
    with background(session.id, "sh", "-c", "echo in; exec sleep 600") as running:
        assert running.read_line() == "in"
        child, = H.children(running.pid)
        own, found = namespaces_of("self"), namespaces_of(child.pid)
        assert {kind for kind in own if found[kind] != own[kind]} == set(flags)
        assert {kind: found[kind] for kind in flags} == session.namespaces
        running.kill(signal.SIGTERM)


def test_entering_is_for_root(session):
    result = enter(session.id, "true", user="bob")
    refused(result, "only root may inspect sessions")


# what the command gets

@pytest.mark.parametrize("command, status", [
    (["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "exit 255"], 255), (["sh", "-c", "kill -KILL $$"], 128 + 9),
    (["no-such-command"], NOT_FOUND), (["/no/such/command"], NOT_FOUND), (["/etc/passwd"], NOT_INVOKED), (["/tmp"], NOT_INVOKED),
])
def test_status_is_that_of_the_command(session, command, status):
    assert enter(session.id, *command).status == status


def test_streams_are_passed_byte_for_byte(session):
    data = os.urandom(1 << 20)
    for command, out, err in (("cat", data, b""), ("cat >&2", b"", data)):
        done = subprocess.run([binary(), "enter", session.id, "sh", "-c", command], input=data, capture_output=True,
                              check=True, env=programs.ENVIRONMENT)
        assert (done.stdout == out, done.stderr == err) == (True, True)


def test_all_output_of_a_command_that_has_ended_is_passed(session):
    expected = "".join(f"{n}\n" for n in range(1, 12001))
    assert enter(session.id, "sh", "-c", "seq 12000; seq 12000 >&2") == programs.Result(0, expected, expected)
    assert enter("-t", session.id, "seq", "12000").check().stdout.replace("\r", "") == expected


def test_streams_of_the_command_are_its_users(session):
    assert enter(session.id, "sh", "-c", "echo a >/dev/stdout; echo b >/dev/stderr; cat /dev/stdin", input="c\n") == \
        programs.Result(0, "a\nc\n", "b\n")


def test_input_that_nobody_reads_is_no_error(session):
    with programs.Background(["sh", "-c", f"yes | {binary()} enter {session.id} -- sh -c 'exec <&-; echo in; exit 4'"]) as running:
        assert running.result() == programs.Result(4, "in\n", "")


def test_end_of_output_ends_a_writer(session):
    with subprocess.Popen([binary(), "enter", session.id, "yes"], stdout=subprocess.PIPE, env=programs.ENVIRONMENT) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(H.TIMEOUT) == 128 + signal.SIGPIPE


def test_what_is_left_behind_does_not_hold_it_up(session):
    assert enter(session.id, "sh", "-c", "sleep 600 & echo out").stdout == "out\n"
    H.wait_until(lambda: [process.name for process in H.descendants(session.init)] == ["sleep"], "it goes on")


def test_directory_as_standard_stream_is_not_passed(session):
    directory = os.open("/", os.O_RDONLY)
    try:
        done = subprocess.run([binary(), "enter", session.id, "ls", "/proc/self/fd/0/"], stdin=directory,
                              capture_output=True, text=True, env=programs.ENVIRONMENT, check=False)
    finally:
        os.close(directory)
    assert done.returncode != 0 and done.stdout == ""


def test_closed_standard_streams_do_not_confuse_it(session):
    done = subprocess.run(["sh", "-c", f"exec {binary()} enter {session.id} -- sh -c 'cat; echo out' <&- 2>&-"],
                          capture_output=True, text=True, env=programs.ENVIRONMENT, check=False)
    assert (done.returncode, done.stdout) == (0, "out\n")


# its end

@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "WINCH"])
def test_signal_reaches_the_command(session, name):
    command = f"trap 'echo got; exit 42' {name}; echo ready; while :; do sleep 0.01; done"
    with background(session.id, "sh", "-c", command) as running:
        assert running.read_line() == "ready"
        running.kill(getattr(signal, f"SIG{name}"))
        assert running.read_line() == "got"
        assert running.result().status == 42


@pytest.mark.parametrize("options", [[], ["-t"], ["--root"]])
@pytest.mark.parametrize("flags", [("mnt", "pid"), ("mnt",)])
def test_command_ends_with_nsinspect(live, options, flags):
    session = live.open(uid=3001, flags=flags)
    with background(*options, session.id, "sh", "-c", "trap '' HUP; echo ready; exec sleep 600") as running:
        assert running.read_line().strip() == "ready"
        running.kill(signal.SIGKILL)
        H.wait_until(lambda: not [p for p in H.processes() if p.name == "sleep" and p.pid != session.login.pid],
                     "the command ends")


def test_nsinspect_that_is_killed_on_the_way_leaves_nothing(session, tmp_path):
    before = {process.pid for process in H.processes()}
    entering = HeldUp(tmp_path, "setns", "enter", "enter", session.id, "sleep", "600")
    entering.process.kill()
    entering.let_go()
    H.wait_until(lambda: {p.pid for p in H.processes() if p.state != "Z"} <= before, "nothing is left")


def test_end_of_the_session_is_the_commands(session):
    with background(session.id, "sh", "-c", "echo in; exec sleep 600") as running:
        assert running.read_line() == "in"
        assert programs.run([binary(), "kill", session.id]).status == 0
        assert running.result().status == 128 + signal.SIGKILL


# the log

def test_who_when_and_what_is_logged(session, log):
    hostile = "x\n<86>sshd[1]: Accepted user=\x1b[2J as=root \\x0a\""
    with background(session.id, "sh", "-c", "read line; exit 3", hostile) as running:
        begin = log.wait_for("session entered: ")
        child, = H.children(running.pid)
        # it waits inside for the line to be written
        assert begin.facility == log.AUTHPRIV
        assert begin.text == (
            f"nsinspect[{running.pid}]: NSL007 session entered: id={session.id} user=alice service=sshd policy=group/students.conf "
            f"by=root uid=0 tty=- as=alice pid={child.pid} command=sh\\x20-c\\x20read\\x20line;\\x20exit\\x203\\x20x"
            r"\x0a<86>sshd[1]:\x20Accepted\x20user=\x1b[2J\x20as=root\x20\x5cx0a\x22")
        assert not log.matching("entering ended")
        assert running.process.communicate(b"\n", H.TIMEOUT) == (b"", b"")
    end = log.wait_for("entering ended: ")
    assert end.text.endswith(f"as=alice pid={child.pid} status=3")


def test_shell_and_root_are_logged(session, log):
    enter("--root", session.id, input="exit 9\n")
    assert " as=root " in log.wait_for("session entered: ").text
    assert log.wait_for("session entered: ").text.endswith(" command=/bin/bash")


def test_caller_is_not_who_the_environment_says(session, log):
    enter(session.id, "true", env={**programs.ENVIRONMENT, "SUDO_USER": "bob", "LOGNAME": "bob"}).check()
    assert " by=root uid=0 " in log.wait_for("session entered: ").text


def test_caller_is_whose_login_it_was(session, log):
    """As pam_loginuid(8) leaves it for sudo and su to inherit."""
    command = f"echo 3002 >/proc/self/loginuid && exec {binary()} enter {session.id} true"
    programs.run(["sh", "-c", command]).check()
    assert " by=bob uid=0 " in log.wait_for("session entered: ").text


def test_long_command_is_cut_in_the_log_and_not_in_the_session(session, log):
    assert enter(session.id, "sh", "-c", "echo ${#1}", "sh", "y" * 5000).check().stdout == "5000\n"
    text = log.wait_for("session entered: ").text
    assert text.endswith("yyy...") and 1000 < len(text) < 2000


def test_without_a_log_it_says_so(session):
    with H.renamed_away("/dev/log"):
        result = enter(session.id, "echo", "in")
    assert (result.status, result.stdout) == (0, "in\n")
    assert "nsinspect: this is not logged: nobody takes it: No such file or directory\n" == result.stderr


def test_command_that_is_refused_is_not_logged_as_entered(session, log):
    session.end()
    assert enter(session.id, "true").status == FAILED
    assert not log.matching("entered")

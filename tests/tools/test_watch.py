# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect on a terminal: --watch and colours, and that the terminal is given back however it ends."""

import json
import os
import re
import signal
import termios

import pexpect
import pytest

from conftest import binary, nsinspect
from support import host as H
from support import programs as P

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
RED = "\x1b[31m"


class Watch:
    def __init__(self, records, command="list", *arguments, dimensions=(20, 120), every="0.1"):
        words = [command, f"--watch={every}", "--record-dir", str(records.directory), *arguments]
        self.child = pexpect.spawn(binary(), words, env=ENVIRONMENT, timeout=H.TIMEOUT, encoding="utf-8", dimensions=dimensions)
        self.child.delaybeforesend = None
        self.before = None

    def __enter__(self):
        self.child.expect_exact(ENTER)
        return self

    def __exit__(self, *_unused):
        P.end_child(self.child)

    def mode(self):
        return termios.tcgetattr(self.child.child_fd)[3] & (termios.ICANON | termios.ECHO)

    def frame(self):
        """The next whole one, as lines."""
        self.child.expect(r"\x1b\[H(.*?)\x1b\[J")
        return re.split(r"\r+\n", self.child.match[1].replace("\x1b[K", ""))

    def frame_with(self, text):
        for _ in range(100):
            lines = self.frame()
            if any(text in line for line in lines):
                return lines
        raise AssertionError(lines)

    def ended(self):
        """Exit status, or minus a signal, once the terminal is as it was."""
        self.child.expect(pexpect.EOF)
        assert LEAVE in self.child.before and "\x1b[?25h" in self.child.before
        assert self.mode() == termios.ICANON | termios.ECHO
        self.child.close()
        return -self.child.signalstatus if self.child.signalstatus else self.child.exitstatus


def test_sessions_appear_and_go_while_it_runs(records):
    with Watch(records) as watch:
        title, *_ = watch.frame()
        assert title.startswith("nsinspect list    every 0.1 s, q to leave")
        session = records.open()
        watch.frame_with(session.id)
        session.end()
        assert not any(session.id in line for _ in range(20) for line in watch.frame()[-1:])
        assert watch.mode() == 0
        watch.child.send("q")
        assert watch.ended() == 0


@pytest.mark.parametrize("command", ["ps", "show"])
def test_other_commands_too(records, command):
    session = records.open()
    with Watch(records, command, session.id) as watch:
        watch.frame_with(session.id)
        watch.child.send("q")
        assert watch.ended() == 0


@pytest.mark.parametrize("number,status", [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP),
                                           (signal.SIGQUIT, -signal.SIGQUIT), (signal.SIGSEGV, -signal.SIGSEGV),
                                           (signal.SIGABRT, -signal.SIGABRT)])
def test_terminal_is_given_back_at_a_signal(records, number, status):
    with Watch(records) as watch:
        watch.frame()
        os.kill(watch.child.pid, number)
        assert watch.ended() == status


def test_control_c_leaves(records):
    with Watch(records) as watch:
        watch.frame()
        watch.child.sendintr()
        assert watch.ended() == 0


def test_what_cannot_be_done_ends_it_and_is_said(records):
    with Watch(records) as watch:
        watch.frame()
        records.directory.rmdir()
        records.directory.write_text("no directory")
        watch.child.expect_exact(LEAVE)
        watch.child.expect("Not a directory")
        watch.child.expect(pexpect.EOF)
        watch.child.close()
        assert watch.child.exitstatus == 2


def test_window_that_changes_is_filled_and_not_more(records):
    sessions = [records.open() for _ in range(3)]
    with Watch(records, "list", "--output-all", every="60") as watch:
        lines = watch.frame()
        assert len(lines) == 5 and all(len(line) <= 120 for line in lines)
        watch.child.setwinsize(3, 30)
        lines = watch.frame()
        assert len(lines) == 3 and all(len(line) <= 30 for line in lines)
        watch.child.setwinsize(20, 150)
        lines = watch.frame()
        assert len(lines) == 5 and any(len(line) > 120 for line in lines)
        assert [session.id in "".join(lines) for session in sessions] == [True] * 3


def test_suspended_and_continued(records):
    with Watch(records) as watch:
        watch.frame()
        os.kill(watch.child.pid, signal.SIGTSTP)
        watch.child.expect_exact(LEAVE)
        H.wait_until(lambda: H.read(f"/proc/{watch.child.pid}/stat").rsplit(")", 1)[1].split()[0] == "T", "it to stop")
        assert watch.mode() == termios.ICANON | termios.ECHO
        os.kill(watch.child.pid, signal.SIGCONT)
        watch.child.expect_exact(ENTER)
        watch.frame()
        watch.child.send("q")
        assert watch.ended() == 0


def test_hostile_text_draws_nothing_of_its_own(records):
    session = records.open(user="x\x1b[2J\x1b]0;owned\a\u202ey\x9b2J", service="a\nb")
    for command, *arguments in (["list"], ["show", session.id], ["ps", session.id]):
        with Watch(records, command, *arguments, "--color=never") as watch:
            frame = "\n".join(watch.frame_with(session.id[:4]))
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", frame), frame


def test_without_a_terminal_it_is_refused(records):
    for arguments in (["--watch"], ["--watch", "-J"]):
        refused = nsinspect("list", *arguments)
        assert refused.returncode == 2 and refused.stdout == b"" and b"--watch" in refused.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "1x", "nan", "inf", "1e9", ""])
def test_seconds_that_are_none(records, seconds):
    refused = nsinspect("list", f"--watch={seconds}")
    assert refused.returncode == 2 and b"--watch takes seconds" in refused.stderr


# colours

def on_terminal(records, *arguments, env=None):
    child = pexpect.spawn(binary(), [*arguments, "--record-dir", str(records.directory)], env={**ENVIRONMENT, **(env or {})},
                          timeout=H.TIMEOUT, encoding="utf-8", dimensions=(50, 200))
    text = child.read()
    child.close()
    return text


def test_what_is_wrong_is_coloured_on_a_terminal_only(records):
    session = records.open(**{"ns-net": 4026530000})
    for arguments, word in ((["list"], "changed"), (["show", session.id], "net")):
        assert re.search(rf"\x1b\[31m[! ]*{word}", on_terminal(records, *arguments))
        assert b"\x1b" not in records.run(*arguments).stdout
        assert re.search(rf"\x1b\[31m[! ]*{word}".encode(), records.run(*arguments, "--color=always").stdout)
        assert RED in on_terminal(records, *arguments, "--color")
        assert "\x1b" not in on_terminal(records, *arguments, "--color=never")
        assert "\x1b" not in on_terminal(records, *arguments, env={"NO_COLOR": "1"})
        assert "\x1b" not in on_terminal(records, *arguments, env={"TERM": "dumb"})
        assert RED in on_terminal(records, *arguments, env={"NO_COLOR": ""})
        json.loads(records.run(*arguments, "-J", "--color=always").stdout)
    assert b"\x1b" not in records.run("list", "-P", "--color=always").stdout + records.run("list", "-r", "--color=always").stdout


def test_colour_that_is_none_is_wrong_usage(records):
    refused = nsinspect("list", "--color=blue")
    assert refused.returncode == 2 and b"--color takes auto, always or never" in refused.stderr


def test_text_is_cut_on_a_terminal_only(records):
    session = records.open(**{"remote-host": "h" * 40, "policy": "group/" + "p" * 40})
    for command in ("list", "ps"):
        narrow = on_terminal(records, command, "--color=never")
        piped = records.run(command).stdout.decode()
        assert session.id in narrow and session.id in piped
    assert "h" * 40 in records.run("list").stdout.decode() and "p" * 40 in records.run("list").stdout.decode()

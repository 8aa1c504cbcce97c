# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""A policy's notice is shown where somebody may read it, and disturbs nobody else."""

import os

import pytest

from support import host as H
from support import programs as P

SERVICES = ("sshd", "su", "su-l", "sudo", "login", "cron")
NOTICE = "This machine is for course work only."


@pytest.fixture(autouse=True)
def isolated(host, module):
    host.add_module(SERVICES)
    os.rename("/home/alice/.hushlogin", "/home/alice/.talkative")
    host.set_policy("user/alice.conf", f'notice = "{NOTICE}"\n')
    yield
    os.rename("/home/alice/.talkative", "/home/alice/.hushlogin")


def test_it_is_shown_on_terminals():
    with P.sshd():
        shown = P.ssh("alice", pty=True, input="exit\n").stdout
        assert shown.count(NOTICE) == 1
    with P.login_terminal("alice") as terminal:
        assert terminal.logged_in()
        assert NOTICE in terminal.child.before
        terminal.leave()
    with P.Terminal(["su", "-l", "alice"]) as terminal:
        assert terminal.logged_in()
        assert NOTICE in terminal.child.before
        terminal.leave()


def test_it_is_not_in_the_way_of_programs():
    with P.sshd():
        done = P.ssh("alice", "echo out; echo err >&2").check()
        assert (done.stdout, done.stderr) == ("out\n", "err\n")
        H.write("/home/alice/file", "text", owner=H.USERS["alice"])
        P.scp("alice@127.0.0.1:/home/alice/file", "/tmp/copied").check()
        P.scp("alice@127.0.0.1:/home/alice/file", "/tmp/copied", "-O").check()
        assert H.read("/tmp/copied") == "text"
    done = P.su("alice", "echo out; echo err >&2").check()
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    done = P.sudo("alice", "echo out; echo err >&2").check()
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert P.cron_job("alice", "echo out").check().stdout == "out\n"


def test_a_login_that_is_not_isolated_shows_none():
    H.set_policy("user/alice.conf", f'mode = "off"\nnotice = "{NOTICE}"\n')
    with P.sshd():
        assert NOTICE not in P.ssh("alice", pty=True, input="exit\n").stdout


def test_in_mode_audit_it_is_shown_as_well():
    H.set_policy("user/alice.conf", f'mode = "audit"\nnotice = "{NOTICE}"\n')
    with P.sshd():
        assert P.ssh("alice", pty=True, input="exit\n").stdout.count(NOTICE) == 1

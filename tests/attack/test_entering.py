# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What a user does to an administrator who comes in by nsinspect enter."""

import contextlib
import json
import os

import pytest

from attack.conftest import HOSTILE
from support import host as H
from support import programs as P

LIMITS = "/etc/security/limits.d/entering.conf"
ROOT, ALICE = "0", str(H.USERS["alice"].uid)


@contextlib.contextmanager
def inside(command="echo in; cat"):
    with P.Background(["su", "alice", "-c", command]) as login:
        assert login.read_line() in ("in", "stalking"), login.process.stderr.read()
        ident, = H.live_records()
        yield ident, login


def enter(*arguments, **options):
    return P.run(["nsinspect", "enter", *arguments], **options)


@pytest.fixture
def slow(installed):
    """Alice's program, of which she has a lease that she keeps for a while: whoever opens it waits, fcntl(2)."""
    P.run(["cp", "/usr/bin/true", "/home/alice/slow"]).check()
    P.run(["chown", "alice:", "/home/alice/slow"]).check()
    yield "/home/alice/slow"


def stalking(uid, lease):
    # it stays logged in, and who came in inside, when it has seen enough
    return inside(f"{HOSTILE} stalk nsinspect {uid} 15 {lease}; cat")


def assert_nothing_was_got(login):
    found = json.loads(login.read_line())
    assert found["looks"] > 0 and found["got"] == [], found


@pytest.mark.parametrize("uid, options", [(ALICE, ()), (ALICE, ("-t",)), (ROOT, ("--root",))])
def test_copy_of_nsinspect_that_a_user_holds_up_shows_nothing(slow, uid, options):
    """Inside, with the user id that it will have, and not the command yet."""
    with stalking(uid, slow) as (ident, login):
        assert enter(*options, ident, slow, env=P.ENVIRONMENT | {"SECRET": "of-the-administrator"}).status == 0
        assert_nothing_was_got(login)


def test_copy_of_nsinspect_that_is_roots_still_shows_nothing(installed):
    """Inside, while it waits for the log to have its line."""
    with stalking(ROOT, "") as (ident, login):
        P.run(["strace", "-o", "/dev/null", "-e", "trace=sendto", "-e", "inject=sendto:delay_enter=1500000", "nsinspect",
               "enter", ident, "true"]).check()
        assert_nothing_was_got(login)


def test_control_a_process_of_that_name_shows_everything(installed):
    H.write("/home/alice/nsinspect", "", 0o755)
    P.run(["cp", "/usr/bin/sleep", "/home/alice/nsinspect"]).check()
    with inside(f"/home/alice/nsinspect 600 & {HOSTILE} stalk nsinspect {ALICE} 15; cat") as (_, login):
        found = json.loads(login.read_line())
        assert set(found["got"]) >= {"root", "cwd", "fd", "environ", "mem", "exe", "ns"}


@contextlib.contextmanager
def entered(*arguments):
    with P.Background(["nsinspect", "enter", *arguments, "--", "sh", "-c", "echo $$ $(tty); exec sleep 600"]) as running:
        pid, *terminal = running.read_line().split()
        yield running, pid, " ".join(terminal)
        running.kill()


def test_command_of_root_cannot_be_touched(installed):
    with inside() as (ident, _), \
            entered("-t", "--root", ident) as (_, pid, terminal):
        assert terminal.startswith("/dev/pts/")
        act = [HOSTILE, "act_on", pid]
        assert json.loads(enter(ident, *act).check().stdout) == {}
        assert enter(ident, "sh", "-c", f": <{terminal}").status != 0
        assert enter(ident, "sh", "-c", f": >{terminal}").status != 0


def test_control_a_command_of_the_users_can(installed):
    with inside() as (ident, _), entered("-t", ident) as (running, pid, terminal):
        assert enter(ident, "sh", "-c", f": <>{terminal}").status == 0
        got = json.loads(enter(ident, HOSTILE, "act_on", pid).check().stdout)
        assert {"exe", "stop", "kill", "environ"} <= set(got)
        # and that ends the command, not the wait for it
        assert running.result().status == 128 + 9


def test_a_command_that_the_user_stops_can_be_ended(installed):
    with inside() as (ident, _), entered(ident) as (running, pid, _):
        child, = H.children(running.pid)
        enter(ident, "kill", "-STOP", pid).check()
        H.wait_until(lambda: H.read(f"/proc/{child.pid}/stat").split()[2] == "T", "it stops")
        running.kill()
        H.wait_until(lambda: not os.path.exists(f"/proc/{child.pid}"), "it ends")


def evil(path, mark):
    H.write(path, f"#!/bin/sh\ntouch {mark}\n", 0o755, H.USERS["alice"])


def test_shell_of_root_runs_nothing_of_the_users(installed):
    """But that of the user does: it is theirs."""
    mark = "/home/alice/ran"
    for name in (".bashrc", ".bash_profile", ".profile", ".bash_logout", "bin/id", "id"):
        evil(f"/home/alice/{name}", mark)
    setup = ("cp ~/id /tmp/id; cp ~/id /tmp/sh; cp ~/.profile /tmp/.profile; export PATH=/tmp:$PATH BASH_ENV=~/.bashrc "
             "ENV=~/.bashrc LD_PRELOAD=/tmp/id HOME=/home/alice; echo in; cat")
    with inside(setup + " 2>/dev/null") as (ident, _):
        if os.path.exists(mark):
            os.unlink(mark)
        for options in ((), ("-t",)):
            done = enter("--root", *options, ident, input="id -u; cd /tmp; id -u; exit\n", cwd="/home/alice")
            assert done.stdout.replace("\r", "").count("0\n") >= 2
        assert enter("--root", ident, "sh", "-c", "id -u; echo $PATH $BASH_ENV $ENV $LD_PRELOAD", cwd="/home/alice").stdout == \
            "0\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        assert not os.path.exists(mark)
        enter(ident, input="exit\n")
        assert os.path.exists(mark)


@pytest.fixture
def terminal():
    with P.Terminal(["/bin/bash", "--norc", "--noprofile"], env=P.ENVIRONMENT | {"PS1": "root> "}) as terminal:
        terminal.child.expect("root> ")
        yield terminal


@pytest.mark.parametrize("options", ["", "--root", "-t"])
def test_nothing_is_typed_into_the_administrators_terminal(installed, terminal, options):
    attack = HOSTILE + " type_in 'touch /root/typed-%s\n'"
    with inside() as (ident, _):
        terminal.run(f"nsinspect enter {options} {ident} {attack % 'inside'}")
        # the control: a program on that very terminal, of root's, whom no sysctl keeps from it
        terminal.child.sendline(attack % "outside")
        H.wait_until(lambda: os.path.exists("/root/typed-outside"), "the control types")
        assert not os.path.exists("/root/typed-inside")
    os.unlink("/root/typed-outside")


def test_limit_on_processes_holds_for_who_comes_in_and_does_not_keep_root_out(installed):
    """What the kernel counts is the user's, in whatever session."""
    fork = ("sh", "-c", "/bin/true; echo through; :")
    H.write(LIMITS, "alice - nproc 400\n")
    try:
        with inside(f"exec {HOSTILE} fill") as (ident, _):
            assert "through" not in enter(ident, *fork).stdout
            assert enter("--root", ident, *fork).check().stdout == "through\n"
    finally:
        os.unlink(LIMITS)


def test_forged_records_lead_nowhere(installed):
    """root inside writes a record that names the host's init, and the session's own under another user's name."""
    fields = "user=bob\nuid=3002\ninit-pid=1\nlogin-pid=1\n"
    forge = "sudo -n mkdir -p /run/nsisolate/sessions; printf 'nsisolate-record=1\\nid=0123456789ab\\n%s' '" + fields + \
            "' | sudo -n tee /run/nsisolate/sessions/0123456789ab >/dev/null; echo in; cat"
    with inside(forge) as (ident, _):
        for name in ("0123456789ab", f"{ident}/0123456789ab"):
            done = enter(name, "id")
            assert (done.status, done.stdout) == (125, ""), done


# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""A proc that the host has mounted in a second place shows the host's processes: sessions do not see it."""

import contextlib
import itertools
import json
import os

import pytest

from support import host as H
from support import programs as P

PLACE = "/srv/chroot/proc"


@pytest.fixture(autouse=True)
def installed(installed):
    H.set_policy("user/alice.conf")
    os.makedirs(PLACE)
    yield
    for path in ("/srv/chroot", PLACE, "/srv/dir", "/srv/file", "/srv/with space", "/home/alice/jail/proc", "/home/alice/jeil/proc"):
        while P.run(["umount", "-l", path]).status == 0:
            pass
    H.empty("/srv")
    P.run(["rm", "-rf", "/home/alice/jail", "/home/alice/jeil"])


def mount(*arguments):
    P.run(["mount", *arguments]).check()


def sees(user, path):
    return P.su(user, f"cat '{path}' '{path}/version' '{path}/status' 2>/dev/null").stdout != ""


CASES = {
    PLACE: ["-t", "proc", "proc", PLACE],
    "/srv/with space": ["-t", "proc", "-o", "hidepid=invisible", "proc", "/srv/with space"],
    "/srv/dir": ["--bind", "/proc/1", "/srv/dir"],
    "/srv/file": ["--bind", "/proc/version", "/srv/file"],
}


@pytest.mark.parametrize("path", CASES)
def test_it_is_covered(path):
    H.write(path, "") if path == "/srv/file" else os.makedirs(path, exist_ok=True)
    mount(*CASES[path])
    assert sees("bob", path) and not sees("alice", path)


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_by_every_program(program):
    mount("-t", "proc", "proc", PLACE)
    assert "gone" in P.PROGRAMS[program]("alice", f"ls {PLACE}/1 >/dev/null 2>&1 || echo gone").stdout


def test_also_with_processes_of_the_host():
    mount("-t", "proc", "proc", PLACE)
    H.set_policy("user/alice.conf", 'pid { isolate = false } mount { proc = "hidepid" }\n')
    assert not sees("alice", PLACE)
    H.set_policy("user/alice.conf", 'pid { isolate = false } mount { proc = "host" }\n')
    assert sees("alice", PLACE)


def test_not_even_where_its_directory_is_shown_elsewhere():
    mount("-t", "proc", "proc", PLACE)
    os.mkdir("/srv/seen")
    H.set_policy("user/alice.conf", 'mount { bind "/srv/seen" { source = "/srv/chroot" } }\n')
    assert P.su("alice", "ls /srv/seen /srv/seen/proc").check().stdout.split() == ["/srv/seen:", "proc", "/srv/seen/proc:"]


def test_one_that_another_mount_covers_already_is_no_obstacle():
    mount("-t", "proc", "proc", PLACE)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/srv/chroot")
    P.su("alice", "true").check()


def test_one_that_lies_where_others_could_have_moved_it_refuses(log):
    mount("-t", "proc", "proc", PLACE)
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/srv/chroot")
    assert P.su("alice", "true").status != 0
    log.wait_for("refused: user=alice .*: step hide-procs: all but /proc: Permission denied: the host has a proc mounted in "
                 "a directory of others than root")


def test_one_that_is_mounted_later_is_found():
    with P.Background(["su", "alice", "-c", "echo in; cat >/dev/null"]) as login:
        login.read_line()
        identifier, = H.records()

        def differences():
            return json.loads(P.run(["nsinspect", "show", "-J", identifier]).stdout)["differences"]

        assert differences() == []
        mount("-t", "proc", "proc", PLACE)
        assert differences() == [f"{PLACE} is a proc of the host, and shows its processes"]
        mount("-t", "tmpfs", "tmpfs", "/srv/chroot")
        assert differences() == []


SWAP = """
import os
print("in", flush=True)
while True:
    os.rename("/home/alice/jail", "/home/alice/jeil")
    os.rename("/home/alice/jeil", "/home/alice/jail")
"""


def test_a_user_who_moves_it_about_does_not_get_to_see_it():
    os.makedirs("/home/alice/jail/proc")
    os.chown("/home/alice/jail", 3001, 3001)
    mount("-t", "proc", "proc", "/home/alice/jail/proc")
    look = "for i in 1 2 3 4 5 6 7 8 9; do cat /home/alice/j?il/proc/version 2>/dev/null; done; true"
    assert "Linux" in P.run(["sh", "-c", look]).stdout
    opened = 0
    with contextlib.ExitStack() as stack:
        attacker = stack.enter_context(P.Background(
            ["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups", "/usr/bin/python3", "-c", SWAP], reads=False))
        assert attacker.read_line() == "in"
        for turn in itertools.count():
            assert turn < 300, "nobody got in"
            done = P.su("alice", look)
            assert "Linux" not in done.stdout
            opened += done.status == 0
            if turn >= 30 and opened:
                break

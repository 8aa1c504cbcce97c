# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""A user who fills what there is: it is full for them, and logins of theirs and of others are isolated or refused as ever."""

import os
import shutil

import pytest

from attack.conftest import HOSTILE
from support import host as H
from support import programs as P

LIMITS = "/etc/security/limits.d/filling.conf"
MIB = 1 << 20
POLICY = """mount { private "/tmp" { size = 16m inodes = 1k } private "/var/tmp" { size = 16m inodes = 1k } }
"""
# directory → the bytes and files that fit, and what more to try
FULL = {"/tmp": (16 * MIB, 1024), "/var/tmp": (16 * MIB, 1024), "/run/user/3001": (64 * MIB, 16384)}

FILL = """
import json, os, sys
def until_full(step, most):
    for done in range(most):
        try:
            step(done)
        except OSError as error:
            return [done, error.errno]
    return [most, 0]
found = {}
for directory in sys.argv[1:]:
    def write(_):
        with open(directory + "/big", "ab") as file:
            file.write(bytes(1 << 20))
    def make(number):
        os.close(os.open(f"{directory}/{number}", os.O_CREAT))
    found[directory] = {"bytes": until_full(write, 80)}
    os.unlink(directory + "/big")
    found[directory]["files"] = until_full(make, 20000)
print(json.dumps(found), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def installed(installed):
    H.set_policy("user/alice.conf", POLICY)
    H.set_policy("user/carol.conf", POLICY)
    os.makedirs("/home/bob/plain")
    os.chown("/home/bob/plain", 3002, 3002)
    H.write("/usr/local/lib/nsisolate-tests/fill", FILL)
    yield
    shutil.rmtree("/home/bob/plain")


def filling(user, *directories):
    return P.Background(["su", user, "-c", f"/usr/bin/python3 /usr/local/lib/nsisolate-tests/fill {' '.join(directories)}"])


def isolated(user):
    """Where a login leads, if anywhere."""
    done = P.su(user, "readlink /proc/self/ns/mnt && ls /tmp && : >/tmp/room")
    assert H.namespaces()["mnt"] not in done.stdout
    return done.status == 0


def test_who_fills_their_directories_fills_nothing_of_others():
    """A directory of the host's takes whatever is tried: that is the control."""
    with filling("bob", "/home/bob/plain") as plain:
        assert plain.probe() == {"/home/bob/plain": {"bytes": [80, 0], "files": [20000, 0]}}
    with filling("alice", *FULL) as full:
        for directory, found in full.probe().items():
            size, inodes = FULL[directory]
            assert found["bytes"][0] <= size / MIB and found["bytes"][1] == 28, (directory, found)  # ENOSPC
            assert found["files"][0] <= inodes and found["files"][1] == 28, (directory, found)
        assert isolated("alice") and isolated("carol")


def test_who_has_all_processes_that_they_may_have_gets_in_isolated_or_not_at_all():
    passwd = H.read("/etc/passwd")
    # limits count the processes of a user id, those that other tests have beside this one too
    H.write("/etc/passwd", f"{passwd}busy:*:3390:3001::/home/alice:/bin/bash\n")
    H.set_policy("user/busy.conf", POLICY)
    H.write(LIMITS, "busy - nproc 200\n")
    try:
        with P.Background(["su", "busy", "-c", f"exec {HOSTILE} fill"]) as full:
            assert full.read_line() == "in"
            # a shell that forks would try for a quarter of a minute
            done = P.su("busy", "exec readlink /proc/self/ns/mnt")
            assert done.stdout.strip() != H.namespaces()["mnt"]
            assert isolated("carol")
            assert P.su("bob", "readlink /proc/self/ns/mnt").check().stdout.strip() == H.namespaces()["mnt"]
    finally:
        os.unlink(LIMITS)
        H.write("/etc/passwd", passwd)

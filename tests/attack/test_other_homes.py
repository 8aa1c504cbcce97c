# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""homes = "own" against users who want to see other homes, or to keep others from logging in."""

import contextlib
import ctypes
import json
import os
import stat
import subprocess

import pytest

from attack.conftest import HOSTILE, SECRET
from attack.test_masks import WAYS
from support import host as H
from support import programs as P

ALICE, BOB = H.USERS["alice"], H.USERS["bob"]
LOGINS = 15
libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(autouse=True)
def own_homes(installed):
    H.set_policy("user/alice.conf", 'mount { homes = "own" homes-roots += { "-/srv/homes" } }\n')


@contextlib.contextmanager
def file_system_that_never_answers(target):
    """FUSE with a daemon that reads no request: whoever asks it for anything waits."""
    if not os.path.exists("/dev/fuse"):
        os.mknod("/dev/fuse", stat.S_IFCHR | 0o600, os.makedev(10, 229))
    fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fd},rootmode=40000,user_id={BOB.uid},group_id={BOB.uid},allow_other"
    assert libc.mount(b"bobs", os.fsencode(target), b"fuse", 0, options.encode()) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        os.close(fd)
        P.run(["umount", "-l", target]).check()


def owned(path, user):
    os.makedirs(path)
    os.chown(path, user.uid, user.uid)
    return path


@contextlib.contextmanager
def loop_of_bobs(script):
    """Runs until the block ends, as bob; the command that it was in has ended then, too."""
    entry = ["setpriv", f"--reuid={BOB.uid}", f"--regid={BOB.uid}", "--clear-groups"]
    with subprocess.Popen([*entry, "sh", "-c", f"echo; while :; do {script}; done"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        try:
            process.stdout.readline()
            yield
            assert process.poll() is None
        finally:
            process.kill()
            process.stdout.read()


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_look_under_the_cover(way):
    """/home is a mount of the sandbox, /srv/homes a directory of the host's, in which her home is then."""
    for root in ("/home", "/srv/homes"):
        H.write(f"{root}/{SECRET}", "")
    passwd = H.read("/etc/passwd")
    owned("/srv/homes/alice", ALICE)
    try:
        look = f"{HOSTILE} reveal {way} /srv/homes"
        control = P.run(["unshare", "-m", "sh", "-c", f"mount -t tmpfs tmpfs /srv/homes; {look} /home/alice/work"]).json()
        assert isinstance(control, dict) and control["found"], f"{way} proves nothing: {control}"
        for directory, home in (("/home", "/home/alice"), ("/srv/homes", "/srv/homes/alice")):
            H.write("/etc/passwd", passwd.replace(":/home/alice:", f":{home}:"))
            seen = P.su("alice", f"{HOSTILE} reveal {way} {directory} {home}/work").check().json()
            assert isinstance(seen, str) or not seen["found"], seen
    finally:
        H.write("/etc/passwd", passwd)
        os.unlink(f"/home/{SECRET}")
        H.empty("/srv")


def test_nobodys_file_system_holds_up_another_ones_login():
    """Over the home of another, below it, and one over where another was."""
    owned("/home/bob/a/mnt", BOB)
    with file_system_that_never_answers("/home/carol"), file_system_that_never_answers("/home/bob/a/mnt"), \
            file_system_that_never_answers("/home/bob/a"), file_system_that_never_answers("/home/bob"):
        before = H.mount_table()
        # whoever waits for such a file system waits for ever, and is given up and refused
        table = P.su("alice", "ls /home; cat /proc/self/mountinfo").check().stdout
        assert table.startswith("alice\n") and "/home/bob" not in table and "/home/carol" not in table
        assert H.mount_table() == before


def test_nor_does_one_over_the_own_home_keep_us_from_looking():
    with file_system_that_never_answers("/home/alice"):
        with P.Background(["su", "alice", "-c", "echo in; cat >/dev/null"]) as login:
            assert login.read_line() == "in"
            identifier, = H.records()
            shown = P.run(["nsinspect", "show", "-J", identifier], timeout=20)
            assert json.loads(shown.stdout)["differences"] == []


def test_who_moves_a_mount_about_keeps_nobody_out_and_has_nothing_else_taken_away():
    owned("/home/bob/a/mnt", BOB)
    os.chown("/home/bob/a", BOB.uid, BOB.uid)
    os.symlink("/", "/home/bob/link")
    P.run(["mount", "-t", "tmpfs", "tmpfs", "/home/bob/a/mnt"]).check()
    try:
        with loop_of_bobs("mv -T /home/bob/a /home/bob/b; mv -T /home/bob/link /home/bob/a; "
                          "mv -T /home/bob/a /home/bob/link; mv -T /home/bob/b /home/bob/a"):
            for _ in range(LOGINS):
                seen = P.su("alice", "ls /home; grep -c ' - proc ' /proc/self/mountinfo; stat -f -c %T /tmp").check()
                assert seen.stdout.split() == ["alice", "1", "tmpfs"]
    finally:
        line, = (line for line in H.read("/proc/self/mountinfo").splitlines() if "/home/bob/" in line)
        P.run(["umount", line.split()[4]]).check()


def test_a_home_where_another_can_exchange_it_is_never_shown(log):
    """bob would have alice see carol's, or be refused by what he likes: a link, nothing, a directory of his."""
    owned("/home/bob/sub", ALICE)
    H.write("/home/carol/secret", "")
    os.symlink("/home/carol", "/home/bob/link")
    passwd = H.read("/etc/passwd")
    P.run(["sed", "-i", "s|:/home/alice:|:/home/bob/sub:|", "/etc/passwd"]).check()
    try:
        with loop_of_bobs("mv -T /home/bob/sub /home/bob/was; mv -T /home/bob/link /home/bob/sub; "
                          "mv -T /home/bob/sub /home/bob/link; mv -T /home/bob/was /home/bob/sub"):
            for _ in range(LOGINS):
                log.clear()
                assert P.su("alice", "ls -R /home").status != 0
                log.wait_for("refused: user=alice .*step mount-homes: /home/bob/sub: Permission denied")
    finally:
        H.write("/etc/passwd", passwd)
        os.unlink("/home/carol/secret")

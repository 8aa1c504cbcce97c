# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""mount { homes = "own" }: of the directories that hold homes a session has its user's own."""

import contextlib
import ctypes
import os

import pytest

from support import host as H
from support import programs as P
from support.compared import differences, session
from support.inject import injected

ALICE, BOB = H.USERS["alice"], H.USERS["bob"]
libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(autouse=True)
def installed(installed):
    policy()
    H.write("/home/alice/mine", "alice's\n", owner=ALICE)
    H.write("/home/bob/theirs", "bob's\n", owner=BOB)
    passwd = H.read("/etc/passwd")
    yield
    H.write("/etc/passwd", passwd)
    H.set_policy("default.conf", "")
    for path in ("/home/alice/mine", "/home/bob/theirs"):
        with contextlib.suppress(OSError):
            os.unlink(path)
    for line in reversed(H.read("/proc/self/mountinfo").splitlines()):
        if line.split()[4].startswith("/srv/"):
            P.run(["umount", line.split()[4]]).check()
    H.empty("/srv")
    P.run(["rm", "-rf", "/home/shared"]).check()


def policy(more="", top=""):
    H.set_policy("default.conf", f'{top}\nmount {{ homes = "own" {more} }}\n')


def move_home(path, user="alice"):
    """What `usermod -d` does."""
    P.run(["sed", "-i", rf"s|^\({user}:.*\):/[^:]*:\([^:]*\)$|\1:{path}:\2|", "/etc/passwd"]).check()
    assert f":{path}:" in H.read("/etc/passwd")


def home_at(path, owner=ALICE, mode=0o700):
    os.makedirs(path)
    os.chown(path, owner.uid, owner.uid)
    os.chmod(path, mode)
    H.write(f"{path}/mark", "")
    return path


def mount(target, name=None, kind="tmpfs", options="mode=0755"):
    P.run(["mount", "-t", kind, "-o", options, kind, target]).check()
    if name:
        H.write(f"{target}/{name}", "")


def seen(command="ls -A /home"):
    return P.su("alice", command).check().stdout.split()


def refused(log, why, user="alice"):
    log.clear()
    assert P.su(user, "true").status != 0
    log.wait_for(rf"refused: user={user} .*{why}")


LOOK = "ls -A /home; cat ~/mine; touch ~/written && echo yes; ls /home/bob 2>/dev/null; touch /home/x 2>/dev/null; pwd"


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_the_own_home_is_there_alone(program):
    words = P.PROGRAMS[program]("alice", LOOK).check().stdout.split()
    assert words[words.index("alice"):][:3] == ["alice", "alice's", "yes"]
    assert "bob" not in words and "theirs" not in words
    assert os.path.exists("/home/alice/written") and "bob" in os.listdir("/home")
    os.unlink("/home/alice/written")


def test_by_login_shells_and_scp_the_working_directory_is_the_home():
    assert P.su("alice", LOOK, options=("-l",)).check().stdout.split()[-1] == "/home/alice"
    with P.sshd():
        assert P.ssh("alice", "pwd; stat -c %U:%a /home; ls /home").check().stdout.split() == [
            "/home/alice", "root:555", "alice"]
        P.scp("alice@127.0.0.1:mine", "/root/fetched").check()
        assert P.scp("alice@127.0.0.1:/home/bob/theirs", "/root/other").status != 0
    os.unlink("/root/fetched")
    os.unlink("/home/alice/written")


def test_who_comes_from_another_home_is_in_the_root():
    assert P.su("alice", "pwd", cwd="/home/bob").check().stdout == "/\n"


def test_a_home_some_levels_down_behind_a_link_of_roots_and_on_another_file_system():
    os.makedirs("/srv/disk/a/b", 0o755)
    mount("/srv/disk/a/b")
    home_at("/srv/disk/a/b/alice")
    home_at("/srv/disk/a/zoe")
    os.symlink("disk", "/srv/homes")
    os.mkdir("/srv/disk/a/b/alice/late")
    move_home("/srv/homes/a/b/alice/")
    policy('homes-roots += { "/srv/homes", "-/srv/none" }')
    assert seen("find /home /srv/homes/ | sort") == [
        "/home", "/srv/homes/", "/srv/homes/a", "/srv/homes/a/b", "/srv/homes/a/b/alice",
        "/srv/homes/a/b/alice/late", "/srv/homes/a/b/alice/mark"]
    with session() as (root, _init):
        assert differences() == []
        mount("/srv/disk/a/b/alice/late", "of-the-host")
        mount("/srv/disk/a/zoe")
        assert os.listdir(f"{root}/srv/disk/a/b/alice/late") == ["of-the-host"]
        assert os.listdir(f"{root}/srv/disk/a") == ["b"]


def test_with_other_keys():
    os.mkdir("/home/alice/.cache")
    os.mkdir("/home/alice/lib")
    os.makedirs("/srv/tools/bin")
    home_at("/home/shared/all", owner=H.USERS["root"], mode=0o755)
    try:
        policy('private "/home/%u/.cache" { } read-only = { "/home", "/srv/tools" }')
        assert P.run(["nsinspect", "check", "/etc/security/nsisolate"]).status == 1
        os.mkdir("/srv/shared")
        policy('private "/home/%u/.cache" { } read-only = { "/srv" } '
               'bind "/home/%u/lib" { source = "/srv/tools" read-only = true } '
               'bind "/srv/shared" { source = "/home/shared" read-only = true }')
        assert seen("ls -A /home /home/alice/lib /srv/shared; touch ~/.cache/x ~/y; touch ~/lib/x || echo no") == [
            "/home:", "alice", "/home/alice/lib:", "bin", "/srv/shared:", "all", "no"]
        assert os.listdir("/home/alice/.cache") == [] and os.path.exists("/home/alice/y")
    finally:
        P.run(["rm", "-rf", "/home/alice/.cache", "/home/alice/lib", "/home/alice/y"]).check()


def test_a_private_home_and_one_that_is_read_only():
    policy('private "/home/%u" { }')
    assert seen("ls -A /home /home/alice; touch /home/alice/x") == ["/home:", "alice", "/home/alice:"]
    policy('homes-roots = { "/home" }')
    H.set_policy("user/alice.conf", 'mount { homes = "own" homes-roots = { "/home" } }\n')
    assert seen() == ["alice"]
    os.unlink(f"{H.POLICIES}/user/alice.conf")
    assert not os.path.exists("/home/alice/x")


def test_no_mount_of_another_home_is_in_the_table():
    """Neither in a file system of homes, nor below a directory of the root's; stacked, and one within another."""
    os.makedirs("/home/alice/disk")
    for path in ("/home/bob", "/home/bob", "/home/carol", "/home/alice/disk"):
        mount(path, "mounted")
    os.mkdir("/home/carol/deep")
    mount("/home/carol/deep")
    try:
        text = P.su("alice", "cat /proc/self/mountinfo").check().stdout
        assert "/home/alice/disk " in text and "/home/alice " in text
        assert "bob" not in text and "carol" not in text
        mount("/home")
        mount("/home")
        home_at("/home/alice")
        os.mkdir("/home/bob")
        mount("/home/bob")
        text = P.su("alice", "ls /home /home/alice; cat /proc/self/mountinfo").check().stdout
        assert text.split()[:4] == ["/home:", "alice", "/home/alice:", "mark"]
        assert "bob" not in text and "carol" not in text and "/home/alice/disk" not in text
    finally:
        P.run(["umount", "-R", "/home"])
        P.run(["umount", "-R", "/home"])
        for path in ("/home/bob", "/home/bob", "/home/carol", "/home/alice/disk"):
            P.run(["umount", "-R", path]).check()
        os.rmdir("/home/alice/disk")


def test_what_the_host_mounts_later_on_the_root_stays_out():
    with session() as (root, _init):
        mount("/home/bob", "late")
        assert os.listdir(f"{root}/home") == ["alice"]
        mount("/home", "later")
        assert os.listdir("/home") == ["later"] and os.listdir(f"{root}/home") == ["alice"]
        assert "mine" in os.listdir(f"{root}/home/alice")
        P.run(["umount", "/home"]).check()
        P.run(["umount", "/home/bob"]).check()
        assert differences() == []


MISSING = "step mount-homes: /home/alice: No such file or directory: a home must be there"
NOT_BELOW = r"default.conf: mount.homes: the home directory '{}' of alice lies below none of /home"


def make_missing():
    os.rename("/home/alice", "/home/gone")


def make_link():
    os.rename("/home/alice", "/home/real")
    os.symlink("real", "/home/alice")


def make_file():
    make_missing()
    H.write("/home/alice", "")


def make_open():
    os.chmod("/home", 0o1777)


def in_bobs():
    home_at("/home/bob/sub")
    move_home("/home/bob/sub")


@pytest.mark.parametrize("change,why", [
    (make_missing, MISSING),
    (make_file, "step mount-homes: /home/alice: Not a directory: homes"),
    (make_link, "step mount-homes: /home/alice: Too many levels of symbolic links: below homes-roots no component"),
    (make_open, "step mount-homes: /home/alice: Permission denied: others than root can write"),
    (in_bobs, "step mount-homes: /home/bob/sub: Permission denied: others than root can write"),
    (lambda: move_home("/"), "default.conf: mount.homes: the home directory of alice: '/' cannot be a home"),
    (lambda: move_home("/nonexistent"), NOT_BELOW.format("/nonexistent")),
    (lambda: move_home("/home/"), NOT_BELOW.format("/home")),
    (lambda: move_home("/home/../home/alice"), "default.conf: mount.homes: .* has '..' in it"),
    (lambda: policy('homes-roots += { "/srv/none" }'),
     "step mount-homes: /srv/none: No such file or directory: .*a '-' before"),
], ids=["missing", "file", "link", "writable-root", "in-another-home", "root", "elsewhere", "the-root-itself", "dots",
        "missing-root"])
def test_what_cannot_be_shown_refuses_and_says_why(change, why, log):
    try:
        change()
        refused(log, why)
        H.set_policy("default.conf", H.read(f"{H.POLICIES}/default.conf").replace("mount", 'mode = "audit"\nmount', 1))
        P.su("alice", "true").check()
        log.wait_for("would refuse: .*homes")
    finally:
        os.chmod("/home", 0o755)
        for left, place in (("/home/real", "/home/alice"), ("/home/gone", "/home/alice")):
            if os.path.exists(left):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(place)
                os.rename(left, place)
        P.run(["rm", "-rf", "/home/bob/sub"]).check()


def test_an_automounters_directory_refuses(log):
    """An indirect map, of which nothing is asked: the other end of its pipe is ours."""
    os.mkdir("/srv/auto")
    reader, writer = os.pipe()
    options = f"fd={writer},pgrp={os.getpid()},minproto=5,maxproto=5,indirect"
    assert libc.mount(b"test", b"/srv/auto", b"autofs", 0, options.encode()) == 0, os.strerror(ctypes.get_errno())
    try:
        move_home("/srv/auto/alice")
        policy('homes-roots = { "/srv/auto" }')
        refused(log, r"step mount-homes: /srv/auto/alice: Operation not supported: .*autofs")
        assert "automounter" in P.run(["nsinspect", "check", "/etc/security/nsisolate"]).stdout
    finally:
        P.run(["umount", "-l", "/srv/auto"]).check()
        os.close(reader)
        os.close(writer)


# mounts what is asked for, as automount(8) does for a direct map: autofs_v5_packet, AUTOFS_IOC_READY
AUTOMOUNTER = """
import ctypes, fcntl, os, struct, subprocess, sys
reader, writer = os.pipe()
libc, target = ctypes.CDLL(None), sys.argv[1]
options = f"fd={writer},pgrp={os.getpid()},minproto=5,maxproto=5,direct"
assert libc.mount(b"test", target.encode(), b"autofs", 0, options.encode()) == 0
control = os.open(target, os.O_RDONLY)
print("in", flush=True)
token, = struct.unpack("I", os.read(reader, 4096)[8:12])
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", target], check=True)
open(f"{target}/automounted", "w").close()
fcntl.ioctl(control, 0x9360, token)
print("mounted", flush=True)
sys.stdin.read()
"""


def test_a_home_that_an_automounter_mounts_when_we_look(log):
    os.makedirs("/srv/homes/alice")
    move_home("/srv/homes/alice")
    policy('homes-roots = { "/srv/homes" }')
    with P.Background(["/usr/bin/python3", "-c", AUTOMOUNTER, "/srv/homes/alice"]) as automounter:
        assert automounter.read_line() == "in"
        with session() as (root, _init):
            assert automounter.read_line() == "mounted"
            assert os.listdir(f"{root}/srv/homes/alice") == ["automounted"]
            assert differences() == []
            P.run(["umount", "/srv/homes/alice"]).check()
            assert os.listdir(f"{root}/srv/homes/alice") == ["automounted"]
        P.run(["umount", "-l", "/srv/homes/alice"]).check()


def test_a_home_that_the_login_makes_is_there_when_we_come(log):
    """pam_mkhomedir(8) in its place, before us, and in the wrong one, where it makes one for the next login."""
    move_home("/home/new")
    path = "/etc/pam.d/su-l"
    text = H.read(path)
    line = "session required pam_mkhomedir.so\n"
    try:
        H.write(path, text + line)
        assert P.su("alice", "true", options=("-l",)).status != 0
        log.wait_for(r"refused: user=alice .*step mount-homes: /home/new: No such file")
        P.run(["rm", "-r", "/home/new"]).check()
        H.write(path, line + text)
        assert P.su("alice", "ls /home; pwd", options=("-l",)).check().stdout.split() == ["new", "/home/new"]
    finally:
        H.write(path, text)
        P.run(["rm", "-rf", "/home/new"]).check()


def test_from_within_the_user_and_root_get_in_and_another_user_where_homes_are_not_hidden(log):
    def nested(user, command="ls -A /home"):
        return P.su("alice", f"sudo -n su {user} -c '{command}'")

    H.write("/etc/sudoers.d/homes", "alice ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    try:
        assert nested("alice", "ls /home; cat /home/alice/mine").check().stdout.split() == ["alice", "alice's"]
        assert nested("root", "ls -A /home").check().stdout.split() == ["alice"]
        assert nested("bob").status != 0
        log.wait_for(r"refused: user=bob .*step mount-homes: /home/bob: No such file or directory: .*"
                     "in a session with homes")
        H.set_policy("user/bob.conf")
        assert nested("bob").check().stdout.split() == ["alice"]
        H.set_policy("user/bob.conf", 'mode = "off"\n')
        assert nested("bob").check().stdout.split() == ["alice"]
    finally:
        os.unlink("/etc/sudoers.d/homes")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{H.POLICIES}/user/bob.conf")


def test_logins_share_a_session_while_their_home_is_the_same():
    policy(top='scope = "user"')
    with session() as (root, _init):
        assert seen("readlink /proc/self/ns/mnt") == [os.readlink(f"{os.path.dirname(root)}/ns/mnt")]
        home_at("/home/shared/alice")
        move_home("/home/shared/alice")
        assert seen("readlink /proc/self/ns/mnt; ls -R /home")[1:] == [
            "/home:", "shared", "/home/shared:", "alice", "/home/shared/alice:", "mark"]


def test_a_home_that_two_users_have_in_common():
    home_at("/home/shared/project", mode=0o777)
    for user in ("alice", "bob"):
        move_home("/home/shared/project", user)
        assert P.su(user, "ls /home/shared; touch /home/shared/project/$(id -un)").check().stdout == "project\n"
    assert sorted(os.listdir("/home/shared/project")) == ["alice", "bob", "mark"]


def test_what_is_no_longer_as_planned_is_found():
    with session() as (root, init):
        assert differences() == []
        os.rename("/home/alice", "/home/old")
        os.mkdir("/home/alice")
        try:
            assert differences() == ["/home shows another home than its user has on the host now"]
            assert "mine" in os.listdir(f"{root}/home/alice")
        finally:
            os.rmdir("/home/alice")
            os.rename("/home/old", "/home/alice")
        enter = ["nsenter", "-m", "-p", "-t", init]
        # a user's own, over their home, is theirs to mount
        P.run([*enter, "mount", "-t", "tmpfs", "tmpfs", "/home/alice"]).check()
        assert differences() == []
        P.run([*enter, "umount", "/home/alice", "/home/alice"]).check()
        assert differences() == ["/home does not show the home of its user"]
        P.run([*enter, "umount", "/home"]).check()
        assert differences() == ["/home shows other homes than that of its user"]


def test_plan_show_and_check_tell():
    assert "mount-homes        /home empty ro,nosuid,nodev,noexec, but for /home/alice" in \
        P.run(["nsinspect", "policy", "alice", "--plan"]).stdout
    assert P.run(["nsinspect", "check", "--kernel", "/etc/security/nsisolate"]).status == 0
    policy('homes-roots = { "/srv/none", "-/srv/other" }')
    assert P.run(["nsinspect", "check", "/etc/security/nsisolate"]).stdout.splitlines()[0] == (
        "default.conf:2: warning: mount.homes-roots: '/srv/none': there is no such directory on this host, and no '-' "
        "before it; every login would be refused")


@pytest.mark.parametrize("syscall,error,when", [
    ("fsopen", "EPERM", "3+"), ("open_tree", "ENOMEM", ""), ("mkdirat", "ENOSPC", "2+"), ("mount_setattr", "EINVAL", "2+"),
    ("umount2", "EPERM", "3+"), ("move_mount", "EINVAL", "3+"), ("fstatfs", "EIO", "")])
def test_a_fault_runs_no_command_and_leaves_nothing(syscall, error, when, log):
    """What is left, the fixture `host` finds."""
    mount("/home")
    try:
        home_at("/home/alice")
        with injected(syscall, error, when):
            P.assert_refused("su", "alice", "touch /home/alice/ran")
        log.wait_for("refused: user=alice .*step mount-homes: /home")
        assert not os.path.exists("/home/alice/ran")
        assert H.records() == {}
    finally:
        P.run(["umount", "/home"]).check()

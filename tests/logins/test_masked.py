# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Directories that a policy hides or makes read-only."""

import os

import pytest

from support import host as H
from support import programs as P
from support.compared import differences, session
from support.inject import injected


@pytest.fixture(autouse=True)
def installed(installed):
    os.mkdir("/srv/exams", 0o755)
    H.write("/srv/exams/questions", "")
    os.mkdir("/srv/open", 0o777)
    os.chmod("/srv/open", 0o777)
    yield
    H.set_policy("default.conf", "")
    P.run(["umount", "-R", "/srv/open/disk"])
    P.run(["umount", "-R", "/srv/exams"])
    H.empty("/srv")


def policy(text):
    H.set_policy("default.conf", f"mount {{ {text} }}\n")


def inside(program, command):
    return P.PROGRAMS[program]("alice", command).check().stdout


def under_su(command):
    return inside("su", command).splitlines()


def mount(directory, name=None):
    P.run(["mount", "-t", "tmpfs", "tmpfs", directory]).check()
    if name:
        H.write(f"{directory}/{name}", "")


def test_nothing_is_seen_of_a_hidden_directory():
    policy('hide = { "/srv/exams" }')
    with P.sshd():
        assert P.ssh("alice", "ls -A /srv/exams; stat -c %a:%U /srv/exams; mkdir /srv/exams/x 2>/dev/null || echo no"
                     ).check().stdout.splitlines() == ["555:root", "no"]
    assert os.listdir("/srv/exams") == ["questions"]


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_hidden_and_read_only_by_every_program(program):
    policy('hide = { "/srv/exams" } read-only = { "/srv/open" }')
    assert "1" not in inside(program, "ls /srv/exams | wc -l").split()
    assert "no" in inside(program, "touch /srv/open/x 2>/dev/null || echo no").split()
    assert os.listdir("/srv/open") == []


def test_read_only_holds_for_what_is_mounted_below():
    os.mkdir("/srv/open/disk")
    P.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/srv/open/disk"]).check()
    policy('read-only = { "/srv/open" }')
    assert P.su("alice", "touch /srv/open/disk/x").status != 0
    assert os.listdir("/srv/open/disk") == []
    P.run(["touch", "/srv/open/disk/of-the-host"]).check()
    assert under_su("ls /srv/open/disk") == ["of-the-host"]


def test_what_is_private_within_a_read_only_directory_stays_writable():
    policy('read-only = { "/var" }')
    assert under_su("touch /var/tmp/x && echo yes; touch /var/x 2>/dev/null || echo no") == ["yes", "no"]


def test_a_path_is_followed_through_links_of_root():
    os.symlink("exams", "/srv/link")
    policy('hide = { "/srv/link" }')
    assert under_su("ls -A /srv/exams /srv/link/") == ["/srv/exams:", "", "/srv/link/:"]


@pytest.mark.parametrize("key,step", [("hide", "mount-hide"), ("read-only", "mount-read-only")])
@pytest.mark.parametrize("prepare,path,why", [
    (lambda: None, "/srv/none", "No such file or directory: a '-' before the path"),
    (lambda: None, "/srv/exams/questions", "Not a directory: only directories can be"),
    (lambda: os.mkdir("/srv/open/x"), "/srv/open/x", "Permission denied: others than root can write to a directory"),
    (lambda: None, "/srv/open/x", "Permission denied: others than root can write to a directory"),
    (lambda: os.chmod("/srv/open", 0o1777), "/srv/open/x", "Permission denied: others than root can write"),
    (lambda: os.symlink("/srv/exams", "/srv/open/x"), "/srv/open/x", "Permission denied: others than root can write"),
    (lambda: os.symlink("/srv/open/y/z", "/srv/link") or os.makedirs("/srv/open/y/z"), "/srv/link",
     "Permission denied: others than root can write to a directory above it"),
    (lambda: os.symlink("loop", "/srv/loop"), "/srv/loop", "Too many levels of symbolic links"),
], ids=["missing", "file", "others-write-above", "missing-there", "missing-in-a-sticky-one", "link-of-others", "link-to-others", "loop"])
def test_what_cannot_be_done_refuses_and_says_why(key, step, prepare, path, why, host):
    prepare()
    policy(f'{key} = {{ "{path}" }}')
    assert P.su("alice", "true").status != 0
    host.log.wait_for(rf"refused: user=alice .*: step {step}: {path}: {why}")


def test_in_a_sticky_directory_what_is_roots_stays_where_it_is():
    os.chmod("/srv/open", 0o1777)
    os.mkdir("/srv/open/x", 0o755)
    H.write("/srv/open/x/secret", "")
    policy('hide = { "/srv/open/x" }')
    assert under_su("ls -A /srv/open/x") == []


@pytest.mark.parametrize("key", ["hide", "read-only"])
@pytest.mark.parametrize("path", ["/srv/none", "/srv/none/x"])
def test_with_a_dash_what_is_missing_is_passed_over(key, path):
    policy(f'{key} = {{ "-{path}", "-/srv/exams" }}')
    assert under_su("touch /srv/exams/x 2>/dev/null || echo no") == ["no"]


def test_a_dash_forgives_nothing_else(host):
    os.mkdir("/srv/open/x")
    policy('hide = { "-/srv/open/x" }')
    assert P.su("alice", "true").status != 0
    host.log.wait_for("step mount-hide: /srv/open/x: Permission denied")


def test_in_mode_audit_the_log_says_what_would_refuse(host):
    H.set_policy("default.conf", 'mode = "audit" mount { hide = { "/srv/none", "-/srv/other" } }\n')
    P.su("alice", "true").check()
    host.log.wait_for("would refuse: step mount-hide: /srv/none: No such file or directory")


def test_what_the_host_mounts_over_a_hidden_directory_stays_hidden():
    policy('hide = { "/srv/exams" }')
    with session() as (root, _):
        mount("/srv/exams", "late")
        assert os.listdir("/srv/exams") == ["late"]
        assert os.listdir(f"{root}/srv/exams") == []
        mount("/srv/open", "seen")
        assert os.listdir(f"{root}/srv/open") == ["seen"]
        P.run(["umount", "/srv/open", "/srv/exams"]).check()
        assert os.listdir(f"{root}/srv/exams") == os.listdir(f"{root}/srv/open") == []


def test_a_hidden_mount_stays_hidden_when_the_host_mounts_it_anew():
    mount("/srv/exams", "first")
    policy('hide = { "/srv/exams" }')
    with session() as (root, _):
        assert os.listdir(f"{root}/srv/exams") == []
        P.run(["umount", "/srv/exams"]).check()
        assert os.listdir("/srv/exams") == ["questions"]
        assert os.listdir(f"{root}/srv/exams") == []
        mount("/srv/exams", "second")
        assert os.listdir(f"{root}/srv/exams") == []


def test_a_directory_that_the_host_makes_anew_is_no_longer_hidden_and_that_is_found():
    policy('hide = { "/srv/exams" }')
    with session() as (root, _):
        assert differences() == []
        os.unlink("/srv/exams/questions")
        os.rmdir("/srv/exams")
        assert differences() == ["/srv/exams is not there any more"]
        os.mkdir("/srv/exams")
        H.write("/srv/exams/new", "")
        assert os.listdir(f"{root}/srv/exams") == ["new"]
        assert differences() == ["/srv/exams can be seen, and its plan hides it"]


@pytest.mark.parametrize("directory,difference", [
    ("/srv/exams", "/srv/exams can be seen, and its plan hides it"),
    ("/srv/open", "/srv/open can be written to, and its plan makes it read-only"),
])
def test_a_mask_that_root_takes_away_inside_is_found(directory, difference):
    policy('hide = { "/srv/exams" } read-only = { "/srv/open" }')
    with session() as (root, _):
        assert differences() == []
        init = root.split("/")[2]
        P.run(["nsenter", "-m", "-p", "-t", init, "umount", directory]).check()
        assert differences() == [difference]


def test_what_the_host_mounts_later_within_a_read_only_directory_is_as_the_host_mounts_it():
    os.mkdir("/srv/open/late")
    policy('read-only = { "/srv/open" }')
    with session() as (root, _):
        mount("/srv/open/late", "seen")
        assert os.listdir(f"{root}/srv/open/late") == ["seen"]
        H.write(f"{root}/srv/open/late/written", "")
        with pytest.raises(OSError, match="Read-only"):
            H.write(f"{root}/srv/open/x", "")
        P.run(["umount", "/srv/open/late"]).check()


@pytest.mark.parametrize("key", ["hide", "read-only"])
def test_check_warns_of_what_would_refuse(key):
    os.mkdir("/srv/open/x")
    policy(f'{key} = {{ "/srv/none", "-/srv/other", "/srv/exams/questions", "/srv/open/x" }}')
    lines = P.run(["nsinspect", "check", "/etc/security/nsisolate"]).stdout.splitlines()
    start, end = f"default.conf:1: warning: mount.{key}: '", "; every login would be refused"
    assert lines[:-1] == [f"{start}{path}': {why}{end}" for path, why in (
        ("/srv/exams/questions", "it is no directory on this host"),
        ("/srv/none", "there is no such directory on this host, and no '-' before it"),
        ("/srv/open/x", "others than root can write to a directory above it on this host"))]


@pytest.mark.parametrize("program", ["sshd", "su", "cron"])
@pytest.mark.parametrize("syscall,error,when", [
    ("fsopen", "EPERM", ""), ("open_tree", "ENOMEM", "1"), ("mount_setattr", "EINVAL", "2"),
    ("move_mount", "EINVAL", "3+"), ("readlinkat", "EIO", "")])
def test_a_mask_that_fails_runs_no_command_and_leaves_nothing(program, syscall, error, when):
    """What is left, the fixture `host` finds. The first open_tree(2) and the second mount_setattr(2) are of read-only."""
    os.symlink("exams", "/srv/link")
    policy('hide = { "/srv/link" } read-only = { "/srv/open" }')
    with injected(syscall, error, when):
        P.assert_refused(program, "alice", "touch /home/alice/ran")
    assert not os.path.exists("/home/alice/ran")
    assert H.records() == {}

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Directories of the host that a session sees elsewhere: mount { bind "PATH" { … } }."""

import os
import shutil

import pytest

from support import host as H
from support import programs as P
from support.compared import differences, session
from support.inject import injected

SUID = "/srv/source/suid-id"


@pytest.fixture(autouse=True)
def installed(installed):
    os.makedirs("/srv/source/deep")
    os.chmod("/srv/source", 0o777)
    os.mkdir("/srv/seen")
    H.write("/srv/source/file", "of the source\n")
    H.write("/srv/seen/below", "")
    shutil.copy("/usr/bin/id", SUID)
    os.chmod(SUID, 0o4755)
    yield
    P.run(["umount", "-R", "/srv/source/deep"])
    H.empty("/srv")


def policy(keys="", *, source="/srv/source", path="/srv/seen", more=""):
    H.set_policy("default.conf", f'mount {{ bind "{path}" {{ source = "{source}" {keys} }} {more} }}\n')


def su(command):
    return P.su("alice", command).check().stdout.split()


def assert_refused(log, why):
    assert P.su("alice", "true").status != 0
    log.wait_for(f"refused: user=alice .*: step mount-bind: {why}")


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_a_source_is_seen_elsewhere_and_can_be_written(program):
    policy()
    words = P.PROGRAMS[program]("alice", "cat /srv/seen/file && touch /srv/seen/new").check().stdout
    assert "of the source" in words
    assert os.path.exists("/srv/source/new") and os.listdir("/srv/seen") == ["below"]


def options(path):
    line, = (line for line in P.su("alice", "cat /proc/self/mountinfo").check().stdout.splitlines()
             if line.split()[4] == path)
    return set(line.split()[5].split(",")) & {"ro", "nosuid", "nodev", "noexec"}


@pytest.mark.parametrize("keys,expected", [
    ("", {"nosuid", "nodev"}), ("read-only = true", {"ro", "nosuid", "nodev"}),
    ("nosuid = false", {"nodev"}), ("nodev = false", {"nosuid"}), ("noexec = true", {"nosuid", "nodev", "noexec"}),
    ("nosuid = false nodev = false", set())])
@pytest.mark.parametrize("deep", [False, True])
def test_flags_hold_for_it_and_for_what_is_mounted_below(keys, expected, deep):
    P.run(["mount", "-t", "tmpfs", "tmpfs", "/srv/source/deep"]).check()
    policy(keys)
    assert options("/srv/seen/deep" if deep else "/srv/seen") == expected


def test_what_flags_do():
    policy("read-only = true noexec = true")
    assert P.su("alice", "touch /srv/seen/x").status != 0
    assert P.su("alice", "/srv/seen/suid-id").status == 126
    policy()
    assert su("/srv/seen/suid-id -u") == ["3001"]
    policy("nosuid = false")
    assert su("/srv/seen/suid-id -u") == ["0"]


def test_a_flag_of_the_source_stays():
    os.mkdir("/srv/disk")
    P.run(["mount", "-t", "tmpfs", "-o", "nosuid,noexec", "tmpfs", "/srv/disk"]).check()
    try:
        policy("nosuid = false nodev = false", source="/srv/disk")
        assert options("/srv/seen") == {"nosuid", "noexec"}
    finally:
        P.run(["umount", "/srv/disk"]).check()


def test_a_part_of_a_hidden_directory_can_be_shown():
    os.mkdir("/srv/all")
    os.mkdir("/srv/all/alice")
    H.write("/srv/all/alice/mine", "")
    policy(source="/srv/all/%u", more='hide = { "/srv/all" }')
    assert su("ls /srv/seen; ls /srv/all") == ["mine"]


def test_late_mounts_of_the_host_appear_in_both_places():
    policy()
    with session() as (root, _init):
        P.run(["mount", "-t", "tmpfs", "tmpfs", "/srv/source/deep"]).check()
        H.write("/srv/source/deep/late", "")
        assert os.listdir(f"{root}/srv/seen/deep") == os.listdir(f"{root}/srv/source/deep") == ["late"]
        P.run(["umount", "/srv/source/deep"]).check()
        assert os.listdir(f"{root}/srv/seen/deep") == []


def test_nothing_mounted_inside_reaches_the_host():
    policy()
    with session() as (_root, init):
        before = H.mount_table()
        P.run(["nsenter", "-m", "-p", "-t", init, "mount", "-t", "tmpfs", "tmpfs", "/srv/seen/deep"]).check()
        assert H.mount_table() == before


CASES = {
    "missing source": (lambda: shutil.rmtree("/srv/source"), "/srv/source: No such file or directory"),
    "file as a source": (lambda: (shutil.rmtree("/srv/source"), H.write("/srv/source", "")),
                         "/srv/source: Not a directory: it and its source must be directories"),
    "source that others could exchange": (lambda: os.chmod("/srv", 0o777),
                                          "/srv/source: Permission denied: others than root can write"),
    "missing target": (lambda: shutil.rmtree("/srv/seen"), "/srv/seen: No such file or directory"),
    "target that is a link": (lambda: (shutil.rmtree("/srv/seen"), os.symlink("source", "/srv/seen")),
                              "/srv/seen: (Too many levels of symbolic links|Not a directory)"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_done_refuses_and_says_why(case, log):
    policy()
    prepare, why = CASES[case]
    try:
        prepare()
        assert_refused(log, why)
        policy(keys="", more="}\nmode = \"audit\"\nmount {")
        P.su("alice", "true").check()
        log.wait_for("would refuse: step mount-bind: ")
    finally:
        os.chmod("/srv", 0o755)


def test_check_warns_of_a_missing_source():
    policy(source="/srv/none")
    lines = P.run(["nsinspect", "check", "/etc/security/nsisolate"]).stdout.splitlines()
    assert lines[0] == ("default.conf:1: warning: mount.bind \"/srv/seen\": its source '/srv/none': there is no such "
                        "directory on this host; every login would be refused")


@pytest.mark.parametrize("command,difference", [
    (["umount", "/srv/seen"], "/srv/seen is not the directory that its plan shows there"),
    (["mount", "-t", "tmpfs", "tmpfs", "/srv/seen"], "/srv/seen is not the directory that its plan shows there"),
    (["mount", "-o", "remount,bind,rw,nosuid,nodev", "/srv/seen"],
     "/srv/seen is mounted with fewer restrictions than planned")])
def test_one_that_is_changed_is_found(command, difference):
    policy("read-only = true")
    with session() as (_root, init):
        assert differences() == []
        P.run(["nsenter", "-m", "-p", "-t", init, *command]).check()
        assert differences() == [difference]


@pytest.mark.parametrize("program", ["sshd", "su", "cron"])
@pytest.mark.parametrize("syscall,error,when", [("open_tree", "EMFILE", ""), ("mount_setattr", "EINVAL", "2")])
def test_a_step_that_fails_runs_no_command(program, syscall, error, when):
    policy()
    with injected(syscall, error, when):
        P.assert_refused(program, "alice", "touch /home/alice/ran")
    assert not os.path.exists("/home/alice/ran") and H.records() == {}


def test_a_source_that_the_user_owns_gives_no_more_than_it_is():
    """Its name is root's to give; what is in it is the user's, and links in it lead where they lead inside."""
    os.mkdir("/srv/of-alice")
    os.chown("/srv/of-alice", 3001, 3001)
    os.symlink("/srv/all", "/srv/of-alice/link")
    os.mkdir("/srv/all")
    H.write("/srv/all/secret", "")
    policy(source="/srv/of-alice", more='hide = { "/srv/all" }')
    assert su("ls /srv/seen; ls /srv/seen/link/") == ["link"]

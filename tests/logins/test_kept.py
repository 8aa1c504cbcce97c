# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Private directories that are kept: mount { private "PATH" { backing = "directory" } }."""

import contextlib
import os
import shutil
import stat

import pytest

from support import host as H
from support import programs as P
from support.compared import differences, session
from support.inject import injected

TOOLS = "/usr/local/lib/nsisolate-tests"
STORE = "/var/lib/nsisolate"
ALICE = f"{STORE}/3001"
KEEP = 'mount { private "/tmp" { backing = "directory" } private "/var/tmp" { backing = "directory" } }\n'


@pytest.fixture(autouse=True)
def installed(installed):
    H.set_policy("default.conf", KEEP)
    yield
    shutil.rmtree(STORE, ignore_errors=True)


def su(user, command):
    return P.su(user, command).check().stdout.split()


def assert_refused(log, why):
    assert P.su("alice", "true").status != 0
    log.wait_for(rf"refused: user=alice .*: step mount-directory: /tmp: {why}")


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_files_are_there_at_the_next_login(program):
    P.PROGRAMS[program]("alice", "echo kept > /tmp/mine; echo other > /var/tmp/mine").check()
    for directory, text in (("/tmp", "kept"), ("/var/tmp", "other")):
        assert text in P.PROGRAMS[program]("alice", f"cat {directory}/mine").check().stdout.split()
        assert not os.path.exists(f"{directory}/mine")


def test_it_is_as_a_new_tmpfs_would_be():
    assert su("alice", "stat -c '%a %U' /tmp; touch /tmp/x; stat -c %U /tmp/x") == ["1777", "root", "alice"]
    options = P.su("alice", "grep ' /tmp ' /proc/self/mountinfo").check().stdout.split()[5].split(",")
    assert {"nosuid", "nodev"} <= set(options)


def test_each_user_has_one_of_their_own_and_nobody_reaches_another():
    su("alice", "touch /tmp/of-alice")
    su("bob", "touch /tmp/of-bob")
    assert su("alice", "ls /tmp") == ["of-alice"] and su("bob", "ls /tmp") == ["of-bob"]
    assert sorted(os.listdir(STORE)) == ["3001", "3002"]
    H.set_policy("user/bob.conf", 'mode = "off"\n')
    for user in ("alice", "bob"):
        for path in (f"{ALICE}/", f"{ALICE}/%2Ftmp", f"{ALICE}/%2Ftmp/of-alice", f"{STORE}/3002/"):
            result = P.su(user, f"ls -d {path}.; cat {path}")
            assert result.status != 0 and result.stderr.count("Permission denied") == 2, result


def test_where_it_is_kept():
    su("alice", "true")
    assert sorted(os.listdir(ALICE)) == ["%2Ftmp", "%2Fvar%2Ftmp", "owner"]
    assert os.readlink(f"{ALICE}/owner") == "alice"
    status = os.stat(ALICE)
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o700)


def test_sessions_of_a_user_share_it():
    with session():
        su("alice", "echo hello > /tmp/shared")
        assert su("alice", "cat /tmp/shared") == ["hello"]


def test_what_is_covered_elsewhere_in_the_policy_does_not_matter():
    H.set_policy("default.conf", 'mount { private "/tmp" { backing = "directory" } private "/var/tmp" { } '
                 'hide = { "/var/lib" } }\n')
    su("alice", "touch /tmp/x")
    assert su("alice", "ls /tmp") == ["x"] and os.listdir(f"{ALICE}/%2Ftmp") == ["x"]
    H.set_policy("default.conf", 'mount { private "/tmp" { backing = "directory" } read-only = { "/var", "/usr" } }\n')
    assert su("alice", "touch /tmp/y; ls /tmp") == ["x", "y"]


def test_a_file_system_mounted_there_bounds_it():
    su("alice", "true")
    P.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=1777", "tmpfs", f"{ALICE}/%2Ftmp"]).check()
    try:
        assert P.su("alice", "head -c 100000 /dev/zero > /tmp/x").status != 0
        assert su("alice", "df --output=size /tmp")[1:] == ["64"]
    finally:
        P.run(["umount", f"{ALICE}/%2Ftmp"]).check()


def test_a_user_with_the_uid_of_another_is_refused(log):
    su("alice", "true")
    os.unlink(f"{ALICE}/owner")
    os.symlink("mallory", f"{ALICE}/owner")
    assert_refused(log, "File exists: what is kept for this uid is another user's, whom the link 'owner'")
    os.unlink(f"{ALICE}/owner")
    os.symlink("alice", f"{ALICE}/owner")
    su("alice", "true")


FORGED = {
    "store of a user": (lambda: os.chown(STORE, 3001, -1), "Operation not permitted"),
    "store that others write": (lambda: os.chmod(STORE, 0o777), "Operation not permitted"),
    "store that is a file": (lambda: (shutil.rmtree(STORE), H.write(STORE, "")), "Not a directory"),
    "directory of the user": (lambda: os.chown(ALICE, 3001, -1), "Operation not permitted"),
    "directory that others search": (lambda: os.chmod(ALICE, 0o711), "Operation not permitted"),
    "directory that is a link": (lambda: (shutil.rmtree(ALICE), os.symlink("/root", ALICE)),
                                 "(Not a directory|Too many levels of symbolic links)"),
    "owner that is a file": (lambda: (os.unlink(f"{ALICE}/owner"), H.write(f"{ALICE}/owner", "alice")), "File exists"),
    "kept link": (lambda: (os.rmdir(f"{ALICE}/%2Ftmp"), os.symlink("/root", f"{ALICE}/%2Ftmp")),
                  "(Not a directory|Too many levels of symbolic links)"),
    "kept file": (lambda: (os.rmdir(f"{ALICE}/%2Ftmp"), H.write(f"{ALICE}/%2Ftmp", "")), "Not a directory"),
    "kept FIFO": (lambda: (os.rmdir(f"{ALICE}/%2Ftmp"), os.mkfifo(f"{ALICE}/%2Ftmp")), "Not a directory"),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_is_not_as_it_was_made_refuses(case, log):
    su("alice", "true")
    forge, why = FORGED[case]
    forge()
    try:
        assert_refused(log, why)
    finally:
        if os.path.isfile(STORE):
            os.unlink(STORE)


@pytest.mark.parametrize("program", ["sshd", "su", "cron"])
@pytest.mark.parametrize("syscall,error,when,left", [
    ("mkdirat", "ENOSPC", "", []), ("mkdirat", "EDQUOT", "3", ["owner"]), ("symlinkat", "EROFS", "", []),
    ("open_tree", "EMFILE", "", ["%2Ftmp", "owner"]), ("mount_setattr", "EINVAL", "2", ["%2Ftmp", "owner"])])
def test_a_step_that_fails_runs_no_command(program, syscall, error, when, left):
    with injected(syscall, error, when):
        P.assert_refused(program, "alice", "touch /home/alice/ran")
    assert not os.path.exists("/home/alice/ran") and H.records() == {}
    assert not os.path.exists(ALICE) or set(os.listdir(ALICE)) <= set(left) | {"%2Fvar%2Ftmp"}
    su("alice", "touch /tmp/x")


def test_two_first_logins_at_once_make_one_directory():
    with contextlib.ExitStack() as stack:
        logins = [stack.enter_context(P.Background(["su", "alice", "-c", f"touch /tmp/{i}; echo in; cat >/dev/null"]))
                  for i in range(4)]
        for login in logins:
            assert login.read_line(timeout=60) == "in"
        assert sorted(os.listdir(f"{ALICE}/%2Ftmp")) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("command", [["umount", "/tmp"], ["mount", "-t", "tmpfs", "tmpfs", "/tmp"],
                                     ["mount", "--bind", "/home", "/tmp"]])
def test_one_that_is_gone_or_covered_is_found(command):
    with session() as (_, init):
        assert differences() == []
        P.run(["nsenter", "-m", "-p", "-t", init, *command]).check()
        assert differences() == ["/tmp is not the directory that its plan keeps for the user"]


def test_nested_logins_have_their_own():
    H.write("/etc/sudoers.d/kept", "alice ALL=(bob) NOPASSWD: ALL\n", 0o440)
    try:
        su("bob", "touch /tmp/of-bob")
        assert su("alice", "touch /tmp/of-alice; sudo -u bob ls /tmp") == ["of-bob"]
        assert su("alice", "ls /tmp") == ["of-alice"]
    finally:
        os.unlink("/etc/sudoers.d/kept")


def test_age_cleans_them_and_nothing_else():
    shipped = H.read("/usr/lib/tmpfiles.d/nsisolate.conf")
    su("alice", "touch /tmp/x /var/tmp/x; mkdir /tmp/d")
    os.mkdir(f"{ALICE}/%2Fsrv", 0o1777)
    H.write(f"{ALICE}/%2Fsrv/x", "")
    lines = [line.split() for line in shipped.splitlines() if line and not line.startswith("#")]
    assert {line[5] for line in lines if line[0] == "e"} == {"10d", "30d"}
    clean = "/run/clean.conf"
    H.write(clean, "".join(" ".join([*line[:5], "0" if line[0] == "e" else line[5]]) + "\n" for line in lines))
    try:
        P.run([f"{TOOLS}/systemd-tmpfiles", "--create", "--clean", clean]).check()
    finally:
        os.unlink(clean)
    assert os.listdir(f"{ALICE}/%2Ftmp") == os.listdir(f"{ALICE}/%2Fvar%2Ftmp") == []
    assert os.listdir(f"{ALICE}/%2Fsrv") == ["x"] and os.readlink(f"{ALICE}/owner") == "alice"
    assert stat.S_IMODE(os.stat(ALICE).st_mode) == 0o700
    assert su("alice", "stat -c %a /tmp /var/tmp") == ["1777", "1777"]

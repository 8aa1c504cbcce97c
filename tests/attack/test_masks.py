# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Nothing shows what lies under a session's mounts. That each way can is shown by root and a mount of no session."""

import os

import pytest

from attack.conftest import HOSTILE, SECRET
from support import host as H
from support import programs as P

WAYS = ("umount", "expire", "move_away", "bind_parent", "bind_parent_recursively_and_umount", "open_tree_of_parent",
        "overlay_parent", "pivot")


def reveal(way, directory):
    return f"{HOSTILE} reveal {way} {directory} /home/alice/work"


@pytest.fixture
def plain_directories(installed):
    """Directories without a mount of the host's on them: what a session covers is then the host's own file."""
    paths = ("/var/tmp", "/run/user")
    for path in paths:
        H.write(f"{path}/{SECRET}", "secret\n")
    yield paths
    for path in paths:
        os.unlink(f"{path}/{SECRET}")


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_look_under_a_mount(way, plain_directories):
    for directory in plain_directories:
        script = f"mount -t tmpfs tmpfs {directory}; {reveal(way, directory)}"
        control = P.run(["unshare", "-m", "sh", "-c", script]).json()
        assert isinstance(control, dict) and control["found"], f"{way} proves nothing about {directory}: {control}"
        seen = P.su("alice", reveal(way, directory)).check().json()
        assert isinstance(seen, str) or not seen["found"], f"{way} {directory}: {seen}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("directory", ["/tmp", "/dev/shm"])
def test_nor_where_the_host_has_a_mount_itself(way, directory, secrets):
    seen = P.su("alice", reveal(way, directory)).check().json()
    assert isinstance(seen, str) or not seen["found"], seen


@pytest.mark.parametrize("directory", ["/tmp", "/var/tmp", "/dev/shm", "/run/user"])
def test_by_path_bob_sees_the_hosts_files_and_alice_does_not(directory, secrets):
    work = "{home}/work"
    found = {}
    for user in ("alice", "bob"):
        command = f"{HOSTILE} reveal bare {directory} {work.format(home=H.USERS[user].home)}"
        found[user] = P.su(user, command).check().json()["found"]
    assert found == {"alice": False, "bob": True}


def test_a_working_directory_of_the_host_is_left(secrets):
    os.mkdir("/tmp/deep", 0o755)
    try:
        for user, where in (("alice", "/\n"), ("bob", "/tmp/deep\n")):
            assert P.run(["su", user, "-c", "pwd"], user="bob", cwd="/tmp/deep") == P.Result(0, where)
        assert SECRET not in P.run(["su", "alice", "-c", "ls .. ; ls /proc/self/cwd/.."], user="bob",
                                   cwd="/tmp/deep").stdout
    finally:
        os.rmdir("/tmp/deep")

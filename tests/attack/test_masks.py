# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Nothing shows what lies under a session's own mounts; root with a mount of no session shows that each way can."""

import os
import subprocess

import pytest

from attack.conftest import HOSTILE, SECRET
from support import host as H
from support import programs as P

WAYS = ("umount", "expire", "move_away", "bind_parent", "bind_parent_recursively_and_umount", "open_tree_of_parent",
        "overlay_parent", "file_handle", "pivot")
MASKED = ("/tmp", "/var/tmp", "/dev/shm", "/run/user")


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
    if way == "file_handle":
        pytest.xfail("to be written")
    for directory in plain_directories:
        script = f"mount -t tmpfs tmpfs {directory}; {reveal(way, directory)}"
        control = P.run(["unshare", "-m", "sh", "-c", script]).json()
        assert isinstance(control, dict) and control["found"], f"{way} proves nothing about {directory}: {control}"
        seen = P.su("alice", reveal(way, directory)).check().json()
        assert isinstance(seen, str) or not seen["found"], f"{way} {directory}: {seen}"

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What the host mounts and unmounts while a session lives never uncovers what the session covers."""

import contextlib

import pytest

from attack.conftest import SECRET
from support import host as H
from support import programs as P

LIST = "while read -r directory; do ls $directory | tr '\\n' ' '; echo; done"


@contextlib.contextmanager
def asking(user):
    """A login of which can be asked, again and again, what a directory holds."""
    with P.Background(["su", user, "-c", LIST]) as login:
        def ask(directory):
            login.process.stdin.write(f"{directory}\n".encode())
            login.process.stdin.flush()
            return login.read_line().split()
        yield ask


@contextlib.contextmanager
def mounted(directory):
    P.run(["mount", "-t", "tmpfs", "later", directory]).check()
    H.write(f"{directory}/{SECRET}-later", "secret\n")
    try:
        yield
    finally:
        P.run(["umount", "-l", directory]).check()


@pytest.mark.parametrize("directory", ["/tmp", "/var/tmp", "/dev/shm", "/run/user", "/run/nsisolate", "/dev/mqueue"])
def test_a_later_mount_stays_under_the_sessions(directory, secrets):
    with asking("alice") as alice, asking("bob") as bob:
        before = alice(directory)
        for _ in range(2):
            with mounted(directory):
                assert alice(directory) == before
                if directory != "/run/nsisolate":
                    assert f"{SECRET}-later" in bob(directory)
            assert alice(directory) == before


def test_an_unmount_on_the_host_uncovers_nothing(secrets):
    """A file system that the host had on the directory when the session began."""
    P.run(["mount", "-t", "tmpfs", "early", "/var/tmp"]).check()
    try:
        with asking("alice") as alice, asking("bob") as bob:
            assert SECRET not in bob("/var/tmp")
            P.run(["umount", "-l", "/var/tmp"]).check()
            assert SECRET in bob("/var/tmp")
            assert alice("/var/tmp") == []
    finally:
        P.run(["umount", "-l", "/var/tmp"])


def test_a_mount_below_a_covered_directory_is_not_seen(secrets):
    P.run(["mkdir", "-p", "/var/tmp/deep"]).check()
    try:
        with asking("alice") as alice, asking("bob") as bob, mounted("/var/tmp/deep"):
            assert f"{SECRET}-later" in bob("/var/tmp/deep")
            assert "deep" not in alice("/var/tmp")
            assert alice("/var/tmp/deep") == []
    finally:
        P.run(["rmdir", "/var/tmp/deep"]).check()

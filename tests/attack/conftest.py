# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
alice is isolated by the defaults, bob is not: what bob can do shows that an attack proves something. su asks for no
password here, since what is attacked is what comes after it; then it runs with the real user id of who called it.
"""

import os

import pytest

from support import host as H
from support import programs as P

TOOLS = "/usr/local/lib/nsisolate-tests"
HOSTILE = f"{TOOLS}/hostile"
HOSTILE_CALLER = f"{TOOLS}/hostile_caller"
SECRET = "of-the-host"


@pytest.fixture
def installed(installed):
    for service in ("su", "su-l"):
        path = f"/etc/pam.d/{service}"
        H.write(path, "auth sufficient pam_permit.so\n" + H.read(path))
    H.write("/etc/sudoers.d/attack", "bob ALL=(alice,carol) NOPASSWD: ALL\n", 0o440)
    H.set_policy("user/alice.conf")
    for name in ("hostile", "hostile_caller", "victim", "within"):
        H.write(f"{TOOLS}/{name}", H.read(os.path.join(os.path.dirname(__file__), f"{name}.py")), 0o755)
    yield
    os.unlink("/etc/sudoers.d/attack")
    for user in ("alice", "bob"):
        for name in os.listdir(f"/home/{user}"):
            if name not in (".ssh", ".hushlogin"):
                P.run(["rm", "-rf", f"/home/{user}/{name}"]).check()


@pytest.fixture
def secrets(installed):
    """A file of the host in each directory that a session has for itself."""
    paths = [f"{directory}/{SECRET}" for directory in ("/tmp", "/var/tmp", "/dev/shm", "/run/user")]
    for path in paths:
        H.write(path, "secret\n")
    yield paths
    for path in paths:
        os.unlink(path)

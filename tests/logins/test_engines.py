# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Sockets of container engines: hidden by default, and where that does not hold, found."""

import contextlib
import json
import os
import re
import shutil
import socket
import struct

import pytest

from support import host as H
from support import programs as P
from support import sandbox

TABLE = re.findall(r'\{ "(/[^"]+)", "(/[^"]+)" \}', H.read(os.path.join(sandbox.SOURCE, "config/engines.c")))
CONNECT = "python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' {} 2>/dev/null"


@pytest.fixture(autouse=True)
def installed(installed):
    H.set_policy("default.conf", "")
    H.set_policy("user/bob.conf", 'mode = "off"\n')


@contextlib.contextmanager
def engine(path, mode=0o666):
    """A daemon that listens there; its directories are removed with it."""
    made = path
    while not os.path.exists(os.path.dirname(made)):
        made = os.path.dirname(made)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    listener = listen(path, mode)
    try:
        yield
    finally:
        listener.close()
        shutil.rmtree(made) if os.path.isdir(made) else os.unlink(made)


def listen(path, mode=0o666):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, mode)
    listener.listen()
    return listener


@contextlib.contextmanager
def session(user="alice"):
    """connects(path): whether a process of it can."""
    with P.Background(["su", user, "-c", "echo in; cat >/dev/null"]) as login:
        login.read_line()
        init = H.session_init()

        def connects(path):
            return P.run(["nsenter", "-a", "-t", str(init), "setpriv", "--reuid=3001", "--regid=3001",
                          "--clear-groups", "sh", "-c", CONNECT.format(path)]).status == 0

        yield connects


def audited():
    """What is found of engines, and of masks that are not there."""
    found = json.loads(P.run(["nsinspect", "audit", "-J", "--hurried"], timeout=60).stdout)["findings"]
    return sorted(finding["seen"] for finding in found if finding["code"] in ("NSI011", "NSI090"))


def test_the_table_is_read():
    assert len(TABLE) == 12 and ("/run/docker.sock", "/run/docker.sock") in TABLE


@pytest.mark.parametrize("hidden,path", TABLE)
def test_no_engine_can_be_reached_by_default(hidden, path):
    with engine(path):
        assert P.su("bob", CONNECT.format(path)).status == 0
        assert P.su("alice", CONNECT.format(path)).status != 0
        if hidden != path:
            assert P.su("alice", f"ls -A {hidden}").check().stdout == ""
        with session() as connects:
            assert not connects(path)
            assert audited() == []


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_nor_by_any_program(program):
    with engine("/run/docker.sock"), engine("/run/podman/podman.sock"):
        for path in ("/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock"):
            assert "no" in P.PROGRAMS[program]("alice", CONNECT.format(path) + " || echo no").check().stdout.split()


@pytest.mark.parametrize("hidden,path", TABLE)
def test_where_the_policy_lets_them_be_seen_they_are_found(hidden, path):
    H.set_policy("default.conf", "mount { hide-engines = false }\n")
    with engine(path), session() as connects:
        assert connects(path)
        assert audited() == [f"alice may connect to {path}"]


def test_a_directory_stays_hidden_when_the_engine_starts_anew():
    with engine("/run/podman/podman.sock"), session() as connects:
        os.unlink("/run/podman/podman.sock")
        with contextlib.closing(listen("/run/podman/podman.sock")):
            assert not connects("/run/podman/podman.sock")
            assert audited() == []


@pytest.mark.parametrize("path", ["/run/docker.sock", "/run/cri-dockerd.sock"])
@pytest.mark.parametrize("anew", ["unlinked", "renamed"])
def test_a_socket_among_files_of_others_is_seen_when_the_engine_starts_anew_and_that_is_found(path, anew):
    with engine(path), session() as connects:
        assert not connects(path)
        if anew == "unlinked":
            os.unlink(path)
            again = listen(path)
        else:
            again = listen(f"{path}.new")
            os.rename(f"{path}.new", path)
        with contextlib.closing(again):
            assert connects(path)
            assert audited() == [f"{path} can be seen, and its plan hides it", f"alice may connect to {path}"]
            assert P.su("alice", CONNECT.format(path)).status != 0


def test_an_engine_that_starts_after_login_is_found():
    with session() as connects, engine("/run/podman/podman.sock"):
        assert connects("/run/podman/podman.sock")
        assert audited() == ["/run/podman can be seen, and its plan hides it",
                             "alice may connect to /run/podman/podman.sock"]


def test_a_socket_that_is_a_link_to_another_engines():
    """As the package podman-docker has it."""
    with engine("/run/podman/podman.sock"):
        os.symlink("/run/podman/podman.sock", "/run/docker.sock")
        try:
            assert P.su("bob", CONNECT.format("/run/docker.sock")).status == 0
            with session() as connects:
                assert not connects("/run/docker.sock") and not connects("/run/podman/podman.sock")
                assert audited() == []
        finally:
            os.unlink("/run/docker.sock")


def entry(tag, permissions, identifier=0xffffffff):
    return struct.pack("<HHI", tag, permissions, identifier)


@pytest.mark.parametrize("uid,found", [(3001, True), (3002, False)])
def test_an_access_control_list_counts(uid, found):
    H.set_policy("default.conf", "mount { hide-engines = false }\n")
    with engine("/run/docker.sock", 0o660):
        # acl(5): root rw, that user rw, the group none, mask rw, others none
        os.setxattr("/run/docker.sock", "system.posix_acl_access", struct.pack("<I", 2) + entry(1, 6) +
                    entry(2, 6, uid) + entry(4, 0) + entry(16, 6) + entry(32, 0))
        with session() as connects:
            assert connects("/run/docker.sock") == found
            assert audited() == ["alice may connect to /run/docker.sock"] * found


def test_what_others_could_exchange_refuses(host):
    os.chmod("/run", 0o775)
    try:
        with engine("/run/podman/podman.sock"):
            assert P.su("alice", "true").status != 0
        host.log.wait_for("step hide-engine: /run/podman: Permission denied: others than root can write to a directory "
                          "above it")
        P.su("alice", "true").check()
    finally:
        os.chmod("/run", 0o755)

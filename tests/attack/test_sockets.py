# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Sockets of the host: abstract ones, those in covered directories, and forwardings by ssh to both."""

import contextlib
import os
import socket
import threading

import pytest

from attack.conftest import HOSTILE
from support import host as H
from support import programs as P


@contextlib.contextmanager
def listening(address):
    """A service of the host that says a word to each."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    if not address.startswith("\0"):
        os.chmod(address, 0o777)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = server.accept()
                with peer, contextlib.suppress(OSError):
                    peer.sendall(b"hello")

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        if not address.startswith("\0"):
            os.unlink(address)


def word(path):
    """What a client of the host gets through a socket in the file system."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(H.TIMEOUT)
        peer.connect(path)
        with contextlib.suppress(ConnectionError):
            return peer.recv(100).decode()
    return ""


def test_an_abstract_socket_of_the_host_is_out_of_reach(installed):
    with listening("\0nsisolate-test"):
        assert P.su("bob", f"{HOSTILE} abstract nsisolate-test").check().json() == {"answer": "hello"}
        assert P.su("alice", f"{HOSTILE} abstract nsisolate-test").check().json() == "errno 111"


@pytest.mark.parametrize("target", ["/tmp/service", "/var/tmp/service", "/dev/shm/service", "/run/user/service"])
def test_ssh_does_not_forward_to_a_socket_in_a_covered_directory(target, server):
    with listening(target):
        for user, heard in (("bob", "hello"), ("alice", "")):
            local = f"/root/forward-{user}"
            with P.ssh_forward(user, "-L", f"{local}:{target}"):
                H.wait_until(lambda local=local: H.accepts(local), "-L does not listen")
                assert word(local) == heard
            os.unlink(local)


def test_ssh_does_not_listen_on_the_hosts_tmp(server):
    with P.Listener("hello") as listener:
        for user in ("alice", "bob"):
            path = f"/tmp/backward-{user}"
            with P.ssh_background(user, f"while ! test -S {path}; do sleep 0.1; done; echo listens; cat",
                                  options=("-R", f"{path}:127.0.0.1:{listener.port}")) as login:
                assert login.read_line() == "listens"
                assert os.path.exists(path) == (user == "bob")
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/tmp/backward-bob")


def test_a_dynamic_forwarding_does_not_reach_the_hosts_loopback(server):
    def ask_socks(port):
        with socket.create_connection(("127.0.0.1", 8003), H.TIMEOUT) as peer:
            peer.sendall(b"\5\1\0" + b"\5\1\0\1\x7f\0\0\1" + port.to_bytes(2, "big"))
            received = b""
            with contextlib.suppress(ConnectionError, TimeoutError):
                while data := peer.recv(100):
                    received += data
            return received

    with P.Listener("hello") as listener:
        for user in ("bob", "alice"):
            with P.ssh_forward(user, "-D", "127.0.0.1:8003"):
                H.wait_until(lambda: P.listening_on(8003), "-D does not listen")
                assert (b"hello" in ask_socks(listener.port)) == (user == "bob")


def test_a_jump_through_the_login_does_not_reach_the_hosts_loopback(server):
    with P.Listener("hello") as listener:
        for user, heard in (("bob", "hello"), ("alice", "")):
            done = P.ssh(user, options=("-W", f"127.0.0.1:{listener.port}"))
            assert done.stdout == heard


def test_a_second_session_of_a_control_master_is_not_outside(server):
    with P.ssh_master("alice") as through:
        for _ in range(3):
            link = P.ssh("alice", "readlink /proc/self/ns/net", options=through).check().stdout.strip()
            assert link != H.namespaces()["net"]
        assert "hello" not in P.ssh("alice", f"{HOSTILE} abstract nsisolate-test", options=through).stdout

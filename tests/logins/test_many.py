# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Many logins, one after another and at once: each gets a session, and nothing is left."""

import concurrent.futures
import os

import pytest

from support import host as H
from support import programs as P

SERVICES = ("sshd", "su")
ONE_AFTER_ANOTHER = 200
AT_ONCE = 50
GO = "/home/alice/go"


@pytest.fixture(autouse=True)
def isolated(host, module):
    host.add_module(SERVICES)
    host.set_policy("user/alice.conf")


def opened(log):
    return len(log.matching("session opened: "))


def test_200_logins_one_after_another_leave_nothing(log):
    for _ in range(ONE_AFTER_ANOTHER):
        assert P.su("alice", "readlink /proc/self/ns/net").check()
    log.wait_for("session closed: ", count=ONE_AFTER_ANOTHER)
    assert H.records() == {}


def test_50_ssh_logins_at_once_get_50_sessions(log):
    # all of them stay until the last is in: the kernel gives the numbers of ended namespaces out again
    command = f"readlink /proc/self/ns/net; while [ ! -e {GO} ]; do sleep 0.1; done"
    with P.sshd("MaxStartups=1000"), concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        logins = [pool.submit(P.ssh, "alice", command, timeout=120) for _ in range(AT_ONCE)]
        try:
            log.wait_for("session opened: ", count=AT_ONCE, timeout=100)
        finally:
            H.write(GO, "")
        results = [login.result() for login in logins]
        os.unlink(GO)
        assert [result.status for result in results] == [0] * AT_ONCE, [r.stderr for r in results if r.status]
        namespaces = {result.stdout for result in results}
        assert len(namespaces) == AT_ONCE
        assert H.namespaces()["net"] not in namespaces
    log.wait_for("session closed: ", count=AT_ONCE)
    H.wait_until(lambda: not H.records(), "the records to go")

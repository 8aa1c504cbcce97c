# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Many logins, one after another and at once: each gets a session, and nothing is left."""

import concurrent.futures

import pytest

from support import host as H
from support import programs as P

SERVICES = ("sshd", "su")
ONE_AFTER_ANOTHER = 200
AT_ONCE = 50


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
    with P.sshd("MaxStartups=1000"), concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda _: P.ssh("alice", "readlink /proc/self/ns/net; sleep 1", timeout=120),
                                range(AT_ONCE)))
        assert [result.status for result in results] == [0] * AT_ONCE, [r.stderr for r in results if r.status]
        namespaces = {result.stdout for result in results}
        assert len(namespaces) == AT_ONCE
        assert H.namespaces()["net"] not in namespaces
    log.wait_for("session closed: ", count=AT_ONCE)
    H.wait_until(lambda: not H.records(), "the records to go")

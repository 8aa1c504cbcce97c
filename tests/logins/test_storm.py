# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
nsinspect among processes and sessions that come and go by the hundred: each answer is well formed, and nothing is found
that is not there.
"""

import contextlib
import itertools
import json
import random
import time

from support import host as H
from support import programs as P
from test_audited import STORM, assert_healthy, isolated, newest_pid, sweep  # noqa: F401, a fixture among them

RATE = 170  # processes a second: 10,000 a minute
PATIENCE = 20

STORMS = [
    # of a user on the host, in a session, and in namespaces of their own within one
    ["sh", "-c", "while :; do for i in 1 2 3 4 5 6 7 8 9 10; do setpriv --reuid=3001 --regid=3001 --clear-groups true & done; wait; done"],
    ["su", "alice", "-c", "while :; do for i in 1 2 3 4 5; do (exec -a \"x$i\" true) & done; unshare -Urpf true; wait; done"],
    # and sessions: short ones, one that waits, nested ones, and some whose login is killed
    ["sh", "-c", "while :; do su bob -c 'true & true'; done"],
    ["sh", "-c", "while :; do su carol -c 'sleep 0.0$$ & exec true'; su alice -c 'sudo -n -u bob true'; done"],
    ["sh", "-c", "while :; do su bob -c 'sleep 5' & sleep 0.07; kill -9 $!; wait; done"],
]


def inspect(*words, statuses=(0,)):
    done = P.run(["nsinspect", *words], timeout=60)
    assert done.status in statuses, done
    if done.status == 0:
        assert done.stderr == "", done
        return json.loads(done.stdout)
    return done


def show(identity):
    """Of a session that may end at any moment; None when it has."""
    shown = inspect("show", "-J", identity, statuses=(0, 1))
    if isinstance(shown, P.Result):
        assert "no session" in shown.stderr or "has ended" in shown.stderr, shown
        return None
    # a login that left is one: that is what such a session is about to end by
    assert [each for each in shown["differences"] if "login process" not in each] == [], shown["differences"]
    assert not any(item["differs"] for item in shown.get("plan", []))
    return shown


def flatten(rows, key):
    for row in rows:
        yield row
        yield from flatten(row.get(key, []), key)


def look(steady):
    rows = list(flatten(inspect("list", "-J", "--output-all", "--all")["sessions"], "sessions"))
    assert {row["state"] for row in rows} <= {"active", "closing", "ended"}, rows
    assert steady in [row["id"] for row in rows]
    processes = inspect("ps", "-J", "--output-all")["processes"]
    assert not [row for row in flatten(processes, "children") if row["entry"] == "outside"], processes
    for style in ("-r", "-P", "-n"):
        assert P.run(["nsinspect", "ps", style], timeout=60).check().stderr == ""
    assert show(steady)["differences"] == []
    for row in random.sample(rows, min(3, len(rows))):
        show(row["id"])
    with contextlib.suppress(StopIteration):
        ident = next(row["id"] for row in rows if row["state"] != "ended" and row["id"] != steady)
        assert P.run(["nsinspect", "ps", ident], timeout=60).status in (0, 1)


def test_every_view_holds_among_all_that_comes_and_goes():
    H.write("/etc/sudoers.d/storm", "alice ALL=(bob) NOPASSWD: ALL\n", 0o440)
    with P.Background(["su", "alice", "-c", "echo in; cat >/dev/null"]) as login, contextlib.ExitStack() as storms:
        assert login.read_line() == "in"
        steady, = H.live_records()
        for words in STORMS:
            storms.enter_context(P.Background(words, reads=False))
        first, begin = newest_pid(), time.monotonic()
        for turn in itertools.count():
            look(steady)
            if turn % 3 == 0:
                assert_healthy()
            passed = time.monotonic() - begin
            if passed >= STORM and newest_pid() - first >= RATE * STORM:
                break
            assert passed < PATIENCE * STORM, f"only {newest_pid() - first} processes"
    sweep()

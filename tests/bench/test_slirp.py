# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What network.mode = "slirp" adds to opening a session, beside "loopback"; both in turns, in one run."""

import statistics
import time

from support import host as H
from support import programs as P

SLIRP = 'network { mode = "slirp" }\n'
ROUNDS = 50
TARGET = 10  # ms


def settled():
    return not H.isolated_processes() and not [found for found in H.processes() if found.name == "slirp4netns"]


def opening(policy):
    """Milliseconds; nsrun opens a session as a login does."""
    H.set_policy("user/alice.conf", policy)
    # the end of the one before is no part of this one's beginning
    H.wait_until(settled, "the last one to end")
    start = time.time()
    inside_at = P.run(["nsrun", "-u", "alice", "--", "date", "+%s.%N"]).check().stdout
    return (float(inside_at) - start) * 1000


def test_slirp_adds_little(installed):
    times = {"": [], SLIRP: []}
    for _ in range(ROUNDS):
        for policy, found in times.items():
            found.append(opening(policy))
    loopback, slirp = (statistics.median(found) for found in times.values())
    print(f"loopback {loopback:.1f} ms, slirp {slirp:.1f} ms: {slirp - loopback:.1f} ms more (target {TARGET}); "
          f"fastest {min(times['']):.1f} and {min(times[SLIRP]):.1f}")
    assert all(value > 0 for found in times.values() for value in found)

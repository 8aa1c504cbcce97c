# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
A real login by ssh, from the client's start to its end, with the module in sshd's stack and without, in turns. The row
of the table is bench.c's. ROUNDS is the one argument.
"""

import shutil
import statistics
import sys
import time

from support import host, programs

STACK = "/etc/pam.d/sshd"


def median_and_fast(times):
    return statistics.median(times), sorted(times)[(len(times) - 1) // 10]


def login():
    begin = time.perf_counter()
    programs.ssh("alice", "true").check()
    return (time.perf_counter() - begin) * 1e6


def main(rounds):
    shutil.copy(STACK, f"{STACK}.without")
    host.add_module(["sshd"])
    shutil.copy(STACK, f"{STACK}.with")
    host.set_policy("default.conf", "")
    found = {"with": [], "without": []}
    log = host.Log()
    with programs.sshd():
        login()
        for _ in range(rounds):
            for name, times in found.items():
                shutil.copy(f"{STACK}.{name}", STACK)
                times.append(login())
    assert log.text().count("session opened: id=") >= rounds, log.text()
    (ours, ours_fast), (other, other_fast) = (median_and_fast(found[name]) for name in ("with", "without"))
    print(f"| a login by ssh, whole | nothing: sshd without the module | {ours:.0f} ({ours_fast:.0f}) | {other:.0f} ({other_fast:.0f}) | "
          f"{ours / other:.2f} | {ours_fast / other_fast:.2f} | {rounds} |", flush=True)


main(int(sys.argv[1]))

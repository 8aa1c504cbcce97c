# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
How many system calls a login is: all of them, of login program, helper and init, in opening a default session until its
init waits, and in closing it; those of libc's name services, of libpam's audit and of the programs' start among them.
It is the second login of its user, so that the directories are there. More is a mistake, or needs a reason.
"""

import collections
import contextlib
import re
import signal
import subprocess

import pytest

from support import host as host_module
from support.driver import TRACE, Driver, set_stack
from support.host import wait_until

LIMITS = {"open, login program": 140, "open, helper": 145, "open, init": 118, "close, login program": 45, "close, init": 0}
# opening and closing, beside a stack of pam_permit alone
MORE_THAN_WITHOUT = 150
CALL = re.compile(r"^(\d+) +(\w+)\(([^,)]*)")
# by which the driver is driven
DRIVEN = {("read", "0"), ("write", "1")}
# of the closing, which looks every 5 ms whether the init has ended
WAITS = ("poll", "waitid", "restart_syscall")


def counted(lines, login):
    """By process, in the order in which they appear: the login program, its helper, the init."""
    found = collections.OrderedDict()
    for line in lines:
        match = CALL.match(line)
        if match and not (int(match[1]) == login and (match[2], match[3]) in DRIVEN):
            found.setdefault(match[1], collections.Counter())[match[2]] += 1
    return found


def lines():
    return host_module.read(TRACE).splitlines()


def init_waits():
    """In poll(2), without a time limit, after the last thing that it does for the login."""
    sealed = [line.split()[0] for line in lines() if "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE" in line]
    calls = [line for line in lines() if sealed and line.startswith(f"{sealed[0]} ")]
    return calls and re.search(r" poll\(.*, -1( <unfinished \.\.\.>)?$", calls[-1])


@contextlib.contextmanager
def traced(driver):
    with subprocess.Popen(["strace", "-f", "-p", str(driver.pid), "-o", TRACE], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, cwd="/") as tracer:
        try:
            assert "attached" in tracer.stderr.readline()
            wait_until(lambda: "read(0" in host_module.read(TRACE), "the login program to wait")
            yield
        finally:
            tracer.send_signal(signal.SIGINT)


def without_waits(calls):
    return collections.Counter({call: count for call, count in calls.items() if call not in WAITS})


def traced_login(driver, settled=lambda: True):
    """The lines of opening, until it has settled, and those of closing."""
    with traced(driver):
        assert driver.open() == 0
        wait_until(settled, "the init to wait")
        opened = len(lines())
        driver.run()
        ran = len(lines())
        assert driver.tell(rb"closed (\d+)\n")[1][1] == b"0"
        closed = len(lines())
    return lines()[:opened], lines()[ran:closed]


def calls_without_module(driver):
    """Of the login program alone, in opening and closing."""
    return sum(sum(without_waits(counted(some, driver.pid)[str(driver.pid)]).values()) for some in traced_login(driver))


@pytest.fixture
def permitted(module):
    """The driver under a stack that does nothing."""
    set_stack("pam_permit.so")
    driver = Driver()
    yield driver
    driver.kill()


@pytest.fixture
def login(module, permitted):
    set_stack(module)
    host_module.set_policy("default.conf", "")
    first = Driver()
    assert first.open() == 0
    first.run()
    first.tell(rb"closed (\d+)\n")
    first.end()
    driver = Driver()
    yield driver
    driver.kill()


def test_of_a_login_are_no_more_than_they_were(login, permitted):
    nothing = calls_without_module(permitted)
    opening, closing = traced_login(login, init_waits)
    by_process = list(counted(opening, login.pid).values())
    assert len(by_process) == 3, by_process
    closing = counted(closing, login.pid)
    of_login = closing.pop(str(login.pid))
    found = dict(zip(("open, login program", "open, helper", "open, init"), by_process))
    found["close, login program"] = without_waits(of_login)
    found["close, init"] = sum(closing.values(), collections.Counter())
    for name, calls in found.items():
        print(f"{name}: {sum(calls.values())}, at most {LIMITS[name]}: "
              + ", ".join(f"{count} {call}" for call, count in calls.most_common()))
    print(f"in all: {sum(sum(calls.values()) for calls in found.values())}")
    in_login = sum(sum(calls.values()) for name, calls in found.items() if "login program" in name)
    print(f"login program, more than with pam_permit ({nothing}): {in_login - nothing}, at most {MORE_THAN_WITHOUT}")
    assert {name: sum(calls.values()) for name, calls in found.items() if sum(calls.values()) > LIMITS[name]} == {}
    assert in_login - nothing <= MORE_THAN_WITHOUT

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Every system call between entry and return of pam_open_session fails, and the helper and the init are killed
at every one: what comes out is a whole session, or a refusal; and never is anything left.

strace(1) injects. The login program is attached to when it is ready; the helper is replaced by a script that
starts the real one under strace -D, which keeps it the login program's child, and follows it into the init.
The short form takes each system call's first and last time, the long form ($NSISOLATE_LONG=1) every time.
"""

import contextlib
import os
import re
import signal
import subprocess
import time

import pytest

from support import host as host_module
from support.host import wait_until

DRIVER = os.environ.get("NSISOLATE_PAM_DRIVER")
STACKS = "/run/pam-stacks"
TRACE = "/run/pam-trace"
PAM_SYSTEM_ERR, PAM_PERM_DENIED = 4, 6
OUTCOMES = []  # PAM's values of all faults of a run
LONG = os.environ.get("NSISOLATE_LONG") == "1"

# What a session is, in text that is the same for every one: mounts without their numbers, names, loopback, powers of the init.
LOOK = r"""
sed -E 's/^[0-9]+ [0-9]+ [0-9]+:[0-9]+ //; s/master:[0-9]+/master/' /proc/self/mountinfo
hostname; cat /sys/class/net/lo/flags; stat -c '%U %a' /run/user/*; ls -A /tmp /var/tmp /dev/shm /run/nsisolate
grep -E 'Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|^Uid' /proc/1/status
"""

# Calls that the kernel does not fail in the way an injection would have it: the injected one is not made at all, so
# that a descriptor stays open or a child unreaped by the test's own doing; and brk(2) fails without an error number.
NEVER_FAIL = {"brk", "close", "close_range", "munmap", "exit_group", "exit", "wait4", "waitid", "rt_sigprocmask", "rt_sigaction",
              "rt_sigreturn", "getpid", "gettid", "umask", "kill", "tgkill", "restart_syscall", "arch_prctl",
              "set_tid_address", "set_robust_list", "rseq", "???"}
SHORT_ERRORS = ("EPERM", "ENOMEM")
LONG_ERRORS = ("EPERM", "ENOMEM", "ENOSPC", "EMFILE", "EINTR", "EAGAIN", "ENOENT")


class Driver:
    """The login program, a step at a time."""

    def __init__(self):
        self.process = subprocess.Popen([DRIVER, "test", "alice", STACKS, "/bin/sh", "-c", LOOK],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        cwd="/", env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}, bufsize=0)
        self.pid = self.process.pid
        self.output = b""
        self.expect(rb"ready\n")

    def expect(self, pattern):
        """What was said up to a line that matches."""
        while not (match := re.search(pattern, self.output)):
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"the login program ended: {self.output!r}"
            self.output += piece
        said, self.output = self.output[:match.start()], self.output[match.end():]
        return said.decode(), match

    def tell(self, pattern=None):
        self.process.stdin.write(b".")
        return self.expect(pattern) if pattern else None

    def open(self):
        return int(self.tell(rb"opened (\d+)\n")[1][1])

    def run(self):
        said, match = self.tell(rb"ran (-?\d+)\n")
        return said, int(match[1])

    def state(self):
        """Descriptors, namespaces and children, all as the host sees them."""
        descriptors = {}
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            descriptors[name] = re.sub(r"\d+", "N", os.readlink(f"/proc/{self.pid}/fd/{name}"))
        links = {kind: os.readlink(f"/proc/{self.pid}/ns/{kind}") for kind in (*host_module.KINDS, "pid_for_children")}
        return descriptors, links, [child.pid for child in host_module.children(self.pid)]

    def go(self):
        self.process.stdin.write(b".")
        assert self.process.wait(20) == 0

    def end(self):
        self.tell(rb"ended\n")
        self.go()

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def strace_on(pid, *options):
    """strace attached to one process, without its children."""
    tracer = subprocess.Popen(["strace", "-p", str(pid), "-o", TRACE, *options], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, cwd="/")
    assert "attached" in tracer.stderr.readline()
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
        tracer.stderr.close()


class Helper:
    """The installed helper, replaced by a script that runs it under strace."""

    def __init__(self, path):
        self.path, self.real = path, path + ".real"

    @contextlib.contextmanager
    def traced(self, *options):
        os.rename(self.path, self.real)
        words = " ".join(options)
        host_module.write(self.path, f"#!/bin/sh\nexec /usr/bin/strace -D -q -o {TRACE} {words} {self.real}\n", 0o755)
        try:
            yield
        finally:
            os.rename(self.real, self.path)


CALL = re.compile(r"^(?:(?P<pid>\d+) +)?(?P<name>\w+)\(")


def calls_in(path):
    """System calls in order, by process (None where strace followed nobody)."""
    found = {}
    for line in host_module.read(path).splitlines():
        match = CALL.match(line)
        if match:
            found.setdefault(match["pid"], []).append(match["name"])
    return found


def occurrences(names, possible, skipped=()):
    """(system call, its N-th time) to inject at; strace counts those that were skipped at the start, too."""
    counts = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        if possible(name):
            first = skipped.count(name) + 1
            for number in range(first, first + count) if LONG else sorted({first, first + count - 1}):
                yield name, number


def faults(names, kind, role):
    """strace's options for each fault."""
    skipped = ("read",) if role == "caller" else ()
    if kind == "kill":
        for name, number in occurrences(names, lambda name: True, skipped):
            yield name, f"inject={name}:signal=KILL:when={number}"
        return
    for name, number in occurrences(names, lambda name: name not in NEVER_FAIL, skipped):
        errors = LONG_ERRORS if LONG else SHORT_ERRORS[number == 1:][:1] if name != "mmap" else ("ENOMEM",)
        for error in errors:
            yield name, f"inject={name}:error={error}:when={number}"


@pytest.fixture
def stack(module):
    assert DRIVER and os.access(DRIVER, os.X_OK), "NSISOLATE_PAM_DRIVER does not name the driver"
    os.makedirs(STACKS, exist_ok=True)
    host_module.write(f"{STACKS}/test", f"session required {module}\n")
    host_module.set_policy("default.conf", "")
    return Helper(host_module.helpers()[0])


def trace(role, helper):
    """The system calls of one role in an undisturbed opening."""
    driver = Driver()
    if role == "caller":
        with strace_on(driver.pid):
            assert driver.open() == 0
    else:
        with helper.traced("-f"):
            assert driver.open() == 0
    driver.run()
    driver.tell(rb"closed 0\n")
    driver.end()
    found = list(calls_in(TRACE).values())
    if role == "caller":
        # behind the read that strace found it in, before the answer
        calls = found[0]
        return calls[calls.index("read") + 1:calls.index("write")]
    # the first is the helper, from its execve on; the second the init
    calls = found[0] if role == "helper" else found[1]
    return calls


def whole_session():
    """What a session looks like from inside."""
    driver = Driver()
    assert driver.open() == 0
    wait_until(init_is_sealed, "the init does not seal itself")
    said, status = driver.run()
    assert status == 0 and "nsisolate" in said, said
    driver.tell(rb"closed 0\n")
    driver.end()
    return said


def init_is_sealed():
    for pid in host_module.session_inits():
        with contextlib.suppress(OSError):
            return len(os.listdir(f"/proc/{pid}/fd")) == 2
    return False


def settle(driver, before):
    """The login program once nothing about it changes any more: the namespaces' and helper's ends are not immediate."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: driver.state() == before, "", 3)
    return driver.state()


def in_libpam(name):
    """
    libpam's own report to the audit system can fail behind a session that was opened: it then says "refused", and the
    session ends by pam_end(3), as every login program calls it.
    """
    return name in ("socket", "fcntl", "sendto", "recvfrom", "ioctl")


def try_fault(name, tracing, expected):
    """One opening under one fault: what was wrong with what came of it, in words."""
    driver = Driver()
    problems = []
    try:
        before = driver.state()
        with tracing(driver):
            value = driver.open()
        OUTCOMES.append(value)
        if value == 0:
            ended_early = not host_module.session_inits()
            if not ended_early:
                with contextlib.suppress(AssertionError):
                    wait_until(init_is_sealed, "", 3)
            said, status = driver.run()
            if status == 0 and said != expected:
                problems.append("a session that is not whole: " + "; ".join(
                    sorted(set(said.splitlines()) ^ set(expected.splitlines()))))
            if status != 0 and host_module.session_inits():
                problems.append(f"the command ended with {status}: {said}")
            driver.tell(rb"closed \d+\n")
        elif value not in (PAM_SYSTEM_ERR, PAM_PERM_DENIED):
            problems.append(f"refused with {value}, which some login program passes")
        elif not in_libpam(name) and settle(driver, before) != before:
            problems.append(f"refused: before {before}, after {driver.state()}")
        driver.tell(rb"ended\n")
        if settle(driver, before) != before:
            problems.append(f"ended: before {before}, after {driver.state()}")
        driver.go()
    except AssertionError as error:
        problems.append(str(error))
    finally:
        driver.kill()
    return problems


def sweep_dead_records():
    """Records of sessions that ended without their close are a later login's to take away: that it does is tested apart."""
    count = 0
    for name in host_module.records():
        os.unlink(f"{host_module.RECORDS}/{name}")
        count += 1
    return count


@pytest.mark.parametrize("kind", ["error", "kill"])
@pytest.mark.parametrize("role", ["caller", "helper", "init"])
def test_every_fault_ends_in_a_whole_session_or_in_none(stack, role, kind):
    if (role, kind) == ("caller", "kill"):
        kind_of_caller_kill(stack)
        return
    # the last look of the reference has warmed everything that is made only once
    expected = whole_session()
    names = trace(role, stack)
    assert len(names) > 10, names
    host_before = host_module.State.now()
    failures, count, started = [], 0, time.monotonic()
    OUTCOMES.clear()
    for name, option in faults(names, kind, role):
        count += 1
        if role == "caller":
            problems = try_fault(name, lambda driver, option=option: strace_on(driver.pid, "-e", option), expected)
        else:
            follow = ("-f",) if role == "init" else ()
            problems = try_fault(name, lambda driver, option=option: stack.traced(*follow, "-e", option), expected)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not left(host_before), "", 5)
        found = left(host_before)
        dead = sweep_dead_records()
        # the login program that does not get the answer cannot know the record
        if dead and kind == "error" and (role, name) not in (
                ("caller", "unlink"), ("caller", "recvmsg"), ("caller", "poll")):
            found.append(f"{dead} records without sessions")
        problems += found
        host_module.kill_leftovers(host_before)
        failures += [f"{option}: {problem}" for problem in problems]
    refusals = len(OUTCOMES) - OUTCOMES.count(0)
    print(f"{role}, {kind}: {count} faults, {refusals} refusals in {time.monotonic() - started:.1f} s")
    assert refusals > 5, "hardly any fault was injected"
    assert not failures, "\n".join(failures)


def left(before):
    return [problem for problem in host_module.leftovers(before) if not problem.startswith("record ")]


def kind_of_caller_kill(stack):
    """A login program that is killed at any of its system calls takes everything along."""
    names = trace("caller", stack)
    host_before = host_module.State.now()
    failures = []
    for _name, option in faults(names, "kill", "caller"):
        driver = Driver()
        with strace_on(driver.pid, "-e", option):
            driver.process.stdin.write(b".")
            driver.process.wait(20)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not left(host_before), "", 5)
        sweep_dead_records()
        failures += [f"{option}: {problem}" for problem in left(host_before)]
        host_module.kill_leftovers(host_before)
    assert not failures, "\n".join(failures)

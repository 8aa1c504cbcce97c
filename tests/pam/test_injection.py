# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Every system call of a login's opening and closing fails, and login program, helper and init are killed
at every one, as is nsisolate-veth: what comes out is a whole session, or a refusal; never is anything left, others who
are in the session stay in it, and the next login gets in.

strace(1) injects. The login program is attached to when it is ready; the helper is replaced by a script that
starts the real one under strace -D, which keeps it the login program's child, and follows it into the init. An init
that is there already is attached to. The short form takes each system call's first and last time, or in the flows of
shared sessions its last, the long form ($NSISOLATE_LONG=1) every time, with more errors.
"""

import contextlib
import dataclasses
import fcntl
import glob
import os
import re
import struct
import subprocess
import time

import pytest

from support import host as host_module
from support import networks as N
from support.driver import TRACE, Driver, Helper, set_stack, strace_on
from support.host import wait_until

F_OFD_GETLK = 36
PAM_SYSTEM_ERR, PAM_PERM_DENIED, PAM_SESSION_ERR = 4, 6, 14
OUTCOMES = []  # PAM's values of all faults of a run, or "killed"
LONG = os.environ.get("NSISOLATE_LONG") == "1"

# Calls that the kernel does not fail in the way an injection would have it: the injected one is not made at all, so
# that a descriptor stays open or a child unreaped by the test's own doing; and brk(2) fails without an error number.
NEVER_FAIL = {"brk", "close", "close_range", "munmap", "exit_group", "exit", "wait4", "waitid", "rt_sigprocmask", "rt_sigaction",
              "rt_sigreturn", "getpid", "gettid", "umask", "kill", "tgkill", "restart_syscall", "arch_prctl",
              "set_tid_address", "set_robust_list", "rseq", "???"}
LOGS = {"socket", "connect", "sendto"}  # by which the login program speaks to the system log
SHORT_ERRORS = ("EPERM", "ENOMEM")
LONG_ERRORS = ("EPERM", "ENOMEM", "ENOSPC", "EMFILE", "EINTR", "EAGAIN", "ENOENT")


CALL = re.compile(r"^(?:(?P<pid>\d+) +)?(?P<name>\w+)\(")


def calls_in(path):
    """System calls in order, by process (None where strace followed nobody)."""
    found = {}
    for line in host_module.read(path).splitlines():
        match = CALL.match(line)
        if match:
            found.setdefault(match["pid"], []).append(match["name"])
    return found


def occurrences(names, possible, short, skipped=()):
    """(system call, its N-th time) to inject at; strace counts those that were skipped at the start, too."""
    counts = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        if possible(name):
            first = skipped.count(name) + 1
            for number in range(first, first + count) if LONG else sorted({first + time % count for time in short}):
                yield name, number


def faults(names, kind, role, short):
    """strace's options for each fault."""
    skipped = ("read",) if role == "caller" else ()
    # whether it waits for the helper, and for its network, is a matter of time: its N-th may be the one that it rests in
    if role == "init":
        names = [name for name in names if name != "poll"]
    if kind == "kill":
        for name, number in occurrences(names, lambda name: True, short, skipped):
            yield name, f"inject={name}:signal=KILL:when={number}"
        return
    for name, number in occurrences(names, lambda name: name not in NEVER_FAIL, short, skipped):
        errors = LONG_ERRORS if LONG else SHORT_ERRORS[number == 1:][:1] if name != "mmap" else ("ENOMEM",)
        for error in errors:
            yield name, f"inject={name}:error={error}:when={number}"


@pytest.fixture
def stack(module):
    set_stack(module)
    host_module.set_policy("default.conf", "")
    return Helper(host_module.helpers()[0])


@dataclasses.dataclass(frozen=True)
class Flow:
    """What a login does while it is disturbed."""

    phase: str  # "open" or "close"
    policy: str = ""
    joins: bool = False  # another login of the user is in the session before, and stays in it
    roles: tuple = ("caller", "helper", "init")
    short: tuple = (-1,)  # which times of each system call the short form takes
    own: tuple = ()  # the roles that do something here that they do in no other flow; the short form takes these
    stays: bool = False  # a login program that got in is never out again: it is in a user namespace
    unloads: bool = False  # the rules of its network are to be loaded each time

    def has_new_init(self):
        return self.phase == "open" and not self.joins


# without a default route there is nobody to forward to
# of the pools, as /proc/net/route (in this machine's order of bytes) and ipv6_route begin their addresses
TO_SESSIONS, TO_SESSIONS_6 = "630A", "fd000099"
VETH = 'network { mode = "veth" pool = {"10.99.0.0/24", "fd00:99::/64"} egress = {"any"} }\n'
SHARED = 'scope = "user"\n'
FLOWS = {
    "open": Flow("open", short=(0, -1)),
    "close": Flow("close", roles=("caller",), short=(0, -1)),
    "open-named": Flow("open", 'network { mode = "named" name = "course" }\nuts { hostname = "lab" }\n',
                       own=("helper",)),
    "open-slirp": Flow("open", 'network { mode = "slirp" }\n', roles=("helper", "init"), own=("helper",)),
    "open-homes": Flow("open", 'mount { homes = "own" }\n', roles=("init",)),
    "open-privileges": Flow("open", 'privileges { no-new-privileges = true drop-capabilities = { cap_sys_admin } }\n',
                            roles=("caller",), short=(0, -1)),
    "open-namespaces": Flow("open", "user { map = identity }\ncgroup { isolate = true }\n"
                            "time { isolate = true boottime-offset = 60 }\n", roles=("helper", "init"), own=("helper", "init"),
                            stays=True),
    "open-veth": Flow("open", VETH, roles=("caller", "helper", "init", "veth"), own=("veth",)),
    "open-veth-first": Flow("open", VETH, roles=("veth",), unloads=True),
    "open-shared": Flow("open", SHARED + 'on-logout = "wait"\n'),
    "join": Flow("open", SHARED, joins=True),
    "leave": Flow("close", SHARED, joins=True, roles=("caller", "init")),
    "leave-last": Flow("close", SHARED + 'on-logout = "wait"\n', roles=("caller", "init")),
}


class Login:
    """One login of a flow up to the disturbance, and what there is around it."""

    def __init__(self, flow, helper):
        self.flow, self.helper = flow, helper
        if flow.unloads:
            unload_rules()
        self.other = Driver() if flow.joins else None
        self.driver = Driver()
        self.before = self.driver.state()
        self.said = None
        try:
            if self.other:
                assert self.other.open() == 0
            if flow.phase == "close":
                assert self.driver.open() == 0
                assert self.driver.run()[1] == 0
            if not flow.has_new_init():
                wait_until(inits_are_sealed, "the init does not seal itself")
        except BaseException:
            self.kill()
            raise

    def traced(self, role, *options):
        if role == "caller":
            return strace_on(self.driver.pid, *options)
        if role == "veth":
            return Helper(veth_program()).traced(*options)
        if role == "helper" or self.flow.has_new_init():
            return self.helper.traced(*(("-f",) if role == "init" else ()), *options)
        return strace_on(host_module.session_inits()[0], *options)

    def disturbed(self):
        """PAM's value."""
        if self.flow.phase == "open":
            return self.driver.open()
        return int(self.driver.tell(rb"closed (\d+)\n")[1][1])

    def finish_other(self, expected, harmed):
        """What was wrong with the login that nobody disturbed."""
        said, status = self.other.run()
        value = int(self.other.tell(rb"closed (\d+)\n")[1][1])
        self.other.end()
        if not harmed and (status, value, said) != (0, 0, expected):
            return [f"the other login: {status}, {value}: {said}"]
        return []

    def kill(self):
        self.driver.kill()
        if self.other:
            self.other.kill()


def trace(flow, role, helper):
    """The system calls of one role in an undisturbed flow."""
    login = Login(flow, helper)
    with login.traced(role):
        assert login.disturbed() == 0
        if role == "init" and not flow.has_new_init():
            # it waits again, or has ended
            wait_until(lambda: not host_module.session_inits() or calls_in(TRACE), "the init to do something")
            wait_until(steady_trace(), "the init to come to rest")
    if flow.phase == "open":
        login.driver.run()
        login.driver.tell(rb"closed 0\n")
    login.driver.end()
    if login.other:
        login.finish_other("", harmed=True)
    # an opening's init is the one process that was never another program
    found = sorted(calls_in(TRACE).values(), key=lambda calls: role == "init" and "execve" in calls)
    if role == "caller":
        # behind the read that strace found it in, up to the answer
        calls = found[0][found[0].index("read") + 1:]
        return calls[:calls.index("write")]
    return found[0]


def steady_trace():
    """Whether the trace has not grown for a moment."""
    seen = [-1, 0.0]

    def steady():
        size, now = os.path.getsize(TRACE), time.monotonic()
        if size != seen[0]:
            seen[:] = size, now
        return now - seen[1] > 0.2

    return steady


def whole_session():
    """What a session looks like from inside."""
    driver = Driver()
    assert driver.open() == 0
    wait_until(inits_are_sealed, "the init does not seal itself")
    said, status = driver.run()
    assert status == 0 and "nsisolate" in said, said
    driver.tell(rb"closed 0\n")
    driver.end()
    return said


def unnamed_sockets():
    """As links in /proc/PID/fd call them."""
    rows = [line.split() for line in host_module.read("/proc/net/unix").splitlines()[1:]]
    return {f"socket:[{row[6]}]" for row in rows if len(row) == 7}


def inits_are_sealed():
    """An init gives up its memory, and then the socket of its caller, when it has heard that this one is in."""
    unnamed = unnamed_sockets()
    for pid in host_module.session_inits():
        with contextlib.suppress(OSError):
            status = host_module.read(f"/proc/{pid}/status")
            if "NoNewPrivs:\t1" not in status or "CapEff:\t0000000000000000" not in status:
                return False
            if unnamed & {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}:
                return False
    return True


def settle(driver, before):
    """The login program once nothing about it changes any more: the namespaces' and helper's ends are not immediate."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: driver.state() == before, "")
    return driver.state()


def in_libpam(name):
    """
    libpam's own report to the audit system can fail behind a session that was opened: it then says "refused", and the
    session ends by pam_end(3), as every login program calls it.
    """
    return name in ("socket", "fcntl", "sendto", "recvfrom", "ioctl")


def judge_opening(login, name, value, expected):
    """What was wrong with what came of an opening, in words."""
    driver = login.driver
    if value == 0:
        problems = []
        with contextlib.suppress(AssertionError):
            wait_until(inits_are_sealed, "")
        said, status = driver.run()
        if status == 0 and said != expected:
            problems.append("a session that is not whole: " + "; ".join(
                sorted(set(said.splitlines()) ^ set(expected.splitlines()))))
        if status != 0 and host_module.session_inits():
            problems.append(f"the command ended with {status}: {said}")
        driver.tell(rb"closed \d+\n")
        return problems
    if login.flow.policy == VETH and name not in LOGS and not in_libpam(name):
        host_module.log.wait_for(r"refused: user=alice .*: \S")
    if value not in (PAM_SYSTEM_ERR, PAM_PERM_DENIED):
        return [f"refused with {value}, which some login program passes"]
    if not in_libpam(name) and settle(driver, login.before) != login.before:
        return [f"refused: before {login.before}, after {driver.state()}"]
    return []


def judge_closing(login, name, value):
    """A process that the kernel would not let back out stays where it was; else it is as before."""
    if value not in (0, PAM_SESSION_ERR) and not (in_libpam(name) and value == PAM_SYSTEM_ERR):
        return [f"closed with {value}"]
    if value == 0 and settle(login.driver, login.before) != login.before:
        return [f"closed: before {login.before}, after {login.driver.state()}"]
    return []


def try_fault(flow, role, helper, fault, expected):
    """One login under one fault: what was wrong with what came of it, in words."""
    name, option = fault
    problems = []
    host_module.log.clear()
    login = Login(flow, helper)
    try:
        with login.traced(role, "-e", option):
            value = login.disturbed()
        OUTCOMES.append(value)
        if flow.phase == "open":
            problems += judge_opening(login, name, value, expected)
        else:
            problems += judge_closing(login, name, value)
        login.driver.tell(rb"ended\n")
        in_for_good = flow.stays and value == 0
        if value != PAM_SESSION_ERR and not in_for_good and settle(login.driver, login.before) != login.before:
            problems.append(f"ended: before {login.before}, after {login.driver.state()}")
        login.driver.go()
        if login.other:
            problems += login.finish_other(expected, harmed=role == "init" and "KILL" in option)
    except AssertionError as error:
        problems.append(str(error))
    finally:
        login.kill()
    return problems


def try_caller_kill(flow, helper, option, expected):
    """
    A login program that is killed takes its login along, and with the last one the session. One that waits a time less
    than the reference did is not killed, and ends with the test.
    """
    login = Login(flow, helper)
    try:
        with login.traced("caller", "-e", option):
            try:
                login.disturbed()
            except AssertionError:
                login.driver.process.wait(20)
                OUTCOMES.append("killed")
        return login.finish_other(expected, harmed=False) if login.other else []
    except AssertionError as error:
        return [str(error)]
    finally:
        login.kill()


def sockets():
    return glob.glob("/run/nsisolate/users/*/*.*")


def next_login():
    """
    Gets in, and takes away what a killed one could not. What was wrong with it, in words, and whether it waited: for
    whoever waits as nobody answers, or nobody lets go, that is three seconds at least.
    """
    driver = Driver()
    problems, begin, seconds = [], time.monotonic(), 0
    try:
        value = driver.open()
        seconds = time.monotonic() - begin
        if value != 0:
            problems.append("the next login is refused")
        else:
            driver.run()
            driver.tell(rb"closed 0\n")
        driver.end()
    except AssertionError as error:
        problems.append(f"the next login: {error}")
    finally:
        driver.kill()
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not (host_module.isolated_processes() or host_module.records() or sockets()), "")
    problems += [f"record {name} is never swept" for name in host_module.records()]
    problems += [f"{path} is never swept" for path in sockets()]
    return problems, [f"the next login waits for {seconds:.1f} s"] if seconds > 2 else []


def cases():
    for name, flow in FLOWS.items():
        for role in flow.roles if LONG or not flow.own else flow.own:
            for kind in ("error", "kill"):
                yield pytest.param(flow, role, kind, id=f"{name}-{role}-{kind}")


@pytest.fixture
def course(host):
    with N.named("course"):
        yield


def disturbed_once(flow, role, kind, helper, fault, expected, before):
    """What was wrong with what came of one fault, and what it had the next login wait for."""
    name, option = fault
    if (role, kind) == ("caller", "kill"):
        problems = try_caller_kill(flow, helper, option, expected)
    else:
        problems = try_fault(flow, role, helper, fault, expected)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left(before), "")
    problems += left(before)
    if flow == FLOWS["open"] and kind == "error" and host_module.records() and (role, name) not in (
            # the login program that does not get the answer cannot know the record
            ("caller", "unlink"), ("caller", "recvmsg"), ("caller", "poll")):
        problems.append("records without sessions")
    more, waited = next_login()
    host_module.kill_leftovers(before)
    return problems + more, waited


@pytest.mark.usefixtures("course")
@pytest.mark.parametrize("flow, role, kind", cases())
def test_every_fault_ends_in_a_whole_session_or_in_none(stack, flow, role, kind):
    host_module.set_policy("default.conf", flow.policy)
    # the last look of the reference has warmed everything that is made only once
    expected = whole_session()
    names = trace(flow, role, stack)
    assert len(names) > 4, names
    wait_until(lambda: not interfaces() and not network_left(), "the reference to be gone")
    host_before = host_module.State.now()
    failures, count, started = [], 0, time.monotonic()
    OUTCOMES.clear()
    for fault in faults(names, kind, role, flow.short):
        count += 1
        problems, waited = disturbed_once(flow, role, kind, stack, fault, expected, host_before)
        # who waits because of the fault waits each time; a busy machine is not that slow each time
        for _ in range(3):
            if waited and not problems:
                problems, waited = disturbed_once(flow, role, kind, stack, fault, expected, host_before)
        failures += [f"{fault[1]}: {problem}" for problem in problems + waited]
        # each has been waited for, and there is a limit on a test's time
        if len(failures) > 3:
            break
    refusals = len(OUTCOMES) - OUTCOMES.count(0)
    print(f"{count} faults, {refusals} refusals in {time.monotonic() - started:.1f} s")
    assert not failures, "\n".join(failures)
    if flow == FLOWS["open"] and OUTCOMES:
        assert refusals > 5, "hardly any fault was injected"
    if (role, kind) == ("caller", "kill"):
        assert OUTCOMES.count("killed") > count / 2, "hardly anybody was killed"


def left(before):
    return [problem for problem in host_module.leftovers(before) if not problem.startswith("record ")] + network_left()


# what sessions with an interface have on the host

def veth_program():
    return host_module.helpers()[0].replace("nsisolate-session", "nsisolate-veth")


def interfaces():
    return [name for name in os.listdir("/sys/class/net") if re.fullmatch(r"ns[a-z2-7]{13}", name)]


def rules():
    return set(re.findall(r"chain (ns[a-z2-7]{6})-", subprocess.run(
        ["nft", "list", "ruleset"], check=True, capture_output=True, text=True).stdout))


def unload_rules():
    for name in rules():
        # a session's interface outlives it by a moment
        wait_until(lambda: not interfaces(), "interfaces to be gone")
        subprocess.run(["nsisolate-network", "unload", name], check=True)


def network_left():
    """
    Routes to sessions, in the kernel's own text, since this is asked for again and again, and locks on their addresses; the
    interfaces are among what any test leaves.
    """
    routes = [line for line in host_module.read("/proc/net/route").splitlines() if line.split()[1].endswith(TO_SESSIONS)]
    routes += [line for line in host_module.read("/proc/net/ipv6_route").splitlines() if line.startswith(TO_SESSIONS_6)]
    return [f"route {line}" for line in routes] + [
        f"lock in {path}" for path in glob.glob("/run/nsisolate/network/*/*") if is_locked(path)]


def is_locked(path):
    with open(path, "rb") as file:
        request = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return struct.unpack("hhqqi4x", fcntl.fcntl(file, F_OFD_GETLK, request))[0] != fcntl.F_UNLCK

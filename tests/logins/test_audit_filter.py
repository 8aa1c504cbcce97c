# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect audit: what bpf(2) tells of processes spares reading /proc, and changes nothing of what is found."""

import contextlib
import json
import os
import re

import pytest

from support import host as H
from support import programs as P

ALICE = ["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups"]
PYTHON = ["/usr/bin/python3", "-c"]
STAY = "echo in; cat >/dev/null"
TRACE = "/run/audit-trace"
REFUSED = ["-e", "inject=bpf:error=EPERM"]
# of packaging/systemd/nsisolate-audit.service
UNIT = "-all,+sys_admin,+sys_ptrace,+sys_chroot,+dac_read_search,+dac_override,+net_admin,+kill"

DEAD_LEADER = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
print('in', flush=True)
ctypes.CDLL(None).syscall(60, 0)
"""
CALLED_INIT = """
import time
open('/proc/self/comm', 'w').write('nsisolate-init')
print('in', flush=True)
time.sleep(600)
"""
# one of root's that has not waited for one of alice's
ZOMBIE = """
import os, time
child = os.fork()
if child == 0:
    os.setuid(3001)
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print('in', flush=True)
time.sleep(600)
"""
# two million and more on end, of which none is of a namespace
MANY_FILES = """
import os, resource, signal
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
many = min(most, 20000) - 16
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
for _ in range(many):
    os.dup(0)
for _ in range(2200000 // many):
    if os.fork() == 0:
        signal.pause()
print('in', flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def configured(host, module):
    host.add_module(["su"])
    host.set_policy("default.conf", "")
    host.set_policy("user/bob.conf", "pid { isolate = false }\nmount { proc = \"hidepid\" }\n")
    host.set_policy("user/carol.conf", "scope = \"user\"\non-logout = \"wait\"\n")


def audit(*options, through=()):
    """What is found, and the trace of what was opened for that."""
    done = P.run(["strace", "-f", "-qq", "--seccomp-bpf", "-o", TRACE, "-e", "trace=bpf,openat", *options, *through,
                  "nsinspect", "audit", "--hurried", "-J", "--output-all"], timeout=60)
    assert done.status in (0, 1) and done.stderr == "", done
    return json.loads(done.stdout)["findings"], H.read(TRACE)


def is_opened(trace, pid):
    """Its directory, for a look at it. Of those that a record names the state is read in any case."""
    return re.search(rf'openat\((AT_FDCWD, "/proc/|\d+, "){pid}"', trace) is not None


@contextlib.contextmanager
def running(*command, says=False):
    with P.Background(command, reads=False) as process:
        try:
            if says:
                assert process.read_line() == "in"
            else:
                H.wait_until(lambda: "sleep" in [seen.name for seen in H.processes()
                                                 if process.pid in (seen.pid, seen.parent)], f"{command} runs")
            yield process
        finally:
            # nsenter and unshare wait for theirs, whatever signal they get
            H.kill_all([*H.children(process.pid), process])


def login(user):
    return P.Background(["su", user, "-c", STAY])


def test_both_ways_find_the_same():
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: H.kill_all(seen for seen in H.isolated_processes() if seen.name == "sleep"))
        for user in ("alice", "bob"):
            assert stack.enter_context(login(user)).read_line() == "in"
        P.su("carol", "nohup setsid sleep 600 >/dev/null 2>&1 &").check()
        inits = {record["user"]: record["init-pid"] for record in sessions()}

        def start(*command, says=False):
            return stack.enter_context(running(*command, says=says)).pid

        plain = [start("sleep", "600"), start(*PYTHON, ZOMBIE, says=True)]
        wrong = [start(*ALICE, "sleep", "600"),
                 start(*ALICE, "unshare", "--user", "--net", "sleep", "600"),
                 start("nsenter", "-t", str(inits["alice"]), "-n", "sleep", "600"),
                 start("nsenter", "-t", str(inits["bob"]), "-u", "sleep", "600"),
                 start("sh", "-c", f"exec sleep 600 7</proc/{inits['alice']}/ns/ipc"),
                 start(*PYTHON, CALLED_INIT, says=True)]
        leader = start(*ALICE, *PYTHON, DEAD_LEADER, says=True)
        H.wait_until(lambda: (leader, "Z") in [(seen.pid, seen.state) for seen in H.processes()], "its thread ends")
        # root's, in namespaces that are nobody's
        for option in ("--user", "--time", "--pid", "--net"):
            start("unshare", option, "--fork", "sleep", "600")
        # half in a session: with its PID namespace and the host's others
        start("nsenter", "-t", str(inits["alice"]), "-p", "sleep", "600")

        told, trace = audit()
        assert "BPF_ITER_CREATE" in trace
        assert [pid for pid in plain if is_opened(trace, pid)] == []
        assert [pid for pid in wrong if not is_opened(trace, pid)] == []
        # those of a session, and the login process, which has other namespaces open
        assert [seen.pid for seen in H.processes() if seen.name in ("cat", "su") and is_opened(trace, seen.pid)] == []

        read, trace = audit(*REFUSED)
        assert "BPF_ITER_CREATE" not in trace and "(INJECTED)" in trace
        assert [pid for pid in plain if not is_opened(trace, pid)] == []

        assert told == read
        assert {*wrong, leader} - {finding["pid"] for finding in told} == set()
        assert not set(plain) & {finding["pid"] for finding in told}
        assert [finding for finding in told if "runs on: 2 processes" in finding["seen"]]

        told, trace = audit(through=["setpriv", "--no-new-privs", f"--bounding-set={UNIT}", "--inh-caps=-all"])
        assert told == read and [pid for pid in plain if is_opened(trace, pid)] == []
    H.wait_until(lambda: not H.isolated_processes(), "sessions to end")
    P.sweep_records()


def test_files_by_the_million_do_not_slow_it_down():
    with running(*PYTHON, MANY_FILES, says=True) as process:
        _, trace = audit()
        assert "BPF_ITER_CREATE" in trace and not is_opened(trace, process.pid)


@pytest.mark.parametrize("when", ["1+", "3+"])
def test_without_a_process_more_it_says_so(when):
    """A look into a session may never end, and so is for a process that can be given up."""
    with login("alice") as session:
        assert session.read_line() == "in"
        assert P.run(["nsinspect", "audit", "--hurried"]).status in (0, 1)
        done = P.run(["strace", "-f", "-qq", "-o", TRACE, "-e", "trace=clone", "-e", f"inject=clone:error=EAGAIN:when={when}",
                      "nsinspect", "audit", "--hurried"], timeout=60)
        assert (done.status, done.stdout) == (2, "") and "no process can be started" in done.stderr, done
    H.wait_until(lambda: not H.isolated_processes(), "sessions to end")


def sessions():
    return json.loads(P.run(["nsinspect", "-J", "--output-all"]).check().stdout)["sessions"]

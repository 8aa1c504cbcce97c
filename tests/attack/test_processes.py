# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Processes of the host, the session's init, and what is reached through them."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from attack.conftest import HOSTILE, SECRET
from support import host as H
from support import programs as P

MARK = "marked-job"


@contextlib.contextmanager
def outside(user):
    """A process of the same user on the host, as one that cron started."""
    uid = str(H.USERS[user].uid)
    job = subprocess.Popen(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "bash", "-c",
                            f"exec -a {MARK} sleep 1000"])
    try:
        H.wait_until(lambda: H.read(f"/proc/{job.pid}/cmdline") == f"{MARK}\0" "1000\0", "the job does not run")
        yield job.pid
    finally:
        job.kill()
        job.wait()


def marked(user):
    return P.su(user, f"{HOSTILE} marked {MARK}").check().json()


def test_a_process_of_the_same_user_outside_is_no_way_to_the_hosts_files(secrets):
    for user in ("alice", "bob"):
        with outside(user) as pid:
            found = marked(user)
            if user == "alice":
                assert found == {}
            else:
                assert found.keys() == {f"/proc/{pid}"} and SECRET in found[f"/proc/{pid}"]


def test_nothing_can_be_done_to_the_init(installed):
    assert P.su("alice", f"{HOSTILE} act_on 1; echo alive >/home/alice/alive").check().json() == {}
    assert H.read("/home/alice/alive") == "alive\n"
    with outside("bob") as pid:
        assert {"kill", "trace", "root", "limit"} <= set(P.su("bob", f"{HOSTILE} act_on {pid}").check().json())


def test_nor_from_outside_by_the_same_user(installed):
    """Neither to the init, nor to the login process that su is, except to end it."""
    with P.Background(["setpriv", "--reuid=3002", "--regid=3002", "--clear-groups", "su", "alice", "-c",
                       "echo in; cat"]) as login:
        assert login.read_line() == "in"
        init, = H.session_inits()
        for user in ("alice", "bob"):
            done = P.run([HOSTILE, "act_on", str(init)], user=user)
            assert done.check().json() == {}, user
        # su's real user id is bob's: stopping, scheduling and killing it are his, what it holds is not
        got = P.run([HOSTILE, "act_on", str(login.pid)], user="bob").check().json()
        assert {"kill", "stop"} <= set(got)
        assert not {"root", "cwd", "fd", "ns", "environ", "mem", "exe", "trace", "getfd", "setns", "limit"} & set(got)
    H.wait_until(lambda: not H.isolated_processes(), "the session outlives su")
    P.su("alice", "true").check()


def test_the_unprivileged_sshd_of_the_connection_gives_nothing_away(server):
    """It is alice's, inside, and has the descriptors of the host's namespaces that its monitor keeps."""
    script = "for pid in /proc/[0-9]*; do ls -l $pid/fd $pid/root $pid/ns 2>/dev/null; done | grep -c "
    host_namespaces = "\\|".join(link.split("[")[1].rstrip("]") for link in H.namespaces().values()
                                 if link != H.namespaces()["user"] and not link.startswith(("cgroup", "time")))
    assert P.ssh("bob", script + f"'{host_namespaces}'").stdout.strip() != "0"
    assert P.ssh("alice", script + f"'{host_namespaces}'").stdout.strip() == "0"
    assert P.ssh("alice", f"{HOSTILE} look_at $(pgrep -o -u alice sshd)").check().json() == {}
    assert P.ssh("alice", f"{HOSTILE} look_at $$").check().json().keys() >= {"fd", "root", "ns"}


@pytest.mark.parametrize("ignored", ["HUP", "HUP TERM INT"])
def test_a_daemon_does_not_outlive_the_login(installed, ignored):
    # by its name it is sleep only once it is
    command = f"trap '' {ignored}; setsid nohup setsid sleep 1000 >/dev/null 2>&1 </dev/null & until pgrep -x sleep; do :; done"

    def sleepers():
        return [process for process in H.processes() if process.name == "sleep"]

    P.su("bob", command).check()
    assert sleepers()
    for process in sleepers():
        os.kill(process.pid, signal.SIGKILL)
    H.wait_until(lambda: not sleepers(), "sleep does not end")
    P.su("alice", command).check()
    H.wait_until(lambda: not sleepers(), "outlives the login")


def test_a_child_with_the_pid_of_its_login_program_does_not_leave(installed):
    """Pids inside start again at 2: a fork that calls pam_end(3) may have the number of the process that opened."""
    program = os.path.join(os.path.dirname(__file__), "same_pid.py")
    found = P.run(["unshare", "-pf", "--mount-proc", "sh", "-c", f"{sys.executable} {program}; true"]).check().json()
    assert found["pids"] == [2, 2]
    assert found["before"] == found["after"]
    assert found["before"][0] != H.namespaces()["net"]


def test_a_crowd_of_killed_logins_inside_does_not_fill_the_sessions_records(installed):
    """Each leaves its record behind; the next ones remove them, and a full directory is its own session's matter."""
    H.set_policy("user/carol.conf")
    crowd = "for i in $(seq 40); do su carol -c 'kill -9 $PPID; true' 2>/dev/null; (su carol -c 'sleep 0.1' & sleep 0.02; kill -9 $!); done"
    command = f"{{ {crowd}; }} >/dev/null 2>&1; su carol -c 'echo in'; sudo ls /run/nsisolate/sessions | wc -l"
    found = P.run(["su", "alice", "-c", command], timeout=150)
    lines = found.check().stdout.split()
    assert lines[0] == "in"
    assert int(lines[1]) < 100
    assert "in\n" == P.su("alice", "echo in").stdout

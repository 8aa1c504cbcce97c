# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect on sessions that the module made: the record that the engine writes agrees with the kernel."""

import glob
import json

import pytest

from conftest import nsinspect
from support import programs


def inspect(*arguments):
    result = nsinspect(*arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def ssh_session(host, module):
    host.add_module(["sshd"])
    host.set_policy("default.conf", "")
    with programs.sshd(), programs.ssh_background("alice") as background:
        background.probe()
        yield background


def test_session_of_ssh_is_shown_as_it_is(ssh_session, host):
    row, = inspect("list", "-J", "--output-all")["sessions"]
    assert row["state"] == "active"
    assert row["user"] == "alice"
    assert row["service"] == "sshd"
    assert row["namespaces"] == ["mnt", "net", "ipc", "uts", "pid"]
    assert row["policy"] == "default.conf"
    assert row["mode"] == "enforce"
    assert row["procs"] >= 2
    assert row["init-pid"] in host.session_inits()


def test_show_finds_no_difference_in_a_fresh_session(ssh_session):
    row, = inspect("list", "-J")["sessions"]
    shown = inspect("show", "-J", row["id"])
    assert shown["differences"] == []
    assert shown["policy"]["hash"] == shown["policy"]["new-login-hash"]
    assert shown["login-process"]["state"] == "running"
    assert {"/proc", "/tmp"} <= {mount["target"] for mount in shown["own-mounts"]}
    assert {"name": "lo", "up": True, "address": "127.0.0.1/8"} in shown["interfaces"]


CHANGES = {
    "mount-tmpfs": (["-m", "mount", "-o", "remount,nosuid,nodev,size=1g", "/tmp"], "has another size than planned"),
    "mount-proc": (["-m", "umount", "/proc"], "nothing is mounted on /proc"),
    "mount-mqueue": (["-m", "mount", "-o", "remount,bind,nosuid,nodev", "/dev/mqueue"], "without noexec"),
    "loopback-up": (["-n", "ip", "link", "set", "lo", "down"], "lo is down"),
    "hostname": (["-u", "hostname", "other"], "'other'"),
}


@pytest.mark.parametrize("step", CHANGES)
def test_show_puts_the_plan_beside_the_kernel(ssh_session, host, step):
    row, = inspect("list", "-J")["sessions"]
    shown = inspect("show", "-J", row["id"])
    assert {"propagation", *CHANGES} <= {item["step"] for item in shown["plan"]}
    assert not any(item["differs"] for item in shown["plan"]) and shown["differences"] == []
    assert not any(row["differs"] for row in shown["namespaces"])
    command, words = CHANGES[step]
    init, = host.session_inits()
    programs.run(["nsenter", "-t", str(init), *command]).check()
    shown = inspect("show", "-J", row["id"])
    assert [item["step"] for item in shown["plan"] if item["differs"]] == [step]
    difference, = shown["differences"]
    assert words in difference


def test_show_tells_that_the_policy_changed_since(ssh_session, host):
    row, = inspect("list", "-J")["sessions"]
    host.set_policy("default.conf", 'network {\n  mode = "none"\n}\n')
    shown = inspect("show", "-J", row["id"])
    assert any("the policy changed since" in difference for difference in shown["differences"])
    assert "plan" not in shown


def test_ps_shows_the_shell_with_both_its_pids(ssh_session):
    processes = inspect("ps", "-J")["processes"]
    assert any(process["pid"] == 1 for process in processes)
    assert all(process["pid"] != process["host-pid"] for process in processes)


def test_session_that_ended_is_not_listed(ssh_session, host):
    ssh_session.process.stdin.close()
    ssh_session.process.stdin = None
    host.wait_until(lambda: inspect("list", "-J")["sessions"] == [], "the session is gone from the list")


def test_real_session_that_lingers_is_killed(host, module, log):
    host.add_module(["su"])
    host.set_policy("user/alice.conf", 'on-logout = "wait"\n')
    programs.su("alice", "nohup sleep 1000 >/dev/null 2>&1 &").check()
    log.wait_for("session left: ")
    (identity, record), = host.live_records().items()
    assert programs.run(["nsinspect", "-rn", "-o", "ID,STATE,NLOGINS"]).check().stdout == f"{identity} lingering 0\n"
    done = programs.run(["nsinspect", "kill", identity]).check()
    assert done.stdout == f"{identity}: killed: alice, su, 0 logins\n"
    assert not host.isolated_processes() and not host.records()
    assert glob.glob("/run/nsisolate/users/*/*.*") == []

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""A host that systemd booted, with logind: logins by ssh.service, and what ends them."""

import contextlib
import json
import os
import re
import shutil
import signal
import time

import pytest

from support import host as H
from support import programs as P
from support import sandbox
from support.on_booted import (ALICE, MANAGER, audit, host, let_linger, lingering, logged_in, machine, machines,  # noqa: F401
                               scope, without_module)

RUNTIME = f"/run/user/{ALICE}"
# far more than a login or an end takes, and far less than anybody waits for what does not come
PROMPT = 45 * H.SLOWER


# a login

def test_a_login_is_a_session_of_logind_and_an_isolated_one(machine):
    start = time.monotonic()
    with logged_in(machine) as (_, name, properties, seen):
        assert time.monotonic() - start < PROMPT
        assert [properties[key] for key in ("Service", "State", "Scope")] == ["sshd", "active", f"session-{name}.scope"]
        assert seen["env"]["XDG_SESSION_ID"] == name

        def names():
            return {H.comm_of(pid) for pid in scope(machine, properties)}

        H.wait_until(lambda: names() == {"bash", "cat", "nsisolate-init", "sshd"}, names)
        opened = machine.wait_for_line(r"session opened: id=.* user=alice service=sshd rhost=127\.0\.0\.1 .*mode=enforce")
        assert opened["_COMM"] == "sshd" and opened["SYSLOG_FACILITY"] in ("4", "10")
        listed, = json.loads(machine.run("nsinspect", "-J").check().stdout)["sessions"]
        assert (listed["user"], listed["service"], listed["state"]) == ("alice", "sshd", "active")
    H.wait_until(lambda: not machine.sessions() and not machine.leftovers(), "the session is gone")
    machine.wait_for_line(rf"session closed: id={seen['env']['NSISOLATE_ID']} user=alice")


def entry(machine, identity, *matches):
    """The one that root wrote, once it is there."""
    found = H.wait_until(lambda: machine.journal("_UID=0", f"NSISOLATE_MSGID={identity}", *matches), machine.journal_text)
    only, = found
    return only


def test_the_journal_has_fields_and_explains_them(machine):
    machine.run("journalctl", "--update-catalog").check()
    listed = {line.split()[0] for line in machine.run("journalctl", "--list-catalog").check().stdout.splitlines()}
    with open(f"{sandbox.SOURCE}/tests/data/log-messages", encoding="utf-8") as file:
        numbers = {line.split("\t")[0]: line.split("\t")[1] for line in file if not line.startswith("#")}
    assert set(numbers.values()) <= listed
    forged = "MESSAGE=forged\\nNSISOLATE_MSGID=NSL003\\nNSISOLATE_USER=alice\\n"
    with logged_in(machine, command=f"printf '{forged}' | logger --journald && {P.STAY}") as (_, _, _, seen):
        session = seen["env"]["NSISOLATE_ID"]
        machine.run("nsinspect", "enter", session, "true").check()
        machine.run("nsinspect", "kill", session).check()
    for identity, sender in {"NSL001": "sshd", "NSL007": "nsinspect", "NSL008": "nsinspect", "NSL006": "nsinspect",
                             "NSL003": "sshd"}.items():
        found = entry(machine, identity, f"NSISOLATE_ID={session}")
        # what journald looks up in /proc is missing of a sender that has ended by then
        assert found.get("_COMM", sender) == found["SYSLOG_IDENTIFIER"] == sender
        assert (found["MESSAGE_ID"], found["NSISOLATE_USER"]) == (numbers[identity], "alice")
        assert found["_TRANSPORT"] == "journal" and f"{identity} " in found["MESSAGE"]
    assert len(machine.journal("--grep", f"session opened: id={session}")) == 1
    assert [line["_UID"] for line in machine.journal("MESSAGE=forged")] == [str(ALICE)]
    explained = machine.run("journalctl", "-x", "-b", "-q", "_UID=0", f"NSISOLATE_ID={session}").check().stdout
    for subject in "alice has an isolated session", "root killed the session of alice", "The session of alice has ended":
        assert f" Subject: {subject}\n" in explained
    reason = "default.conf:1: the file ends where '=' or '{' after the key is expected"
    H.set_policy("default.conf", "nonsense\n")
    assert P.ssh("alice", "true").status == 254
    # a machine that others have tested on has refusals of theirs
    found = entry(machine, "NSL020", "NSISOLATE_SERVICE=sshd", f"NSISOLATE_REASON={reason}")
    assert found["MESSAGE"].endswith(f" {reason}")


def test_the_user_manager_is_refused_and_the_login_does_without(machine):
    with logged_in(machine, command=P.STAY) as (_, _, _, seen):
        manager = machine.unit(MANAGER)
        # exit status 224: PAM refused
        assert (manager["ActiveState"], manager["Result"], manager["ExecMainStatus"]) == ("failed", "exit-code", "224")
        machine.wait_for_line(r"denied: user=alice service=systemd-user .*user-manager")
        assert seen["env"]["XDG_RUNTIME_DIR"] == RUNTIME and "DBUS_SESSION_BUS_ADDRESS" not in seen["env"]
    with logged_in(machine, command=f"stat -c '\"%n %a %U\"' /run/user/*; cat >/dev/null") as (_, _, _, inside):
        assert inside == f"{RUNTIME} 700 alice"
    done = P.ssh("alice", "ls -A $XDG_RUNTIME_DIR && ! systemd-run --user true && ! systemctl --user is-system-running")
    assert (done.status, done.stdout.strip()) == (0, "")


UNIT = f"""mkdir -p ~/.config/systemd/user/default.target.wants
ln -s ../out.service ~/.config/systemd/user/default.target.wants
cat >~/.config/systemd/user/out.service <<'END'
[Service]
ExecStart=/bin/sh -c 'readlink /proc/self/ns/net >/home/alice/ran; exec sleep 1000'
END
"""


@pytest.mark.parametrize("module", [True, False])
def test_who_lingers_has_no_unit_run_outside_the_session(machine, module):
    """Even where an administrator let the user linger. The control: without the module in the manager's stack it is run."""
    P.ssh("alice", UNIT).check()
    if not module:
        without_module(machine, "systemd-user")
    try:
        let_linger(machine, "alice")
        if module:
            machine.wait_for_line(r"denied: user=alice service=systemd-user .*user-manager")
            H.wait_until(lambda: machine.unit(MANAGER)["ActiveState"] == "failed", "the manager fails")
            assert not os.path.exists("/home/alice/ran") and not lingering(machine)
        else:
            H.wait_until(lambda: os.path.exists("/home/alice/ran") and lingering(machine), "the unit runs")
            assert H.read("/home/alice/ran").strip() == os.readlink("/proc/self/ns/net")
    finally:
        machine.run("loginctl", "disable-linger", "alice").check()
        machine.run("loginctl", "terminate-user", "alice")
        machine.run("systemctl", "stop", MANAGER)
        if not module:
            machine.run("nsisolate-pam", "enable", "systemd-user").check()
        shutil.rmtree("/home/alice/.config")
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/home/alice/ran")


def test_the_runtime_directory_of_the_host_comes_and_goes_unseen(machine):
    tell = "while read line; do ls /run/user | tr '\\n' ' '; grep -c /run/user/ /proc/self/mounts; done"
    with P.ssh_background("alice", f"echo in; {tell}") as login:
        assert login.read_line() == "in"

        def told():
            login.process.stdin.write(b"\n")
            login.process.stdin.flush()
            return login.read_line()

        def mounted():
            lines = machine.run("cat", "/proc/mounts").check().stdout.splitlines()
            return sorted(line.split()[1] for line in lines if " /run/user/" in line)

        alone = told()
        assert alone.split()[0] == str(ALICE) and mounted() == [RUNTIME]
        with logged_in(machine, "bob"):
            assert mounted() == [RUNTIME, f"/run/user/{H.USERS['bob'].uid}"]
            assert told().split()[:-1] == [str(ALICE)]
        H.wait_until(lambda: mounted() == [RUNTIME], "bob's is unmounted")
        assert told() == alone
    H.wait_until(lambda: mounted() == [], "alice's is unmounted")


# control groups

GROUPS = "cat /proc/self/cgroup; ls /sys/fs/cgroup; wc -l </sys/fs/cgroup/cgroup.procs"


def test_a_session_sees_no_control_group_above_its_own(machine):
    """What others run and who is logged in is told by the names there, to anybody. Then the host's are mounted inside."""
    everything = {"system.slice", "user.slice"}
    told = P.ssh("alice", GROUPS).check().stdout
    assert re.search(r"^0::/user.slice/.*/session-\w+.scope$", told, re.M) and everything <= set(told.split())
    H.set_policy("default.conf", "cgroup { isolate = true }\n")
    told = P.ssh("alice", GROUPS).check().stdout.split()
    assert "0::/" in told and not everything & set(told) and int(told[-1]) > 0
    H.wait_until(lambda: not machine.leftovers(), "they have logged out")
    with logged_in(machine) as (_, _, properties, seen):
        assert seen["namespaces"]["cgroup"] != os.readlink("/proc/self/ns/cgroup")
        assert audit(machine) == []
        name, = (record["id"] for record in json.loads(machine.run("nsinspect", "-J").check().stdout)["sessions"])
        shown = json.loads(machine.run("nsinspect", "show", "-J", name).check().stdout)
        step, = (step for step in shown["plan"] if step["step"] == "mount-cgroups")
        assert step["kernel"].endswith(properties["Scope"]) and not step["differs"]
        mount = "nsenter -t $(pgrep -x nsisolate-init) -m -p sh -c 'umount /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup'"
        machine.run("sh", "-c", mount).check()
        assert [(finding["code"], finding["seen"]) for finding in audit(machine)] == [
            ("NSI011", "/sys/fs/cgroup shows the control groups of the host")]


# its end

@pytest.mark.parametrize("policy", ["", 'scope = "user"\n', 'on-logout = "wait"\n'])
@pytest.mark.parametrize("command", ["terminate-session", "terminate-user", "kill-user"])
def test_loginctl_ends_it(machine, policy, command):
    H.set_policy("default.conf", policy)
    with logged_in(machine, command=f"(setsid sleep 1000 >/dev/null 2>&1 &); {P.STAY}") as (login, name, _, _):
        extra = ["-s", "KILL"] if command == "kill-user" else []
        machine.run("loginctl", *extra, command, name if command == "terminate-session" else "alice").check()
        # its input stays open: it would end by itself
        login.process.wait(PROMPT)
        assert login.result().status == 255
        H.wait_until(lambda: not machine.sessions() and not machine.leftovers(), machine.leftovers, PROMPT)


@contextlib.contextmanager
def kill_user_processes(machine):
    path = machine.path("/run/systemd/logind.conf.d/kill.conf")

    def is_now(value):
        machine.run("systemctl", "kill", "-s", "HUP", "systemd-logind").check()
        H.wait_until(lambda: machine.run("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
                                         "org.freedesktop.login1.Manager", "KillUserProcesses").stdout == f"b {value}\n",
                     "logind has read it")

    H.write(path, "[Login]\nKillUserProcesses=yes\n")
    is_now("true")
    try:
        yield
    finally:
        os.unlink(path)
        is_now("false")


LINGER = "(setsid sleep 1000 >/dev/null 2>&1 &); echo '\"in\"'; cat >/dev/null"


def test_what_waits_is_ended_where_logind_kills(machine):
    H.set_policy("default.conf", 'on-logout = "wait"\n')
    with kill_user_processes(machine):
        with logged_in(machine, command=LINGER):
            H.wait_until(lambda: lingering(machine), "nothing waits")
        # logind learns of the logout behind the client's back, and must still be of that mind then
        H.wait_until(lambda: not machine.leftovers(), machine.leftovers, PROMPT)


def test_what_waits_stays_in_its_scope_until_it_ends(machine):
    H.set_policy("default.conf", 'on-logout = "wait"\n')
    with logged_in(machine, command=LINGER) as (_, name, properties, _):
        pass
    H.wait_until(lambda: machine.sessions().get(name, {}).get("State") == "closing", "it is closing")
    sleep, = H.wait_until(lambda: lingering(machine), "nothing waits")
    assert sleep.pid in scope(machine, properties)
    assert {finding["code"] for finding in audit(machine)} == {"NSI022"}
    os.kill(sleep.pid, signal.SIGTERM)
    H.wait_until(lambda: not machine.sessions(), "the session is gone")


def test_a_restart_of_ssh_keeps_live_sessions(machine):
    with logged_in(machine) as (login, name, _, seen):
        listener = machine.unit("ssh.service")["MainPID"]
        machine.run("systemctl", "restart", "ssh.service").check()
        assert machine.unit("ssh.service")["MainPID"] != listener
        assert login.process.poll() is None
        # logind notices some time later that the session of a login before this is empty
        H.wait_until(lambda: set(machine.sessions()) == {name}, machine.sessions)
        listed, = json.loads(machine.run("nsinspect", "-J").check().stdout)["sessions"]
        assert (listed["id"], listed["state"]) == (seen["env"]["NSISOLATE_ID"], "active")
        assert audit(machine) == []


@pytest.mark.parametrize("how", [("systemctl", "poweroff"), ("kill", "-s", "RTMIN+4", "1")])
def test_a_shutdown_ends_sessions_at_once(machine, how):
    H.set_policy("user/bob.conf", 'on-logout = "wait"\n')
    with P.ssh_background("alice", LINGER) as alice, P.ssh_background("bob", LINGER, pty=True) as bob:
        assert alice.read_line() == '"in"' and bob.read_line().strip() == '"in"'
        machine.run(*how)
        machine.process.wait(PROMPT)
        for login in (alice, bob):
            assert login.result(PROMPT).status == 255
    assert machine.processes() == {}

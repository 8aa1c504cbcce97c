# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Section limits on a host that systemd booted: what pam_systemd is handed, what the kernel has of it, and who is refused."""

import contextlib
import json
import os

import pytest

from support import host as H
from support import programs as P
from support.on_booted import (ALICE, audit, host, inner_pid, logged_in, machine, machines, scope)  # noqa: F401

LIMITS = True  # of on_booted.machine
MIB = 1 << 20
POLICY = 'limits { memory = "96m" tasks = 60 cpu-weight = 50 }\n'
OTHER = 'limits { memory = "80m" tasks = 50 cpu-weight = 40 }\n'
NONE = 'limits { memory = "infinity" tasks = "infinity" cpu-weight = 100 }'
GOT = [("memory", 96 * MIB), ("pids", 60), ("cpu", 50)]
EXAMPLE = "/usr/share/doc/nsisolate/examples/compute-shell.conf"
# of cgroup version 1 and 2, whichever this machine has its controllers in
FILES = {"memory": ("memory.limit_in_bytes", "memory.max"), "pids": ("pids.max", "pids.max"),
         "cpu": ("cpu.shares", "cpu.weight")}


def group(machine, pid, controller):
    """The directory of a process's control group, and whether it is of version 1."""
    lines = [line.split(":", 2) for line in machine.run("cat", f"/proc/{pid}/cgroup").check().stdout.splitlines()]
    old = next((path for _, names, path in lines if controller in names.split(",")), None)
    path = old or next(path for _, names, path in lines if not names)
    return machine.path(f"/sys/fs/cgroup/{controller + path if old else path}"), bool(old)


def limit(machine, pid, controller):
    """None where there is no limit."""
    directory, old = group(machine, pid, controller)
    text = H.read(f"{directory}/{FILES[controller][not old]}").strip()
    if text == "max" or int(text) > 1 << 62:
        return None
    return round(int(text) * 100 / 1024) if old and controller == "cpu" else int(text)


def limits(machine, pid):
    return [(controller, limit(machine, pid, controller)) for controller in FILES]


FORKS = """
import os, time
children = []
try:
    while len(children) < 500:
        child = os.fork()
        if child == 0:
            time.sleep(100)
        children.append(child)
except OSError as error:
    print(len(children), error.errno)
for child in children:
    os.kill(child, 9)
"""
IN = 'echo "\\"in\\""; cat >/dev/null'
EATS = "print(len(bytearray({} << 20)))"


def python(code):
    return f"python3 - <<'END'\n{code}\nEND\n"


def test_a_login_is_held_to_them(machine):
    H.set_policy("default.conf", POLICY)
    with logged_in(machine) as (_, name, properties, _):
        pid = inner_pid(machine, "cat")
        assert limits(machine, pid) == GOT
        assert all(properties["Scope"] in group(machine, pid, controller)[0] for controller in FILES)
        shown = json.loads(machine.run("nsinspect", "show", "-J", session_id(machine)).check().stdout)
        line, = [item for item in shown["plan"] if item["step"] == "limits"]
        assert (line["planned"], line["kernel"], line["differs"]) == (("memory=96m tasks=60 cpu-weight=50",) * 2 + (False,))
        assert audit(machine, "--hurried") == []
        # a fork bomb and a glutton have what is theirs, and beside them another login of hers its own
        bombed = P.ssh("alice", python(FORKS)).check().stdout.split()
        assert 40 < int(bombed[0]) < 60 and bombed[1] == "11"
        assert P.ssh("alice", python(EATS.format(200))).status == 137
        assert P.ssh("alice", python(EATS.format(20))).check().stdout == f"{20 * MIB}\n"
        H.wait_until(lambda: set(machine.sessions()) == {name}, "the others have logged out")
        # root sets another limit, and it is found
        set_tasks(machine, name, pid, 1000)
        found, = audit(machine, "--hurried")
        assert (found["code"], found["name"]) == ("NSI015", "limits-changed")
        assert "limits.tasks: pids.max is 1000 in the control group" in found["seen"]
        shown = machine.run("nsinspect", "show", session_id(machine)).check().stdout
        assert "memory=96m tasks=1000 cpu-weight=50" in shown
        set_tasks(machine, name, pid, 60)
        assert audit(machine, "--hurried") == []


def set_tasks(machine, name, pid, number):
    """systemd answers before it has written it."""
    machine.run("systemctl", "set-property", "--runtime", f"session-{name}.scope", f"TasksMax={number}").check()
    H.wait_until(lambda: limit(machine, pid, "pids") == number, "it is written")


def session_id(machine):
    listed = json.loads(machine.run("nsinspect", "-J").check().stdout)["sessions"]
    return listed[0]["id"]


def test_one_without_limits_gets_none(machine):
    H.set_policy("default.conf", f"description = \"no limits at all\"\n{NONE}\n")
    with logged_in(machine):
        pid = inner_pid(machine, "cat")
        assert [value for _, value in limits(machine, pid)][:2] == [None, None] and limit(machine, pid, "cpu") in (None, 100)


ATTACKS = (
    "systemctl set-property --runtime {scope} TasksMax=infinity",
    "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager SetUnitProperties "
    "'sba(sv)' {scope} true 1 TasksMax t 18446744073709551615",
    "echo max >{pids}/pids.max",
    "echo $$ >{pids}/../cgroup.procs",
    "echo $$ >{pids}/../../cgroup.procs",
    "mkdir {pids}/mine",
    "systemd-run --scope true",
    "systemd-run --user --scope true",
    "machinectl shell .host /bin/true",
    "loginctl enable-linger && test -e /run/user/$(id -u)/systemd",
)


def test_who_is_in_does_not_get_out(machine):
    H.set_policy("default.conf", POLICY)
    with logged_in(machine) as (_, name, _, _):
        pid = inner_pid(machine, "cat")
        inside = group(machine, pid, "pids")[0].removeprefix(machine.path(""))
        filled = [attack.format(scope=f"session-{name}.scope", pids=inside) for attack in ATTACKS]
        done = P.ssh("alice", "\n".join(f"({attack}) </dev/null >/dev/null 2>&1; echo $?" for attack in filled)).check()
        assert [attack for attack, status in zip(filled, done.stdout.split(), strict=True) if status == "0"] == []
        assert limits(machine, pid) == GOT
    machine.run("loginctl", "disable-linger", "alice").check()


def test_root_does(machine):
    """The control of the attacks: these commands are none that fail for everybody."""
    H.set_policy("default.conf", POLICY)
    with logged_in(machine) as (_, name, _, _):
        pid = inner_pid(machine, "cat")
        directory, old = group(machine, pid, "pids")
        inside = directory.removeprefix(machine.path(""))
        # cgroups(7), version 2: those above have children with controllers, and can have no processes
        free = f"{inside}/../.." if old else "/sys/fs/cgroup/free"
        machine.run("sh", "-c", f"mkdir {inside}/mine && rmdir {inside}/mine && echo 500 >{inside}/pids.max").check()
        assert limit(machine, pid, "pids") == 500
        machine.run("sh", "-c", f"mkdir -p {free} && echo {pid} >{free}/cgroup.procs").check()
        assert limit(machine, pid, "pids") is None
    if not old:
        H.wait_until(lambda: machine.run("rmdir", free).status == 0, "the group to be empty")


# the stack

@pytest.fixture
def since(machine):
    return machine.run("date", "+%s.%N").check().stdout.strip()


def wait_for_line(machine, since, pattern):
    def line():
        return next(iter(machine.journal("--since", f"@{since}", "--grep", pattern)), None)

    return H.wait_until(line, lambda: f"no line matches {pattern!r} in:\n{machine.journal_text()}")["MESSAGE"]


def refusal(machine, since, service="sshd", user="alice"):
    return wait_for_line(machine, since, rf"refused: user={user} service={service} ")


def remove_line(path, word):
    H.write(path, "".join(line for line in H.read(path).splitlines(True) if word not in line))


def move_systemd(path, where):
    remove_line("/etc/pam.d/common-session", "pam_systemd.so")
    lines = H.read(path).splitlines(True)
    first = next(i for i, line in enumerate(lines) if line.startswith("session"))
    lines.insert(first if where == "first" else len(lines), "session optional pam_systemd.so\n")
    H.write(path, "".join(lines))


STACKS = {
    "without pam_systemd": (lambda: remove_line("/etc/pam.d/common-session", "pam_systemd.so"), "has no pam_systemd.so",
                            "limits.memory: "),
    "pam_systemd before ours": (lambda: move_systemd("/etc/pam.d/sshd", "first"), "has pam_systemd.so, but not between the lines",
                                "limits.memory: "),
    "pam_systemd behind ours": (lambda: move_systemd("/etc/pam.d/sshd", "last"), "has pam_systemd.so, but not between the lines",
                                "limits.memory: "),
    "without our first line": (lambda: remove_line("/etc/pam.d/sshd", "pam_nsisolate.so close"), "has no line 'close'",
                               "has no line 'session required pam_nsisolate.so close'"),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_that_does_not_hold_refuses(machine, since, name):
    change, lint, said = STACKS[name]
    H.set_policy("user/alice.conf", POLICY)
    change()
    assert P.ssh("alice", "true").status == 254
    text = refusal(machine, since)
    assert "user/alice.conf: limits" in text and said in text and "/etc/pam.d/sshd" in text and "nsisolate-pam" in text
    assert P.ssh("bob", "true").status == 0
    checked = machine.run("nsinspect", "check").stdout
    assert f"user/alice.conf:1: warning: limits: the stack of /etc/pam.d/sshd {lint}" in checked.replace(H.POLICIES + "/", "")
    assert "every login by sshd would be refused" in checked


def test_a_policy_that_changes_meanwhile_refuses(machine, since):
    """Between our first line and our last another is written: what was handed over is not what it says."""
    H.set_policy("user/alice.conf", POLICY)
    H.write("/home/change", f"#!/bin/sh\necho '{OTHER}' >{H.POLICIES}/user/alice.conf\n", 0o755)
    path = "/etc/pam.d/common-session"
    H.write(path, H.read(path) + "session optional pam_exec.so /home/change\n")
    assert P.ssh("alice", "true").status == 254
    assert "the policy was changed while this login was under way" in refusal(machine, since)


def test_mode_audit_hands_nothing_over(machine, since):
    H.set_policy("user/alice.conf", f'mode = "audit"\n{POLICY}')
    with logged_in(machine, command=IN):
        assert limit(machine, inner_pid(machine, "cat"), "pids") is None
        wait_for_line(machine, since, r"would isolate: id=.* user=alice")
    remove_line("/etc/pam.d/sshd", "pam_nsisolate.so close")
    assert P.ssh("alice", "true").status == 0
    wait_for_line(machine, since, r"not isolated: user=alice .*would refuse: .*limits: the stack")


def test_cron_is_refused_or_without(machine):
    """Debian's stack of cron has no pam_systemd."""
    H.set_policy("user/alice.conf", POLICY)
    checked = machine.run("nsinspect", "check").stdout
    assert "the stack of /etc/pam.d/cron has no pam_systemd.so" in checked
    H.set_policy("user/alice.conf", f'{POLICY}service "cron" {{ {NONE} }}\nservice "sudo" {{ {NONE} }}\n')
    checked = machine.run("nsinspect", "check").stdout
    assert "/etc/pam.d/cron" not in checked and "/etc/pam.d/sudo " not in checked


# within others

def test_a_login_within_a_session_stays_in_its_limits(machine, since):
    H.set_policy("default.conf", POLICY)
    H.set_policy("user/bob.conf", 'limits { memory = "2g" tasks = 5000 cpu-weight = 70 }\n')
    H.write("/etc/sudoers.d/tests", "alice ALL=(bob, carol) NOPASSWD: ALL\n", 0o440)
    H.set_policy("user/carol.conf", OTHER)
    with logged_in(machine, command=f"sudo -n -u bob sh -c '{IN}'"):
        pid = inner_pid(machine, "cat", "bob")
        assert limits(machine, pid) == GOT
        assert audit(machine, "--hurried") == []
    done = P.ssh("alice", "sudo -n -u carol true")
    assert done.status == 1
    text = refusal(machine, since, "sudo", "carol")
    assert "limits.memory: " in text and "a login within a session stays in the control group of that one" in text


def test_su_from_the_session_of_root_is_refused(machine, since):
    H.set_policy("user/alice.conf", f'{POLICY}service "su-l" {{ {NONE} }}\n')
    done = P.ssh("root", "su alice -c true")
    assert done.status != 0, done
    text = refusal(machine, since, "su")
    assert "limits.memory: " in text and 'lift them for it by service "su"' in text
    H.set_policy("user/alice.conf", f'{POLICY}service "su" {{ {NONE} }}\n')
    assert P.ssh("root", "su alice -c true").status == 0


def test_logins_that_share_a_session_have_limits_of_their_own(machine):
    H.set_policy("default.conf", f'scope = "user"\n{POLICY}')
    with logged_in(machine) as (_, _, first, seen), logged_in(machine) as (_, _, second, other):
        assert seen["env"]["NSISOLATE_ID"] == other["env"]["NSISOLATE_ID"] and first["Scope"] != second["Scope"]
        inits = {pid for pid, process in machine.processes().items() if process.name == "nsisolate-init"}
        assert [len(inits & set(scope(machine, properties))) for properties in (first, second)] == [1, 0]

        def both():
            pids = machine.run("pgrep", "-u", "alice", "-x", "cat").stdout.split()
            return len(pids) == 2 and pids

        for pid in H.wait_until(both, "no two are in"):
            assert limits(machine, pid) == GOT
        assert audit(machine, "--hurried") == []


def test_nsrun_is_held_to_what_it_is_started_in(machine):
    H.set_policy("user/alice.conf", POLICY)
    done = machine.run("systemd-run", "--scope", "-q", "nsrun", "-u", "alice", "true")
    assert done.status == 125 and "systemd-run --scope -p MemoryMax=" in done.stderr
    machine.run("systemd-run", "--scope", "-q", "-p", "MemoryMax=96M", "-p", "TasksMax=60", "-p", "CPUWeight=50", "nsrun", "-u",
                "alice", "true").check()


def test_the_example_for_computing(machine):
    H.set_policy("user/alice.conf", H.read(EXAMPLE))
    with logged_in(machine) as (_, _, _, _):
        assert limits(machine, inner_pid(machine, "cat")) == [("memory", 64 * MIB), ("pids", 100), ("cpu", 20)]
        assert P.ssh("alice", python(EATS.format(80))).status == 137
        assert int(P.ssh("alice", python(FORKS)).check().stdout.split()[0]) < 100
    checked = machine.run("nsinspect", "check").stdout
    assert "/etc/pam.d/cron has no pam_systemd.so" in checked and "/etc/pam.d/sudo " not in checked
    P.ssh("root", "sudo -n -u alice true").check()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""privileges.no-new-privileges and .drop-capabilities: what no process of a session can have, and what that breaks."""

import json
import re

import pytest

from support import host as H
from support import programs as P
from support.shared import SHARED, STAY, live

CAPABILITIES = ("chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
                "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot "
                "sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease "
                "audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read "
                "perfmon bpf checkpoint_restore").split()
NO_NEW_PRIVILEGES = "privileges { no-new-privileges = true }\n"
STATUS = "cat /proc/self/status"
POLICIES = {"carol": ""}

pytestmark = pytest.mark.usefixtures("isolated")


def drop(*names):
    return "privileges { drop-capabilities = { " + ", ".join(f"cap_{name}" for name in names) + " } }\n"


def bits(*names):
    return sum(1 << CAPABILITIES.index(name) for name in names)


def status_of(text):
    """Sets of capabilities, and no_new_privs, as proc_pid_status(5) has them."""
    return {name: int(value, 16) for name, value in re.findall(r"^(Cap\w+|NoNewPrivs):\t([0-9a-f]+)", text, re.M)}


def own_status():
    return status_of(H.read("/proc/self/status"))


# the session

@pytest.mark.parametrize("service", P.PROGRAMS)
def test_every_service_gives_them_up(service):
    H.set_policy("user/alice.conf", drop("sys_admin", "checkpoint_restore"))
    seen = status_of(P.PROGRAMS[service]("alice", STATUS).check().stdout.replace("\r", ""))
    assert seen["CapBnd"] == own_status()["CapBnd"] & ~bits("sys_admin", "checkpoint_restore")
    assert seen["NoNewPrivs"] == 0
    H.set_policy("user/alice.conf", NO_NEW_PRIVILEGES)
    seen = status_of(P.PROGRAMS[service]("alice", STATUS).check().stdout.replace("\r", ""))
    assert seen["CapBnd"] == own_status()["CapBnd"]
    assert seen["NoNewPrivs"] == 1


def test_without_the_keys_nothing_is_given_up():
    H.set_policy("user/alice.conf")
    seen = status_of(P.su("alice", STATUS).check().stdout)
    assert (seen["CapBnd"], seen["NoNewPrivs"]) == (own_status()["CapBnd"], 0)


def test_all_is_every_capability():
    H.set_policy("user/alice.conf", 'privileges { drop-capabilities = { "all" } }\n')
    seen = status_of(P.su("alice", STATUS).check().stdout)
    assert {name: seen[name] for name in ("CapBnd", "CapInh", "CapAmb")} == {"CapBnd": 0, "CapInh": 0, "CapAmb": 0}


def test_a_login_of_root_with_a_policy_has_less_than_root():
    H.set_policy("user/root.conf", drop("sys_admin"))
    seen = status_of(P.PROGRAMS["sshd"]("root", STATUS).check().stdout)
    assert seen["CapEff"] == own_status()["CapEff"] & ~bits("sys_admin") != own_status()["CapEff"]


def test_sudo_inside_has_no_more():
    H.set_policy("user/alice.conf", drop("sys_admin"))
    seen = status_of(P.su("alice", f"sudo -n {STATUS}").check().stdout)
    assert seen["CapEff"] == seen["CapPrm"] == own_status()["CapEff"] & ~bits("sys_admin")


def test_who_joins_a_session_has_no_more():
    both = 'privileges { no-new-privileges = true drop-capabilities = { "cap_sys_admin" } }\n'
    H.set_policy("user/alice.conf", SHARED + both)
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        joined = P.ssh("alice", f"readlink /proc/self/ns/pid; {STATUS}").check().stdout
        assert joined.startswith(namespace)
        seen = status_of(joined)
    assert (seen["NoNewPrivs"], seen["CapBnd"] & bits("sys_admin")) == (1, 0)


def test_nsrun_gives_them_up_too():
    H.set_policy("user/alice.conf", NO_NEW_PRIVILEGES + drop("sys_admin").replace("privileges", "service nsrun { privileges", 1) + "}")
    seen = status_of(P.run(["nsrun", "-u", "alice", "--", "cat", "/proc/self/status"]).check().stdout)
    assert (seen["NoNewPrivs"], seen["CapBnd"] & bits("sys_admin")) == (1, 0)
    dry = P.run(["nsrun", "-u", "alice", "--dry-run", "--", "true"]).check().stdout
    assert re.search(r"^caller +drop-capabilities +cap_sys_admin\ncaller +no-new-privileges +set$", dry, re.M), dry


def test_who_enters_by_nsinspect_has_no_more():
    H.set_policy("user/alice.conf", NO_NEW_PRIVILEGES)
    with P.sshd(), P.ssh_background("alice", STAY) as login:
        login.read_line()
        ident = next(iter(live(False)))
        seen = status_of(P.run(["nsinspect", "enter", ident, "--root", "--", "cat", "/proc/self/status"]).check().stdout)
    assert seen["NoNewPrivs"] == 1


@pytest.mark.parametrize("policy", [NO_NEW_PRIVILEGES, 'privileges { drop-capabilities = { "all" } }\n'],
                         ids=["no_new_privs", "all"])
def test_in_mode_audit_nothing_is_given_up(policy, log):
    H.set_policy("user/alice.conf", policy + 'mode = "audit"\n')
    seen = status_of(P.su("alice", STATUS).check().stdout)
    log.wait_for("would isolate")
    assert (seen["CapBnd"], seen["NoNewPrivs"]) == (own_status()["CapBnd"], 0)


@pytest.mark.parametrize("error", ["EINVAL", "EPERM"])
@pytest.mark.parametrize("policy", [NO_NEW_PRIVILEGES, drop("sys_admin")], ids=["no_new_privs", "dropped"])
def test_where_the_kernel_refuses_the_login_is_refused(policy, error, log):
    H.set_policy("user/alice.conf", policy)
    done = P.run(["strace", "-o", "/dev/null", "-e", f"inject=prctl:error={error}", "su", "alice", "-c", "echo got-in"])
    assert done.status != 0 and "got-in" not in done.stdout
    log.wait_for(r"step (no-new-privileges|drop-capabilities): the login process: .* \(policy user/alice.conf\)")


# logins from inside

def test_a_login_from_inside_never_has_more():
    """Whatever the policy says of the one who is become, and whether they have one."""
    H.set_policy("user/alice.conf", drop("sys_boot", "sys_module"))
    H.set_policy("user/carol.conf", drop("sys_time"))
    outer = own_status()["CapBnd"] & ~bits("sys_boot", "sys_module")
    for user, expected in (("carol", outer & ~bits("sys_time")), ("bob", outer), ("root", outer)):
        seen = status_of(P.su("alice", f"sudo -n -u {user} {STATUS}").check().stdout)
        assert seen["CapBnd"] == expected, user


def test_one_that_would_drop_more_and_cannot_is_refused(log):
    H.set_policy("user/alice.conf", drop("setpcap"))
    H.set_policy("user/carol.conf", drop("sys_time"))
    done = P.su("alice", "sudo -n -u carol echo got-in")
    assert done.status != 0 and "got-in" not in done.stdout
    log.wait_for(r"step drop-capabilities: CAP_SETPCAP: Operation not permitted.* \(policy user/carol.conf\)")
    # what is out of reach already needs not be dropped
    H.set_policy("user/carol.conf", drop("setpcap"))
    assert P.su("alice", "sudo -n -u carol echo got-in").check().stdout == "got-in\n"


# what fails without them: the table of config/privileges.c, which `nsinspect check` warns by

def by_su():
    with P.Terminal(["su", "alice", "-c", "su bob -c 'echo got-in'"]) as terminal:
        terminal.answer("Password: ", H.USERS["bob"].password)
        return terminal.wait()


PROGRAMS = {
    "sudo": lambda: P.su("alice", "sudo -n true"),
    "su": by_su,
    "ping": lambda: P.su("alice", "ping -c1 -W5 127.0.0.1"),
    "crontab": lambda: P.su("alice", "echo '# none' | crontab - && crontab -r"),
    "nested": lambda: P.su("alice", "sudo -n -u carol true"),
}
NESTED = ("chown", "net_admin", "sys_chroot", "sys_ptrace", "sys_admin")
SUDO = ("setuid", "setgid")


def failing():
    return {name for name, program in PROGRAMS.items() if program().status != 0}


def warned():
    """The programs that the linter names."""
    linted = P.run(["nsinspect", "check", f"{H.POLICIES}/user/alice.conf"]).stdout
    names = {"sudo and su fail": {"sudo", "su", "nested"}, "ping fails": {"ping"}, "a login from inside": {"nested"},
             "sudo, su, ping, crontab": set(PROGRAMS)}
    return set().union(*(programs for text, programs in names.items() if text in linted))


@pytest.mark.parametrize("policy, expected", [
    ("", set()),
    (NO_NEW_PRIVILEGES, set(PROGRAMS)),
    ('privileges { drop-capabilities = { "all" } }\n', {"sudo", "su", "ping", "nested"}),
    (drop("net_raw"), {"ping"}),
    *((drop(name), {"sudo", "su", "nested"}) for name in SUDO),
    *((drop(name), {"nested"}) for name in NESTED),
    (drop(*(set(CAPABILITIES) - {"net_raw", *NESTED, *SUDO})), set()),
], ids=["nothing", "no_new_privs", "all", "net_raw", *SUDO, *NESTED, "others"])
def test_what_fails_is_what_check_warns_of(policy, expected):
    H.set_policy("user/alice.conf", policy)
    assert failing() == expected == warned()


# inspection

BOTH = 'privileges { no-new-privileges = true drop-capabilities = { "cap_sys_admin", "cap_kill" } }\n'


def inspected():
    """What show says of the two steps, what it finds different, and the audit's findings about it."""
    shown = json.loads(P.run(["nsinspect", "show", "-J", next(iter(live(False)))]).check().stdout)
    steps = {step["step"]: (step["planned"], step["kernel"], step["differs"]) for step in shown["plan"]
             if step["step"] in ("drop-capabilities", "no-new-privileges")}
    audit = json.loads(P.run(["nsinspect", "audit", "-J", "--hurried"]).stdout)
    found = [finding["seen"] for finding in audit["findings"] if finding["code"] == "NSI019"]
    return steps, shown["differences"], found


def test_show_and_audit_see_that_they_are_gone():
    H.set_policy("user/alice.conf", BOTH)
    with P.sshd(), P.ssh_background("alice", STAY) as login:
        login.read_line()
        assert inspected() == ({"drop-capabilities": ("cap_kill,cap_sys_admin", "dropped", False),
                                "no-new-privileges": ("set", "set", False)}, [], [])


def test_show_and_audit_find_a_login_that_kept_them():
    """A login program whose prctl(2) does nothing: strace has it say that all is done."""
    H.set_policy("user/alice.conf", BOTH)
    with P.Background(["strace", "-o", "/dev/null", "-e", "inject=prctl:retval=0", "su", "alice", "-c", STAY]) as login:
        login.read_line()
        steps, differences, found = inspected()
    said = ["a login process still has cap_kill,cap_sys_admin in its bounding set",
            "a login process does not have no_new_privs set"]
    assert differences == said and sorted(found) == sorted(said)
    assert steps == {"drop-capabilities": ("cap_kill,cap_sys_admin", "cap_kill,cap_sys_admin", True),
                     "no-new-privileges": ("set", "not set", True)}

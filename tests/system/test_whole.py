# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What only a whole machine shows: Debian's own kernel, with its settings, udev and firewall as they are. The rest of
what systemd does to logins is tests/logins/test_systemd*.py, which run-qemu runs here, too.
"""

import contextlib
import glob
import json
import os

import pytest

from support import host as H
from support import networks as N
from support import programs as P
from support.host import REACH
from support.on_booted import host, machine, machines  # noqa: F401

ALL = {"mnt", "net", "ipc", "uts", "pid"}
UNITS = ("nsisolate-audit.timer", "nsisolate-metrics.timer", "nsisolate-audit.service", "nsisolate-metrics.service")
# cheaper than the probe: this machine may be emulated
LOOK = "readlink " + " ".join(f"/proc/self/ns/{kind}" for kind in H.KINDS)


def kinds(told):
    """Those namespaces that are not the host's."""
    inside = dict(zip(H.KINDS, told.replace("\r", "").split(), strict=True))
    return {kind for kind, link in H.namespaces().items() if inside[kind] != link}


def findings(machine, *options):
    done = machine.run("nsinspect", "audit", "-J", "--output-all", *options)
    assert done.status in (0, 1) and done.stderr == "", done
    return json.loads(done.stdout)["findings"]


def test_the_packages_enable_nothing(machine):
    told = machine.run("systemctl", "is-enabled", *UNITS).stdout.split()
    assert told == ["disabled", "disabled", "static", "static"]
    assert [machine.unit(name)["ActiveState"] for name in UNITS] == ["inactive"] * 4


def test_nothing_has_failed_at_boot(machine):
    assert machine.run("systemctl", "--failed", "--no-legend").stdout == ""


def test_the_kernel_has_what_is_needed(machine):
    done = machine.run("nsinspect", "check", "--kernel")
    assert done.status == 0, done


def test_the_policies_and_stacks_have_no_finding(machine):
    done = machine.run("nsinspect", "check")
    assert done.status == 0, done


SERVICES = {
    "sshd": lambda: P.ssh("alice", LOOK),
    "sshd-pty": lambda: P.ssh("alice", LOOK, pty=True),
    "su": lambda: P.su("alice", LOOK),
    "su-l": lambda: P.su("alice", LOOK, options=("-l",)),
    "sudo": lambda: P.sudo("alice", LOOK),
    "sudo-i": lambda: P.run(["sudo", "-n", "-i", "-u", "alice", *LOOK.split()]),
    "login": lambda: P.login("alice", LOOK),
    "nsrun": lambda: P.run(["nsrun", "-u", "alice", *LOOK.split()]),
}


def test_a_login_is_isolated_by_every_service():
    assert {name: kinds(run().check().stdout) for name, run in SERVICES.items()} == dict.fromkeys(SERVICES, ALL)
    H.set_policy("user/alice.conf", 'mode = "off"\n')
    assert kinds(SERVICES["sshd"]().check().stdout) == set()


def test_a_job_of_cron_is_isolated(machine):
    told = "/home/alice/told"
    job = P.set_crontab("alice", f"@reboot {LOOK} >{told}.new && mv {told}.new {told}\n")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/crond.reboot")
        machine.run("systemctl", "restart", "cron.service").check()
        H.wait_until(lambda: os.path.exists(told), machine.journal_text)
        assert kinds(H.read(told)) == ALL
    finally:
        os.unlink(job)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(told)


# a policy, and the namespaces that it makes besides
POLICIES = {
    'user { map = "identity" }\ncgroup { isolate = true }\ntime { isolate = true boottime-offset = 3600 }\n'
    'mount { homes = "own" hide = { "/opt" } read-only = { "/usr" } }': {"user", "cgroup", "time"},
    'scope = "user"\nmount { private "/srv" { backing = "directory" } bind "/media" { source = "/usr" read-only = true } '
    '}\nprivileges { drop-capabilities = { "cap_sys_admin", "cap_net_admin" } }': set(),
    'pid { isolate = false }\nmount { proc = "hidepid" }\ncgroup { isolate = true }\n'
    "privileges { no-new-privileges = true }": {"cgroup"},
    'network { mode = "slirp" }\nuser { map = "identity" }': {"user"},
}


@pytest.mark.parametrize("policy", POLICIES)
def test_every_kind_of_session_is_what_its_policy_says(machine, policy):
    """The kernel's side of it: nothing differs, and the audit finds no more than without."""
    without = findings(machine, "--hurried")
    H.set_policy("user/alice.conf", f"{policy}\n")
    with P.ssh_background("alice", f"echo $({LOOK}); cat >/dev/null") as login:
        assert kinds(login.read_line()) == ALL - ({"pid"} if "pid {" in policy else set()) | POLICIES[policy]
        assert findings(machine, "--hurried") == without
        name, = (record["id"] for record in json.loads(machine.run("nsinspect", "-J").check().stdout)["sessions"])
        shown = json.loads(machine.run("nsinspect", "show", "-J", name).check().stdout)
        assert shown["differences"] == []


def test_the_audit_tells_of_this_machine_what_its_settings_are(machine):
    """A healthy one: nothing but what Debian leaves on."""
    told = {finding["code"]: finding["subject"] for finding in findings(machine)}
    assert told == {"NSI092": "dev/tty/legacy_tiocsti", "NSI094": "kernel/yama/ptrace_scope"}


def test_a_weight_within_a_session_is_that_sessions(machine):
    """Of version 2 the control group of who has none has no file for it."""
    H.set_policy("user/bob.conf", "limits { cpu-weight = 50 }\n")
    with P.ssh_background("alice", "echo in; read line; sudo -n -u bob true; echo $?") as login:
        assert login.read_line() == "in"
        scope, = glob.glob(f"/sys/fs/cgroup/user.slice/user-{H.USERS['alice'].uid}.slice/session-*.scope")
        # systemd may have left the controller there from a login that needed it
        machine.run("sh", "-c", f"echo -cpu >{os.path.dirname(scope)}/cgroup.subtree_control").check()
        assert not os.path.exists(f"{scope}/cpu.weight")
        login.process.stdin.write(b"\n")
        login.process.stdin.flush()
        assert login.read_line() == "0"


# of what a policy's rules need: loading the kernel's modules takes an emulated machine longer than a login waits
WARM = """
table inet warm {
    chain forward { type filter hook forward priority 0; ct state established meta l4proto icmp counter accept; }
    chain leave { type nat hook postrouting priority 100; masquerade; }
}
"""


@pytest.fixture
def cable():
    """A server in a network namespace, to which the host has a cable."""
    P.run(["nft", "-f", "-"], input=WARM, timeout=120).check()
    P.run(["nft", "delete", "table", "inet", "warm"]).check()
    with N.named("server"):
        N.run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", "server")
        N.run("ip", "address", "add", "192.0.2.1/24", "dev", "cable")
        N.run("ip", "link", "set", "cable", "up")
        N.run("sysctl", "-q", "-w", "net.ipv4.conf.cable.forwarding=1")
        N.run("ip", "-n", "server", "address", "add", "192.0.2.2/24", "dev", "cable")
        N.run("ip", "-n", "server", "link", "set", "cable", "up")
        yield


VETH = ('network { mode = "veth" pool = {"10.99.0.0/24", "fd00:99::/64"} '
        'egress = {"192.0.2.0/24 icmp", "host tcp 22"} masquerade = true }\n')


def test_a_network_of_its_own_reaches_what_egress_says(machine, cable):
    H.set_policy("user/alice.conf", VETH)
    # an emulated machine takes its time, and more where the kernel loads modules for the first packet
    seen = P.ssh("alice", f"REACH_TIMEOUT=30 {REACH} icmp/192.0.2.2 tcp/192.0.2.1/22; {REACH} tcp/192.0.2.2/22")
    assert seen.status == 0, (seen, machine.journal_text())
    answers, refused = (json.loads(line) for line in seen.stdout.splitlines() if line.startswith("{"))
    assert answers["icmp/192.0.2.2"] == "echo" and answers["tcp/192.0.2.1/22"].startswith("SSH-2.0")
    assert refused["tcp/192.0.2.2/22"].startswith("errno") or refused["tcp/192.0.2.2/22"] == "silence"
    H.wait_until(lambda: not [name for name in os.listdir("/sys/class/net") if name.startswith("ns")],
                 "its interface goes")


def test_a_named_network_is_joined(cable):
    H.set_policy("user/alice.conf", 'network { mode = "named" name = "server" }\n')
    assert P.ssh("alice", "cat /proc/net/dev").check().stdout.count("cable:") == 1


def test_nsrun_without_root(machine):
    H.write("/home/alice/own.conf", 'uts { hostname = "own" }\n', owner=H.USERS["alice"])
    try:
        done = P.run(["nsrun", "-p", "own.conf", "--", *LOOK.split()], user="alice", cwd="/home/alice").check()
        assert kinds(done.stdout) == ALL | {"user"}
    finally:
        os.unlink("/home/alice/own.conf")

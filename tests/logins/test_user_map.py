# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""user.map = "identity": every login works as before, in a user namespace of the session's own, and leaves nothing behind."""

import json
import os
import re
import signal

import pytest

from support import host as H
from support import programs as P
from support.shared import PID_NAMESPACE, SHARED, STAY, live

POLICY = 'user { map = "identity" }\n'
POLICIES = {"alice": POLICY}
IDENTITY = ["0", "0", "4294967295"]
# the map, whose the namespaces are, and what root by sudo has
TOLD = "cat /proc/self/uid_map; readlink /proc/self/ns/user; id -un; sudo -n grep CapEff /proc/self/status; " \
       "ping -c1 -W5 127.0.0.1 >/dev/null && sudo -n id -un"
CRONTAB = " && echo '# none' | crontab - && crontab -r && echo all-well"

pytestmark = pytest.mark.usefixtures("isolated")


def userns(pid="self"):
    return os.readlink(f"/proc/{pid}/ns/user")


@pytest.mark.parametrize("service", P.PROGRAMS)
def test_every_service_works_with_sudo_ping_and_crontab(service):
    # a job that has taken its crontab away is none of cron's
    command = TOLD + (CRONTAB if service != "cron" else " && echo all-well")
    words = P.PROGRAMS[service]("alice", command).check().stdout.replace("\r", "").split()[-9:]
    capabilities = re.search(r"CapEff:\t(\w+)", H.read("/proc/self/status"))[1]
    assert words[:3] + words[4:] == [*IDENTITY, "alice", "CapEff:", capabilities, "root", "all-well"] and words[3] != userns()


@pytest.mark.parametrize("policy", ['network { mode = "none" }', 'network { mode = "slirp" }', 'network { mode = "host" }',
                                    'pid { isolate = false }\nmount { proc = "hidepid" }',
                                    'mount { isolate = false proc = "host" runtime-dir = "host" }\npid { isolate = false }\n'
                                    'ipc { isolate = false }',
                                    'cgroup { isolate = true }\ntime { isolate = true boottime-offset = 60 }',
                                    'mount { homes = "own" }',
                                    'mount { private /srv { backing = directory } hide = { /opt } read-only = { /usr } }',
                                    'privileges { drop-capabilities = { cap_sys_module } }',
                                    'privileges { no-new-privileges = true }'])
def test_it_goes_with_every_other_key(policy):
    H.set_policy("user/alice.conf", POLICY + policy)
    words = P.su("alice", "cat /proc/self/uid_map; readlink /proc/self/ns/user").check().stdout.split()
    assert words[:3] == IDENTITY and words[3] != userns()


def test_what_the_login_program_cannot_do_refuses_the_login(log):
    done = P.run(["setpriv", "--bounding-set=-setfcap", "--inh-caps=-all", "su", "alice", "-c", "echo got-in"])
    assert done.status != 0 and "got-in" not in done.stdout
    log.wait_for(r"step user-map: uid_map: Operation not permitted: mapping root takes CAP_SETFCAP.*\(policy user/alice.conf\)")


def test_mode_audit_and_a_dry_run_show_it(log):
    H.set_policy("user/alice.conf", POLICY + 'mode = "audit"\n')
    assert P.su("alice", "readlink /proc/self/ns/user").check().stdout.strip() == userns()
    log.wait_for("would isolate")
    dry = P.run(["nsrun", "-u", "alice", "--dry-run", "--", "true"]).check().stdout
    assert re.search(r"^host +user-map +identity$", dry, re.M) and re.search(r"^init +lock-mounts +/ all$", dry, re.M), dry


@pytest.mark.parametrize("network", ["loopback", "host"])
def test_logins_from_inside_have_sessions_of_their_own(network):
    """
    With a plain policy, and with a user namespace in the user namespace; from where the network is the host's, too, which
    nobody in there can go back to.
    """
    H.set_policy("user/alice.conf", POLICY + f'network {{ mode = "{network}" }}\n')
    look = "readlink /proc/self/ns/user /proc/self/ns/pid /proc/self/ns/net; ls /tmp | wc -l"
    for policy in ("", POLICY):
        H.set_policy("user/carol.conf", policy)
        outer = "readlink /proc/self/ns/user /proc/self/ns/pid /proc/self/ns/net"
        done = P.su("alice", f"touch /tmp/mine; {outer}; sudo -n -u carol sh -c '{look}'; readlink /proc/self/ns/net")
        outer_user, outer_pid, outer_net, user, pid, net, files, after = done.check().stdout.split()
        assert (user == outer_user) == (policy == "") and pid != outer_pid and net != outer_net and files == "0"
        assert userns() not in (user, outer_user)
        assert after == outer_net and (outer_net == os.readlink("/proc/self/ns/net")) == (network == "host")


@pytest.mark.parametrize("more", [SHARED, SHARED + 'on-logout = "wait"\n'], ids=["user", "wait"])
def test_logins_share_a_session_and_leave_it(more):
    H.set_policy("user/alice.conf", POLICY + more)
    with P.Background(["su", "alice", "-c", STAY]) as first:
        namespace = first.read_line()
        with P.Background(["su", "alice", "-c", STAY]) as second:
            assert second.read_line() == namespace
            assert len(live(False)) == len(live(True)) == 1
        H.wait_until(lambda: len(live(True)) == 0, "the second to have left")
        assert P.su("alice", PID_NAMESPACE).check().stdout.strip() == namespace


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_login_that_is_killed_leaves_nothing(number):
    with P.Background(["su", "alice", "-c", STAY]) as login:
        login.read_line()
        login.kill(number)
        H.wait_until(lambda: not H.session_inits(), "the session to end")


def test_the_process_outside_holds_nothing_and_ends_with_the_session():
    with P.Background(["su", "alice", "-c", STAY]) as login:
        login.read_line()
        # it takes this name when it has nothing else any more
        waiting, = H.wait_until(lambda: [each for each in H.processes() if each.name == "nsisolate-end"], "it waits")
        assert H.descriptors(waiting.pid) == ["anon_inode:[pidfd]"] * 2 and userns(waiting.pid) == userns() != userns(login.pid)
        # neither the login program nor the init keeps a way back
        for pid in (login.pid, *H.session_inits()):
            H.wait_until(lambda pid=pid: not [name for name in H.descriptors(pid) if re.match(r"\w+:\[\d+\]$", name) and
                                              not name.startswith(("socket", "pipe"))], lambda pid=pid: H.descriptors(pid))


def test_show_list_and_audit_see_it_and_who_enters_is_in_it():
    H.set_policy("user/alice.conf", POLICY)
    with P.sshd(), P.ssh_background("alice", STAY) as login:
        login.read_line()
        name, record = next(iter(live(False).items()))
        shown = json.loads(P.run(["nsinspect", "show", "-J", name]).check().stdout)
        step, = (step for step in shown["plan"] if step["step"] == "user-map")
        assert (step["planned"], step["kernel"], step["differs"]) == ("identity", "identity", False)
        assert shown["differences"] == []
        listed, = json.loads(P.run(["nsinspect", "-J"]).check().stdout)["sessions"]
        assert "user" in listed["namespaces"] and listed["state"] == "active"
        found = json.loads(P.run(["nsinspect", "audit", "-J", "--hurried"]).stdout)["findings"]
        assert [each for each in found if each["code"] < "NSI040"] == []
        for options, uid in (([], "3001"), (["--root"], "0")):
            done = P.run(["nsinspect", "enter", name, *options, "--", "sh", "-c", "id -u; readlink /proc/self/ns/user; ls /tmp"])
            assert done.check().stdout.split() == [uid, f"user:[{record['ns-user']}]"]

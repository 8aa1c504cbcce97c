# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""time.isolate and time.boottime-offset: another time since boot inside, and nothing that reckons by it goes wrong."""

import json
import os
import re
import shlex
import time

import pytest

from support import host as H
from support import programs as P
from support.shared import SHARED, STAY, live

AHEAD = 5_000_000
POLICY = f"time {{ isolate = true boottime-offset = {AHEAD} }}\n"
# time since boot, the namespace, and since when the process runs
PAM_SESSION = f"{os.path.dirname(H.__file__)}/pam_session.py"
TOLD = "cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time; cut -d' ' -f22 /proc/self/stat"
POLICIES = {"alice": POLICY}

pytestmark = pytest.mark.usefixtures("isolated")


def boottime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def told(text):
    """Seconds that the machine has been up, the namespace, and since when the process runs, in seconds."""
    uptime, namespace, start = text.replace("\r", "").split()[-3:]
    return int(uptime), namespace, int(start) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("service", P.PROGRAMS)
def test_every_service_has_another_time_since_boot(service):
    before = int(boottime())
    uptime, namespace, start = told(P.PROGRAMS[service]("alice", TOLD).check().stdout)
    assert before + AHEAD <= uptime <= boottime() + AHEAD and before + AHEAD - 1 <= start <= boottime() + AHEAD
    assert namespace != os.readlink("/proc/self/ns/time")


def test_without_an_offset_it_is_the_machines():
    H.set_policy("user/alice.conf", "time { isolate = true }\n")
    before = int(boottime())
    uptime, namespace, _ = told(P.su("alice", TOLD).check().stdout)
    assert before <= uptime <= boottime() and namespace != os.readlink("/proc/self/ns/time")


def test_at_close_the_login_program_is_back_in_its_own():
    """And who joins is where the first one is."""
    H.set_policy("user/alice.conf", POLICY + SHARED)
    with P.Background(["su", "alice", "-c", STAY]) as login:
        login.read_line()
        namespace = H.namespaces(login.pid)["time"]
        assert told(P.su("alice", TOLD).check().stdout)[1] == namespace != os.readlink("/proc/self/ns/time")
    driver = "import os,runpy,sys;sys.argv[0]=sys.argv.pop(1);\ntry: runpy.run_path(sys.argv[0])\nexcept SystemExit as e: " \
             "print(e.code, os.readlink('/proc/self/ns/time'))"
    done = P.run(["/usr/bin/python3", "-c", driver, PAM_SESSION, "su", "alice", "readlink", "/proc/self/ns/time"]).check()
    inside, status, after = done.stdout.split()
    assert (status, after) == ("0", os.readlink("/proc/self/ns/time")) and inside != after


def test_more_than_the_machine_has_been_up_is_refused(log):
    H.set_policy("user/alice.conf", POLICY.replace(str(AHEAD), "-3153600000"))
    done = P.su("alice", "echo got-in")
    assert done.status != 0 and "got-in" not in done.stdout and not H.records()
    log.wait_for(r"step time: boottime -3153600000: Numerical result out of range: the machine has not been up for as long"
                 r".*\(policy user/alice.conf\)")


def test_mode_audit_and_a_dry_run_show_it(log):
    H.set_policy("user/alice.conf", POLICY + 'mode = "audit"\n')
    assert told(P.su("alice", TOLD).check().stdout)[1] == os.readlink("/proc/self/ns/time")
    log.wait_for("would isolate")
    dry = P.run(["nsrun", "-u", "alice", "--dry-run", "--", "true"]).check().stdout
    assert re.search(rf"^host +time +boottime \+{AHEAD}$", dry, re.M), dry


STATES = "nsinspect list -rn -o USER,STATE"
BOTH = ["alice active", "carol active"]


def test_a_nested_login_is_known_to_its_own_session_and_to_the_host():
    """A login is a pid and a start time, which is written down by the machine's clock and read by the reader's."""
    H.set_policy("user/carol.conf", "time { isolate = true boottime-offset = 7000000 }\n")
    ask = f"while read _; do sudo -n {STATES} | tr '\\n' ' '; echo; done"

    def inside():
        login.process.stdin.write(b"\n")
        login.process.stdin.flush()
        return [login.read_line().strip()]

    def on_the_host():
        return sorted(P.run(STATES.split()).stdout.splitlines())

    with P.Background(["su", "alice", "-c", f"sudo -n -u carol sleep 1000 & {ask}"], reads=True) as login:
        H.wait_until(lambda: on_the_host() == BOTH, on_the_host)
        # the outer one is not in its own sight
        assert inside() == BOTH[1:]


def test_show_ps_and_audit_see_the_offset():
    with P.sshd(), P.ssh_background("alice", STAY) as login:
        login.read_line()
        name, = live(False)
        shown = json.loads(P.run(["nsinspect", "show", "-J", name]).check().stdout)
        step, = (step for step in shown["plan"] if step["step"] == "time")
        assert (step["planned"], step["kernel"], step["differs"]) == (f"boottime +{AHEAD}", f"boottime +{AHEAD}", False)
        assert shown["differences"] == []
        listed, = json.loads(P.run(["nsinspect", "-J", "-o", "+TIME"]).check().stdout)["sessions"]
        assert "time" in listed["namespaces"] and f"time:[{listed['time']}]" != os.readlink("/proc/self/ns/time")
        found = json.loads(P.run(["nsinspect", "audit", "-J", "--hurried"]).stdout)["findings"]
        assert [finding for finding in found if finding["code"] in ("NSI010", "NSI030")] == []

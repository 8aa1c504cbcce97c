# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What a session gave up is had back in no way: not by set-user-ID programs, capabilities of files, what a login program
inherits, user namespaces, nor as root by sudo. The same by a login without the keys shows that each way is one.
"""

import os
import shutil

import pytest

from support import host as H
from support import programs as P

DIRECTORY = "/usr/local/lib/nsisolate-attack"
PROGRAM = f"{DIRECTORY}/program"
SYS_ADMIN = 1 << 21
LOST = 'privileges { drop-capabilities = { "cap_sys_admin" } }\n'
NO_NEW_PRIVILEGES = "privileges { no-new-privileges = true }\n"


@pytest.fixture(autouse=True)
def program(installed):
    """cat(1), which whoever runs it may have made more of."""
    os.makedirs(DIRECTORY, exist_ok=True)
    shutil.copyfile("/bin/cat", PROGRAM)
    os.chmod(PROGRAM, 0o755)
    yield
    shutil.rmtree(DIRECTORY)


def without(policy, attack):
    """What an attack gets under the defaults, and then under the policy."""
    results = []
    for text in ("", policy):
        H.set_policy("user/alice.conf", text)
        results.append(attack())
    return tuple(results)


def field(name, text):
    return next((line.split()[1] for line in text.splitlines() if line.startswith(f"{name}:")), None)


def effective(text):
    return int(field("CapEff", text) or "0", 16)


@pytest.mark.parametrize("mode", [0o4755, 0o2755], ids=["setuid", "setgid"])
def test_a_file_that_is_set_id(mode):
    os.chmod(PROGRAM, mode)

    def attack():
        done = P.su("alice", f"{PROGRAM} /proc/self/status").check().stdout
        return next(line.split()[2] for line in done.splitlines() if line.startswith("Uid" if mode & 0o4000 else "Gid"))

    assert without(NO_NEW_PRIVILEGES, attack) == ("0", "3001")


@pytest.mark.parametrize("policy", [LOST, NO_NEW_PRIVILEGES], ids=["dropped", "no_new_privs"])
@pytest.mark.parametrize("sets", ["ep", "p"])
def test_a_file_with_capabilities(sets, policy):
    P.run(["setcap", f"cap_sys_admin+{sets}", PROGRAM]).check()

    def attack():
        done = P.su("alice", f"{PROGRAM} /proc/self/status")
        return bool(int(field("CapPrm", done.stdout) or "0", 16) & SYS_ADMIN)

    assert without(policy, attack) == (True, False)


@pytest.mark.parametrize("ambient", [False, True], ids=["inheritable", "ambient"])
def test_what_the_login_program_was_started_with(ambient):
    """A capability that is inheritable, and so of the file, passes by the bounding set."""
    P.run(["setcap", "cap_sys_admin+ei", PROGRAM]).check()
    options = ["--inh-caps=+sys_admin", *["--ambient-caps=+sys_admin"] * ambient]

    def attack():
        done = P.run(["setpriv", *options, "su", "alice", "-c", f"{PROGRAM} /proc/self/status"])
        return bool(effective(done.stdout) & SYS_ADMIN)

    assert without(LOST, attack) == (True, False)


@pytest.mark.parametrize("how", [
    "mount -t tmpfs none /mnt",
    "hostname changed",
    "setpriv --inh-caps=+sys_admin --ambient-caps=+sys_admin mount -t tmpfs none /mnt",
    "setpriv --bounding-set=+sys_admin mount -t tmpfs none /mnt",
    "nsenter -t 1 -m mount -t tmpfs none /mnt",
    "su -c 'mount -t tmpfs none /mnt'",
    "sudo -n mount -t tmpfs none /mnt",
], ids=lambda how: how.split(" -t tmpfs")[0].replace(" ", "-"))
def test_root_by_sudo(how):
    assert without(LOST, lambda: P.su("alice", f"sudo -n {how}").status == 0) == (True, False)


@pytest.mark.parametrize("how", ["hostname changed", "mount -t tmpfs none /mnt"])
def test_root_of_a_user_namespace(how):
    """Has them all, over what belongs to that namespace: not over the session's."""
    H.set_policy("user/alice.conf", LOST)
    assert int(field("CapEff", P.su("alice", "unshare -Ur cat /proc/self/status").check().stdout), 16) & SYS_ADMIN
    assert P.su("alice", f"unshare -Ur {how}").status != 0
    # one of its own, too
    own = "--uts" if how.startswith("hostname") else "--mount"
    assert P.su("alice", f"unshare -Ur {own} {how}").status == 0


def test_no_new_privs_stays_in_a_user_namespace():
    os.chmod(PROGRAM, 0o4755)
    H.set_policy("user/alice.conf", NO_NEW_PRIVILEGES)
    assert field("NoNewPrivs", P.su("alice", "unshare -Ur cat /proc/self/status").check().stdout) == "1"


EVERY = 'sorted(filter(str.isdigit, os.listdir("/proc")), key=int)'
TRACE = rf"""
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for name in {EVERY}:
    with open("/proc/" + name + "/status") as file:
        sets = dict(line.split() for line in file if line.startswith("Cap"))
    if int(name) != os.getpid() and int(sets["CapPrm:"], 16) & 1 << 21 and libc.ptrace(0x4206, int(name), 0, 0) == 0:
        print("traced", name)
"""


def test_root_by_sudo_finds_nobody_to_trace_who_has_them():
    """PTRACE_SEIZE: sudo itself has no more, the init has nothing, and the login program is not there to be seen."""
    H.write(f"{DIRECTORY}/trace.py", TRACE)

    def attack():
        return "traced" in P.su("alice", f"sudo -n python3 {DIRECTORY}/trace.py").check().stdout

    assert without(LOST, attack) == (True, False)


def test_nor_by_a_process_of_the_host_where_pids_are_shared():
    """Where it drops ptrace(2) as well, as `nsinspect check` has it."""
    shared = 'pid { isolate = false }\nmount { proc = "hidepid" }\n'
    H.write(f"{DIRECTORY}/trace.py", TRACE.replace(EVERY, "sys.argv[1:]"))
    with P.Background(["sleep", "1000"], reads=False) as target:
        for lost, expected in (('"cap_sys_admin"', True), ('"cap_sys_admin", "cap_sys_ptrace"', False)):
            H.set_policy("user/alice.conf", f"{shared}privileges {{ drop-capabilities = {{ {lost} }} }}\n")
            done = P.su("alice", f"sudo -n python3 {DIRECTORY}/trace.py {target.pid}").check()
            assert ("traced" in done.stdout) is expected

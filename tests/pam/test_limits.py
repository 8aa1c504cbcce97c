# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Limits of the kernel and of the administrator: what reaches one is refused by a line that names it, nothing is left,
and the next login works. Limits that a test can set are set; the others strace(1) injects where the kernel reports them.
"""

import contextlib
import os
import tempfile

import pytest

from support import host as H
from support import sandbox
from support.driver import Driver, Helper, set_stack, strace_on

PAM_SYSTEM_ERR = 4
CLONE_NEWUSER = 0x10000000
PIDS_CONTROLLERS = ("/sys/fs/cgroup/pids", "/sys/fs/cgroup")

PROCESSES = r"Resource temporarily unavailable: a limit on processes is reached: pids\.max of its control group, "
FILES = "Too many open files: RLIMIT_NOFILE of the login process is reached"
SYSTEM_FILES = "Too many open files in system: the limit fs.file-max is reached"
MEMORY = "Cannot allocate memory: the memory of the machine or of its control group, or RLIMIT_AS or RLIMIT_DATA, "
MOUNTS = "No space left on device: the limit fs.mount-max is reached"
DISK = "No space left on device: the file system is full, or has no inode left"
NAMESPACES = "step namespaces: {call}: No space left on device: "

# who meets it, strace's words, what the log says
INJECTED = [
    ("caller", "socketpair:error=EMFILE", f"step helper: .*: {FILES}"),
    ("caller", "socketpair:error=ENFILE", f"step helper: .*: {SYSTEM_FILES}"),
    ("caller", "clone,clone3,vfork:error=EAGAIN", f"step helper: .*: {PROCESSES}"),
    ("caller", "clone,clone3,vfork:error=ENOMEM", f"step helper: .*: {MEMORY}"),
    ("caller", "pidfd_open:error=EMFILE:when=1", f"step request: pidfd_open: {FILES}"),
    ("caller", "pidfd_open:error=EMFILE:when=2", f"step helper: .*: {FILES}"),
    ("caller", "sendmsg:error=ENOMEM", f"step request: .*: {MEMORY}"),
    ("caller", "setns:error=ENOMEM", f"step setns: init: {MEMORY}"),
    ("helper", "pidfd_open:error=EMFILE", f"step caller: {FILES}"),
    ("helper", "clone3:error=EAGAIN", f"step namespaces: clone3: {PROCESSES}"),
    ("helper", "clone3:error=ENOMEM", f"step namespaces: clone3: {MEMORY}"),
    ("helper", "clone3:error=ENOSPC", NAMESPACES.format(call="clone3") + r"the limit user\.max_\*_namespaces is reached"),
    ("helper", "unshare:error=ENOMEM", f"step namespaces: unshare: {MEMORY}"),
    ("helper", "unshare:error=ENOSPC", NAMESPACES.format(call="unshare") + r"the limit user\.max_\*_namespaces is reached"),
    ("helper", "sendmsg:error=ENOMEM", f"step network: sendmsg: {MEMORY}"),
    ("helper", "socketpair:error=EMFILE", f"step init: socketpair: {FILES}"),
    ("helper", "write:error=ENOSPC:when=2", f"step record: /run/nsisolate/sessions: {DISK}"),
    ("init", "mount_setattr:error=ENOSPC", f"step propagation: /: {MOUNTS}"),
    ("init", "move_mount:error=ENOSPC", f"step mount-.*: {MOUNTS}"),
    ("init", "fsmount:error=EMFILE", f"step mount-.*: {FILES}"),
    ("init", "fsopen:error=ENOMEM", f"step mount-.*: {MEMORY}"),
    ("init", "fsconfig:error=ENOMEM", f"step mount-.*: {MEMORY}"),
    ("init", "socket:error=ENFILE", f"step loopback-up: .*{SYSTEM_FILES}"),
    ("init", "linkat:error=ENOSPC", f"step record: /run/nsisolate/sessions: {DISK}"),
]


@pytest.fixture
def helper(module):
    set_stack(module)
    H.set_policy("default.conf", "")
    # whatever is made once for all is there
    assert attempt() == 0
    return Helper(H.helpers()[0])


def attempt(before_open=lambda driver: contextlib.nullcontext()):
    """PAM's value of one login, which ends well whatever it is."""
    driver = Driver()
    try:
        with before_open(driver):
            value = driver.open()
        if value == 0:
            said, status = driver.run()
            assert status == 0, said
            driver.tell(rb"closed 0\n")
        driver.end()
        return value
    finally:
        driver.kill()


def put(path, text):
    """Into a file of the kernel's."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def expect_refusal(value, refusal, log):
    assert value == PAM_SYSTEM_ERR
    log.wait_for(f"refused: user=alice .*: {refusal}")
    assert H.records() == {}
    log.clear()
    assert attempt() == 0


@pytest.mark.parametrize("role, fault, refusal", INJECTED, ids=lambda value: value if " " not in value else "")
def test_an_injected_limit_is_named(helper, log, role, fault, refusal):
    option = ("-e", f"inject={fault}" + ("" if "when" in fault else ":when=1"))
    if role == "caller":
        value = attempt(lambda driver: strace_on(driver.pid, *option))
    else:
        with helper.traced(*(("-f",) if role == "init" else ()), *option):
            value = attempt()
    expect_refusal(value, refusal, log)


# Limits on namespaces: those of a user namespace, whose root has as many powers over itself

def in_user_namespace(function):
    """Runs it in a child that is root of a new user namespace and has the other namespaces of its own, too."""
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sandbox.check(sandbox.libc.unshare(CLONE_NEWUSER), "unshare")
            os.write(ready[1], b".")
            os.read(go[0], 1)
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            sandbox.check(sandbox.libc.unshare(sandbox.CLONE_NEWNS | sandbox.CLONE_NEWIPC | sandbox.CLONE_NEWUTS
                                               | sandbox.CLONE_NEWNET | sandbox.CLONE_NEWPID), "unshare")
            if os.fork() == 0:
                sandbox.mount("proc", "/proc", "proc")
                function()
                status = 0
            else:
                status = os.waitstatus_to_exitcode(os.wait()[1])
        finally:
            os._exit(status)
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        put(f"/proc/{child}/{name}", "0 0 65536")
    os.write(go[1], b".")
    for end in (*ready, *go):
        os.close(end)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("kind", ["mnt", "net", "ipc", "uts", "pid"])
def test_a_limit_on_namespaces_is_named(helper, log, kind):
    path = f"/proc/sys/user/max_{kind}_namespaces"

    def limited():
        assert attempt() == 0
        before = H.read(path)
        put(path, "1" if kind != "pid" else "0")
        assert attempt() == PAM_SYSTEM_ERR
        put(path, before)
        assert attempt() == 0

    assert in_user_namespace(limited) == 0
    prefix = NAMESPACES.format(call="unshare" if kind == "net" else "clone3")
    log.wait_for(f"refused: user=alice .*: {prefix}.*the limit user.max_{kind}_namespaces is reached")
    assert len(log.matching("refused: ")) == 1


def test_a_container_that_has_not_every_id_is_told_from_one_that_has(helper, log):
    H.set_policy("default.conf", 'user { map = "identity" }\n')

    def refused():
        assert attempt() == PAM_SYSTEM_ERR

    assert in_user_namespace(refused) == 0
    log.wait_for("refused: user=alice .*: step user-map: uid_map: Operation not permitted: .* a container has not every id")


# Limits on processes

@contextlib.contextmanager
def control_group(limit):
    """A group of so many processes."""
    for controller in PIDS_CONTROLLERS:
        # of all sandboxes that there are
        with contextlib.suppress(OSError):
            path = tempfile.mkdtemp(prefix="nsisolate-test-", dir=controller)
            break
    else:
        pytest.skip("no control group can be made")
    try:
        put(f"{path}/pids.max", str(limit))
        yield path
    finally:
        H.wait_until(lambda: not H.read(f"{path}/cgroup.procs"), "the group to be empty")
        os.rmdir(path)


@pytest.mark.parametrize("limit, refusal", [
    (1, f"step helper: .*: {PROCESSES}"),
    (2, f"step namespaces: clone3: {PROCESSES}"),
])
def test_a_full_control_group_is_named(helper, log, limit, refusal):
    with control_group(limit) as path:
        def enter(driver):
            put(f"{path}/cgroup.procs", str(driver.pid))
            return contextlib.nullcontext()
        value = attempt(enter)
    expect_refusal(value, refusal, log)



# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What the kernel shares with every login: its variables, terminals, and whoever listens on a socket in a shared directory."""

import ast
import errno
import os

import pytest

from attack.conftest import HOSTILE, SECRET
from support import host as H
from support import programs as P

# what root of a user namespace may write of what belongs to that namespace's own namespaces
WRITABLE = """
import os
found = []
for top in ("/proc/sys", "/sys"):
    for directory, _, names in os.walk(top):
        if not directory.startswith("/sys/fs/cgroup"):
            found += [f"{directory}/{name}" for name in names if os.access(f"{directory}/{name}", os.W_OK)]
print(sorted(found)[:2000])
"""
OWN = ("/proc/sys/net/", "/proc/sys/user/", "/proc/sys/fs/mqueue/", "/proc/sys/kernel/", "/sys/class/net/", "/sys/devices/virtual/net/")
LAST_PID = "/proc/sys/kernel/ns_last_pid"  # which looks as if all could write to it
HOSTS = ("core_pattern", "modprobe", "printk", "sysrq", "kptr_restrict", "panic", "pid_max", "randomize_va_space", "dmesg_restrict",
         "core_uses_pid", "threads-max")


def writable(user, prefix=""):
    done = P.su(user, f"{prefix} /usr/bin/python3 -c '{WRITABLE}'".strip())
    return ast.literal_eval(done.check().stdout)


def test_no_variable_of_the_hosts_kernel_can_be_written(installed):
    """Nor as root of a user namespace with namespaces of its own, who has what belongs to those. root by sudo can."""
    assert writable("alice") == writable("bob") == [LAST_PID]
    assert P.su("alice", f"echo 1000 >{LAST_PID}").status != 0
    own = writable("alice", "unshare -Urmnui")
    assert [path for path in own if not path.startswith(OWN)] == []
    assert not {os.path.basename(path) for path in own if path.startswith("/proc/sys/kernel/")} & set(HOSTS)
    of_root = writable("alice", "sudo -n")
    assert {f"/proc/sys/kernel/{name}" for name in ("core_pattern", "printk")} <= set(of_root)


def typed(arguments):
    """Whether what a program run by su types is run by the shell of root's from which su was started."""
    mark = "/root/typed"
    with P.Terminal(["/bin/bash", "--norc", "--noprofile"], env=P.ENVIRONMENT | {"PS1": "root> "}) as terminal:
        terminal.child.expect("root> ")
        terminal.child.sendline(f"su {arguments} \"{HOSTILE} type_in 'touch {mark}\n'\"")
        terminal.child.expect("root> ")
        terminal.child.sendline("touch /root/end")
        H.wait_until(lambda: os.path.exists("/root/end"), "the shell goes on")
        terminal.child.sendline("exit")
        terminal.wait()
    found = os.path.exists(mark)
    for path in (mark, "/root/end"):
        if os.path.exists(path):
            os.unlink(path)
    return found


def test_a_login_types_into_the_terminal_that_it_came_with_unless_the_kernel_forbids(installed):
    """No boundary, as SECURITY.md says: a session has its login's terminal, TIOCSTI and all. su gives one of its own with
    --pty, and none with -c."""
    sysctl = "/proc/sys/dev/tty/legacy_tiocsti"
    allowed = not os.path.exists(sysctl) or H.read(sysctl) == "1\n"
    assert typed("bob --session-command") == allowed
    assert typed("alice --session-command") == allowed
    assert not typed("--pty alice --session-command")
    assert not typed("alice -c")


@pytest.mark.parametrize("user", ["bob", "alice"])
def test_who_listens_in_a_shared_directory_gives_away_what_it_has_open(user, secrets):
    """No boundary, as SECURITY.md says: SO_PEERPIDFD and pidfd_getfd(2). Only where a process of the same user outside does."""
    entry = H.USERS[user]
    listen = f"import socket, os, time; d = os.open('/tmp', os.O_RDONLY); s = socket.socket(socket.AF_UNIX); " \
             f"s.bind('{entry.home}/shared'); s.listen(); print('in', flush=True); time.sleep(1000)"
    run = ["setpriv", f"--reuid={entry.uid}", f"--regid={entry.uid}", "--clear-groups", "/usr/bin/python3", "-c", listen]
    with P.Background(run, reads=False) as outside:
        assert outside.read_line() == "in"
        got = P.su(user, f"{HOSTILE} steal {entry.home}/shared").check().json()
    if got == f"errno {errno.ENOPROTOOPT}":  # before Linux 6.5
        return
    scope = "/proc/sys/kernel/yama/ptrace_scope"
    allowed = not os.path.exists(scope) or H.read(scope) == "0\n"
    assert any(SECRET in str(names) for names in got["stolen"].values()) == allowed

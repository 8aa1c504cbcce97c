# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What root by sudo takes from the host, or takes away of what its policy says: under user.map = "identity" nothing of
that. The same under the defaults shows that each way is one. And what it still can is what SECURITY.md says.
"""

import errno
import os

import pytest

from support import host as H
from support import programs as P

HIDDEN = "/srv/nsisolate-attack"
DEFAULTS = f"mount {{ hide = {{ {HIDDEN} }} read-only = {{ /usr/local }} }}\n"
MAPPED = DEFAULTS + 'user { map = "identity" }\n'

# each prints "got-it" where it works
ATTACKS = {
    "unmount": f"umount {HIDDEN}; ls {HIDDEN}",
    "unmount lazily": f"umount -l {HIDDEN}; ls {HIDDEN}",
    "another mount namespace": f"unshare -m sh -c 'umount {HIDDEN}; ls {HIDDEN}'",
    "the root elsewhere": f"mount --bind / /mnt; ls /mnt{HIDDEN}",
    "a parent elsewhere": f"mount --bind /srv /mnt; ls /mnt/{os.path.basename(HIDDEN)}",
    "move away": f"mount --move {HIDDEN} /mnt; ls {HIDDEN}",
    "writable": "mount -o remount,bind,rw /usr/local; touch /usr/local/got && rm /usr/local/got && echo got-it",
    "device node": "cd /var/tmp; mount -o remount,bind,dev /var/tmp; mknod got c 1 8 && head -c1 got >/dev/null && echo got-it",
}


@pytest.fixture(autouse=True)
def hidden(installed):
    os.makedirs(HIDDEN, exist_ok=True)
    H.write(f"{HIDDEN}/got-it", "")
    yield
    os.unlink(f"{HIDDEN}/got-it")
    os.rmdir(HIDDEN)
    H.wait_until(lambda: not H.records(), "the sessions to end")


def got(policy, attack):
    H.set_policy("user/alice.conf", policy)
    return "got-it" in P.su("alice", f"sudo -n sh -c {quote(attack)}").stdout.split()


def quote(text):
    return "'" + text.replace("'", "'\"'\"'") + "'"


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_policy_mounts_and_hides(attack):
    assert (got(DEFAULTS, ATTACKS[attack]), got(MAPPED, ATTACKS[attack])) == (True, False)


def test_a_process_of_the_host():
    """Root's, by a session that sees it."""
    policy = 'pid { isolate = false }\nmount { proc = "hidepid" }\n'
    with P.Background(["sleep", "1000"], reads=False) as target:
        attack = f"head -c1 /proc/{target.pid}/environ >/dev/null && ls /proc/{target.pid}/root >/dev/null && echo got-it"
        assert (got(policy, attack), got(policy + 'user { map = "identity" }\n', attack)) == (True, False)


# System calls that ask for what cannot be: EPERM is for who may not, another error
# for who may.
CALLS = {"the clock": "libc.adjtimex(ctypes.byref((ctypes.c_uint * 64)(0x4000)))",  # ADJ_TICK to no time at all
         "accounts": "libc.acct(b'/nonexistent')",
         "swap": "libc.swapoff(b'/nonexistent')"}


@pytest.mark.parametrize("what", CALLS)
def test_what_is_the_hosts(what):
    program = f"import ctypes; libc = ctypes.CDLL(None, use_errno=True); {CALLS[what]}; print(ctypes.get_errno())"

    def error(policy):
        H.set_policy("user/alice.conf", policy)
        return int(P.su("alice", f"sudo -n /usr/bin/python3 -c {quote(program)}").check().stdout)

    assert error(DEFAULTS) not in (0, errno.EPERM) and error(MAPPED) == errno.EPERM


def test_files_of_root_are_still_roots():
    """What makes it a reduction: SECURITY.md."""
    for policy in (DEFAULTS, MAPPED):
        assert got(policy, "grep -q ^root /etc/shadow && test -w /proc/sys/kernel/core_pattern && echo got-it")

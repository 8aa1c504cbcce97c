# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
The attacks of within.py: what each does, and which values of a policy's keys claim to stop it. An attack that no key
of a policy claims to stop succeeds there: that, too, is tested, so that SECURITY.md says what is and what is not.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Callable

KEY = re.compile(r"[a-z][a-z.-]*[a-z]")


@dataclasses.dataclass(frozen=True)
class Attack:
    what: str
    keys: str  # which stop it, as the table says it; names of keys, and conditions in backquotes or plain words
    stops: Callable = lambda policy: False
    service: str = "sshd"  # by which policy it is judged


def own_mounts(policy):
    return policy["mount.isolate"] == "true"


def private(directory):
    return lambda policy: own_mounts(policy) and f'mount.private "{directory}".size' in policy


def ipc(policy):
    return policy["ipc.isolate"] == "true"


def pid(policy):
    return policy["pid.isolate"] == "true"


def network(policy):
    return policy["network.mode"] != "host"


def seen(policy):
    return pid(policy) and policy["mount.proc"] == "session"


def runtime(policy):
    return own_mounts(policy) and policy["mount.runtime-dir"] == "private"


def alone(condition):
    """Of another login of the same user."""
    return lambda policy: condition(policy) and policy["scope"] == "session"


def unprivileged(policy):
    return policy["privileges.no-new-privileges"] == "true"


def without(capability, condition=lambda policy: False):
    """As root by sudo."""
    return lambda policy: (unprivileged(policy) or capability in (policy["privileges.drop-capabilities"] or "")
                           or condition(policy))


def egress_allows(policy, address, port):
    """As nsisolate.conf(5) has it: what any '!' names is denied, what another names is allowed."""
    allowed = False
    for rule in re.findall(r'"([^"]+)"', policy["network.egress"] or ""):
        prefix, protocol, ports = (rule.lstrip("!").split() + ["", ""])[:3]
        if prefix == "dns" or protocol not in ("", "tcp") or ports and str(port) not in ports.split(","):
            continue
        if prefix == "any" or ipaddress.ip_address(address) in ipaddress.ip_network(prefix):
            if rule.startswith("!"):
                return False
            allowed = True
    return allowed


def reach(address, port, of_the_host=False):
    """Where policies differ: named is what the administrator made of it, here a namespace with nothing but lo."""
    def stops(policy):
        mode = policy["network.mode"]
        return mode not in ("host", "slirp") and not (
            mode == "veth" and not of_the_host and egress_allows(policy, address, port))
    return stops


def killed(policy):
    return pid(policy) and policy["on-logout"] == "kill"


NETWORK = "network.mode other than `host`"
REACH = "network.mode `none`, `loopback`, `named`; `veth` with network.egress"
SEEN = "pid.isolate with mount.proc `session`"
ROOT = "privileges.no-new-privileges, privileges.drop-capabilities"
NOTHING = "nothing"

ATTACKS = {
    # files and directories
    "tmp": Attack("read the host's /tmp", "mount.private", private("/tmp")),
    "var-tmp": Attack("read the host's /var/tmp", "mount.private", private("/var/tmp")),
    "plant": Attack("plant a link in the host's /tmp", "mount.private", private("/tmp")),
    "under": Attack("look under a private directory, as root of a user namespace", "mount.private", private("/var/tmp")),
    "chroot": Attack("leave a chroot towards the host's /tmp", "mount.private", private("/tmp")),
    "handle": Attack("open_by_handle_at(2) of a file in the host's /tmp, with cap_dac_read_search",
                             "mount.private", private("/tmp")),
    "nested": Attack("read the host's /tmp by su to a user who is not isolated", "mount.private", private("/tmp")),
    "home": Attack("read what another user's home lets all read", "mount.homes `own`",
                   lambda policy: own_mounts(policy) and policy.get("mount.homes") == "own"),
    # sockets in the file system
    "bus": Attack("connect to the D-Bus in /run/user", "mount.runtime-dir", runtime),
    "manager-socket": Attack("start a unit by the user manager's socket", "mount.runtime-dir", runtime),
    "user-manager": Attack("have a user manager started", "user-manager `refuse`",
                           lambda policy: policy["user-manager"] == "refuse", "systemd-user"),
    "engine": Attack("connect to a container engine", "mount.hide-engines",
                     lambda policy: own_mounts(policy) and policy["mount.hide-engines"] == "true"),
    # the network
    "loopback": Attack("connect to the host's 127.0.0.1", NETWORK, network),
    "own-address": Attack("connect to another address of the host's", REACH, reach("203.0.113.5", 8080, True)),
    "campus": Attack("connect to 10.1.0.10, port 443", REACH, reach("10.1.0.10", 443)),
    "internet": Attack("connect to the internet, port 443", REACH, reach("198.51.100.10", 443)),
    "internet-8080": Attack("connect to the internet, port 8080", REACH, reach("198.51.100.10", 8080)),
    # processes of the same user outside
    "host-see": Attack("see a process outside", SEEN, seen),
    "host-root": Attack("go through its /proc/PID/root", SEEN, seen),
    "host-cwd": Attack("go through its /proc/PID/cwd", SEEN, seen),
    "host-fd": Attack("go through its /proc/PID/fd", SEEN, seen),
    "host-environ": Attack("read its environment", SEEN, seen),
    "host-trace": Attack("trace it", "pid.isolate", pid),
    "host-getfd": Attack("take a descriptor of its, pidfd_getfd(2)", "pid.isolate", pid),
    "host-enter": Attack("enter a user namespace that it made, and its mount namespace", "pid.isolate", pid),
    "signal": Attack("signal it by its number", "pid.isolate", pid),
    "handles": Attack("find a handle of the host's mount namespace in any visible process", "mount.isolate with pid.isolate",
                      lambda policy: own_mounts(policy) and seen(policy)),
    # IPC with it
    "host-shm": Attack("attach to its System V shared memory", "ipc.isolate", ipc),
    "host-mqueue": Attack("open its POSIX message queue", "ipc.isolate", ipc),
    "host-shm-file": Attack("read its file in /dev/shm", "ipc.isolate", ipc),
    "dev-shm": Attack("list the host's /dev/shm", "ipc.isolate", ipc),
    "host-tmp-file": Attack("read its file in /tmp", "mount.private", private("/tmp")),
    "host-abstract": Attack("connect to its abstract socket", NETWORK, network),
    "host-port": Attack("connect to its port on 127.0.0.1", NETWORK, network),
    "host-home-socket": Attack("connect to its socket in the home directory", NOTHING),
    "host-terminal": Attack("type onto its terminal, /dev/pts/N", NOTHING),
    "keyring": Attack("read its key in the user keyring", NOTHING),
    # another login of the same user
    "other-see": Attack("see a process of another login", f"{SEEN}, scope `session`", alone(seen)),
    "other-root": Attack("go through its /proc/PID/root", f"{SEEN}, scope `session`", alone(seen)),
    "other-cwd": Attack("go through its /proc/PID/cwd", f"{SEEN}, scope `session`", alone(seen)),
    "other-fd": Attack("go through its /proc/PID/fd", f"{SEEN}, scope `session`", alone(seen)),
    "other-environ": Attack("read its environment", f"{SEEN}, scope `session`", alone(seen)),
    "other-trace": Attack("trace it", "pid.isolate, scope `session`", alone(pid)),
    "other-getfd": Attack("take a descriptor of its, pidfd_getfd(2)", "pid.isolate, scope `session`", alone(pid)),
    "other-enter": Attack("enter a user namespace that it made, and its mount namespace", "pid.isolate, scope `session`", alone(pid)),
    "other-shm": Attack("attach to its System V shared memory", "ipc.isolate, scope `session`", alone(ipc)),
    "other-mqueue": Attack("open its POSIX message queue", "ipc.isolate, scope `session`", alone(ipc)),
    "other-shm-file": Attack("read its file in /dev/shm", "ipc.isolate, scope `session`", alone(ipc)),
    "other-tmp-file": Attack("read its file in /tmp", "mount.private, scope `session`", alone(private("/tmp"))),
    "other-abstract": Attack("connect to its abstract socket", f"{NETWORK} or `named`, scope `session`",
                             alone(lambda policy: policy["network.mode"] not in ("host", "named"))),
    "other-port": Attack("connect to its port on 127.0.0.1", f"{NETWORK} or `named`, scope `session`",
                         alone(lambda policy: policy["network.mode"] not in ("host", "named"))),
    "other-home-socket": Attack("connect to its socket in the home directory", NOTHING),
    "other-terminal": Attack("type onto its terminal, /dev/pts/N", NOTHING),
    # later, and by others
    "daemon": Attack("leave a process behind at logout", "pid.isolate with on-logout `kill`", killed),
    "cron": Attack("read the host's /tmp by a crontab", "mount.private, with the module in cron's stack", private("/tmp"), "cron"),
    "cron-bare": Attack("the same, without the module there", NOTHING),
    "at": Attack("read the host's /tmp by at", "mount.private, with the module in atd's stack", private("/tmp"), "atd"),
    "forward": Attack("read the host's /tmp by ~/.forward, which is run without PAM", NOTHING),
    # root by sudo
    "root-umount": Attack("root by sudo: uncover the host's /var/tmp", ROOT, without("cap_sys_admin")),
    "root-mount": Attack("root by sudo: mount something on the host", f"mount.isolate; {ROOT}",
                         without("cap_sys_admin", own_mounts)),
    "root-hostname": Attack("root by sudo: change the host's name", f"uts.isolate; {ROOT}",
                            without("cap_sys_admin", lambda policy: policy["uts.isolate"] == "true")),
    "root-kill": Attack("root by sudo: signal a process outside", "pid.isolate; privileges.no-new-privileges",
                        lambda policy: unprivileged(policy) or pid(policy)),
    "root-sysctl": Attack("root by sudo: change the host's net.ipv4.ip_default_ttl",
                          f"{NETWORK}; privileges.no-new-privileges",
                          lambda policy: unprivileged(policy) or network(policy)),
    "root-core-pattern": Attack("root by sudo: write to /proc/sys/kernel/core_pattern", "privileges.no-new-privileges",
                                unprivileged),
}


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(results, examples):
    """results: example → attack → whether it was stopped."""
    lines = [row(["attack", "claimed by", *examples]), "|" + "---|" * (2 + len(examples))]
    lines += [row([attack.what, attack.keys, *("held" if results[example][name] else "**open**" for example in examples)])
              for name, attack in ATTACKS.items()]
    return "\n".join(lines) + "\n"

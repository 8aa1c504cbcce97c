# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""network.resolv-conf and network.hosts: what /etc/resolv.conf and /etc/hosts are in a session."""

import json
import os
import shutil
import stat

import pytest

from support import host as H
from support import networks as N
from support import programs as P
from support.shared import STAY, live

HOSTS, RESOLV = "/etc/hosts", "/etc/resolv.conf"
NAMED = 'network {\n\tmode = "named"\n\tname = "course"\n}\n'


@pytest.fixture(autouse=True)
def files(host, module):
    host.add_module(("sshd", "su", "sudo"))
    host.set_policy("default.conf", 'mode = "off"\n')
    before = {path: H.read(path) for path in (HOSTS, RESOLV)}
    with P.sshd():
        yield
    H.wait_until(lambda: not H.records(), "the sessions to end")
    for path, text in before.items():
        replace(path, text)
    for path in ("/etc/netns", "/etc/lab"):
        shutil.rmtree(path, ignore_errors=True)


def replace(path, text):
    """As editors and DHCP clients do: a new file under the old name."""
    H.write(f"{path}.new", text)
    os.rename(f"{path}.new", path)


def policy(text):
    H.set_policy("user/alice.conf", text)


def inside(command, user="alice"):
    return P.ssh(user, command).check().stdout


def refusal(log):
    done = P.ssh("alice", "echo got-in")
    assert done.status != 0 and "got-in" not in done.stdout
    return log.wait_for("refused: user=alice").text


# hosts

@pytest.mark.parametrize("mode", ["none", "loopback", "host"])
def test_sudo_finds_the_session_by_its_name(mode, log):
    policy(f'uts {{ hostname = "shell-%s" }}\nnetwork {{ mode = "{mode}" }}\n')
    done = P.ssh("alice", "sudo -n true; hostname; getent ahosts $(hostname)").check()
    name = done.stdout.split()[0]
    assert name.startswith("shell-") and "127.0.1.1" in done.stdout
    assert "unable to resolve" not in done.stderr + log.text()


def test_the_copy_has_what_the_hosts_file_has_and_is_roots():
    policy('uts { hostname = "shell-%s" }\n')
    seen = inside("cat /etc/hosts; echo; stat -c '%U %a' /etc/hosts; echo x >>/etc/hosts || echo refused; "
                  "grep ' /etc/hosts ' /proc/self/mountinfo; hostname")
    name = seen.split()[-1]
    assert seen.startswith(H.read(HOSTS) + f"127.0.1.1\t{name}\n")
    assert "root 644" in seen and "refused" in seen and " ro,nosuid,nodev,noexec" in seen
    assert name not in H.read(HOSTS)


def test_root_inside_changes_nothing_of_the_host():
    policy('uts { hostname = "shell-%s" }\n')
    before = H.read(HOSTS)
    inside("sudo -n sh -c 'mount -o remount,bind,rw /etc/hosts; echo 192.0.2.9 changed >>/etc/hosts'; cat /etc/hosts")
    assert H.read(HOSTS) == before


def test_with_the_hosts_own_name_nothing_is_mounted():
    policy("")
    assert "/etc/hosts" not in inside("cat /proc/self/mountinfo")


@pytest.mark.parametrize("text, added", [("192.0.2.9 lab-alice\n", False), ("192.0.2.9\tother lab-alice # x\n", False),
                                         ("192.0.2.9 other # lab-alice\n", True), ("# lab-alice", True),
                                         ("192.0.2.9 lab-alice2", True), ("", True)])
def test_the_name_is_added_where_the_file_does_not_know_it(text, added):
    H.write("/etc/lab/hosts", text)
    policy('uts { hostname = "lab-%u" }\nnetwork { hosts = "/etc/lab/hosts" }\n')
    line = "127.0.1.1\tlab-alice\n"
    assert inside("cat /etc/hosts") == (text + "\n" * bool(text and text[-1] != "\n") + line if added else text)


def test_a_nested_session_has_a_name_of_its_own_too(log):
    policy('uts { hostname = "outer-%s" }\n')
    H.set_policy("user/bob.conf", 'uts { hostname = "inner-%s" }\n')
    seen = inside("sudo -n -u bob sh -c 'hostname; getent hosts $(hostname); cat /etc/hosts'; cat /etc/hosts")
    name = seen.split()[0]
    assert name.startswith("inner-") and seen.count("\tinner-") == 1 and seen.count("\touter-") == 2


def test_the_hosts_file_is_the_hosts_where_the_policy_says_so():
    policy('uts { hostname = "shell-%s" }\nnetwork { hosts = "host" }\n')
    assert inside("cat /etc/hosts") == H.read(HOSTS)


# resolv.conf

def test_a_policys_resolver_file():
    H.write("/etc/lab/resolv.conf", "nameserver 192.0.2.53\n")
    policy('network { resolv-conf = "/etc/lab/resolv.conf" }\n')
    assert inside("cat /etc/resolv.conf") == "nameserver 192.0.2.53\n"


@pytest.mark.parametrize("target", ["../run/resolver/stub-resolv.conf", "/run/resolver/stub-resolv.conf", "link.conf"])
def test_the_hosts_file_may_be_a_link_to_a_resolvers(target):
    """As that of systemd-resolved: in a directory of another user's below /run."""
    os.mkdir("/run/resolver", 0o755)
    H.write("/run/resolver/stub-resolv.conf", "nameserver 127.0.0.53\n")
    os.chown("/run/resolver", 150, 150)
    os.chown("/run/resolver/stub-resolv.conf", 150, 150)
    os.unlink(RESOLV)
    os.symlink(target, RESOLV)
    os.symlink("../run/resolver/stub-resolv.conf", "/etc/link.conf")
    H.write("/etc/lab/resolv.conf", "nameserver 192.0.2.53\n")
    policy('network { resolv-conf = "/etc/lab/resolv.conf" }\n')
    try:
        seen = inside("cat /etc/resolv.conf; readlink /etc/resolv.conf")
        assert seen == f"nameserver 192.0.2.53\n{target}\n"
        assert H.read(RESOLV) == "nameserver 127.0.0.53\n"
    finally:
        os.unlink("/etc/link.conf")
        shutil.rmtree("/run/resolver")


def test_the_files_of_a_named_network():
    with N.named("course"):
        policy(NAMED)
        hosts = H.read(HOSTS)
        assert inside("cat /etc/hosts") == hosts
        H.write("/etc/netns/course/resolv.conf", "nameserver 192.0.2.2\n")
        assert inside("cat /etc/hosts /etc/resolv.conf") == hosts + "nameserver 192.0.2.2\n"
        H.write("/etc/netns/course/hosts", "192.0.2.2 server\n")
        assert inside("cat /etc/hosts /etc/resolv.conf") == "192.0.2.2 server\nnameserver 192.0.2.2\n"
        policy(NAMED + 'uts { hostname = "course-%u" }\n')
        assert inside("cat /etc/hosts") == "192.0.2.2 server\n127.0.1.1\tcourse-alice\n"
        H.wait_until(lambda: not H.isolated_processes(), "the sessions to end")


# what cannot be trusted

def of_alice(path):
    os.chown(path, 3001, 3001)


def writable(path):
    os.chmod(path, 0o664)


def missing(path):
    os.unlink(path)


def too_long(path):
    H.write(path, "#" * (256 * 1024 + 1))


def directory(path):
    os.unlink(path)
    os.mkdir(path)


def fifo(path):
    os.unlink(path)
    os.mkfifo(path)


def in_alices_directory(path):
    os.chown(os.path.dirname(path), 3001, 3001)


def link_through_alices(path):
    os.unlink(path)
    H.write("/home/alice/real", "x\n")
    os.symlink("/home/alice/real", path)


def link_of_alices(path):
    os.symlink("/etc/hosts", "/etc/lab/other")
    os.unlink(path)
    os.symlink("/etc/lab/other", path)
    os.lchown("/etc/lab/other", 3001, 3001)


def loop(path):
    os.unlink(path)
    os.symlink(path, path)


ROOTS = "must be root's, and no one else's to write to"
REGULAR = "must be a regular file"


@pytest.mark.parametrize("key", ["hosts", "resolv-conf"])
@pytest.mark.parametrize("change, why", [
    (of_alice, ROOTS), (writable, ROOTS), (in_alices_directory, ROOTS), (link_through_alices, ROOTS),
    (link_of_alices, ROOTS), (missing, "No such file"), (too_long, "it is too long"), (directory, REGULAR),
    (fifo, REGULAR), (loop, "Too many levels"),
], ids=lambda value: value.__name__ if callable(value) else "")
def test_a_file_that_cannot_be_trusted_refuses(key, change, why, log):
    H.write("/etc/lab/file", "192.0.2.9 lab\n")
    policy(f'network {{ {key} = "/etc/lab/file" }}\n')
    change("/etc/lab/file")
    line = refusal(log)
    assert f"user/alice.conf: network.{key}: /etc/lab/file: " in line and why in line
    policy(f'mode = "audit"\nnetwork {{ {key} = "/etc/lab/file" }}\n')
    P.ssh("alice", "true").check()
    log.wait_for("would refuse: .*network." + key)


@pytest.mark.parametrize("path, key", [(HOSTS, "hosts"), (RESOLV, "resolv-conf")])
def test_without_a_file_to_cover_the_login_is_refused(path, key, log):
    H.write("/etc/lab/file", "192.0.2.9 lab\n")
    policy(f'network {{ {key} = "/etc/lab/file" }}\n')
    os.unlink(path)
    assert f"{path}, over which the session's own is mounted: No such file" in refusal(log)


def test_a_users_own_file_in_place_of_what_is_covered_is_not_read():
    """What is covered may be another's: nothing of it goes into the session's."""
    policy('uts { hostname = "shell-%s" }\n')
    os.chown(HOSTS, 3001, 3001)
    assert P.ssh("alice", "true").status != 0


# inspection

def findings():
    done = P.run(["nsinspect", "audit", "-J", "--hurried"])
    return [(found["code"], found["seen"]) for found in json.loads(done.stdout)["findings"]
            if found["code"].startswith("NSI01")]


def test_a_new_file_of_the_hosts_is_seen_and_found():
    policy('uts { hostname = "shell-%s" }\n')
    with P.ssh_background("alice", f"{STAY.split(';')[0]}; read line; cat /etc/hosts; cat >/dev/null") as login:
        login.read_line()
        assert findings() == []
        shown = json.loads(P.run(["nsinspect", "show", "-J", next(iter(live(False)))]).check().stdout)
        step, = [step for step in shown["plan"] if step["step"] == "mount-hosts"]
        assert not step["differs"] and step["planned"].startswith("/etc/hosts from the host's, which knows shell-")
        replace(HOSTS, "192.0.2.77 new\n")
        login.process.stdin.write(b"\n")
        login.process.stdin.flush()
        assert login.read_line() == "192.0.2.77 new"
        (code, seen), = findings()
        assert code == "NSI017" and seen.startswith("/etc/hosts is the host's: its own was dropped")


def test_check_warns_of_a_file_that_is_not_there():
    policy('network { hosts = "/etc/lab/missing" }\n')
    done = P.run(["nsinspect", "check", H.POLICIES])
    assert "network.hosts: /etc/lab/missing: No such file or directory; every login would be refused" in (
        done.stdout + done.stderr)


def test_the_kept_copies_are_out_of_the_users_sight():
    policy('uts { hostname = "shell-%s" }\n')
    assert "denied" in P.ssh("alice", "ls /run/nsisolate/etc").stderr
    with P.ssh_background("alice", STAY) as login:
        login.read_line()
        init = H.session_init()
        root = f"/proc/{init}/root/run/nsisolate"
        assert stat.S_IMODE(os.stat(root).st_mode) == 0o1700 and os.listdir(f"{root}/etc") == ["hosts"]

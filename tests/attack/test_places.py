# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Directories of a policy against the user who owns what is around them. The attacker's processes run as alice on the
host, outside any session, as a service without the module would let them.
"""

import contextlib
import ctypes
import os
import shutil

import pytest

from attack.conftest import SECRET
from attack.test_masks import WAYS, reveal
from support import host as H
from support import programs as P

ROUNDS = 40 if os.environ.get("NSISOLATE_LONG") else 12  # what resolves twice is caught in every second one
HOME, OPEN = "/home/alice", "/srv/open"  # hers alone, and a directory in which everybody makes some of their own
BACKINGS = {"kept": 'backing = "directory"', "fresh": ""}

# x and y change places without end; inotify(7) tells when somebody looks
SWAP = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, sys.argv[1].encode(), 0x20 | 0x1 | 0x8)
x, y = (os.path.join(sys.argv[1], name).encode() for name in "xy")
os.set_blocking(watch, False)
print("in", flush=True)
while True:
    libc.renameat2(-100, x, -100, y, 2)
    try:
        os.read(watch, 4096)
        libc.renameat2(-100, x, -100, y, 2)
    except BlockingIOError:
        pass
"""


@pytest.fixture(autouse=True)
def installed(installed):
    os.mkdir(OPEN)
    os.chmod(OPEN, 0o1777)
    yield
    shutil.rmtree("/var/lib/nsisolate", ignore_errors=True)
    H.empty("/srv")


@contextlib.contextmanager
def swapping(around, other):
    """x is a directory of alice's, or what `other` makes in its place."""
    os.mkdir(f"{around}/x")
    other(f"{around}/y")
    for name in "xy":
        os.chown(f"{around}/{name}", 3001, 3001, follow_symlinks=False)
    command = ["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups", "/usr/bin/python3", "-c", SWAP, around]
    with P.Background(command, reads=False) as attacker:
        assert attacker.read_line() == "in"
        yield


def link_to(target):
    return lambda path: os.symlink(target, path)


def mounts(command):
    """Where the command's mount namespace has mounts that the host has not; None when it was refused."""
    listing = "cut -d' ' -f5 /proc/self/mountinfo"
    done = command(listing)
    return set(done.stdout.split()) - {line.split()[2] for line in H.mount_table()} if done.status == 0 else None


def hard_link(path):
    """To a file of another user's, as if no sysctl forbade that."""
    H.write("/home/bob/linked", "")
    os.link("/home/bob/linked", path)


OTHERS = {"link to /etc": link_to("/etc"), "link to another's": link_to("/home/bob"),
          "link to the store": link_to("/var/lib/nsisolate"), "FIFO": os.mkfifo, "file": lambda path: H.write(path, ""),
          "directory": os.mkdir}


@pytest.mark.parametrize("backing", BACKINGS)
@pytest.mark.parametrize("around, other", [*((HOME, other) for other in (*OTHERS, "hard link")), (OPEN, "link to /etc"),
                                           (OPEN, "directory")])
def test_a_private_directory_is_mounted_nowhere_but_below_the_users_own(backing, around, other):
    H.set_policy("user/alice.conf", f'mount {{ private "{around}/x" {{ {BACKINGS[backing]} }} }}\n')
    opened = 0
    with swapping(around, OTHERS.get(other, hard_link)):
        for _round in range(ROUNDS):
            found = mounts(lambda command: P.su("alice", command))
            if found is None:
                continue
            opened += 1
            below = {path for path in found if path.startswith(("/home/", "/srv/", "/etc", "/var/lib"))}
            assert below and below <= {f"{around}/x", f"{around}/y"}, found
    assert opened or other != "directory"
    if backing == "kept":
        assert set(os.listdir("/var/lib/nsisolate")) <= {"3001"}


@pytest.mark.parametrize("around", [HOME, OPEN])
def test_a_mount_by_path_would_follow_the_link(around):
    """The control: what resolves a path twice lands on /etc."""
    with swapping(around, link_to("/etc")):
        def landed():
            mount = f"mount -t tmpfs t {around}/x"
            found = mounts(lambda command: P.run(["unshare", "-m", "sh", "-c", f"{mount} && {command}"]))
            return found is not None and "/etc" in found

        H.wait_until(landed, "it to land on /etc", timeout=60)


@pytest.mark.parametrize("around", [HOME, OPEN])
def test_a_file_system_of_the_users_that_never_answers_refuses_in_time(around, log):
    """FUSE, as fusermount3(1) mounts it for a user; nobody reads what the kernel asks."""
    place = f"{around}/x"
    H.set_policy("user/alice.conf", f'mount {{ private "{place}/y" {{ }} }}\n')
    os.mkdir(place)
    if not os.path.exists("/dev/fuse"):
        os.mknod("/dev/fuse", 0o020666, os.makedev(10, 229))
    fuse = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={fuse},rootmode=40000,user_id=3001,group_id=3001".encode()
    try:
        assert libc.mount(b"fuse", place.encode(), b"fuse", 6, options) == 0, os.strerror(ctypes.get_errno())
        assert P.su("alice", "true").status != 0
        log.wait_for(f"refused: user=alice .*: step mount-tmpfs: {place}/y: Permission denied")
    finally:
        os.close(fuse)
        P.run(["umount", "-l", place])


@pytest.fixture
def secret():
    """A directory of root's with a file of the host's, hidden, and one that is read-only."""
    os.mkdir("/srv/hidden", 0o755)
    os.mkdir("/srv/fixed", 0o777)
    os.chmod("/srv/fixed", 0o777)
    H.write(f"/srv/hidden/{SECRET}", "secret\n")
    H.set_policy("user/alice.conf", 'mount { private "/tmp" { backing = "directory" } hide = { "/srv/hidden" } '
                 'read-only = { "/srv/fixed" } }\n')
    H.write(f"/tmp/{SECRET}", "secret\n")
    yield
    os.unlink(f"/tmp/{SECRET}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("directory", ["/srv/hidden", "/tmp"])
def test_no_way_to_look_under_what_is_hidden_or_kept(way, directory, secret):
    seen = P.su("alice", reveal(way, directory)).check().json()
    assert isinstance(seen, str) or not seen["found"], seen


WRITES = ("touch /srv/fixed/x", "unshare -Urm sh -c 'mount -o remount,bind,rw /srv/fixed; touch /srv/fixed/x'",
          "unshare -Urm sh -c 'umount /srv/fixed; touch /srv/fixed/x'",
          "unshare -Urm sh -c 'mkdir -p work/m && mount --rbind /srv work/m && umount work/m/fixed; touch work/m/fixed/x'",
          "unshare -Urm sh -c 'mount --rbind /srv/fixed /srv/fixed && mount -o remount,bind,rw /srv/fixed; touch /srv/fixed/x'")


@pytest.mark.parametrize("command", WRITES)
def test_no_way_to_write_where_it_is_read_only(command, secret):
    P.su("alice", f"cd; {command}")
    assert os.listdir("/srv/fixed") == []
    P.run(["sh", "-c", "touch /srv/fixed/control"], user="alice").check()
    assert os.listdir("/srv/fixed") == ["control"]


def test_root_inside_takes_every_mask_away_and_that_is_found(secret):
    """As SECURITY.md says."""
    with P.Background(["su", "alice", "-c", "echo in; cat >/dev/null"]) as login:
        login.read_line()
        init, = H.session_inits()
        for directory in ("/srv/hidden", "/srv/fixed", "/tmp"):
            P.run(["nsenter", "-m", "-p", "-t", str(init), "umount", directory]).check()
        assert os.listdir(f"/proc/{init}/root/srv/hidden") == [SECRET]
        findings = P.run(["nsinspect", "audit", "--hurried", "-n", "-r", "-o", "CODE,SEEN"]).stdout.splitlines()
        assert len([line for line in findings if line.startswith("NSI011")]) == 3, findings


def test_the_store_cannot_be_reached_from_what_is_kept(secret):
    """Neither up from it, nor by a descriptor that is handed out."""
    P.su("alice", "touch /tmp/mine").check()
    with P.Background(["su", "alice", "-c", "cd /tmp && exec 9</tmp && echo in && cat >/dev/null"]) as login:
        login.read_line()
        shell, = H.wait_until(lambda: [process.pid for process in H.isolated_processes() if process.name == "cat"],
                              "cat to run")
        assert sorted(os.listdir(f"/proc/{shell}/fd/9")) == ["mine"]
        assert "%2Ftmp" not in os.listdir(f"/proc/{shell}/fd/9/..")
        assert "%2Ftmp" not in os.listdir(f"/proc/{shell}/cwd/..")
        assert "etc" in os.listdir(f"/proc/{shell}/fd/9/..")

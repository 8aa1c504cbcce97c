# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
The sandbox: a private "host" in which every privileged test runs, so that a
run changes nothing on the machine and two runs do not meet.

The runner forks a watcher, which enters new mount, PID, network, IPC and UTS
namespaces and forks their init. The init builds a root file system (an overlay
of the machine's own root and the staged install, with fresh /dev, /proc, /sys,
/run, /tmp, /home and /root), populates it with users and keys, runs the command and reaps.
Each is killed with its parent, and the kernel kills the rest with the init. The
runner compares the machine before and after, and fails when anything differs.
"""

import ctypes
import fcntl
import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import traceback

MARKER = "/.nsisolate-sandbox"
HOSTNAME = "testhost"
# what the build makes for the tests alone, and where they find it
BUILT_FOR_TESTS = {
    "logins/libnss_broken.so.2": "/usr/lib/x86_64-linux-gnu",
    "attack/plain-libconfuse": "/usr/local/lib/nsisolate-tests",
    "attack/preloaded.so": "/usr/local/lib/nsisolate-tests",
}
# where build-coverage.ini lets processes count: where no policy of the tests hides it
COUNTS = "/var/lib/nsisolate-coverage"
SKIPPED = 77
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED = 0x1000, 0x4000, 0x40000, 0x100000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def encoded(text):
    return None if text is None else os.fsencode(text)


def mount(source, target, kind=None, flags=0, data=None):
    check(libc.mount(encoded(source), encoded(target), encoded(kind), ctypes.c_ulong(flags), encoded(data)),
          f"mount {source} on {target}")


def umount(target, flags=0):
    check(libc.umount2(encoded(target), flags), f"umount {target}")


def die_with_parent():
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


# What must be the same on the machine before and after a run.

def machine_state():
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        mounts = sorted(table.read().splitlines())
    return {
        "mounts": mounts,
        "hostname": socket.gethostname(),
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "proc": os.readlink("/proc/self") == str(os.getpid()),
    }


def differences(before, after):
    for key, old in before.items():
        if after[key] != old:
            yield f"{key}: before {old}, after {after[key]}"


def processes_in(namespaces):
    """Processes of the machine in one of these namespaces."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        for kind in ("pid", "mnt", "net"):
            try:
                link = os.readlink(f"/proc/{name}/ns/{kind}")
            except OSError:
                continue
            if link in namespaces:
                yield int(name)


# Building the root file system.

def inside(path, directory):
    return os.path.commonpath([os.path.realpath(path), directory]) == directory


def choose_scratch(keep):
    """A directory to cover, in this mount namespace only, that holds nothing needed."""
    for directory in ("/mnt", "/media", "/srv", "/opt"):
        if os.path.isdir(directory) and not any(inside(path, directory) for path in keep):
            return directory
    raise RuntimeError("no directory to build the sandbox in: /mnt, /media, /srv and /opt are absent or in use")


def stage_install(build, stage):
    os.mkdir(stage, 0o755)
    if build:
        copy_installed(build, stage)
        for built, directory in BUILT_FOR_TESTS.items():
            if os.path.exists(f"{build}/tests/{built}"):
                os.makedirs(stage + directory, exist_ok=True)
                shutil.copy(f"{build}/tests/{built}", stage + directory)


def copy_installed(build, stage):
    """The build's install, which is made once for all sandboxes until the build changes."""
    kept, made_from = f"{build}/installed", f"{build}/installed.from"
    with open(f"{build}/installed.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        now = to_install(build)
        if not os.path.exists(made_from) or read(made_from) != now:
            shutil.rmtree(kept, ignore_errors=True)
            subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", kept],
                           check=True, stdin=subprocess.DEVNULL)
            with open(made_from, "w", encoding="utf-8") as file:
                file.write(now)
        subprocess.run(["cp", "-a", f"{kept}/.", stage], check=True)


def to_install(build):
    """What an install takes, as text that changes when one of the files does."""
    paths = [f"{build}/build.ninja", *(path for path in json.loads(read(f"{build}/meson-info/intro-installed.json"))
                                       if os.path.isabs(path))]
    # what install scripts take is not in that table
    paths += sorted(f"{place}/{name}" for place, _, files in os.walk(f"{SOURCE}/packaging") for name in files)
    found = ((path, os.stat(path)) for path in paths)
    return "".join(f"{path} {status.st_ino} {status.st_size} {status.st_mtime_ns}\n" for path, status in found)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def lay_overlay(scratch, root, stage):
    """The machine's root file system and those of its directories that are file systems of their own."""
    for number, directory in enumerate(["/", "/usr", "/etc", "/var", "/opt"]):
        if directory != "/" and not os.path.ismount(directory):
            continue
        if os.path.realpath(directory) == scratch:
            continue
        upper, work = f"{scratch}/upper{number}", f"{scratch}/work{number}"
        os.makedirs(upper)
        os.makedirs(work)
        if directory == ("/var" if os.path.ismount("/var") else "/"):
            # empty without a look at what the machine has in it
            hidden = f"{upper}/{os.path.relpath('/var/tmp', directory)}"
            os.makedirs(hidden, 0o755)
            os.setxattr(hidden, "trusted.overlay.opaque", b"y")
        layers = [path for path in (stage + directory.rstrip("/"), directory) if os.path.isdir(path)]
        mount("overlay", root + directory, "overlay", 0,
              f"lowerdir={':'.join(layers)},upperdir={upper},workdir={work}")


def lay_copy(root, stage):
    """Without overlayfs: /etc and the rest of the state are copied, /usr is read-only but for what the stage brings."""
    mount("tmpfs", root, "tmpfs", 0, "mode=0755")
    for entry in os.scandir("/"):
        target = root + entry.path
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)
        elif entry.name in ("etc", "opt"):
            subprocess.run(["cp", "-ax", entry.path, target], check=True)
        elif entry.name == "usr":
            os.mkdir(target)
            mount(entry.path, target, None, MS_BIND | MS_REC)
            mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
        elif entry.is_dir():
            os.mkdir(target, 0o755)
    for name in ("cache", "lib/pam", "lib/sudo", "lib/xkb", "log", "mail", "spool/cron/crontabs", "tmp"):
        os.makedirs(f"{root}/var/{name}", exist_ok=True)
    for entry in os.scandir("/var"):
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), root + entry.path)
    for path, names, files in os.walk(stage):
        place = root + path[len(stage):]
        for name in list(names):
            if place.startswith(root + "/usr") and not os.path.isdir(f"{place}/{name}"):
                make_writable(place)
            os.makedirs(f"{place}/{name}", exist_ok=True)
        if files and place.startswith(root + "/usr"):
            make_writable(place)
        for name in files:
            shutil.copy2(f"{path}/{name}", f"{place}/{name}", follow_symlinks=False)


def make_writable(directory):
    """Replaces one directory of a read-only tree by a copy on a tmpfs."""
    if os.access(directory, os.W_OK):
        return
    held = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        mount("tmpfs", directory, "tmpfs", 0, "mode=0755")
        subprocess.run(["cp", "-ax", f"/proc/self/fd/{held}/.", directory], check=True, pass_fds=[held])
    finally:
        os.close(held)


DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0), "ptmx": (5, 2)}


def make_devices(dev):
    """A /dev of our own: the machine's devtmpfs is one for all, so nothing may be made in it."""
    mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=0755")
    for name, number in DEVICES.items():
        os.mknod(f"{dev}/{name}", stat.S_IFCHR, os.makedev(*number))
        os.chmod(f"{dev}/{name}", 0o666)
    shutil.chown(f"{dev}/tty", group="tty")
    for name, target in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        os.symlink(target, f"{dev}/{name}")
    for name in ("pts", "shm", "mqueue"):
        os.mkdir(f"{dev}/{name}")
    # gid 5 is Debian's "tty"; a new instance, so that terminals of the machine are not seen
    mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,gid=5,mode=620,ptmxmode=000")
    mount("tmpfs", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    mount("mqueue", f"{dev}/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    # slirp4netns(1) makes its interface by it
    os.mkdir(f"{dev}/net", 0o755)
    os.mknod(f"{dev}/net/tun", stat.S_IFCHR, os.makedev(10, 200))
    os.chmod(f"{dev}/net/tun", 0o666)


def make_system_mounts(root):
    for name in ("proc", "sys", "dev", "run", "tmp", "home", "root"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("sysfs", f"{root}/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if os.path.isdir("/sys/fs/cgroup"):
        mount("/sys/fs/cgroup", f"{root}/sys/fs/cgroup", None, MS_BIND | MS_REC)
    make_devices(f"{root}/dev")
    mount("tmpfs", f"{root}/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    mount("tmpfs", f"{root}/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    mount("tmpfs", f"{root}/home", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    mount("tmpfs", f"{root}/root", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700")
    for entry in os.scandir(f"{root}/var/tmp"):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    os.chmod(f"{root}/var/tmp", 0o1777)


def keep_visible(root, paths):
    for path in paths:
        os.makedirs(root + path, exist_ok=True)
        mount(path, root + path, None, MS_BIND)
        mount(None, root + path, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def share_counts(root, build):
    """The files in which all processes of a build with coverage count, which tests/coverage/run has made."""
    if build and os.path.isdir(f"{build}/coverage"):
        os.makedirs(root + COUNTS)
        mount(f"{build}/coverage", root + COUNTS, None, MS_BIND)


def build_root(build):
    from support import host
    cwd = os.getcwd()
    keep = [SOURCE] + ([os.path.realpath(build)] if build else [])
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    scratch = choose_scratch(keep + [cwd])
    mount("tmpfs", scratch, "tmpfs", 0, "mode=0755")
    root, stage = f"{scratch}/root", f"{scratch}/stage"
    os.mkdir(root, 0o755)
    stage_install(build, stage)
    host.stage_programs(stage)
    try:
        if os.environ.get("NSISOLATE_SANDBOX_COPY"):
            raise OSError("asked not to use overlayfs")
        lay_overlay(scratch, root, stage)
    except OSError as error:
        print(f"sandbox: no overlay, copying instead: {error}", file=sys.stderr)
        lay_copy(root, stage)
    make_system_mounts(root)
    keep_visible(root, keep)
    share_counts(root, build)
    with open(root + MARKER, "w", encoding="utf-8") as marker:
        json.dump({"build": build}, marker)
    os.chdir(root)
    check(libc.pivot_root(b".", b"."), "pivot_root")
    umount(".", MNT_DETACH)
    # as systemd has it: what a session makes must not come out, what the host makes later may go in
    mount(None, "/", None, MS_REC | MS_SHARED)
    os.chdir(cwd if os.path.isdir(cwd) else "/")


# The processes.

KEPT_VARIABLES = ("CI", "TERM", "COLUMNS", "ASAN_OPTIONS", "UBSAN_OPTIONS")


def environment():
    kept = {name: value for name, value in os.environ.items()
            if name in KEPT_VARIABLES or name.startswith(("NSISOLATE_", "PYTEST_"))}
    return kept | {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.path.join(SOURCE, "tests"),
    }


def exit_code(status):
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def run_as_init(command, build, parent_pipe):
    """PID 1 of the sandbox. Ends when the command ends, and everything in the sandbox with it."""
    from support import host
    die_with_parent()
    if select.select([parent_pipe], [], [], 0)[0]:
        return 1  # the parent died before the line above
    os.close(parent_pipe)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o022)
    socket.sethostname(HOSTNAME)
    check(libc.setdomainname(b"(none)", 6), "setdomainname")
    loopback_up()
    build_root(build)
    host.populate()
    main = os.fork()
    if main == 0:
        # a shell without job control starts what runs behind it with some of these ignored
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, environment())
    while True:
        pid, status = os.wait()
        if pid == main:
            return exit_code(status)


def run_as_watcher(command, build):
    """Between runner and init: its only use is to have the new PID namespace for its children."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS), "unshare")
    reader, writer = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(writer)
        exit_with(run_as_init, command, build, reader)
    os.close(reader)
    return exit_code(os.waitpid(init, 0)[1])


def exit_with(function, *arguments):
    """Never back into the code of the process that was forked."""
    code = 70
    try:
        code = function(*arguments)
    except BaseException:  # whatever it is, this process must end here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(command, build=None):
    """Runs a command in a sandbox of its own; returns its exit status, or 1 when the machine was changed."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = machine_state()
    watcher = os.fork()
    if watcher == 0:
        exit_with(run_as_watcher, command, build)
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    # held open: the kernel gives the numbers of namespaces that have ended out again
    held = {}
    try:
        # seen once the watcher has unshared: its own mount and network namespace, and its children's PID namespace
        own = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in ("mnt", "net", "pid")}
        while not os.waitid(os.P_PID, watcher, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            for kind, link in (("mnt", "mnt"), ("net", "net"), ("pid", "pid_for_children")):
                found = None if kind in held else open_namespace(watcher, link)
                if found is not None and namespace_name(found) != own[kind]:
                    held[kind] = found
                elif found is not None:
                    os.close(found)
            if len(held) == len(own):
                break
            select.select([], [], [], 0.01)
        code = exit_code(os.waitpid(watcher, 0)[1])
        left = sorted(set(processes_in({namespace_name(found) for found in held.values()})))
    finally:
        signal.signal(signal.SIGINT, previous)
        for found in held.values():
            os.close(found)
    problems = list(differences(before, machine_state()))
    problems += [f"process {pid} of the sandbox is left" for pid in left]
    for problem in problems:
        print(f"sandbox: the machine changed: {problem}", file=sys.stderr)
    return 1 if problems else code


def open_namespace(pid, kind):
    try:
        return os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
    except OSError:
        return None


def namespace_name(descriptor):
    """As the links in /proc/PID/ns have it."""
    return os.readlink(f"/proc/self/fd/{descriptor}")


def active():
    """True inside a sandbox: asked before anything that would harm a real host."""
    return os.path.exists(MARKER) and socket.gethostname() == HOSTNAME


def refusal():
    """Why no sandbox can be made here, or None."""
    if os.geteuid() != 0:
        return "not root"
    for module in ("pytest", "pexpect"):
        if not importlib.util.find_spec(module):
            return f"no python3-{module}"
    for program in ("/usr/sbin/sshd", "/usr/bin/ssh", "/bin/login", "/bin/su", "/usr/bin/sudo", "/usr/sbin/cron"):
        if not os.access(program, os.X_OK):
            return f"no {program}"
    return None


def refuse(reason):
    """Exit status for a run that cannot be: a skip for people, a failure in CI."""
    print(f"sandbox: {reason}", file=sys.stderr)
    return 1 if os.environ.get("CI") else SKIPPED

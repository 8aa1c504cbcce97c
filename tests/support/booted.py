# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
A host that systemd booted, in the sandbox: systemd as PID 1 of PID, mount and cgroup namespaces of its own, with
journald, dbus, logind, and Debian's own ssh.service and cron.service. /etc, /home, /var and the network are the
sandbox's, so that a test writes policies and logs in as ever; /proc, /dev, /run, /sys and /tmp are its own.

tests/support/install-packages keeps the packages unpacked in LAYER; they are copied into the sandbox's overlay, since
one more on top would be one too many where the machine's root is an overlay itself.
"""

import collections
import contextlib
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

from support import host, programs, sandbox
from support.host import wait_until

LAYER = "/usr/local/lib/nsisolate-tests/systemd-root"
SYSTEMD = "/usr/lib/systemd/systemd"
# as the postinst scripts of Debian's packages make them
DAEMONS = {"messagebus": 190, "systemd-network": 191, "systemd-resolve": 192}
GROUPS = {"systemd-journal": 193, "input": 194, "sgx": 195, "kvm": 196, "render": 197}
TARGET = "tests.target"
WANTED = ("dbus.socket", "systemd-logind.service", "ssh.service", "cron.service", "systemd-user-sessions.service")
# what is about hardware or about settings of the one kernel
MASKED = ("systemd-udevd.service", "systemd-udevd-kernel.socket", "systemd-udevd-control.socket",
          "systemd-hwdb-update.service",
          "systemd-sysctl.service", "systemd-modules-load.service", "systemd-binfmt.service", "systemd-random-seed.service",
          "systemd-journald-audit.socket", "systemd-journal-catalog-update.service", "systemd-update-done.service",
          "systemd-remount-fs.service", "systemd-networkd.service", "systemd-timesyncd.service", "dev-hugepages.mount",
          "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
          "proc-sys-fs-binfmt_misc.automount", "proc-sys-fs-binfmt_misc.mount", "systemd-pstore.service",
          "systemd-machine-id-commit.service", "systemd-sysusers.service", "getty.target", "timers.target")
# settings of the machine's kernel are not what is tested: ours are here, and for the unit that audits in OPTIONS
SYSCTL = "/etc/tests-sysctl"
HEALTHY = {"dev/tty/legacy_tiocsti": 0, "kernel/yama/ptrace_scope": 1, "kernel/pid_max": 4194304}
OPTIONS = "/etc/default/nsisolate"
SERVICES = ("sshd", "login", "su", "sudo", "sudo-i", "cron", "systemd-user")
CGROUPS = "nsisolate-tests-"
# what limits need: of version 1 where the machine has them so, and there beside version 2, as systemd calls hybrid
CONTROLLERS = ("memory", "pids", "cpu")
CONSOLE = "/run/booted.log"


# Before: the host's files.

def lay():
    assert os.path.exists(LAYER + SYSTEMD), f"there is no {LAYER}: run tests/support/install-packages test"
    assert os.access("/usr", os.W_OK), "the sandbox has no overlayfs here, and without it a read-only /usr"
    subprocess.run(["cp", "-a", "--remove-destination", f"{LAYER}/usr", f"{LAYER}/etc", f"{LAYER}/var", "/"], check=True)


def add_accounts():
    def add(path, lines):
        names = {line.split(":")[0] for line in host.read(path).splitlines()}
        host.write(path, host.read(path) + "".join(f"{line}\n" for line in lines if line.split(":")[0] not in names),
                   os.stat(path).st_mode & 0o777)

    add("/etc/passwd", [f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin" for name, number in DAEMONS.items()])
    add("/etc/shadow", [f"{name}:!*:19000::::::" for name in DAEMONS])
    add("/etc/group", [f"{name}:x:{number}:" for name, number in {**DAEMONS, **GROUPS}.items()])


def enable_modules():
    """pam_systemd as Debian's profile has it, and ours in every service. PAM takes the vendor's file for systemd-user."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["pam-auth-update", "--enable", "systemd"], check=True, env=quiet)
    shutil.copy("/usr/lib/pam.d/systemd-user", "/etc/pam.d/systemd-user")
    subprocess.run(["nsisolate-pam", "enable", *SERVICES], check=True, stdout=subprocess.DEVNULL)


def set_options(text):
    host.write(OPTIONS, f'NSISOLATE_AUDIT_OPTIONS="{text}"\n')


@contextlib.contextmanager
def files():
    """The packages and what their scripts would do, as the state to which tests return meanwhile."""
    lay()
    add_accounts()
    if not os.path.exists("/etc/machine-id") or not host.read("/etc/machine-id").strip():
        host.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    for name, value in HEALTHY.items():
        host.write(f"{SYSCTL}/{name}", f"{value}\n")
    enable_modules()
    os.rename(host.PRISTINE, host.PRISTINE + ".before")
    host.keep_pristine()
    try:
        yield
    finally:
        shutil.rmtree(host.PRISTINE)
        os.rename(host.PRISTINE + ".before", host.PRISTINE)
        host.restore()


# In the new namespaces, before systemd.

def cover(directory, mode):
    sandbox.mount("tmpfs", directory, "tmpfs", 0, f"mode={mode}")


def read_only(path):
    sandbox.mount(path, path, None, sandbox.MS_BIND)
    sandbox.mount(None, path, None, sandbox.MS_BIND | sandbox.MS_REMOUNT | sandbox.MS_RDONLY)


def make_mounts(hierarchies):
    quiet = sandbox.MS_NOSUID | sandbox.MS_NODEV | sandbox.MS_NOEXEC
    sandbox.mount(None, "/", None, sandbox.MS_REC | sandbox.MS_PRIVATE)
    for directory in ("/proc", "/sys", "/dev", "/run", "/tmp"):
        sandbox.umount(directory, sandbox.MNT_DETACH)
    sandbox.mount("proc", "/proc", "proc", quiet)
    cover("/run", "0755")
    # the kernel is the machine's, too
    for path in ("/proc/sys", "/proc/sysrq-trigger"):
        if os.path.exists(path):
            read_only(path)
    sandbox.mount("sysfs", "/sys", "sysfs", quiet | sandbox.MS_RDONLY)
    if hierarchies:
        cover("/sys/fs/cgroup", "0755")
        for name, options in hierarchies.items():
            os.mkdir(f"/sys/fs/cgroup/{name}")
            sandbox.mount("cgroup", f"/sys/fs/cgroup/{name}", "cgroup", quiet, options)
        os.mkdir("/sys/fs/cgroup/unified")
    sandbox.mount("cgroup2", "/sys/fs/cgroup/unified" if hierarchies else "/sys/fs/cgroup", "cgroup2", quiet)
    sandbox.make_devices("/dev")
    os.mknod("/dev/console", 0o020600, os.makedev(1, 3))
    cover("/tmp", "1777")
    for directory in ("/etc/systemd/system", "/usr/lib/systemd/system-generators"):
        cover(directory, "0755")
    if os.path.exists("/etc/fstab"):
        sandbox.mount("/dev/null", "/etc/fstab", None, sandbox.MS_BIND)
    sandbox.mount(None, "/", None, sandbox.MS_REC | sandbox.MS_SHARED)


def make_units():
    for unit in MASKED:
        os.symlink("/dev/null", f"/etc/systemd/system/{unit}")
    host.write(f"/etc/systemd/system/{TARGET}",
               f"[Unit]\nRequires=basic.target {' '.join(WANTED)}\nAfter=basic.target {' '.join(WANTED)}\n")
    write_settings("/run/systemd")


def write_settings(directory):
    """Of journald, systemd and logind: tests log in more often than people."""
    host.write(f"{directory}/journald.conf.d/tests.conf", "[Journal]\nStorage=volatile\nRateLimitBurst=0\n")
    host.write(f"{directory}/system.conf.d/tests.conf", "[Manager]\nDefaultStartLimitIntervalSec=0\n")
    host.write(f"{directory}/logind.conf.d/tests.conf", "[Login]\nUserStopDelaySec=0\n")


def become_systemd(hierarchies):
    make_mounts(hierarchies)
    make_units()
    os.execve(SYSTEMD, [SYSTEMD, f"--unit={TARGET}", "systemd.show_status=0"],
              {"container": "tests", "PATH": sandbox.environment()["PATH"], "LANG": "C.UTF-8"})


# The test's side.

def properties(done):
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def own_groups():
    """Controllers, or "name=systemd", or "" for version 2 → path."""
    lines = (line.split(":", 2) for line in host.read("/proc/self/cgroup").splitlines())
    return {controllers: path for _, controllers, path in lines}


def old_hierarchies():
    """Those of version 1, where they have a controller that limits need: name of the directory → mount options."""
    names = [name for name in own_groups() if name]
    if not set(CONTROLLERS) & {controller for name in names for controller in name.split(",")}:
        return {}
    return {name.removeprefix("name="): f"none,{name}" if "=" in name else name for name in names}


class Hierarchy:
    """Control groups of the machine's, seen here, and a group of ours in them."""

    def __init__(self, kind, options, path):
        self.mounted = tempfile.mkdtemp(prefix="cgroup", dir="/run")
        sandbox.mount(kind, self.mounted, kind, 0, options)
        self.parent = f"{self.mounted}{path}".rstrip("/")
        self.remove_old_groups()
        self.group = f"{self.parent}/{CGROUPS}{uuid.uuid4().hex}"
        os.mkdir(self.group)
        # cgroup v1: without these no process can be moved there
        for name in ("cpuset.cpus", "cpuset.mems"):
            if os.path.exists(f"{self.group}/{name}"):
                host.write(f"{self.group}/{name}", host.read(f"{self.parent}/{name}"))

    def remove_old_groups(self):
        """Those of runs that were killed: empty, and not just made."""
        for group in glob.glob(f"{self.parent}/{CGROUPS}*"):
            # another run's may go meanwhile
            with contextlib.suppress(FileNotFoundError):
                if time.time() - os.stat(group).st_mtime > 600:
                    remove_groups(group)

    def remove(self):
        wait_until(lambda: remove_groups(self.group), "control groups are in use")
        sandbox.umount(self.mounted)
        os.rmdir(self.mounted)


class Machine:
    """limits: with the controllers that hold logins to limits, beside version 2 where they are of version 1."""

    def __init__(self, limits=False):
        old, own = old_hierarchies() if limits else {}, own_groups()
        self.hierarchies = [Hierarchy("cgroup2", None, "/")]
        self.hierarchies += [Hierarchy("cgroup", options, own.get(options.removeprefix("none,"), "/"))
                             for options in old.values()]
        join = "".join(f"echo $$ >{hierarchy.group}/cgroup.procs && " for hierarchy in self.hierarchies)
        # a file: nobody reads a pipe while it runs
        with open(CONSOLE, "wb") as console:
            self.process = subprocess.Popen(
                ["sh", "-c", f'{join}exec "$@"', "sh", "unshare", "--cgroup", "--mount", "--pid", "--fork",
                 "--kill-child", sys.executable, "-m", "support.booted", json.dumps(old)],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=sandbox.environment())
        self.pid = wait_until(self.systemd, "systemd does not start")
        wait_until(lambda: self.run("systemctl", "is-active", TARGET).status == 0,
                   lambda: f"{TARGET} is not reached: {self.run('systemctl', 'list-jobs')}\n{self.journal_text()}",
                   4 * host.TIMEOUT)
        self.daemons = wait_until(self.started, lambda: f"services start: {self.names()}")

    def started(self):
        """The daemons' names, once no program is about to be executed: until then systemd calls it "(cron)"."""
        names = self.names()
        return not any(name.startswith("(") for name in names) and names

    def has_ended(self):
        return self.process.poll() is not None

    def systemd(self):
        assert self.process.poll() is None, host.read(CONSOLE)
        return next((child.pid for child in host.children(self.process.pid) if child.name == "systemd"), None)

    def stop(self):
        if not self.has_ended():
            self.process.kill()
        self.process.wait(host.TIMEOUT)
        for hierarchy in self.hierarchies:
            hierarchy.remove()

    def run(self, *arguments, timeout=host.TIMEOUT):
        """As root on that host."""
        return programs.run(["nsenter", "-t", str(self.pid), "--mount", "--pid", "--cgroup", *arguments], timeout=timeout)

    def path(self, path):
        """A path of that host, as the test can open it."""
        return f"/proc/{self.pid}/root{path}"

    def write(self, path, text):
        host.write(self.path(path), text)

    def unit(self, name):
        return properties(self.run("systemctl", "show", name).check())

    def journal(self, *matches):
        """Entries since the boot."""
        return [json.loads(line) for line in
                self.run("journalctl", "-b", "-q", "-o", "json", *matches).stdout.splitlines()]

    def journal_text(self):
        return self.run("journalctl", "-b", "-q", "-n", "60").stdout

    def wait_for_line(self, pattern):
        def line():
            return next(iter(self.journal("--grep", pattern)), None)

        return wait_until(line, lambda: f"no line matches {pattern!r} in:\n{self.journal_text()}")

    def sessions(self):
        """logind's, id → properties. One that goes meanwhile has none."""
        listed = self.run("loginctl", "list-sessions", "--no-legend").check().stdout.splitlines()
        asked = {line.split()[0]: self.run("loginctl", "show-session", line.split()[0]) for line in listed}
        return {name: properties(done) for name, done in asked.items() if done.status == 0}

    def processes(self):
        return {process.pid: process for process in host.descendants(self.pid)}

    def names(self):
        return collections.Counter(process.name for process in self.processes().values())

    def records(self):
        return glob.glob(self.path(f"{host.RECORDS}/*"))

    def leftovers(self):
        """What a test left there, in words."""
        found = [f"process {name}" for name in (self.names() - self.daemons).elements()]
        return found + [f"record {path}" for path in self.records() if host.record_is_alive(path)]

    def clean(self):
        """
        Later logins remove the records of sessions that were killed, some at a time. And logind 252 forgets to stop the
        slice and the runtime directory of a user whose manager did not start, until they log in again.
        """
        for path in self.records():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        users = [user.uid for user in host.USERS.values() if user.uid]
        self.run("systemctl", "stop", *(f"user-runtime-dir@{uid}.service" for uid in users),
                 *(f"user-{uid}.slice" for uid in users))


def whole_machine():
    """Whether systemd has booted the machine that the test itself runs on, as tests/system/run-qemu has it do."""
    return bool(os.environ.get("NSISOLATE_WHOLE_MACHINE"))


class WholeMachine(Machine):
    """That machine. The hierarchies, the files and their settings are its own."""

    def __init__(self):
        self.pid = 1
        self.daemons = self.names()

    def has_ended(self):
        return False

    def stop(self):
        pass

    def run(self, *arguments, timeout=host.TIMEOUT):
        return programs.run(list(arguments), timeout=timeout)

    def processes(self):
        """Without the test's own."""
        own = {os.getpid()} | {process.pid for process in host.descendants(os.getpid())}
        return {pid: process for pid, process in super().processes().items() if pid not in own}


def remove_groups(group):
    """True once it is gone, with those below it."""
    for path, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(path)
    return not os.path.exists(group)


@contextlib.contextmanager
def machine():
    booted = Machine()
    try:
        yield booted
    finally:
        booted.stop()


if __name__ == "__main__":
    become_systemd(json.loads(sys.argv[1]))

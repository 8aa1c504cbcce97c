# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What the sandbox holds: users, keys, PAM stacks, policies and the system log,
and what must be true of it when nothing is logged in.
"""

import contextlib
import ctypes
import dataclasses
import fcntl
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import textwrap
import threading
import time

from support import sandbox

POLICIES = "/etc/security/nsisolate"
RECORDS = "/run/nsisolate/sessions"
MODULE = "pam_nsisolate.so"
MODULE_DIRECTORY = "/usr/lib/x86_64-linux-gnu/security"
HELPER_DIRECTORY = "/usr/libexec/nsisolate"
PRISTINE = "/.pristine"
PROBE = "/usr/local/lib/nsisolate-tests/probe"
REACH = "/usr/local/lib/nsisolate-tests/reach"
KEY = "/root/.ssh/id_ed25519"
MAILBOX = "/var/spool/test-mail"
KINDS = ("mnt", "net", "ipc", "uts", "pid", "user", "cgroup", "time")
# how many times longer than on a machine of today anything may take: tests/system/run-qemu emulates one
SLOWER = int(os.environ.get("NSISOLATE_SLOWER", "1"))
TIMEOUT = 30 * SLOWER


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    uid: int
    groups: tuple = ()
    shell: str = "/bin/bash"

    @property
    def home(self):
        return "/root" if self.uid == 0 else f"/home/{self.name}"

    @property
    def password(self):
        return f"{self.name}-secret"


ROOT = User("root", 0)
USERS = {user.name: user for user in (
    ROOT,
    User("alice", 3001),
    User("bob", 3002),
    User("carol", 3003, ("students",)),
    User("sysdaemon", 150, shell="/bin/sh"),
)}
GROUPS = {"students": 4000, "staff2": 4001}


def wait_until(condition, what, timeout=TIMEOUT):
    """The condition's first true value. Polls, since most of what is waited for here cannot be subscribed to."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(0.01 * SLOWER)


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def read_of_pid(pid, name):
    """Of a process that may end meanwhile: then nothing."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return read(f"/proc/{pid}/{name}")
    return ""


def read_of(process, name):
    return read_of_pid(process.pid, name)


def write(path, text, mode=0o644, owner=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    if owner:
        os.chown(path, owner.uid, owner.uid)


def accepts(path):
    """Whether somebody listens on a socket in the file system: it is there a moment before."""
    rows = [line.split() for line in read("/proc/net/unix").splitlines()[1:]]
    return any(int(row[3], 16) & 0x10000 and row[7:] == [path] for row in rows)  # __SO_ACCEPTCON


# Populating, by the init of the sandbox, before anything else runs.

def hash_password(password):
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password.encode(), b"$6$rounds=1000$nsisolate$").decode()


def replace_lines(path, dropped, added):
    kept = [line for line in read(path).splitlines() if not dropped(line.split(":"))]
    found = os.stat(path)
    write(path, "\n".join(kept + added) + "\n", found.st_mode & 0o777)
    os.chown(path, found.st_uid, found.st_gid)


def make_users():
    """The machine's system users stay; its people make room for ours."""
    users = [user for user in USERS.values() if user.uid != 0]
    names = set(USERS) | set(GROUPS)

    def person(fields):
        return len(fields) > 2 and fields[2].isdigit() and 1000 <= int(fields[2]) < 65000

    people = {line.split(":")[0] for line in read("/etc/passwd").splitlines() if person(line.split(":"))}
    replace_lines("/etc/passwd", lambda fields: fields[0] in names - {"root"} or person(fields),
                  [f"{user.name}:x:{user.uid}:{user.uid}:{user.name}:{user.home}:{user.shell}" for user in users])
    replace_lines("/etc/shadow", lambda fields: fields[0] in names | people,
                  [f"{user.name}:{hash_password(user.password)}:19000:0:99999:7:::" for user in USERS.values()])
    replace_lines("/etc/group", lambda fields: fields[0] in names - {"root"} or person(fields),
                  [f"{user.name}:x:{user.uid}:" for user in users]
                  + [f"{group}:x:{gid}:{','.join(user.name for user in users if group in user.groups)}"
                     for group, gid in GROUPS.items()])
    for path in ("/etc/gshadow", "/etc/subuid", "/etc/subgid"):
        if os.path.exists(path):
            write(path, "", 0o640)
    for user in users:
        os.mkdir(user.home, 0o755)
        os.chown(user.home, user.uid, user.uid)
    # Debian's mesg(1) in root's profile complains without a terminal; bash's own start files stay out of the way
    for user in USERS.values():
        write(f"{user.home}/.hushlogin", "", owner=user)


def make_keys():
    os.makedirs("/root/.ssh", mode=0o700, exist_ok=True)
    for path in glob.glob("/etc/ssh/ssh_host_*"):
        os.unlink(path)
    for path in ("/etc/ssh/ssh_host_ed25519_key", KEY):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    public = read(f"{KEY}.pub")
    for user in USERS.values():
        directory = f"{user.home}/.ssh"
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.chown(directory, user.uid, user.uid)
        write(f"{directory}/authorized_keys", public, 0o600, user)
    write("/root/.ssh/known_hosts", f"127.0.0.1,testhost {read('/etc/ssh/ssh_host_ed25519_key.pub')}")


SSHD_CONFIG = """
    Port 22
    ListenAddress 127.0.0.1
    HostKey /etc/ssh/ssh_host_ed25519_key
    PidFile /run/sshd.pid
    UsePAM yes
    PermitRootLogin yes
    KbdInteractiveAuthentication no
    UseDNS no
    X11Forwarding yes
    PrintMotd no
    MaxStartups 200
    AcceptEnv LANG LC_*
    LogLevel VERBOSE
    Subsystem sftp /usr/lib/openssh/sftp-server
"""

# keeps each mail, headers and all, in a file that appears whole
SENDMAIL = f"""\
#!/bin/sh
file=$(mktemp {MAILBOX}/.XXXXXXXX) || exit 75
cat >"$file" && chmod 644 "$file" && mv "$file" "{MAILBOX}/${{file#{MAILBOX}/.}}"
"""


def stage_programs(stage):
    """Programs of the tests themselves: laid over the machine's together with the install."""
    for program in (PROBE, REACH):
        name = os.path.basename(program) + ".py"
        write(stage + program, read(os.path.join(os.path.dirname(__file__), name)), 0o755)
    write(stage + "/usr/sbin/sendmail", SENDMAIL, 0o755)


def make_mailbox():
    os.mkdir(MAILBOX)
    os.chmod(MAILBOX, 0o1777)


def make_system_files():
    write("/etc/hostname", sandbox.HOSTNAME + "\n")
    write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {sandbox.HOSTNAME}\n::1 localhost ip6-localhost\n")
    write("/etc/nsswitch.conf", "".join(f"{name}: files\n" for name in ("passwd", "group", "shadow", "hosts")))
    write("/etc/resolv.conf", "")
    write("/etc/default/locale", "LANG=C.UTF-8\n")
    write("/etc/environment", "")
    write("/etc/sudoers.d/tests", "alice ALL=(root,bob,carol) NOPASSWD: ALL\n", 0o440)
    for name in os.listdir("/etc/ssh/sshd_config.d") if os.path.isdir("/etc/ssh/sshd_config.d") else ():
        os.unlink(f"/etc/ssh/sshd_config.d/{name}")
    write("/etc/ssh/sshd_config", textwrap.dedent(SSHD_CONFIG))
    for directory in ("/etc/cron.d", "/etc/cron.hourly", "/var/spool/cron/crontabs"):
        for entry in os.scandir(directory) if os.path.isdir(directory) else ():
            os.unlink(entry.path)
    write("/etc/crontab", "")
    for name in ("user", "sshd", "sudo", "lock"):
        os.mkdir(f"/run/{name}", 0o755)
    for path in ("/run/utmp", "/var/log/wtmp", "/var/log/lastlog", "/var/log/btmp"):
        write(path, "", 0o664)
    write("/run/motd.dynamic", "")
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/etc/nologin")


def keep_pristine():
    os.mkdir(PRISTINE, 0o700)
    for path in RESTORED:
        if os.path.isdir(path):
            shutil.copytree(path, PRISTINE + path, symlinks=True)
        elif os.path.exists(path):
            os.makedirs(os.path.dirname(PRISTINE + path), exist_ok=True)
            shutil.copy2(path, PRISTINE + path)


def populate():
    make_users()
    make_keys()
    make_system_files()
    make_mailbox()
    keep_pristine()


# Between tests.

RESTORED = ("/etc/pam.d", POLICIES, "/etc/group", "/etc/passwd", "/etc/nsswitch.conf", "/etc/ssh/sshd_config")


def empty(directory):
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def restore():
    """Configuration as it was at the start, and nothing of the test before."""
    for path in RESTORED:
        if os.path.isdir(PRISTINE + path):
            os.makedirs(path, exist_ok=True)
            empty(path)
            shutil.copytree(PRISTINE + path, path, symlinks=True, dirs_exist_ok=True)
        elif os.path.exists(PRISTINE + path):
            shutil.copy2(PRISTINE + path, path)
        elif os.path.isdir(path):
            shutil.rmtree(path)
    restore_jobs()


def restore_jobs():
    for directory in ("/var/spool/cron/crontabs", MAILBOX):
        empty(directory)
    for name in ("/run/crond.reboot", "/run/crond.pid"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def module_installed():
    return os.path.exists(f"{MODULE_DIRECTORY}/{MODULE}")


def helpers():
    return glob.glob(f"{HELPER_DIRECTORY}/*/nsisolate-session")


@contextlib.contextmanager
def renamed_away(*paths):
    for path in paths:
        os.rename(path, path + ".away")
    try:
        yield
    finally:
        for path in paths:
            os.rename(path + ".away", path)


# PAM stacks and policies.

STACKS = {"sshd": ("sshd",), "login": ("login",), "su": ("su", "su-l"), "sudo": ("sudo", "sudo-i"), "cron": ("cron",)}


def add_module(services, arguments=""):
    """Our two lines where the manual wants them: close before, open after every other session line."""
    for service in services:
        path = f"/etc/pam.d/{service}"
        lines = read(path).splitlines() if os.path.exists(path) else []
        first = next((number for number, line in enumerate(lines)
                      if line.split()[:1] in (["session"], ["-session"]) or "common-session" in line), len(lines))
        lines.insert(first, f"session required {MODULE} close {arguments}".rstrip())
        lines.append(f"session required {MODULE} open {arguments}".rstrip())
        write(path, "\n".join(lines) + "\n")


def append_session_line(service, line):
    path = f"/etc/pam.d/{service}"
    write(path, read(path) + f"session {line}\n")


def set_policy(name, text="", mode=0o644):
    """A policy file by its name below the policy directory, for example user/alice.conf."""
    path = f"{POLICIES}/{name}"
    for directory in (POLICIES, os.path.dirname(path)):
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)
    write(path, text, mode)
    os.utime(path, (1, 1))  # a fresh file is waited for
    return path


# The system log.

MARK = b"no line of anybody's"
LINE = re.compile(r"<(?P<priority>\d+)>(?:\w{3} [ \d]\d \d\d:\d\d:\d\d )?(?P<text>.*)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class LogLine:
    facility: int
    severity: int
    text: str  # "sshd[123]: pam_unix(sshd:session): session opened for user alice(uid=3001) by (uid=0)"


class Log:
    """/dev/log, as syslogd would read it."""

    AUTH, AUTHPRIV = 4, 10

    def __init__(self):
        self.lines = []
        self.changed = threading.Condition()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        self.marks, self.marker = 0, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.marker.connect("/dev/log")
        threading.Thread(target=self.receive, daemon=True).start()

    def receive(self):
        while True:
            datagram = self.socket.recv(65536)
            match = LINE.fullmatch(datagram.decode(errors="backslashreplace").rstrip("\n\0"))
            if datagram == MARK:
                with self.changed:
                    self.marks += 1
                    self.changed.notify_all()
            elif match:
                priority = int(match["priority"])
                with self.changed:
                    self.lines.append(LogLine(priority >> 3, priority & 7, match["text"]))
                    self.changed.notify_all()

    def take_in(self):
        """All that was sent before; one socket's datagrams come in their order."""
        with self.changed:
            wanted = self.marks + 1
        self.marker.send(MARK)
        with self.changed:
            assert self.changed.wait_for(lambda: self.marks >= wanted, TIMEOUT), "the system log is not read"

    def clear(self):
        self.take_in()
        with self.changed:
            self.lines.clear()

    def matching(self, pattern):
        self.take_in()
        with self.changed:
            return [line for line in self.lines if re.search(pattern, line.text)]

    def wait_for(self, pattern, count=1, timeout=TIMEOUT):
        """The first line that matches, once there are so many."""
        with self.changed:
            found = self.changed.wait_for(lambda: len(self.matching_locked(pattern)) >= count, timeout)
            if not found:
                raise AssertionError(f"no log line matches {pattern!r} in:\n{self.text_locked()}")
            return self.matching_locked(pattern)[0]

    def matching_locked(self, pattern):
        return [line for line in self.lines if re.search(pattern, line.text)]

    def text_locked(self):
        return "\n".join(line.text for line in self.lines) or "(no line at all)"

    def text(self):
        self.take_in()
        with self.changed:
            return self.text_locked()


# What is alive.

def namespaces(pid="self"):
    """The namespaces of a process, by kind; empty when it has gone."""
    found = {}
    for kind in KINDS:
        with contextlib.suppress(OSError):
            found[kind] = os.readlink(f"/proc/{pid}/ns/{kind}")
    return found


@dataclasses.dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    name: str
    state: str
    uid: int
    namespaces: tuple

    def isolated_from(self, host):
        return [kind for kind, link in self.namespaces if host.get(kind) != link]


def processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = dict(line.split(":", 1) for line in read(f"/proc/{entry}/status").splitlines() if ":" in line)
            except OSError:
                continue
            yield Process(int(entry), int(fields["PPid"]), fields["Name"].strip(), fields["State"].split()[0],
                          int(fields["Uid"].split()[0]), tuple(namespaces(entry).items()))


def children(pid):
    return [process for process in processes() if process.parent == pid]


def descendants(pid):
    everything = list(processes())
    found, level = [], {pid}
    while level:
        below = [process for process in everything if process.parent in level]
        found += below
        level = {process.pid for process in below}
    return found


def isolated(everything, host):
    return [process for process in everything if process.state not in "ZX" and process.isolated_from(host)]


def isolated_processes():
    """Processes of the host that are not in its namespaces: those of sessions."""
    return isolated(processes(), namespaces())


def session_inits():
    """The first processes of sessions' PID namespaces, as the host's PIDs."""
    found = []
    for process in isolated_processes():
        with contextlib.suppress(OSError, IndexError):
            numbers = re.search(r"^NSpid:(.*)$", read(f"/proc/{process.pid}/status"), re.MULTILINE)[1].split()
            if len(numbers) > 1 and numbers[-1] == "1":
                found.append(process.pid)
    return found


def comm_of(pid):
    """The name of a process; "" where there is none."""
    return read_of_pid(pid, "comm").rstrip("\n")


def state_of(pid):
    """As proc_pid_stat(5) has it; "" where there is no such process any more."""
    stat = read_of_pid(pid, "stat")
    return stat.rsplit(")", 1)[1].split()[0] if stat else ""


def asleep(user, name="sleep"):
    """Processes of a user that run that program, and not just what will execute it. Once there is one."""
    uid = USERS[user].uid
    return wait_until(lambda: [process for process in processes() if process.uid == uid and process.name == name
                               and process.state not in "ZX"], f"{user} has no {name}")


def kill_all(found):
    """With SIGKILL; some may have ended, as by the end of another."""
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def session_init():
    """Of the only session. One that is about to end goes first: sshd closes it behind the back of its client."""
    found = []

    def only():
        found[:] = session_inits()
        return len(found) == 1

    wait_until(only, lambda: f"not one session, but those of {found}")
    return found[0]


def descriptors(pid):
    """Where those of a process lead that it has now."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def records():
    """The sessions' records, id → {key: value}."""
    found = {}
    for path in glob.glob(f"{RECORDS}/*"):
        with contextlib.suppress(FileNotFoundError):
            found[os.path.basename(path)] = dict(line.split("=", 1) for line in read(path).splitlines() if "=" in line)
    return found


def record_is_alive(path):
    """The session's init holds a POSIX lock on its record. One that is gone by now is not alive."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        request = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, request))[0] != fcntl.F_UNLCK
    return False


def login_is_alive(path):
    """The init holds a lock on the second byte as long as the login lives that the record is of."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        request = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1, 1, 0)
        return struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, request))[0] != fcntl.F_UNLCK
    return False


def live_records():
    return {name: record for name, record in records().items() if record_is_alive(f"{RECORDS}/{name}")}


def mount_table():
    """Without the numbers, which are the kernel's to choose."""
    return sorted(" ".join(line.split()[2:]) for line in read("/proc/self/mountinfo").splitlines())


@dataclasses.dataclass(frozen=True)
class State:
    mounts: list
    hostname: str
    interfaces: list
    processes: frozenset
    namespaces: dict

    @classmethod
    def now(cls, everything=None):
        return cls(mount_table(), socket.gethostname(), sorted(os.listdir("/sys/class/net")),
                   frozenset((process.pid, process.name) for process in everything or processes()), namespaces())


def leftovers(before):
    """What a test left behind, in words."""
    everything = list(processes())
    now = State.now(everything)
    found = []
    if now.mounts != before.mounts:
        found.append(f"mounts gone {set(before.mounts) - set(now.mounts)}, new {set(now.mounts) - set(before.mounts)}")
    for name in ("hostname", "interfaces", "namespaces"):
        if getattr(now, name) != getattr(before, name):
            found.append(f"{name}: before {getattr(before, name)}, after {getattr(now, name)}")
    found += [f"process {pid} ({name})" for pid, name in sorted(now.processes - before.processes)]
    found += [f"process {process.pid} ({process.name}) in its own {process.isolated_from(now.namespaces)}"
              for process in isolated(everything, now.namespaces)]
    found += [f"record {name}" for name in records()]
    return found


def assert_nothing_left(before, timeout=TIMEOUT):
    """Ends are asynchronous (init, network namespace), so it waits; what is left then is a failure."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not leftovers(before), "", timeout)
    found = leftovers(before)
    assert not found, "left behind: " + "; ".join(found)


def kill_leftovers(before):
    """So that one failed test does not fail those after it."""
    known = {pid for pid, _ in before.processes}
    left = [process for process in processes() if process.pid not in known and process.state not in "ZX"]
    kill_all(left)
    if left:
        pids = {process.pid for process in left}
        # what is asleep in the kernel may take its time
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not [process for process in processes() if process.pid in pids], "")
    for path in glob.glob(f"{RECORDS}/*"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
within: every attack of test_policies.py, from a login of the user who wants out. Its input begins with a line of JSON
about what is around; prints one line of JSON, attack → true if it succeeded, else why not, and goes on until its input
ends. Each attack has a process of its own.
"""

import ctypes
import importlib.machinery
import json
import os
import signal
import socket
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
HOSTILE = "/usr/local/lib/nsisolate-tests/hostile"
SECRET = "of-the-host"
TIMEOUT = 20  # seconds for one attack
SEIZE, DETACH = 0x4206, 17
SYS_PIDFD_GETFD, SYS_OPEN_BY_HANDLE_AT = 438, 304
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
AMBIENT = ["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups", "--inh-caps=+dac_read_search",
           "--ambient-caps=+dac_read_search"]


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def read(path):
    with open(path, "rb") as file:
        return file.read(65536).decode(errors="replace")


def shell(command):
    return subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=TIMEOUT).stdout


def sudo(command):
    return shell(f"exec sudo -n sh -c '{command}'")


# Files

def names(directory):
    return SECRET in os.listdir(directory)


def plant(directory):
    os.symlink("/etc/passwd", f"{directory}/planted")


def look_under(directory):
    """By every way that hostile.py knows, as root of a user namespace."""
    hostile = importlib.machinery.SourceFileLoader("hostile", HOSTILE).load_module()
    work = f"{os.environ['HOME']}/work"
    return any(result(lambda w=way: hostile.reveal(w, directory, work)["found"]) is True for way in hostile.REVEALS)


def leave_a_chroot():
    """Into a directory below, and up by a descriptor of one above, as root of a user namespace."""
    uid = os.getuid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    with open("/proc/self/uid_map", "w", encoding="ascii") as file:
        file.write(f"0 {uid} 1")
    above = os.open("/", os.O_RDONLY)
    os.chroot("/home")
    os.fchdir(above)
    for _ in range(20):
        os.chdir("..")
    os.chroot(".")
    return names("/tmp")


def handle(text):
    """A file handle that an accomplice outside has told, name_to_handle_at(2), with whatever mount there is."""
    kind, body = text.split(":")
    body = bytes.fromhex(body)
    raw = len(body).to_bytes(4, sys.byteorder) + int(kind).to_bytes(4, sys.byteorder, signed=True) + body
    for line in read("/proc/self/mountinfo").splitlines():
        try:
            mount = os.open(line.split()[4], os.O_RDONLY | os.O_DIRECTORY)
            file = check(libc.syscall(SYS_OPEN_BY_HANDLE_AT, mount, raw, os.O_RDONLY))
        except OSError:
            continue
        if os.read(file, 100):
            return True
    return False


def handle_with_capability(text):
    return "yes" in shell(f"exec sudo -n {' '.join(AMBIENT)} {sys.argv[0]} handle {text}")


# Sockets

def connects(family, address, word=""):
    with socket.socket(family) as peer:
        peer.settimeout(5)
        peer.connect(address)
        return peer.recv(100).decode().startswith(word)


def unix(address):
    return connects(socket.AF_UNIX, address)


def tcp(address, port, word=""):
    return connects(socket.AF_INET, (address, port), word)


# Processes: by their command line wherever /proc shows it, else by the number that they have outside

def find(label):
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = read(f"/proc/{name}/cmdline").split("\0")
            except OSError:
                continue
            if "again" in words and label in words:
                return int(name)
    raise ProcessLookupError(f"no process is {label}")


def child(label):
    pid = find(label)
    return int(read(f"/proc/{pid}/task/{pid}/children").split()[0])


def attach(label):
    pid = find(label)
    check(libc.ptrace(SEIZE, pid, None, None))
    return libc.ptrace(DETACH, pid, None, None) or True


def take_descriptor(label):
    taken = check(libc.syscall(SYS_PIDFD_GETFD, os.pidfd_open(find(label)), 77, 0))
    return os.pread(taken, 100, 0).decode() == f"{label}-secret"


def enter(label):
    """Of a user namespace of this very user's, who is root there."""
    check(libc.setns(os.pidfd_open(child(label)), CLONE_NEWUSER | CLONE_NEWNS))
    return read(f"/tmp/{label}/{label}") == f"{label}-secret"


def is_secret(label, path):
    return read(f"/proc/{find(label)}/{path}") == f"{label}-secret"


# IPC

def shared_memory(label):
    address = libc.shmat(check(libc.shmget(0x5EC00000 + (label == "other"), 0, 0)), None, 0)
    return ctypes.string_at(address).decode() == f"{label}-secret"


def queue(label):
    check(libc.mq_open(f"/{label}".encode(), os.O_RDWR | os.O_NONBLOCK))


def keyring(serial):
    check(libc.syscall(250, 11, int(serial), ctypes.create_string_buffer(100), 100))  # KEYCTL_READ


def type_into(terminal):
    os.write(os.open(terminal, os.O_RDWR | os.O_NOCTTY), b"typed")


def handles_of_the_host(namespace):
    """Among what any visible process is in or has open."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for directory in ("ns", "fd"):
            try:
                links = [os.readlink(f"/proc/{pid}/{directory}/{name}") for name in os.listdir(f"/proc/{pid}/{directory}")]
            except OSError:
                continue
            if namespace in links:
                return True
    return False


def attacks(around):
    host, other = around["host"], around["other"]
    yield from {
        "tmp": lambda: names("/tmp"), "var-tmp": lambda: names("/var/tmp"), "dev-shm": lambda: names("/dev/shm"),
        "plant": lambda: plant("/tmp") or True, "under": lambda: look_under("/var/tmp"), "chroot": leave_a_chroot,
        "handle": lambda: handle_with_capability(around["handle"]),
        "home": lambda: bool(read("/home/bob/file")), "nested": lambda: SECRET in shell("exec su bob -c 'ls /tmp'"),
        "bus": lambda: unix("/run/user/3001/bus"), "manager-socket": lambda: unix("/run/user/3001/systemd/private"),
        "engine": lambda: unix("/run/podman/podman.sock"),
        "loopback": lambda: tcp("127.0.0.1", 8080, "host"), "own-address": lambda: tcp("203.0.113.5", 8080, "host"),
        "campus": lambda: tcp("10.1.0.10", 443, "campus"), "internet": lambda: tcp("198.51.100.10", 443, "internet"),
        "internet-8080": lambda: tcp("198.51.100.10", 8080, "internet"),
        "handles": lambda: handles_of_the_host(around["namespace"]), "keyring": lambda: keyring(around["key"]) or True,
        "signal": lambda: os.kill(host["pid"], signal.SIGCONT) or True,
        "crontab": lambda: bool(shell("crontab ~/jobs && echo in")),
        "at": lambda: bool(shell("at -f ~/at.job now && echo in")),
        "daemon": lambda: bool(shell("setsid sh -c 'exec sleep 4321' >/dev/null 2>&1 & echo yes")),
        "root-mount": lambda: bool(sudo("mount -t tmpfs planted /srv && echo yes")),
        "root-umount": lambda: SECRET in sudo("umount -l /var/tmp 2>/dev/null; ls /var/tmp"),
        "root-hostname": lambda: bool(sudo("hostname planted && echo yes")),
        "root-kill": lambda: bool(sudo(f"kill -CONT {host['pid']} && echo yes")),
        "root-sysctl": lambda: bool(sudo("echo 63 >/proc/sys/net/ipv4/ip_default_ttl && echo yes")),
        "root-core-pattern": lambda: bool(sudo(": >>/proc/sys/kernel/core_pattern && echo yes")),
    }.items()
    for label, there in (("host", host), ("other", other)):
        for name, attack in {
            "see": lambda l: bool(find(l)), "root": lambda l: is_secret(l, f"root/tmp/{l}/{l}"),
            "cwd": lambda l: is_secret(l, f"cwd/{l}"), "fd": lambda l: is_secret(l, "fd/77"),
            "environ": lambda l: f"VICTIM={l}-secret" in read(f"/proc/{find(l)}/environ"), "trace": attach,
            "getfd": take_descriptor, "enter": enter, "shm": shared_memory, "mqueue": queue,
            "shm-file": lambda l: read(f"/dev/shm/{l}") == f"{l}-secret",
            "tmp-file": lambda l: read(f"/tmp/{l}/{l}") == f"{l}-secret",
            "abstract": lambda l: unix(f"\0{l}"), "home-socket": lambda l: unix(f"{os.environ['HOME']}/{l}.socket"),
            "terminal": lambda _, t=there: type_into(t["terminal"]) or True,
            "port": lambda l, t=there: tcp("127.0.0.1", t["port"], f"{l}-secret"),
        }.items():
            yield f"{label}-{name}", lambda a=attack, l=label: a(l)


def result(attack):
    """In a child, which is given up after a while."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        signal.alarm(TIMEOUT)
        try:
            found = attack()
            said = True if found or found is None else "nothing"
        except (OSError, subprocess.SubprocessError, IndexError) as error:
            said = str(error)
        os.write(writer, json.dumps(said).encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else f"not within {TIMEOUT} s"


if __name__ == "__main__":
    if sys.argv[1:2] == ["handle"]:
        print("yes" if handle(sys.argv[2]) else "no")
        sys.exit()
    surroundings = json.loads(sys.stdin.readline())
    print(json.dumps({name: result(attack) for name, attack in attacks(surroundings)}), flush=True)
    sys.stdin.read()

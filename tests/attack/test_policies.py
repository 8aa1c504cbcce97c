# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Every attack of claims.py from one login under each example policy, which holds where a key of the policy claims so and
nowhere else, and from one without the module, where each succeeds. The table of SECURITY.md is what came out.
"""

import contextlib
import ctypes
import glob
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import threading
import uuid

import pytest

from attack.claims import ATTACKS, table
from attack.conftest import SECRET, TOOLS
from support import host as H
from support import network as N
from support import networks
from support import programs as P
from support import sandbox

DIRECTORY = "/usr/share/doc/nsisolate/examples"
EXAMPLES = sorted(os.path.basename(path).removesuffix(".conf") for path in glob.glob(f"{DIRECTORY}/*.conf"))
DEFAULTS = "(defaults)"
POLICIES = (DEFAULTS, *EXAMPLES)
MARKS = ("<!-- begin: what tests/attack/test_policies.py found -->\n", "<!-- end -->\n")
pytestmark = pytest.mark.usefixtures("at_daemon", "installed")
AS_ALICE = ["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups"]
SYSCALL = "__import__('ctypes').CDLL(None).syscall"
# KEYCTL_SETPERM: for the possessor and the user
ADD_KEY = f"import sys; key = {SYSCALL}(248, b'user', sys.argv[1].encode(), b'secret', 6, -4); {SYSCALL}(250, 5, key, 0x3f3f0000); print(key)"
AT, AT_SPOOL = ("/usr/bin/at", "/usr/sbin/atd"), "/var/spool/cron"
AT_STACK = "@include common-auth\n@include common-account\nsession required pam_loginuid.so\n@include common-session-noninteractive\n"
FIRST_PID = 20000  # of the victim: no process within a session has such a number
libc = ctypes.CDLL(None, use_errno=True)


# What is around

@contextlib.contextmanager
def files():
    H.write("/etc/resolv.conf", f"nameserver {N.CAMPUS['4']}\n")  # which egress "dns" needs
    paths = [f"{directory}/{SECRET}" for directory in ("/tmp", "/var/tmp", "/dev/shm")]
    for path in paths:
        H.write(path, "secret\n")
    H.write("/home/bob/file", "secret\n")
    H.write("/home/alice/jobs", f"@reboot cat /tmp/{SECRET} >$HOME/job.out 2>&1; echo end >>$HOME/job.out\n", owner=H.USERS["alice"])
    H.write("/home/alice/at.job", f"cat /tmp/{SECRET} >/home/alice/job.out 2>&1; echo end >>/home/alice/job.out\n", owner=H.USERS["alice"])
    H.write("/home/alice/.forward", f"|cat /tmp/{SECRET} >~/forward.out 2>&1\n", owner=H.USERS["alice"])
    try:
        yield
    finally:
        H.write("/etc/resolv.conf", "")
        for path in paths:
            os.unlink(path)


@contextlib.contextmanager
def services():
    """Sockets that somebody listens on, who says a word."""
    with contextlib.ExitStack() as stack:
        for path in ("/run/user/3001/bus", "/run/user/3001/systemd/private", "/run/podman/podman.sock"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(path)
            server.listen()
            os.chmod(path, 0o666)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=speak, args=(server,), daemon=True).start()
        stack.callback(H.empty, "/run/user")
        stack.callback(shutil.rmtree, "/run/podman")
        yield


def speak(server):
    with contextlib.suppress(OSError):
        while True:
            peer, _ = server.accept()
            with peer, contextlib.suppress(OSError):
                peer.sendall(b"hello")


@contextlib.contextmanager
def key():
    """In alice's user keyring, add_key(2), which all with her user id may read."""
    # keyrings know of no namespace but the user's: there are other sandboxes with a user of this number
    serial = P.run([*AS_ALICE, "/usr/bin/python3", "-c", ADD_KEY, str(uuid.uuid4())]).check().stdout.strip()
    yield serial
    P.run([*AS_ALICE, "/usr/bin/python3", "-c", f"{SYSCALL}(250, 21, {serial})"]).check()  # KEYCTL_INVALIDATE


@pytest.fixture(scope="module")
def at_daemon():
    """at(1) and its daemon, which install-packages unpacked and whose package makes these."""
    daemon = pwd.getpwnam("daemon")
    for path in (*AT, f"{AT_SPOOL}/atjobs/.SEQ"):
        H.write(path, "")
    for path in AT:
        shutil.copyfile(f"{TOOLS}/{os.path.basename(path)}", path)
    os.makedirs(f"{AT_SPOOL}/atspool")
    for path, mode in ((AT[0], 0o6755), (f"{AT_SPOOL}/atjobs", 0o1770), (f"{AT_SPOOL}/atspool", 0o1770), (f"{AT_SPOOL}/atjobs/.SEQ", 0o600)):
        os.chown(path, daemon.pw_uid, daemon.pw_gid)
        os.chmod(path, mode)
    os.chmod(AT[1], 0o755)
    H.write("/etc/at.deny", "")


@contextlib.contextmanager
def atd():
    H.write("/etc/pam.d/atd", AT_STACK)
    if with_module():
        H.add_module(["atd"])
    daemon = subprocess.Popen([AT[1], "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=P.ENVIRONMENT, cwd="/", start_new_session=True)
    try:
        yield
    finally:
        # it would sleep over a SIGTERM that comes just before it sleeps; the job's own process ends by itself
        daemon.kill()
        daemon.wait(H.TIMEOUT)


def with_module():
    return "pam_nsisolate" in H.read("/etc/pam.d/sshd")


def handle_of(path):
    """name_to_handle_at(2), as text."""
    raw, mount = ctypes.create_string_buffer(136), ctypes.c_int()
    ctypes.memmove(raw, (128).to_bytes(4, sys.byteorder), 4)
    assert libc.name_to_handle_at(-100, path.encode(), raw, ctypes.byref(mount), 0) == 0, ctypes.get_errno()
    size, kind = (int.from_bytes(raw.raw[start:start + 4], sys.byteorder, signed=True) for start in (0, 4))
    return f"{kind}:{raw.raw[8:8 + size].hex()}"


@contextlib.contextmanager
def victim(arguments):
    with P.Background([*arguments, f"{TOOLS}/victim", "host"], env=P.ENVIRONMENT | {"HOME": "/home/alice"}) as process:
        port, terminal = process.read_line().split()
        yield {"port": int(port), "terminal": terminal, "pid": process.pid}


def set_sysctl(name, value):
    """Of the sandbox's own namespaces."""
    with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


# What an attack leaves on the host

def job(run):
    """What the job read of the host's /tmp."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/home/alice/job.out")
    with run():
        H.wait_until(lambda: os.path.exists("/home/alice/job.out") and H.read("/home/alice/job.out").endswith("end\n"), "the job")
    return H.read("/home/alice/job.out").startswith("secret")


def by_forward():
    """As a delivery agent does: with the user's ids, and no session."""
    command = H.read("/home/alice/.forward").strip().removeprefix("|")
    P.run(["env", "HOME=/home/alice", *AS_ALICE, "sh", "-c", command])
    return H.read("/home/alice/forward.out") == "secret\n"


def take_back():
    """What reached the host while the login was there; none of it stays."""
    reached = {"plant": os.path.islink("/tmp/planted"), "root-mount": any(" /srv " in line for line in H.mount_table()),
               "root-hostname": socket.gethostname() == "planted",
               "root-sysctl": H.read("/proc/sys/net/ipv4/ip_default_ttl") == "63\n"}
    if reached["plant"]:
        os.unlink("/tmp/planted")
    if reached["root-mount"]:
        P.run(["umount", "/srv"]).check()
    socket.sethostname(sandbox.HOSTNAME)
    set_sysctl("net/ipv4/ip_default_ttl", 64)
    return reached


def left_behind():
    found = [process for process in H.processes() if process.name == "sleep" and "4321" in H.read_of(process, "cmdline")]
    return [process.pid for process in found if process.state not in "ZX"]


def user_manager():
    """pam_systemd(8) asks systemd for one, which comes by this service."""
    H.write("/etc/pam.d/systemd-user", "session required pam_permit.so\n")
    if with_module():
        H.add_module(["systemd-user"])
    program = f"{os.path.dirname(H.__file__)}/pam_session.py"
    return P.run(["/usr/bin/python3", program, "systemd-user", "alice", "/bin/true"]).status == 0


def after_the_logins(killed):
    """The logins have ended; what of theirs goes on, or comes back? What is claimed to be killed is waited for."""
    got = {}
    got["cron"] = job(P.cron)
    got["at"] = job(atd)
    module = H.read("/etc/pam.d/cron")
    H.write("/etc/pam.d/cron", "".join(line for line in module.splitlines(True) if "pam_nsisolate" not in line))
    got["cron-bare"] = job(P.cron)
    H.write("/etc/pam.d/cron", module)
    got |= {"forward": by_forward(), "user-manager": user_manager()}
    with contextlib.suppress(AssertionError):
        H.wait_until(lambda: not (killed and left_behind()), "their end")
    got["daemon"] = bool(left_behind())
    for pid in left_behind():
        os.kill(pid, 9)
    return got


def everything(killed):
    """One login with all attacks, beside one of the same user's; attack → True, or why not."""
    set_sysctl("kernel/ns_last_pid", FIRST_PID)
    with P.sshd() as server, files(), services(), networks.named("course"), victim(AS_ALICE) as there, key() as serial:
        assert there["pid"] >= FIRST_PID
        with P.ssh_background("alice", f"{TOOLS}/victim other") as other, \
                P.ssh_background("alice", f"{TOOLS}/within") as login:
            port, terminal = other.read_line().split()
            known = {"host": there, "other": {"port": int(port), "terminal": terminal}, "key": serial,
                     "handle": handle_of(f"/tmp/{SECRET}"), "namespace": H.namespaces()["mnt"]}
            login.process.stdin.write(json.dumps(known).encode() + b"\n")
            login.process.stdin.flush()
            line = login.read_line(120)
            assert line, login.process.stderr.read()
            reached = take_back()
        got = json.loads(line)
        assert got.pop("crontab") is got["at"] is got["daemon"] is True, got
        for name, did in reached.items():
            got[name] = did or (got[name] if got[name] is not True else "not on the host")
        H.wait_until(lambda: not server.monitors(), "the logins to end")
        got |= after_the_logins(killed)
    P.sweep_records()
    return got


def policies(*services):
    """The values that decide for alice, by service; None where she is not isolated."""
    found = {}
    for service in services:
        decided = json.loads(P.run(["nsinspect", "policy", "alice", "-J", "--service", service]).stdout)
        isolated = decided["login"]["policy"] == "user/alice.conf"
        found[service] = {value["key"]: value["value"] for value in decided["values"]} if isolated else None
    return found


def without_limits(text):
    """They need a systemd, and are attacked where one is booted: tests/logins/test_systemd_limits.py."""
    return re.sub(r"^limits \{.*?^\}\n", "", text, flags=re.MULTILINE | re.DOTALL)


FOUND = {}  # policy → attack → whether it was stopped


@pytest.mark.parametrize("policy", POLICIES)
def test_an_attack_is_stopped_where_a_key_claims_so_and_nowhere_else(policy, network):
    H.set_policy("user/alice.conf", "" if policy == DEFAULTS else without_limits(H.read(f"{DIRECTORY}/{policy}.conf")))
    decided = policies(*{attack.service for attack in ATTACKS.values()})
    claimed = {name: bool(decided[attack.service] and attack.stops(decided[attack.service]))
               for name, attack in ATTACKS.items()}
    got = everything(claimed["daemon"])
    assert got.keys() == ATTACKS.keys()
    FOUND[policy] = {name: result is not True for name, result in got.items()}
    assert FOUND[policy] == claimed, {name: result for name, result in got.items() if FOUND[policy][name] != claimed[name]}


def test_without_the_module_each_attack_succeeds(network):
    H.restore()
    H.write("/etc/pam.d/su", "auth sufficient pam_permit.so\n" + H.read("/etc/pam.d/su"))
    got = everything(False)
    assert {name: result for name, result in got.items() if result is not True} == {}


def test_the_table_of_security_md_is_what_was_found():
    text = H.read(os.path.join(sandbox.SOURCE, "SECURITY.md"))
    begin, end = (text.index(mark) for mark in MARKS)
    found = table(FOUND, POLICIES)
    assert text[begin + len(MARKS[0]):end].strip() == found.strip(), f"between the marks must be:\n{found}"

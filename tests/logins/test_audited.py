# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect audit: nothing on a host where all is well, and each finding where it is made for real."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import jsonschema
import pytest

from support import host as H
from support import networks as N
from support import programs as P
from support import sandbox

SERVICES = ("sshd", "login", "su", "su-l", "sudo", "sudo-i", "cron")
SCHEMA = os.path.join(sandbox.SOURCE, "packaging", "nsinspect-audit.schema.json")
SYSCTL = "/run/test-sysctl"
STORM = 20 if os.environ.get("CI") else 5  # seconds
STAY = "echo in; cat >/dev/null"
HEALTHY = {"dev/tty/legacy_tiocsti": 0, "kernel/yama/ptrace_scope": 1, "kernel/pid_max": 4194304,
           "fs/mount-max": 100000, "user/max_net_namespaces": 1000}
ISOLATED = ("alice", "bob", "carol")


@pytest.fixture(autouse=True)
def isolated(host, module):
    """Every service that gives users processes has the module, and everybody is isolated."""
    host.add_module(SERVICES)
    host.set_policy("default.conf", "")
    for name, value in HEALTHY.items():
        set_sysctl(name, value)


def set_sysctl(name, value):
    """The kernel's are the machine's: these are the sandbox's."""
    H.write(f"{SYSCTL}/{name}", f"{value}\n")


def audit(*options, hurried=True):
    """Hurried where what is looked for stays: the looks follow each other at once."""
    done = P.run(["nsinspect", "audit", "-J", "--output-all", "--sysctl-dir", SYSCTL, *["--hurried"] * hurried, *options],
                 timeout=60)
    assert done.status in (0, 1), done
    shown = json.loads(done.stdout)
    with open(SCHEMA, encoding="utf-8") as schema:
        jsonschema.validate(shown, json.load(schema))
    worst = {finding["severity"] for finding in shown["findings"]}
    assert done.status == (1 if worst & {"critical", "warning"} else 0), done
    return shown["findings"]


def found(code, *options):
    return [finding for finding in audit(*options) if finding["code"] == code]


def codes(*options):
    return {finding["code"] for finding in audit(*options)}


def assert_healthy(*options):
    """What is worse than info."""
    assert [finding for finding in audit(*options, hurried=False) if finding["severity"] != "info"] == []


@contextlib.contextmanager
def outside(user, *command):
    """A process of a user's on the host, as a program without PAM starts it."""
    uid = H.USERS[user].uid
    setpriv = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--init-groups"]
    with P.Background([*setpriv, *(command or ("sleep", "600"))], reads=False) as process:
        H.wait_until(lambda: not os.readlink(f"/proc/{process.pid}/exe").endswith(("/setpriv", os.path.realpath("/usr/bin/python3"))), "it runs")
        yield process


def session():
    (name, record), = H.live_records().items()
    init = H.session_init()
    return name, record, init


@contextlib.contextmanager
def logged_in(user="alice"):
    with P.Background(["su", user, "-c", STAY]) as login:
        assert login.read_line() == "in"
        yield login


def sweep():
    """Records of logins that were killed, once their sessions have ended."""
    H.wait_until(lambda: not H.isolated_processes(), "sessions to end")
    P.sweep_records()


# nothing

def test_a_host_without_logins_has_no_findings():
    assert_healthy()


def test_logins_of_every_kind_are_no_findings(log):
    H.set_policy("user/bob.conf", 'scope = "user"\n')
    H.set_policy("user/carol.conf", 'scope = "user"\non-logout = "wait"\n')
    H.write("/etc/sudoers.d/bob", "bob ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
    job = P.set_crontab("alice", "@reboot sleep 600\n")
    with contextlib.ExitStack() as stack:
        stack.callback(os.unlink, job)
        stack.callback(os.unlink, "/etc/sudoers.d/bob")
        stack.enter_context(P.sshd())
        for user in ISOLATED:
            for pty in (False, True):
                login = stack.enter_context(P.Background(P.ssh_arguments(user, STAY, pty=pty), reads=not pty))
                assert login.read_line().strip() == "in"
        stack.enter_context(logged_in())
        # nested, twice
        nested = f"sudo -n -u carol sudo -n -u alice sh -c '{STAY}'"
        H.write("/etc/sudoers.d/carol", "carol ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
        stack.callback(os.unlink, "/etc/sudoers.d/carol")
        login = stack.enter_context(P.ssh_background("bob", nested))
        assert login.read_line() == "in"
        sudo = stack.enter_context(P.Background(["sudo", "-n", "-u", "bob", "sh", "-c", STAY]))
        assert sudo.read_line() == "in"
        stack.enter_context(P.cron())
        log.wait_for(r"session opened: .*service=cron")
        P.su("carol", "nohup setsid sleep 600 >/dev/null 2>&1 &").check()
        terminal = stack.enter_context(P.login_terminal("alice"))
        assert terminal.logged_in()
        assert_healthy()
    # cron left its job, which ends with the job's own login process
    H.kill_all(process for process in H.processes() if process.name == "sleep")
    sweep()


def test_a_lingering_session_is_told_and_is_no_fault():
    H.set_policy("user/alice.conf", 'on-logout = "wait"\n')
    P.su("alice", "nohup setsid sleep 600 >/dev/null 2>&1 &").check()
    H.wait_until(lambda: audit() and codes() == {"NSI022"}, "it lingers")
    (_, _, init) = session()
    os.kill(init, signal.SIGKILL)
    H.wait_until(lambda: not H.isolated_processes(), "it ends")
    P.sweep_records()


def newest_pid():
    return int(H.read("/proc/loadavg").split()[-1])


def test_short_processes_and_logins_are_no_findings():
    """Sessions that open and close, and processes by the hundred, while it looks."""
    storm = ["sh", "-c", "while :; do for i in 1 2 3 4 5 6 7 8 9 10; do setpriv --reuid=3001 --regid=3001 "
             "--clear-groups true & done; wait; done"]
    logins = ["sh", "-c", "while :; do su bob -c 'true & true & true'; done"]
    with P.Background(storm, reads=False), P.Background(logins, reads=False):
        first, end = newest_pid(), time.monotonic() + STORM
        while time.monotonic() < end or newest_pid() - first < 100 * STORM:
            assert_healthy()
            assert time.monotonic() < end + 60, "the storm is none"
    sweep()


# (1) processes outside

def test_a_process_outside_is_found():
    with outside("alice") as process:
        finding, = found("NSI001")
        assert (finding["severity"], finding["user"]) == ("critical", "alice")
        assert finding["subject"] == "alice:/usr/bin/sleep"
        assert finding["pid"] == process.pid


def test_it_is_found_beside_a_session_of_the_same_user():
    with logged_in(), outside("alice") as process:
        assert [finding["pid"] for finding in found("NSI001")] == [process.pid]


def test_a_leftover_of_a_shell_without_the_module_is_found():
    H.restore()
    H.set_policy("default.conf", "")
    P.su("alice", "setsid sleep 600 >/dev/null 2>&1 &").check()
    left = H.asleep("alice")
    try:
        finding, = found("NSI001")
        assert finding["subject"] == "alice:/usr/bin/sleep"
    finally:
        H.kill_all(left)


def test_a_cron_job_without_the_module_is_found_by_its_service():
    stack = H.read("/etc/pam.d/cron")
    H.write("/etc/pam.d/cron", "".join(line for line in stack.splitlines(True) if H.MODULE not in line))
    job = P.set_crontab("alice", "@reboot sleep 600\n")
    with P.cron():
        H.asleep("alice")
        jobs = found("NSI001")
        assert jobs and all("came by cron" in finding["seen"] for finding in jobs)
        # only sshd is restricted: then it is none
        H.set_policy("default.conf", 'services = {"sshd"}\n')
        assert found("NSI001") == []
        H.set_policy("default.conf", 'service "cron" { mode = "off" }\n')
        assert found("NSI001") == []
        H.kill_all(process for process in H.processes() if process.uid == 3001)
    os.unlink(job)


UNRESTRICTED = {
    "off": 'mode = "off"\n',
    "audit": 'mode = "audit"\n',
    "one service": 'services = {"sshd"}\n',
    "all but one service": 'service "su" { mode = "off" }\n',
    "some networks": 'from = {"203.0.113.0/24"}\n',
}


@pytest.mark.parametrize("case", UNRESTRICTED)
def test_a_process_that_may_have_come_by_another_way_is_none(case):
    H.set_policy("user/alice.conf", UNRESTRICTED[case])
    if case in ("one service", "some networks"):
        H.set_policy("default.conf", 'mode = "off"\n')
    with outside("alice"):
        assert found("NSI001") == []


def test_a_user_who_is_exempt_is_none():
    for service in SERVICES:
        path = f"/etc/pam.d/{service}"
        H.write(path, H.read(path).replace(f"{H.MODULE} open", f"{H.MODULE} open exempt=alice"))
    with outside("alice"):
        assert found("NSI001") == []


def test_root_and_system_users_are_none():
    H.set_policy("user/root.conf", "")
    H.set_policy("user/sysdaemon.conf", "")
    with outside("sysdaemon"), P.Background(["sleep", "600"], reads=False):
        assert found("NSI001") == []


def test_namespaces_of_ones_own_hide_nothing():
    with outside("alice", "unshare", "--user", "--mount", "--net", "sleep", "600") as process:
        assert process.pid in [finding["pid"] for finding in found("NSI001")]
    with outside("alice", "unshare", "--user", "--pid", "--fork", "sh", "-c", "echo in; exec sleep 600") as process:
        assert process.read_line() == "in"
        assert {"NSI001", "NSI002"} <= codes()
        H.kill_all(H.children(process.pid))


def test_a_process_whose_first_thread_has_ended_is_found():
    script = ("import ctypes, threading, time\n"
              "threading.Thread(target=time.sleep, args=(600,)).start()\n"
              "print('in', flush=True)\n"
              "ctypes.CDLL(None).syscall(60, 0)\n")
    with P.Background(["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups", "/usr/bin/python3", "-c", script],
                      reads=False) as process:
        assert process.read_line() == "in"
        H.wait_until(lambda: [p for p in H.processes() if p.pid == process.pid and p.state == "Z"], "its thread ends")
        assert [finding["pid"] for finding in found("NSI001")] == [process.pid]
        process.kill()


def test_a_hostile_name_is_escaped():
    H.write("/home/alice/\x1b[2Jx\nNSI999", "", mode=0o755)
    os.unlink("/home/alice/\x1b[2Jx\nNSI999")
    subprocess.run(["cp", "/usr/bin/sleep", "/home/alice/\x1b[2Jx\nNSI999"], check=True)
    with outside("alice", "/home/alice/\x1b[2Jx\nNSI999", "600"):
        for style in ((), ("-r",), ("-P",), ("-J",), ("--write-baseline",)):
            shown = P.run(["nsinspect", "audit", *style], timeout=60).stdout
            assert "\x1b" not in shown and "NSI999" in shown
            assert not re.search("^NSI999", shown, re.MULTILINE)
    os.unlink("/home/alice/\x1b[2Jx\nNSI999")


# (2) who came from the host

@contextlib.contextmanager
def entering(init, *kinds):
    """nsenter; once it is in, or its child where it forks."""
    with P.Background(["nsenter", "-t", str(init), *kinds, "sleep", "600"], reads=False) as process:
        H.wait_until(lambda: "sleep" in [seen.name for seen in H.processes() if process.pid in (seen.pid, seen.parent)],
                     "nsenter is in")
        yield process


@pytest.mark.parametrize("kinds", [("-n",), ("-m", "-u"), ("-m", "-n", "-i", "-u")])
def test_who_has_some_namespaces_of_a_session_is_found(kinds):
    with logged_in():
        _, _, init = session()
        with entering(init, *kinds) as process:
            finding, = found("NSI003")
            assert finding["pid"] == process.pid and finding["subject"].startswith("root:/")


@pytest.mark.parametrize("kinds", [("-p",), ("-a",)])
def test_who_forks_into_a_pid_namespace_is_found(kinds):
    with logged_in():
        _, _, init = session()
        with entering(init, *kinds) as process:
            assert found("NSI003"), kinds
            H.kill_all(H.children(process.pid))


def test_sessions_without_a_pid_namespace_are_told_apart():
    """Their processes are known by the other namespaces, and those nested in them by records that only they have."""
    H.set_policy("default.conf", "pid { isolate = false }\nmount { proc = \"hidepid\" }\n")
    H.set_policy("user/carol.conf", "")
    H.write("/etc/sudoers.d/bob", "bob ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
    try:
        with P.Background(["su", "bob", "-c", f"sudo -n -u carol sh -c '{STAY}'"]) as login, logged_in():
            assert login.read_line() == "in"
            assert_healthy()
    finally:
        os.unlink("/etc/sudoers.d/bob")
    P.sweep_records()


# (3) what a session is beside its plan

def inside(init, *command):
    return P.run(["nsenter", "-t", str(init), "-m", "-n", "-u", *command]).check()


CHANGES = {
    "NSI011 in front": ("NSI011", ["mount", "-t", "tmpfs", "none", "/tmp"]),
    "NSI011 of the host": ("NSI011", ["mount", "--bind", "/home", "/tmp"]),
    "NSI011 missing": ("NSI011", ["umount", "/var/tmp"]),
    "NSI011 hidden": ("NSI011", ["mount", "-t", "tmpfs", "none", "/dev"]),
    "NSI011 options": ("NSI011", ["mount", "-o", "remount,bind,nodev", "/dev/shm"]),
    "NSI011 size": ("NSI011", ["mount", "-o", "remount,nosuid,nodev,size=1g", "/tmp"]),
    "NSI012": ("NSI012", ["ip", "link", "set", "lo", "down"]),
    "NSI013": ("NSI013", ["hostname", "changed"]),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_changed_in_a_session_is_found(case):
    code, command = CHANGES[case]
    with logged_in():
        name, _, init = session()
        assert_healthy()
        if case == "NSI011 in front":
            # of the same kind, but of the host
            P.run(["mount", "-t", "tmpfs", "none", "/tmp"]).check()
            try:
                assert_healthy()
                inside(init, "mount", "--bind", "/run", "/tmp")
            finally:
                P.run(["umount", "/tmp"]).check()
        else:
            inside(init, *command)
        # what hides several has several
        assert {(each["code"], each["subject"], each["user"]) for each in audit()} == {(code, name, "alice")}


SHARE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
init, source, target = sys.argv[1:]
mount = libc.open_tree(-100, source.encode(), 1)
namespace = os.open(f"/proc/{init}/ns/mnt", os.O_RDONLY)
if mount < 0 or libc.setns(namespace, 0x20000) < 0 or libc.move_mount(mount, b"", -100, target.encode(), 4) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
"""


def test_a_mount_that_is_shared_with_the_host_is_found():
    with logged_in():
        name, _, init = session()
        P.run(["mount", "-t", "tmpfs", "none", "/mnt"]).check()
        try:
            P.run(["mount", "--make-shared", "/mnt"]).check()
            assert_healthy()
            P.run(["/usr/bin/python3", "-c", SHARE, str(init), "/mnt", "/srv"]).check()
            finding, = audit()
            assert (finding["code"], finding["subject"]) == ("NSI014", name) and "below /srv" in finding["seen"]
        finally:
            P.run(["umount", "/mnt"]).check()


def test_namespaces_that_are_not_recorded_are_found():
    with logged_in():
        name, record, _ = session()
        with open(f"{H.RECORDS}/{name}", "r+", encoding="utf-8") as file:
            text = file.read().replace(f"ns-net={record['ns-net']}", "ns-net=4026531840")
            file.seek(0)
            file.write(text)
        assert [finding["subject"] for finding in found("NSI010")] == [name]


# (4) to (7) sessions and records

def test_a_policy_that_changed_is_found():
    with logged_in():
        assert_healthy()
        H.set_policy("default.conf", 'network { mode = "none" }\n')
        finding, = found("NSI020")
        assert finding["user"] == "alice"
        H.set_policy("default.conf", 'mode = "off"\n')
        assert codes() == {"NSI020"}


def test_a_session_in_mode_audit_is_told():
    H.set_policy("user/alice.conf", 'mode = "audit"\n')
    with logged_in():
        finding, = found("NSI021")
        assert finding["severity"] == "info"
        assert_healthy()


def test_a_session_that_does_not_end_is_found():
    with logged_in() as login:
        _, _, init = session()
        os.kill(init, signal.SIGSTOP)
        login.kill()
        login.process.wait()
        H.wait_until(lambda: found("NSI023"), "it is found")
        os.kill(init, signal.SIGCONT)
    H.wait_until(lambda: not H.isolated_processes(), "it ends")
    P.sweep_records()


def test_a_record_that_is_left_is_told():
    with logged_in():
        name, _, init = session()
        os.kill(init, signal.SIGKILL)
        H.wait_until(lambda: not H.isolated_processes(), "it ends")
        assert [finding["subject"] for finding in found("NSI030")] in ([name], [])
    P.sweep_records()


def test_a_session_without_its_record_is_found():
    with logged_in():
        name, _, init = session()
        kept = H.read(f"{H.RECORDS}/{name}")
        os.unlink(f"{H.RECORDS}/{name}")
        finding, = found("NSI031")
        assert (finding["severity"], finding["pid"]) == ("critical", init)
        assert "NSI002" in codes(), kept


def test_a_file_that_is_no_record_is_found():
    os.makedirs(H.RECORDS, exist_ok=True)
    H.write(f"{H.RECORDS}/0123456789ab", "nonsense\n")
    try:
        assert [finding["subject"] for finding in found("NSI032")] == ["0123456789ab"]
    finally:
        os.unlink(f"{H.RECORDS}/0123456789ab")


# (8) namespaces that are kept

def test_a_namespace_that_is_mounted_is_found():
    H.write("/run/kept", "")
    with logged_in():
        name, _, init = session()
        P.run(["mount", "--bind", f"/proc/{init}/ns/net", "/run/kept"]).check()
        try:
            finding, = found("NSI033")
            assert finding["subject"] == "/run/kept" and name in finding["seen"] and finding["user"] == "alice"
        finally:
            P.run(["umount", "/run/kept"]).check()
            os.unlink("/run/kept")
        assert_healthy()


@pytest.mark.parametrize("kind", ["net", "pid", "mnt"])
def test_a_namespace_that_is_open_elsewhere_is_found(kind):
    with logged_in():
        _, _, init = session()
        with P.Background(["sh", "-c", f"exec sleep 600 7</proc/{init}/ns/{kind}"], reads=False) as process:
            H.wait_until(lambda: H.comm_of(process.pid) == "sleep", "it has it open")
            assert [finding["pid"] for finding in found("NSI033")] == [process.pid]


def test_a_namespace_that_is_open_behind_many_others_is_found():
    with logged_in():
        _, _, init = session()
        script = ("import os, time\n"
                  "others = [os.open('/dev/null', os.O_RDONLY) for _ in range(900)]\n"
                  f"kept = os.open('/proc/{init}/ns/net', os.O_RDONLY)\n"
                  "print('in', flush=True)\n"
                  "time.sleep(600)\n")
        with P.Background(["/usr/bin/python3", "-c", script], reads=False) as process:
            assert process.read_line() == "in"
            assert [finding["pid"] for finding in found("NSI033")] == [process.pid]


# (9) PAM stacks

def broken_stack(service, old, new):
    path = f"/etc/pam.d/{service}"
    text = H.read(path)
    assert old in text
    H.write(path, text.replace(old, new))


OPEN, CLOSE = f"session required {H.MODULE} open", f"session required {H.MODULE} close"

STACKS = {
    "NSI042": (CLOSE, CLOSE.replace("required", "optional")),
    "NSI043": (OPEN, f"session [success=bogus] pam_permit.so\n{OPEN}"),
    "NSI050": (OPEN, f"@include nowhere\n{OPEN}"),
    "NSI051": (OPEN, f"@include su\n{OPEN}"),
    "NSI052": (OPEN, f"session\n{OPEN}"),
    "NSI053": (OPEN, f"{OPEN}\nsession optional pam_permit.so \\"),
    "NSI054": (OPEN, f"session optional pam_permit.so {'x' * 1100}\n{OPEN}"),
    "NSI055": (OPEN, f"session optional pam_permit.so\r\n{OPEN}"),
    "NSI056": (OPEN, ""),
    "NSI057": (CLOSE, ""),
    "NSI058": (OPEN, f"{OPEN}\nsession required {H.MODULE}"),
    "NSI059": (OPEN, f"{OPEN}\nsession optional pam_exec.so /bin/true"),
    "NSI060": (CLOSE, f"session optional pam_exec.so /bin/true\n{CLOSE}"),
    "NSI061": (OPEN, OPEN.replace("required", "optional")),
    "NSI062": (OPEN, f"session sufficient pam_permit.so\n{OPEN}"),
    "NSI063": (OPEN, f"-{OPEN}"),
    "NSI064": (OPEN, f"{OPEN}\n{OPEN}"),
    "NSI065": (OPEN, OPEN.replace("isolate", "isolat")),
    "NSI066": (OPEN, f"{OPEN} nonsense"),
    "NSI067": (OPEN, f"session required pam_namespace.so\n{OPEN}"),
    "NSI069": (OPEN, f"session required pam_nowhere.so\n{OPEN}"),
    "NSI070": (OPEN, f"{OPEN} policy=/nowhere"),
    "NSI071": (OPEN, f"{OPEN} exempt=@nobodys"),
}


@pytest.mark.parametrize("code", STACKS)
def test_a_stack_that_is_wrong_is_found(code):
    broken_stack("su", *STACKS[code])
    finding, *_ = found(code)
    assert finding["subject"].startswith("/etc/pam.d/su")


def test_a_damaged_block_is_found():
    H.write("/etc/pam.d/su", H.read("/etc/pam.d/su").replace(OPEN + "\n", "").replace(CLOSE + "\n", ""))
    P.run(["nsisolate-pam", "enable", "su"]).check()
    assert_healthy()
    lines = H.read("/etc/pam.d/su").splitlines(True)
    last = max(number for number, line in enumerate(lines) if line.startswith("#") and "nsisolate" in line)
    H.write("/etc/pam.d/su", "".join(lines[:last] + lines[last + 1:]))
    assert found("NSI068")


def test_a_service_without_the_module_is_found_where_a_policy_would_isolate():
    for path in ("/etc/pam.d/cron", "/etc/pam.d/su", "/etc/pam.d/su-l"):
        H.write(path, "".join(line for line in H.read(path).splitlines(True) if H.MODULE not in line))
    # su-l includes su
    assert {finding["subject"]: finding["remedy"] for finding in found("NSI041")} == {
        "cron": "nsisolate-pam enable cron", "su": "nsisolate-pam enable su", "su-l": "nsisolate-pam enable su"}
    H.set_policy("default.conf", 'services = {"sshd"}\n')
    assert_healthy()
    H.set_policy("default.conf", "".join(f'service "{name}" {{ mode = "off" }}\n' for name in ("cron", "su", "su-l")))
    assert_healthy()


def test_no_module_anywhere_is_found():
    H.restore()
    H.set_policy("default.conf", "")
    assert "NSI040" in codes()
    H.set_policy("default.conf", 'mode = "off"\n')
    assert_healthy()


def test_settings_of_sshd_are_found():
    config = H.read("/etc/ssh/sshd_config")
    H.write("/etc/ssh/sshd_config", config.replace("UsePAM yes", "UsePAM no").replace("UseDNS no", "UseDNS yes"))
    assert {"NSI072", "NSI073"} <= codes()
    H.write("/etc/ssh/sshd_config", "Nonsense yes\n")
    assert codes() == {"NSI074"}


# (10) files

def test_a_policy_that_is_broken_is_found():
    H.set_policy("user/alice.conf", "\nno-such-key = 1\n")
    finding, = found("NSI080")
    assert finding["subject"] == f"{H.POLICIES}/user/alice.conf:2"


@pytest.mark.parametrize("path, mode", [
    (f"{H.POLICIES}/user/alice.conf", 0o666), (H.POLICIES, 0o775), (f"{H.POLICIES}/user", 0o777),
    (f"{H.MODULE_DIRECTORY}/{H.MODULE}", 0o775), (H.helpers, 0o757), (H.RECORDS, 0o755), ("/run/nsisolate", 0o777),
    ("/etc/security", 0o775),
])
def test_a_mode_that_lets_others_in_is_found(path, mode):
    H.set_policy("user/alice.conf", "")
    P.su("alice", "true").check()
    path = path if isinstance(path, str) else path()[0]
    kept = os.stat(path)
    try:
        os.chmod(path, mode)
        assert [finding["subject"] for finding in found("NSI081")] == [path]
        os.chmod(path, kept.st_mode & 0o7777)
        os.chown(path, 3001, -1)
        assert [finding["subject"] for finding in found("NSI081")] == [path]
    finally:
        os.chown(path, 0, -1)
        os.chmod(path, kept.st_mode & 0o7777)
    assert_healthy()


# (11) ways out

ENGINES = ("/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock")


@pytest.mark.parametrize("path", ENGINES)
def test_the_socket_of_an_engine_is_found_where_it_can_be_reached(path):
    H.set_policy("default.conf", "mount { hide-engines = false }\n")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o660)
        os.chown(path, 0, H.GROUPS["students"])
        try:
            with logged_in("alice"), logged_in("carol"):
                assert [finding["subject"] for finding in found("NSI090")] == [f"carol:{path}"]
                if os.path.dirname(path) != "/run":
                    os.chmod(os.path.dirname(path), 0o700)
                    assert_healthy()
        finally:
            os.unlink(path)


def test_a_user_manager_is_found():
    shutil.copy(os.path.realpath("/usr/bin/python3"), "/home/alice/systemd")
    script = "import time; print('in', flush=True); time.sleep(600)"
    try:
        with P.Background(["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups", "/home/alice/systemd", "-c",
                           script, "--user"], reads=False) as process:
            assert process.read_line() == "in"
            assert [finding["pid"] for finding in found("NSI091")] == [process.pid]
    finally:
        os.unlink("/home/alice/systemd")


@pytest.mark.parametrize("code, name, setting, seen", [
    # before Linux 6.2, as Debian 12's
    ("NSI092", "tiocsti", "dev/tty/legacy_tiocsti", "and always allows it"),
    # without Yama
    ("NSI094", "ptrace", "kernel/yama/ptrace_scope", "and lets processes of the same user trace each other"),
])
def test_a_kernel_that_lacks_a_setting_that_helps_is_found(code, name, setting, seen):
    os.unlink(f"{SYSCTL}/{setting}")
    finding, = found(code)
    assert (finding["code"], finding["name"], finding["subject"]) == (code, name, setting)
    assert finding["seen"] == f"this kernel has no such setting, {seen}"
    H.set_policy("default.conf", 'mode = "off"\n')
    assert found(code) == []


def test_settings_that_help_out_are_found():
    set_sysctl("dev/tty/legacy_tiocsti", 1)
    set_sysctl("kernel/yama/ptrace_scope", 0)
    os.mknod("/dev/vsock", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    try:
        assert codes() == {"NSI092", "NSI094"}
        os.chmod("/dev/vsock", 0o666)
        assert codes() == {"NSI092", "NSI093", "NSI094"}
        H.set_policy("default.conf", 'mode = "off"\n')
        assert codes() == set()
    finally:
        os.unlink("/dev/vsock")


# (12) limits

def test_a_limit_that_is_near_is_found():
    with logged_in():
        set_sysctl("user/max_net_namespaces", 2)
        assert_healthy()
        set_sysctl("user/max_net_namespaces", 1)
        set_sysctl("kernel/pid_max", 20)
        set_sysctl("fs/mount-max", 10)
        assert {finding["subject"] for finding in found("NSI100")} == {
            "user/max_net_namespaces", "kernel/pid_max", "fs/mount-max"}


# how it is asked

def test_a_baseline_leaves_out_what_it_lists():
    baseline = f"{H.MAILBOX}/baseline"
    with outside("alice"):
        printed = P.run(["nsinspect", "audit", "--sysctl-dir", SYSCTL, "--write-baseline"], timeout=60).check().stdout
        assert "NSI001 alice:/usr/bin/sleep\n" in printed
        H.write(baseline, "# known\n\n" + printed, mode=0o644)
        assert audit("--baseline", baseline) == []
        with outside("bob"):
            assert [finding["user"] for finding in audit("--baseline", baseline)] == ["bob"]
        os.chmod(baseline, 0o666)
        refused = P.run(["nsinspect", "audit", "--baseline", baseline], timeout=60)
        assert refused.status == 2 and "others than root" in refused.stderr
        H.write(baseline, "NSI001\n")
        refused = P.run(["nsinspect", "audit", "--baseline", baseline], timeout=60)
        assert refused.status == 2 and f"{baseline}:1:" in refused.stderr


def test_one_user_alone():
    with outside("alice"), outside("bob"):
        assert {finding["user"] for finding in audit("-u", "bob")} == {"bob"}
        assert audit("-u", "carol") == []


def test_it_needs_root_and_the_host():
    refused = P.run(["nsinspect", "audit"], user="bob")
    assert refused.status == 2 and "only root" in refused.stderr


def test_a_network_namespace_that_is_not_the_one_of_its_name_any_more_is_found():
    H.set_policy("user/alice.conf", 'network { mode = "named" name = "course" }\n')
    with N.named("course"), logged_in():
        assert found("NSI017") == []
        N.run("ip", "netns", "delete", "course")
        finding, = found("NSI017")
        assert finding["user"] == "alice" and "there is no network namespace 'course'" in finding["seen"]
        N.run("ip", "netns", "add", "course")
        finding, = found("NSI017")
        assert "is not the one that is /run/netns/course now" in finding["seen"]


def test_every_finding_is_in_the_manual():
    source = H.read(os.path.join(sandbox.SOURCE, "tools", "audit_codes.c"))
    manual = H.read(os.path.join(sandbox.SOURCE, "man", "nsinspect.1.scd"))
    rows = re.findall(r'\.code = "(NSI\d{3})",\s*\.name = "([a-z-]+)",\s*\.severity = AUDIT_(\w+),', source)
    assert len(rows) == source.count(".code =") and len({code for code, _, _ in rows}) == len(rows)
    documented = re.findall(r"^\*(NSI\d{3})\* _([a-z-]+)_ \((\w+)\)$", manual, re.MULTILINE)
    assert sorted(documented) == sorted((code, name, severity.lower()) for code, name, severity in rows)


def test_every_finding_is_made_by_a_test():
    source = H.read(os.path.join(sandbox.SOURCE, "tools", "audit_codes.c"))
    # those about network modes, privileges and limits are made where these are tested
    tests = "".join(H.read(os.path.join(os.path.dirname(__file__), name))
                    for name in ("test_audited.py", "test_network_named.py", "test_network_slirp.py", "test_privileges.py",
                                 "test_systemd_limits.py", "test_veth.py"))
    assert [code for code in re.findall(r'\.code = "(NSI\d{3})"', source) if f'"{code}"' not in tests] == []

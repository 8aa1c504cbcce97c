# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect run by root among processes that want to deceive, break or hold it up."""

import contextlib
import json
import os
import re
import signal
import subprocess
import unicodedata

import pytest

from support import host as H
from support import programs as P

EVIL = ['\\033]0;owned\\007', '\\033[2J\\033[31m', 'a\\nID USER\\n000000000000 root', '\\"}],\\"x\\":[{\\"', '$(touch /tmp/owned)`id`',
        '\\342\\200\\256evil', '\\377\\376\\200', 'x) S 1 1 1 (', '\\302\\233m', "'; rm -rf /; '"]
HARMLESS = re.compile(r"[\x20-\x7e\n\u00a0-\ud7ff]*")


def script():
    """Processes that call themselves such things, and one that is stopped."""
    starts = [f"bash -c 'exec -a \"$0\" sleep 1000' \"$(printf '{name}')\" &" for name in
              (name.replace("'", "'\\''") for name in EVIL)]
    return "\n".join(["#!/bin/bash", *starts, "sleep 1000 & kill -STOP $!", "sleep 0.3; echo ready; cat"])


@pytest.fixture
def hostile_login(installed):
    H.write("/home/alice/evil", script(), 0o755)
    with P.Background(["su", "alice", "-c", "/home/alice/evil"]) as login:
        assert login.read_line() == "ready"
        (identity, _), = H.records().items()
        yield identity


LOCALES = ("C.UTF-8", "C")


def test_text_is_harmless(hostile_login):
    for arguments in ("list", "ps", "ps --output-all", "ps -P", "ps -r", "ps -n", f"show {hostile_login}"):
        for locale in LOCALES:
            done = P.run(["nsinspect", *arguments.split()], env=P.ENVIRONMENT | {"LC_ALL": locale})
            assert done.status == 0 and done.stdout
            assert HARMLESS.fullmatch(done.stdout + done.stderr), (arguments, done.stdout + done.stderr)
            assert not [line for line in done.stdout.splitlines() if line.startswith("000000000000")]


def test_json_is_json(hostile_login):
    for arguments in ("list -J", "ps -J", f"show -J {hostile_login}"):
        for locale in LOCALES:
            done = P.run(["nsinspect", *arguments.split()], env=P.ENVIRONMENT | {"LC_ALL": locale})
            assert "\033" not in str(json.loads(done.check().stdout)), arguments


def test_it_is_not_held_up_by_a_crowd_that_comes_and_goes(installed):
    churn = "echo ready; while :; do for i in 1 2 3 4 5 6 7 8; do (exec -a \"x$i\" true) & done; wait; done"
    with P.Background(["su", "alice", "-c", churn], reads=False) as login:
        assert login.read_line() == "ready"
        for _ in range(15):
            for words in (["list"], ["ps", "-J"]):
                done = P.run(["nsinspect", *words])
                assert done.status == 0, done
    H.wait_until(lambda: not H.isolated_processes(), "does not end")


def test_a_user_namespace_and_its_mounts_do_not_deceive(installed):
    """What alice mounts and calls herself in a user namespace of her own is not the session's."""
    inner = "mount -t tmpfs evil /home; hostname evil-host; mount -t proc proc /proc; echo ready; cat"
    with P.Background(["su", "alice", "-c", f"unshare -Urmpfu sh -c '{inner}'"]) as login:
        assert login.read_line() == "ready"
        (identity, _), = H.records().items()
        shown = json.loads(P.run(["nsinspect", "show", "-J", identity]).check().stdout)
        assert shown["inside"]["hostname"] == "testhost"
        assert "evil" not in json.dumps(shown["own-mounts"])
        assert "unshare" in P.run(["nsinspect", "ps"]).check().stdout
        assert shown["session"]["state"] == "active"


def test_a_record_made_inside_is_not_the_hosts(server):
    """root inside writes what it likes where nested records are; the host does not show it as a session of its own."""
    forge = "sudo mkdir -p /run/nsisolate/sessions; echo nsisolate-record=1 | sudo tee /run/nsisolate/sessions/0123456789ab"
    with P.ssh_background("alice", f"{forge}; cat") as login:
        login.read_line()
        assert "0123456789ab" not in P.run(["nsinspect"]).stdout
        assert len(H.records()) == 1


# everything that others can name, in every command that shows it

NAMES = ["\x1b]0;owned\x07\x1b[2J", "a\nNSI999 critical x\n000000000000", "\u202eevil\u202c", "\u009b2J\u0085", "e\u0301\u200d\u2066",
         b"\xff\xfe\xc3", "x" * 4000, "\\x41\t\x7f", "'\"`$(touch /tmp/owned)"]
STYLES = {"list": ("", "-r", "-P", "-n", "-J"), "show": ("", "-J"), "ps": ("", "-r", "-P", "-n", "-J"),
          "audit": ("", "-r", "-P", "-J", "--write-baseline"), "check": ("", "-J"), "policy": ("", "-J")}


def as_bytes(name):
    return name if isinstance(name, bytes) else name.encode()


def assert_harmless(output):
    text = output.decode()  # and well-formed UTF-8
    bad = [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me", "Zl", "Zp")]
    assert bad == [], (bad[:9], text[:2000])
    assert not re.search(r"^(NSI999|000000000000)", text, re.MULTILINE), text[:2000]


def run_all(words, statuses, styles=None, locales=LOCALES):
    for style in styles or STYLES[words[0]]:
        for locale in locales:
            done = subprocess.run(["nsinspect", *words, *style.split()], capture_output=True, timeout=60,
                                  env=P.ENVIRONMENT | {"LC_ALL": locale})
            assert done.returncode in statuses, done
            assert_harmless(done.stdout + done.stderr)
            if style == "-J":
                json.loads(done.stdout)


@contextlib.contextmanager
def session(user="alice"):
    with P.Background(["su", user, "-c", "echo ready; cat"]) as login:
        assert login.read_line() == "ready"
        yield


def test_names_of_processes_mounts_and_hosts_are_harmless(installed):
    """All at once, but for the host's, of which there is one."""
    sets = "import ctypes, sys, os; n = os.fsencode(sys.argv[1]); sys.exit(ctypes.CDLL(None).sethostname(n, len(n)) != 0)"
    mount = 'mkdir "$0" && mount -t tmpfs "$1" "$0"'
    with session(), contextlib.ExitStack() as stack:
        identity, = H.records()
        init, = H.session_inits()
        inside = ["nsenter", "-t", str(init), "-m", "-u", "-n", "-p", "-i"]
        for name in map(as_bytes, NAMES):
            place = b"/tmp/" + name.replace(b"/", b"_")[:250]
            subprocess.run([*inside, "sh", "-c", mount, place, name[:60]], check=True)
            # one within, one that came from outside, and one on the host that holds a namespace
            sleep = ["bash", "-c", 'exec -a "$0" sleep 600', name]
            for words in ([*inside, *sleep], ["nsenter", "-t", str(init), "-n", *sleep],
                          ["bash", "-c", f'exec -a "$0" sleep 600 </proc/{init}/ns/uts', name]):
                stack.enter_context(running(words))
        H.wait_until(lambda: len(sleeping()) == 3 * len(NAMES), sleeping)
        for words in (["list", "--output-all"], ["ps", "--output-all"], ["show", identity]):
            run_all(words, (0,))
        run_all(["audit", "--hurried", "--output-all"], (0, 1))
        for name in map(as_bytes, NAMES):
            subprocess.run([*inside, "/usr/bin/python3", "-c", sets, name[:60]], check=True)
            run_all(["show", identity], (0,), ("", "-J"), ("C.UTF-8",))
            run_all(["audit", "--hurried", "--output-all"], (0, 1), ("", "-J"), ("C.UTF-8",))


@contextlib.contextmanager
def running(words):
    """Runs meanwhile, and is ended with what it started."""
    process = subprocess.Popen(words, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def sleeping():
    return [process for process in H.processes() if process.name == "sleep"]


def test_names_in_policies_are_harmless(installed):
    """Of files all at once; in the one that decides, one after the other."""
    def policy(name):
        text = b'description = "' + name.replace(b"\\", b"").replace(b'"', b"") + b'"\n'
        return text + b'network { mode = "' + name[:99] + b'" }\n'

    H.set_policy("group/students.conf")
    for name in map(as_bytes, NAMES):
        with open(b"/etc/security/nsisolate/group/" + name.replace(b"/", b"_")[:200] + b".conf", "wb") as file:
            file.write(policy(name))
    run_all(["check"], (0, 1, 2))
    run_all(["policy", "alice"], (0, 1))
    run_all(["audit", "--hurried"], (0, 1))
    for name in map(as_bytes, NAMES):
        H.set_policy("user/bob.conf")
        with open("/etc/security/nsisolate/user/bob.conf", "wb") as file:
            file.write(policy(name))
        run_all(["policy", "bob"], (0, 1))
        run_all(["check"], (0, 1, 2), ("", "-J"), ("C.UTF-8",))


def test_what_a_record_says_is_harmless_also_when_it_is_killed(installed):
    """The words of a record, which a service and its client choose, in each command and in what kill prints."""
    with contextlib.ExitStack() as stack:
        for _ in NAMES:
            stack.enter_context(session())
        identities = list(H.records())
        for identity, name in zip(identities, map(as_bytes, NAMES), strict=True):
            path = f"{H.RECORDS}/{identity}"
            escaped = "".join(f"\\x{byte:02x}" for byte in name[:200])
            with open(path, "r+", encoding="utf-8") as file:
                text = re.sub(r"^(user|service|tty|remote-host)=.*$", lambda match, word=escaped: f"{match[1]}={word}",
                              file.read(), flags=re.MULTILINE)
                file.seek(0)
                file.truncate()
                file.write(text)
        run_all(["list", "--output-all"], (0,))
        for identity in identities:
            run_all(["show", identity], (0,))
            done = subprocess.run(["nsinspect", "kill", identity], capture_output=True, timeout=60, env=P.ENVIRONMENT)
            assert done.returncode == 0 and b"killed: " in done.stdout, done
            assert_harmless(done.stdout + done.stderr)


# FUSE below a path that the audit looks at; nobody reads what the kernel asks
NEVER_ANSWERS = """
import ctypes, os, sys
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
assert ctypes.CDLL(None, use_errno=True).mount(b"fuse", sys.argv[1].encode(), b"fuse", 6, options) == 0
print("ready", flush=True)
sys.stdin.read()
"""


def test_audit_gives_up_a_session_that_never_answers_and_finds_what_is_wrong_with_others(installed):
    engine = "/var/lib/lxd"
    os.makedirs(engine, exist_ok=True)
    if not os.path.exists("/dev/fuse"):
        os.mknod("/dev/fuse", 0o020666, os.makedev(10, 229))
    H.set_policy("user/bob.conf", "")
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as alice:
        assert alice.read_line() == "in"
        (hostile, _), = H.records().items()
        init, = H.session_inits()
        mounts = ["nsenter", "-m", "-t", str(init), "/usr/bin/python3", "-c", NEVER_ANSWERS, engine]
        with P.Background(mounts) as fuse, P.Background(["su", "bob", "-c", "echo in; cat"]) as bob:
            assert fuse.read_line() == "ready" and bob.read_line() == "in"
            other, = set(H.records()) - {hostile}
            H.set_policy("user/bob.conf", "ipc { isolate = false }\n")
            done = P.run(["nsinspect", "audit", "--hurried", "-J"])
    os.rmdir(engine)
    assert done.status == 2
    assert done.stderr.count(f"session {hostile}: not all of it is known: reading in it takes too long") == 1
    found = json.loads(done.stdout)["findings"]
    assert [row["seen"] for row in found if row["subject"] == other and "other values" in row["seen"]], found

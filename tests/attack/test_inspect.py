# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect run by root among processes that want to deceive, break or hold it up."""

import json
import os
import re
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


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("arguments", ["list", "ps", "ps --output-all", "ps -P", "ps -r", "ps -n", "show"])
def test_text_is_harmless(arguments, locale, hostile_login):
    words = arguments.split() + ([hostile_login] if arguments == "show" else [])
    done = P.run(["nsinspect", *words], env=P.ENVIRONMENT | {"LC_ALL": locale})
    print(done.stdout)
    assert done.status == 0 and done.stdout
    assert HARMLESS.fullmatch(done.stdout + done.stderr), (done.stdout + done.stderr)
    assert len([line for line in done.stdout.splitlines() if line.startswith("000000000000")]) == 0


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("command", ["list", "ps", "show"])
def test_json_is_json(command, locale, hostile_login):
    words = [command, "-J"] + ([hostile_login] if command == "show" else [])
    done = P.run(["nsinspect", *words], env=P.ENVIRONMENT | {"LC_ALL": locale})
    document = json.loads(done.check().stdout)
    assert "\033" not in str(document)


def test_it_is_not_held_up_by_a_crowd_that_comes_and_goes(installed):
    churn = "echo ready; while :; do for i in 1 2 3 4 5 6 7 8; do (exec -a \"x$i\" true) & done; wait; done"
    with P.Background(["su", "alice", "-c", churn], reads=False) as login:
        assert login.read_line() == "ready"
        for _ in range(15):
            for words in (["list"], ["ps", "-J"]):
                done = P.run(["nsinspect", *words], timeout=10)
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


def run_all(words, statuses):
    for style in STYLES[words[0]]:
        for locale in ("C.UTF-8", "C"):
            done = subprocess.run(["nsinspect", *words, *style.split()], capture_output=True, timeout=60,
                                  env=P.ENVIRONMENT | {"LC_ALL": locale})
            assert done.returncode in statuses, done
            assert_harmless(done.stdout + done.stderr)
            if style == "-J":
                json.loads(done.stdout)


@pytest.fixture
def named(installed):
    """A session in which whatever can have a name is called so."""
    with P.Background(["su", "alice", "-c", "echo ready; cat"]) as login:
        assert login.read_line() == "ready"
        (identity, _), = H.records().items()
        init, = H.session_inits()
        yield login, identity, init


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_names_of_processes_mounts_and_hosts_are_harmless(named, number):
    name = as_bytes(NAMES[number])
    _, identity, init = named
    short = name[:60]
    sets = "import ctypes, sys, os; n = os.fsencode(sys.argv[1]); sys.exit(ctypes.CDLL(None).sethostname(n, len(n)) != 0)"
    inside = ["nsenter", "-t", str(init), "-m", "-u", "-n", "-p", "-i"]
    subprocess.run([*inside, "/usr/bin/python3", "-c", sets, short], check=True)
    place = b"/tmp/" + name.replace(b"/", b"_")[:250]
    subprocess.run([*inside, "sh", "-c", 'mkdir "$0" && mount -t tmpfs "$1" "$0"', place, short], check=True)
    # one within, one that came from outside, and one on the host that holds a namespace
    with running([*inside, "bash", "-c", 'exec -a "$0" sleep 600', name]), \
            running(["nsenter", "-t", str(init), "-n", "bash", "-c", 'exec -a "$0" sleep 600', name]), \
            running(["bash", "-c", f'exec -a "$0" sleep 600 </proc/{init}/ns/uts', name]):
        run_all(["list", "--output-all"], (0,))
        run_all(["ps", "--output-all"], (0,))
        run_all(["show", identity], (0,))
        run_all(["audit", "--hurried", "--output-all"], (0, 1))


def running(words):
    """Runs meanwhile, and is ended with what it started."""
    class Running:
        def __enter__(self):
            self.process = subprocess.Popen(words, start_new_session=True)
            H.wait_until(lambda: b"sleep" in exe_of(self.process.pid), "it runs")

        def __exit__(self, *_unused):
            for child in H.children(self.process.pid):
                os.kill(child.pid, 9)
            self.process.kill()
            self.process.wait()

    def exe_of(pid):
        pids = [pid, *[child.pid for child in H.children(pid)]]
        try:
            return b" ".join(os.fsencode(os.readlink(f"/proc/{each}/exe")) for each in pids)
        except OSError:
            return b""

    return Running()


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_names_in_policies_are_harmless(installed, number):
    name = as_bytes(NAMES[number])
    file = b"/etc/security/nsisolate/group/" + name.replace(b"/", b"_")[:200] + b".conf"
    text = b'description = "' + name.replace(b"\\", b"").replace(b'"', b"") + b'"\nnetwork { mode = "' + name[:99] + b'" }\n'
    os.makedirs("/etc/security/nsisolate/group", exist_ok=True)
    with open(file, "wb") as written:
        written.write(text)
    H.write("/etc/security/nsisolate/user/bob.conf", "")
    with open("/etc/security/nsisolate/user/bob.conf", "wb") as written:
        written.write(text)
    run_all(["check"], (0, 1, 2))
    run_all(["policy", "bob"], (0, 1))
    run_all(["policy", "alice"], (0, 1))
    run_all(["audit", "--hurried"], (0, 1))


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_what_a_record_says_is_harmless_when_it_is_killed(named, number):
    """The words of a record, which a service and its client choose, in what kill prints."""
    login, identity, _ = named
    path = f"{H.RECORDS}/{identity}"
    escaped = "".join(f"\\x{byte:02x}" for byte in as_bytes(NAMES[number])[:200])
    with open(path, "r+", encoding="utf-8") as file:
        text = re.sub(r"^(user|service|tty|remote-host)=.*$", lambda match: f"{match[1]}={escaped}", file.read(), flags=re.MULTILINE)
        file.seek(0)
        file.truncate()
        file.write(text)
    for words in (["list", "--output-all"], ["show", identity]):
        run_all(words, (0,))
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

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Sessions within sessions, by records that were written inside. Whoever is root there may try to deceive, break or hold up
nsinspect: each attack is made in one session, and what is nested in another is shown all the same.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import pytest

from conftest import binary, start_time
from support import host as H

F_OFD_SETLK = 37
SYS_OPEN_TREE, SYS_MOVE_MOUNT, OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 428, 429, 1, 4
FORGED = "bad000000000"
UNSHARE = ["unshare", "--pid", "--fork", "--kill-child"]


def tree(rows):
    """id → what is nested in it."""
    return {row["id"]: tree(row.get("sessions", [])) for row in rows}


def listed(records, *arguments, notes=()):
    """The tree; beside it nothing but these notes is said."""
    start = time.monotonic()
    result = records.run("list", "-J", *arguments)
    assert time.monotonic() - start < 15
    assert result.returncode == 0, result.stderr
    said = result.stderr.decode().splitlines()
    assert len(said) == len(notes) and all(note in line for note, line in zip(notes, said)), said
    return tree(json.loads(result.stdout)["sessions"])


def test_what_is_nested_is_below(records):
    outer = records.open_outer()
    inner = records.nest(outer)
    plain = records.open()
    row, _ = records.rows("-o", "+PARENT,DEPTH,INIT-PID,SCOPE,NLOGINS")
    inside, = row["sessions"]
    assert (inside["id"], inside["user"], inside["service"], inside["state"]) == (inner.id, "carol", "su", "active")
    assert (inside["parent"], inside["depth"], inside["init-pid"], inside["nlogins"]) == (outer.id, 1, inner.init, 1)
    assert inside["namespaces"] == ["mnt", "net", "ipc", "uts", "pid"]
    assert listed(records) == {outer.id: {inner.id: {}}, plain.id: {}}


def test_what_is_nested_is_a_tree_for_people_only(records):
    outer = records.open_outer(scope="user")
    outer.join("00beef")
    inner = records.nest(outer)
    columns = ("-o", "ID,USER")
    bare, pairs, raw = (records.run("list", *options, *columns).stdout.decode().splitlines()
                        for options in (("-n",), ("-P",), ("-rn",)))
    assert [line.split() for line in bare] == [[outer.id, "alice"], [f"├─{outer.id}.00beef", "alice"],
                                               [f"└─{inner.id}", "carol"]]
    assert pairs[2] == f'ID="{inner.id}" USER="carol"'
    assert raw == [f"{outer.id} alice", f"{outer.id}.00beef alice", f"{inner.id} carol"]


def test_namespaces_that_are_the_outers_are_not_its_own(records):
    outer = records.open_outer()
    records.nest(outer, flags=("mnt", "uts"))
    assert records.rows()[0]["sessions"][0]["namespaces"] == ["mnt", "uts"]


def test_nested_session_that_its_login_left_is_closing(records):
    outer = records.open_outer()
    inner = records.nest(outer)
    inner.tell("leave")
    assert records.rows()[0]["sessions"][0]["state"] == "closing"


def test_nested_session_that_ended_is_not_shown(records):
    outer = records.open_outer()
    inner, other = records.nest(outer), records.nest(outer)
    inner.end()
    assert listed(records) == listed(records, "--all") == {outer.id: {other.id: {}}}


def is_empty(directory):
    """A directory that is there; it may be on the way."""
    with contextlib.suppress(FileNotFoundError):
        return not os.listdir(directory)
    return False


def test_four_deep(records):
    sessions = [records.open_outer()]
    for _ in range(3):
        inner = records.nest(sessions[-1], commands=[f"umount /run/nsisolate; {MAKE}"])
        H.wait_until(lambda: is_empty(inner.records), "its own directory")
        sessions.append(inner)
    expected = {}
    for session in reversed(sessions):
        expected = {session.id: expected}
    assert listed(records) == expected


MAKE = "mount -t tmpfs -o mode=1700 none /run/nsisolate && mkdir -m 700 /run/nsisolate/sessions"


def test_whoever_is_not_root_sees_no_nested_ones(records):
    outer = records.open_outer()
    records.nest(outer)
    for path in [records.directory, *records.directory.parents]:
        if path != pathlib.Path("/"):
            path.chmod(path.stat().st_mode | 0o005)
    outer.path.chmod(0o644)
    result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", binary(), "-J",
                             "--record-dir", str(records.directory)], capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    assert tree(json.loads(result.stdout)["sessions"]) == {outer.id: {}}


def test_sessions_of_one_user_wherever_they_are(records):
    outer = records.open_outer()
    inner, plain = records.nest(outer), records.open(user="carol", uid=1001)
    records.open(user="bob", uid=1002, text="garbage")
    assert listed(records, "-u", "alice") == {outer.id: {}}
    assert listed(records, "--user", "carol") == {inner.id: {}, plain.id: {}}
    assert listed(records, "-u", "1001") == {plain.id: {}}
    assert listed(records, "-u", "nobody") == {}


# ids

def test_ids_of_nested_sessions_are_taken(records):
    outer = records.open_outer("aaaaaaaaaaaa")
    records.nest(outer, "abbbbbbbbbbb")
    for ident in ("ab", "abbbbbbbbbbb", "aaaaaaaaaaaa/ab", "aa/abbbbbbbbbbb"):
        assert json.loads(records.run("show", "-J", ident).stdout)["session"]["id"] == "abbbbbbbbbbb"
    result = records.run("show", "a")
    assert result.returncode == 2
    assert b"aaaaaaaaaaaa, aaaaaaaaaaaa/abbbbbbbbbbb" in result.stderr
    assert records.run("show", "ab/aa").returncode == 1


def test_the_same_id_in_two_sessions_is_told_apart_by_the_outer(records):
    first, second = records.open_outer("aaaaaaaaaaaa"), records.open_outer("bbbbbbbbbbbb")
    records.nest(first, "cccccccccccc", user="carol")
    records.nest(second, "cccccccccccc", user="dave")
    result = records.run("show", "cccccccccccc")
    assert result.returncode == 2
    assert b"aaaaaaaaaaaa/cccccccccccc, bbbbbbbbbbbb/cccccccccccc" in result.stderr
    assert json.loads(records.run("show", "-J", "b/c").stdout)["session"]["user"] == "dave"


# show, ps and kill

def test_show_of_either_tells_of_the_other(records):
    outer = records.open_outer()
    inner = records.nest(outer, commands=["hostname nested"])
    shown = json.loads(records.run("show", "-J", outer.id).stdout)
    assert shown["contains"] == [{"id": inner.id, "user": "carol", "service": "su", "state": "active"}]
    H.wait_until(lambda: "nested" in records.run("show", inner.id).stdout.decode(), "the host name")
    shown = json.loads(records.run("show", "-J", inner.id).stdout)
    assert shown["session"]["nested-in"] == outer.id and shown["init"]["pid"] == inner.init
    assert shown["inside"]["hostname"] == "nested"
    assert {n["type"]: n["kernel"] for n in shown["namespaces"] if n["isolated"]} == inner.namespaces
    assert [mount["target"] for mount in shown["own-mounts"]] == ["/proc"]  # and none of the outer's


def test_login_process_of_a_nested_session_is_found_by_its_pid_there(records):
    outer = records.open_outer(commands=["exec sleep 1111"])
    sleep = H.wait_until(lambda: [p for p in H.processes() if p.name == "sleep" and p.parent == outer.init], "sleep")[0]
    inside = int(re.search(r"^NSpid:.*\t(\d+)$", pathlib.Path(f"/proc/{sleep.pid}/status").read_text(), re.M)[1])
    good = records.nest(outer, login_pid=inside, login_start=start_time(sleep.pid))
    bad = records.nest(outer, login_pid=inside, login_start=1)
    for session, pid in ((good, sleep.pid), (bad, None)):
        shown = json.loads(records.run("show", "-J", session.id).stdout)
        assert [login["login-process"] for login in shown["logins"]] == [pid]
        assert shown["login-process"]["pid"] == pid


def test_a_record_from_inside_does_not_make_us_open_files(records):
    outer = records.open_outer()
    inner = records.nest(outer, policy="/dev/tty", user="root")
    shown = json.loads(records.run("show", "-J", inner.id).stdout)
    assert shown["policy"]["file"] == "/dev/tty" and shown["policy"]["new-login-outcome"] == "unknown"


def flatten(processes):
    for process in processes:
        yield process
        yield from flatten(process.get("children", []))


def processes_of(records, *arguments):
    return {p["command"].split()[-1]: (p["id"], p["pid"], p["parent"]) for p in
            flatten(records.rows("-o", "+PARENT", *arguments, command="ps", key="processes"))
            if p["command"].startswith("sleep")}


@pytest.mark.parametrize("flags", [("mnt", "net", "ipc", "uts", "pid"), ("mnt", "uts")])
def test_ps_has_nested_processes_with_the_outers_and_tells_them_apart(records, flags):
    outer = records.open_outer(commands=["exec sleep 1111"])
    inner = records.nest(outer, flags=flags, commands=["exec sleep 2222"])
    plain = records.open(commands=["exec sleep 3333"])
    H.wait_until(lambda: len(processes_of(records)) == 3, "three of them")
    found = processes_of(records)
    assert {command: ident for command, (ident, _, _) in found.items()} == {
        "1111": outer.id, "2222": inner.id, "3333": plain.id}
    assert "pid" not in flags or found["2222"][1] == 2
    assert set(processes_of(records, outer.id)) == {"1111", "2222"}
    assert set(processes_of(records, inner.id)) == {"2222"}
    outer_count, plain_count = (row["procs"] for row in records.rows("-o", "PROCS"))
    assert plain_count == 2 and outer_count >= 4
    assert (found["1111"][2], found["2222"][2]) == (None, outer.id)


def test_namespaces_of_others_do_not_bring_their_processes(records):
    """Root inside, who got hold of a namespace of another session and of the host's, has none of their processes."""
    bystander = records.open(flags=("net",), commands=["exec sleep 1111"])
    outer = records.open_outer()
    for kind, path in (("net", f"/proc/{bystander.init}/ns/net"), ("uts", "/proc/self/ns/uts")):
        records.nest(outer, flags=("mnt",), around=["nsenter", f"--{kind}={path}"])
    H.wait_until(lambda: processes_of(records).get("1111"), "sleep")
    assert processes_of(records)["1111"][0] == bystander.id
    counts = {row["id"]: row["procs"] for row in records.rows("-o", "ID,PROCS")}
    # its own three, and the nsenter that is not in the PID namespace of the other
    assert counts[bystander.id] == 4 and counts[outer.id] < 10


def test_nested_session_is_killed_and_the_outer_is_not(live):
    outer = live.open_outer("aaaaaaaaaaaa")
    first, second = live.nest(outer), live.nest(outer, user="dave")
    done = live.run("kill", first.id)
    assert (done.returncode, done.stdout.decode()) == (0, f"{first.id}: killed: carol, su, 1 login\n")
    assert not os.path.exists(f"/proc/{first.init}/ns/mnt")
    assert listed(live) == {outer.id: {second.id: {}}}
    assert live.run("kill", "-u", "dave").returncode == 0
    assert listed(live) == {outer.id: {}}


def test_killing_the_outer_kills_what_is_nested(live):
    outer = live.open_outer()
    inner = live.nest(outer)
    done = live.run("kill", outer.id, inner.id)
    assert done.returncode == 0 and done.stdout.count(b": killed: ") == 2
    assert not os.path.exists(f"/proc/{inner.init}/ns/mnt") and listed(live) == {}


# attacks

class Attack:
    """A session of the attacker's with a good nested one, which is the control, and a bystander with another."""

    def __init__(self, records):
        self.records = records
        self.bystander = records.open_outer("111111111111")
        self.theirs = records.nest(self.bystander, "122222222222")
        self.outer = records.open_outer("aaaaaaaaaaaa")
        self.good = records.nest(self.outer, "abbbbbbbbbbb")
        self.directory = self.outer.records
        self.processes = []
        self.enter = ["nsenter", f"--mount=/proc/{self.outer.init}/ns/mnt", f"--pid=/proc/{self.outer.init}/ns/pid"]
        assert self.seen() == self.everything()

    def everything(self):
        return {"111111111111": {"122222222222": {}}, "aaaaaaaaaaaa": {"abbbbbbbbbbb": {}}}

    def seen(self, notes=()):
        return listed(self.records, notes=notes)

    def fails(self):
        assert self.seen() == self.everything()

    def costs_only_themselves(self, note):
        """What was nested in the attacker's own session may be lost, and that is said."""
        seen = self.seen(notes=[f"session aaaaaaaaaaaa: not all that is nested in it is known: {note}"])
        assert seen["111111111111"] == {"122222222222": {}} and seen["aaaaaaaaaaaa"] in ({}, {"abbbbbbbbbbb": {}})
        assert list(seen) == ["111111111111", "aaaaaaaaaaaa"]

    def text(self, session=None, **fields):
        return (session or self.good).text(**{"id": FORGED, **fields})

    def run_inside(self, script):
        """By root in the attacker's session."""
        subprocess.run([*self.enter, "sh", "-ec", script], check=True, timeout=60)

    def run_in_background(self, program, by=None, **options):
        """Python that says when it is ready; by default it is root's in the session."""
        by = self.enter if by is None else by
        process = subprocess.Popen([*by, "/usr/bin/python3", "-c", program], stdout=subprocess.PIPE,
                                   start_new_session=True, **options)
        self.processes.append(process)
        assert process.stdout.readline() == b"\n"

    def hold(self, path, by=()):
        """A process that holds a lock on a file."""
        self.run_in_background(f"import fcntl, time; f = open({str(path)!r}, 'r+'); fcntl.lockf(f, fcntl.LOCK_EX);"
                               "print(flush=True); time.sleep(600)", by=by)

    def close(self):
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def attack(records):
    attack = Attack(records)
    yield attack
    attack.close()


def test_a_record_alone_is_nothing(attack):
    (attack.directory / FORGED).write_text(attack.text())
    attack.fails()


def test_control_a_forged_record_of_a_real_init_is_shown(attack):
    """Whoever is root inside can make sessions, also without the engine: theirs are shown, and theirs alone."""
    attack.records.nest(attack.outer, FORGED)
    assert attack.seen()["aaaaaaaaaaaa"] == {"abbbbbbbbbbb": {}, FORGED: {}}


def test_lock_held_from_outside_the_session(attack):
    (attack.directory / FORGED).write_text(attack.text())
    attack.hold(attack.directory / FORGED)
    attack.fails()


def test_lock_held_by_a_process_that_is_no_init(attack):
    """In a PID namespace right below the session's, but not its first."""
    path = attack.directory / FORGED
    path.write_text(attack.text())
    program = ("import fcntl,os,time; f=open('/run/nsisolate/sessions/%s','r+')\n"
               "if os.fork()==0:\n fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); time.sleep(600)\n"
               "os.wait()" % FORGED)
    attack.run_in_background(program, by=[*attack.enter, *UNSHARE])
    attack.fails()


def test_lock_of_an_open_file_description(attack):
    """It has no holder's pid."""
    path = attack.directory / FORGED
    path.write_text(attack.text())
    with open(path, "r+") as file:
        fcntl.fcntl(file, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        attack.fails()


def test_lock_held_by_the_sessions_own_init(attack):
    (attack.directory / FORGED).write_text(attack.text())
    attack.outer.tell(f"join {attack.good.path_for_init.with_name(FORGED)}")
    attack.fails()


def test_lock_that_outlives_its_holder(attack):
    """Processes that share their files share the lock, and the kernel names the one that took it, which has ended."""
    (attack.directory / FORGED).write_text(attack.text())
    attack.run_in_background(f"""
import ctypes, fcntl, os, time
file = open("/run/nsisolate/sessions/{FORGED}", "r+")
clone_files, sigchld, sys_clone = 0x400, 17, 56
taker = os.fork()
if taker == 0:
    if ctypes.CDLL(None).syscall(sys_clone, clone_files | sigchld, 0, 0, 0, 0) == 0:
        time.sleep(600)
    fcntl.lockf(file, fcntl.LOCK_EX)
    os._exit(0)
os.waitpid(taker, 0)
print(flush=True)
time.sleep(600)
""")
    with open(attack.directory / FORGED, "r+") as file, pytest.raises(BlockingIOError):
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    attack.fails()


def test_process_of_the_host_in_a_session_without_a_pid_namespace(records):
    """Nothing but its mounts tells that the lock's holder is not the session's."""
    outer = records.open_outer("aaaaaaaaaaaa", flags=("mnt", "uts"))
    inner = records.nest(outer, "abbbbbbbbbbb", flags=("mnt", "uts"))
    other = records.open("bbbbbbbbbbbb", flags=("mnt", "uts"))
    assert listed(records) == {outer.id: {inner.id: {}}, other.id: {}}
    attack = Attack.__new__(Attack)
    attack.processes = []
    try:
        for name, by in (("bad000000000", []), ("bad000000001", ["nsenter", f"--mount=/proc/{other.init}/ns/mnt"])):
            (outer.records / name).write_text(inner.text(id=name))
            with open(outer.records / name, "r+") as handed_in:
                attack.run_in_background(f"import fcntl, time; fcntl.lockf({handed_in.fileno()}, fcntl.LOCK_EX);"
                                         "print(flush=True); time.sleep(600)", by=by, pass_fds=[handed_in.fileno()])
        assert listed(records) == {outer.id: {inner.id: {}}, other.id: {}}
    finally:
        attack.close()


@pytest.mark.parametrize("wrap", [[], ["unshare", "--pid", "--fork", "--kill-child"]])
def test_lock_held_by_an_accomplice_in_another_session(attack, wrap):
    (attack.directory / FORGED).write_text(attack.text())
    attack.hold(f"/run/nsisolate/sessions/{FORGED}", by=[
        "nsenter", f"--mount=/proc/{attack.outer.init}/ns/mnt", f"--pid=/proc/{attack.bystander.init}/ns/pid", *wrap])
    attack.fails()


def test_record_that_claims_the_id_of_one_of_the_hosts(attack):
    forged = attack.records.nest(attack.outer, "111111111111", user="mallory")
    assert forged.init
    attack.costs_only_themselves("one claims to be another session")
    shown = json.loads(attack.records.run("show", "-J", "111111111111").stdout)
    assert shown["session"]["user"] == "alice" and shown["init"]["pid"] == attack.bystander.init


def test_record_under_another_name_than_its_own(attack):
    session = attack.records.nest(attack.outer, FORGED, id="0123456789ab")
    assert session.init
    attack.fails()


def test_init_that_is_in_another_session(attack):
    """Its record is bound into the attacker's directory: the lock is held, but the kernel has the init elsewhere."""
    (attack.directory / attack.theirs.id).write_text("")
    bind(attack, attack.theirs.id)
    attack.fails()


def bind(attack, name):
    """Mounts a part of the bystander's directory over that of the attacker, who has it from an accomplice."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.fsencode(f"/run/nsisolate/sessions/{name}")
    pid = os.fork()
    if pid == 0:
        source, target = (os.open(f"/proc/{session.init}/ns/mnt", os.O_RDONLY)
                          for session in (attack.bystander, attack.outer))
        libc.setns(source, 0)
        tree = libc.syscall(SYS_OPEN_TREE, -100, path, OPEN_TREE_CLONE)
        libc.setns(target, 0)
        os._exit(0 if tree >= 0 and libc.syscall(SYS_MOVE_MOUNT, tree, b"", -100, path, MOVE_MOUNT_F_EMPTY_PATH) == 0 else 1)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("what", ["whole", "records"])
def test_directory_of_another_session_mounted_over_ones_own(attack, what):
    name = ".." if what == "whole" else "."
    bind(attack, name)
    seen = listed(attack.records, notes=["its /run/nsisolate is not what it was"] if what == "records" else [])
    assert seen == {"111111111111": {"122222222222": {}}, "aaaaaaaaaaaa": {}}


def test_directory_of_the_host_uncovered(attack):
    pathlib.Path("/run/nsisolate/sessions").mkdir(exist_ok=True)
    (pathlib.Path("/run/nsisolate/sessions") / attack.bystander.id).write_text(attack.bystander.text())
    attack.run_inside("umount -l /run/nsisolate")
    seen = attack.seen()
    os.unlink(f"/run/nsisolate/sessions/{attack.bystander.id}")
    assert seen == {"111111111111": {"122222222222": {}}, "aaaaaaaaaaaa": {}}


@pytest.mark.parametrize("script", [
    "ln -s ../../../etc/passwd bad000000000", "ln -s abbbbbbbbbbb bad000000000", "mkfifo bad000000000",
    "mknod bad000000000 c 1 8", "mknod bad000000000 c 5 0", "mknod bad000000000 b 7 0", "mkdir bad000000000",
    "truncate -s 1T bad000000000", "head -c 500000 /dev/urandom >bad000000000", "touch bad000000000; chmod 0 bad000000000",
    "head -c 16384 /dev/zero >bad000000000", "touch bad000000000; mount --bind /proc/kmsg bad000000000",
    "touch bad000000000; mount --bind /dev/full bad000000000", "cat abbbbbbbbbbb abbbbbbbbbbb >bad000000000",
    "mkfifo \"$(printf 'x\\033[2J')\"",
])
def test_files_that_are_no_records(attack, script):
    attack.run_inside(f"cd /run/nsisolate/sessions; {script}")
    attack.fails()


@pytest.mark.parametrize("script, note", [
    ("mv {0} {0}.away; ln -s {0}.away {0}", "cannot be read"),
    ("rm -rf {0}.away; mv {0} {0}.away; ln -s /proc/1/root{0}.away {0}", "cannot be read"),
    ("mv {0} {0}.away; mkfifo {0}", "cannot be read"),
    ("mv {0} {0}.away; mknod {0} c 1 3", "cannot be read"),
    ("chmod 777 {0}", "not what it was"),
    ("chown 1000 {0}", "not what it was"),
    ("chmod 1777 /run/nsisolate", "not what it was"),
    ("mount -t proc none {0}", "not what it was"),
    ("mount -t tmpfs none {0}", "not what it was"),
    ("mount -t proc none /run/nsisolate", None),
    ("rm -r {0}", None),
])
def test_directories_that_are_not_the_engines(attack, script, note):
    attack.run_inside(script.format("/run/nsisolate/sessions"))
    if note:
        attack.costs_only_themselves("its /run/nsisolate " + ("cannot be read" if "cannot" in note else "is not what it was"))
    else:
        assert attack.seen() == {"111111111111": {"122222222222": {}}, "aaaaaaaaaaaa": {}}


def test_root_directory_that_is_a_link_elsewhere(attack):
    """What is nested is looked for below the session's own root, wherever its names lead."""
    attack.run_inside("umount /run/nsisolate; mount -t tmpfs none /run; ln -s /etc /run/nsisolate")
    seen = attack.seen(notes=["cannot be read"])
    assert seen["111111111111"] == {"122222222222": {}}


def test_a_hundred_thousand_files(attack):
    attack.run_inside("mount -o remount,size=1g,nr_inodes=200000 /run/nsisolate; cd /run/nsisolate/sessions;"
                      "/usr/bin/python3 -c 'for n in range(100000): open(\"%012x\" % n, \"w\")'")
    attack.costs_only_themselves("there are too many files")


def test_more_sessions_than_are_shown(attack):
    """One init with the locks of many records is still one session."""
    script = ("import fcntl,time\nbase='/run/nsisolate/sessions/'\ntext=open(base+'abbbbbbbbbbb').read()\nkept=[]\n"
              "for n in range(400):\n name='bad%09x' % n\n f=open(base+name,'w+'); "
              "f.write(text.replace('id=abbbbbbbbbbb','id='+name)); f.flush(); fcntl.lockf(f, fcntl.LOCK_EX); kept.append(f)\n"
              "print(flush=True); time.sleep(600)")
    attack.run_in_background(script, by=[*attack.enter, *UNSHARE])
    assert attack.seen()["111111111111"] == {"122222222222": {}}
    assert attack.seen()["aaaaaaaaaaaa"] == {"abbbbbbbbbbb": {}, "bad000000000": {}}


def test_crowd_of_sessions_is_cut_off(attack):
    script = ("import fcntl,os,time\nbase='/run/nsisolate/sessions/'\ntext=open(base+'abbbbbbbbbbb').read()\n"
              "for n in range(300):\n name='bad%09x' % n\n f=open(base+name,'w+')\n"
              " f.write(text.replace('id=abbbbbbbbbbb','id='+name)); f.flush()\n"
              " ready,done=os.pipe()\n"
              " if os.fork()==0:\n  fcntl.lockf(f, fcntl.LOCK_EX); os.write(done, b'.'); time.sleep(600)\n"
              " os.read(ready, 1); os.close(ready); os.close(done)\n"
              "print(flush=True); time.sleep(600)")
    attack.run_in_background(script)
    seen = attack.seen(notes=["not all that is nested in it is known: there are too many"])
    assert seen["111111111111"] == {"122222222222": {}}
    assert 200 < len(seen["aaaaaaaaaaaa"]) <= 256


def test_reader_that_is_held_up_is_given_up(attack):
    """fanotify(7) lets root inside decide about every open(2) of a file, and take forever."""
    libc = ctypes.CDLL(None, use_errno=True)
    FAN_CLASS_CONTENT, FAN_MARK_ADD, FAN_MARK_MOUNT, FAN_OPEN_PERM = 4, 1, 0x10, 0x10000
    fanotify = libc.fanotify_init(FAN_CLASS_CONTENT, os.O_RDONLY)
    if fanotify < 0:
        pytest.skip("no fanotify permission events")
    path = os.fsencode(f"{attack.directory}/{attack.good.id}")
    assert libc.fanotify_mark(fanotify, FAN_MARK_ADD, ctypes.c_uint64(FAN_OPEN_PERM), -100, path) == 0
    try:
        attack.costs_only_themselves("reading in it takes too long")
    finally:
        os.close(fanotify)
    attack.fails()


def test_process_that_is_not_one_any_more_is_not_asked(attack):
    """The good one's init has ended, and its record stays."""
    attack.good.end()
    assert attack.seen() == {"111111111111": {"122222222222": {}}, "aaaaaaaaaaaa": {}}


@pytest.mark.parametrize("command", [["list"], ["list", "-J"], ["list", "-r"], ["list", "-P", "--output-all"], ["ps"],
                                     ["ps", "-J"], ["show", FORGED], ["show", "-J", FORGED], ["show", "aaaaaaaaaaaa"]])
def test_hostile_text_reaches_neither_terminal_nor_parser(attack, command):
    hostile = b"\x1b]0;owned\a\x1b[2J\r\n\t\"'`$\\x41\xff\xc3\xa9\xe2\x80\xae\xc2\x9b2J"
    attack.records.nest(attack.outer, FORGED, user=hostile, service=hostile, tty=hostile, remote_host=hostile,
                        policy=hostile, sources=hostile, mode=hostile, scope=hostile, on_logout=hostile)
    result = attack.records.run(*command)
    assert result.returncode == 0, result.stderr
    text = (result.stdout + result.stderr).decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    if "-J" in command:
        json.loads(result.stdout)

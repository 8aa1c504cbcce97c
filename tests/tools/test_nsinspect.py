# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect against sessions made by hand: what is shown is what the kernel says, whatever the records say."""

import contextlib
import json
import os
import pathlib
import pty
import re
import subprocess

import pytest

from conftest import NAMESPACES, namespaces_of, nsinspect, start_time
from support import host as H

HOSTILE = b"\x1b]0;owned\a\x1b[2J\r\n\t\"'`$\\x41\xff\xc3\xa9\xe2\x80\xae\xc2\x9b2J"
TABLES = ["list", "ps"]
EVERYTHING_FOR_PROGRAMS = [["-J"], ["-r"], ["-P"]]


def flatten(processes):
    for process in processes:
        yield process
        yield from flatten(process.get("children", []))


def processes_of(records, *arguments, expected=1, command=None):
    """
    Its processes, once they are as many as expected and one of them runs the command; without what made the session,
    which is in it but for the PID namespace.
    """
    found = []

    def are_there():
        found[:] = [process for process in flatten(records.rows(*arguments, command="ps", key="processes"))
                    if process["pid"] is not None]
        return len(found) == expected and (command is None or command in [process["command"] for process in found])

    H.wait_until(are_there, lambda: found)
    return found


# list

def test_no_sessions_are_an_empty_list(records):
    assert records.run("list").stdout == b""
    assert records.run("list").returncode == 0
    assert records.rows() == []


def test_missing_directory_is_an_empty_list(records):
    records.directory.rmdir()
    assert records.rows() == []


def test_live_session_is_listed_with_what_the_kernel_says(records):
    session = records.open()
    row, = records.rows("--output-all")
    assert row["id"] == session.id
    assert row["state"] == "active"
    assert row["namespaces"] == ["mnt", "net", "ipc", "uts", "pid"]
    assert row["init-pid"] == session.init
    assert row["login-pid"] == session.login.pid
    assert row["since"].startswith("2023-11-1")
    assert row["sources"] == ["group/students.conf", "default.conf"]
    assert row["hash"] == "0123456789abcdef"
    assert row["procs"] == 1
    for kind, inode in session.namespaces.items():
        assert row[kind] == inode


def test_default_columns_are_those_of_the_manual(records):
    records.open()
    heading = records.run("list").stdout.decode().splitlines()[0]
    assert heading.split() == "ID USER SERVICE TTY FROM SINCE NAMESPACES POLICY STATE".split()


def test_init_pid_comes_from_the_lock_and_not_from_the_text(records):
    session = records.open(init_pid=1)
    assert records.rows("-o", "INIT-PID")[0]["init-pid"] == session.init


def test_namespaces_are_not_believed(records):
    session = records.open(flags=("mnt", "uts"), **{"ns-net": 4026530000})
    row, = records.rows()
    assert row["namespaces"] == ["mnt", "uts"]
    assert row["state"] == "changed"
    assert session.id in row["id"]


@pytest.mark.parametrize("columns", ["ID,NAMESPACES,STATE", "ID,NAMESPACES,STATE,MNT"])
@pytest.mark.parametrize("kind", ["mnt", "net", "ipc", "uts", "pid"])
def test_each_recorded_namespace_is_compared_whatever_is_shown(records, kind, columns):
    session = records.open(**{f"ns-{kind}": 4026530000})
    row, = records.rows("-o", columns)
    assert row["state"] == "changed"
    assert row["namespaces"] == list(session.namespaces)


def test_init_that_left_a_namespace_is_changed(records):
    session = records.open()
    assert records.rows("-o", "STATE") == [{"state": "active"}]
    session.tell("move")
    assert records.rows("-o", "STATE") == [{"state": "changed"}]


def test_login_in_the_sessions_mounts_is_running_while_the_init_says_so(records):
    """As a login process is; the one of the fixture is not."""
    session = records.open()
    inside = subprocess.Popen(["nsenter", f"--mount=/proc/{session.init}/ns/mnt", "sh", "-c", "echo in; exec sleep 600"],
                              stdout=subprocess.PIPE)
    assert inside.stdout.readline() == b"in\n"
    session.end_login()
    session.path.write_text(session.text(**{"login-pid": inside.pid, "login-start": start_time(inside.pid)}))
    assert records.rows("-o", "STATE") == [{"state": "active"}]
    session.tell("leave")
    assert records.rows("-o", "STATE") == [{"state": "closing"}]
    inside.kill()
    inside.wait()


def test_since_lists_what_was_opened_or_joined_since(records):
    old = records.open(opened=1700000000)
    joined = records.open(opened=1700000000)
    joined.join(opened=1700009000)
    new = records.open(opened=1700009000)
    for since, expected in (("@1700000000", {old.id, joined.id, new.id}), ("@1700000001", {joined.id, new.id}),
                            ("@1700009001", set())):
        assert {row["id"] for row in records.rows("--since", since)} == expected
    done = records.run("list", "--since", "one day")
    assert done.returncode == 2 and b"--since" in done.stderr


def test_session_without_its_login_process_is_closing(records):
    session = records.open()
    session.end_login()
    assert records.rows()[0]["state"] == "closing"


def test_reused_login_pid_is_another_process(records):
    records.open(login_start=1)
    assert records.rows()[0]["state"] == "closing"


def test_unreaped_login_process_is_gone(records):
    session = records.open()
    session.login.kill()
    os.waitid(os.P_PID, session.login.pid, os.WEXITED | os.WNOWAIT)
    assert records.rows()[0]["state"] == "closing"


def test_ended_session_is_listed_only_on_request_and_never_as_alive(records):
    session = records.open()
    session.end()
    assert records.rows() == []
    row, = records.rows("--all", "--output-all")
    assert row["state"] == "ended"
    assert row["namespaces"] == [None]  # as lsblk prints an empty array
    assert row["init-pid"] is None
    assert row["mnt"] is None


def test_file_that_is_no_record_is_listed_only_on_request(records):
    (records.directory / "0123456789ab").write_text("garbage")
    (records.directory / "x\x1b[2Jy").write_text("garbage")
    os.mkfifo(records.directory / "fifo")
    assert records.rows() == []
    rows = records.rows("--all")
    assert {row["state"] for row in rows} == {"invalid"}
    assert {row["id"] for row in rows} == {"0123456789ab", "fifo", "x\\x1b[2Jy"}


def test_broken_record_whose_lock_is_held_shows_in_any_case(records):
    records.open(text="garbage")
    row, = records.rows()
    assert row["state"] == "invalid"
    assert row["namespaces"] == ["mnt", "net", "ipc", "uts", "pid"]
    assert row["user"] is None


# several logins in one session

def logins_of(row):
    return [(login["id"], login["state"]) for login in row.get("logins", [])]


def test_logins_that_joined_are_below_their_session(records):
    session = records.open(scope="user")
    login = session.join("00beef", service="sudo")
    row, = records.rows("-o", "+NLOGINS,SCOPE,LOGIN-PID,DEPTH,PARENT,INIT-PID")
    assert (row["id"], row["state"], row["service"], row["logins"][0]["service"]) == (session.id, "active", "sshd", "sudo")
    assert logins_of(row) == [(f"{session.id}.00beef", "active")]
    assert row["logins"][0]["login-pid"] == login.pid
    assert row["logins"][0]["policy"] is None and row["logins"][0]["init-pid"] is None
    assert (row["scope"], row["depth"], row["parent"]) == ("user", 0, None)
    assert row["nlogins"] == 2


def test_number_of_logins(records):
    session = records.open(scope="user")
    assert records.rows("-o", "NLOGINS") == [{"nlogins": 1}]
    session.join("00beef")
    session.join("00bef0")
    assert records.run("list", "-r", "-n", "-o", "NLOGINS").stdout.split() == [b"3"]
    session.leave()
    assert records.run("list", "-r", "-n", "-o", "NLOGINS").stdout.split() == [b"2"]


def test_logins_are_a_tree_for_people_only(records):
    session = records.open(scope="user")
    session.join("00beef")
    session.join("00bef0")
    columns = ("-o", "ID,TTY,STATE")
    table, bare, pairs, raw = (records.run("list", *options, *columns).stdout.decode().splitlines()
                               for options in ((), ("-n",), ("-P",), ("-r",)))
    ident = session.id
    assert [line.split() for line in bare] == [[ident, "ssh", "active"], [f"├─{ident}.00beef", "pts/7", "active"],
                                               [f"└─{ident}.00bef0", "pts/7", "active"]]
    assert table[1:] == bare
    assert pairs[1] == f'ID="{ident}.00beef" TTY="pts/7" STATE="active"'
    assert raw[1:] == [f"{ident} ssh active", f"{ident}.00beef pts/7 active", f"{ident}.00bef0 pts/7 active"]


def test_session_whose_opener_has_gone_is_active_while_another_is_in(records):
    session = records.open(scope="user")
    session.join("00beef")
    session.leave()
    row, = records.rows()
    assert (row["state"], row["tty"]) == ("active", "ssh")
    assert logins_of(row) == [(session.id, "gone"), (f"{session.id}.00beef", "active")]


def test_session_that_waits_lingers_without_logins(records):
    session = records.open(scope="user", on_logout="wait")
    login = session.join("00beef")
    session.leave()
    assert records.rows()[0]["state"] == "active"
    login.kill()
    login.wait()
    row, = records.rows()
    assert row["state"] == "lingering"
    assert logins_of(row) == [(f"{session.id}.00beef", "gone")]


def test_session_that_does_not_wait_is_closing_without_logins(records):
    session = records.open(scope="user")
    session.leave()
    row, = records.rows()
    assert row["state"] == "closing" and "logins" not in row


def test_init_knows_that_a_login_has_left_before_its_process_ends(records):
    session = records.open(on_logout="wait")
    session.tell("leave")
    assert records.rows()[0]["state"] == "lingering"


def test_login_that_no_init_vouches_for_has_ended(records):
    session = records.open(scope="user")
    other = records.open(scope="user")
    session.join("00beef", locked=False)
    session.join("00bef0", locked=False)
    other.tell(f"join {session.path}.00bef0")  # held, but by another init
    row, _ = records.rows()
    assert row["state"] == "active" and "logins" not in row
    row, _ = records.rows("--all")
    assert logins_of(row) == [(f"{session.id}.00beef", "ended"), (f"{session.id}.00bef0", "ended")]
    assert records.run("list", "-rno", "NLOGINS").stdout.split() == [b"1", b"1"]


def test_logins_of_an_ended_session_have_ended(records):
    session = records.open(scope="user")
    session.join("00beef")
    session.end()
    assert records.rows() == []
    assert [(row["id"], row["state"]) for row in records.rows("--all")] == [
        (session.id, "ended"), (f"{session.id}.00beef", "ended")]


def test_login_without_a_session_has_ended(records):
    session = records.open(scope="user")
    session.join("00beef")
    session.path.unlink()
    assert records.rows() == []
    assert [(row["id"], row["state"]) for row in records.rows("--all")] == [(f"{session.id}.00beef", "ended")]


def test_plain_sessions_look_as_they_always_did(records):
    session = records.open()
    assert "children" not in records.rows()[0] and "logins" not in records.rows()[0]
    assert records.run("list", "-n").stdout.decode().split()[:3] == [session.id, "alice", "sshd"]


def test_id_of_a_login_names_its_session(records):
    session = records.open(scope="user")
    session.join("00beef")
    for ident in (session.id, f"{session.id}.00beef", session.id[:11]):
        assert json.loads(records.run("show", "-J", ident).stdout)["session"]["id"] == session.id
    assert records.run("show", f"{session.id}.00bee").returncode == 1


# sessions within sessions

def inode(pid, kind="pid"):
    return namespaces_of(pid)[kind]


def test_session_recorded_from_inside_another_is_below_that(records):
    """One inside has no mounts of its own, and its record is in the host's directory."""
    outer = records.open("bbbbbbbbbbbb", flags=("mnt", "pid"))
    inner = records.open("aaaaaaaaaaaa", flags=("uts", "pid"), within=outer, outer_pid_namespace=inode(outer.init))
    row, = records.rows("-o", "+DEPTH,PARENT")
    assert (row["id"], row["depth"], row["state"]) == (outer.id, 0, "active")
    assert [(row["id"], row["depth"], row["parent"]) for row in row["sessions"]] == [(inner.id, 1, outer.id)]
    assert row["sessions"][0]["namespaces"] == ["uts", "pid"]


def test_a_record_that_names_another_pid_namespace_is_not_believed(records):
    """It is below a session only if the kernel has it there."""
    outer = records.open("aaaaaaaaaaaa", flags=("mnt", "pid"))
    records.open("bbbbbbbbbbbb", flags=("uts", "pid"), outer_pid_namespace=inode(outer.init))
    assert [row["id"] for row in records.rows()] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]


# text that its author chose to do harm

@pytest.mark.parametrize("arguments", [[], *EVERYTHING_FOR_PROGRAMS])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_hostile_text_reaches_neither_terminal_nor_parser(records, arguments, locale):
    fields = {"user": HOSTILE, "service": HOSTILE, "tty": HOSTILE, "remote-host": HOSTILE, "policy": HOSTILE,
              "sources": HOSTILE + b"," + HOSTILE, "mode": HOSTILE}
    records.open(**fields)
    for command in (["list", "--output-all"], ["show", "a"]):
        if command[0] == "show" and arguments not in ([], ["-J"]):
            continue
        result = records.run(*command, *arguments, env={"LC_ALL": locale})
        assert result.returncode == 0
        text = result.stdout.decode()  # UTF-8 throughout
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
        if command[0] == "list" and arguments != ["-J"]:
            assert len(text.splitlines()) == (1 if arguments == ["-P"] else 2)  # a heading and the session
        if arguments == ["-J"]:
            json.loads(text)


def test_escapes_can_be_undone(records):
    records.open(user=HOSTILE)
    shown = records.rows()[0]["user"].encode()
    assert re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), shown) == HOSTILE


def test_long_text_leaves_a_table_readable_and_is_whole_for_programs(records):
    records.open(user="n" * 4096)
    assert max(len(line) for line in records.run("list").stdout.splitlines()) < 300
    assert records.rows()[0]["user"] == "n" * 4096


def test_table_fits_the_terminal(records):
    records.open(user="n" * 4096, remote_host="2001:db8::" + "f" * 30)
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", "100"], stdin=child, check=True)
    subprocess.run([os.environ.get("NSINSPECT", "nsinspect"), "list", "--record-dir", records.directory], stdout=child,
                   check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    os.close(child)
    output = b""
    try:
        while block := os.read(parent, 65536):
            output += block
    except OSError:
        pass
    os.close(parent)
    assert max(len(line) for line in output.decode().splitlines()) <= 100


def on_terminal(records, *arguments):
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", "1000", "-opost"], stdin=child, check=True)
    subprocess.run([os.environ.get("NSINSPECT", "nsinspect"), "list", "--record-dir", records.directory, "--color=never",
                    *arguments], stdout=child, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    os.close(child)
    output = b""
    with contextlib.suppress(OSError):
        while block := os.read(parent, 65536):
            output += block
    os.close(parent)
    return output


SHAPES = ([], ["-n"], ["--output-all"], ["-o", "TTY,UID"], ["-o", "UID,TTY,FROM"], ["-o", "FROM"], ["-o", "NLOGINS,STATE"])


@pytest.mark.parametrize("user", ["alice", "alice-of-the-long-name", "\u00fcnal"])
def test_table_is_the_same_on_a_wide_terminal_and_elsewhere(records, user):
    session = records.open(tty="", user=user.encode(), remote_host="")
    records.open(remote_host="2001:db8::1")
    for join in (False, True):
        if join:
            session.join()
        for arguments in SHAPES:
            elsewhere = records.run("list", *arguments).stdout
            assert elsewhere and elsewhere == on_terminal(records, *arguments), arguments


# output

def test_output_selects_and_adds_columns(records):
    records.open()
    assert records.run("list", "-o", "user,Id").stdout.split() == [b"USER", b"ID", b"alice", b"a00000000000"]
    assert records.run("list", "-n", "-o", "USER").stdout.split() == [b"alice"]
    heading = records.run("list", "-o", "+UID").stdout.split(b"\n")[0].split()
    assert heading[0] == b"ID" and heading[-1] == b"UID"


def test_pairs_can_be_evaluated_by_a_shell(records):
    records.open(user="$(touch /tmp/never)`id`\"'")
    pairs = records.run("list", "-P", "-o", "USER,LOGIN-PID").stdout
    output = subprocess.run(["sh", "-c", pairs.decode() + 'printf %s "$USER"'], capture_output=True, check=True).stdout
    assert output.startswith(b"\\x24")
    assert not os.path.exists("/tmp/never")


@pytest.mark.parametrize("command", TABLES)
def test_unknown_column_is_wrong_usage(records, command):
    result = records.run(command, "-o", "ID,NONE")
    assert result.returncode == 2
    assert b"unknown column 'NONE'" in result.stderr
    assert result.stdout == b""


def test_full_disk_is_a_failure(records):
    records.open()
    with open("/dev/full", "w") as full:
        result = subprocess.run([os.environ.get("NSINSPECT", "nsinspect"), "list", "--record-dir", records.directory],
                                stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 2
    assert b"standard output" in result.stderr


# show

def test_show_puts_kernel_and_record_side_by_side(records):
    session = records.open(user="root", **{"ns-net": 4026530000})
    result = records.run("show", "-J", session.id)
    assert result.returncode == 0
    shown = json.loads(result.stdout)
    assert shown["session"]["state"] == "changed"
    network, = (n for n in shown["namespaces"] if n["type"] == "net")
    assert network["record"] == 4026530000
    assert network["kernel"] == session.namespaces["net"]
    assert any(d.startswith("net namespace: the record says 4026530000") for d in shown["differences"])
    assert shown["init"]["pid"] == session.init
    assert shown["interfaces"] == [{"name": "lo", "up": False, "address": None}]
    assert [m["target"] for m in shown["own-mounts"]] == ["/proc"]
    assert network["differs"] and [n["type"] for n in shown["namespaces"] if n["differs"]] == ["net"]


def test_show_asks_inside_for_the_host_name_and_stays_outside(records):
    before = os.uname().nodename
    session = records.open(commands=["hostname inside.example"])
    shown_until(records, session, lambda shown: shown["inside"]["hostname"] == "inside.example")
    assert os.uname().nodename == before


def test_show_lists_interfaces_that_are_up_with_their_addresses(records):
    session = records.open(commands=["ip link set lo up"])
    shown = shown_until(records, session, lambda shown: any(i["address"] == "::1/128" for i in shown["interfaces"]))
    assert {"name": "lo", "up": True, "address": "127.0.0.1/8"} in shown["interfaces"]


def test_show_is_text_for_people(records):
    session = records.open()
    text = records.run("show", session.id).stdout.decode()
    assert re.search(r"^  state: +active$", text, re.M)
    assert re.search(rf"^  mnt +{session.namespaces['mnt']} +{session.namespaces['mnt']} +yes$", text, re.M)


def shown_until(records, session, condition):
    """What show says, once that is so."""
    shown = {}

    def is_so():
        shown.update(json.loads(records.run("show", "-J", session.id).stdout))
        return condition(shown)

    H.wait_until(is_so, lambda: shown)
    return shown


def of_processes(shown, key, name):
    return [(row.get("value", row.get("soft")), row["processes"], row["of"], row["differs"])
            for row in shown[key] if row.get("set", row.get("limit")) == name]


def test_show_tells_which_processes_may_do_what(records):
    limited = "ulimit -S -n 99; exec setpriv --no-new-privs --bounding-set -all sleep 300"
    session = records.open(commands=["exec sleep 300", "exec sleep 300", limited])
    shown = shown_until(records, session, lambda shown: ("yes", 1, 3, True) in of_processes(shown, "privileges", "no-new-privileges"))
    assert of_processes(shown, "privileges", "no-new-privileges") == [("no", 2, 3, False), ("yes", 1, 3, True)]
    (_, *most), fewest = of_processes(shown, "privileges", "bounding")
    assert most == [2, 3, False] and fewest == ("none", 1, 3, True)
    assert ("99", 1, 3, True) in of_processes(shown, "limits", "open files")
    pid, = {row["pids"] for row in shown["privileges"] if row["differs"] and row["set"] == "bounding"}
    assert b"300" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    assert [group["of"] for group in shown["control-groups"]] == [3]
    text = records.run("show", session.id).stdout.decode()
    assert re.search(rf"^! no-new-privileges yes +1 +3 {pid}$", text, re.M)
    assert re.search(r"^  no-new-privileges no +2 +3 -$", text, re.M)


@pytest.mark.parametrize("kind", ["net", "uts", "mnt"])
def test_show_tells_who_holds_its_namespaces(records, kind, tmp_path):
    session, other = records.open(), records.open()
    with open(f"/proc/{session.init}/ns/{kind}") as held:
        shown = json.loads(records.run("show", "-J", session.id).stdout)
        holder, = shown["held-from-outside"]
        assert (holder["namespace"], holder["pid"]) == (os.readlink(f"/proc/self/fd/{held.fileno()}"), os.getpid())
        assert json.loads(records.run("show", "-J", other.id).stdout)["held-from-outside"] == []
    assert json.loads(records.run("show", "-J", session.id).stdout)["held-from-outside"] == []


def test_show_tells_where_its_namespaces_are_mounted(records, tmp_path):
    session = records.open()
    place = tmp_path / "kept\x1b[2J\nhere"
    place.touch()
    subprocess.run(["mount", "--bind", f"/proc/{session.init}/ns/net", place], check=True)
    try:
        holder, = json.loads(records.run("show", "-J", session.id).stdout)["held-from-outside"]
        assert (holder["pid"], holder["held-by"]) == (None, f"{tmp_path}/kept\\x1b[2J\\x0ahere")
    finally:
        subprocess.run(["umount", place], check=True)


def test_show_lists_the_logins(records):
    session = records.open(scope="user", on_logout="wait")
    login = session.join("00beef")
    shown = json.loads(records.run("show", "-J", session.id).stdout)
    assert (shown["session"]["scope"], shown["session"]["on-logout"], shown["session"]["nested-in"]) == ("user", "wait", None)
    first, second = shown["logins"]
    assert (first["id"], first["service"], first["tty"], first["from"], first["login-process"], first["state"]) == (
        session.id, "sshd", "ssh", "192.0.2.7", session.login.pid, "running")
    assert (second["id"], second["service"], second["tty"], second["login-process"], second["state"]) == (
        f"{session.id}.00beef", "su", "pts/7", login.pid, "running")
    assert first["since"] < second["since"] and "contains" not in shown
    session.leave()
    shown = json.loads(records.run("show", "-J", f"{session.id}.00beef").stdout)
    assert [login["state"] for login in shown["logins"]] == ["gone", "running"]
    assert not any("login process" in difference for difference in shown["differences"])
    assert re.search(rf"^  {session.id}.00beef +su +pts/7", records.run("show", session.id).stdout.decode(), re.M)


def test_show_of_an_ended_session_says_so_and_shows_nothing_of_the_kernel(records):
    session = records.open()
    session.end()
    shown = json.loads(records.run("show", "-J", session.id).stdout)
    assert shown["session"]["state"] == "ended"
    assert "namespaces" not in shown
    assert "init" not in shown


def test_unknown_id_is_not_found(records):
    records.open()
    for command in ("show", "ps"):
        result = records.run(command, "f")
        assert result.returncode == 1
        assert b"no session 'f'\n" in result.stderr
        result = records.run(command, "alice")
        assert result.returncode == 1
        assert b"no session 'alice'; 'nsinspect list -u alice' lists those of that user\n" in result.stderr


def test_unique_beginning_of_an_id_is_enough(records):
    first = records.open("aaaaaaaaaaaa")
    records.open("aaaabbbbbbbb")
    assert json.loads(records.run("show", "-J", "aaaaa").stdout)["session"]["id"] == first.id
    result = records.run("show", "aaaa")
    assert result.returncode == 2
    assert b"aaaaaaaaaaaa, aaaabbbbbbbb" in result.stderr


def test_live_session_comes_before_an_ended_one_of_the_same_beginning(records):
    records.open("aaaaaaaaaaaa").end()
    live = records.open("aaaabbbbbbbb")
    assert json.loads(records.run("show", "-J", "aa").stdout)["session"]["id"] == live.id
    assert json.loads(records.run("show", "-J", "aaaaaa").stdout)["session"]["state"] == "ended"


# ps

def test_ps_has_the_pids_of_both_sides(records):
    session = records.open(commands=["exec sleep 300"])
    init, child = sorted(processes_of(records, session.id, expected=2, command="sleep 300"), key=lambda p: p["pid"])
    assert (init["pid"], init["host-pid"]) == (1, session.init)
    assert child["pid"] == 2
    assert child["command"] == "sleep 300"
    assert child["host-pid"] != 2
    assert init["children"] == [child]


def test_ps_counts_nested_pid_namespaces_in(records):
    session = records.open(commands=["exec unshare --pid --fork unshare --pid --fork sleep 300"])
    found = processes_of(records, session.id, expected=4, command="sleep 300")
    sleep, = (p for p in found if p["command"] == "sleep 300")
    assert sleep["pid"] == 4  # in the session's own PID namespace, where it is 1 in its innermost
    assert records.rows("-o", "PROCS")[0]["procs"] == 4


def test_ps_of_a_session_without_a_pid_namespace_goes_by_the_others(records):
    session = records.open(flags=("net",), commands=["exec sleep 300"])
    found = processes_of(records, session.id, expected=3)  # with unshare itself
    assert {p["pid"] for p in found} == {p["host-pid"] for p in found}


def test_ps_without_id_has_every_session_and_nothing_else(records):
    sessions = [records.open(), records.open()]
    found = processes_of(records, expected=2)
    assert [p["id"] for p in found] == [s.id for s in sessions]
    assert str(os.getpid()) not in {p["host-pid"] for p in found}


def test_ps_of_an_ended_session_finds_nothing(records):
    session = records.open()
    session.end()
    result = records.run("ps", session.id)
    assert result.returncode == 1
    assert b"has ended" in result.stderr


def test_ps_draws_its_tree_for_people_only(records):
    session = records.open(commands=["exec sh -c 'sleep 300; true'"])
    processes_of(records, session.id, expected=3, command="sleep 300")
    columns = ("-o", "COMMAND,PID", session.id)
    table, bare, pairs, raw = (records.run("ps", *options, *columns).stdout.decode().splitlines()
                               for options in ((), ("-n",), ("-P",), ("-r",)))
    assert re.fullmatch(r"unshare .*", table[1]) and re.fullmatch(r"└─/usr/bin/python3 .*", table[2])
    assert [re.sub(r" +", " ", line) for line in table[3:]] == [" └─sh -c sleep 300; true 2", " └─sleep 300 3"]
    assert bare == table[1:]
    assert pairs[2:] == ['COMMAND="sh -c sleep 300; true" PID="2"', 'COMMAND="sleep 300" PID="3"']
    assert raw[3:] == [r"sh\x20-c\x20sleep\x20300;\x20true 2", r"sleep\x20300 3"]
    assert pairs[1].startswith('COMMAND="/usr/bin/python3 ') and raw[2].startswith(r"/usr/bin/python3\x20")


def test_command_lines_are_hostile_too(records):
    session = records.open(commands=["exec -a \"$(printf 'x\\033[2J\\376y')\" sleep 300".replace("exec -a", "exec bash -c 'exec -a \"$0\" sleep 300'")])
    processes_of(records, session.id, expected=2)
    for arguments in ([], ["-J"], ["-r"], ["-P"]):
        output = records.run("ps", session.id, *arguments).stdout
        assert b"\x1b" not in output
        assert b"[2J" in output
        output.decode()


# policy and check

@pytest.fixture
def policies(tmp_path):
    directory = tmp_path / "policies"
    for name in ("user", "group"):
        (directory / name).mkdir(parents=True)
    (directory / "default.conf").write_text('# everyone\nnetwork {\n    mode = "none"\n}\n')
    (directory / "group/daemon.conf").write_text('mode = "off"\n')
    return directory


def policy(directory, *arguments):
    return nsinspect("policy", "--policy-dir", str(directory), *arguments)


def test_policy_names_the_file_that_decides_and_why_not_the_others(host, policies):
    result = policy(policies, "-J", "nobody")
    shown = json.loads(result.stdout)
    assert result.returncode == 0
    assert shown["login"]["policy"] == "default.conf" or shown["login"]["outcome"] == "system-user"
    statuses = {c["file"]: c["status"] for c in shown["candidates"]}
    assert statuses["user/nobody.conf"] == "no such file"
    assert statuses["group/daemon.conf"] == "not a member"


def test_policy_has_every_value_with_its_origin(host, policies):
    (policies / "user/nobody.conf").write_text('uts {\n  hostname = "jail"\n}\n')
    shown = json.loads(policy(policies, "-J", "nobody").stdout)
    values = {v["key"]: v for v in shown["values"]}
    assert shown["login"]["outcome"] == "policy"
    assert shown["login"]["meaning"] == "isolated"
    assert (values["uts.hostname"]["value"], values["uts.hostname"]["file"], values["uts.hostname"]["line"]) == \
        ("jail", "user/nobody.conf", 2)
    assert values["network.mode"]["file"] == "built-in default"
    assert re.fullmatch("[0-9a-f]{16}", shown["login"]["hash"])


def test_broken_policy_is_a_finding(host, policies):
    (policies / "user/nobody.conf").write_text('network {\n  mode = "loopbak"\n}\n')
    result = policy(policies, "-J", "nobody")
    shown = json.loads(result.stdout)
    assert result.returncode == 1
    assert shown["login"]["outcome"] == "refused"
    assert "user/nobody.conf:2" in shown["login"]["problem"]
    broken, = (c for c in shown["candidates"] if c["status"] == "broken")
    assert broken["file"] == "user/nobody.conf"


def test_plan_is_printed_by_place_and_not_carried_out(host, policies):
    (policies / "user/nobody.conf").write_text("")
    before = os.readlink("/proc/self/ns/net")
    result = policy(policies, "--plan", "nobody")
    assert result.returncode == 0
    assert re.search(rb"^init +mount-proc", result.stdout, re.M)
    steps = json.loads(policy(policies, "--plan", "-J", "nobody").stdout)["plan"]
    assert {s["place"] for s in steps} == {"host", "init", "caller"}
    assert os.readlink("/proc/self/ns/net") == before


def test_mode_off_shows_nothing_that_does_not_apply(host, policies):
    (policies / "user/nobody.conf").write_text('network { mode = "none" }\nmode = "off"\n')
    shown = json.loads(policy(policies, "-J", "nobody").stdout)
    assert shown["login"]["outcome"] == "policy"
    assert shown["login"]["meaning"] == 'passed: mode is "off", and nothing else applies'
    assert shown["values"] == [{"key": "mode", "value": "off", "file": "user/nobody.conf", "line": 2}]


@pytest.mark.parametrize("text, service, why", [
    ('mode = "off"', "login", "mode off"),
    ("", "systemd-user", "user-manager refuse"),
    ('user-manager = "allow"', "systemd-user", "user-manager allow"),
])
def test_no_session_has_no_plan(host, policies, text, service, why):
    (policies / "user/nobody.conf").write_text(text)
    result = policy(policies, "--plan", "--service", service, "nobody")
    assert (result.returncode, result.stdout.decode(), result.stderr) == (0, f"no session: {why}\n", b"")
    shown = json.loads(policy(policies, "--plan", "--service", service, "-J", "nobody").stdout)
    assert shown == {"no-session": why, "plan": []}


def test_plan_has_private_directories_where_the_user_gets_them(host, policies):
    (policies / "user/nobody.conf").write_text('mount { private "/home/%u" { } }\n')
    assert re.search(rb"^init +mount-tmpfs +/home/nobody size=512m", policy(policies, "--plan", "nobody").stdout, re.M)


def test_root_is_passed_unless_it_has_a_file(host, policies):
    assert json.loads(policy(policies, "-J", "root").stdout)["login"]["outcome"] == "root"
    (policies / "user/root.conf").write_text("")
    assert json.loads(policy(policies, "-J", "root").stdout)["login"]["outcome"] == "policy"


def test_system_user_is_decided_by_a_file_of_its_own_only(host, policies):
    assert json.loads(policy(policies, "-J", "daemon").stdout)["login"]["outcome"] == "system-user"
    (policies / "user/daemon.conf").write_text("")
    assert json.loads(policy(policies, "-J", "daemon").stdout)["login"]["outcome"] == "policy"


def test_unknown_user_is_not_found(host, policies):
    for name in ("no-such-user", "../etc", "a\x1b[2J"):
        result = policy(policies, name)
        assert result.returncode == 1
        assert b"\x1b" not in result.stderr


def test_missing_policy_directory_refuses(host, tmp_path):
    result = policy(tmp_path / "none", "-J", "nobody")
    assert result.returncode == 1
    assert json.loads(result.stdout)["login"]["outcome"] == "refused"


def test_check_finds_nothing_in_good_policies(host, policies):
    result = nsinspect("check", str(policies))
    assert result.stdout.decode() == f"{policies}: 2 files, 0 errors, 0 warnings\n"
    assert result.returncode == 0


def test_check_reports_all_problems_at_once(host, policies):
    (policies / "user/alice.conf").write_text('network {\n  mode = "loopbak"\n}\nmode = "of"\n')
    (policies / "user/bob.conf").write_text('modus = "off"\n')
    (policies / "group/daemon.conf").write_text('pid {\n  isolate = perhaps\n}\n')
    (policies / "group/daemon.conf~").write_text("")
    (policies / "README").write_text("")
    result = nsinspect("check", str(policies))
    lines = result.stdout.decode().splitlines()
    assert result.returncode == 1
    assert any(line.startswith("user/alice.conf:2: error: ") for line in lines)
    assert any(line.startswith("user/alice.conf:4: error: ") for line in lines)
    assert any(line.startswith("user/bob.conf:1: error: ") for line in lines)
    assert any(line.startswith("group/daemon.conf:2: error: ") for line in lines)
    assert any(line.startswith("group/daemon.conf~: warning: ") for line in lines)
    assert any(line.startswith("README: warning: ") for line in lines)
    shown = json.loads(nsinspect("check", "-J", str(policies)).stdout)
    assert shown["errors"] + shown["warnings"] == len(shown["problems"]) == len(lines) - 1


@pytest.mark.parametrize("path, warning", [
    ("/nonexist/x", "there is no such directory on this host"),
    ("/etc/passwd", "it is no directory on this host"),
    ("/tmp/x", 'it is within "/tmp", which is empty in a session'),
    ("/tmp/%u", 'it is within "/tmp", which is empty in a session'),
    ("/usr/share", None),
    ("/nonexist/%u", None),
])
def test_check_of_a_directory_looks_for_private_directories_on_this_host(host, policies, path, warning):
    file = policies / "user/alice.conf"
    file.write_text(f'\nmount {{ private "{path}" {{ }} }}\n')
    lines = nsinspect("check", str(policies)).stdout.decode().splitlines()
    if warning:
        assert lines[0] == f'user/alice.conf:2: warning: mount.private "{path}": {warning}; every login would be refused'
        assert nsinspect("check", str(file)).returncode == 0  # a file alone may be for another host
    else:
        assert len(lines) == 1
    file.write_text(f'mode = "off"\nmount {{ private "/nonexist/x" {{ }} }}\n')
    assert nsinspect("check", str(policies)).returncode == 0


@pytest.mark.parametrize("text, warnings", [
    ('service "cron" { mount { private "/nonexist/x" { } } }\n',
     [(1, "/nonexist/x", "there is no such directory on this host; every login by cron would be refused")]),
    # what all logins have is told once
    ('services = { "sshd", "cron" }\nmount { private "/nonexist/x" { } }\nservice "cron" { network { mode = host } }\n',
     [(2, "/nonexist/x", "there is no such directory on this host; every login would be refused")]),
    ('mount { private "/usr/share/doc" { } }\nservice "cron" { mount { private "/usr/share" { } } }\n',
     [(1, "/usr/share/doc", 'it is within "/usr/share", which is empty in a session; every login by cron would be refused')]),
    ('mode = "off"\nmount { private "/nonexist/x" { } }\nservice "cron" { mode = "enforce" }\n',
     [(2, "/nonexist/x", "there is no such directory on this host; every login by cron would be refused")]),
    ('mount { private "/usr/share" { } }\nservice "cron" { mode = "off" mount { private "/nonexist/x" { } } }\n', []),
    # what is tried out is to be known before it is meant
    ('mode = "audit"\nmount { private "/nonexist/x" { } }\n',
     [(2, "/nonexist/x",
       'there is no such directory on this host; every login would be refused if mode were "enforce"')]),
])
def test_check_looks_for_the_private_directories_of_every_service(host, policies, text, warnings):
    (policies / "user/alice.conf").write_text(text)
    lines = nsinspect("check", str(policies)).stdout.decode().splitlines()
    assert lines[:-1] == [f'user/alice.conf:{line}: warning: mount.private "{path}": {what}'
                          for line, path, what in warnings]


def test_check_warns_of_a_private_directory_behind_a_symbolic_link(host, policies):
    (policies / "user/alice.conf").write_text('mount { private "/var/run" { } }\n')  # a link on every Debian
    line = nsinspect("check", str(policies)).stdout.decode().splitlines()[0]
    assert "a symbolic link leads there on this host, and none is followed" in line


def test_check_of_one_file(host, policies):
    file = policies / "default.conf"
    assert nsinspect("check", str(file)).returncode == 0
    file.write_text("mode = \"of\"\n")
    result = nsinspect("check", str(file))
    assert result.returncode == 1
    assert result.stdout.decode().startswith(f"{file}:1: error: ")


def test_check_does_not_hang_on_a_fifo(host, policies):
    os.mkfifo(policies / "user/alice.conf")
    assert nsinspect("check", str(policies)).returncode == 1
    assert nsinspect("check", str(policies / "user/alice.conf")).returncode == 2


def test_check_shows_hostile_names_and_text_escaped(host, policies):
    name = b"user/x\x1b[2J\xff.conf"
    pathlib.Path(os.fsdecode(bytes(policies) + b"/" + name)).write_bytes(b"mode = \"\x1b[2J\xff\"\n\x1b = 1\n")
    for arguments in ([], ["-J"]):
        result = nsinspect("check", *arguments, str(policies))
        assert result.returncode == 1
        assert b"\x1b" not in result.stdout
        result.stdout.decode()
    json.loads(result.stdout)


def problems(path):
    return nsinspect("check", str(path)).stdout.decode().splitlines()[:-1]


def test_check_names_group_files_of_equal_priority(host, policies):
    warning = ("group/{}.conf:{} warning: priority {} is that of group/{}.conf, too, which decides about members of both "
               "groups, for its name; give one of them another")
    (policies / "group/audio.conf").write_text("\npriority = 0\n")
    assert problems(policies) == [warning.format("daemon", "", 0, "audio")]
    (policies / "group/audio.conf").write_text("priority = 1\n")
    assert problems(policies) == []
    (policies / "group/disk.conf").write_text("\npriority = 1\n")
    assert problems(policies) == [warning.format("disk", "2:", 1, "audio")]
    (policies / "group/disk.conf").write_text('priority = 1 services = { "cron", "su" }\n')
    (policies / "group/audio.conf").write_text('priority = 1 services = { "sshd" }\n')
    assert problems(policies) == []


def test_check_warns_of_a_priority_without_effect(host, policies):
    (policies / "user/alice.conf").write_text("\npriority = 5\n")
    assert problems(policies) == [
        "user/alice.conf:2: warning: priority: has no effect here; it ranks the files in group/"]


def test_check_reports_a_broken_base_once_and_an_unused_one(host, policies):
    for name in ("alice", "bob"):
        (policies / f"user/{name}.conf").write_text('extends = "base"\n')
    (policies / "base.conf").write_text('extends = "deeper"\n')
    (policies / "deeper.conf").write_text("pid { isolate = false }\nmode = of\n")
    found = problems(policies)
    assert len(found) == 1 and found[0].startswith("deeper.conf:2: error: mode: 'of' is none of ")
    # what its keys make together is judged where it is extended
    (policies / "deeper.conf").write_text('pid { isolate = false }\nmode = "off"\n')
    (policies / "unused.conf").write_text("")
    (policies / "group/daemon.conf").write_text('extends = "deeper"\nmount { proc = "hidepid" }\n')
    found = problems(policies)
    assert found[0].startswith("deeper.conf:1: error: pid.isolate: 'false' needs ")
    (policies / "base.conf").write_text('extends = "deeper" pid { isolate = true }\n')
    assert "unused.conf: warning: not read: no file extends it" in problems(policies)


def test_check_of_one_file_finds_what_it_extends(host, policies):
    file = policies / "group/new.conf"
    file.write_text('extends = "group/daemon"\n')
    assert problems(file) == []
    file.write_text('extends = "group/demon"\n')
    assert problems(file) == [f"{file}:1: error: extends: there is no 'group/demon.conf' in the policy directory"]


@pytest.mark.parametrize("text, problem", [
    ('\nservices = { vsftpd }\n', "default.conf:2: warning: network.mode: 'loopback': data connections do not reach the "
     "clients of vsftpd; it needs 'host'"),
    ('services = { sshd }\nnetwork { mode = none }\n', "default.conf:2: warning: network.mode: 'none': X11 forwarding and "
     "ssh -L to the session's own loopback fail in logins by sshd, for lo is down; 'loopback' has it up"),
    ('mount { private "/tmp" {\nsize = 8m } }\n', "default.conf:2: warning: mount.private \"/tmp\".size: '8m' is too small "
     "for what editors, compilers and scripts put there; give it 16m or more"),
    ('mount { private "/tmp" {\ninodes = 500 } }\n', "default.conf:2: warning: mount.private \"/tmp\".inodes: '500' is too "
     "small for what editors, compilers and scripts put there; give it 1000 or more"),
])
def test_check_warns_of_what_does_not_serve_its_logins(host, policies, text, problem):
    (policies / "default.conf").write_text(text)
    result = nsinspect("check", str(policies))
    assert result.stdout.decode().splitlines() == [problem, f"{policies}: 2 files, 0 errors, 1 warning"]
    assert result.returncode == 1


# check --stdin: what an editor asks

def check_input(text, *arguments):
    result = nsinspect("check", "--stdin", *map(str, arguments), input=text.encode())
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def test_check_of_input_names_the_file_that_it_stands_for(host, policies):
    before = (policies / "group/daemon.conf").read_text()
    text = 'extends = "default"\nmode = of\nmdoe = off\n'
    assert check_input(text, "group/daemon.conf", policies) == (
        1, "group/daemon.conf:2: error: mode: 'of' is none of enforce, audit, off; did you mean 'off'?\n"
           "group/daemon.conf:3: error: unknown key 'mdoe'; did you mean 'mode'?\n", "")
    assert (policies / "group/daemon.conf").read_text() == before


def test_check_of_good_input_says_nothing(host, policies):
    assert check_input('extends = "default"\n', "user/alice.conf", policies) == (0, "", "")
    assert check_input("", "user/alice", policies) == (0, "", "")
    assert check_input('mode = "off"\n', "base.conf", policies) == (0, "", "")


def test_check_of_input_judges_it_by_its_place(host, policies):
    warning = "user/alice.conf:1: warning: priority: has no effect here; it ranks the files in group/\n"
    assert check_input("priority = 5\n", "user/alice.conf", policies) == (1, warning, "")
    assert check_input("priority = 5\n", "group/daemon.conf", policies) == (0, "", "")
    # what its keys make together is judged where it is extended
    assert check_input("pid { isolate = false }\n", "base.conf", policies) == (0, "", "")
    assert check_input("pid { isolate = false }\n", "default.conf", policies)[0] == 1


def test_check_of_input_resolves_what_it_extends_below_the_directory(host, policies):
    assert check_input('\nextends = "group/demon"\n', "group/daemon.conf", policies) == (
        1, "group/daemon.conf:2: error: extends: there is no 'group/demon.conf' in the policy directory\n", "")
    assert check_input('extends = "group/daemon"\n', "group/daemon.conf", policies) == (
        1, "group/daemon.conf:1: error: extends: group/daemon.conf -> group/daemon.conf is a loop\n", "")
    (policies / "default.conf").write_text("mode = of\n")
    code, output, _ = check_input('extends = "default"\n', "group/daemon.conf", policies)
    assert code == 1 and output.startswith("default.conf:1: error: mode: ")


def test_check_of_input_without_a_directory_uses_the_live_one(host):
    live = pathlib.Path("/etc/security/nsisolate")
    (live / "for-editors.conf").write_text('mode = "audit"\n')
    try:
        assert check_input('extends = "for-editors"\n', "user/nobody.conf") == (0, "", "")
    finally:
        (live / "for-editors.conf").unlink()
    assert check_input("", "group/no-such-group.conf") == (
        1, "group/no-such-group.conf: error: there is no group 'no-such-group': this refuses every login that has no "
           "user file\n", "")
    result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                             os.environ.get("NSINSPECT", "nsinspect"), "check", "--stdin", "default.conf"],
                            input=b"mode = of\n", capture_output=True)
    assert result.returncode == 1 and result.stdout.startswith(b"default.conf:1: error: mode: ")


def test_check_of_input_as_json_is_that_of_check(host, policies):
    shown = json.loads(check_input("mode = of\n", "default.conf", policies, "-J")[1])
    problem, = shown["problems"]
    assert (shown["path"], shown["files"], shown["errors"], shown["warnings"]) == (str(policies), 1, 1, 0)
    assert (problem["file"], problem["line"], problem["where"], problem["severity"]) == \
        ("default.conf", 1, "default.conf:1", "error")


def test_check_of_input_that_is_too_long_or_hostile(host, policies):
    assert check_input("#" * 65537, "default.conf", policies) == (
        1, "default.conf: error: longer than 65536 bytes\n", "")
    code, output, _ = check_input("mode = \"\x1b[2J\"\n\x1b = 1\n", "user/x\x1b[2J.conf", policies)
    assert code == 1 and "\x1b" not in output


@pytest.mark.parametrize("arguments, words", [
    (["../x.conf"], "'../x.conf' is no file of the policy directory"),
    (["/etc/passwd"], "'/etc/passwd' is no file of the policy directory"),
    (["other/x.conf"], "'other/x.conf' is no file of the policy directory"),
    (["default.conf", "/nonexistent"], "/nonexistent: No such file"),
    (["default.conf", "/etc/passwd"], "'/etc/passwd' is a regular file"),
    (["default.conf", "--kernel"], "--stdin checks one file and excludes --kernel"),
    (["default.conf", "--pam-dir", "/etc/pam.d"], "--stdin checks one file and excludes --pam-dir"),
])
def test_check_of_input_refuses_wrong_usage(host, arguments, words):
    code, output, error = check_input("", *arguments)
    assert (code, output) == (2, "")
    assert words in error


def test_check_of_input_that_cannot_be_read_fails(host, policies):
    directory = os.open(policies, os.O_RDONLY | os.O_DIRECTORY)
    result = nsinspect("check", "--stdin", "default.conf", str(policies), stdin=directory)
    os.close(directory)
    assert (result.returncode, result.stderr) == (2, b"nsinspect: the input: Is a directory\n")


def test_policy_shows_which_files_made_it(host, policies):
    (policies / "user/nobody.conf").write_text('extends = "default"\nservices = { "sshd" }\n')
    shown = json.loads(policy(policies, "-J", "--service", "sshd", "nobody").stdout)
    values = {v["key"]: v for v in shown["values"]}
    assert shown["login"]["policy"] == "user/nobody.conf"
    assert shown["login"]["extends"] == "default.conf"
    assert (values["network.mode"]["value"], values["network.mode"]["file"], values["network.mode"]["line"]) == \
        ("none", "default.conf", 3)
    assert (values["services"]["value"], values["services"]["line"]) == ('{"sshd"}', 2)
    shown = json.loads(policy(policies, "-J", "--service", "cron", "nobody").stdout)
    statuses = {c["file"]: c["status"] for c in shown["candidates"]}
    assert statuses["user/nobody.conf"] == "not for this service"


def group_files(policies, *arguments):
    """Files and statuses of carol, who is in carol, students and games, in the order in which they are shown."""
    H.replace_lines("/etc/group", lambda fields: fields[0] == "games", ["games:x:60:carol"])
    shown = json.loads(policy(policies, "-J", *arguments, "carol").stdout)
    return [(c["file"], c["status"]) for c in shown["candidates"]
            if c["file"].startswith("group/") and c["status"] != "not a member"]


def test_policy_lists_group_files_by_rank(host, policies):
    (policies / "group/carol.conf").write_text("")
    (policies / "group/games.conf").write_text("priority = 10\n")
    (policies / "group/students.conf").write_text("")
    assert group_files(policies) == [
        ("group/games.conf", "decides"), ("group/carol.conf", "comes later"), ("group/students.conf", "comes later")]
    # a file that is not for the login keeps its rank; one below the built-in priority comes last
    (policies / "group/students.conf").write_text('priority = 20\nservices = { "cron" }\n')
    (policies / "group/carol.conf").write_text('priority = -1\nfrom = { "192.0.2.0/24" }\n')
    assert group_files(policies, "--from", "198.51.100.1") == [
        ("group/students.conf", "not for this service"), ("group/games.conf", "decides"),
        ("group/carol.conf", "not for this address")]
    # one that is broken refuses, wherever it would rank
    (policies / "group/carol.conf").write_text("priority = low\n")
    assert group_files(policies) == [
        ("group/carol.conf", "broken"), ("group/students.conf", "not for this service"),
        ("group/games.conf", "not reached")]


def test_policy_does_not_say_who_is_in_the_groups_of_a_directory_that_it_cannot_use(host):
    H.set_policy("default.conf", "")
    H.set_policy("group/students.conf", "")
    os.chmod(f"{H.POLICIES}/group", 0o777)
    shown = json.loads(nsinspect("policy", "-J", "carol").stdout)
    assert [(c["file"], c["status"]) for c in shown["candidates"]] == [
        ("user/carol.conf", "no such file"), ("group", "broken"), ("group/students.conf", "not reached"),
        ("default.conf", "not reached")]


def test_policy_does_not_say_that_no_file_is_in_a_directory_that_it_cannot_use(host):
    H.set_policy("user/carol.conf", "")
    os.chmod(f"{H.POLICIES}/user", 0o775)
    shown = json.loads(nsinspect("policy", "-J", "carol").stdout)
    assert [(c["file"], c["status"]) for c in shown["candidates"]][:2] == [
        ("user", "broken"), ("user/carol.conf", "not reached")]


# policy --diff

def diff(directory, *arguments):
    """Exit status, users and differences, by name and key."""
    result = policy(directory, "-J", *arguments)
    shown = json.loads(result.stdout)
    return result.returncode, shown["users"], {
        row["key"]: [(value["value"], value["file"], value["line"]) for value in row["values"]]
        for row in shown["differences"]}


def test_diff_has_each_value_that_differs_with_its_origin(host, policies):
    (policies / "user/nobody.conf").write_text('uts { hostname = jail }\nmount { private "/srv" { size = 1g } }\n')
    (policies / "user/daemon.conf").write_text('extends = "default"\n')
    code, users, differences = diff(policies, "--diff", "daemon", "nobody")
    default = "built-in default"
    assert code == 1
    assert [(u["user"], u["outcome"], u["meaning"], u["policy"], u["extends"]) for u in users] == [
        ("nobody", "policy", "isolated", "user/nobody.conf", None),
        ("daemon", "policy", "isolated", "user/daemon.conf", "default.conf")]
    assert differences == {
        "policy": [("user/nobody.conf", None, None), ("user/daemon.conf", None, None)],
        "network.mode": [("loopback", default, None), ("none", "default.conf", 3)],
        "uts.hostname": [("jail", "user/nobody.conf", 1), ("%h", default, None)],
        'mount.private "/srv".backing': [("tmpfs", default, None), (None, None, None)],
        'mount.private "/srv".size': [("1g", "user/nobody.conf", 2), (None, None, None)],
        'mount.private "/srv".inodes': [("128k", default, None), (None, None, None)],
    }


def test_diff_is_a_table_for_people(host, policies):
    (policies / "user/nobody.conf").write_text("\nuts { hostname = jail }\n")
    (policies / "user/daemon.conf").write_text("")
    result = policy(policies, "nobody", "--diff", "daemon")
    assert result.returncode == 1
    text = re.sub(" +", " ", result.stdout.decode())
    assert "\nDifferences:\n KEY FIRST FIRST-FROM SECOND SECOND-FROM\n" in text
    assert "\n uts.hostname jail user/nobody.conf:2 %h built-in default\n" in text
    assert "service: login (assumed)" in text


def test_diff_of_equals_is_empty_and_success(host, policies):
    result = policy(policies, "nobody", "--diff", "nobody")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.endswith(b"\nDifferences:\n  none\n")
    assert diff(policies, "nobody", "--diff", "nobody")[::2] == (0, {})
    # the same outcome without any policy
    assert diff(policies, "daemon", "--diff", "bin")[::2] == (0, {})


def test_diff_goes_by_service_and_address(host, policies):
    (policies / "user/nobody.conf").write_text('service "cron" { network { mode = "host" } }\n')
    (policies / "user/daemon.conf").write_text("")
    assert set(diff(policies, "nobody", "--diff", "daemon")[2]) == {"policy"}
    assert set(diff(policies, "nobody", "--diff", "daemon", "--service", "cron")[2]) == {"policy", "network.mode"}
    (policies / "user/nobody.conf").write_text("from = { 203.0.113.0/24 }\n")
    (policies / "user/daemon.conf").write_text("from = { 203.0.113.0/24 }\n")
    assert set(diff(policies, "nobody", "--diff", "daemon", "--from", "203.0.113.9")[2]) == {"policy"}


def test_diff_of_different_outcomes_names_them_only(host, policies):
    (policies / "user/nobody.conf").write_text("")
    assert diff(policies, "nobody", "--diff", "root")[::2] == (1, {
        "outcome": [("isolated", None, None),
                    ("passed: uid 0 is not isolated unless user/root.conf exists", None, None)],
        "policy": [("user/nobody.conf", None, None), (None, None, None)]})


def test_diff_with_mode_off_leaves_out_what_does_not_apply(host, policies):
    (policies / "user/nobody.conf").write_text('services = { "login" }\nuts { hostname = jail }\n')
    (policies / "user/daemon.conf").write_text('mode = "off"\nnetwork { mode = "none" }\n')
    code, _, differences = diff(policies, "nobody", "--diff", "daemon")
    assert (code, set(differences)) == (1, {"outcome", "policy", "mode", "services"})
    assert differences["mode"] == [("enforce", "built-in default", None), ("off", "user/daemon.conf", 1)]
    assert differences["services"] == [('{"login"}', "user/nobody.conf", 1), (None, "built-in default", None)]


def test_diff_with_a_broken_policy_is_a_failure(host, policies):
    (policies / "user/nobody.conf").write_text("")
    (policies / "user/daemon.conf").write_text("mode = of\n")
    problem = "user/daemon.conf:1: mode: 'of' is none of enforce, audit, off; did you mean 'off'?"
    for users in (("nobody", "daemon"), ("daemon", "nobody"), ("daemon", "daemon")):
        result = policy(policies, users[0], "--diff", users[1])
        assert result.returncode == 2
        assert f"nsinspect: daemon cannot be compared: {problem}\n" in result.stderr.decode()
        assert b"Differences:" in result.stdout
    code, _, differences = diff(policies, "nobody", "--diff", "daemon")
    assert (code, differences["problem"]) == (2, [(None, None, None), (problem, None, None)])


@pytest.mark.parametrize("users", [("nobody", "no-such-user"), ("no-such-user", "nobody"), ("nobody", "a\x1b[2J")])
def test_diff_with_an_unknown_user_is_a_failure(host, policies, users):
    result = policy(policies, users[0], "--diff", users[1])
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"no user '" in result.stderr and b"\x1b" not in result.stderr


def test_diff_excludes_plan(host, policies):
    result = policy(policies, "nobody", "--diff", "daemon", "--plan")
    assert (result.returncode, result.stderr) == (2, b"nsinspect: --diff and --plan exclude each other\n")


# check of this host: PAM stacks, sshd, the kernel

CLOSE = "session required pam_nsisolate.so close\n"
OPEN = "session required pam_nsisolate.so open\n"


@pytest.fixture
def stacks(tmp_path):
    directory = tmp_path / "pam.d"
    directory.mkdir(mode=0o755)
    (directory / "common-session").write_text("session required pam_permit.so\n")
    (directory / "chsh").write_text("auth required pam_permit.so\n")
    (directory / "cron").write_text("session sufficient pam_permit.so\n")
    (directory / "sshd").write_text(CLOSE + "@include common-session\n" + OPEN)
    return directory


def check_stacks(stacks, policies, expected):
    result = nsinspect("check", "-J", "--pam-dir", str(stacks), str(policies))
    assert result.returncode == expected, result.stderr
    return json.loads(result.stdout)


def test_check_counts_the_services_that_have_the_module(host, stacks, policies):
    shown = check_stacks(stacks, policies, 0)
    assert (shown["services"], shown["enabled"], shown["unchecked"]) == (2, 1, None)
    text = nsinspect("check", "--pam-dir", str(stacks), str(policies)).stdout.decode()
    assert text == f"{policies}: 2 files, {stacks}: 1 of 2 services with the module, 0 errors, 0 warnings\n"


@pytest.mark.parametrize("name, text, line, severity, words", [
    ("sshd", "session required pam_mount.so\n" + CLOSE + OPEN, 2, "warning", "not the first"),
    ("sshd", CLOSE + OPEN + "@include common-session\n", 2, "warning", "not the last"),
    ("sshd", CLOSE + "session optional pam_nsisolate.so open\n", 2, "error", "lets failures pass"),
    ("sshd", CLOSE + "session sufficient pam_permit.so\n" + OPEN, 2, "error", "passes over"),
    ("sshd", CLOSE + "@include nosuch\n" + OPEN, 2, "error", "cannot be included"),
    ("sshd", CLOSE + OPEN.replace("open", "open polcy=/x"), 2, "error", "'polcy=/x'"),
    ("sshd", CLOSE + OPEN.replace("pam_nsisolate", "pam_nsisolat"), 2, "error", "root's too"),
    ("sshd", CLOSE + OPEN.replace("pam_", "/nonexistent/pam_"), 2, "error", "does not exist"),
    ("sshd", CLOSE + "session required pam_namespace.so\n" + OPEN, 2, "warning", "mount namespace of its own"),
    ("common-session", "session sufficient pam_permit.so\n", 1, "error", "passes over"),
])
def test_check_finds_what_is_wrong_in_a_stack(host, stacks, policies, name, text, line, severity, words):
    (stacks / name).write_text(text)
    found = [p for p in check_stacks(stacks, policies, 1)["problems"] if words in p["text"]]
    assert len(found) == 1
    assert found[0]["where"] == f"{stacks}/{name}:{line}" and found[0]["severity"] == severity
    assert (found[0]["file"], found[0]["line"]) == (f"{stacks}/{name}", line)
    text = nsinspect("check", "--pam-dir", str(stacks), str(policies)).stdout.decode()
    assert text.startswith(f"{stacks}/{name}:{line}: {severity}: ") and words in text


def test_check_warns_when_no_service_has_the_module(host, stacks, policies):
    (stacks / "sshd").unlink()
    problems = check_stacks(stacks, policies, 1)["problems"]
    assert [p["where"] for p in problems] == [str(stacks)] and "nobody is isolated" in problems[0]["text"]


def test_check_of_stacks_that_cannot_be_read_fails(host, stacks, policies):
    stacks.chmod(0o777)
    assert nsinspect("check", "--pam-dir", str(stacks), str(policies)).returncode == 2
    assert nsinspect("check", "--pam-dir", "/nonexistent", str(policies)).returncode == 2


def check_host(expected):
    result = nsinspect("check", "-J")
    assert result.returncode == expected, result.stdout
    return json.loads(result.stdout)


def test_check_without_a_path_asks_sshd_for_its_settings(host, module):
    subprocess.run(["nsisolate-pam", "enable", "sshd"], check=True, capture_output=True)
    shown = check_host(0)
    assert shown["pam-directory"] == "/etc/pam.d" and shown["unchecked"] is None
    settings = pathlib.Path("/etc/ssh/sshd_config")
    settings.write_text("UsePAM no\nUseDNS yes\n" + settings.read_text())
    shown = check_host(1)
    assert [p["text"].split(":")[0] for p in shown["problems"]] == ["UsePAM no", "UseDNS yes"]
    assert {p["where"] for p in shown["problems"]} == {"/etc/ssh/sshd_config"}
    # what sshd cannot tell is said, and is no finding
    settings.write_text("Nonsense\n")
    assert "failed: " in check_host(0)["unchecked"]
    assert b"\nnot checked: the settings of sshd: " in b"\n" + nsinspect("check").stdout
    assert b"only root can ask" in as_nobody("check").stdout


def test_check_kernel_probes_what_the_plans_need_and_changes_nothing(host, policies):
    before = os.listdir("/proc/self/ns"), pathlib.Path("/proc/self/mountinfo").read_text(), namespaces_of("self")
    result = nsinspect("check", "--kernel", str(policies))
    assert result.returncode == 0, result.stdout
    assert before == (os.listdir("/proc/self/ns"), pathlib.Path("/proc/self/mountinfo").read_text(),
                      namespaces_of("self"))


def test_check_kernel_without_capabilities_names_policy_and_namespace(host, policies):
    (policies / "user/nobody.conf").write_text('network { mode = "host" }\n')
    (policies / "default.conf").write_text('mode = "off"\n')
    result = subprocess.run(["setpriv", "--bounding-set=-sys_admin", os.environ.get("NSINSPECT", "nsinspect"), "check",
                             "--kernel", str(policies)], capture_output=True, text=True)
    assert result.returncode == 1
    assert "user/nobody.conf: error: this kernel cannot run its plan: a mount namespace: Operation" in result.stdout
    assert "network" not in result.stdout and "default.conf" not in result.stdout


def test_check_kernel_names_a_limit_of_0(host, policies):
    # the limits of a user namespace of the test's own
    command = "echo 0 >/proc/sys/user/max_net_namespaces && exec \"$0\" check --kernel \"$1\""
    result = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", command,
                             os.environ.get("NSINSPECT", "nsinspect"), str(policies)], capture_output=True, text=True)
    assert result.returncode == 1, result.stderr
    assert result.stdout.splitlines()[:-1] == [
        "default.conf: error: this kernel cannot run its plan: a network namespace: "
        "the limit user.max_net_namespaces is 0; raise it by sysctl"]


def test_check_kernel_is_for_root(host, policies):
    result = as_nobody("check", "--kernel", str(policies))
    assert result.returncode == 2 and b"only root" in result.stderr


# whoever is not root, and wrong usage

def as_nobody(*arguments):
    return subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                           os.environ.get("NSINSPECT", "nsinspect"), *arguments], capture_output=True)


@pytest.mark.parametrize("arguments", [[], ["list"], ["-J"], ["ps"], ["show", "a"], ["kill", "a"]])
def test_sessions_are_for_root(host, arguments):
    result = as_nobody(*arguments)
    assert result.returncode == 2
    assert result.stderr == b"nsinspect: only root may inspect sessions: run this as root\n"
    assert result.stdout == b""


def test_checking_a_path_needs_no_root(host, tmp_path):
    file = tmp_path / "default.conf"
    file.write_text("mode = \"of\"\n")
    for path in [tmp_path, *tmp_path.parents]:
        if path != pathlib.Path("/"):
            path.chmod(path.stat().st_mode | 0o005)
    assert as_nobody("check", str(file)).returncode == 1
    assert as_nobody("check", str(tmp_path)).returncode == 1


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["show"], ["show", "a", "b"], ["ps", "a", "b"], ["list", "a"], ["policy"], ["-J", "-r"],
    ["--nonsense"], ["show", "-o", "ID", "a"], ["check", "--all"], ["-J", "ps"], ["-o"], ["check", "a", "b"],
])
def test_wrong_usage(host, arguments):
    result = nsinspect(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(b"nsinspect: ")
    assert result.stdout == b""


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["ps"], ["policy"], ["check"], ["kill"], ["audit"]])
def test_help_goes_to_standard_output(host, command):
    for option in ("-h", "--help"):
        result = nsinspect(*command, option)
        assert result.returncode == 0
        assert result.stdout.startswith(b"Usage:\n nsinspect")
        assert result.stderr == b""


@pytest.mark.parametrize("command, options", [
    ("policy", ["--diff USER2", "--from ADDRESS", "--plan", "--policy-dir DIR", "--service NAME"]),
    ("check", ["--kernel", "--pam-dir DIR", "--stdin NAME"]),
    ("kill", ["--changed"]),
    ("audit", ["--baseline FILE", "--write-baseline"]),
])
def test_help_of_a_command_lists_its_options(host, command, options):
    text = nsinspect(command, "--help").stdout.decode()
    for option in options:
        assert f"     {option} " in text
    for other in ("policy", "check", "list", "show", "ps", "kill", "audit"):
        if other != command:
            assert options[0] not in nsinspect(other, "--help").stdout.decode()


def test_manual_has_every_option_of_every_command(host):
    manual = (pathlib.Path(__file__).parents[2] / "man/nsinspect.1.scd").read_text()
    for command in ("list", "show", "ps", "policy", "check", "kill", "audit"):
        for name, argument in re.findall(r"--([a-z-]+) ?([A-Z]\w*)?", nsinspect(command, "--help").stdout.decode()):
            assert re.search(rf"^\*-.*\*--{name}\*|^\*--{name}\*", manual, re.M), name
            assert not argument or re.search(rf"\*--{name}\* _{argument}_", manual), (name, argument)


def test_help_lists_every_command_and_column(host):
    text = nsinspect("--help").stdout.decode()
    for word in ["list", "show", "ps", "policy", "check", "kill", "audit", "LOGIN-PID", "SOURCES", "PROCS", "--output-all"]:
        assert word in text
    assert "record-dir" not in text and "sysctl-dir" not in nsinspect("audit", "--help").stdout.decode()
    assert len(NAMESPACES) == 8


def test_version(host):
    assert re.fullmatch(rb"nsinspect \d+\.\d+\.\d+\n", nsinspect("-V").stdout)

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What nsinspect shows of real logins that share a session, of what lingers and of what is nested, and what it kills."""

import glob
import json
import os
import signal

import pytest

from support import host as H
from support import programs as P
from support.shared import SHARED, STAY, WAITING

SUDOERS = "/etc/sudoers.d/inspected"


@pytest.fixture(autouse=True)
def isolated(host, module):
    host.add_module(["sshd", "su", "sudo"])
    for service in ("su", "su-l"):
        path = f"/etc/pam.d/{service}"
        H.write(path, "auth sufficient pam_permit.so\n" + H.read(path))
    host.set_policy("default.conf", 'mode = "off"\n')
    host.set_policy("user/alice.conf", SHARED)
    host.set_policy("user/carol.conf", "")
    H.write(SUDOERS, "alice,carol ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    yield
    os.unlink(SUDOERS)


def listed(*arguments):
    done = P.run(["nsinspect", "-J", *arguments]).check()
    assert done.stderr == ""
    return json.loads(done.stdout)["sessions"]


def show(identity):
    return json.loads(P.run(["nsinspect", "show", "-J", identity]).check().stdout)


def kill(*arguments):
    return P.run(["nsinspect", "kill", *arguments])


def tree(rows):
    return [(row["user"], tree(row.get("sessions", []))) for row in rows]


def test_logins_that_share_a_session():
    with P.sshd() as sshd:
        with P.ssh_background("alice", STAY) as first:
            first.read_line()
            opener, = sshd.monitors()
            row, = listed("-o", "+LOGIN-PID,NLOGINS,SCOPE")
            assert (row["state"], row["nlogins"], row["scope"], row["login-pid"]) == ("active", 1, "user", opener)
            assert "logins" not in row
            with P.Background(["su", "alice", "-c", STAY]) as second:
                second.read_line()
                row, = listed("-o", "+NLOGINS")
                assert (row["service"], row["nlogins"], row["state"]) == ("sshd", 2, "active")
                login, = row["logins"]
                assert (login["service"], login["state"]) == ("su", "active")
                assert login["id"].startswith(row["id"] + ".")
                shown = show(login["id"])
                assert shown["differences"] == [] and shown["session"]["scope"] == "user"
                assert [(login["service"], login["state"]) for login in shown["logins"]] == [
                    ("sshd", "running"), ("su", "running")]
                os.kill(opener, signal.SIGKILL)

                def states():
                    row, = listed()
                    return row["state"], [(login["service"], login["state"]) for login in row["logins"]]

                H.wait_until(lambda: states() == ("active", [("sshd", "gone"), ("su", "active")]), states)
        H.wait_until(lambda: not listed(), "the end")

        def swept():
            P.su("carol", "true").check()
            return not H.records()

        H.wait_until(swept, "what nobody was left to remove to go")


def test_lingering_session_is_shown_joined_and_killed(log):
    H.set_policy("user/alice.conf", WAITING)
    P.su("alice", "nohup sleep 1000 >/dev/null 2>&1 &").check()
    log.wait_for("session left: ")
    row, = listed("-o", "+NLOGINS,ON-LOGOUT")
    assert (row["state"], row["nlogins"], row["on-logout"]) == ("lingering", 0, "wait")
    assert show(row["id"])["differences"] == []
    with P.sshd(), P.ssh_background("alice", STAY) as login:
        login.read_line()
        again, = listed("-o", "+NLOGINS")
        assert (again["id"], again["state"], again["nlogins"]) == (row["id"], "active", 1)
        assert [login["state"] for login in again["logins"]] == ["gone", "active"]
    H.wait_until(lambda: listed()[0]["state"] == "lingering", "it to linger again")
    assert kill(row["id"]).check().stdout == f"{row['id']}: killed: alice, su, 0 logins\n"
    line = log.wait_for("session killed: ")
    assert f"id={row['id']} user=alice service=su rhost=- policy=user/alice.conf " in line.text
    assert not H.isolated_processes() and not H.records()


def test_killed_session_ends_its_logins_and_is_gone_at_once():
    with P.sshd():
        with P.ssh_background("alice", STAY) as first, P.ssh_background("alice", STAY) as second:
            assert first.read_line() == second.read_line()
            row, = listed()
            assert "killed: alice, sshd, 2 logins" in kill("-u", "alice").check().stdout
            assert listed("--all") == [] and not H.records()
            assert glob.glob("/run/nsisolate/users/*/*.*") == []
            assert first.result().status != 0 and second.result().status != 0
            assert kill(row["id"]).status == 1
        # and the next login is as any
        assert P.ssh("alice", "echo in").check().stdout == "in\n"


def test_changed_policies_are_applied_by_killing():
    H.set_policy("user/bob.conf", "")
    with P.Background(["su", "alice", "-c", STAY]) as alice, P.Background(["su", "bob", "-c", STAY]) as bob:
        alice.read_line(), bob.read_line()
        assert kill("--changed").check().stdout == ""
        H.set_policy("user/alice.conf", SHARED + 'uts { hostname = "new" }\n')
        assert "killed: alice" in kill("--changed").check().stdout
        assert [row["user"] for row in listed()] == ["bob"]
        assert kill("--changed").check().stdout == ""


def test_nested_sessions_are_a_tree():
    deep = f"su alice -c \"sudo -n -u carol sh -c '{STAY}'\""
    with P.Background(["su", "alice", "-c", f"su carol -c {json.dumps(deep)}"]) as login:
        login.read_line()
        rows = listed("-o", "+DEPTH,PARENT,PROCS")
        assert tree(rows) == [("alice", [("carol", [("alice", [("carol", [])])])])]
        second = rows[0]["sessions"][0]
        third = second["sessions"][0]
        assert (third["depth"], third["parent"], third["state"]) == (2, second["id"], "active")
        shown = show(third["id"])
        assert shown["differences"] == [] and shown["session"]["nested-in"] == second["id"]
        assert [inner["user"] for inner in shown["contains"]] == ["carol"]
        assert shown["login-process"]["command"].startswith("su alice")
        assert shown["logins"][0]["login-process"] == shown["login-process"]["pid"]
        processes = json.loads(P.run(["nsinspect", "ps", "-J", third["id"]]).check().stdout)["processes"]
        assert len({process["id"] for process in flatten(processes)}) == 2
        assert "killed: alice, su, 1 login" in kill(third["id"]).check().stdout
        # each su ends when the one within has
        H.wait_until(lambda: tree(listed()) in ([], [("alice", [])], [("alice", [("carol", [])])]), "the inner ones to go")


def flatten(processes):
    for process in processes:
        yield process
        yield from flatten(process.get("children", []))


# how processes came

def processes(*arguments):
    return list(flatten(json.loads(P.run(["nsinspect", "ps", "-J", "--output-all", *arguments]).check().stdout)["processes"]))


def entries(*arguments):
    return {row["command"]: row["entry"] for row in processes(*arguments)}


def shown_process(command):
    return H.wait_until(lambda: [row for row in processes() if row["command"] == command], f"{command} to be shown")[0]


def test_who_entered_from_outside_is_told_from_who_logged_in():
    H.set_policy("default.conf", "")
    with P.sshd(), P.ssh_background("bob", f"sleep 1001 >/dev/null 2>&1 & {STAY}") as ssh, \
            P.Background(["su", "carol", "-c", f"sudo -n -u alice sh -c 'sleep 1002 >/dev/null 2>&1 & {STAY}'"]) as su:
        ssh.read_line(), su.read_line()
        for command in "sleep 1001", "sleep 1002":
            shown_process(command)
        assert set(entries().values()) == {"login", None}
        assert {command for command, entry in entries().items() if entry is None} == {"nsisolate-init"}
        assert entries()["sleep 1001"] == entries()["sleep 1002"] == "login"
        init = next(row["init-pid"] for row in listed("-o", "USER,INIT-PID") if row["user"] == "bob")
        for kinds, pid_inside in (("-a", True), ("-p", True), ("-n", False), ("-mu", False)):
            with P.Background(["nsenter", "-t", str(init), *[f"-{kind}" for kind in kinds.strip("-")], "sleep", "2001"],
                              reads=False) as entered:
                row = shown_process("sleep 2001")
                assert (row["entry"], row["user"], row["pid"] is not None) == ("outside", "root", pid_inside), kinds
                H.kill_all(H.children(entered.pid))
        assert set(entries().values()) == {"login", None}


def test_who_entered_and_lost_its_parent_is_still_told_where_it_is_on_the_host_with_a_part():
    with P.Background(["su", "alice", "-c", STAY]) as login:
        login.read_line()
        init = H.session_init()
        P.run(["nsenter", "-t", str(init), "-p", "sh", "-c", "sleep 2002 >/dev/null 2>&1 &"]).check()
        row = shown_process("sleep 2002")
        assert (row["entry"], row["ppid"]) == ("outside", 1)
        os.kill(row["host-pid"], signal.SIGKILL)


def test_what_lingers_is_told():
    H.set_policy("user/alice.conf", WAITING)
    P.su("alice", "nohup sleep 1000 >/dev/null 2>&1 &").check()
    row = shown_process("sleep 1000")
    H.wait_until(lambda: entries()["sleep 1000"] == "lingering", "it to linger")
    assert {row["session"] for row in processes()} == {"lingering"}
    with P.Background(["su", "alice", "-c", STAY]) as login:
        login.read_line()
        assert entries()["sleep 1000"] is None and "login" in entries().values()
    H.wait_until(lambda: entries()["sleep 1000"] == "lingering", "it to linger again")
    kill(row["id"]).check()


def test_what_a_killed_login_left_did_not_come_from_outside():
    H.set_policy("user/alice.conf", WAITING)
    with P.Background(["su", "alice", "-c", "exec sleep 1005"], reads=False) as login:
        assert shown_process("sleep 1005")["entry"] == "login"
        os.kill(login.pid, signal.SIGKILL)
        H.wait_until(lambda: entries()["sleep 1005"] == "lingering", "it to linger")
        row = shown_process("sleep 1005")
        assert row["host-ppid"] != login.pid
        kill(row["id"]).check()


def test_parents_are_told_where_there_is_no_tree():
    with P.Background(["su", "alice", "-c", f"sh -c 'sleep 1003 >/dev/null 2>&1 & {STAY}; true'"]) as login:
        login.read_line()
        # what has just been executed grows for a moment
        H.wait_until(lambda: shown_process("sleep 1003")["state"] == "S", "it to sleep")
        rows = {row["command"]: row for row in processes()}
        sleep = rows["sleep 1003"]
        shell = next(row for row in rows.values() if row["pid"] == sleep["ppid"])
        assert shell["host-pid"] == sleep["host-ppid"] and "sleep 1003" in shell["command"]
        outermost = next(row for row in rows.values() if row["ppid"] == 0 and row["pid"] != 1)
        assert outermost["host-ppid"] == login.pid
        for style in ("-r", "-P"):
            text = P.run(["nsinspect", "ps", style]).check().stdout
            assert "HOST-PPID" in text.replace("_", "-")
        flat = P.run(["nsinspect", "ps", "-rn", "-o", "HOST-PID,HOST-PPID,PID,PPID,ENTRY,TIME,RSS"]).check().stdout
        assert f"{sleep['host-pid']} {sleep['host-ppid']} {sleep['pid']} {sleep['ppid']} login {sleep['time']} {sleep['rss']}\n" in flat
        assert "PPID" not in P.run(["nsinspect", "ps"]).check().stdout
        assert sleep["rss"] > 0 and sleep["time"] == 0 and sleep["state"] == "S"


def test_state_and_time_are_the_processes_own():
    busy = "sh -c 'while :; do :; done' >/dev/null & sleep 1004 >/dev/null &"
    with P.Background(["su", "alice", "-c", f"{busy} {STAY}"]) as login:
        login.read_line()
        H.wait_until(lambda: [row for row in processes() if row["time"] >= 1], "it to take time")
        os.kill(shown_process("sleep 1004")["host-pid"], signal.SIGSTOP)
        H.wait_until(lambda: shown_process("sleep 1004")["state"] == "T", "it to be stopped")
        assert [row["command"] for row in processes() if row["time"] >= 1] == ["sh -c while :; do :; done"]


def test_a_login_that_nobody_has_waited_for_does_not_run(host):
    """Its init does not know: it is stopped, as by a control group that was delegated to who called su."""
    with P.Background(["su", "carol", "-c", STAY]) as login:
        login.read_line()
        init = H.session_init()
        os.kill(init, signal.SIGSTOP)
        try:
            assert [row["state"] for row in listed()] == ["active"]
            os.kill(login.pid, signal.SIGKILL)
            H.wait_until(lambda: H.read(f"/proc/{login.pid}/stat").split()[2] == "Z", "it to have ended")
            assert [row["state"] for row in listed()] == ["closing"]
        finally:
            os.kill(init, signal.SIGCONT)
        H.wait_until(lambda: not host.session_inits(), "the session to end")
        P.sweep_records()


def test_processes_and_sessions_of_a_user_or_a_service():
    H.set_policy("default.conf", "")
    with P.sshd(), P.ssh_background("bob", STAY) as ssh, P.Background(["su", "alice", "-c", STAY]) as su:
        ssh.read_line(), su.read_line()
        assert {row["session"] for row in processes("-u", "bob")} == {"active"}
        assert {row["user"] for row in processes("-u", "bob")} <= {"bob", "root"}
        assert {row["user"] for row in processes("-s", "su")} == {"alice", "root"}
        assert [row["user"] for row in listed("-s", "sshd")] == ["bob"] and listed("--service", "sshd", "-u", "alice") == []
        assert processes("-s", "login") == [] and processes("-u", "carol") == []


def test_session_in_one_without_mounts_of_its_own():
    """Its record is the host's, and nothing tells that it is nested."""
    H.set_policy("user/alice.conf", 'mount { isolate = false\nproc = "host"\nruntime-dir = "host" }\n'
                                    'pid { isolate = false }\nipc { isolate = false }\n')
    with P.Background(["su", "alice", "-c", f"su carol -c '{STAY}'"]) as login:
        login.read_line()
        assert sorted(tree(listed())) == [("alice", []), ("carol", [])]


def test_sessions_below_one_that_shares_its_pids():
    H.set_policy("user/alice.conf", 'pid { isolate = false }\nmount { proc = "host" }\n')
    with P.Background(["su", "alice", "-c", f"su carol -c '{STAY}'"]) as login:
        login.read_line()
        assert tree(listed()) == [("alice", [("carol", [])])]
        inner = listed()[0]["sessions"][0]["id"]
        assert show(inner)["login-process"]["command"].startswith("su carol")
        assert "killed: carol" in kill(inner).check().stdout
        H.wait_until(lambda: not listed() or tree(listed()) == [("alice", [])], "the inner one to go")

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Sessions that several logins share (scope = "user"), that wait for processes (on-logout = "wait"), and how many there are."""

import concurrent.futures
import glob
import os
import signal

import pytest

from support import host as H
from support import programs as P
from support.shared import PID_NAMESPACE, SHARED, STAY, USERS, WAITING, live, sockets, where

SERVICES = ("sshd", "su", "sudo", "login", "cron")
AT_ONCE = 100
GO = "/home/alice/go"


@pytest.fixture(autouse=True)
def isolated(host, module):
    host.add_module(SERVICES)
    host.set_policy("user/alice.conf", SHARED)


def wait_until_ended():
    H.wait_until(lambda: not H.isolated_processes(), "the session to end")


# joining

def test_a_second_login_joins_the_first(log):
    with P.sshd():
        with P.ssh_background("alice", STAY) as first:
            namespace = first.read_line()
            with P.ssh_background("alice", STAY) as second:
                assert second.read_line() == namespace
                assert len(live(False)) == 1 and len(live(True)) == 1
                assert where() == namespace
            log.wait_for("session left: ", count=2)
        log.wait_for("session closed: ")
    assert len(log.matching("session opened: ")) == 1
    assert len(log.matching("session joined: ")) == 2
    assert sockets() == []


@pytest.mark.parametrize("how", ["sshd", "su", "sudo", "login", "cron"])
def test_every_service_joins(how, log):
    others = {
        "sshd": lambda command: P.by_ssh("alice", command).check().stdout,
        "su": lambda command: P.su("alice", command).check().stdout,
        "sudo": lambda command: P.sudo("alice", command).check().stdout,
        "login": lambda command: P.login("alice", command).check().stdout,
        "cron": lambda command: P.cron_job("alice", command).check().stdout,
    }
    with P.sshd(), P.ssh_background("alice", f"echo shared >/tmp/word; {STAY}") as first:
        namespace = first.read_line()
        seen = others[how](f"cat /tmp/word; {PID_NAMESPACE}; hostname")
        assert "shared" in seen and namespace in seen


def test_what_the_logins_share_is_all_of_it():
    probe = "for kind in mnt net ipc uts pid; do readlink /proc/self/ns/$kind; done; echo $NSISOLATE_ID"
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        first.read_line()
        links = where(probe).splitlines()
        assert where(probe).splitlines() == links
        session = next(iter(live(False)))
        assert links[-1] == session
        host = H.namespaces()
        assert not set(links[:-1]) & set(host.values())
        # and each sees the processes of the other
        assert "cat" in where("ps -e -o comm=")


def test_the_session_ends_with_its_last_login_in_whatever_order(log):
    with P.sshd():
        with P.ssh_background("alice", STAY) as second_to_go:
            with P.ssh_background("alice", STAY) as first_to_go:
                namespace = second_to_go.read_line()
                assert first_to_go.read_line() == namespace
            log.wait_for("session left: ")
            assert where() == namespace
        log.wait_for("session closed: ")
    # a process that a login leaves goes with the last login, not with its own
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        first.read_line()
        P.su("alice", "nohup sleep 1000 >/dev/null 2>&1 &").check()
        H.asleep("alice")
        assert "sleep" in where("ps -e -o comm=")
    wait_until_ended()


def ended():
    """Of the records of logins whose lock on the login is free: whether it is that of the opener."""
    return ["." not in name for name in H.records() if not H.login_is_alive(f"{H.RECORDS}/{name}")]


@pytest.mark.parametrize("opener", [True, False])
def test_killing_one_monitor_leaves_the_other_login(opener, log):
    with P.sshd() as sshd:
        with P.ssh_background("alice", STAY) as first:
            namespace = first.read_line()
            monitor_of_first = sshd.monitors()
            with P.ssh_background("alice", STAY) as second:
                assert second.read_line() == namespace
                monitors = monitor_of_first if opener else set(sshd.monitors()) - set(monitor_of_first)
                assert len(monitors) == 1
                os.kill(next(iter(monitors)), signal.SIGKILL)
                H.wait_until(lambda: ended() == [opener], "the init to see the end of that login")
                assert where() == namespace
        wait_until_ended()
    P.sweep_records()


def test_another_policy_is_another_session(log):
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        H.set_policy("user/alice.conf", SHARED + 'uts { hostname = "new" }\n')
        with P.ssh_background("alice", STAY) as second:
            other = second.read_line()
            assert other != namespace
            assert where() == other and where("hostname") == "new"
            H.set_policy("user/alice.conf", SHARED)
            assert where() == namespace
            assert len(live(False)) == 2


def test_another_user_never_joins(log):
    H.set_policy("user/bob.conf", SHARED)
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        assert where(user="bob") != namespace


def test_a_login_from_inside_has_a_session_of_its_own(log):
    H.write("/etc/sudoers.d/alice", "alice ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
    inner = "sudo -n -u alice readlink /proc/self/ns/pid"
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        joined, own, another = where(f"{PID_NAMESPACE}; {inner}; {inner}").splitlines()
        assert joined == namespace
        assert namespace not in (own, another)
        # nor do they join each other
        both = where(f"{inner} & {inner} & wait").splitlines()
        assert len(set(both)) == 2


def test_100_logins_at_once_share_one_session(log):
    command = f"{PID_NAMESPACE}; while [ ! -e {GO} ]; do sleep 0.2; done"
    with P.sshd("MaxStartups=1000"), concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        logins = [pool.submit(P.ssh, "alice", command, timeout=120) for _ in range(AT_ONCE)]
        try:
            log.wait_for("session joined: ", count=AT_ONCE - 1, timeout=100)
            assert len(live(False)) == 1 and len(live(True)) == AT_ONCE - 1
        finally:
            H.write(GO, "")
        results = [login.result() for login in logins]
        os.unlink(GO)
    assert [result.status for result in results] == [0] * AT_ONCE
    assert len({result.stdout for result in results}) == 1
    assert len(log.matching("session opened: ")) == 1
    wait_until_ended()


def test_an_init_that_does_not_answer_is_passed_over(log):
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        init = H.session_init()
        os.kill(init, signal.SIGSTOP)
        try:
            with P.ssh_background("alice", STAY) as second:
                own = second.read_line()
                assert own.startswith("pid:[") and own != namespace
                # with an id of its own, too
                assert len(live(False)) == 2
        finally:
            os.kill(init, signal.SIGCONT)
        # who did not hear that they are in are not: the session ends with its one login
    wait_until_ended()
    P.sweep_records()


def test_a_killed_init_leaves_a_socket_that_nobody_trusts(log):
    with P.sshd() as sshd:
        with P.ssh_background("alice", STAY) as first:
            first.read_line()
            init = H.session_init()
            # nobody is left to see the end, the init neither
            os.kill(init, signal.SIGSTOP)
            os.kill(sshd.monitors()[0], signal.SIGKILL)
            os.kill(init, signal.SIGKILL)
            wait_until_ended()
            left = set(sockets()) | set(H.records())
            assert len(left) == 2
            assert where()
            assert not left & (set(sockets()) | set(H.records())), "the user's next login removes what ended"


def test_a_socket_without_a_record_goes_with_the_next_login():
    """As it is left when a helper is killed before its session has a record."""
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        of_the_living = sockets()
        left = f"{USERS}/{H.USERS['alice'].uid}/{'0' * 16}.{'0' * 12}"
        H.write(left, "", mode=0o600)
        H.set_policy("user/alice.conf", SHARED + 'uts { hostname = "new" }\n')
        assert where() != namespace
        assert sockets() == of_the_living
        H.set_policy("user/alice.conf", SHARED)
        assert where() == namespace


def test_records_and_sockets_are_root_s_alone():
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        first.read_line()
        for path in ("/run/nsisolate/sessions", USERS, *glob.glob(f"{USERS}/*")):
            status = os.stat(path)
            assert (status.st_uid, status.st_mode & 0o7777) == (0, 0o700)
        assert P.ssh("alice", "ls /run/nsisolate").status != 0


def test_a_forged_socket_and_record_are_not_joined(log):
    """Whoever can write there is root; a mistake of theirs must still not move a login into a user's namespaces."""
    with P.sshd():
        with P.ssh_background("alice", STAY) as first:
            first.read_line()
            (name, _record), = live(False).items()
            text = H.read(f"/run/nsisolate/sessions/{name}")
            socket_name = os.path.basename(sockets()[0])
        wait_until_ended()
        H.wait_until(lambda: not H.records(), "the record to go")
        H.write(f"/run/nsisolate/sessions/{name}", text, mode=0o600)
        H.write(f"{USERS}/{H.USERS['alice'].uid}/{socket_name}", "", mode=0o600)
        assert where()
        assert not log.matching("session joined: ")
    P.sweep_records()
    assert sockets() == []


# waiting

def test_what_is_left_running_is_there_for_the_next_login(log):
    H.set_policy("user/alice.conf", WAITING)
    with P.sshd():
        namespace = P.ssh("alice", f"{PID_NAMESPACE}; nohup sleep 1000 >/dev/null 2>&1 &").check().stdout.strip()
        log.wait_for("session left: ")
        assert len(live(False)) == 1
        assert P.ssh("alice", PID_NAMESPACE).check().stdout.strip() == namespace
        H.asleep("alice")
        assert P.ssh("alice", "pkill -x sleep").status == 0
        wait_until_ended()
    P.sweep_records()


def test_a_session_without_processes_ends_at_once(log):
    H.set_policy("user/alice.conf", WAITING)
    first = where()
    wait_until_ended()
    assert first
    P.sweep_records()


def test_tmux_stays_and_is_attached_to(log):
    H.set_policy("user/alice.conf", WAITING)
    with P.sshd():
        P.ssh("alice", "tmux new-session -d -s work 'echo kept >/tmp/kept; sleep 1000'").check()
        log.wait_for("session left: ")
        assert P.ssh("alice", "tmux list-sessions -F '#{session_name}'; cat /tmp/kept").check().stdout == "work\nkept\n"
        P.ssh("alice", "tmux kill-server").check()
        wait_until_ended()
    P.sweep_records()


def test_a_killed_login_process_leaves_a_session_that_waits(log):
    H.set_policy("user/alice.conf", WAITING)
    with P.sshd() as sshd:
        with P.ssh_background("alice", f"nohup sleep 1000 >/dev/null 2>&1 </dev/null & {STAY}") as first:
            namespace = first.read_line()
            os.kill(sshd.monitors()[0], signal.SIGKILL)
        assert where() == namespace
        H.asleep("alice")
        where("pkill -x sleep")
        wait_until_ended()
    P.sweep_records()


def test_wait_without_sharing_ends_with_the_last_process(log):
    H.set_policy("user/alice.conf", 'on-logout = "wait"\n')
    first = where(f"{PID_NAMESPACE}; nohup sleep 1000 >/dev/null 2>&1 &")
    log.wait_for("session left: ")
    assert len(live(False)) == 1
    assert where() != first
    H.kill_all(H.asleep("alice"))
    wait_until_ended()
    P.sweep_records()


# how many

def test_one_login_too_many_is_refused_and_the_next_after_a_logout_is_not(log):
    H.set_policy("user/alice.conf", "max-sessions = 2\n")
    with P.sshd():
        with P.ssh_background("alice", STAY) as first:
            first.read_line()
            with P.ssh_background("alice", STAY) as second:
                second.read_line()
                refused = P.su("alice", "echo in")
                assert refused.status != 0 and "in\n" not in refused.stdout
                assert "You have as many sessions as your login policy allows." in refused.stderr
                log.wait_for("denied: .*max-sessions = 2, and 2 of theirs are alive")
        log.wait_for("session closed: ", count=2)
        assert where()


def test_places_count_sessions_and_not_logins(log):
    H.set_policy("user/alice.conf", SHARED + "max-sessions = 1\n")
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        assert where() == namespace


def test_places_come_back_when_the_init_is_killed(log):
    H.set_policy("user/alice.conf", "max-sessions = 1\n")
    with P.sshd():
        with P.ssh_background("alice", STAY) as first:
            first.read_line()
            os.kill(H.session_init(), signal.SIGKILL)
            wait_until_ended()
            assert where()
    P.sweep_records()


def test_50_logins_at_once_get_just_the_places_there_are(log):
    H.set_policy("user/alice.conf", "max-sessions = 7\n")
    command = f"while [ ! -e {GO} ]; do sleep 0.2; done"
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        logins = [pool.submit(P.run, ["su", "alice", "-c", command], timeout=120) for _ in range(50)]
        try:
            log.wait_for("denied: ", count=43, timeout=100)
            log.wait_for("session opened: ", count=7)
        finally:
            H.write(GO, "")
        results = [login.result() for login in logins]
        os.unlink(GO)
    assert sorted(result.status == 0 for result in results) == [False] * 43 + [True] * 7

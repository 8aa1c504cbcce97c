# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Logins with the module in their stacks, as the contract has it. An empty user/alice.conf enforces the defaults."""

import contextlib
import os
import re
import shutil
import signal
import sys

import pexpect
import pytest

from support import host as H
from support import programs as P
from support.host import PROBE, USERS

ISOLATED = ("mnt", "net", "ipc", "uts", "pid")
PROGRAMS = list(P.PROGRAMS)
IFF_UP = 1
MIB = 1 << 20

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def installed(installed):
    """alice and carol under the defaults, all others through default.conf."""
    H.set_policy("user/alice.conf")
    H.set_policy("user/carol.conf")
    yield
    for name in os.listdir("/home/alice"):
        if name not in (".ssh", ".hushlogin"):
            os.unlink(f"/home/alice/{name}")


@contextlib.contextmanager
def staying(program, user="alice"):
    """A login that stays until the block is left; gives what the probe saw in it."""
    with contextlib.ExitStack() as stack:
        if program == "sshd":
            stack.enter_context(P.sshd())
            yield stack.enter_context(P.ssh_background(user)).probe()
        elif program == "login":
            terminal = stack.enter_context(P.login_terminal(user))
            assert terminal.logged_in()
            yield terminal.run(PROBE).check().json()
            with contextlib.suppress(pexpect.EOF, OSError):
                terminal.leave()
        elif program in ("su", "sudo"):
            by = {"su": ["su", user, "-c", P.STAY], "sudo": ["sudo", "-n", "-u", user, "--", "sh", "-c", P.STAY]}
            yield stack.enter_context(P.Background(by[program])).probe()
        else:
            yield stack.enter_context(staying_job(user)).json()


@contextlib.contextmanager
def staying_job(user):
    path = f"{USERS[user].home}/seen"
    P.set_crontab(user, f"@reboot {PROBE} >{path}.new && mv {path}.new {path} && exec sleep 1000\n")
    with P.cron() as daemon:
        try:
            H.wait_until(lambda: os.path.exists(path), lambda: f"the job does not run; log:\n{H.log.text()}")
            yield P.Result(0, H.read(path))
        finally:
            for process in [found for found in H.descendants(daemon.process.pid) if found.uid != 0]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)


def assert_isolated(seen):
    assert P.own_kinds(seen) == set(ISOLATED)


def mount_on(seen, target):
    """The uppermost mount on a directory."""
    return [mount for mount in seen["mounts"] if mount["target"] == target][-1]


def assert_gone():
    """The session ends by itself; the fixture `host` looks for everything else that could be left."""
    H.wait_until(lambda: not H.isolated_processes() and not H.live_records(),
                 lambda: f"still there: {H.isolated_processes()} {H.live_records()}")


def assert_swept():
    """Where no close ran, nobody was left to remove the record: the next login does."""
    P.su("alice", "true").check()
    assert H.records() == {}


# What a session is made of

@pytest.mark.parametrize("program", PROGRAMS)
def test_a_user_lands_in_a_session(program, host):
    seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    assert_isolated(seen)
    assert (seen["uid"], seen["euid"], seen["gid"], seen["groups"]) == (3001, 3001, 3001, [3001])
    assert seen["no_new_privs"] == "0"
    assert seen["hostname"] == "testhost"


@pytest.mark.parametrize("program", PROGRAMS)
def test_only_the_loopback_interface_and_it_is_up(program):
    seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    assert list(seen["interfaces"]) == ["lo"] == seen["sys_interfaces"]
    assert seen["interfaces"]["lo"] & IFF_UP


@pytest.mark.parametrize("program", PROGRAMS)
def test_private_temporary_directories(program):
    for directory in ("/tmp", "/var/tmp"):
        H.write(f"{directory}/of-the-host", "")
    try:
        seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    finally:
        for directory in ("/tmp", "/var/tmp"):
            os.unlink(f"{directory}/of-the-host")
    for directory in ("/tmp", "/var/tmp"):
        found = seen["directories"][directory]
        names = [name for name in found["names"] if not name.startswith("ssh-")]
        assert (found["mode"], found["uid"], found["gid"], names) == ("0o1777", 0, 0, [])
        mount = mount_on(seen, directory)
        assert mount["type"] == "tmpfs"
        assert {"nosuid", "nodev"} <= set(mount["options"])
        assert seen["filesystems"][directory] == {"bytes": 512 * MIB, "inodes": 128 * 1024}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_fresh_proc_shows_no_process_of_the_host(program):
    seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    assert mount_on(seen, "/proc")["type"] == "proc"
    assert 1 in seen["pids"] and max(seen["pids"]) < 100
    assert seen["commands"]["1"] == "nsisolate-init"
    assert not {"systemd", "cron", "pytest"} & set(seen["commands"].values())


@pytest.mark.parametrize("program", PROGRAMS)
def test_run_user_holds_only_the_users_own_directory(program):
    for uid in (3001, 3002):
        os.mkdir(f"/run/user/{uid}", 0o755)
        H.write(f"/run/user/{uid}/bus", "")
    try:
        seen = P.PROGRAMS[program]("alice", f"ls /run/user/3001; {PROBE}").check()
    finally:
        H.empty("/run/user")
    assert "bus" not in seen.stdout.replace("\r", "").split("\n")
    assert seen.json()["directories"]["/run/user"]["names"] == ["3001"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_ipc_is_private(program):
    H.write("/dev/shm/of-the-host", "")
    os.mknod("/dev/mqueue/of-the-host")
    key = P.run(["ipcmk", "--shmem", "1000", "--mode", "0666"]).check().stdout.split()[-1]
    try:
        seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    finally:
        P.run(["ipcrm", "--shmem-id", key]).check()
        os.unlink("/dev/shm/of-the-host")
        os.unlink("/dev/mqueue/of-the-host")
    assert seen["ipc"] == {"msg": [], "sem": [], "shm": []}
    assert seen["directories"]["/dev/shm"]["names"] == [] == seen["directories"]["/dev/mqueue"]["names"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_hosts_records_are_not_seen(program):
    seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    assert mount_on(seen, "/run/nsisolate")["type"] == "tmpfs"
    assert seen["directories"]["/run/nsisolate"]["names"] == "errno 13"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_users_files_stay(program):
    P.PROGRAMS[program]("alice", "echo kept >/home/alice/kept; echo lost >/tmp/lost").check()
    assert H.read("/home/alice/kept") == "kept\n"
    assert not os.path.exists("/tmp/lost")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_the_exit_status_comes_through(program, status):
    assert P.PROGRAMS[program]("alice", f"bash -c 'exit {status}'").status == status


@pytest.mark.parametrize("program", PROGRAMS)
def test_mode_off_stays_on_the_host(program, host):
    seen = P.PROGRAMS[program]("bob", PROBE).check().json()
    assert P.own_kinds(seen) == set()
    host.log.wait_for(r"pam_nsisolate\(\S+:session\): NSL033 not isolated: user=bob .*default\.conf says mode \"off\"")


@pytest.mark.parametrize("program", PROGRAMS)
def test_root_stays_on_the_host(program):
    assert P.own_kinds(P.PROGRAMS[program]("root", PROBE).check().json()) == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_group_policy_isolates_its_members(program):
    os.unlink(f"{H.POLICIES}/user/carol.conf")
    H.set_policy("group/students.conf")
    assert_isolated(P.PROGRAMS[program]("carol", PROBE).check().json())


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_log_has_one_line_at_open_and_one_at_close(program, host):
    seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    opened = host.log.wait_for(r"pam_nsisolate\(\S+:session\): NSL001 session opened:")
    closed = host.log.wait_for(r"pam_nsisolate\(\S+:session\): NSL003 session closed:")
    assert opened.facility in (host.log.AUTH, host.log.AUTHPRIV)
    fields = dict(word.split("=", 1) for word in opened.text.split("session opened: ")[1].split())
    assert fields == dict(word.split("=", 1) for word in closed.text.split("session closed: ")[1].split())
    assert re.fullmatch("[0-9a-f]{12}", fields.pop("id"))
    assert re.fullmatch("[0-9a-f]{16}", fields.pop("hash"))
    for kind in ISOLATED:
        assert seen["namespaces"][kind] == f"{kind}:[{fields.pop(kind)}]"
    assert fields == {"user": "alice", "service": program, "rhost": "127.0.0.1" if program == "sshd" else "-",
                      "policy": "user/alice.conf", "mode": "enforce"}
    assert len(host.log.matching("session opened: id")) == len(host.log.matching("session closed: id")) == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_record_lives_as_long_as_the_session(program):
    with staying(program) as seen:
        (name, record), = H.records().items()
        assert (record["user"], record["service"]) == ("alice", program)
        assert seen["env"].get("NSISOLATE_ID", name) == name
        assert os.stat(H.RECORDS).st_mode & 0o777 == 0o700
    assert_gone()


def test_the_session_id_is_in_the_environment(server):
    seen = P.ssh("alice", PROBE).check().json()
    H.log.wait_for(f"session opened: id={seen['env']['NSISOLATE_ID']} ")


# The working directory

@pytest.mark.parametrize("program", ["su", "sudo"])
def test_the_directory_is_kept(program):
    os.mkdir("/home/alice/here", 0o755)
    try:
        drive = P.su if program == "su" else P.sudo
        assert drive("alice", "pwd", cwd="/home/alice/here") == P.Result(0, "/home/alice/here\n")
    finally:
        os.rmdir("/home/alice/here")


@pytest.mark.parametrize("program", ["su", "sudo"])
def test_a_directory_that_is_not_in_the_session_becomes_the_root(program):
    os.mkdir("/tmp/here", 0o755)
    try:
        drive = P.su if program == "su" else P.sudo
        assert drive("alice", "/bin/pwd", cwd="/tmp/here") == P.Result(0, "/\n")
    finally:
        os.rmdir("/tmp/here")


# What works inside by ssh

def test_ssh_with_a_terminal(server):
    seen = P.ssh("alice", PROBE, pty=True).check().json()
    assert_isolated(seen)
    assert seen["terminal"].startswith("/dev/pts/")


@pytest.mark.parametrize("options", [(), ("-O",)], ids=["sftp", "scp"])
def test_scp_both_ways(server, options):
    H.write("/tmp/there", "content\n")
    P.scp("/tmp/there", "alice@127.0.0.1:there", *options).check()
    P.scp("alice@127.0.0.1:there", "/tmp/back", *options).check()
    assert H.read("/tmp/back") == "content\n"
    assert P.scp("alice@127.0.0.1:/tmp/there", "/tmp/other", *options).status != 0


def test_sftp_sees_the_session(server):
    assert P.sftp("alice", "ls -1 /tmp\n").check().stdout.split() == ["sftp>", "ls", "-1", "/tmp"]


def test_internal_sftp_sees_the_session():
    H.write("/etc/ssh/sshd_config", H.read("/etc/ssh/sshd_config").replace("/usr/lib/openssh/sftp-server",
                                                                         "internal-sftp"))
    H.write("/tmp/of-the-host", "")
    with P.sshd():
        assert "of-the-host" not in P.sftp("alice", "ls -1 /tmp\n").check().stdout
        P.sftp("alice", "put /tmp/of-the-host there\n").check()
    assert os.path.exists("/home/alice/there")


def test_agent_forwarding(server):
    with P.ssh_agent() as environment:
        found = P.ssh("alice", "ssh-add -l; echo $SSH_AUTH_SOCK", options=("-A",), env=environment).check()
    assert "ED25519" in found.stdout
    assert not os.path.exists(found.stdout.split()[-1])


def test_local_forwarding_does_not_reach_the_hosts_loopback(server):
    with P.Listener("hello") as listener, P.ssh_forward("alice", "-L", f"127.0.0.1:8001:127.0.0.1:{listener.port}"):
        H.wait_until(lambda: P.listening_on(8001), "-L does not listen")
        assert P.connect(8001) in ("", None)


LISTEN_INSIDE = ("python3 -c 'import socket; s = socket.create_server((\"127.0.0.1\", 9000)); print(1, flush=True); "
                 "s.accept()[0].sendall(b\"inside\")'")


def test_local_forwarding_reaches_the_sessions_loopback(server):
    with P.ssh_background("alice", LISTEN_INSIDE, options=("-L", "127.0.0.1:8001:127.0.0.1:9000")) as login:
        assert login.read_line() == "1"
        assert P.connect(8001) == "inside"


def test_remote_forwarding_listens_inside_only(server):
    with P.Listener("hello") as listener:
        with P.ssh_background("alice", f"{PROBE} connect 8002; cat >/dev/null",
                              options=("-R", f"127.0.0.1:8002:127.0.0.1:{listener.port}")) as login:
            assert login.probe() == {"answer": "hello"}
            assert not P.listening_on(8002)


def test_x11_forwarding(server):
    P.assert_forwards_x11("alice")


def test_control_master_is_one_session(server):
    with P.ssh_master("alice") as through:
        seen = [P.ssh("alice", PROBE, options=through).check().json() for _ in range(2)]
        assert seen[0]["namespaces"] == seen[1]["namespaces"]
        assert_isolated(seen[0])
        assert len(H.records()) == 1


def test_two_logins_have_two_sets(server):
    with P.ssh_background("alice") as first, P.ssh_background("alice") as second:
        one, two = first.probe(), second.probe()
        for kind in ISOLATED:
            assert one["namespaces"][kind] != two["namespaces"][kind]
        assert len(H.records()) == 2
        first.kill()
        H.wait_until(lambda: len(H.records()) == 1 and len(H.session_inits()) == 1, "the first session does not end")


def test_the_same_login_name_in_other_letters_is_no_way_out(server):
    for name in ("Alice", "ALICE", "alice "):
        assert P.ssh(name, "true").status == 255


# Programs and their quirks

@pytest.mark.parametrize("options", [(), ("-l",), ("--pty",)], ids=["su", "su-l", "su--pty"])
def test_su_in_all_forms(options):
    assert_isolated(P.su("alice", PROBE, options=options).check().json())


def test_su_login_includes_su_and_opens_one_session(host):
    assert P.su("alice", "true", options=("-l",)).status == 0
    host.log.wait_for("session closed: id")
    assert len(host.log.matching("session opened: id")) == 1


def test_su_into_a_pipe_ends():
    assert P.run(["sh", "-c", "su alice -c 'echo through' | cat"]) == P.Result(0, "through\n")


def test_sudo_login():
    assert_isolated(P.run(["sudo", "-n", "-i", "-u", "alice", PROBE]).check().json())


def test_sudo_by_a_user_to_an_isolated_one():
    H.write("/etc/sudoers.d/more", "bob ALL=(alice) NOPASSWD: ALL\n", 0o440)
    try:
        assert_isolated(P.sudo("alice", PROBE, by="bob").check().json())
    finally:
        os.unlink("/etc/sudoers.d/more")


def test_login_gives_job_control():
    with P.login_terminal("alice") as terminal:
        assert terminal.logged_in()
        assert terminal.run("sleep 100 & kill %1; wait %1").status == 143
        assert terminal.run("bash -c 'kill -9 $$'").status == 137
        terminal.leave()


def test_login_by_password():
    assert_isolated(P.login("alice", PROBE, password="alice-secret").check().json())


def test_cron_mails_from_inside():
    P.cron_job("alice", "echo printed").check()
    assert "To: alice" in P.mails()[0] and "printed" in P.mails()[0]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_later_module_that_forks_works(program):
    script = "/usr/local/lib/nsisolate-tests/where"
    H.write(script, "#!/bin/sh\necho $PAM_TYPE $(readlink /proc/$$/ns/net) >>/var/log/where\n", 0o755)
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/var/log/where")
    H.append_session_line(program, f"required pam_exec.so {script}")
    seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    H.wait_until(lambda: len(H.read("/var/log/where").splitlines()) == 2, "pam_exec did not run twice")
    assert H.read("/var/log/where").splitlines() == [
        f"open_session {seen['namespaces']['net']}", f"close_session {H.namespaces()['net']}"]


def test_the_user_manager_is_refused(host):
    H.write("/etc/pam.d/systemd-user", "session required pam_permit.so\n")
    H.add_module(["systemd-user"])
    driver = [sys.executable, os.path.join(os.path.dirname(H.__file__), "pam_session.py"), "systemd-user"]
    assert P.run([*driver, "alice", "touch", "/home/alice/ran"]).status != 0
    host.log.wait_for(r"denied: user=alice service=systemd-user")
    assert not os.path.exists("/home/alice/ran")
    assert P.run([*driver, "bob", "true"]).status == 0


# Nested

def test_su_inside_makes_a_child_set(server):
    inner = f"sudo -n -u carol sh -c '{P.STAY}'"
    with P.ssh_background("alice", f"{PROBE}; {inner}") as login:
        outer = login.probe()
        nested = login.probe()
        assert nested["uid"] == 3003
        for kind in ISOLATED:
            assert nested["namespaces"][kind] not in (outer["namespaces"][kind], H.namespaces()[kind])
        assert 1 in nested["pids"] and max(nested["pids"]) < 100
        depths = {process.uid: len(match[1].split()) for process in H.isolated_processes() if process.uid in (3001, 3003)
                  and (match := re.search("^NSpid:(.*)$", H.read_of(process, "status"), re.M))}
        assert depths == {3001: 2, 3003: 3}
        assert len(H.records()) == 1  # the nested one's is inside
    assert_gone()


def test_su_inside_by_password(server):
    with P.Terminal(P.ssh_arguments("alice", f"su carol -c {PROBE}", pty=True)) as terminal:
        terminal.answer("Password: ", "carol-secret")
        assert_isolated(terminal.wait().check().json())


def test_root_by_sudo_stays_in_the_session(server):
    found = P.ssh("alice", f"{PROBE}; sudo -n {PROBE}").check().stdout.splitlines()
    outer, inner = (P.Result(0, line).json() for line in found)
    assert inner["uid"] == 0
    assert inner["namespaces"] == outer["namespaces"]


def test_mode_off_inside_stays_in_the_session(server):
    found = P.ssh("alice", f"{PROBE}; sudo -n -u bob {PROBE}").check().stdout.splitlines()
    outer, inner = (P.Result(0, line).json() for line in found)
    assert inner["uid"] == 3002
    assert inner["namespaces"] == outer["namespaces"]


# Refusals

@contextlib.contextmanager
def broken_file():
    H.set_policy("user/alice.conf", "no-such-key = 1\n")
    yield


@contextlib.contextmanager
def missing_helper():
    assert H.helpers()
    with H.renamed_away(*H.helpers()):
        yield


@contextlib.contextmanager
def missing_directory():
    shutil.rmtree(H.POLICIES)
    yield


@contextlib.contextmanager
def unresolvable_group():
    """A file for a group that NSS does not know: of whom it would be the policy cannot be told."""
    os.unlink(f"{H.POLICIES}/user/alice.conf")
    H.set_policy("group/no-such-group.conf")
    yield


@contextlib.contextmanager
def failing_group_service():
    """NSS answers "unavailable", which must not be taken for "is no member"."""
    os.unlink(f"{H.POLICIES}/user/alice.conf")
    H.set_policy("group/students.conf")
    os.rename("/etc/group", "/etc/group.away")
    os.mkdir("/etc/group")
    try:
        yield
    finally:
        os.rmdir("/etc/group")
        os.rename("/etc/group.away", "/etc/group")


@contextlib.contextmanager
def fifo():
    os.unlink(f"{H.POLICIES}/user/alice.conf")
    os.mkfifo(f"{H.POLICIES}/user/alice.conf", 0o644)
    yield


@contextlib.contextmanager
def writable_file():
    os.chmod(f"{H.POLICIES}/user/alice.conf", 0o664)
    yield


@contextlib.contextmanager
def symbolic_link():
    H.write("/home/alice/mine.conf", 'mode = "off"\n')
    os.unlink(f"{H.POLICIES}/user/alice.conf")
    os.symlink("/home/alice/mine.conf", f"{H.POLICIES}/user/alice.conf")
    yield


@contextlib.contextmanager
def no_policy():
    os.unlink(f"{H.POLICIES}/user/alice.conf")
    os.unlink(f"{H.POLICIES}/default.conf")
    yield


@contextlib.contextmanager
def unknown_argument():
    for services in H.STACKS.values():
        for service in services:
            path = f"/etc/pam.d/{service}"
            H.write(path, H.read(path).replace(f"{H.MODULE} open", f"{H.MODULE} open optinoal"))
    yield


FAULTS = [broken_file, missing_helper, missing_directory, unresolvable_group, failing_group_service, fifo,
          writable_file, symbolic_link, no_policy, unknown_argument]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_fault_refuses_the_user_and_lets_root_in(program, fault, host):
    with fault():
        P.assert_refused(program, "alice", "touch /home/alice/ran")
        assert len(host.log.matching(P.refusal("alice"))) == 1
        assert not os.path.exists("/home/alice/ran")
        H.restore_jobs()
        assert P.own_kinds(P.PROGRAMS[program]("root", PROBE).check().json()) == set()
    assert not os.path.exists("/home/alice/ran")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_refuses_forwarding_without_a_command(fault, server):
    with fault(), P.Listener("hello") as listener:
        P.assert_forwards_nothing("alice", listener)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_faulty_policy_of_alice_leaves_others_alone(program):
    with broken_file():
        assert P.own_kinds(P.PROGRAMS[program]("bob", PROBE).check().json()) == set()
        assert_isolated(P.PROGRAMS[program]("carol", PROBE).check().json())


def test_an_exempt_user_is_passed_before_any_policy():
    for services in H.STACKS.values():
        for service in services:
            path = f"/etc/pam.d/{service}"
            H.write(path, H.read(path).replace(f"{H.MODULE} open", f"{H.MODULE} open exempt=alice"))
    shutil.rmtree(H.POLICIES)
    assert P.own_kinds(P.su("alice", PROBE).check().json()) == set()


def test_a_system_user_is_decided_by_a_file_of_its_own_only():
    H.set_policy("default.conf")
    assert P.own_kinds(P.su("sysdaemon", PROBE).check().json()) == set()
    H.set_policy("user/sysdaemon.conf")
    assert_isolated(P.su("sysdaemon", PROBE).check().json())


def test_root_is_isolated_by_a_file_of_its_own_only():
    H.set_policy("default.conf")
    assert P.own_kinds(P.su("root", PROBE).check().json()) == set()
    H.set_policy("user/root.conf")
    assert_isolated(P.su("root", PROBE).check().json())


@pytest.mark.parametrize("program", PROGRAMS)
def test_root_gets_in_where_their_file_cannot_be_looked_for_and_that_is_logged(program, host):
    shutil.rmtree(f"{H.POLICIES}/user")
    os.symlink("user", f"{H.POLICIES}/user")
    assert P.own_kinds(P.PROGRAMS[program]("root", PROBE).check().json()) == set()
    host.log.wait_for(r"not isolated: user=root .*: uid 0 is passed although \S+/user/root\.conf cannot be looked for: "
                      "Too many levels of symbolic links")
    assert P.su("alice", "true").status != 0
    host.log.wait_for(P.refusal("alice"))


# However it ends

@pytest.mark.parametrize("program", PROGRAMS)
def test_killing_the_login_process_ends_the_session(program):
    with staying(program):
        record, = H.records().values()
        login = int(record["login-pid"])
        os.kill(login, signal.SIGKILL)
        assert_session_over()
    assert_gone()
    assert_swept()


@pytest.mark.parametrize("program", PROGRAMS)
def test_killing_the_init_ends_the_session(program):
    with staying(program):
        init = H.session_init()
        os.kill(init, signal.SIGKILL)
        assert_session_over()
    assert_gone()
    assert_swept()


def assert_session_over():
    """No process in the session's PID namespace; the login program may live on outside, in the rest of the set."""
    H.wait_until(lambda: not H.session_inits() and not users_processes(),
                 lambda: f"still there: {users_processes()}")


def users_processes():
    return [process for process in H.isolated_processes()
            if process.uid == 3001 and "pid" in process.isolated_from(H.namespaces())]


def test_killing_the_ssh_client_ends_the_session(server):
    with P.ssh_background("alice", f"{PROBE}; exec sleep 1000") as client:
        client.probe()
        client.kill()
        assert_gone()


def test_killing_the_connections_unprivileged_sshd_ends_the_session(server):
    with P.ssh_background("alice") as client:
        client.probe()
        monitor, = server.monitors()
        for process in H.children(monitor):
            os.kill(process.pid, signal.SIGKILL)
        assert_gone()


@pytest.mark.parametrize("program", PROGRAMS)
def test_background_processes_end_with_the_login(program):
    P.PROGRAMS[program]("alice", "setsid sleep 1000 >/dev/null 2>&1 </dev/null & true").check()
    assert_gone()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect enter, into sessions of real logins: whoever comes in is confined as the login is."""

import contextlib
import json
import os
import re
import signal
import uuid

import pytest

from support import host as H
from support import programs as P
from support.host import PROBE

LIMITS = "/etc/security/limits.d/entered.conf"
# the machine's are for all runs of the tests that go on
GROUP = f"nsisolate-test-{uuid.uuid4().hex}"
SHARED = 'scope = "user"\n'
LINGERING = 'on-logout = "wait"\n'
KEYRING = "import ctypes; print(ctypes.CDLL(None).syscall(250, 0, -3, 1))"  # keyctl(2): serial number of the session's


@pytest.fixture(autouse=True)
def policies(installed):
    H.set_policy("user/alice.conf")


@contextlib.contextmanager
def logged_in(*around, command="echo in; cat"):
    """A login by su, run by a command, as whose caller it is; the id of its session and its login process."""
    with P.Background([*around, "su", "alice", "-c", command]) as login:
        assert login.read_line() == "in"
        record, = [record for record in H.live_records().values() if not record["login"]]
        yield record["id"], login


def enter(*arguments, **options):
    return P.run(["nsinspect", "enter", *arguments], **options)


def status_of(text):
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def bash():
    terminal = P.Terminal(["/bin/bash", "--norc", "--noprofile"], env=P.ENVIRONMENT | {"PS1": "root> "})
    terminal.child.expect("root> ")
    return terminal


# who and where

def test_command_is_where_the_login_is(server):
    with P.ssh_background("alice") as login:
        seen = login.probe()
        (ident, _), = H.live_records().items()
        entered = enter(ident, PROBE, env=P.ENVIRONMENT | {"SECRET": "1", "LD_LIBRARY_PATH": "/x"}).check().json()
        assert entered["namespaces"] == seen["namespaces"]
        assert [entered[name] for name in ("uid", "hostname", "interfaces", "mounts")] == \
            [seen[name] for name in ("uid", "hostname", "interfaces", "mounts")]
        assert (entered["ppid"], entered["cwd"]) == (0, "/home/alice")
        entered["env"].pop("LC_CTYPE", None)
        assert entered["env"] == {
            "HOME": "/home/alice", "USER": "alice", "LOGNAME": "alice", "SHELL": "/bin/bash", "TERM": "dumb",
            "PATH": "/usr/local/bin:/usr/bin:/bin", "NSISOLATE_ID": ident}
        shown = json.loads(P.run(["nsinspect", "show", "-J", ident]).check().stdout)
        assert shown["differences"] == []


@pytest.mark.parametrize("options, uid, groups, home", [
    ((), 3003, ["3003", "4000"], "/home/carol"), (("--root",), 0, ["0"], "/root")])
def test_command_is_the_sessions_user_or_root(options, uid, groups, home):
    H.set_policy("user/carol.conf")
    with P.Background(["su", "carol", "-c", "echo in; cat"]) as login:
        assert login.read_line() == "in"
        ident, = H.live_records()
        status = status_of(enter(*options, ident, "cat", "/proc/self/status").check().stdout)
        assert status["Uid"].split() == status["Gid"].split() == [str(uid)] * 4
        assert status["Groups"].split() == groups
        capabilities = {int(status[name], 16) for name in ("CapPrm", "CapEff")}
        assert capabilities == ({0} if uid else {int(status["CapBnd"], 16)})
        assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
        assert enter(*options, ident, "sh", "-c", "echo $HOME; pwd").check().stdout == f"{home}\n{home}\n"


def test_capabilities_of_the_caller_are_not_inherited():
    with logged_in() as (ident, _):
        for prefix in (["setpriv", "--inh-caps=+net_raw,+sys_time", "--ambient-caps=+net_raw"],
                       ["setpriv", "--securebits=+no_setuid_fixup"]):
            status = status_of(P.run([*prefix, "nsinspect", "enter", ident, "cat", "/proc/self/status"]).check().stdout)
            assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0] * 4, prefix
        securebits = "import ctypes; print(ctypes.CDLL(None).prctl(27, 0, 0, 0, 0))"
        assert P.run(["setpriv", "--securebits=+no_setuid_fixup", "nsinspect", "enter", ident, "python3", "-c",
                      securebits]).check().stdout == "0\n"


def test_no_descriptor_is_passed_but_the_streams():
    with logged_in() as (ident, _):
        directory = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        os.set_inheritable(directory, True)
        try:
            for options in ((), ("-t",)):
                command = f"exec nsinspect enter {' '.join(options)} {ident} ls -l /proc/self/fd {directory}<&{directory}"
                lines = P.run(["bash", "-c", command]).check().stdout.replace("\r", "").splitlines()[1:]
                found = {line.split(" -> ")[0].split()[-1]: line.split(" -> ")[1] for line in lines}
                own = found.pop("3")
                assert re.fullmatch(r"/proc/\d+/fd", own)
                assert found.keys() == {"0", "1", "2"}
                assert all(target.startswith("/dev/pts/" if options else "pipe:") for target in found.values())
        finally:
            os.close(directory)


def test_without_a_command_it_is_the_login_shell():
    with logged_in() as (ident, _):
        assert enter(ident, input="echo $0; pwd; exit 3\n") == P.Result(3, "-bash\n/home/alice\n", "")
        assert enter("--root", ident, input="echo $0; id -u\n").stdout == "-bash\n0\n"


def test_home_that_is_not_the_users_to_enter_is_not_entered():
    with logged_in() as (ident, _):
        os.chmod("/home/alice", 0)
        os.chown("/home/alice", 0, 0)
        try:
            assert enter(ident, "pwd").check().stdout == "/\n"
        finally:
            os.chown("/home/alice", 3001, 3001)
            os.chmod("/home/alice", 0o755)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the number of the system call")
def test_keyring_is_a_new_one():
    with logged_in() as (ident, _):
        own = P.run(["python3", "-c", KEYRING]).stdout
        found = [enter(ident, "python3", "-c", KEYRING).check().stdout for _ in range(2)]
        found += [enter("--root", ident, "python3", "-c", KEYRING).check().stdout]
        assert own == "-1\n" or len({own, *found}) == 4


# what confines it

@pytest.fixture
def limits():
    H.write(LIMITS, "alice hard nofile 700\nalice soft nofile 600\nalice hard nproc 333\nalice - core 0\n")
    yield {"Max open files": ["600", "700"], "Max processes": ["333", "333"], "Max core file size": ["0", "0"]}
    os.unlink(LIMITS)


def limits_of(text, wanted):
    lines = {line[:26].strip(): line[26:].split()[:2] for line in text.splitlines()}
    return {name: lines[name] for name in wanted}


@pytest.mark.parametrize("options", [(), ("--root",), ("-t",)])
def test_limits_are_those_of_the_login(server, limits, options):
    with P.ssh_background("alice", "cat /proc/self/limits; echo; cat") as login:
        told = "\n".join(iter(login.read_line, ""))
        (ident, _), = H.live_records().items()
        assert limits_of(enter(*options, ident, "cat", "/proc/self/limits").check().stdout, limits) == limits
        assert limits_of(H.read("/proc/self/limits"), limits) != limits == limits_of(told, limits)


def test_bounding_set_and_no_new_privs_are_those_of_the_login():
    dropped = 1 << 27 | 1 << 25  # CAP_MKNOD, CAP_SYS_TIME
    with logged_in("setpriv", "--bounding-set=-mknod,-sys_time", "--no-new-privs") as (ident, _):
        for options in ((), ("--root",)):
            status = status_of(enter(*options, ident, "cat", "/proc/self/status").check().stdout)
            assert int(status["CapBnd"], 16) & dropped == 0 and status["NoNewPrivs"] == "1"
            assert int(status["CapEff"], 16) & dropped == 0
        assert enter("--root", ident, "mknod", "/root/entered", "c", "1", "3").status == 1
        assert enter(ident, "sudo", "-n", "id").status == 1
    with logged_in() as (ident, _):
        status = status_of(enter("--root", ident, "cat", "/proc/self/status").check().stdout)
        assert int(status["CapBnd"], 16) & dropped == dropped and status["NoNewPrivs"] == "0"
        assert enter("--root", ident, "mknod", "/root/entered", "c", "1", "3").status == 0
        os.unlink("/root/entered")
        assert enter(ident, "sudo", "-n", "id", "-u").stdout == "0\n"


def test_scheduling_is_that_of_the_login():
    show = ("sh", "-c", "nice; cat /proc/self/oom_score_adj; umask; grep Cpus_allowed_list /proc/self/status | cut -f 2; chrt -p $$ | head -1")
    with logged_in("nice", "-n", "7", "choom", "-n", "321", "--", "taskset", "1", "sh", "-c", "umask 0; exec \"$@\"", "sh") as (ident, _):
        lines = P.run(["chrt", "-f", "5", "nsinspect", "enter", ident, *show]).check().stdout.splitlines()
        assert lines[:4] == [str(os.nice(0) + 7), "321", "0000", "0"] and lines[4].endswith("SCHED_OTHER")
        # who called su chose the umask: nothing of root's becomes writable by it
        assert enter("--root", ident, *show).check().stdout.splitlines()[2] == "0022"


@contextlib.contextmanager
def control_group(controller):
    paths = [path for path in (f"/sys/fs/cgroup/{controller}", "/sys/fs/cgroup") if os.path.exists(f"{path}/cgroup.procs")]
    path = f"{paths[0]}/{GROUP}"
    os.mkdir(path)
    try:
        yield path
    finally:
        H.wait_until(lambda: removed(path), "the control group empties")


def removed(path):
    with contextlib.suppress(OSError):
        os.rmdir(path)
    return not os.path.exists(path)


def freeze(path, frozen):
    for name, values in (("freezer.state", ("THAWED", "FROZEN")), ("cgroup.freeze", ("0", "1"))):
        if os.path.exists(f"{path}/{name}"):
            H.write(f"{path}/{name}", values[frozen])
    for name, wanted in (("freezer.state", "FROZEN" if frozen else "THAWED"), ("cgroup.events", f"frozen {int(frozen)}")):
        if os.path.exists(f"{path}/{name}"):
            H.wait_until(lambda name=name, wanted=wanted: wanted in H.read(f"{path}/{name}"), "it freezes or thaws")


def names_in(path):
    """Of the processes of a control group."""
    return {H.comm_of(pid) for pid in H.read(f"{path}/cgroup.procs").split()}


def within(path):
    return "sh", "-c", f"echo 0 >{path}/cgroup.procs; exec \"$@\"", "sh"


@pytest.mark.parametrize("controller", ["pids", "unified"])
def test_control_group_is_that_of_the_login(controller):
    with control_group(controller) as path, logged_in(*within(path)) as (ident, login):
        for options in ((), ("--root",)):
            assert enter(*options, ident, "cat", "/proc/self/cgroup").check().stdout == H.read(f"/proc/{login.pid}/cgroup")
        assert GROUP in H.read(f"/proc/{login.pid}/cgroup") and GROUP not in H.read("/proc/self/cgroup")


def test_limit_of_the_control_group_holds_for_it_and_is_named():
    with control_group("pids") as path, logged_in(*within(path)) as (ident, _):
        # all that there is to be, and nothing on its way
        H.wait_until(lambda: {"su", "nsisolate-init", "cat"} <= names_in(path) <= {"su", "nsisolate-init", "bash", "cat"},
                     lambda: f"not only {names_in(path)}")
        H.write(f"{path}/pids.max", H.read(f"{path}/pids.current"))
        result = enter(ident, "true")
        H.write(f"{path}/pids.max", "max")
        assert (result.status, result.stderr) == (
            125, f"nsinspect: {ident}: not entered: step clone3: Resource temporarily unavailable\n")


def test_frozen_session_is_refused_at_once():
    with control_group("freezer") as path, logged_in(*within(path)) as (ident, _):
        freeze(path, True)
        try:
            result = enter(ident, "true", timeout=9)
        finally:
            freeze(path, False)
        assert result.status == 125 and "control group is frozen; thaw it first" in result.stderr
        assert enter(ident, "echo", "in").stdout == "in\n"


def test_session_that_freezes_on_the_way_does_not_hold_it_up(tmp_path):
    log = tmp_path / "log"
    with control_group("freezer") as path, logged_in(*within(path)) as (ident, _):
        with P.Background(["strace", "-f", "-o", str(log), "-e", "trace=setns", "-e", "inject=setns:delay_enter=5000000",
                           "nsinspect", "enter", ident, "echo", "ran"], reads=False) as running:
            H.wait_until(lambda: log.exists() and "setns(" in H.read(log), "it is in the group")
            freeze(path, True)
            nsinspect, = H.children(running.pid)
            H.wait_until(lambda: not H.children(nsinspect.pid) or H.state_of(nsinspect.pid) in ("", "Z"), "it gives up")
            freeze(path, False)
            result = running.result()
        assert (result.status, result.stdout) == (125, "")
        assert "step control group: no answer for 10 s" in result.stderr


def test_a_later_login_is_asked_when_the_first_has_left(limits):
    H.set_policy("user/alice.conf", SHARED)
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as first:
        assert first.read_line() == "in"
        with P.Background(["nice", "-n", "3", "su", "alice", "-c", "echo in; cat"]) as second:
            assert second.read_line() == "in"
            first.process.stdin.close()
            first.process.stdin = None
            first.process.wait(H.TIMEOUT)
            ident, = [name for name in H.live_records() if "." not in name]
            assert enter(ident, "nice").check().stdout == f"{os.nice(0) + 3}\n"
            assert limits_of(enter(ident, "cat", "/proc/self/limits").check().stdout, limits) == limits


@pytest.fixture
def lingering(limits):
    """A session that nobody is logged in to, with a process that has confined itself further, and one that has not."""
    H.set_policy("user/alice.conf", LINGERING)
    left = "(ulimit -n 100; umask 0; exec nohup sleep 1000 >/dev/null 2>&1) & nohup sleep 1000 >/dev/null 2>&1 &"
    P.run(["setpriv", "--bounding-set=-mknod", "su", "alice", "-c", left]).check()
    ident, = H.live_records()
    H.wait_until(lambda: "lingering" in P.run(["nsinspect", "-rn", "-o", "ID,STATE"]).stdout, "the login has left")
    H.wait_until(lambda: len(H.asleep("alice")) == 2, "both sleep")
    yield ident
    P.run(["nsinspect", "kill", ident])


def test_lingering_session_is_as_confined_as_what_lingers(lingering, limits):
    for options in ((), ("--root",)):
        found = enter(*options, lingering, "sh", "-c", "umask; cat /proc/self/limits /proc/self/status").check().stdout
        assert found.splitlines()[0] == "0022"
        assert limits_of(found, limits) == limits
        assert status_of(found)["NoNewPrivs"] == "0"
        assert int(status_of(found)["CapBnd"], 16) & 1 << 27 == 0


def test_who_is_in_keeps_a_lingering_session_alive(lingering):
    with P.Background(["nsinspect", "enter", lingering, "sh", "-c", "pkill sleep; echo in; cat; echo still"]) as running:
        assert running.read_line() == "in"
        assert list(H.live_records()) == [lingering]
        assert running.process.communicate(b"", H.TIMEOUT)[0] == b"still\n"
    H.wait_until(lambda: not H.live_records(), "the session ends with its last process")
    P.sweep_records()


# terminals

def test_terminal_is_a_fresh_one_and_the_callers_is_out_of_reach():
    """It could be typed into by TIOCSTI."""
    with logged_in() as (ident, _), bash() as terminal:
        outer = terminal.run("tty").stdout.strip()
        inner = terminal.run(f"nsinspect enter {ident} tty").stdout.strip()
        assert inner.startswith("/dev/pts/") and inner != outer
        seen = terminal.run(f"nsinspect enter {ident} -- sh -c 'stat -c %U $(tty); ps -o tty= -p $$; : </dev/tty; : <{outer}'")
        lines = seen.stdout.replace("\r", "").splitlines()
        assert lines[:2] == ["alice", inner.removeprefix("/dev/")] and "Permission denied" in lines[2]
        assert terminal.run(f"nsinspect enter {ident} stty size").stdout.strip() == "50 200"
        # output that goes elsewhere is left alone, and then there is no terminal
        assert terminal.run(f"nsinspect enter {ident} -- sh -c 'tty; ! : </dev/tty' 2>/dev/null | cat").stdout.strip() == "not a tty"
        terminal.leave()


def test_window_size_follows_and_modes_come_back():
    command = "trap 'stty size; exit 6' WINCH; echo re${x}ady; while :; do sleep 0.01; done"
    with logged_in() as (ident, _), bash() as terminal:
        before = terminal.run("stty -g").stdout
        terminal.child.sendline(f'nsinspect enter {ident} bash -c "{command}"; last=$?')
        terminal.child.expect("ready")
        terminal.child.setwinsize(33, 77)
        terminal.child.expect("33 77")
        terminal.child.expect("root> ")
        assert terminal.run("(exit $last)").status == 6
        assert terminal.run("stty -g").stdout == before
        terminal.leave()


def test_shell_at_a_terminal_has_job_control_and_gets_keys():
    with logged_in() as (ident, _), bash() as terminal:
        terminal.child.sendline(f"nsinspect enter {ident}; last=$?")
        terminal.child.expect(r"alice@.*[$] ")
        terminal.child.sendline("sh -c 'echo re''ady; exec sleep 600'")
        terminal.child.expect("ready")
        terminal.child.sendcontrol("z")
        terminal.child.expect("Stopped")
        terminal.child.sendline("disown; sh -c 'echo ag''ain; exec sleep 600'")
        terminal.child.expect("again")
        terminal.child.sendcontrol("c")
        terminal.child.expect(r"alice@.*[$] ")
        terminal.child.sendline("exit 5")
        terminal.child.expect("root> ")
        assert terminal.run("(exit $last)").status == 5
        terminal.leave()


def test_callers_terminal_is_in_the_log(log):
    with logged_in() as (ident, _), bash() as terminal:
        outer = terminal.run("tty").stdout.strip()
        terminal.run(f"nsinspect enter {ident} true")
        assert f" tty={outer} " in log.wait_for("session entered: ").text
        terminal.leave()


# what others see of it

def test_it_is_the_sessions_for_ps_and_no_finding_of_the_audit():
    with logged_in() as (ident, _):
        before = P.run(["nsinspect", "audit", "-u", "alice"]).stdout
        with P.Background(["nsinspect", "enter", ident, "sh", "-c", "echo in; exec sleep 1234"]) as running:
            assert running.read_line() == "in"
            shown = P.run(["nsinspect", "ps", "-r", "-o", "ENTRY,COMMAND", ident]).check().stdout.splitlines()
            assert [line.split()[0] for line in shown if "sleep" in line] == ["outside"]
            assert P.run(["nsinspect", "audit", "-u", "alice"]).stdout == before
            running.kill(signal.SIGTERM)


def test_session_ends_with_its_login_whoever_came_in():
    with logged_in() as (ident, login):
        with P.Background(["nsinspect", "enter", ident, "sh", "-c", "echo in; exec sleep 600"]) as running:
            assert running.read_line() == "in"
            login.process.stdin.close()
            login.process.stdin = None
            login.process.wait(H.TIMEOUT)
            assert running.result().status == 128 + signal.SIGKILL


def test_nested_session_is_entered_from_the_one_around_it():
    H.set_policy("user/carol.conf")
    with P.Background(["su", "alice", "-c", "sudo -n -u carol sh -c 'echo in; cat'"]) as login:
        assert login.read_line() == "in"
        outer, = H.live_records()
        inner = enter(outer, "--root", "nsinspect", "-rn", "-o", "ID").check().stdout.strip()
        seen = enter(outer, "--root", "--", "nsinspect", "enter", inner, "sh", "-c", "id -un; readlink /proc/self/ns/pid")
        name, namespace = seen.check().stdout.split()
        assert name == "carol" and namespace not in (H.namespaces()["pid"], H.namespaces(H.session_inits()[0])["pid"])


def test_examples_of_other_policies_can_be_entered():
    """Whatever of the namespaces is the host's."""
    for text in ("pid { isolate = false }\nmount { proc = \"host\" }\n", "network { mode = \"host\" }\n", "uts { isolate = false }\n"):
        H.set_policy("user/alice.conf", text)
        with logged_in(command=f"{PROBE} >/home/alice/probe; echo in; cat") as (ident, _):
            inside = json.loads(H.read("/home/alice/probe"))
            assert enter(ident, PROBE).check().json()["namespaces"] == inside["namespaces"]
    os.unlink("/home/alice/probe")

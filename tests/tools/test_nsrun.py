# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsrun: a command under a policy without a login. Status, signals, streams and terminal pass; nothing else does."""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import signal
import subprocess

import pytest

from support import host as host_module
from support import programs
from support.host import PROBE, TIMEOUT, wait_until

pytestmark = pytest.mark.usefixtures("policy")
ISOLATED = ("mnt", "net", "ipc", "uts", "pid")
DRAFT = "/root/draft.conf"
EXAMPLES = "/usr/share/doc/nsisolate/examples"
SHARED_PROCESSES = 'pid { isolate = false }\nmount { proc = "host" }\n'


@pytest.fixture
def policy(host):
    """alice is isolated by the defaults; the installed default.conf isolates nobody."""
    host.set_policy("user/alice.conf")


@pytest.fixture
def draft(host):
    host.write(DRAFT, 'uts { hostname = "draft" }\n')
    yield DRAFT
    os.unlink(DRAFT)


def nsrun(*arguments, **options):
    return programs.run(["nsrun", *arguments], **options)


def shell(command, *options, **more):
    return nsrun("-u", "alice", *options, "--", "sh", "-c", command, **more)


def background(command, *options):
    return programs.Background(["nsrun", "-u", "alice", *options, "--", "sh", "-c", command])


def bash():
    """A shell with job control on a terminal, as root has it."""
    terminal = programs.Terminal(["/bin/bash", "--norc", "--noprofile"], env=programs.ENVIRONMENT | {"PS1": "root> "})
    terminal.child.expect("root> ")
    return terminal


def last_status(terminal):
    """The status that the last line typed kept in $last, once the shell is back: what is typed earlier is the command's."""
    terminal.child.expect("root> ")
    return terminal.run("(exit $last)").status


# exit status

@pytest.mark.parametrize("command, status", [
    (["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "exit 255"], 255),
    (["sh", "-c", "kill -KILL $$"], 128 + 9), (["sh", "-c", "kill -TERM $$"], 128 + 15),
    (["no-such-command"], 127), (["/no/such/command"], 127), (["/etc/passwd"], 126), (["/tmp"], 126),
])
def test_status_is_that_of_the_command(command, status):
    assert nsrun("-u", "alice", *command).status == status


def test_command_that_cannot_run_is_named():
    assert nsrun("-u", "alice", "no-such-command").stderr == "nsrun: no-such-command: No such file or directory\n"


def test_caller_that_ignores_sigchld_gets_the_status():
    command = "trap '' CHLD; exec nsrun -u alice -- sh -c 'exit 7'"
    # dash passes an ignored signal on
    assert programs.run(["sh", "-c", command]).status == 7


# what the command gets

def test_command_is_isolated_as_a_login(host):
    seen = nsrun("-u", "alice", PROBE).check().json()
    outside = host.namespaces()
    assert [kind for kind in outside if seen["namespaces"][kind] != outside[kind]] == sorted(ISOLATED, key=list(outside).index)
    assert list(seen["interfaces"]) == ["lo"]
    assert seen["directories"]["/tmp"]["names"] == []
    assert seen["commands"] == {"1": "nsisolate-init", "2": "probe"}
    assert (seen["pid"], seen["ppid"]) == (2, 0)


@pytest.mark.parametrize("user, groups", [("alice", [3001]), ("carol", [3003, 4000])])
def test_command_is_the_user_alone(host, user, groups):
    host.set_policy(f"user/{user}.conf")
    found = nsrun("-u", user, "--", "cat", "/proc/self/status").check().stdout
    status = dict(line.split(":\t", 1) for line in found.splitlines() if ":\t" in line)
    assert status["Uid"].split() == [str(groups[0])] * 4
    assert status["Gid"].split() == [str(groups[0])] * 4
    assert status["Groups"].split() == [str(group) for group in groups]
    assert all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"))


def test_environment_is_that_of_a_login():
    seen = nsrun("-u", "alice", PROBE, env=programs.ENVIRONMENT | {"SECRET": "1", "LD_LIBRARY_PATH": "/x"}).json()["env"]
    identifier = seen.pop("NSISOLATE_ID")
    assert len(identifier) == 12
    seen.pop("LC_CTYPE", None)  # python's own
    assert seen == {"HOME": "/home/alice", "USER": "alice", "LOGNAME": "alice", "SHELL": "/bin/bash", "TERM": "dumb",
                    "PATH": "/usr/local/bin:/usr/bin:/bin"}


def test_environment_can_be_preserved():
    caller = programs.ENVIRONMENT | {"SECRET": "1", "NSISOLATE_ID": "x", "PATH": "/usr/bin:/bin"}
    seen = nsrun("-E", "-u", "alice", PROBE, env=caller).json()["env"]
    assert seen["SECRET"] == "1" and seen["PATH"] == "/usr/bin:/bin"
    assert seen["HOME"] == "/home/alice" and seen["USER"] == seen["LOGNAME"] == "alice"
    assert len(seen["NSISOLATE_ID"]) == 12


@pytest.mark.parametrize("before, after", [
    ("/usr/share", "/usr/share"), ("/home/alice", "/home/alice"), ("/", "/"),
    ("/tmp", "/home/alice"),  # another one inside
    ("/root", "/home/alice"),  # not for alice
])
def test_working_directory_is_kept_where_it_is_the_same(before, after):
    assert shell("pwd", cwd=before).stdout == after + "\n"


def test_without_a_home_the_working_directory_is_the_root(host):
    os.rename("/home/alice", "/home/gone")
    try:
        assert shell("pwd", cwd="/tmp").stdout == "/\n"
    finally:
        os.rename("/home/gone", "/home/alice")


def test_no_descriptor_is_passed_but_the_standard_streams():
    directory = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        done = subprocess.run(["nsrun", "-u", "alice", "ls", "-l", "/proc/self/fd"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, pass_fds=[directory], check=True, env=programs.ENVIRONMENT)
    finally:
        os.close(directory)
    numbers = [line.split(" -> ")[0].split()[-1] for line in done.stdout.splitlines()[1:]]
    assert numbers == ["0", "1", "2", "3"]  # 3: ls's own
    assert done.stdout.splitlines()[4].endswith("/fd")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_directory_as_standard_stream_is_refused(number):
    directory = os.open("/", os.O_PATH)
    streams = [subprocess.DEVNULL, subprocess.PIPE, subprocess.DEVNULL]
    streams[number] = directory
    # the C library loses a buffer of its own when stderr cannot be written to, which a leak check would report
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    try:
        done = subprocess.run(["nsrun", "-u", "alice", "echo", "ran"], stdin=streams[0], stdout=streams[1],
                              stderr=streams[2], env=env, check=False)
    finally:
        os.close(directory)
    assert done.returncode == 125
    assert not done.stdout


def test_closed_standard_streams_are_null():
    done = subprocess.run(["sh", "-c", "exec nsrun -u alice -- readlink /proc/self/fd/0 <&- 2>&-"], capture_output=True,
                          text=True, check=False, env=programs.ENVIRONMENT)
    assert (done.returncode, done.stdout) == (0, "/dev/null\n")


def session_keyring():
    """Serial number of the session keyring, or None where keys may not be used; keyctl(2)."""
    return "import ctypes; libc = ctypes.CDLL(None); print(libc.syscall(250, 0, -3, 1))"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the number of the system call")
def test_keyring_of_the_caller_stays_outside():
    own = ctypes.CDLL(None).syscall(250, 0, -3, 1)
    inside = int(nsrun("-u", "alice", "python3", "-c", session_keyring()).check().stdout)
    assert inside != own or own == -1


def test_without_a_command_it_is_the_login_shell():
    assert nsrun("-u", "alice", input="echo $0; pwd\n", cwd="/tmp").stdout == "-bash\n/home/alice\n"


def test_options_behind_the_command_are_the_commands():
    assert nsrun("-u", "alice", "echo", "-u", "bob", "--help").stdout == "-u bob --help\n"


# streams

def test_streams_are_passed_byte_for_byte():
    data = os.urandom(1 << 20)
    for command, out, err in (("cat", data, b""), ("cat >&2", b"", data)):
        done = subprocess.run(["nsrun", "-u", "alice", "--", "sh", "-c", command], input=data, capture_output=True,
                              check=True, env=programs.ENVIRONMENT)
        assert (done.stdout == out, done.stderr == err) == (True, True)


def test_end_of_output_ends_a_writer():
    with subprocess.Popen(["nsrun", "-u", "alice", "yes"], stdout=subprocess.PIPE, env=programs.ENVIRONMENT) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(TIMEOUT) == 128 + signal.SIGPIPE


# signals

@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "WINCH"])
def test_signal_reaches_the_command(name):
    with background(f"trap 'echo got; exit 42' {name}; echo ready; while :; do sleep 0.01; done") as running:
        assert running.read_line() == "ready"
        running.kill(getattr(signal, f"SIG{name}"))
        assert running.read_line() == "got"
        assert running.result().status == 42


def test_signal_ends_what_the_command_started():
    with background("sleep 600 & echo ready; wait") as running:
        assert running.read_line() == "ready"
        running.kill(signal.SIGTERM)
        assert running.result().status == 128 + signal.SIGTERM


def test_ignored_signal_stays_ignored():
    with programs.Background(["sh", "-c", "trap '' HUP; exec nsrun -u alice -- sh -c 'echo ready; read line; exit 9'"]) as running:
        assert running.read_line() == "ready"
        running.kill(signal.SIGHUP)
        assert running.process.communicate(b"\n", TIMEOUT)[0] == b""
        assert running.process.returncode == 9


def command_state(running):
    states = [process.state for process in host_module.children(running.pid)]
    return states[0] if states else None


def test_command_stops_and_continues():
    # one process: a shell that waits in vfork(2) for a child that was stopped there has not stopped itself
    with background("echo ready; exec cat") as running:
        assert running.read_line() == "ready"
        running.kill(signal.SIGTSTP)
        wait_until(lambda: command_state(running) == "T", "the command stops")
        running.kill(signal.SIGCONT)
        wait_until(lambda: command_state(running) == "S", "the command goes on")


def test_job_control_of_the_callers_shell(host):
    with bash() as terminal:
        terminal.child.sendline("nsrun -u alice -- sh -c 'echo re''ady; exec sleep 600'")
        terminal.child.expect("ready")
        terminal.child.sendcontrol("z")
        terminal.child.expect("Stopped")
        terminal.child.sendline("fg; last=$?")
        terminal.child.expect("exec sleep 600'")
        wait_until(lambda: [p.state for p in host.processes() if p.name == "sleep"] == ["S"], "sleep goes on")
        terminal.child.sendcontrol("c")
        assert last_status(terminal) == 128 + signal.SIGINT
        terminal.leave()


# the terminal

def test_without_tty_the_callers_terminal_is_out_of_reach():
    """It could be typed into by TIOCSTI."""
    with bash() as terminal:
        assert terminal.run("nsrun -u alice -- sh -c 'test -t 0 && ! (: </dev/tty) 2>/dev/null'").status == 0
        terminal.leave()


def test_tty_is_a_terminal_of_its_own():
    with bash() as terminal:
        outer = terminal.run("tty").stdout.strip()
        inner = terminal.run("nsrun -t -u alice -- tty").stdout.strip()
        assert inner.startswith("/dev/pts/") and inner != outer
        assert terminal.run("nsrun -t -u alice -- stty size").stdout.strip() == "50 200"
        assert terminal.run("nsrun -t -u alice -- sh -c 'stat -c %U $(tty); : </dev/tty'").stdout.strip() == "alice"
        assert terminal.run("nsrun -t -u alice -- sh -c 'exit 7'").status == 7
        terminal.leave()


def test_tty_needs_no_terminal():
    assert nsrun("-t", "-u", "alice", "--", "sh", "-c", "tty; cat", input="one\ntwo").stdout.splitlines()[-1].endswith("two")


def test_tty_passes_all_output_of_a_command_that_has_ended():
    out = nsrun("-t", "-u", "alice", "seq", "20000").check().stdout
    assert out.replace("\r", "") == "".join(f"{n}\n" for n in range(1, 20001))


def test_window_size_follows():
    with bash() as terminal:
        terminal.child.sendline("nsrun -t -u alice -- bash -c 'trap \"stty size; exit\" WINCH; echo re''ady; while :; do sleep 0.01; done'")
        terminal.child.expect("ready")
        terminal.child.setwinsize(33, 77)
        terminal.child.expect("33 77")
        terminal.child.expect("root> ")
        terminal.leave()


def test_keys_go_to_the_command():
    with bash() as terminal:
        terminal.child.sendline("nsrun -t -u alice -- sh -c 'echo re''ady; exec sleep 600'; last=$?")
        terminal.child.expect("ready")
        terminal.child.sendcontrol("c")
        assert last_status(terminal) == 128 + signal.SIGINT
        terminal.leave()


def test_shell_at_a_terminal_has_job_control():
    with bash() as terminal:
        terminal.child.sendline("nsrun -u alice; last=$?")
        terminal.child.expect(r"alice@.*[$] ")
        terminal.child.sendline("sh -c 'echo re''ady; exec sleep 600'")
        terminal.child.expect("ready")
        terminal.child.sendcontrol("z")
        terminal.child.expect("Stopped")
        terminal.child.sendline("disown; exit 5")
        assert last_status(terminal) == 5
        terminal.leave()


@pytest.mark.parametrize("ending", [
    "nsrun -t -u alice true", "nsrun -t -u alice -- sh -c 'kill -KILL $$'", "nsrun -t -u alice no-such-command",
    "nsrun -t -u nobody-of-that-name true", "nsrun -t -u alice -- sh -c 'stty raw -echo'",
    "(until pgrep -fx 'sleep 600' >/dev/null; do sleep 0.05; done; kill -TERM $(pidof nsrun)) & nsrun -t -u alice -- sleep 600; wait",
])
def test_callers_terminal_is_as_it_was_after(ending):
    with bash() as terminal:
        before = terminal.run("stty -g").stdout
        terminal.run(ending)
        assert terminal.run("stty -g").stdout == before
        terminal.leave()


def test_stop_of_the_command_gives_the_terminal_back():
    with bash() as terminal:
        before = terminal.run("stty -g").stdout
        terminal.child.sendline("nsrun -t -u alice -- sh -c 'kill -STOP $$; stty -a | grep -o -- -icanon; exit 4'")
        terminal.child.expect("Stopped")
        assert terminal.run("stty -g").stdout == before
        assert terminal.run("fg >/dev/null").status == 4
        assert terminal.run("stty -g").stdout == before
        terminal.leave()


# the session

def test_record_and_log_tell_of_it(host, log):
    with background(programs.STAY) as running:
        seen = running.probe()
        identifier, = host.live_records()
        record = host.live_records()[identifier]
        assert seen["env"]["NSISOLATE_ID"] == identifier
        assert (record["user"], record["service"], record["tty"], record["policy"]) == (
            "alice", "nsrun", "", "user/alice.conf")
        assert int(record["login-pid"]) == running.pid
        shown = json.loads(programs.run(["nsinspect", "show", "-J", identifier]).check().stdout)
        assert shown["differences"] == []
    for verb in ("NSL001 session opened", "NSL003 session closed"):
        line = log.wait_for(rf"^nsrun\[{running.pid}\]: {verb}: id={identifier} user=alice service=nsrun rhost=- "
                            r"policy=user/alice\.conf hash=[0-9a-f]{16} mode=enforce mnt=\d+ net=\d+")
        assert line.facility == log.AUTHPRIV
    assert identifier not in host.records()


def test_processes_left_behind_end_with_the_command(host):
    shell("setsid sleep 600 >/dev/null 2>&1 & sleep 0.1").check()
    wait_until(lambda: not host.isolated_processes(), "the session ends")


@pytest.mark.parametrize("text", ["", SHARED_PROCESSES], ids=["pid", "no-pid"])
@pytest.mark.parametrize("options", [[], ["-t"]], ids=["pipe", "tty"])
def test_killed_nsrun_leaves_nothing(host, text, options):
    host.set_policy("user/alice.conf", text)
    with background("echo ready; exec sleep 600", *options) as running:
        assert running.read_line().strip() == "ready"
        running.kill(signal.SIGKILL)
        wait_until(lambda: not [p for p in host.processes() if p.name == "sleep"], "the command ends")
        wait_until(lambda: not host.isolated_processes(), "the session ends")
        assert host.live_records() == {}
        for path in host.records():
            os.unlink(f"{host.RECORDS}/{path}")  # as the next opening would


def test_it_can_end_with_its_parent(host):
    command = "nsrun --die-with-parent -u alice -- sh -c 'echo ready; exec sleep 600' & wait"
    with programs.Background(["sh", "-c", command]) as running:
        assert running.read_line() == "ready"
        running.kill(signal.SIGKILL)
        wait_until(lambda: not host.isolated_processes(), "the session ends")
        for path in host.records():
            os.unlink(f"{host.RECORDS}/{path}")


def test_many_at_once_each_get_their_own(host):
    def one(number):
        return shell(f"cat; hostname; exit {number}", input=f"input {number}\n")

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        results = list(pool.map(one, range(20)))
    assert [result.status for result in results] == list(range(20))
    assert [result.stdout for result in results] == [f"input {number}\ntesthost\n" for number in range(20)]
    assert host.records() == {}


def test_a_session_has_no_other_session_in_sight():
    with background(programs.STAY) as first, background(programs.STAY) as second:
        one, other = first.probe(), second.probe()
    for kind in ISOLATED:
        assert one["namespaces"][kind] != other["namespaces"][kind]


# policy files

def test_policy_file_holds_for_root(host, draft):
    seen = nsrun("-p", draft, PROBE).check().json()
    assert (seen["uid"], seen["hostname"]) == (0, "draft")
    assert seen["env"]["HOME"] == "/root"


def test_policy_file_holds_for_a_user(draft):
    with programs.Background(["nsrun", "-u", "bob", "-p", "draft.conf", "sh", "-c", programs.STAY], cwd="/root") as running:
        seen = running.probe()
        assert (seen["uid"], seen["hostname"]) == (3002, "draft")
        shown = json.loads(programs.run(["nsinspect", "show", "-J", seen["env"]["NSISOLATE_ID"]]).check().stdout)
        assert shown["policy"]["file"] == draft
        assert shown["differences"] == []


def test_policy_file_may_lie_in_tmp(host, draft):
    host.write("/tmp/draft.conf", host.read(draft))
    assert nsrun("-p", "/tmp/draft.conf", "hostname").check().stdout == "draft\n"


@pytest.mark.parametrize("spoil, message", [
    (lambda: os.chmod(DRAFT, 0o666), "/root/draft.conf: writable by group or others"),
    (lambda: os.chown(DRAFT, 3001, 0), "/root/draft.conf: owned by uid 3001, not by root"),
    (lambda: host_module.write(DRAFT, "nonsense"), "/root/draft.conf:1: "),
    (lambda: host_module.write(DRAFT, "x" * 70000), "/root/draft.conf: 70000 bytes"),
])
def test_policy_file_is_judged_like_others(draft, spoil, message):
    spoil()
    done = nsrun("-p", draft, "echo", "ran")
    assert (done.status, done.stdout) == (125, "")
    assert message in done.stderr


@pytest.mark.parametrize("path, message", [
    ("/root/nothing.conf", "/root/nothing.conf: No such file"), ("/no/directory/x.conf", "there is no 'no'"),
    ("/home/alice/draft.conf", "'/home/alice' is owned by uid 3001, not by root; put the policy into a directory of root's"),
    ("/root/link.conf", "a symbolic link"), ("/root/links/draft.conf", "a symbolic link"), ("/root", "a directory"),
    ("/root/fifo.conf", "a FIFO"), ("", "No such file"),
])
def test_policy_file_elsewhere_is_refused(host, draft, path, message):
    host.write("/home/alice/draft.conf", "")
    os.symlink(draft, "/root/link.conf")
    os.symlink("/root", "/root/links")
    os.mkfifo("/root/fifo.conf")
    try:
        done = nsrun("-p", path, "echo", "ran")
    finally:
        for made in ("/home/alice/draft.conf", "/root/link.conf", "/root/links", "/root/fifo.conf"):
            os.unlink(made)
    assert (done.status, done.stdout) == (125, "")
    assert message in done.stderr


# refusals

@pytest.mark.parametrize("arguments, message", [
    ([], "-u USER or -p FILE"), (["true"], "-u USER or -p FILE"), (["--nonsense"], "unrecognized option"),
    (["-u"], "requires an argument"), (["-u", "nobody-of-that-name", "true"], "NSS knows no user"),
    (["-u", "../alice", "true"], "the name cannot be that of a policy file"),
])
def test_wrong_usage_is_125(arguments, message):
    done = nsrun(*arguments)
    assert done.status == 125
    assert message in done.stderr


def test_only_root_may_run_commands_as_another():
    done = nsrun("-u", "alice", "echo", "ran", user="bob")
    assert (done.status, done.stdout) == (125, "")
    assert "only root" in done.stderr


def test_broken_policy_is_refused_and_logged(host, log):
    host.set_policy("user/alice.conf", "\nnetwork { mode = \"loopbak\" }\n")
    done = shell("echo ran")
    assert (done.status, done.stdout) == (125, "")
    assert "user/alice.conf:2: network.mode: 'loopbak' is none of" in done.stderr
    log.wait_for(r"^nsrun\[\d+\]: NSL020 refused: user=alice service=nsrun rhost=-: user/alice\.conf:2: ")


def test_missing_helper_is_refused(host):
    with host.renamed_away(*host.helpers()):
        done = shell("echo ran")
    assert (done.status, done.stdout) == (125, "")
    assert "step helper: " in done.stderr


def test_no_policy_at_all_is_refused(host):
    os.unlink(f"{host.POLICIES}/default.conf")
    done = nsrun("-u", "bob", "--unisolated-ok", "echo", "ran")
    assert (done.status, done.stdout) == (125, "")
    assert "no policy file is theirs" in done.stderr


def test_user_manager_is_refused():
    done = shell("echo ran", "--service", "systemd-user", "--unisolated-ok")
    assert (done.status, done.stdout) == (125, "")
    assert "user-manager" in done.stderr


@pytest.mark.parametrize("user, reason, message", [
    ("bob", 'default.conf says mode "off"', "NSL033"), ("root", "uid 0 is passed", "NSL031"),
    ("sysdaemon", "system user", "NSL034"),
])
def test_command_that_would_not_be_isolated_is_refused(user, reason, message, log):
    done = nsrun("-u", user, "echo", "ran")
    assert (done.status, done.stdout) == (125, "")
    assert f"nsrun: {user} would not be isolated: {reason}" in done.stderr
    done = nsrun("-u", user, "--unisolated-ok", "--", "sh", "-c", "id -un; echo $NSISOLATE_ID; exit 3")
    assert (done.status, done.stdout) == (3, f"{user}\n\n")
    assert f"nsrun: {user} is not isolated: {reason}" in done.stderr
    log.wait_for(rf"^nsrun\[\d+\]: {message} not isolated: user={user} service=nsrun rhost=-: {reason}")


def test_mode_audit_isolates_nobody_and_is_refused(host, log):
    host.set_policy("user/alice.conf", 'mode = "audit"\n')
    done = shell("echo ran")
    assert (done.status, done.stdout) == (125, "")
    assert 'nsrun: alice would not be isolated: user/alice.conf says mode "audit"' in done.stderr
    wait_until(lambda: host.records() == {}, "the record goes")
    seen = nsrun("-u", "alice", "--unisolated-ok", PROBE).check().json()
    assert seen["namespaces"]["net"] == host.namespaces()["net"]
    assert "NSISOLATE_ID" not in seen["env"]
    log.wait_for(r"^nsrun\[\d+\]: NSL010 would isolate: id=\w+ user=alice service=nsrun ")
    done = nsrun("-u", "alice", "--dry-run").check()
    assert "this plan is not carried out" in done.stderr and "mount-proc" in done.stdout


def test_root_with_a_policy_of_its_own_is_isolated(host):
    host.set_policy("user/root.conf")
    seen = nsrun("-u", "root", PROBE).check().json()
    assert seen["uid"] == 0 and list(seen["interfaces"]) == ["lo"]


def test_policy_text_cannot_write_to_the_terminal(host):
    host.set_policy("user/alice.conf", "mode = \"\\x1b[2J\x1b]0;owned\a\"\n")
    done = shell("true")
    assert done.status == 125
    assert all(byte == "\n" or byte.isprintable() for byte in done.stderr)


# --dry-run

def test_dry_run_needs_no_root_and_prints_the_plan(host, draft):
    plan = programs.run(["nsinspect", "policy", "alice", "--plan"]).check().stdout
    for user in (None, "bob"):
        done = nsrun("-u", "alice", "--dry-run", "echo", "ran", user=user).check()
        assert done.stdout == plan
    host.write("/home/alice/draft.conf", host.read(draft))
    try:
        assert " draft" in nsrun("-p", "draft.conf", "--dry-run", user="alice", cwd="/home/alice").check().stdout
        assert nsrun("-p", "/home/alice/draft.conf", "--dry-run").status == 125
    finally:
        os.unlink("/home/alice/draft.conf")


@pytest.mark.parametrize("user", ["bob", "root", "sysdaemon", "nobody-of-that-name"])
def test_dry_run_of_what_would_not_be_isolated_is_125(user):
    done = nsrun("-u", user, "--dry-run")
    assert (done.status, done.stdout) == (125, "")


# the recipe of the manual page

@contextlib.contextmanager
def server(path):
    socat = subprocess.Popen(["socat", "-t", "86400", f"UNIX-LISTEN:{path},fork,mode=660,group=students",
                              f"EXEC:{EXAMPLES}/nsrun-serve alice"], env=programs.ENVIRONMENT, start_new_session=True)
    try:
        wait_until(lambda: host_module.accepts(path), "socat listens")
        yield
    finally:
        socat.terminate()
        socat.wait(TIMEOUT)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def ask(path, command, input=b"", user="carol"):
    uid = host_module.USERS[user].uid
    return subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--init-groups", f"{EXAMPLES}/nsrun-ask", path,
                           command], input=input, capture_output=True, timeout=TIMEOUT, check=False,
                          env=programs.ENVIRONMENT, cwd="/")


def test_commands_are_served_over_a_socket_to_concurrent_clients(host):
    path = "/run/nsrun-alice.sock"
    barrier = 12
    data = [os.urandom(100000) for _ in range(barrier)]

    def client(number):
        # all are in their commands at the same time: each waits until the others have left their mark on the host
        return ask(path, f"touch /home/alice/mark-{number}; "
                         f"while [ $(ls /home/alice | grep -c mark-) -lt {barrier} ]; do sleep 0.01; done; "
                         f"cat; ls /sys/class/net >&2; id -un; exit {number}", data[number])

    with server(path):
        with concurrent.futures.ThreadPoolExecutor(barrier) as pool:
            answers = list(pool.map(client, range(barrier)))
        wait_until(lambda: host.records() == {}, "the sessions end")
    for number, answer in enumerate(answers):
        os.unlink(f"/home/alice/mark-{number}")
        assert answer.stderr == b""
        assert answer.returncode == number
        assert answer.stdout == data[number] + b"lo\nalice\n"


def test_socket_is_for_its_group_alone_and_tells_refusals(host):
    path = "/run/nsrun-alice.sock"
    with server(path):
        assert ask(path, "echo ran", user="bob").returncode == 125
        assert ask(path, "no-such-command").returncode == 127
        assert ask(path, "kill -KILL $$").returncode == 128 + 9
        host.set_policy("user/alice.conf", "nonsense")
        answer = ask(path, "echo ran")
    assert answer.returncode == 125
    assert answer.stdout.startswith(b"nsrun: alice is refused: user/alice.conf:1: ")

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Nested logins: where su, sudo and cron lead from inside a session. The rows of the table in pam_nsisolate(8), NESTED
LOGINS, are the cases here: a row without a case fails, as does a case without a row.
"""

import contextlib
import dataclasses
import fcntl
import glob
import json
import os
import pathlib
import re
import shlex
import signal

import pytest

from support import host as H
from support import programs as P
from support.host import PROBE

ALL = frozenset(("mnt", "net", "ipc", "uts", "pid"))
NS_GET_PARENT = 0xB702
STATUS = 42
SCRIPTS = "/usr/local/lib/nsisolate-tests"
OUTER, INNER, DEEPER = f"{SCRIPTS}/outer", f"{SCRIPTS}/inner", f"{SCRIPTS}/deeper"
TOLD = "Your session could not be isolated; tell the administrator."

# looks, runs a command from inside, looks again and waits
OUTER_TEXT = f"""\
#!/bin/bash
sleep 1000 </dev/null >/dev/null 2>&1 &
until read -r name </proc/$!/comm && [ "$name" = sleep ]; do :; done
processes=(/proc/[0-9]*)
before=${{#processes[@]}}
touch /tmp/of-the-outer
{PROBE}
"$@"
status=$?
# what was within ends, and then the init takes it away
for ((look = 0; look < 1000; look++)); do
    processes=(/proc/[0-9]*)
    ((${{#processes[@]}} > before)) || break
    sleep 0.01
done
{PROBE}
echo $status
read -r _
kill %1
"""

INNER_TEXT = f"""\
#!/bin/bash
touch /tmp/of-the-inner
{PROBE}
echo said inside
echo complained inside >&2
read -r _
exit {STATUS}
"""

# one session further down, until one is refused: what is there before and after that
DEEPER_TEXT = """\
#!/bin/bash
look() {
    processes=(/proc/[0-9]*)
    mapfile -t mounts </proc/self/mountinfo
    echo "${#processes[@]} ${#mounts[@]} $(sudo -n find /run/nsisolate -path '*/sessions/*' | wc -l)"
}
other=carol
[ "$(id -un)" = carol ] && other=alice
echo level
before=$(look)
case $1 in
    su) su "$other" -c "$0 su" ;;
    sudo) sudo -n -u "$other" "$0" sudo ;;
    root) sudo -n su "$other" -c "$0 root" ;;
esac
status=$?
if [ $status != 42 ]; then
    echo "refused $status"
    for try in {1..100}; do
        after=$(look)
        [ "$after" = "$before" ] && break
    done
    echo "$before"
    echo "$after"
    echo "bob $(su bob -c 'readlink /proc/self/ns/pid /proc/self/ns/net | tr "\\n" " "')"
    echo "root $(sudo -n readlink /proc/self/ns/pid /proc/self/ns/net | tr '\\n' ' ')"
    echo "here $(readlink /proc/self/ns/pid /proc/self/ns/net | tr '\\n' ' ')"
fi
exit 42
"""

ONLY_UTS = 'mount { isolate = false\nproc = "host"\nruntime-dir = "host" }\npid { isolate = false }\n' \
           'network { mode = "host" }\nipc { isolate = false }\n'
OWN_MOUNTS_NOT_PIDS = 'pid { isolate = false }\nmount { proc = "host" }\n'


@dataclasses.dataclass(frozen=True)
class Row:
    """One of the page's, how it comes about, and what it is in namespaces."""

    start: str
    to: str
    policy: str
    result: str
    files: dict = dataclasses.field(default_factory=dict)  # policies, beside alice's and the default "off"
    arguments: str = ""  # of the module's line
    user: str = "carol"
    own: frozenset = frozenset()  # which namespaces are not the caller's
    recorded: bool = False  # in the session's own /run/nsisolate
    refused: str = ""  # what the log says
    by_root: bool = False

    @property
    def key(self):
        return (self.start, self.to, self.policy, self.result)

    def commands(self):
        """The command lines that lead there, by name."""
        if self.by_root:
            return {"su": ["sudo", "-n", "su", self.user, "-c", INNER]}
        return {"su": ["su", self.user, "-c", INNER], "sudo": ["sudo", "-n", "-u", self.user, INNER]}


def child(*words, own=ALL, **more):
    return Row(*words, own=frozenset(own), recorded=True, **more)


USER, OTHER = "user inside", "other user"
ROWS = [
    child(USER, "same user", "isolates", "child", user="alice"),
    child(USER, "same user", 'scope = "user"', "child", user="alice", files={"user/alice.conf": 'scope = "user"\n'}),
    child(USER, OTHER, "the same file", "child", files={"default.conf": "", "user/alice.conf": None}),
    child(USER, OTHER, "another file", "child", files={"user/carol.conf": 'uts { hostname = "inner" }\n'}),
    child(USER, OTHER, 'network.mode = "host"', "child; caller's network", own=ALL - {"net"},
          files={"user/carol.conf": 'network { mode = "host" }\n'}),
    Row(USER, OTHER, 'network.mode = "named"', "refused",
        files={"user/carol.conf": 'network { mode = "named" name = "course" }\n'},
        refused="network.mode: 'named' is set up from the host"),
    child(USER, OTHER, "pid.isolate = false", "child; caller's processes", own=ALL - {"pid"},
          files={"user/carol.conf": OWN_MOUNTS_NOT_PIDS}),
    child(USER, OTHER, "mount.isolate = false", "child; caller's mounts", own={"uts"},
          files={"user/carol.conf": ONLY_UTS}),
    Row(USER, OTHER, "nothing to isolate", "stays; recorded", recorded=True,
        files={"user/carol.conf": ONLY_UTS + "uts { isolate = false }\n"}),
    Row(USER, OTHER, 'mode = "off"', "stays", files={"user/carol.conf": 'mode = "off"\n'}),
    Row(USER, OTHER, 'mode = "audit"', "stays; recorded", recorded=True,
        files={"user/carol.conf": 'mode = "audit"\n'}),
    Row(USER, OTHER, "none", "refused", files={"default.conf": None}, refused="no policy file is theirs"),
    Row(USER, OTHER, "none, optional", "stays", files={"default.conf": None}, arguments="optional"),
    Row(USER, OTHER, "broken", "refused", files={"user/carol.conf": "no-such-key = 1\n"},
        refused=r"user/carol\.conf:1: .*no-such-key"),
    Row(USER, "user of exempt=", "even broken", "stays", files={"user/carol.conf": "no-such-key = 1\n"},
        arguments="exempt=carol"),
    Row(USER, "system user", "none for them", "stays", files={"default.conf": ""}, user="sysdaemon"),
    child(USER, "system user", "user/NAME.conf", "child", files={"user/sysdaemon.conf": ""}, user="sysdaemon"),
    Row(USER, "root", "none for them", "stays", files={"default.conf": ""}, user="root"),
    child(USER, "root", "user/root.conf", "child", files={"user/root.conf": ""}, user="root"),
    child("root inside", "a user", "isolates", "child", files={"user/carol.conf": ""}, by_root=True),
    Row("root inside", "a user", 'mode = "off"', "stays", by_root=True),
    child("inside, without mounts of its own", "a user", "isolates", "child; recorded outside",
          files={"user/alice.conf": ONLY_UTS, "user/carol.conf": ""}),
]

# whose su is refused for want of the capability: root's, and one with a user's real ids
LACKS = {
    ("user, without CAP_SYS_PTRACE", "a user", "isolates", "refused"): ["alice"],
    ("without CAP_SYS_ADMIN", "a user", "isolates", "refused"): ["root", "alice"],
    ("without CAP_SYS_CHROOT", "a user", "isolates", "refused"): ["root", "alice"],
    ("without CAP_NET_ADMIN", "a user", "isolates", "refused"): ["root", "alice"],
    ("without CAP_CHOWN", "a user", "isolates", "refused"): ["root", "alice"],
}
# those that have a test of their own, below
TESTED_APART = {
    ("root on host", "a user", "isolates", "child of host's"),
    ("cron on host", "a user", "isolates", "child of host's"),
    ("cron inside", "a user", "isolates", "child"),
    ("32 levels down", OTHER, "isolates", "refused"),
    ("32 levels down", OTHER, "pid.isolate = false", "child; caller's processes"),
    ("32 levels down", "root", "none for them", "stays"),
    ("root, without CAP_SYS_PTRACE", "a user", "isolates", "child"),
    *LACKS,
}


def rows_of_the_page():
    page = (pathlib.Path(__file__).parents[2] / "man/pam_nsisolate.8.scd").read_text(encoding="utf-8")
    section = re.search(r"^# NESTED LOGINS\n(.*?)^# ", page, re.M | re.S)[1]
    cells = re.findall(r"^[|:] +(.*)$", section, re.M)
    # _user/NAME.conf_ and *mode = "off"* are marked, CAP\_CHOWN is escaped
    cells = [re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)[*]|(?<![\\\w])_|(?<!\\)_$", "", cell)) for cell in cells]
    return [tuple(cells[number:number + 4]) for number in range(0, len(cells), 4)]


def test_each_row_of_the_page_is_tested_and_each_test_is_on_the_page():
    found = rows_of_the_page()
    assert len(found) == len(set(found)) > 20
    assert set(found) == {row.key for row in ROWS} | TESTED_APART


# The sandbox

def install(files=None, arguments=""):
    for services in H.STACKS.values():
        H.add_module(services, arguments)
    for service in ("su", "su-l"):
        path = f"/etc/pam.d/{service}"
        H.write(path, "auth sufficient pam_permit.so\n" + H.read(path))
    if os.path.isdir(H.POLICIES):
        H.empty(H.POLICIES)
    for name, text in ({"default.conf": 'mode = "off"\n', "user/alice.conf": ""} | (files or {})).items():
        if text is not None:
            H.set_policy(name, text)


@pytest.fixture(autouse=True)
def scripts(module, host):
    for path, text in ((OUTER, OUTER_TEXT), (INNER, INNER_TEXT), (DEEPER, DEEPER_TEXT)):
        H.write(path, text, 0o755)
    H.write("/etc/sudoers.d/nesting", "alice,carol ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    yield
    os.unlink("/etc/sudoers.d/nesting")
    for path in glob.glob("/tmp/of-the-*") + glob.glob("/home/*/seen"):
        os.unlink(path)


class Talk(P.Background):
    """Line by line, each as it comes."""

    def line(self):
        text = self.process.stdout.readline().decode()
        assert text, f"it ended: {self.process.stderr.read().decode()}\n{H.log.text()}"
        return text.rstrip("\r\n")

    def look(self):
        return json.loads(self.line())

    def go_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()


class Session(Talk):
    """alice's, in which a command is run; `outer` is what she sees before that."""

    def __init__(self, command, by=("su", "alice", "-c")):
        super().__init__([*by, shlex.join([OUTER, *command])])
        self.outer = self.look()
        self.pid = int(next(iter(H.records().values()))["login-pid"])

    def some_process(self):
        return next(process.pid for process in H.isolated_processes()
                    if dict(process.namespaces) == of(self.outer, H.KINDS))

    def records(self):
        """In its own /run/nsisolate, as the host sees that."""
        paths = glob.glob(f"/proc/{self.some_process()}/root{H.RECORDS}/*")
        return {os.path.basename(path): dict(line.split("=", 1) for line in H.read(path).splitlines())
                for path in paths}

    def finish(self, status=STATUS):
        """After the command has ended: it is as before, and so is the host."""
        after = self.look()
        for thing in ("namespaces", "mounts", "hostname", "domainname", "interfaces", "cwd", "ipc", "filesystems"):
            assert after[thing] == self.outer[thing], thing
        assert sorted(after["commands"].values()) == sorted(self.outer["commands"].values())
        assert int(self.line()) == status
        return after

    def end(self):
        self.go_on()
        self.process.wait(H.TIMEOUT)
        return self.process.stderr.read().decode()


def of(seen, kinds):
    return {kind: seen["namespaces"][kind] for kind in kinds}


def parent_of_pid_namespace(link):
    """ioctl_ns(2), by a process that is in it."""
    process = next(found.pid for found in H.processes() if dict(found.namespaces).get("pid") == link)
    with open(f"/proc/{process}/ns/pid", "rb") as file:
        parent = fcntl.ioctl(file, NS_GET_PARENT)
        try:
            return f"pid:[{os.fstat(parent).st_ino}]"
        finally:
            os.close(parent)


def assert_child(inner, outer, own=ALL, itself=0):
    """
    These namespaces are new; all others are the outer's. A PID namespace is right below it. `itself`: how many
    sleepers and files of an outer's are the inner's own, which is the outer of another.
    """
    kinds = set(outer["namespaces"]) - {"pid_for_children", "time_for_children"}
    assert {kind for kind in kinds if inner["namespaces"][kind] != outer["namespaces"][kind]} == set(own)
    if "pid" in own:
        assert parent_of_pid_namespace(inner["namespaces"]["pid"]) == outer["namespaces"]["pid"]
        assert inner["commands"]["1"] == "nsisolate-init" and max(inner["pids"]) < 100
        assert list(inner["commands"].values()).count("sleep") == itself
    else:
        assert set(outer["pids"]) - {outer["pid"]} <= set(inner["pids"])
        assert "sleep" in inner["commands"].values()
    if "mnt" in own:
        assert inner["directories"]["/tmp"]["device"] != outer["directories"]["/tmp"]["device"]
        assert inner["directories"]["/tmp"]["names"].count("of-the-outer") == itself
    else:
        assert {"of-the-outer", "of-the-inner"} <= set(inner["directories"]["/tmp"]["names"])


def assert_not_on_the_host(seen, kinds=ALL):
    host = H.namespaces()
    assert not {kind for kind in kinds if seen["namespaces"][kind] == host[kind]}
    assert "pytest" not in seen["commands"].values()


# The rows

CASES = [pytest.param(row, command, id=f"{'-'.join(row.key[:3])}-{name}".replace(" ", "_"))
         for row in ROWS for name, command in row.commands().items()]


@pytest.mark.parametrize("row, command", [case for case in CASES if case.values[0].refused])
def test_a_refused_nested_login_leaves_the_session_as_it_was(row, command, log):
    install(row.files, row.arguments)
    with Session(command) as session:
        session.finish(status=1)
        log.wait_for(rf"pam_nsisolate\(\S+:session\): NSL02[0-2] refused: user={row.user} .*{row.refused}")
        assert session.records() == {} and len(H.records()) == 1
        told = session.end()
        assert "inside" not in told and ("policy; tell" in told or "policy is broken" in told or "sudo" in command)


@pytest.mark.parametrize("row, command", [case for case in CASES if not case.values[0].refused])
def test_a_nested_login(row, command):
    install(row.files, row.arguments)
    outside = row.result.endswith("recorded outside")
    with Session(command) as session:
        outer, inner = session.outer, session.look()
        assert inner["uid"] == H.USERS[row.user].uid
        assert_child(inner, outer, row.own)
        if not outside:
            assert_not_on_the_host(outer)
            assert_not_on_the_host(inner)
        assert list(inner["interfaces"]) == ["lo"] == inner["sys_interfaces"] or outside
        assert inner["hostname"] == ("inner" if "inner" in row.files.get("user/carol.conf", "") else "testhost")
        records = session.records()
        if outside:
            assert H.records() == records and len(records) == 2
        else:
            assert len(H.records()) == 1 and len(records) == row.recorded
        if row.own:
            assert records[inner["env"]["NSISOLATE_ID"]]["user"] == row.user
            assert inner["env"]["NSISOLATE_ID"] != outer["env"]["NSISOLATE_ID"]
        assert session.line() == "said inside"
        session.go_on()
        after = session.finish()
        assert ("of-the-inner" in after["directories"]["/tmp"]["names"]) == ("mnt" not in row.own)
        assert len(session.records()) == outside
        assert session.end().replace("\r", "").splitlines()[-1] == "complained inside"


@pytest.mark.parametrize("capability, caller", [(key[0].split()[-1], user) for key, users in LACKS.items()
                                                for user in users])
def test_a_missing_capability_is_named(capability, caller, log):
    install({"user/carol.conf": ""})
    drop = ["sudo", "-n", "capsh", f"--drop={capability.lower()}", f"--user={caller}"]
    with Session([*drop, "--", "-c", f"su carol -c {INNER}"]) as session:
        session.finish(status=1)
        line = log.wait_for(r"pam_nsisolate\(su:session\): NSL02[0-2] refused: user=carol ").text
        assert re.search(rf": the login process lacks {capability}( \(policy user/carol\.conf\))?$", line)
        assert session.records() == {}
        assert TOLD in session.end()


def test_root_without_ptrace_makes_a_child():
    install({"user/carol.conf": ""})
    with Session(["sudo", "-n", "capsh", "--drop=cap_sys_ptrace", "--", "-c", f"su carol -c {INNER}"]) as session:
        assert_child(session.look(), session.outer)
        assert session.line() == "said inside"
        session.go_on()
        session.finish()
        session.end()


def test_root_on_the_host_makes_a_child_of_the_hosts():
    install()
    with Talk(["su", "alice", "-c", INNER]) as login:
        seen = login.look()
        assert_not_on_the_host(seen)
        assert parent_of_pid_namespace(seen["namespaces"]["pid"]) == H.namespaces()["pid"]
        assert list(H.records()) == [seen["env"]["NSISOLATE_ID"]]
        login.line()
        login.go_on()
        assert login.process.wait(H.TIMEOUT) == STATUS


# cron

JOB = f"@reboot {PROBE} >$HOME/seen.new && mv $HOME/seen.new $HOME/seen && exec sleep 1000\n"


def job_seen(user):
    path = f"{H.USERS[user].home}/seen"
    H.wait_until(lambda: os.path.exists(path), lambda: f"the job does not run; log:\n{H.log.text()}")
    return json.loads(H.read(path))


def end_jobs(user):
    """cron's children that run as the user; cron then closes their sessions."""
    H.kill_all(H.asleep(user))


def test_a_crontab_installed_from_inside_is_run_by_the_hosts_cron_in_a_session_of_its_own():
    install()
    H.write("/home/alice/jobs", JOB)
    try:
        assert P.su("alice", "crontab jobs && crontab -l", cwd="/home/alice").check().stdout == JOB
        assert "@reboot" in H.read("/var/spool/cron/crontabs/alice")
        with Session(["true"]) as session, P.cron():
            seen = job_seen("alice")
            assert_not_on_the_host(seen)
            assert parent_of_pid_namespace(seen["namespaces"]["pid"]) == H.namespaces()["pid"]
            assert not set(of(seen, ALL).items()) & set(of(session.outer, ALL).items())
            assert {record["service"] for record in H.records().values()} == {"su", "cron"}
            session.finish(status=0)
            session.end()
            end_jobs("alice")
            H.wait_until(lambda: not H.live_records(), "the job's session does not end")
        assert P.su("alice", "crontab -r; crontab -l").status == 1
        assert not os.path.exists("/var/spool/cron/crontabs/alice")
    finally:
        os.unlink("/home/alice/jobs")


def test_a_cron_that_is_started_inside_runs_jobs_inside():
    install({"user/carol.conf": ""})
    P.set_crontab("carol", JOB)
    with Session(["sudo", "-n", "/usr/sbin/cron", "-f"]) as session:
        seen = job_seen("carol")
        assert_child(seen, session.outer)
        assert [record["service"] for record in session.records().values()] == ["cron"]
        assert [record["service"] for record in H.records().values()] == ["su"]
        H.kill_all(process for process in H.processes() if process.name == "cron" and process.state not in "ZX")
        H.wait_until(lambda: seen["namespaces"]["pid"] not in {dict(process.namespaces).get("pid")
                                                               for process in H.processes()}, "the job lives on")
        session.finish(status=137)
        session.end()


# Deep

@pytest.mark.parametrize("by", ["su", "sudo", "root"])
def test_sessions_within_sessions_to_the_kernels_limit_and_past_it(by, log):
    install({"user/carol.conf": "", "user/bob.conf": 'pid { isolate = false }\nmount { proc = "hidepid" }\n'})
    done = P.run(["su", "alice", "-c", f"{DEEPER} {by}"], timeout=120)
    assert done.status == STATUS, done
    lines = done.stdout.splitlines()
    depth = lines.index("refused 1")
    assert lines[:depth] == ["level"] * depth and 16 <= depth <= 32
    assert lines[depth + 1] == lines[depth + 2], "processes, mounts, records"
    bob, root, here = (line.split()[1:] for line in lines[depth + 3:depth + 6])
    assert lines[depth + 6:] == []
    assert bob[0] == here[0] and bob[1] != here[1]
    assert root == here
    refusals = log.matching(r"pam_nsisolate\(\S+:session\): NSL02[0-2] refused: ")
    assert len(refusals) == 1
    assert "step namespaces: clone3: No space left on device: PID namespaces are nested 32 deep" in refusals[0].text
    log.wait_for("session closed: ", count=depth + 1)
    assert H.records() == {}


# However it ends

@contextlib.contextmanager
def three_deep(by=("su", "alice", "-c")):
    """alice, in her session carol, in hers alice: the first's Session, and what the innermost sees."""
    install({"user/carol.conf": ""})
    with Session([*"su carol -c".split(), f"{OUTER} su alice -c {INNER}"], by) as session:
        middle, inner = session.look(), session.look()
        assert_child(middle, session.outer, itself=1)
        assert_child(inner, middle)
        assert session.line() == "said inside"
        yield session, middle, inner


@pytest.mark.parametrize("program", ["sshd", "su", "sudo"])
def test_killing_the_outer_login_process_ends_all(program):
    by = {"sshd": P.ssh_arguments("alice"), "su": ["su", "alice", "-c"],
          "sudo": ["sudo", "-n", "-u", "alice", "--", "sh", "-c"]}
    with contextlib.ExitStack() as stack:
        if program == "sshd":
            stack.enter_context(P.sshd())
        session, _middle, _inner = stack.enter_context(three_deep(by[program]))
        assert len(H.session_inits()) == 3
        os.kill(session.pid, signal.SIGKILL)
        H.wait_until(lambda: not H.isolated_processes() and not H.live_records(),
                     lambda: f"still there: {H.isolated_processes()} {H.live_records()}")
    P.su("alice", "true").check()  # sweeps the record that nobody was left to remove
    assert H.records() == {}


def test_killing_a_nested_login_process_ends_what_is_within_and_nothing_else():
    with three_deep() as (session, middle, inner):
        login, = (process.pid for process in H.processes() if process.name == "su" and
                  dict(process.namespaces)["pid"] == session.outer["namespaces"]["pid"] and process.uid != 0)
        os.kill(login, signal.SIGKILL)
        gone = {middle["namespaces"]["pid"], inner["namespaces"]["pid"]}
        H.wait_until(lambda: not gone & {dict(process.namespaces).get("pid") for process in H.processes()},
                     "they live on")
        session.finish(status=128 + signal.SIGKILL)
        # as that of any session whose login process was killed: a later login removes it
        assert len(session.records()) == 1
        P.run(["nsenter", "-t", str(session.some_process()), "-a", "su", "carol", "-c", "true"]).check()
        assert session.records() == {}
        session.end()


def test_a_session_without_a_pid_namespace_leaves_its_nested_ones_behind_when_it_is_killed():
    install({"user/alice.conf": OWN_MOUNTS_NOT_PIDS, "user/carol.conf": ""})
    with Session(["su", "carol", "-c", INNER]) as session:
        inner = session.look()
        assert_child(inner, session.outer)
        assert session.line() == "said inside"
        os.kill(session.pid, signal.SIGKILL)
        H.wait_until(lambda: not H.live_records(), "the outer session does not end")
        assert parent_of_pid_namespace(inner["namespaces"]["pid"]) == H.namespaces()["pid"]
        session.go_on()
        assert session.look()["namespaces"] == session.outer["namespaces"]
        assert int(session.line()) == STATUS
        session.end()
    H.wait_until(lambda: not H.isolated_processes(), "something lives on")
    P.su("alice", "true").check()
    assert H.records() == {}


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_from_the_session_of_each_login_program(program):
    install({"user/carol.conf": ""})
    command = f"{PROBE}; su carol -c {PROBE}; echo =$?; sudo -n -u carol {PROBE}; echo =$?; {PROBE}"
    found = P.PROGRAMS[program]("alice", command).check().stdout.replace("\r", "").splitlines()
    assert [line for line in found if line.startswith("=")] == ["=0", "=0"]
    outer, by_su, by_sudo, after = (json.loads(line) for line in found if line.startswith("{"))
    assert after["namespaces"] == outer["namespaces"] and after["mounts"] == outer["mounts"]
    for inner in (by_su, by_sudo):
        assert_not_on_the_host(inner)
        assert not set(of(inner, ALL).items()) & set(of(outer, ALL).items())


def test_nsinspect_shows_each_side_its_own_sessions_and_those_within():
    install({"user/carol.conf": ""})
    with Session(["sudo", "-n", "su", "carol", "-c", INNER]) as session:
        inner = session.look()["env"]["NSISOLATE_ID"]
        outer = session.outer["env"]["NSISOLATE_ID"]
        inside = str(session.some_process())
        assert session.line() == "said inside"
        listed = json.loads(P.run(["nsenter", "-t", inside, "-a", "nsinspect", "-J"]).check().stdout)["sessions"]
        assert [(found["id"], found["state"]) for found in listed if found] == [(inner, "active")]
        listed = json.loads(P.run(["nsinspect", "-J"]).check().stdout)["sessions"]
        assert [found["id"] for found in listed if found] == [outer]
        assert [(found["id"], found["user"], found["state"]) for found in listed[0]["sessions"]] == [(inner, "carol", "active")]
        session.go_on()
        session.finish()
        session.end()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsrun without root: what a user namespace allows, all or nothing, and no more than unshare(1) -r gives anybody."""

import errno
import json
import os
import signal
import stat

import pytest

from support import host as host_module
from support import programs
from support.host import PROBE, wait_until

OWN = "/home/alice/own.conf"
UID = 3001
NOTHING = {name: 0 for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}


@pytest.fixture
def policy(host):
    """Writes alice's own policy file."""
    host.set_policy("default.conf", 'mode = "off"\n')

    def write(text="", owner="alice", mode=0o644):
        host.write(OWN, text, mode)
        os.chown(OWN, *[host_module.USERS[owner].uid] * 2 if owner else [0, 0])
    write('uts { hostname = "own" }\n')
    yield write
    programs.run(["sh", "-c", "rm -rf /home/alice/own.conf /home/alice/made* /srv/of-bob /srv/of-root"]).check()


def nsrun(*arguments, user="alice", **options):
    return programs.run(["nsrun", *arguments], user=user, **{"cwd": "/home/alice", **options})


def shell(command, *options, **more):
    return nsrun("-p", OWN, *options, "--", "sh", "-c", command, **more)


def status_of(text):
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def capabilities(text):
    return {name: int(status_of(text)[name], 16) for name in NOTHING}


def test_command_is_isolated_and_still_its_user(host, policy):
    seen = nsrun("-p", "own.conf", PROBE).check().json()
    outside = host.namespaces()
    assert {kind for kind in outside if seen["namespaces"][kind] != outside[kind]} == {"mnt", "net", "ipc", "uts", "pid", "user"}
    assert list(seen["interfaces"]) == ["lo"]
    assert seen["directories"]["/tmp"]["names"] == []
    assert (seen["uid"], seen["pid"], seen["ppid"]) == (UID, 2, 0)
    assert set(seen["commands"]) == {"1", "2"}
    assert "NSISOLATE_ID" not in seen["env"]
    found = shell("hostname; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; touch made; grep own /etc/hosts; pwd;"
                  "cat /proc/self/status; exit 7")
    assert found.status == 7
    lines = found.stdout.splitlines()
    assert [line.split() for line in lines[:6]] == [
        ["own"], [f"{UID}", f"{UID}", "1"], [f"{UID}", f"{UID}", "1"], ["deny"], ["127.0.1.1", "own"], ["/home/alice"]]
    assert capabilities(found.stdout) == NOTHING
    assert os.stat("/home/alice/made").st_uid == UID


def test_status_and_signals_are_the_commands(policy):
    assert shell("kill -KILL $$").status == 128 + 9
    assert nsrun("-p", OWN, "no-such-command").status == 127
    assert nsrun("-p", OWN, "/etc/passwd").status == 126
    assert nsrun("-p", OWN, "-t", "--", "sh", "-c", ": </dev/tty && tty").stdout.startswith("/dev/pts/")
    run = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--init-groups", "nsrun", "-p", OWN, "--", "sh", "-c"]
    with programs.Background([*run, 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done']) as background:
        assert background.read_line() == "ready"
        background.kill(signal.SIGTERM)
        assert background.result().status == 3
    # whatever ends nsrun ends the session, and who has left the command's process group, too
    with programs.Background([*run, "setsid sleep 1234 & echo ready; wait"]) as background:
        assert background.read_line() == "ready"
        background.kill(signal.SIGKILL)
        wait_until(lambda: not programs.run(["pgrep", "-xf", "sleep 1234"]).stdout, "the session goes on")


def test_whole_policy_is_applied(policy):
    """Root's directories are hidden, though root is nobody inside, and alice's own may be shown."""
    os.makedirs("/srv/of-root/below")
    os.makedirs("/home/alice/made")
    os.chown("/home/alice/made", UID, UID)
    host_module.write("/home/alice/made/file", "shown\n")
    policy("""
        network { mode = "none" }
        cgroup { isolate = true }
        time { isolate = true boottime-offset = 3600 }
        mount {
            proc = "hidepid" homes = "own" hide = { "/srv/of-root" } read-only = { "/usr" }
            bind "/mnt" { source = "/home/alice/made" read-only = true }
        }
        privileges { no-new-privileges = true drop-capabilities = { "cap_sys_admin" } }
    """)
    found = shell("ls /home; ls -A /srv/of-root; cat /mnt/file; touch /usr/x || touch /mnt/x || echo read-only;"
                  "cat /proc/self/timens_offsets /proc/self/cgroup /proc/self/status; ls /proc | grep -x 1").stdout
    assert found.startswith("alice\nshown\nread-only\nmonotonic")
    assert "boottime         3600         0\n" in found and "0::/\n" in found and not found.endswith("\n1\n")
    assert status_of(found)["NoNewPrivs"] == "1"
    root = shell("cat /proc/self/status; umount /mnt || echo kept", "--map-root").stdout
    assert int(status_of(root)["CapBnd"], 16) >> 21 & 1 == 0 and int(status_of(root)["CapEff"], 16) >> 12 & 1 == 1
    assert root.endswith("kept\n")


def test_what_needs_root_is_refused_by_name(policy):
    policy("""scope = "user"
        on-logout = "wait"
        network { mode = "veth" pool = { "10.0.0.0/24" } }
        user { map = "identity" }
        limits { memory = "1g" tasks = "10" cpu-weight = 50 }
        mount { private "/tmp" { backing = "directory" } }
    """)
    keys = ("scope", "on-logout", "network.mode", "user.map", "limits.memory", "limits.tasks", "limits.cpu-weight",
            'mount.private "/tmp"')
    for options in ([], ["--dry-run"]):
        done = shell("touch made", *options)
        assert done.status == 125 and not os.path.exists("/home/alice/made")
        lines = done.stderr.splitlines()
        assert len(lines) == len(keys)
        for key in keys:
            assert sum(f": {key}" in line and OWN in line and " needs root: " in line and "; " in line for line in lines) == 1
    # what would be done is shown all the same, without what is refused
    assert "mount-proc" in done.stdout and not any(word in done.stdout for word in ("veth", "limits", "mount-directory", "record"))


@pytest.mark.parametrize("arguments, text", [
    (["-u", "bob", "true"], "only root"), (["-u", "root", "true"], "only root"),
    (["-u", "nobody-of-that-name", "true"], "only root"), (["-u", "alice", "true"], "would not be isolated"),
    (["-p", "/no/such", "true"], "missing"), (["-p", "/etc/shadow", "true"], "cannot be opened"),
])
def test_refusals_of_users_and_files(policy, arguments, text):
    done = nsrun(*arguments)
    assert done.status == 125 and text in done.stderr


def test_policy_file_is_the_users_or_roots(host, policy):
    assert nsrun("-p", OWN, "--dry-run").check().stdout.startswith("host    own-user-map       uid 3001 as 3001")
    for owner, mode, text in (("bob", 0o644, "neither by you nor by root"), ("alice", 0o666, "writable by group or others")):
        policy(owner=owner, mode=mode)
        done = nsrun("-p", OWN, "true")
        assert done.status == 125 and text in done.stderr
    policy(owner=None)
    nsrun("-p", OWN, "true").check()
    host.set_policy("user/alice.conf", 'uts { hostname = "deciding" }\n')
    assert nsrun("-u", "alice", "hostname").stdout == "deciding\n"
    assert programs.run(["nsrun", "-p", OWN, "--map-root", "true"]).status == 125  # as root


def test_not_isolated_is_said(policy):
    policy('mode = "audit"\n')
    assert shell("true").status == 125
    done = shell("id -u; cat /proc/self/uid_map", "--unisolated-ok")
    assert done.stdout.startswith(f"{UID}\n") and "4294967295" in done.stdout and "is not isolated" in done.stderr


FORBID = f"""
import ctypes, os
ready, mapped = os.pipe(), os.pipe()
pid = os.fork()
if pid:
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{{pid}}/{{name}}", "w") as file:
            file.write("0 0 4294967295")
    os.write(mapped[1], b"x")
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
ctypes.CDLL(None).unshare(0x10000000)
os.write(ready[1], b"x")
os.read(mapped[0], 1)
with open("/proc/sys/user/max_user_namespaces", "w") as file:
    file.write("0")
os.setgroups([])
os.setresgid({UID}, {UID}, {UID})
os.setresuid({UID}, {UID}, {UID})
os.execvp("nsrun", ["nsrun", "-p", "{OWN}", "true"])
"""


def test_host_that_forbids_it_is_named(policy):
    """The limit is that of a user namespace of the test's own, in which everybody is who they are."""
    done = programs.run(["python3", "-c", FORBID])
    assert done.status == 125 and "user.max_user_namespaces is 0" in done.stderr
    policy('mount { bind "/mnt" { source = "/srv/of-bob/below" } }\n')
    programs.run(["install", "-d", "-o", "bob", "/srv/of-bob", "/srv/of-bob/below"]).check()
    done = shell("true")
    assert done.status == 125 and "step mount-bind: /srv/of-bob/below: Permission denied" in done.stderr


@pytest.mark.parametrize("user", ["none", "identity"])
def test_it_works_in_a_session_of_roots_making(host, policy, user):
    host.set_policy("user/alice.conf", f'user {{ map = "{user}" }}\n')
    # root's does not come back from the latter, and a sanitizer could not look for leaks where it ends
    done = programs.run(["nsrun", "-u", "alice", "--", "nsrun", "-p", OWN, "hostname"],
                        env=programs.ENVIRONMENT | {"ASAN_OPTIONS": "detect_leaks=0"})
    assert (done.status, done.stdout) == (0, "own\n"), done.stderr


def test_where_nobody_can_tell_what_is_roots_it_refuses(policy):
    done = shell(f"nsrun -p {OWN} true")
    assert done.status == 125 and "root is not mapped" in done.stderr


TRIES = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
def attempt(call):
    try:
        call()
        return "done"
    except OSError as error:
        return error.errno
def system(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
tries = {
    "write": lambda: open("/etc/passwd", "a"),
    "shadow": lambda: open("/etc/shadow"),
    "chown": lambda: os.chown("/home/alice/made-file", 0, 0) if os.getuid() else os.chown("/home/alice/made-file", 1, 1),
    "groups": lambda: os.setgroups([]),
    "uid": lambda: os.setuid(0) if os.getuid() else os.setuid(3002),
    "mknod": lambda: os.mknod("/home/alice/made-device", 0o20666, os.makedev(1, 1)),
    "reboot": lambda: system(libc.syscall(169, 0xfee1dead, 672274793, 0, 0)),
    "clock": lambda: libc.clock_settime and system(libc.clock_settime(0, ctypes.byref(ctypes.c_longlong(0)))),
    "disk": lambda: system(libc.mount(b"/dev/vda", b"/mnt", b"ext4", 0, None)),
    "remount": lambda: system(libc.mount(None, b"/", None, 32 | 1, None)),
    "sysctl": lambda: open("/proc/sys/kernel/core_pattern", "w"),
    "setns": lambda: system(libc.setns(os.open("/proc/1/ns/user", os.O_RDONLY), 0)),
    "unmount": lambda: system(libc.umount2(b"/etc", 0)),
}
open("/home/alice/made-file", "w").close()
os.chmod("/home/alice/made-file", 0o4755)
print(json.dumps({name: attempt(call) for name, call in tries.items()} | {"groups_of": len(os.getgroups())}))
"""


def test_it_gives_nothing_that_unshare_would_not(policy):
    """The same tries in both; and what was made is alice's, outside."""
    policy("network { mode = \"loopback\" }\n")
    namespaces = ["--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--mount-proc"]
    program = ["python3", "-c", TRIES]
    for ours, theirs in (["--map-root"], ["-r"]), ([], ["--map-user=3001", "--map-group=3001"]):
        one = nsrun("-p", OWN, *ours, "--", *program).check()
        status = os.stat("/home/alice/made-file")
        assert (status.st_uid, status.st_gid) == (UID, UID)
        other = programs.run(["unshare", *theirs, *namespaces, *program], user="alice").check()
        one, other = json.loads(one.stdout), json.loads(other.stdout)
        # PID 1 is not to be looked into, and there it is the program
        assert (one.pop("setns"), other.pop("setns")) == (errno.EACCES, errno.EINVAL)
        assert one == other
        assert [name for name in one if one[name] == "done"] == []
    info = os.stat(programs.run(["which", "nsrun"]).stdout.strip())
    assert not info.st_mode & (stat.S_ISUID | stat.S_ISGID)
    assert programs.run(["getcap", "/usr/bin/nsrun"]).stdout == ""


def test_nothing_is_recorded(policy):
    """Not in /run/nsisolate, which is as it was, if it is there at all; and no tool tells of a session."""
    def records():
        return programs.run(["sh", "-c", "find /run/nsisolate -printf '%p %T@\\n'"]).stdout

    before = records()
    run = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--init-groups", "nsrun", "-p", OWN, "--", "sh", "-c"]
    with programs.Background([*run, "echo ready; cat"]) as background:
        assert background.read_line() == "ready"
        assert records() == before
        assert json.loads(programs.run(["nsinspect", "list", "--json"]).check().stdout)["sessions"] == []
        # nor can the init be looked into, by its own user neither
        init = next(child for child in host_module.children(background.pid) if child.name == "nsrun-init")
        assert programs.run(["readlink", f"/proc/{init.pid}/ns/mnt"], user="alice").status != 0
    assert records() == before

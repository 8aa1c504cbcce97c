# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What bob puts into the environment of su and sudo on his way to alice: it reaches no value of her policy, and nothing
that reads it. libconfuse by itself takes ${NAME} from there, which is the control.
"""

import contextlib
import os

import pytest

from support import host as H
from support import programs as P
from support.host import PROBE

pytestmark = pytest.mark.usefixtures("installed")

PLAIN = "/usr/local/lib/nsisolate-tests/plain-libconfuse"
PRELOADED = "/usr/local/lib/nsisolate-tests/preloaded.so"
LOADED = "/home/bob/loaded"
LOGINS = {"su": ("/usr/bin/su", "alice", "-c"), "su-l": ("/usr/bin/su", "-l", "alice", "-c"),
          "sudo": ("/usr/bin/sudo", "-n", "-u", "alice", "--", "/bin/sh", "-c")}
each = pytest.mark.parametrize("login", LOGINS)

EVIL = "/home/bob/evil"
HOSTILE = {
    "FOO": "off", "mode": "off", "USER": "bob", "LOGNAME": "root", "HOSTNAME": "elsewhere", "HOST": "elsewhere",
    "HOME": EVIL, "TMPDIR": EVIL, "PATH": f"{EVIL}:/usr/bin:/bin:/usr/sbin:/sbin", "IFS": "/", "ENV": EVIL,
    "BASH_ENV": EVIL, "LD_PRELOAD": PRELOADED, "LD_AUDIT": PRELOADED, "LD_LIBRARY_PATH": EVIL, "LD_BIND_NOW": "1",
    "LD_DEBUG": "all", "LD_DEBUG_OUTPUT": f"{EVIL}/debug", "GCONV_PATH": EVIL, "LOCPATH": EVIL,
    "NLSPATH": f"{EVIL}/%N", "LANG": "tr_TR.UTF-8", "LC_ALL": "../../../home/bob/evil", "LANGUAGE": "de",
    "CHARSET": "UTF-7", "OUTPUT_CHARSET": "UTF-7", "TZ": EVIL, "TZDIR": EVIL, "MALLOC_PERTURB_": "165",
    "MALLOC_CHECK_": "3", "MALLOC_ARENA_MAX": "0", "MALLOC_TRACE": f"{EVIL}/trace",
    "GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.check=3:glibc.rtld.nns=1", "GETCONF_DIR": EVIL,
    "HOSTALIASES": f"{EVIL}/aliases", "RES_OPTIONS": "debug", "LOCALDOMAIN": "evil", "POSIXLY_CORRECT": "1",
    "NSISOLATE_ID": "000000000000", "NSISOLATE_HELPER": EVIL, "CONFUSE_PATH": EVIL,
}


@pytest.fixture(autouse=True)
def evil(installed):
    """What the variables point to is there, and would leave a mark."""
    bob = H.USERS["bob"]
    P.run(["install", "-d", "-o", "bob", "-g", "bob", EVIL, f"{EVIL}/LC_MESSAGES"]).check()
    for name in ("gconv-modules", "aliases"):
        H.write(f"{EVIL}/{name}", f"module UTF-7// INTERNAL {PRELOADED} 1\n", owner=bob)
    for name in ("sh", "nsisolate-session"):
        H.write(f"{EVIL}/{name}", f"#!/bin/sh\ntouch {LOADED}\n", 0o755, bob)


def by_bob(login, command, variables=None):
    """By env(1), since setpriv would be the first to load what LD_PRELOAD says, and P.run() sets HOME and USER."""
    assignments = [f"{name}={value}" for name, value in (variables or {}).items()]
    return P.run(["/usr/bin/env", *assignments, *LOGINS[login], command], user="bob")


# Controls

@pytest.mark.parametrize("text, value", [
    ('value = "${FOO}"', "off"), ("value = ${FOO}", "off"), ('value = "of ${FOO}"', "of off"),
    ('value = "${NONE:-fallback}"', "fallback"), ('value = "$FOO"', "$FOO"), ("value = '${FOO}'", "${FOO}")])
def test_libconfuse_by_itself_takes_values_from_the_environment(text, value):
    assert P.run([PLAIN, text], user="bob", env={"FOO": "off"}).check().stdout == f"{value}\n"


def test_what_bob_preloads_is_loaded_by_his_own_programs():
    P.run(["env", f"LD_PRELOAD={PRELOADED}", "/bin/true"], user="bob").check()
    assert os.path.exists(LOADED)


# Text in a policy that something could expand

REFUSED = {
    "description = \"${FOO}\"": r"1: '\$\{' is not expanded and not allowed",
    "mode = ${FOO}": r"1: '\$\{' is not expanded",
    "mode = \"${FOO}\"": r"1: '\$\{' is not expanded",
    "mode = '${FOO}'": r"1: '\$\{' is not expanded",
    "mode = ${NONE:-off}": r"1: '\$\{' is not expanded",
    "# ${FOO}\n": r"1: '\$\{' is not expanded and not allowed, not even in a comment",
    "extends = \"${FOO}\"": r"1: '\$\{' is not expanded",
    "${FOO} = off": r"1: '\$\{' is not expanded",
    "mode = $FOO": r"1: found '\$' where a value is expected",
    "mode = \"$FOO\"": r"1: mode: '\$FOO' is none of enforce, audit, off",
    "mode = \"\\x24{FOO}\"": r"1: a '\\' may stand only before",
    "mode = \"$\\{FOO}\"": r"1: a '\\' may stand only before",
    "services = { \"$FOO\" }": r"1: services: '\$FOO' is no name of a PAM service",
    "uts { hostname = \"$FOO\" }": r"1: uts\.hostname: '\$FOO' has '\$' in it",
    "uts { domainname = \"$FOO\" }": r"1: uts\.domainname: '\$FOO' has '\$' in it",
    "description = \"~root\"": r"1: '~' is not expanded",
    "description = ~root": r"1: '~' is not expanded",
    "mount { private \"~\" { } }": r"1: '~' is not expanded",
    "mount { private '~root/x' { } }": r"1: '~' is not expanded",
    "include(\"/home/bob/evil/x.conf\")": r"1: found '\('",
    "include = \"/home/bob/evil/x.conf\"": r"1: unknown key 'include'",
}


@each
@pytest.mark.parametrize("text", REFUSED)
def test_text_that_libconfuse_would_expand_refuses_and_names_the_line(login, text, host):
    H.set_policy("user/alice.conf", text + "\n")
    done = by_bob(login, "echo ran", {"FOO": "off", "HOME": EVIL})
    assert done.status != 0 and done.stdout == "", done
    host.log.wait_for(rf"refused: user=alice .*user/alice\.conf:{REFUSED[text]}")


@pytest.fixture
def victims():
    for directory in ("/srv/$FOO", "/srv/victim", "/srv/~root"):
        os.mkdir(directory)
        H.write(f"{directory}/of-the-host", "")
    yield
    H.empty("/srv")


@each
def test_what_is_no_expansion_is_taken_literally(login, victims):
    H.set_policy("user/alice.conf", 'description = "$FOO $(id) `id` x~root %%"\n'
                                    'mount { private "/srv/$FOO" { size = 1m } private "/srv/~root" { size = 1m } }\n')
    look = "ls -d /srv/*/of-the-host; stat -f -c %T '/srv/$FOO' '/srv/~root'"
    lines = by_bob(login, look, {"FOO": "victim"}).check().stdout.splitlines()
    assert lines == ["/srv/victim/of-the-host", "tmpfs", "tmpfs"]


@each
def test_expansions_are_of_the_user_and_the_host_whatever_the_environment_says(login):
    H.set_policy("user/alice.conf", 'uts { hostname = "%u-%U-%g-%h" domainname = "%u.%h" }\n')
    seen = by_bob(login, "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname", HOSTILE).check().stdout.split()
    assert seen == ["alice-3001-alice-testhost", "alice.testhost"]


# What variables do to the processes that read the policy

def essence(seen):
    """What a policy decides, without what differs from login to login."""
    return {"mounts": [(mount["target"], mount["type"], mount["options"]) for mount in seen["mounts"]],
            "filesystems": seen["filesystems"], "interfaces": seen["interfaces"], "hostname": seen["hostname"],
            "own": sorted(kind for kind, link in H.namespaces().items() if seen["namespaces"][kind] != link),
            "commands": seen["commands"]["1"]}


@each
def test_a_session_is_the_same_in_a_hostile_environment(login, host):
    probe = f"env -i /usr/bin/python3 {PROBE}"
    clean = by_bob(login, probe).check().json()
    log = host.log.wait_for(r"session opened: .* policy=\S+ hash=\S+")
    host.log.clear()
    hostile = by_bob(login, probe, HOSTILE).check().json()
    again = host.log.wait_for(r"session opened: .* policy=\S+ hash=\S+")
    assert essence(hostile) == essence(clean)
    assert hashes(again) == hashes(log)
    assert not os.path.exists(LOADED)


@contextlib.contextmanager
def files_of_alice(variables):
    """What sshd, the shell that it starts and pam_env(8) read of hers."""
    texts = {".ssh/environment": "".join(f"{name}={value}\n" for name, value in variables.items()),
             ".ssh/rc": "touch /home/alice/rc\n",
             ".pam_environment": "".join(f"{name} OVERRIDE={value}\n" for name, value in variables.items())}
    for name, text in texts.items():
        H.write(f"/home/alice/{name}", text, owner=H.USERS["alice"])
    yield
    for name in texts:
        os.unlink(f"/home/alice/{name}")


def test_a_session_by_sshd_is_the_same_whatever_client_and_home_say(host):
    """sshd as an administrator who is careless with variables would set it up."""
    probe = f"env -i /usr/bin/python3 {PROBE}; echo $FOO >/home/alice/foo"
    # the loader prints to the login's output otherwise
    variables = {name: value for name, value in HOSTILE.items() if not name.startswith("LD_DEBUG")}
    pairs = " ".join(f"{name}={value}" for name, value in variables.items())
    with P.sshd("AcceptEnv=*", "PermitUserEnvironment=yes"):
        clean = P.ssh("alice", probe).check().json()
        log = host.log.wait_for(r"session opened: .* policy=\S+ hash=\S+")
        host.log.clear()
        assert H.read("/home/alice/foo") == "\n"
        with files_of_alice(variables):
            hostile = P.ssh("alice", probe, options=("-o", f"SetEnv={pairs}")).check().json()
        again = host.log.wait_for(r"session opened: .* policy=\S+ hash=\S+")
    assert H.read("/home/alice/foo") == "off\n" and os.path.exists("/home/alice/rc"), "nothing of it arrived"
    assert essence(hostile) == essence(clean)
    assert hashes(again) == hashes(log)
    assert not os.path.exists(LOADED)


def hashes(line):
    return [word for word in line.text.split() if word.startswith(("policy=", "hash=", "mode="))]


@pytest.mark.parametrize("login", ["su", "sudo"])
@pytest.mark.parametrize("name", HOSTILE)
def test_no_single_variable_stops_isolation_or_leaves_a_mark(login, name):
    before = sorted(os.listdir(EVIL))
    look = "/bin/readlink /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/pid"
    links = by_bob(login, look, {name: HOSTILE[name]}).check().stdout.split()
    assert len(links) == 3 and not set(links) & set(H.namespaces().values())
    assert sorted(os.listdir(EVIL)) == before and not os.path.exists(LOADED)


@each
def test_the_environment_of_the_init_is_empty(login):
    variables = [f"{name}={value}" for name, value in HOSTILE.items() if not name.startswith(("LD_", "PATH"))]
    bob = ["setpriv", "--reuid=3002", "--regid=3002", "--clear-groups", "/usr/bin/env", *variables]
    with P.Background([*bob, *LOGINS[login], "echo in; cat"]) as running:
        assert running.read_line() == "in"
        init, = H.session_inits()
        assert H.read(f"/proc/{init}/environ") == ""
        assert any("FOO=off" in H.read_of(process, "environ") for process in H.descendants(os.getpid())
                   if process.name in ("su", "sudo")), "no login program had bob's environment: nothing was tried"

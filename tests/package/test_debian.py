# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""The Debian packages: built, looked at, and installed, used, upgraded, removed and purged in a Debian of their own."""

import contextlib
import glob
import hashlib
import os
import re
import subprocess
import threading

import pytest

from support import programs as P
from support import sandbox
from support.debian import Debian
from support.host import POLICIES, read, wait_until, write

BUILD = f"{sandbox.SOURCE}/packaging/build-deb"
NEXT = "0.1.0+next"
LOOK = "readlink /proc/self/ns/net"


@pytest.fixture(scope="session")
def builds():
    """Two of this version, the second with another place, mask, language and time zone, and one of the next."""
    tree = {"NSISOLATE_DEB_TREE": "/var/tmp/tree"}
    again = start_build("again", 0o077, TMPDIR="/tmp", LANG="C", TZ="Asia/Kathmandu")
    finish_build(start_build("first", 0o022, **tree))
    # of the first's objects: another version changes few of them
    finish_build(start_build("next", 0o022, NSISOLATE_DEB_VERSION=NEXT, **tree))
    finish_build(again)
    return {name: sorted(glob.glob(f"/var/tmp/{name}/*.deb")) for name in ("first", "again", "next")}


def start_build(name, mask, **variables):
    environment = P.ENVIRONMENT | {"DEB_BUILD_OPTIONS": "nocheck noautodbgsym parallel=1"} | variables
    with open(f"/var/tmp/{name}.log", "wb") as log:
        return subprocess.Popen([BUILD, f"/var/tmp/{name}"], env=environment, umask=mask, stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log)


def finish_build(process):
    assert process.wait() == 0, read(f"{process.args[1]}.log")


@pytest.fixture
def packages(builds):
    return builds["first"]


@pytest.fixture
def next_packages(builds):
    return builds["next"]


@pytest.fixture
def debian():
    """Without the packages; whatever a test does with them, a purge leaves the PAM stacks that Debian ships."""
    with Debian() as system:
        system.add_user("alice")
        system.add_user("bob")
        before = system.files("/etc/pam.d")
        yield system
        system.dpkg("--purge", "nsisolate-tools", "libpam-nsisolate").check()
        assert system.files("/etc/pam.d") == before


@pytest.fixture
def installed(debian, packages):
    debian.dpkg("--install", *debian.copy_in(*packages)).check()
    return debian


def policy(debian, name="user/alice.conf", text='description = "restricted"\n'):
    write(debian.path(f"{POLICIES}/{name}"), text)


def test_two_builds_are_the_same(builds):
    def sums(paths):
        found = {}
        for path in paths:
            with open(path, "rb") as file:
                found[os.path.basename(path)] = hashlib.sha256(file.read()).hexdigest()
        return found

    assert len(builds["first"]) == 2
    assert sums(builds["again"]) == sums(builds["first"])


def test_lintian_finds_nothing(packages):
    found = P.run(["lintian", "--allow-root", "--fail-on", "error,warning", *packages], timeout=300)
    assert (found.status, found.stdout) == (0, ""), f"{found}"


def assert_links_lead_somewhere(debian):
    """Those of the README."""
    directory = "/usr/share/doc/libpam-nsisolate"
    readme = debian.run("zcat", "-f", f"{directory}/README.md.gz").check().stdout
    links = [link for link in re.findall(r"\]\(([^)#]+)", readme) if "://" not in link]
    assert len(links) > 4 and "copyright" in links
    there = [os.path.relpath(path, directory) for path in debian.dpkg("--listfiles", "libpam-nsisolate").check().stdout.split()]
    assert [link for link in links if link not in there] == []
    assert debian.run("zcat", "-f", f"{directory}/docs/migration.md.gz").check().stdout.startswith("# ")


def test_installing_enables_nothing(debian, packages):
    stacks = debian.files("/etc/pam.d")
    debian.dpkg("--install", *debian.copy_in(*packages)).check()
    assert debian.files("/etc/pam.d") == stacks
    assert "Still without the module" in debian.run("nsisolate-pam", "status").stdout
    assert not [path for path in debian.files("/etc/systemd/system") if "nsisolate" in path]
    assert debian.run("nsinspect", "check").status in (0, 1)
    policy(debian)
    with debian.sshd():
        assert P.ssh("alice", LOOK).check().stdout.strip() == debian.namespaces["net"]
    assert_links_lead_somewhere(debian)
    # everything that was brought belongs to root alone, and the helper starts
    for name in ("libpam-nsisolate", "nsisolate-tools"):
        for path in debian.dpkg("--listfiles", name).check().stdout.split():
            status = os.lstat(debian.path(path))
            assert (status.st_uid, status.st_gid) == (0, 0), path
            assert os.path.islink(debian.path(path)) or not status.st_mode & 0o022, path


def test_enabled_and_disabled_again(installed):
    stacks = installed.files("/etc/pam.d")
    policy(installed)
    installed.run("nsisolate-pam", "enable", "sshd").check()
    with installed.sshd():
        assert P.ssh("bob", LOOK).check().stdout.strip() == installed.namespaces["net"]
        with P.ssh_background("alice", f"{LOOK}; cat") as login:
            assert login.read_line().strip() != installed.namespaces["net"]
            listed = installed.run("nsinspect", "list", "-n", "-r", "-o", "USER,SERVICE,STATE").check().stdout
            assert listed == "alice sshd active\n"
    assert installed.run("nsrun", "--policy", f"{POLICIES}/user/alice.conf", "--user", "alice", "--", "readlink",
                         "/proc/self/ns/net").check().stdout.strip() != installed.namespaces["net"]
    installed.run("nsisolate-pam", "disable", "sshd").check()
    assert installed.files("/etc/pam.d") == stacks


def test_an_upgrade_keeps_sessions_and_lets_nobody_pass(installed, next_packages):
    """Logins go on all the time: each is isolated or refused."""
    policy(installed)
    policy(installed, "default.conf", '# of the administrator\nmode = "off"\n')
    installed.run("nsisolate-pam", "enable", "sshd").check()
    stacks = installed.files("/etc/pam.d")
    new = installed.copy_in(*next_packages)
    results, done = [], threading.Event()

    def log_in():
        while not done.is_set():
            results.append(P.ssh("alice", LOOK))

    def isolated(login):
        return login.status == 0 and login.stdout.startswith("net:[") and login.stdout.strip() != installed.namespaces["net"]

    with installed.sshd(), P.ssh_background("alice", f"{LOOK}; cat") as login:
        own = login.read_line()
        loops = [threading.Thread(target=log_in) for _ in range(2)]
        for loop in loops:
            loop.start()
        try:
            installed.dpkg("--unpack", "--force-confold", *new).check()
            unpacked = len(results)
            wait_until(lambda: len(results) >= unpacked + 2, "nobody logs in between unpacking and configuring")
            installed.dpkg("--configure", "--force-confold", "-a").check()
        finally:
            done.set()
            for loop in loops:
                loop.join()
        assert len(results) > 3
        assert [login for login in results if login.status == 0 and not isolated(login)] == []
        assert isolated(P.ssh("alice", LOOK))
        # the session of before is what it was, and the new tools know it
        assert login.process.poll() is None
        assert installed.run("nsinspect", "--version").check().stdout.split()[-1] == NEXT
        listed = installed.run("nsinspect", "list", "-n", "-r", "-o", "USER,STATE").check().stdout
        assert listed == "alice active\n"
        assert os.path.basename(own) == own
    assert installed.files("/etc/pam.d") == stacks
    assert read(installed.path(f"{POLICIES}/default.conf")) == '# of the administrator\nmode = "off"\n'
    assert not os.path.exists(installed.path("/usr/libexec/nsisolate/0.1.0")), "the old helper is left"


def test_removal_takes_the_module_out_of_the_stacks_first(installed):
    policy(installed)
    with installed.sshd():
        stacks = installed.files("/etc/pam.d")
        installed.run("nsisolate-pam", "enable", "sshd", "su").check()
        with P.ssh_background("alice", f"{LOOK}; cat") as login:
            own = login.read_line()
            installed.dpkg("--remove", "nsisolate-tools", "libpam-nsisolate").check()
            assert installed.files("/etc/pam.d") == stacks
            assert not os.path.exists(installed.path("/usr/lib/x86_64-linux-gnu/security/pam_nsisolate.so"))
            # policies are the administrator's
            assert os.path.exists(installed.path(f"{POLICIES}/user/alice.conf"))
            assert os.path.exists(installed.path(f"{POLICIES}/default.conf"))
            # who is in stays in, and is isolated until they leave
            assert login.process.poll() is None
            assert own != installed.namespaces["net"]
            # nor is anything of theirs purged
            with nft_of(installed) as calls:
                purged = installed.dpkg("--purge", "libpam-nsisolate").check()
                assert "sessions are alive and stay isolated; once they have ended: nft delete table" in purged.stderr
                assert calls() == ""
            assert login.process.poll() is None
            assert os.listdir(installed.path("/run/nsisolate/sessions"))
        assert P.ssh("alice", LOOK).check().stdout.strip() == installed.namespaces["net"]


@contextlib.contextmanager
def nft_of(debian):
    """An nft that writes down what it is told; gives a function for that."""
    program, told = debian.path("/usr/sbin/nft"), debian.path("/root/nft")
    write(program, '#!/bin/sh\necho "$@" >>/root/nft\n')
    os.chmod(program, 0o755)
    write(told, "")
    yield lambda: read(told)
    os.unlink(program)


def test_removal_is_refused_while_a_stack_would_name_a_module_that_is_gone(installed):
    """And what is enabled otherwise stays so: the package is still there."""
    installed.run("nsisolate-pam", "enable", "su").check()
    stack = installed.path("/etc/pam.d/sshd")
    before = read(stack)
    write(stack, before + "session required pam_nsisolate.so\n")
    try:
        refused = installed.dpkg("--remove", "nsisolate-tools", "libpam-nsisolate")
        assert refused.status != 0
        assert "not removed, nothing changed: PAM stacks would still name pam_nsisolate.so" in refused.stderr
        assert "sshd: its lines of pam_nsisolate.so were written by hand (/etc/pam.d/sshd:" in refused.stderr
        # the name of another module refuses everybody, too, once it is only looked for by name
        write(stack, before + "session required pam_nsisolat.so open\n")
        refused = installed.dpkg("--remove", "libpam-nsisolate")
        assert refused.status != 0
        assert f"names 'pam_nsisolat.so', which PAM cannot load (/etc/pam.d/sshd:{len(before.splitlines()) + 1})" in refused.stderr
        assert '"nsisolate-pam status" is still here' in refused.stderr
        write(stack, before + "session required pam_nsisolate.so\n")
        assert installed.run("nsisolate-pam", "status", "su", "-n", "-r").stdout.startswith("su enabled")
        assert os.path.exists(installed.path("/usr/lib/x86_64-linux-gnu/security/pam_nsisolate.so"))
        policy(installed)
        with installed.sshd():
            assert P.ssh("alice", LOOK).check().stdout.strip() != installed.namespaces["net"]
    finally:
        write(stack, before)


def test_a_purge_keeps_what_is_the_users(installed):
    kept = installed.path("/var/lib/nsisolate/3001/%2Ftmp")
    os.makedirs(kept)
    write(f"{kept}/thesis", "text")
    policy(installed)
    installed.run("nsisolate-pam", "enable", "sshd").check()
    # what the host keeps of sessions: of one that has ended without taking its record away
    for name in ("sessions/0123456789ab", "network/1/ipv4"):
        os.makedirs(os.path.dirname(installed.path(f"/run/nsisolate/{name}")), exist_ok=True)
        write(installed.path(f"/run/nsisolate/{name}"), "")
    installed.dpkg("--remove", "nsisolate-tools", "libpam-nsisolate").check()
    with nft_of(installed) as calls:
        installed.dpkg("--purge", "nsisolate-tools", "libpam-nsisolate").check()
        assert calls() == "delete table inet nsisolate\n"
    assert not os.path.exists(installed.path("/run/nsisolate"))
    assert read(f"{kept}/thesis") == "text"
    assert not os.path.exists(installed.path("/var/lib/nsisolate/pam.d"))
    assert not os.path.exists(installed.path(f"{POLICIES}/default.conf"))
    assert os.path.exists(installed.path(f"{POLICIES}/user/alice.conf"))
    assert [path for path in installed.files("/etc") if "nsisolate" in path] == [POLICIES, f"{POLICIES}/user",
                                                                                 f"{POLICIES}/user/alice.conf"]

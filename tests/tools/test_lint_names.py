# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect check of the live directory: the names in it are those of this host."""

import os

import pytest

from conftest import nsinspect
from support import host as H
from support.host import USERS


@pytest.fixture(autouse=True)
def live(host):
    if os.path.isdir(H.POLICIES):
        H.empty(H.POLICIES)
    H.set_policy("default.conf", 'mode = "off"\n')


def problems():
    """Those in policy files; the machine's PAM stacks and settings are not the matter here."""
    lines = nsinspect("check").stdout.decode().splitlines()
    return [line for line in lines if line.startswith(("user/", "group/", "default.conf", "base.conf"))]


@pytest.mark.parametrize("name, problem", [
    ("user/alcie", "warning: unreachable file: there is no user 'alcie'; did you mean 'alice'?"),
    ("user/nobodyatall", "warning: unreachable file: there is no user 'nobodyatall'"),
    ("group/studnets", "error: there is no group 'studnets': this refuses every login that has no user file; "
                       "did you mean 'students'?"),
    ("user/alice", None),
    ("group/students", None),
])
def test_unknown_users_and_groups_get_a_suggestion(name, problem):
    H.set_policy(f"{name}.conf", 'mode = "off"\n')
    assert problems() == ([f"{name}.conf: {problem}"] if problem else [])


def check_file(name):
    found = nsinspect("check", f"{H.POLICIES}/{name}").stdout.decode().splitlines()
    return [line.removeprefix(f"{H.POLICIES}/") for line in found[:-1]]


def test_a_file_that_waits_for_its_name_is_judged_where_it_will_be():
    H.set_policy("group/.new", 'services = { "shsd" }\nmount { private "/nonexist/x" { } }\n')
    os.chmod(f"{H.POLICIES}/group/.new", 0o664)
    assert check_file("group/.new") == [
        "group/.new: error: writable by group or others (mode 0664); chmod go-w it",
        'group/.new:2: warning: mount.private "/nonexist/x": there is no such directory on this host; '
        "every login would be refused",
        "group/.new:1: warning: services: this host has no PAM service 'shsd'; did you mean 'sshd'?",
    ]
    H.set_policy("group/studnets.conf", "")
    assert check_file("group/studnets.conf") == [
        "group/studnets.conf: error: there is no group 'studnets': this refuses every login that has no user file; "
        "did you mean 'students'?"]
    H.write("/root/studnets.conf", "")
    assert nsinspect("check", "/root/studnets.conf").returncode == 0
    os.symlink("/root/studnets.conf", f"{H.POLICIES}/group/students.conf")
    assert check_file("group/students.conf") == ["group/students.conf: error: a symbolic link; a policy is a regular file"]
    os.unlink("/root/studnets.conf")


def test_the_directory_of_the_groups_is_no_policy_directory():
    H.set_policy("group/students.conf", "")
    found = nsinspect("check", "group", cwd=H.POLICIES)
    assert (found.returncode, found.stdout) == (2, b"")
    assert found.stderr.decode() == ("nsinspect: group: is not checked without the policy directory that it is in: "
                                     f"nsinspect check {H.POLICIES}\n")


def test_unknown_services_get_a_suggestion():
    H.set_policy("user/alice.conf", '\nservices = { "shsd", "login" }\nmode = "off"\nservice "cronn" { }\n')
    assert problems() == [
        "user/alice.conf:2: warning: services: this host has no PAM service 'shsd'; did you mean 'sshd'?",
        "user/alice.conf:4: warning: service: this host has no PAM service 'cronn'; did you mean 'cron'?",
    ]


def test_other_names_of_a_uid_with_another_policy_are_named():
    H.replace_lines("/etc/passwd", lambda _fields: False, [f"zoe:x:{USERS['alice'].uid}:3001::/:/bin/bash"])
    H.set_policy("user/alice.conf", 'network { mode = "none" }\n')
    warning = "warning: '{}' has uid 3001, too, and another policy: the name that is logged in with decides"
    assert problems() == ["user/alice.conf: " + warning.format("zoe")]
    H.set_policy("user/zoe.conf", "")
    assert problems() == ["user/alice.conf: " + warning.format("zoe")]
    H.set_policy("user/zoe.conf", 'extends = "user/alice"\n')
    assert problems() == []


def test_a_second_name_of_root_needs_roots_file():
    H.replace_lines("/etc/passwd", lambda _fields: False, ["toor:x:0:0::/root:/bin/bash"])
    H.set_policy("user/toor.conf", 'mode = "off"\n')
    assert "user/toor.conf: warning: uid 0 passes unless user/root.conf exists: no login reaches this file" in problems()
    H.set_policy("user/root.conf", 'mode = "off"\n')
    assert problems() == []


def test_policy_suggests_the_user_who_was_meant():
    found = nsinspect("policy", "alcie")
    assert found.returncode == 1
    assert found.stderr == b"nsinspect: no user 'alcie'; did you mean 'alice'?\n"

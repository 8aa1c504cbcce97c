# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Private directories whose place depends on who logs in."""

import os

import pytest

from support import host as H
from support import programs as P


@pytest.fixture(autouse=True)
def installed(installed):
    """Directories of the host's that a policy can cover."""
    H.set_policy("default.conf", 'mount { private "/srv/%u" { size = "8m" } }\n')
    os.mkdir("/srv/alice", 0o755)
    H.write("/srv/alice/of-the-host", "")
    yield
    H.empty("/srv")


def listing(program, user, directory):
    return P.PROGRAMS[program](user, f"stat -f -c %T {directory}; ls {directory}").check().stdout.split()


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_the_path_is_expanded_for_the_user_who_logs_in(program):
    assert listing(program, "alice", "/srv/alice") == ["tmpfs"]
    assert os.listdir("/srv/alice") == ["of-the-host"]


def test_each_user_has_the_directory_of_their_own():
    os.mkdir("/srv/carol", 0o755)
    assert listing("su", "carol", "/srv/carol") == ["tmpfs"]
    assert "of-the-host" in listing("su", "carol", "/srv/alice")


def test_the_size_is_that_of_the_expanded_section():
    blocks, size = P.su("alice", "stat -f -c '%b %S' /srv/alice").check().stdout.split()
    assert int(blocks) * int(size) == 8 << 20


def test_a_directory_that_is_missing_refuses_and_the_log_names_step_path_and_policy(host):
    assert P.su("carol", "true").status != 0
    host.log.wait_for(r"refused: user=carol .*: step mount-tmpfs: /srv/carol: No such file or directory "
                      r"\(policy default\.conf\)")


def test_two_sections_for_one_directory_refuse(host):
    H.set_policy("user/alice.conf", 'mount { private "/srv/%u" { } private "/srv/alice" { } }\n')
    assert P.su("alice", "true").status != 0
    host.log.wait_for(r"refused: user=alice .*: user/alice\.conf: mount\.private: '/srv/%u' and '/srv/alice' are the "
                      r"same directory for this login, '/srv/alice'")


def test_a_group_name_that_is_no_part_of_a_path_refuses(host):
    H.set_policy("user/alice.conf", 'mount { private "/srv/%g" { } }\n')
    H.replace_lines("/etc/group", lambda fields: fields[0] == "alice", ["domain users:x:3001:"])
    assert P.su("alice", "true").status != 0
    host.log.wait_for(r"refused: user=alice .*: '%g' in '/srv/%g' is 'domain users' here")

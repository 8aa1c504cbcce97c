# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect audit --since: what is known to be older is left out, and nothing that may be new."""

import contextlib
import datetime
import json
import os
import time

import pytest

from support import host as H
from support import programs as P

OUTSIDE = ["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups", "sleep", "600"]


@pytest.fixture(autouse=True)
def configured(host, module):
    """Every service that gives users processes has the module, and everybody is isolated."""
    host.add_module(["su", "sshd", "login", "sudo", "cron"])
    host.set_policy("default.conf", "")


def audit(*options):
    done = P.run(["nsinspect", "audit", "--hurried", "-J", "--output-all", *options])
    assert done.status in (0, 1) and done.stderr == "", done
    return json.loads(done.stdout)["findings"]


def codes(*options):
    return {finding["code"] for finding in audit(*options)}


def next_second():
    """The first whole second from which on nothing that happened before counts as new."""
    now = int(time.time())
    H.wait_until(lambda: time.time() >= now + 4, "the clock goes on")
    return f"@{int(time.time())}"


@contextlib.contextmanager
def outside():
    with P.Background(OUTSIDE, reads=False) as process:
        H.wait_until(lambda: H.comm_of(process.pid) == "sleep", "it runs")
        yield process


def test_a_process_is_as_old_as_its_start():
    with outside() as old:
        then = next_second()
        assert "NSI001" in codes() and "NSI001" not in codes("--since", then)
        with outside() as new:
            found = [finding["pid"] for finding in audit("--since", then) if finding["code"] == "NSI001"]
            assert found == [new.pid]
        assert old.pid in [finding["pid"] for finding in audit("--since", "-1h")]


@pytest.mark.parametrize("change", [
    lambda: H.set_policy("user/carol.conf", ""),
    lambda: os.chmod(f"{H.POLICIES}/default.conf", 0o640),
    lambda: os.rename("/etc/pam.d/chfn", "/etc/pam.d/other-name"),
    lambda: H.replace_lines("/etc/group", lambda fields: False, []),
], ids=["policy", "inode", "stack", "group"])
def test_a_change_of_the_configuration_makes_everything_that_follows_from_it_new(change):
    H.set_policy("user/bob.conf", "nonsense\n")
    with outside():
        then = next_second()
        assert not {"NSI001", "NSI080"} & codes("--since", then)
        change()
        assert {"NSI001", "NSI080"} <= codes("--since", then)


def test_a_time_that_was_set_back_hides_nothing():
    then = next_second()
    path = H.set_policy("user/bob.conf", "nonsense\n")
    os.utime(path, (1, 1))
    assert "NSI080" in codes("--since", then)


def test_a_mode_that_was_changed_is_new_although_the_text_is_old():
    then = next_second()
    assert "NSI081" not in codes("--since", then)
    os.chmod(f"{H.POLICIES}/default.conf", 0o666)
    assert "NSI081" in codes("--since", then)


def test_a_session_in_mode_audit_is_as_old_as_its_login():
    H.set_policy("default.conf", 'mode = "audit"\n')
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as first:
        assert first.read_line() == "in"
        then = next_second()
        assert "NSI021" in codes() and "NSI021" not in codes("--since", then)
        with P.Background(["su", "carol", "-c", "echo in; cat"]) as second:
            assert second.read_line() == "in"
            assert [finding["user"] for finding in audit("--since", then) if finding["code"] == "NSI021"] == ["carol"]


def test_what_began_at_an_unknown_time_is_always_shown():
    """A session's loopback that went down: when, nobody can say."""
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as login:
        assert login.read_line() == "in"
        P.run(["nsenter", "-t", str(H.session_init()), "-n", "ip", "link", "set", "lo", "down"]).check()
        then = next_second()
        finding, = [finding for finding in audit("--since", then) if finding["code"] == "NSI012"]
        assert finding["since"] is None


def test_the_column_has_a_time_that_the_option_takes():
    with outside():
        finding, = [finding for finding in audit() if finding["code"] == "NSI001"]
        began = datetime.datetime.fromisoformat(finding["since"])
        assert abs(began.timestamp() - time.time()) < 30
        assert "NSI001" in codes("--since", finding["since"])
        later = (began + datetime.timedelta(seconds=1)).isoformat()
        H.wait_until(lambda: time.time() > began.timestamp() + 2, "that second is over")
        assert "NSI001" not in codes("--since", later)


def test_the_exit_status_is_that_of_what_is_shown():
    H.set_policy("user/bob.conf", "nonsense\n")
    then = next_second()
    shown = audit("--since", then)
    assert "NSI080" not in {finding["code"] for finding in shown}
    status = P.run(["nsinspect", "audit", "--hurried", "--since", then]).status
    assert status == (1 if {finding["severity"] for finding in shown} - {"info"} else 0)
    assert P.run(["nsinspect", "audit", "--hurried"]).status == 1


@pytest.mark.parametrize("options, says", [
    (["--since", "soon"], "--since: 'soon' is no time: write 2026-11-22, "),
    (["--since", "2026-02-30"], "--since: '2026-02-30': there is no such day or time"),
    (["--since", "@99999999999"], "--since: '@99999999999' is still to come"),
    (["--since", "today", "--log"], "--log is about an audit of everything"),
    (["--since", "today", "--write-baseline"], "--since and --write-baseline exclude each other"),
])
def test_mistakes_are_told(options, says):
    done = P.run(["nsinspect", "audit", *options])
    assert done.status == 2 and done.stdout == "" and says in done.stderr


def test_a_part_is_not_kept_as_the_last_audit():
    audit()
    before = H.read("/run/nsisolate/audit")
    audit("--since", "now")
    assert H.read("/run/nsisolate/audit") == before

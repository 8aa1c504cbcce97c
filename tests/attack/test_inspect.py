# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect run by root among processes that want to deceive, break or hold it up."""

import json
import re

import pytest

from support import host as H
from support import programs as P

EVIL = ['\\033]0;owned\\007', '\\033[2J\\033[31m', 'a\\nID USER\\n000000000000 root', '\\"}],\\"x\\":[{\\"', '$(touch /tmp/owned)`id`',
        '\\342\\200\\256evil', '\\377\\376\\200', 'x) S 1 1 1 (', '\\302\\233m', "'; rm -rf /; '"]
HARMLESS = re.compile(r"[\x20-\x7e\n\u00a0-\ud7ff]*")


def script():
    """Processes that call themselves such things, and one that is stopped."""
    starts = [f"bash -c 'exec -a \"$0\" sleep 1000' \"$(printf '{name}')\" &" for name in
              (name.replace("'", "'\\''") for name in EVIL)]
    return "\n".join(["#!/bin/bash", *starts, "sleep 1000 & kill -STOP $!", "sleep 0.3; echo ready; cat"])


@pytest.fixture
def hostile_login(installed):
    H.write("/home/alice/evil", script(), 0o755)
    with P.Background(["su", "alice", "-c", "/home/alice/evil"]) as login:
        assert login.read_line() == "ready"
        (identity, _), = H.records().items()
        yield identity


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("arguments", ["list", "ps", "ps --output-all", "ps -P", "ps -r", "ps -n", "show"])
def test_text_is_harmless(arguments, locale, hostile_login):
    words = arguments.split() + ([hostile_login] if arguments == "show" else [])
    done = P.run(["nsinspect", *words], env=P.ENVIRONMENT | {"LC_ALL": locale})
    print(done.stdout)
    assert done.status == 0 and done.stdout
    assert HARMLESS.fullmatch(done.stdout + done.stderr), (done.stdout + done.stderr)
    assert len([line for line in done.stdout.splitlines() if line.startswith("000000000000")]) == 0


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("command", ["list", "ps", "show"])
def test_json_is_json(command, locale, hostile_login):
    words = [command, "-J"] + ([hostile_login] if command == "show" else [])
    done = P.run(["nsinspect", *words], env=P.ENVIRONMENT | {"LC_ALL": locale})
    document = json.loads(done.check().stdout)
    assert "\033" not in str(document)


def test_it_is_not_held_up_by_a_crowd_that_comes_and_goes(installed):
    churn = "echo ready; while :; do for i in 1 2 3 4 5 6 7 8; do (exec -a \"x$i\" true) & done; wait; done"
    with P.Background(["su", "alice", "-c", churn], reads=False) as login:
        assert login.read_line() == "ready"
        for _ in range(15):
            for words in (["list"], ["ps", "-J"]):
                done = P.run(["nsinspect", *words], timeout=10)
                assert done.status == 0, done
    H.wait_until(lambda: not H.isolated_processes(), "does not end")


def test_a_user_namespace_and_its_mounts_do_not_deceive(installed):
    """What alice mounts and calls herself in a user namespace of her own is not the session's."""
    inner = "mount -t tmpfs evil /home; hostname evil-host; mount -t proc proc /proc; echo ready; cat"
    with P.Background(["su", "alice", "-c", f"unshare -Urmpfu sh -c '{inner}'"]) as login:
        assert login.read_line() == "ready"
        (identity, _), = H.records().items()
        shown = json.loads(P.run(["nsinspect", "show", "-J", identity]).check().stdout)
        assert shown["inside"]["hostname"] == "testhost"
        assert "evil" not in json.dumps(shown["own-mounts"])
        assert "unshare" in P.run(["nsinspect", "ps"]).check().stdout
        assert shown["session"]["state"] == "active"


def test_a_record_made_inside_is_not_the_hosts(server):
    """root inside writes what it likes where nested records are; the host does not show it as a session of its own."""
    forge = "sudo mkdir -p /run/nsisolate/sessions; echo nsisolate-record=1 | sudo tee /run/nsisolate/sessions/0123456789ab"
    with P.ssh_background("alice", f"{forge}; cat") as login:
        login.read_line()
        assert "0123456789ab" not in P.run(["nsinspect"]).stdout
        assert len(H.records()) == 1

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""mode = "audit": nobody is isolated and nobody is refused, and what would have been is said."""

import contextlib
import json
import os
import re
import subprocess

import pytest

from support import host as H
from support import programs as P
from support import veth
from support.host import PROBE

PROGRAMS = list(P.PROGRAMS)
WOULD_ISOLATE = r"pam_nsisolate\(\S+:session\): NSL010 would isolate: id=[0-9a-f]{12} user=alice "
NFT = "/usr/sbin/nft"
WOULD_REFUSE = r"pam_nsisolate\(\S+:session\): NSL011 not isolated: user=alice .*: would refuse: "


@pytest.fixture(autouse=True)
def audited(installed):
    H.set_policy("user/alice.conf", 'mode = "audit"\n')


def assert_on_the_host(seen):
    host = H.namespaces()
    assert {kind: seen["namespaces"][kind] for kind in host} == host


def sessions():
    return json.loads(P.run(["nsinspect", "-J"]).check().stdout)["sessions"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_audited_login_is_on_the_host_and_is_logged(program, log):
    seen = P.PROGRAMS[program]("alice", PROBE).check().json()
    assert_on_the_host(seen)
    assert "NSISOLATE_ID" not in seen["env"]
    opened = log.wait_for(WOULD_ISOLATE)
    assert " mode=audit" in opened.text and " net=" not in opened.text
    log.wait_for(r"session closed: id=[0-9a-f]{12} user=alice .* mode=audit")
    assert H.records() == {}


def test_it_is_listed_as_would_isolate_while_it_lives():
    with P.sshd():
        with P.ssh_background("alice") as login:
            login.probe()
            session, = sessions()
            assert (session["user"], session["state"]) == ("alice", "would isolate")
        H.wait_until(lambda: sessions() in ([], [None]), "it is still listed")


def test_killing_the_login_process_ends_it():
    with P.Background(["su", "alice", "-c", P.STAY]) as login:
        login.probe()
        assert len(sessions()) == 1
        login.kill()
        H.wait_until(lambda: sessions() in ([], [None]), "it is still listed")
    H.wait_until(lambda: not [process for process in H.processes() if process.name == "nsisolate-init"],
                 "its holder is still there")
    P.su("alice", "true").check()


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_would_be_refused_passes_and_is_logged(program, log):
    H.set_policy("user/alice.conf", 'mode = "audit"\nmount { private "/nonexistent" { } }\n')
    assert_on_the_host(P.PROGRAMS[program]("alice", PROBE).check().json())
    line = log.wait_for(WOULD_REFUSE)
    assert "step mount-tmpfs: /nonexistent: No such file or directory" in line.text


def test_a_record_that_cannot_be_written_refuses_nobody(log):
    os.makedirs("/run/nsisolate", exist_ok=True)
    os.chown("/run/nsisolate", 3001, 3001)
    try:
        assert_on_the_host(P.su("alice", PROBE).check().json())
    finally:
        os.chown("/run/nsisolate", 0, 0)
    log.wait_for(WOULD_REFUSE)


def test_a_broken_file_refuses_since_its_mode_is_not_known(log):
    H.set_policy("user/alice.conf", 'mode = "audit"\nno-such-key = 1\n')
    assert P.su("alice", "true").status != 0
    log.wait_for(r"refused: user=alice ")


# mode = "audit" and network.mode = "veth"

def rules():
    nft = next(path for path in (NFT, f"{NFT}.away") if os.path.exists(path))
    listed = subprocess.run([nft, "list", "ruleset"], check=True, capture_output=True, text=True).stdout
    return re.sub(r"packets \d+ bytes \d+", "", listed)  # which pass at any time


@contextlib.contextmanager
def without_forwarding(network):
    network.host.sysctl("net.ipv4.conf.up0.forwarding", "0")
    try:
        yield
    finally:
        network.host.sysctl("net.ipv4.conf.up0.forwarding", "1")


@contextlib.contextmanager
def with_other_rules(_network):
    """What an enforced login loaded was changed."""
    veth.policy()
    P.su("alice", "true").check()
    H.wait_until(lambda: not H.live_records(), "the session does not end")
    subprocess.run(["nft", "flush", "table", "inet", "nsisolate"], check=True)
    try:
        yield
    finally:
        subprocess.run(["nsisolate-network", "restore"], check=True)


REFUSALS = [
    (lambda _network: H.renamed_away(NFT), 'egress = {"192.0.2.80 tcp 1"}', "install the package nftables"),
    (without_forwarding, veth.EVERYTHING, "sysctl net.ipv4.conf.up0.forwarding=1"),
    (lambda _network: contextlib.nullcontext(), 'egress = {"dns"}', "names no name server"),
    (with_other_rules, veth.EVERYTHING, "'nsisolate-network restore' loads them again"),
    (lambda _network: H.renamed_away(*(path.replace("session", "veth") for path in H.helpers())), veth.EVERYTHING,
     "nsisolate-veth: No such file or directory"),
]


@pytest.mark.parametrize("lack, egress, reason", REFUSALS, ids=[refusal[2] for refusal in REFUSALS])
def test_a_network_that_would_be_refused_passes_and_is_logged(network, log, lack, egress, reason):
    with lack(network):
        veth.policy(egress=egress, more='mode = "audit"\n')
        before = rules()
        log.clear()
        with P.sshd():
            assert_on_the_host(P.ssh("alice", PROBE).check().json())
        assert reason in log.wait_for(WOULD_REFUSE + "step network: ").text
        assert rules() == before


def test_a_network_that_could_be_had_is_not_made(network, log):
    veth.policy(egress='egress = {"192.0.2.79 tcp 1"}', more='mode = "audit"\n')
    before = rules()
    with P.sshd(), P.ssh_background("alice") as login:
        assert_on_the_host(login.probe())
        log.wait_for(WOULD_ISOLATE)
        assert rules() == before
        assert not [name for name in os.listdir("/sys/class/net") if re.fullmatch(r"ns[a-z2-7]{13}", name)]
        [record] = H.live_records().values()
        assert record["interface"] == record["addresses"] == ""

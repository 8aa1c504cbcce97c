# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Do the manual pages say what the programs do? Every option is in both page and --help, and every example of the
pages is run: here, or by the test that is named here beside it.
"""

import contextlib
import glob
import os
import re
import shutil

import pytest

from support import pages
from support import programs as P
from support.host import read, wait_until, write

POLICIES = "/etc/security/nsisolate"

# Run elsewhere: the first line, and the test that has the block's text or does what it says.
ELSEWHERE = {
    "IFS= read -r command || exit 1": "tests/tools/test_nsrun.py:nsrun-serve",
    "socat -t 86400 UNIX-LISTEN:/run/nsrun-alice.sock,fork,max-children=20,mode=660,group=students \\":
        "tests/tools/test_nsrun.py:nsrun-serve",
    "$ seq 3 | nsrun-ask /run/nsrun-alice.sock 'tac; exit 4'; echo $?": "tests/tools/test_nsrun.py:nsrun-ask",
    "systemctl enable --now nsisolate-audit.timer": "tests/logins/test_systemd_audit.py:as_its_page_says",
    "journalctl -x _UID=0 NSISOLATE_MSGID=NSL020 + _UID=0 NSISOLATE_MSGID=NSL022":
        "tests/logins/test_systemd_audit.py:as_its_page_says",
    "journalctl -x --grep pam_nsisolate": "tests/logins/test_systemd_audit.py:as_its_page_says",
}
# Of nsisolate.conf(5): the policies are tried by check-documents, and that of SYNTAX is a form with words to replace.
POLICY_HEADINGS = {"EXAMPLES", "Limits", "SYNTAX"}


# Options

OPTION = re.compile(r"^ {1,2}(?:(-\w), |    )(--[\w-]+)(?:\[?[= ]\[?=?([A-Z]+\d?)\]?)?(?: {2,}|$)", re.MULTILINE)


def options_of_help(*command):
    """{(short, long, argument)} of what --help prints."""
    found = set(OPTION.findall(P.run([*command, "--help"]).check().stdout))
    assert ("-h", "--help", "") in found
    return found


def options_of_page(page):
    text = pages.plain(pages.section(page, "OPTIONS"))
    return {match for line in re.findall(r"^-.*$", text, re.MULTILINE) for words in line.split("; ")
            for match in re.findall(r"^(?:(-\w), )?(--[\w-]+)(?:\[?[= ]([A-Z]+\d?)\]?)?$", words)}


def commands_of_nsinspect():
    text = P.run(["nsinspect", "--help"]).check().stdout
    return re.findall(r"^ ([a-z]+) ", text.split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE)


@pytest.mark.parametrize("page", ["nsrun.1", "nsisolate-pam.8", "nsisolate-network.8", "nsinspect.1"])
def test_page_and_help_have_the_same_options(page):
    program = page.partition(".")[0]
    expected = options_of_help(program)
    if program == "nsinspect":
        commands = commands_of_nsinspect()
        assert len(commands) >= 10
        expected = set().union(*(options_of_help(program, command) for command in commands))
        for command in commands:
            assert re.search(rf"^\*{command}\*", pages.section(page, "COMMANDS"), re.MULTILINE) or command == "list", command
    assert options_of_page(page) == expected


# Examples

def block(page, start):
    [text] = [text for _heading, text in pages.blocks(page) if text.startswith(start)]
    return text


def tried():
    """(page, beginning) of each block that tests below ask for."""
    return [(page, text.replace("\\n", "\n")) for page, _mark, text in re.findall(
        r"""block\("([\w.-]+)", (["'])(.+?)\2\)""", read(__file__))]


def test_every_example_is_tried_somewhere():
    here = tried()
    for page in pages.names():
        for heading, text in pages.blocks(page):
            first = text.splitlines()[0]
            if page == "nsisolate.conf.5" and heading in POLICY_HEADINGS:
                continue
            if first in ELSEWHERE:
                path, _, word = ELSEWHERE[first].partition(":")
                assert word in (pages.MAN.parent / path).read_text(encoding="utf-8"), first
                continue
            assert [start for name, start in here if name == page and text.startswith(start)], f"{page}: {text}"


def sh(text, *, cwd="/", status=0):
    """As root types it. The programs to edit and mail with are not tried."""
    done = P.run(["bash", "-uc", 'editor() { test -w "$1"; }; mail() { cat >/root/mailed; }\n' + text], cwd=cwd)
    assert done.status == status, done
    return done.stdout


@pytest.fixture
def isolated(host):
    host.set_policy("user/alice.conf")


@pytest.fixture
def session(isolated):
    with P.Background(["nsrun", "-u", "alice", "--", "sh", "-c", "echo in; exec cat"]) as live:
        assert live.read_line().strip() == "in"
        [ident] = sh("nsinspect -n -r -o ID").split()
        yield ident


def test_nsinspect_sessions_that_changed(live):
    live.open()
    moved = live.open()
    assert sh(block("nsinspect.1", "nsinspect -J |")) == ""
    moved.tell("move")
    assert sh(block("nsinspect.1", "nsinspect -J |")).strip() == moved.id


def test_nsinspect_sessions_of_another_policy(session, host):
    sh(block("nsinspect.1", "nsinspect kill --changed"))
    assert sh("nsinspect -n -r -o ID").strip() == session
    host.set_policy("user/alice.conf", 'uts { hostname = "other" }\n')
    sh(block("nsinspect.1", "nsinspect kill --changed"))
    wait_until(lambda: not sh("nsinspect -n"), "the session to end")


def test_nsinspect_enter(session):
    text = block("nsinspect.1", "nsinspect enter 57e6").replace("57e6", session[:4])
    assert sh(text).startswith("State")


@pytest.mark.usefixtures("isolated")
def test_nsinspect_policy():
    assert "user/alice.conf" in sh(block("nsinspect.1", "nsinspect policy alice --service"))
    assert "mode" in sh(block("nsinspect.1", "nsinspect policy alice --diff"), status=1)


def test_nsinspect_check(host):
    os.makedirs("/root/policies/group")
    write("/root/policies/group/students.conf", 'network { mode = "none" }\n')
    write("/root/policies/default.conf", 'mode = "off"\n')
    try:
        sh(block("nsinspect.1", "nsinspect check ~/policies"))
        assert read(f"{POLICIES}/group/students.conf") == 'network { mode = "none" }\n'
    finally:
        shutil.rmtree("/root/policies")
    # an editor's filter: the text before the ! is vi's
    command = block("nsinspect.1", ":w !").removeprefix(":w !").strip()
    assert "loopbak" in sh(f"echo 'network {{ mode = \"loopbak\" }}' | {command}", status=1)
    host.add_module(["sshd"])
    assert "0 errors" in sh(block("nsinspect.1", "nsinspect check --kernel"))


def test_nsinspect_baseline():
    try:
        # without the module in any stack there is something to know
        sh(block("nsinspect.1", "nsinspect audit --write-baseline"))
        assert not os.path.exists("/root/mailed")
        text = read(f"{POLICIES}-known")
        write(f"{POLICIES}-known", "\n".join(line for line in text.splitlines() if line.startswith("#")) + "\n")
        sh("\n".join(block("nsinspect.1", "nsinspect audit --write-baseline").splitlines()[1:]))
        assert "NSI" in read("/root/mailed")
    finally:
        for path in (f"{POLICIES}-known", "/root/mailed"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def test_nsinspect_metrics():
    directory = "/var/lib/prometheus/node-exporter"
    os.makedirs(directory)
    try:
        sh(block("nsinspect.1", "nsinspect metrics -o"))
        assert "nsisolate_sessions" in read(f"{directory}/nsisolate.prom")
    finally:
        shutil.rmtree("/var/lib/prometheus")


def test_nsinspect_import():
    write("/etc/security/namespace.conf", "/tmp /tmp-inst/ user root\n")
    sh(block("nsinspect.1", "nsinspect import >"))
    assert "/tmp" in read(f"{POLICIES}/default.conf")


@pytest.mark.usefixtures("isolated")
def test_nsrun():
    terminal = P.Terminal(block("nsrun.1", "nsrun -u alice\n").split(), env=P.ENVIRONMENT)
    with terminal:
        terminal.child.sendline("echo user=$USER")
        terminal.child.expect("user=alice")
    assert "lo " in sh(block("nsrun.1", "nsrun -u alice --service sshd"))
    write("/root/students.conf", 'network { mode = "none" }\n')
    os.makedirs("/opt/tree")
    write("/opt/tree/Makefile", "check:\n\t@id -un\n")
    write("/opt/tree/configure", "#!/bin/sh\nls /sys/class/net\n", 0o755)
    try:
        assert sh(block("nsrun.1", "nsrun -p /root/students.conf --dry-run"), cwd="/opt/tree").endswith("alice\n")
        os.rename("/root/students.conf", "/root/untrusted.conf")
        assert sh(block("nsrun.1", "nsrun -p ~/untrusted.conf"), cwd="/opt/tree") == "lo\n"
    finally:
        for path in glob.glob("/root/*.conf"):
            os.unlink(path)
        shutil.rmtree("/opt/tree")


def test_nsisolate_pam():
    before = read("/etc/pam.d/sshd")
    text = block("nsisolate-pam.8", "nsisolate-pam enable -d sshd")
    sh(text.splitlines()[0])
    assert read("/etc/pam.d/sshd") == before
    sh(text.splitlines()[1])
    assert read("/etc/pam.d/sshd").count("pam_nsisolate.so close exempt=@adm\n") == 1
    sh(block("nsisolate-pam.8", "nsisolate-pam disable --all"))
    assert read("/etc/pam.d/sshd") == before
    sh("nsisolate-pam enable sshd")
    assert block("nsisolate-pam.8", "# nsisolate-pam: begin close") in read("/etc/pam.d/sshd")
    sh("nsisolate-pam disable sshd")


def lines_of_stack(text):
    """Session lines and includes, as words."""
    lines = [line.partition("#")[0].split() for line in text.splitlines()]
    return [words for words in lines if words and (words[0] == "@include" or words[0].endswith("session"))]


STACKS = {
    "sshd": lambda: block("pam_nsisolate.8", "session  required  pam_nsisolate.so close\nsession  [success"),
    "su": lambda: block("pam_nsisolate.8", "session  required  pam_nsisolate.so close\nsession  required  pam_env"),
    "sudo": lambda: block("pam_nsisolate.8", "session  required  pam_nsisolate.so close\nsession  required  pam_limits"),
}


@pytest.mark.parametrize("service", STACKS)
def test_stacks_are_what_nsisolate_pam_makes(service):
    sh(f"nsisolate-pam enable {service}")
    try:
        made = lines_of_stack(read(f"/etc/pam.d/{service}"))
        told = lines_of_stack(STACKS[service]())
        # the sandbox's lack a few of Debian's; the page leaves out lines of other types, and includes of them at the front
        made = [words for words in made if words in told or words[0] != "@include"]
        assert made == [words for words in told if words in made] and len(made) >= 4
        assert [made[0], made[-1]] == [told[0], told[-1]]
    finally:
        sh(f"nsisolate-pam disable {service}")


def test_a_stack_for_those_who_have_a_policy_file(host, isolated):
    for service in ("su", "su-l"):
        line = block("pam_nsisolate.8", "session  required  pam_nsisolate.so open optional")
        host.append_session_line(service, line.removeprefix("session").strip())
    os.unlink(f"{POLICIES}/default.conf")
    own = os.readlink("/proc/self/ns/net")
    for user, kept in (("alice", False), ("bob", True)):
        assert (P.su(user, "readlink /proc/self/ns/net").check().stdout.strip() == own) == kept


# what sends packets nowhere needs no way out
VETH = 'network { mode = "veth" pool = {"10.99.0.0/24"} egress = {"any"} }\n'


def test_nsisolate_network(host):
    host.set_policy("user/alice.conf", VETH)
    sh("nsrun -u alice -- true")
    try:
        assert "drop" in sh(block("nsisolate-network.8", "nft list table inet nsisolate"))
        unit = block("nsisolate-network.8", "# /etc/systemd/system/nftables.service.d")
        commands = re.findall(r"^Exec\w+=(.*)$", unit, re.MULTILINE)
        assert len(commands) == 2
        for command in commands:
            sh(f"nft flush ruleset; {command}; nft list table inet nsisolate")
    finally:
        wait_until(lambda: not glob.glob("/sys/class/net/ns*"), "the interface to go")
        sh("nsisolate-network unload")


def test_changing_a_policy(host):
    host.set_policy("group/students.conf", 'network { mode = "none" }\n')
    sh(block("nsisolate.conf.5", "cd /etc/security/nsisolate"))
    assert not os.path.exists(f"{POLICIES}/group/.new")


def test_trying_out_a_policy(host):
    host.add_module(["sshd"])
    host.set_policy("group/students.conf", 'mode = "audit"\nservices = {"sshd"}\nfrom = {"10.1.0.0/16"}\n')
    host.set_policy("user/carol.conf", block("nsisolate.conf.5", 'extends = "group/students"'))
    assert "tmpfs" in sh(block("nsisolate.conf.5", "nsinspect check\n"))


def test_a_message(host):
    host.set_policy("group/students.conf", "\n" * 10 + 'network {\nmode = "loopbak"\n}\n')
    assert block("nsisolate.conf.5", "group/students.conf:12:") in sh("nsinspect check", status=1)

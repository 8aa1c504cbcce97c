# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What is logged in the journal's own form: each entry once, with its fields, and by root. Where the
journal does not have the log, syslog(3) has the line: that is in all other tests.
"""

import os
import re
import socket
import threading
import time

import pytest

from support import audit
from support import programs as P
from support.journal import SOCKET, journald

LINE = re.compile(r"(?:pam_nsisolate\(\S+:session\): )?(NSL\d{3}) [a-z ]+: (.*)")
FORGED = "x\nMESSAGE_ID=00000000000000000000000000000000\nNSISOLATE_MSGID=NSL001\n"


@pytest.fixture(autouse=True)
def isolated(host, module):
    host.add_module(["su"])
    host.set_policy("user/alice.conf", "")


@pytest.fixture
def journal():
    with journald() as running:
        yield running


def words_of(entry):
    identity, rest = LINE.fullmatch(entry["MESSAGE"]).groups()
    words = dict(word.split("=", 1) for word in rest.split(": ", 1)[0].split())
    return {"msgid": identity} | {name: value for name, value in words.items() if value != "-"}


def fields_of(entry):
    prefix = "NSISOLATE_"
    return {name.removeprefix(prefix).removeprefix("NS_").lower(): value for name, value in entry.items()
            if name.startswith(prefix) and name != "NSISOLATE_REASON"}


def expect(entry, identity, start, priority="5", sender="su"):
    """The fields are the words of the line, no more and no less, and root sent it."""
    assert f"{identity} {start}" in entry["MESSAGE"]
    assert fields_of(entry) == words_of(entry) and entry["NSISOLATE_MSGID"] == identity
    assert re.fullmatch("[0-9a-f]{32}", entry["MESSAGE_ID"])
    assert (entry["PRIORITY"], entry["SYSLOG_FACILITY"], entry["SYSLOG_IDENTIFIER"]) == (priority, "10", sender)
    assert entry["_UID"] == "0"


def test_a_session_is_opened_and_closed_by_an_entry_each(journal, log):
    shown = P.su_password("alice", "echo id=$NSISOLATE_ID.", by="bob", password="alice-secret").check().stdout
    session = re.search("id=([0-9a-f]{12})[.]", shown)[1]
    opened, closed = journal.entry(), journal.entry()
    # as nobody but root can make one: by its real uid su is bob here
    for entry, identity, start in ((opened, "NSL001", "session opened"), (closed, "NSL003", "session closed")):
        expect(entry, identity, f"{start}: id={session} user=alice service=su rhost=- policy=user/alice.conf ")
        assert entry["MESSAGE"].startswith("pam_nsisolate(su:session): ")
    assert opened["MESSAGE_ID"] != closed["MESSAGE_ID"] and opened["_PID"] == closed["_PID"]
    assert journal.is_empty() and not log.matching("pam_nsisolate")


def test_a_refusal_has_its_reason(host, journal, log):
    host.set_policy("user/alice.conf", "nonsense\n")
    assert P.su("alice", "true").status != 0
    entry = journal.entry()
    expect(entry, "NSL020", "refused: user=alice service=su ", "3")
    assert entry["NSISOLATE_REASON"].startswith("user/alice.conf:1: ")
    assert entry["MESSAGE"].endswith(f": {entry['NSISOLATE_REASON']}")
    assert journal.is_empty() and not log.matching("pam_nsisolate")


def test_entering_and_killing_are_entries(journal):
    with P.Background(["su", "alice", "-c", P.STAY]) as inside:
        session = inside.probe()["env"]["NSISOLATE_ID"]
        expect(journal.entry(), "NSL001", "session opened: ")
        P.run(["nsinspect", "enter", session, "true", FORGED]).check()
        entered, left = journal.entry(), journal.entry()
        expect(entered, "NSL007", f"session entered: id={session} user=alice ", sender="nsinspect")
        assert entered["NSISOLATE_COMMAND"] == "true\\x20" + FORGED.replace("\n", "\\x0a")
        expect(left, "NSL008", f"entering ended: id={session} ", sender="nsinspect")
        P.run(["nsinspect", "kill", session]).check()
        expect(journal.entry(), "NSL006", f"session killed: id={session} user=alice ", sender="nsinspect")


def test_nsrun_writes_entries_though_the_path_leads_nowhere_inside(host, journal):
    host.set_policy("user/alice.conf", 'mount { hide = { "/run/systemd" } }\n')
    P.run(["nsrun", "-u", "alice", "true"]).check()
    for identity, start in ("NSL001", "session opened: "), ("NSL003", "session closed: "):
        expect(journal.entry(), identity, start, sender="nsrun")


def test_the_name_that_a_user_calls_su_by_forges_nothing(journal):
    P.run(["bash", "-c", 'exec -a "$0" su alice -c true', FORGED]).check()
    expect(journal.entry(), "NSL001", "session opened: ", sender=FORGED.replace("\n", "\\x0a"))


def test_a_journal_that_takes_nothing_holds_up_nobody(journal, log):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                filler.sendto(b"MESSAGE=x\n", SOCKET)
    P.su("alice", "true").check()
    log.wait_for(r"su.*: pam_nsisolate\(su:session\): NSL001 session opened: id=")
    log.wait_for(r"su.*: pam_nsisolate\(su:session\): NSL003 session closed: id=")


def test_a_session_without_the_journals_directory_is_logged_all_the_same(host, journal, log):
    """Under su as by root: syslog(3) would send it by the uid of the caller, and without fields."""
    host.set_policy("user/alice.conf", 'mount { hide = { "/run/systemd" } }\n')
    P.su_password("alice", "true", by="bob", password="alice-secret").check()
    expect(journal.entry(), "NSL001", "session opened: ")
    expect(journal.entry(), "NSL003", "session closed: ")
    assert journal.is_empty() and not log.matching("pam_nsisolate")


# until the queue is full, and then what gets into it for some seconds
FLOOD = """
import select, socket, sys, time
end = None
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as flood:
    flood.setblocking(False)
    flood.connect(sys.argv[1])
    while end is None or time.monotonic() < end:
        try:
            flood.send(b"MESSAGE=x\\n")
        except BlockingIOError:
            if end is None:
                print(flush=True)
                end = time.monotonic() + 5
            select.select([], [flood], [], 0.1)
"""


def test_a_user_who_floods_the_journal_hides_no_refusal_of_theirs(host, journal, log):
    host.set_policy("user/alice.conf", "nonsense\n")
    with P.Background(["setpriv", "--reuid=bob", "--regid=bob", "--clear-groups", "python3", "-c", FLOOD, SOCKET]) as flood:
        flood.read_line()
        refused = threading.Thread(target=P.su_password, args=("alice", "true"), kwargs={"by": "bob", "password": "alice-secret"})
        refused.start()
        entry = journal.entry()
        while entry["MESSAGE"] == "x":
            time.sleep(0.001)
            entry = journal.entry()
        expect(entry, "NSL020", "refused: user=alice service=su ", "3")
        refused.join()
    assert not log.matching("pam_nsisolate")


def test_a_journal_that_has_not_the_log_gets_nothing(journal, log):
    os.rename("/dev/log", "/dev/log.link")
    os.symlink("/run/systemd/journal/dev-lot", "/dev/log")
    try:
        P.su("alice", "true").check()
        assert journal.is_empty()
    finally:
        os.rename("/dev/log.link", "/dev/log")


def test_no_descriptor_is_left_in_the_login_program(journal):
    with P.Background(["su", "alice", "-c", P.STAY]) as inside:
        inside.probe()
        expect(journal.entry(), "NSL001", "session opened: ")
        with open("/proc/net/unix", encoding="ascii") as file:
            listener = next(line.split()[6] for line in file if line.rstrip().endswith(SOCKET))
        held = [os.readlink(f"/proc/{inside.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{inside.pid}/fd")]
        assert listener.isdigit() and len([link for link in held if link.startswith("socket:")]) <= 1, held


# the kernel's audit

def has_libaudit():
    return "libaudit.so" in P.run(["readelf", "-d", "/usr/bin/nsrun"]).check().stdout


def test_logins_are_in_pams_own_audit_records(host, tmp_path):
    opened, closed = audit.records(tmp_path / "trace", ["su", "alice", "-c", "true"])[0]
    assert opened[0] == "USER_START" and closed[0] == "USER_END"
    assert re.match(r"op=PAM:session_open grantors=\S*pam_nsisolate acct=\"alice\" .* res=success$", opened[1]), opened
    assert re.match(r"op=PAM:session_close grantors=\S* acct=\"alice\" .* res=success$", closed[1]), closed
    host.set_policy("user/alice.conf", "nonsense\n")
    (kind, text), = audit.records(tmp_path / "trace", ["su", "alice", "-c", "true"])[0]
    assert kind == "USER_START" and re.match(r"op=PAM:session_open grantors=\? acct=\"alice\" .* res=failed$", text), text


def test_the_tools_have_audit_records(host, tmp_path):
    """Built without libaudit they have none, and do the same."""
    def of(*arguments):
        return audit.records(tmp_path / "trace", arguments)[0]

    about = 'acct="alice" session="{}" policy="user/alice.conf" '
    end = 'exe="/usr/bin/{}" hostname=? addr=? terminal=? res={}'
    if not has_libaudit():
        assert of("nsrun", "-u", "alice", "true") == []
        return
    opened, closed = of("nsrun", "-u", "alice", "true")
    session = re.search('session="([0-9a-f]{12})"', opened[1])[1]
    wanted = about.format(session) + end.format("nsrun", "success")
    assert [opened, closed] == [("TRUSTED_APP", f"op=nsisolate-open {wanted}"), ("TRUSTED_APP", f"op=nsisolate-close {wanted}")]
    with P.Background(["su", "alice", "-c", P.STAY]) as inside:
        session = inside.probe()["env"]["NSISOLATE_ID"]
        forged = 'true "\nres=success'
        entered, left = of("nsinspect", "enter", session, "sh", "-c", "exit 3", forged)
        command = f"sh -c exit 3 {forged}".encode().hex().upper()
        wanted = about.format(session) + 'as="alice" '
        assert entered[1] == f"op=nsisolate-enter {wanted}cmd={command} " + end.format("nsinspect", "success")
        assert left[1] == f"op=nsisolate-leave {wanted}" + end.format("nsinspect", "failed")
        # however long it is, the record says how it went
        entered, _ = of("nsinspect", "enter", session, "true", '"' * 9000)
        assert "222E2E2E exe=" in entered[1] and entered[1].endswith(end.format("nsinspect", "success"))
        (_, killed), = of("nsinspect", "kill", session)
        assert killed == "op=nsisolate-kill " + about.format(session) + end.format("nsinspect", "success")
    host.set_policy("user/alice.conf", "nonsense\n")
    (_, refused), = of("nsrun", "-u", "alice", "true")
    assert refused == 'op=nsisolate-open acct="alice" ' + end.format("nsrun", "failed")


def test_an_audit_that_takes_no_record_is_told_and_holds_up_nobody(tmp_path):
    done = P.run(["strace", "-f", "-o", str(tmp_path / "trace"), "-e", "trace=sendto", "-e", "inject=sendto:error=ENOBUFS",
                  "nsrun", "-u", "alice", "echo", "ran"])
    assert (done.status, done.stdout) == (0, "ran\n")
    assert done.stderr == "nsrun: there is no audit record of this: No buffer space available\n" * (2 if has_libaudit() else 0)

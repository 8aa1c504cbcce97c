# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect audit on a host that systemd booted: user managers, cron.service, lingering, and our own units."""

import contextlib
import os
import shutil
import signal

import pytest

from support import booted
from support import host as H
from support import pages
from support import programs as P
from support.on_booted import (MANAGER, audit, host, let_linger, lingering, logged_in, machine, machines,  # noqa: F401
                               without_module)

PROMETHEUS = "/var/lib/prometheus/node-exporter"


# the audit

def test_a_healthy_host_has_no_findings(machine):
    H.set_policy("user/bob.conf", 'scope = "user"\n')
    job = P.set_crontab("alice", "@reboot sleep 1000\n")
    with logged_in(machine), logged_in(machine, "bob"), logged_in(machine, "bob"):
        restart_cron(machine)
        machine.wait_for_line(r"session opened: .* service=cron ")
        assert audit(machine) == []
    os.unlink(job)
    H.kill_all(H.wait_until(lambda: lingering(machine), "the job does not run"))


def restart_cron(machine):
    """Its @reboot jobs run anew."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(machine.path("/run/crond.reboot"))
    machine.run("systemctl", "restart", "cron.service").check()


def expect(machine, *wanted):
    """Just these: a code, a subject, and what is said of it."""
    found = audit(machine, "--hurried")
    assert sorted((finding["code"], finding["subject"]) for finding in found) == sorted(pair[:2] for pair in wanted), found
    for code, subject, said in wanted:
        assert [finding for finding in found if finding["subject"] == subject and said in finding["seen"]], (subject, found)
    return found


UNITS = ".config/systemd/user"


@pytest.fixture
def unit(machine):
    """Written by alice from within a session, for her manager to run."""
    P.ssh("alice", f"mkdir -p {UNITS}/default.target.wants && cat >{UNITS}/mine.service && "
          f"ln -s ../mine.service {UNITS}/default.target.wants", input="[Service]\nExecStart=sleep 1000\n").check()
    H.wait_until(lambda: not machine.leftovers(), "it has logged out")
    yield "mine.service"
    machine.run("loginctl", "disable-linger", "alice").check()
    machine.run("loginctl", "terminate-user", "alice")  # who is in by now only if she lingers
    shutil.rmtree("/home/alice/.config")


def found_of_manager(machine, *more):
    """The manager and the process of the unit, each told by its control group; and its MainPID."""
    came, manager = "came by systemd-user", "alice:/usr/lib/systemd/systemd"
    H.wait_until(lambda: lingering(machine), "the unit runs")
    found = expect(machine, ("NSI041", "systemd-user", "without the module"), ("NSI091", manager, came),
                   ("NSI001", manager, came), ("NSI001", "alice:/usr/bin/sleep", came), *more)
    reported, = [str(finding["pid"]) for finding in found if finding["code"] == "NSI091"]
    assert reported == machine.unit(MANAGER)["MainPID"]


def test_what_a_manager_without_the_module_runs_is_found(machine, unit):
    without_module(machine, "systemd-user")
    with logged_in(machine):
        found_of_manager(machine)
        assert machine.run("nsinspect", "audit").status == 1


# systemd-run(1) wants the PID of its peer, which no PID namespace but the host's has: any other client does
ASK = ("dbus-send --session --print-reply --dest=org.freedesktop.systemd1 /org/freedesktop/systemd1 "
       "org.freedesktop.systemd1.Manager.StartUnit string:mine.service string:replace >/dev/null")


def test_a_manager_whose_bus_is_reached_from_inside_is_found(machine, unit):
    without_module(machine, "systemd-user")
    os.unlink(f"/home/alice/{UNITS}/default.target.wants/mine.service")
    with logged_in(machine, command=f"! {ASK} 2>/dev/null && {P.STAY}"):
        assert lingering(machine) == []
    H.wait_until(lambda: not machine.leftovers(), "it has logged out")
    H.set_policy("default.conf", 'mount { runtime-dir = "host" }\n')
    with logged_in(machine, command=f"{ASK} && {P.STAY}"):
        found_of_manager(machine, ("NSI001", "alice:/usr/bin/dbus-daemon", "came by systemd-user"))


def test_a_manager_from_before_the_policy_is_found(machine):
    H.set_policy("default.conf", 'mode = "off"\n')
    with logged_in(machine):
        assert machine.unit(MANAGER)["ActiveState"] == "active"
        assert audit(machine) == []
        H.set_policy("default.conf", "")
        assert {finding["code"] for finding in audit(machine, "--hurried")} == {"NSI001", "NSI091"}


def test_a_manager_that_the_policy_allows_is_no_finding(machine, unit):
    H.set_policy("default.conf", 'user-manager = "allow"\n')
    with logged_in(machine):
        H.wait_until(lambda: lingering(machine), "the unit runs")
        machine.wait_for_line(r"not isolated: user=alice service=systemd-user .*user-manager")
        assert audit(machine) == []


def test_a_job_of_a_cron_without_the_module_is_found(machine):
    without_module(machine, "cron")
    job = P.set_crontab("alice", "@reboot (setsid sleep 1000 >/dev/null 2>&1 &)\n")
    try:
        restart_cron(machine)
        # its parents have ended: only the control group tells where it came from
        sleep, = H.wait_until(lambda: [process for process in lingering(machine) if process.parent == machine.pid],
                              "it runs")
        expect(machine, ("NSI041", "cron", "without the module"), ("NSI001", "alice:/usr/bin/sleep", "came by cron"))
        os.kill(sleep.pid, signal.SIGKILL)
    finally:
        os.unlink(job)


def test_lingering_starts_nothing_where_the_manager_is_refused(machine, unit):
    let_linger(machine, "alice")
    H.wait_until(lambda: machine.unit(MANAGER)["Result"] == "exit-code", "it is refused")
    assert lingering(machine) == [] and audit(machine) == []


def test_lingering_units_of_a_manager_without_the_module_are_found(machine, unit):
    without_module(machine, "systemd-user")
    let_linger(machine, "alice")
    found_of_manager(machine)


# our own units

@contextlib.contextmanager
def drop_in(machine, unit, text):
    directory = f"/run/systemd/system/{unit}.d"
    machine.write(f"{directory}/test.conf", text)
    machine.run("systemctl", "daemon-reload").check()
    try:
        yield
    finally:
        shutil.rmtree(machine.path(directory))
        machine.run("systemctl", "daemon-reload").check()


def run_by_timer(machine, name):
    """The timer is told to begin at once. What systemd says of the service when it has ended."""
    before = machine.unit(f"{name}.service").get("InvocationID")

    def ended():
        unit = machine.unit(f"{name}.service")
        return unit.get("InvocationID") != before and unit["ActiveState"] in ("inactive", "failed") and unit

    with drop_in(machine, f"{name}.timer", "[Timer]\nOnActiveSec=0\nRandomizedDelaySec=0\n"):
        machine.run("systemctl", "start", f"{name}.timer").check()
        try:
            return H.wait_until(ended, machine.journal_text)
        finally:
            machine.run("systemctl", "stop", f"{name}.timer").check()


@contextlib.contextmanager
def busy(machine):
    """A live session, one under a policy that has changed, and their managers outside."""
    without_module(machine, "systemd-user", "cron")
    with logged_in(machine), logged_in(machine, "bob"):
        assert machine.unit(MANAGER)["ActiveState"] == "active"
        H.set_policy("user/bob.conf", 'uts { hostname = "later" }\n')
        yield


def wanted_of(findings):
    severities = [finding["severity"] for finding in findings]
    return {"NSISOLATE_CRITICAL": str(severities.count("critical")), "NSISOLATE_WARNING": str(severities.count("warning")),
            "NSISOLATE_INFO": str(severities.count("info")), "NSISOLATE_KNOWN": "0",
            "NSISOLATE_CODES": ",".join(sorted({finding["code"] for finding in findings})) or "-"}


@pytest.mark.parametrize("healthy", [True, False])
def test_the_timer_audits_and_the_journal_has_it(machine, healthy):
    def lines():
        return {line["__CURSOR"]: line for line in machine.journal("_UID=0", "NSISOLATE_MSGID=NSL040")}

    before = lines()
    with logged_in(machine) if healthy else busy(machine):
        findings = audit(machine)
        assert {finding["code"] for finding in findings} == (set() if healthy else {"NSI001", "NSI020", "NSI041", "NSI091"})
        unit = run_by_timer(machine, "nsisolate-audit")
    # that there are findings is no failure of the unit
    assert (unit["Result"], unit["ExecMainStatus"]) == ("success", "0" if healthy else "1")
    # not by the unit: journald looks that up in /proc, where the sender may have ended by then
    new = H.wait_until(lambda: lines().keys() - before.keys(), machine.journal_text)
    line, = (lines()[cursor] for cursor in new)
    assert line["MESSAGE"].startswith("NSL040 audit: critical=") and line["SYSLOG_IDENTIFIER"] == "nsinspect"
    wanted = wanted_of(findings)
    assert {name: line[name] for name in wanted} == wanted
    assert line["PRIORITY"] == ("6" if healthy else "3") and int(line["NSISOLATE_DURATION_MS"]) > 0
    ran = f"_SYSTEMD_INVOCATION_ID={unit['InvocationID']}"

    def missing():
        printed = [entry["MESSAGE"] for entry in machine.journal(ran, "-t", "nsinspect")]
        return [finding for finding in findings
                if not [text for text in printed if text.startswith(finding["code"]) and finding["subject"] in text]]

    H.wait_until(lambda: not missing(), lambda: f"not in the journal: {missing()}\n{machine.journal_text()}")


def test_timer_and_journal_are_as_its_page_says(machine):
    def typed(page, start):
        [text] = [text for _heading, text in pages.blocks(page) if text.startswith(start)]
        return text.splitlines()

    enable, journal = typed("nsinspect.1", "systemctl enable")
    try:
        machine.run(*enable.split()).check()
        assert machine.run("systemctl", "is-enabled", "nsisolate-audit.timer").stdout == "enabled\n"
    finally:
        machine.run("systemctl", "disable", "--now", "nsisolate-audit.timer").check()
    with busy(machine):
        machine.run("nsinspect", "audit", "--log")
        H.wait_until(lambda: "audit: critical=" in machine.run(*journal.split()).stdout, "it is in the journal")
    assert "session opened" in machine.run(*typed("nsisolate.7", "journalctl")[0].split()).check().stdout
    H.set_policy("user/bob.conf", "no policy\n")
    P.ssh("bob", "true")
    refused, of_alice, _ = typed("pam_nsisolate.8", "journalctl -x")
    H.wait_until(lambda: "refused: user=bob" in machine.run(*refused.split()).stdout, "the refusal is in the journal")
    assert "NSISOLATE_USER=alice" in machine.run(*of_alice.split()).check().stdout


def test_an_audit_that_cannot_be_done_fails_the_unit(machine):
    booted.set_options("--baseline /nonexistent")
    unit = run_by_timer(machine, "nsisolate-audit")
    assert (unit["Result"], unit["ExecMainStatus"]) == ("exit-code", "2")


def test_the_timer_of_the_metrics_writes_their_file(machine):
    os.makedirs(PROMETHEUS, exist_ok=True)
    path = f"{PROMETHEUS}/nsisolate.prom"
    try:
        with logged_in(machine), logged_in(machine, "bob"):
            unit = run_by_timer(machine, "nsisolate-metrics")
            assert unit["Result"] == "success", machine.journal_text()
            assert H.read(path) == machine.run("nsinspect", "metrics").check().stdout
            assert 'nsisolate_sessions{' in H.read(path)
    finally:
        shutil.rmtree(PROMETHEUS)

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""The systemd units: valid, off, and under their own restrictions as good as without; and the line that audits log."""

import configparser
import contextlib
import glob
import json
import os
import re
import shutil
import subprocess

import pytest

from support import host as H
from support import metrics as M
from support import programs as P
from support.journal import journald

TOOLS = "/usr/local/lib/nsisolate-tests"
UNITS = "/usr/lib/systemd/system"
SERVICES = ("nsisolate-audit.service", "nsisolate-metrics.service")
TIMERS = ("nsisolate-audit.timer", "nsisolate-metrics.timer")


def analyze(*arguments, units=UNITS):
    return subprocess.run([f"{TOOLS}/systemd-analyze", *arguments], capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "SYSTEMD_UNIT_PATH": f"{units}:{TOOLS}/system"})


def unit(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(f"{UNITS}/{name}")
    return parser


@pytest.mark.parametrize("name", SERVICES + TIMERS)
def test_units_are_valid(name, tmp_path):
    done = analyze("verify", "--man=no", f"{UNITS}/{name}")
    assert (done.returncode, done.stderr) == (0, ""), done
    # and this would be seen
    for path in glob.glob(f"{UNITS}/nsisolate-*"):
        shutil.copy(path, tmp_path)
    broken = tmp_path / name
    broken.write_text(broken.read_text().replace("Description=", "Descripton="))
    assert "Descripton" in analyze("verify", "--man=no", str(broken), units=tmp_path).stderr


def test_pages_that_units_name_are_there():
    for name in SERVICES + TIMERS:
        assert unit(name)["Unit"]["Documentation"] == "man:nsinspect(1)"


def test_nothing_is_enabled_by_the_install():
    assert not [path for path in glob.glob("/*/systemd/system/*.wants/nsisolate*") + glob.glob("/usr/lib/systemd/system/*.wants/nsisolate*")]
    for name in TIMERS:
        assert unit(name)["Install"]["WantedBy"] == "timers.target"
    for name in SERVICES:
        assert "Install" not in unit(name)


def restricted(service, *more):
    """The unit's command under its capabilities, without new privileges, and with a root file system that is read-only."""
    section = unit(service)["Service"]
    assert section["ProtectSystem"] == "strict" and section["NoNewPrivileges"] == "yes"
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in section["CapabilityBoundingSet"].split())
    command = [word for word in section["ExecStart"].split() if not word.startswith("$")]
    shell = 'mount -o remount,bind,ro / && ! touch /etc/written 2>/dev/null && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", shell, "sh", "setpriv", "--no-new-privs", f"--bounding-set=-all,{kept}", *command,
            *more]


@contextlib.contextmanager
def busy(host):
    """A host with something to find in each of the ways in which an audit looks."""
    host.add_module(["su", "sshd", "login", "sudo", "cron"])
    host.set_policy("default.conf", "")
    host.set_policy("user/bob.conf", "nonsense\n")
    with P.Background(["su", "alice", "-c", "hostname elsewhere 2>/dev/null; echo in; cat"]) as first, \
            P.Background(["su", "carol", "-c", "echo in; cat"]) as second:
        assert first.read_line() == second.read_line() == "in"
        inits = H.session_inits()
        # as root inside could: a loopback that is down, another host name, a mount that is gone
        for init in inits:
            P.run(["nsenter", "-t", str(init), "-u", "-n", "-m", "-p", "sh", "-c",
                   "hostname elsewhere; ip link set lo down; umount -l /var/tmp"]).check()
        host.set_policy("user/carol.conf", 'uts { hostname = "later" }\n')
        with P.Background(["setpriv", "--reuid=3001", "--regid=3001", "--clear-groups", "sleep", "600"], reads=False):
            H.asleep("alice")
            yield


def test_the_audit_finds_the_same_under_the_restrictions_of_its_unit(host, module):
    def findings(command):
        done = P.run(command)
        assert done.status == 1 and done.stderr == "", done
        return {(finding["code"], finding["subject"]) for finding in json.loads(done.stdout)["findings"]}

    with busy(host):
        plain = findings(["nsinspect", "audit", "-J"])
        assert {"NSI001", "NSI011", "NSI012", "NSI013", "NSI020", "NSI080"} <= {code for code, _subject in plain}, plain
        section = restricted("nsisolate-audit.service")
        section[section.index("-r")] = "-J"
        assert findings(section) == plain
        assert M.named(M.metrics(), "nsisolate_audit_findings")
    host.log.wait_for("nsinspect.*: NSL040 audit: critical=")


def test_the_metrics_are_the_same_under_the_restrictions_of_their_unit(host, module):
    directory = "/var/lib/prometheus/node-exporter"
    section = unit("nsisolate-metrics.service")
    assert section["Service"]["ReadWritePaths"] == section["Unit"]["ConditionPathIsDirectory"] == directory
    os.makedirs(directory)
    subprocess.run(["mount", "-t", "tmpfs", "none", directory], check=True)
    try:
        with busy(host):
            P.run(restricted("nsisolate-metrics.service")).check()
            assert H.read(f"{directory}/nsisolate.prom") == P.run(["nsinspect", "metrics"]).check().stdout
    finally:
        subprocess.run(["umount", directory], check=True)


# the line

@pytest.fixture
def findings(host, module):
    host.add_module(["su", "sshd", "login", "sudo", "cron"])
    host.set_policy("default.conf", "")
    host.set_policy("user/bob.conf", "nonsense\n")


LINE = re.compile(r"NSL040 audit: critical=(\d+) warning=(\d+) info=(\d+) known=(\d+) codes=(\S+) seconds=\d+\.\d{3}")


def test_the_line_tells_what_is_printed(host, findings):
    done = P.run(["nsinspect", "audit", "--hurried", "--log", "-J"])
    shown = json.loads(done.stdout)["findings"]
    line = host.log.wait_for(r"nsinspect\[\d+\]: NSL040 audit: ")
    critical, warning, info, known, codes = LINE.search(line.text).groups()
    severities = [finding["severity"] for finding in shown]
    assert [int(critical), int(warning), int(info), int(known)] == [
        severities.count("critical"), severities.count("warning"), severities.count("info"), 0]
    assert codes.split(",") == sorted({finding["code"] for finding in shown})
    assert line.facility == host.log.AUTHPRIV
    assert line.severity == (3 if int(critical) else 4)


def test_what_the_baseline_lists_is_known(host, findings, tmp_path):
    known = tmp_path / "known"
    known.write_text(P.run(["nsinspect", "audit", "--hurried", "--write-baseline"]).check().stdout)
    P.run(["nsinspect", "audit", "--hurried", "--log", "--baseline", str(known)]).check()
    line = host.log.wait_for(r"nsinspect\[\d+\]: NSL040 audit: ")
    number = len(known.read_text().splitlines())
    assert re.search(rf"critical=0 warning=0 info=0 known={number} codes=- ", line.text)
    assert line.severity == 6


def test_the_journal_has_fields(host, findings):
    with journald() as journal:
        P.run(["nsinspect", "audit", "--hurried", "--log"])
        fields = journal.entry()
    critical, warning, info, known, codes = LINE.fullmatch(fields["MESSAGE"]).groups()
    assert fields["PRIORITY"] == ("3" if int(critical) else "4")
    assert fields["SYSLOG_FACILITY"] == "10" and fields["SYSLOG_IDENTIFIER"] == "nsinspect"
    assert {key: fields[f"NSISOLATE_{key}"] for key in ("MSGID", "CRITICAL", "WARNING", "INFO", "KNOWN", "CODES")} == {
        "MSGID": "NSL040", "CRITICAL": critical, "WARNING": warning, "INFO": info, "KNOWN": known, "CODES": codes}
    assert int(fields["NSISOLATE_DURATION_MS"]) > 0
    assert not host.log.matching("NSL040 audit: critical=")


@pytest.mark.parametrize("options", [["--user", "alice"], ["--write-baseline"]])
def test_a_part_of_an_audit_is_not_logged(host, findings, options):
    done = P.run(["nsinspect", "audit", "--hurried", "--log", *options])
    assert done.status == 2 and "--log is about an audit of everything" in done.stderr

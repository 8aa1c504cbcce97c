# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""The examples for many hosts: valid, about metrics that there are, and the alerts go off when they should."""

import re
import subprocess

import pytest

from conftest import nsinspect
from support import host as H
from support import metrics as M

EXAMPLES = "/usr/share/doc/nsisolate/examples/fleet"
RULES = f"{EXAMPLES}/nsisolate.rules.yml"

FINDING = 'nsisolate_audit_findings{{instance="a",code="NSI001",name="process-outside",severity="{}",baseline="{}"}}'
# what is measured (series and values, a minute each), and which alerts stand after how many minutes
STORIES = {
    "nothing wrong": ({'nsisolate_audit_timestamp_seconds{instance="a"}': "0x180",
                       'nsisolate_build_info{instance="a",version="1"}': "1x180",
                       'nsisolate_refusals_total{instance="a",reason="policy"}': "7x180"}, 100, ()),
    "critical": ({FINDING.format("critical", "new"): "0 1"}, 1, ("NsisolateAuditCritical",)),
    "critical and known": ({FINDING.format("critical", "known"): "0 1"}, 1, ()),
    "a fresh warning": ({FINDING.format("warning", "new"): "1x60"}, 60, ()),
    "a warning for a day": ({FINDING.format("warning", "new"): "1x1500"}, 1450, ("NsisolateAuditWarning",)),
    "info": ({FINDING.format("info", "new"): "1x1500"}, 1450, ()),
    "an old audit": ({'nsisolate_audit_timestamp_seconds{instance="a"}': "0x300"}, 181, ("NsisolateAuditOld",)),
    "no audit": ({'nsisolate_build_info{instance="a",version="1"}': "1x300",
                  'nsisolate_build_info{instance="b",version="1"}': "1x300",
                  'nsisolate_audit_timestamp_seconds{instance="b"}': "0+60x300"}, 200, ("NsisolateAuditMissing",)),
    "old metrics": ({'node_textfile_mtime_seconds{instance="a",file="/x/nsisolate.prom"}': "0x60"}, 11,
                    ("NsisolateMetricsOld",)),
    "old metrics of others": ({'node_textfile_mtime_seconds{instance="a",file="/x/apt.prom"}': "0x60"}, 11, ()),
    "broken policy": ({'nsisolate_refusals_total{instance="a",reason="policy"}': "0 0 1 1 1"}, 4, ("NsisolateLoginsRefused",)),
    "as the policy wants": ({'nsisolate_refusals_total{instance="a",reason="denied"}': "0 0 1 1 1",
                             'nsisolate_refusals_total{instance="a",reason="limit"}': "0 0 1 1 1"}, 4, ()),
    "a reboot": ({'nsisolate_refusals_total{instance="a",reason="failed"}': "5 5 5 0 0"}, 4, ()),
    "changed": ({'nsisolate_sessions{instance="a",policy="default.conf",state="changed"}': "1x10"}, 6,
                ("NsisolateSessionChanged",)),
    "two versions": ({'nsisolate_build_info{instance="a",version="1"}': "1x1500",
                      'nsisolate_build_info{instance="b",version="2"}': "1x1500",
                      'nsisolate_audit_timestamp_seconds{instance="a"}': "0+60x1500",
                      'nsisolate_audit_timestamp_seconds{instance="b"}': "0+60x1500"}, 1450, ("NsisolateVersionsDiffer",)),
}


def promtool(*arguments):
    return subprocess.run([M.PROMTOOL, *arguments], capture_output=True, text=True, check=False)


def alerts():
    return re.findall(r"- alert: (\w+)", H.read(RULES))


def test_files_are_valid(tmp_path):
    assert promtool("check", "rules", RULES).returncode == 0
    done = promtool("check", "config", f"{EXAMPLES}/prometheus.yml")
    assert done.returncode == 0 and "nsisolate.rules.yml" in done.stdout, done
    broken = tmp_path / "broken.yml"
    broken.write_text(H.read(RULES).replace("> 0", "> > 0", 1))
    assert promtool("check", "rules", str(broken)).returncode != 0


@pytest.mark.parametrize("story", STORIES)
def test_alerts_go_off_when_they_should(story, tmp_path):
    series, minute, expected = STORIES[story]
    lines = [f"rule_files: [{RULES}]", "evaluation_interval: 1m", "tests:", "  - interval: 1m", "    input_series:"]
    for name, values in series.items():
        lines += [f"      - series: '{name}'", f"        values: '{values}'"]
    # an alert's labels and texts are not compared, only whether it stands
    lines += ["    promql_expr_test:"]
    for alert in alerts():
        lines += [f"      - expr: 'count by (alertname) (ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}})'", f"        eval_time: {minute}m",
                  "        exp_samples:" + ("" if alert in expected else " []")]
        if alert in expected:
            lines += [f"          - labels: '{{alertname=\"{alert}\"}}'", "            value: 1"]
    path = tmp_path / "story.yml"
    path.write_text("\n".join(lines) + "\n")
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done


def test_every_alert_has_a_story():
    assert set(alerts()) == {alert for _series, _minute, expected in STORIES.values() for alert in expected}


def test_rules_are_about_metrics_and_labels_that_there_are(host):
    """By what is printed where all of them are: a session, and an audit that finds something."""
    host.set_policy("default.conf", "nonsense\n")
    assert nsinspect("audit", "--hurried").returncode == 1
    found = M.read(nsinspect("metrics").stdout.decode())
    names = {name: {label for label, _value in labels} for name, labels in found}
    names["nsisolate_sessions"] = {"policy", "state"}  # without a session there is no sample
    expressions = re.findall(r"expr: (.*)", H.read(RULES))
    used = re.findall(r"(nsisolate_\w+)(?:\{([^}]*)\})?", "\n".join(expressions))
    assert len(used) >= 7
    for name, labels in used:
        assert name in names
        assert set(re.findall(r"(\w+)=", labels)) <= names[name]
    reasons = {dict(labels)["reason"] for name, labels in found if name == "nsisolate_refusals_total"}
    assert set(re.search(r'reason=~"([^"]*)"', H.read(RULES))[1].split("|")) < reasons

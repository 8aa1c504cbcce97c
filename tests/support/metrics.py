# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What nsinspect metrics prints, read as those do who are to read it: by Prometheus's and OpenMetrics's own parsers."""

import contextlib
import os
import subprocess
import urllib.request

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from support import host as H
from support import programs as P

PROMTOOL = "/usr/local/lib/nsisolate-tests/promtool"
NODE_EXPORTER = "/usr/local/lib/nsisolate-tests/prometheus-node-exporter"


def samples_of(families):
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def read(text):
    """The samples by name and labels; each parser finds the same, and promtool no fault."""
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b""), (checked, text)
    found = samples_of(parser.text_string_to_metric_families(text))
    assert samples_of(openmetrics_parser.text_string_to_metric_families(text)) == found
    assert text.endswith("\n# EOF\n")
    return found


def metrics(*options):
    done = P.run(["nsinspect", "metrics", *options]).check()
    assert done.stderr == "", done
    return read(done.stdout)


def value(found, name, **labels):
    return found[name, frozenset(labels.items())]


def named(found, name):
    """Values of one family, by their labels."""
    return {frozenset(labels): number for (key, labels), number in found.items() if key == name}


@contextlib.contextmanager
def node_exporter(directory):
    """The real one with its textfile collector alone: what it serves."""
    with P.Background([NODE_EXPORTER, "--collector.disable-defaults", "--collector.textfile",
                       f"--collector.textfile.directory={directory}", "--web.listen-address=127.0.0.1:9100"],
                      reads=False):
        def scrape():
            with contextlib.suppress(OSError):
                with urllib.request.urlopen("http://127.0.0.1:9100/metrics", timeout=H.TIMEOUT) as answer:
                    return answer.read().decode()
            return None

        H.wait_until(scrape, "node_exporter answers")
        yield scrape


assert os.access(PROMTOOL, os.X_OK) and os.access(NODE_EXPORTER, os.X_OK), "tests/support/install-packages test"

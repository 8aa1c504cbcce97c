# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""tests/support/run-tests, with a meson that fails as it is told: what fails again, alone, has failed."""

import json
import os
import subprocess

import pytest

RUN_TESTS = os.path.join(os.path.dirname(__file__), "../support/run-tests")
# state.json has for each test how often it is to fail; the log is as meson writes it
MESON = """#!/usr/bin/python3
import json, os, sys
state = json.load(open("state.json"))
names = [word for word in sys.argv if word in state] or list(state)
suite = {name: "unit" if name == "config" else "logins" for name in names}
failed = [name for name in names if state[name] > 0]
with open(os.path.join(sys.argv[3], "meson-logs/testlog.json"), "a" if "--logbase" in sys.argv else "w") as log:
    for name in names:
        log.write(json.dumps({"name": f"nsisolate:{suite[name]} / {name}", "result": "FAIL" if name in failed else "OK"}) + "\\n")
for name in failed:
    state[name] -= 1
json.dump(state, open("state.json", "w"))
open("runs", "a").write(" ".join(sys.argv[4:]) + "\\n")
sys.exit(len(failed))
"""


@pytest.mark.parametrize("failures, status, told, runs", [
    ({"su": 0, "sshd": 0}, 0, "", 1),
    # it passes alone, as often as that is asked
    ({"su": 1, "sshd": 0}, 0, "unsteady in build: su: failed among the others, passed 3 times alone\n", 4),
    ({"su": 1, "sshd": 1}, 0, "unsteady in build: su, sshd: failed among the others, passed 3 times alone\n", 7),
    # it fails again: the first time that it is alone, or a later one
    ({"su": 2, "sshd": 0}, 1, "", 2),
    ({"su": 1, "sshd": 2}, 2, "", 5),
    # too many to be a matter of the machine
    ({"su": 1, "sshd": 1, "cron": 1, "login": 1}, 4, "", 1),
    # and what waits for nothing has no such excuse
    ({"config": 1, "su": 0}, 1, "", 1),
])
def test_what_fails_alone_has_failed(tmp_path, failures, status, told, runs):
    (tmp_path / "build/meson-logs").mkdir(parents=True)
    (tmp_path / "meson").write_text(MESON)
    (tmp_path / "meson").chmod(0o755)
    (tmp_path / "state.json").write_text(json.dumps(failures))
    environment = os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin", "NSISOLATE_UNSTEADY": str(tmp_path / "unsteady")}
    done = subprocess.run([RUN_TESTS, "build", "--num-processes", "4"], cwd=tmp_path, env=environment, check=False, capture_output=True,
                          text=True)
    assert done.returncode == status, done
    assert ((tmp_path / "unsteady").read_text() if told else "") == told
    assert told or not (tmp_path / "unsteady").exists()
    assert len((tmp_path / "runs").read_text().splitlines()) == runs

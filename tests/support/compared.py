# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""One session of a user, and what nsinspect finds in it that its plan does not say."""

import contextlib
import json

from support import host
from support import programs


@contextlib.contextmanager
def session(user="alice"):
    """Its root directory as the host reaches it, and its init's PID, both as text."""
    with programs.Background(["su", user, "-c", "echo in; cat >/dev/null"]) as login:
        login.read_line()
        init = host.session_init()
        yield f"/proc/{init}/root", str(init)


def differences():
    """As `show` has them; `audit` finds the same."""
    identifier, = host.records()
    shown = json.loads(programs.run(["nsinspect", "show", "-J", identifier]).stdout)["differences"]
    findings = json.loads(programs.run(["nsinspect", "audit", "-J", "--hurried"]).stdout)["findings"]
    assert [finding["seen"] for finding in findings if finding["code"] == "NSI011"] == shown
    return shown

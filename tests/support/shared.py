# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What tests of sessions that several logins share have in common."""

import glob

from support import host as H
from support import programs as P

SHARED = 'scope = "user"\n'
WAITING = SHARED + 'on-logout = "wait"\n'
PID_NAMESPACE = "readlink /proc/self/ns/pid"
STAY = f"{PID_NAMESPACE}; cat >/dev/null"
USERS = "/run/nsisolate/users"


def live(joined):
    """Live records: of sessions, or of logins that joined one."""
    return {name: record for name, record in H.live_records().items() if ("." in name) == joined}


def sockets():
    return glob.glob(f"{USERS}/*/*.*")


def where(command=PID_NAMESPACE, user="alice"):
    return P.su(user, command).check().stdout.strip()

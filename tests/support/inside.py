# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Root inside a session: what a user with sudo is there."""

import contextlib
import json
import os
import re

from support import programs
from support.host import REACH, wait_until

END_COMMAND = 'printf "\\ndone %d\\n" $?'
END = re.compile(rb"\ndone (\d+)\n\Z")


class Inside:
    """A shell that takes commands."""

    def __init__(self, shell):
        self.process = shell.process

    def status(self, command):
        """The exit status, and what was said."""
        received = bytearray()
        os.set_blocking(self.process.stdout.fileno(), False)
        self.process.stdin.write(f"{command}\n{END_COMMAND}\n".encode())
        self.process.stdin.flush()

        def whole():
            ended = self.process.poll() is not None
            received.extend(self.process.stdout.read() or b"")
            return END.search(received) or ended

        wait_until(whole, lambda: f"{command!r} does not end; so far {bytes(received)!r}")
        end = END.search(received)
        assert end, f"the shell ended: {bytes(received)!r}"
        return int(end[1]), received[:end.start()].decode()

    def run(self, command):
        return self.status(command)[1]

    def reach(self, *targets, timeout=2):
        return json.loads(self.run(f"REACH_TIMEOUT={timeout} {REACH} {' '.join(targets)}").splitlines()[-1])

    def python(self, text):
        status, said = self.status(f"/usr/bin/python3 - 2>&1 <<'END'\n{text}\nEND")
        assert status == 0, said
        return said


@contextlib.contextmanager
def root_inside(user="alice"):
    """The user must be allowed to sudo."""
    with programs.Background(["su", user, "-c", "exec sudo -n /bin/bash"]) as shell:
        yield Inside(shell)

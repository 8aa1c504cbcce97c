# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""System calls that fail in real programs, by strace(1)."""

import contextlib
import os
import subprocess


@contextlib.contextmanager
def injected(syscall, error, when=""):
    """Every process that this test starts from here on fails at this system call. when: see strace(1), "2" or "3+"."""
    fault = f"inject={syscall}:error={error}" + (f":when={when}" if when else "")
    with subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", f"trace={syscall}", "-e", fault,
                           "-p", str(os.getpid())],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            assert "attached" in tracer.stderr.readline()
            yield
        finally:
            tracer.terminate()

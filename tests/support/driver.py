# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""A login program that goes a step at a time (pam-driver.c), and strace(1) on it and on the helper."""

import contextlib
import os
import re
import signal
import subprocess

from support import host

DRIVER = os.environ.get("NSISOLATE_PAM_DRIVER")
STACKS = "/run/pam-stacks"
TRACE = "/run/pam-trace"

# What a session is, in text that is the same for every one: mounts without their numbers, names, network, powers of
# the init.
LOOK = r"""
sed -E 's/^[0-9]+ [0-9]+ [0-9]+:[0-9]+ //; s/master:[0-9]+/master/' /proc/self/mountinfo
hostname; cat /sys/class/net/lo/flags; cut -f1-3 /proc/net/route; grep -c eth0 /proc/net/if_inet6
stat -c '%U %a' /run/user/*; ls -A /tmp /var/tmp /dev/shm /run/nsisolate
grep -E 'Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|^Uid' /proc/1/status
"""


def set_stack(module):
    assert DRIVER and os.access(DRIVER, os.X_OK), "NSISOLATE_PAM_DRIVER does not name the driver"
    os.makedirs(STACKS, exist_ok=True)
    host.write(f"{STACKS}/test", f"session required {module}\n")


class Driver:
    """The login program, a step at a time."""

    def __init__(self):
        self.process = subprocess.Popen([DRIVER, "test", "alice", STACKS, "/bin/sh", "-c", LOOK],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        cwd="/", env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}, bufsize=0)
        self.pid = self.process.pid
        self.output = b""
        self.expect(rb"ready\n")

    def expect(self, pattern):
        """What was said up to a line that matches."""
        while not (match := re.search(pattern, self.output)):
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"the login program ended: {self.output!r}"
            self.output += piece
        said, self.output = self.output[:match.start()], self.output[match.end():]
        return said.decode(), match

    def tell(self, pattern=None):
        self.process.stdin.write(b".")
        return self.expect(pattern) if pattern else None

    def open(self):
        return int(self.tell(rb"opened (\d+)\n")[1][1])

    def run(self):
        said, match = self.tell(rb"ran (-?\d+)\n")
        return said, int(match[1])

    def state(self):
        """Descriptors, namespaces and children, all as the host sees them."""
        descriptors = {}
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            descriptors[name] = re.sub(r"\d+", "N", os.readlink(f"/proc/{self.pid}/fd/{name}"))
        links = {kind: os.readlink(f"/proc/{self.pid}/ns/{kind}") for kind in (*host.KINDS, "pid_for_children")}
        return descriptors, links, [child.pid for child in host.children(self.pid)]

    def go(self):
        self.process.stdin.write(b".")
        assert self.process.wait(host.TIMEOUT) == 0

    def end(self):
        self.tell(rb"ended\n")
        self.go()

    def kill(self):
        self.process.kill()
        self.process.wait()


# or killed by a fault of that call
WAITING = re.compile(r"(read|poll|restart_syscall)\([^\n]*\Z|^\+\+\+ ", re.MULTILINE)


@contextlib.contextmanager
def strace_on(pid, *options):
    """strace attached to one process, without its children, and seeing it wait in the call that it was in."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(TRACE)
    tracer = subprocess.Popen(["strace", "-p", str(pid), "-o", TRACE, *options], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, cwd="/")
    assert "attached" in tracer.stderr.readline()
    try:
        host.wait_until(lambda: WAITING.search(host.read(TRACE)), "the traced process to wait")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(host.TIMEOUT)
        tracer.stderr.close()


class Helper:
    """The installed helper, replaced by a script that runs it under strace."""

    def __init__(self, path):
        self.path, self.real = path, path + ".real"

    @contextlib.contextmanager
    def traced(self, *options):
        os.rename(self.path, self.real)
        words = " ".join(options)
        host.write(self.path, f"#!/bin/sh\nexec /usr/bin/strace -D -q -o {TRACE} {words} {self.real}\n", 0o755)
        try:
            yield
        finally:
            os.rename(self.real, self.path)

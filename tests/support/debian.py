# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
A Debian of its own in the sandbox: a copy of what debootstrap made, in mount and PID namespaces of its own. Packages are
installed into it by the dpkg that it has; its network is the sandbox's.
"""

import contextlib
import os
import signal
import subprocess
import sys

from support import programs, sandbox
from support.host import KEY, TIMEOUT, read, state_of, wait_until, write

LAYER = "/usr/local/lib/nsisolate-tests/debian-root"
ROOT = "/srv/debian"


def init(root):
    """PID 1: pivots into the copy, says so, and reaps until it is killed."""
    sandbox.mount(None, "/", None, sandbox.MS_REC | sandbox.MS_PRIVATE)
    sandbox.mount(root, root, None, sandbox.MS_BIND)
    sandbox.make_system_mounts(root)
    os.chdir(root)
    sandbox.check(sandbox.libc.pivot_root(b".", b"."), "pivot_root")
    sandbox.umount(".", sandbox.MNT_DETACH)
    sandbox.mount(None, "/", None, sandbox.MS_REC | sandbox.MS_SHARED)
    os.chdir("/")
    print("ready", flush=True)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            signal.pause()


class Debian:
    def __init__(self):
        assert os.path.exists(f"{LAYER}/packages"), f"there is no {LAYER}: run tests/support/install-packages test"
        subprocess.run(["cp", "-a", LAYER, ROOT], check=True)
        self.unshare = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child",
                                         "/usr/bin/python3", "-m", "support.debian", ROOT],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.unshare.stdout.readline() == "ready\n"
        self.pid = int(read(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children"))
        self.namespaces = {kind: os.readlink(f"/proc/{self.pid}/ns/{kind}") for kind in ("mnt", "net", "pid", "uts")}

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        self.unshare.kill()
        self.unshare.wait()
        self.unshare.stdout.close()
        # its init ends after all others there
        wait_until(lambda: state_of(self.pid) in ("", "Z"), "its processes do not end")
        subprocess.run(["rm", "-rf", ROOT], check=True)

    def arguments(self, *command):
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--wd=/", "--", *command]

    def run(self, *command):
        return programs.run(self.arguments(*command), timeout=4 * TIMEOUT)

    def path(self, path):
        return f"/proc/{self.pid}/root{path}"

    def add_user(self, name):
        """Who may log in by the key of the sandbox's users."""
        self.run("useradd", "--create-home", "--shell=/bin/bash", name).check()
        self.run("install", "-d", "-m", "700", "-o", name, f"/home/{name}/.ssh").check()
        write(self.path(f"/home/{name}/.ssh/authorized_keys"), read(f"{KEY}.pub"))

    def dpkg(self, *arguments):
        return self.run("dpkg", *arguments)

    def copy_in(self, *paths):
        """Files of the sandbox, put into /root; where they are then."""
        subprocess.run(["cp", *paths, self.path("/root/")], check=True)
        return [f"/root/{os.path.basename(path)}" for path in paths]

    @contextlib.contextmanager
    def sshd(self):
        """Its own sshd, known to the sandbox's clients by the sandbox's keys."""
        for name in os.listdir("/etc/ssh"):
            if name.startswith("ssh_host_"):
                subprocess.run(["cp", "-p", f"/etc/ssh/{name}", self.path("/etc/ssh/")], check=True)
        os.makedirs(self.path("/run/sshd"), exist_ok=True)
        server = subprocess.Popen(self.arguments("/usr/sbin/sshd", "-D", "-e"), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=programs.ENVIRONMENT)
        try:
            wait_until(lambda: programs.ssh("nobody-of-that-name", "true").stderr.startswith("nobody-of-that-name@"),
                       "sshd does not answer")
            yield
        finally:
            self.run("pkill", "-f", "/usr/sbin/sshd -D").check()
            server.wait()

    def files(self, directory):
        """What is below a directory: path, and type, mode, owner and contents."""
        found = {}
        for place, names, files in os.walk(self.path(directory)):
            for name in names + files:
                path = f"{place}/{name}"
                status = os.lstat(path)
                contents = os.readlink(path) if os.path.islink(path) else None if name in names else read(path)
                found[path.removeprefix(self.path(""))] = (status.st_mode, status.st_uid, status.st_gid, contents)
        return found


if __name__ == "__main__":
    init(sys.argv[1])

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Within the machine that run-qemu boots, as its unit: installs the packages, makes the users of the tests, runs pytest
and leaves logins behind for the shutdown; or runs pytest alone, whose sandbox has all that. run-qemu reads its output.
"""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{SOURCE}/tests")
with open("/srv/nsisolate/wanted", encoding="utf-8") as file:
    wanted = json.load(file)
# before the modules are read that look at them
os.environ.update(wanted["variables"])

from support import booted, host, programs, sandbox  # noqa: E402

SUDOERS = "alice ALL=(root,bob,carol) NOPASSWD: ALL\n"
LINGER = "(setsid sleep 1000 >/dev/null 2>&1 &); echo in; cat >/dev/null"


def prepare():
    """The accounts and keys of the sandbox. All else is as Debian has it."""
    subprocess.run(["dpkg", "--install", *glob.glob("/srv/nsisolate/packages/*.deb")], check=True)
    host.stage_programs("")
    host.make_users()
    host.make_keys()
    host.make_mailbox()
    host.write("/etc/sudoers.d/tests", SUDOERS, 0o440)
    for name, value in booted.HEALTHY.items():
        host.write(f"{booted.SYSCTL}/{name}", f"{value}\n")
    # as nsisolate-pam asks for
    shutil.copy("/usr/lib/pam.d/systemd-user", "/etc/pam.d/systemd-user")
    subprocess.run(["nsisolate-pam", "enable", *booted.SERVICES, "atd"], check=True)
    host.keep_pristine()
    host.write(sandbox.MARKER, json.dumps({"build": None}))
    subprocess.run(["systemctl", "restart", "ssh.service"], check=True)


def pytest(arguments):
    command = [sys.executable, "-u", "-m", "pytest", "-p", "no:cacheprovider", "--durations", "10", *arguments]
    done = subprocess.run(command, cwd=SOURCE, env=sandbox.environment(), stdin=subprocess.DEVNULL, check=False)
    return done.returncode


def stay_logged_in():
    """One who ends with the logout and one who waits, each with something left behind. Who comes is isolated."""
    host.set_policy("default.conf")
    host.set_policy("user/bob.conf", 'on-logout = "wait"\n')
    logins = [programs.ssh_background(user, LINGER) for user in ("alice", "bob")]
    for login in logins:
        assert login.read_line() == "in", login.result()
    print("logged in", flush=True)
    signal.pause()


def main():
    if wanted["build"]:
        # they make a sandbox of their own in this machine
        return pytest(["--build-dir", wanted["build"], *wanted["arguments"]])
    prepare()
    try:
        return pytest(wanted["arguments"])
    finally:
        host.restore()


print("booted", flush=True)
status = 70
try:
    status = main()
finally:
    print(f"ended: {status}", flush=True)
if not wanted["build"]:
    stay_logged_in()

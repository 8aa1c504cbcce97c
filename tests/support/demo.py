#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
The demonstration behind ./demo.sh, run inside the sandbox of the tests: the same user logs in by the real sshd, once
without and once with a policy, and what each login sees is printed side by side.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import host, programs  # noqa: E402

USER = "alice"
POLICY = """\
# /etc/security/nsisolate/user/alice.conf
description = "restricted shell user: no network, nothing shared"
uts { hostname = "%h-%u" }
"""

# What is asked inside each login: label, shell command.
QUESTIONS = [
    ("host name", "hostname"),
    ("interfaces", "ip -brief link | while read name rest; do echo ${name%%@*}; done"),
    ("sshd of the host on 127.0.0.1:22", "(exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null && echo reachable || echo unreachable"),
    ("processes in /proc", "ls -d /proc/[0-9]* | wc -l"),
    ("a neighbour's process", "ps -e -o args= | grep -c '[n]eighbour-job'"),
    ("files in /tmp", "ls /tmp"),
    ("size of /tmp", "df -h --output=size /tmp | tail -n 1 | tr -d ' '"),
    ("shared memory segments", "ipcs -m | grep -c ^0x"),
    ("files in /dev/shm", "ls /dev/shm"),
    ("directories in /run/user", "ls /run/user"),
    ("mount namespace", "readlink /proc/self/ns/mnt"),
    ("network namespace", "readlink /proc/self/ns/net"),
    ("PID namespace", "readlink /proc/self/ns/pid"),
]


def prepare():
    """Things of others that a login can see on an ordinary host."""
    host.write("/tmp/salaries-of-bob.txt", "secret\n")
    host.write("/dev/shm/cache-of-bob", "secret\n")
    os.makedirs("/run/user/3002", exist_ok=True)
    # the sandbox's only interface is lo: a second one, as every host has
    subprocess.run(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1"], check=True)
    subprocess.run(["ipcmk", "-M", "4096"], check=True, stdout=subprocess.DEVNULL)
    return subprocess.Popen(["bash", "-c", "exec -a neighbour-job sleep 600"])


def answers():
    """Each question's answer, asked in one login."""
    script = "; echo @@; ".join(f"{{ {command}; }}" for _label, command in QUESTIONS)
    result = programs.ssh(USER, f"bash -c {quote(script)}").check()
    return [" ".join(part.split()) or "(none)" for part in result.stdout.split("@@")]


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def side_by_side(left, right):
    print(f"{'what alice sees':34}{'ordinary login':32}isolated login")
    print(f"{'-' * 32}  {'-' * 30}  {'-' * 30}")
    for (label, _command), a, b in zip(QUESTIONS, left, right):
        print(f"{label:34}{a:32}{b}")


def show(command):
    print(f"\n# {command}", flush=True)
    subprocess.run(command, shell=True, check=True)


def main():
    log = host.log = host.Log()
    neighbour = prepare()
    with programs.sshd():
        ordinary = answers()
        print("# nsisolate-pam enable sshd", flush=True)
        subprocess.run(["nsisolate-pam", "enable", "sshd"], check=True)
        host.set_policy(f"user/{USER}.conf", POLICY)
        print("\n" + POLICY, flush=True)
        isolated = answers()
        side_by_side(ordinary, isolated)
        print("\nWhile alice is logged in:")
        with programs.ssh_background(USER) as login:
            login.read_line()
            show("nsinspect")
            show("nsinspect ps")
        print("\nAfter logout:")
        host.wait_until(lambda: not host.records(), "the session's end")
        show("nsinspect")
        print("\n/var/log/auth.log:")
        print("\n".join(line for line in log.text().splitlines() if "pam_nsisolate" in line))
        print("\n# nsisolate-pam disable sshd", flush=True)
        subprocess.run(["nsisolate-pam", "disable", "sshd"], check=True)
    neighbour.kill()
    different = [label for (label, _), a, b in zip(QUESTIONS, ordinary, isolated) if a == b]
    if different:
        sys.exit(f"demo: the isolated login sees the same as the ordinary one: {', '.join(different)}")
    print("\nEverything above ran in a private mount, PID and network namespace; nothing on this machine was changed.")


if __name__ == "__main__":
    main()

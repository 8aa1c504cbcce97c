# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What a program tells the kernel's audit, by strace(1) at its netlink socket: whether it is enabled is a setting of the one
kernel, so nobody reads it there, but the kernel's answer that it took a message is its own.
"""

import re

from support import programs as P

TYPES = {1105: "USER_START", 1106: "USER_END", 1121: "TRUSTED_APP"}
SENT = re.compile(r'sendto\(\d+, \[\{nlmsg_len=\d+, nlmsg_type=(0x[0-9a-f]+) [^"]*"((?:\\x[0-9a-f]{2})*)"\], (\d+), '
                  r'0, \{sa_family=AF_NETLINK.*\) = \3$', re.MULTILINE)
REFUSED = re.compile(r"nlmsg_type=NLMSG_ERROR.*?\{error=-")


def records(trace, arguments, **options):
    """[(type, text)] of those above, and what became of the program. `trace`: a name for strace's files, one for each
    process, as two processes' calls would cut each other's lines in one."""
    done = P.run(["strace", "-ff", "-ttt", "-xx", "-s", "9000", "-e", "trace=sendto,recvfrom", "-e", "signal=none", "-o", str(trace),
                  *arguments], **options)
    lines = []
    for path in trace.parent.glob(f"{trace.name}.*"):
        lines += path.read_text().splitlines()
        path.unlink()
    text = "\n".join(sorted(lines, key=lambda line: float(line.split()[0])))
    assert not REFUSED.search(text), text
    sent = [(int(number, 16), bytes.fromhex(data.replace("\\x", "")).rstrip(b"\0").decode()) for number, data, _ in
            SENT.findall(text)]
    return [(TYPES[number], message) for number, message in sent if number in TYPES], done

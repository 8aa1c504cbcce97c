# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""journald where there is none: it has the log, and its own socket takes entries."""

import contextlib
import os
import shutil
import socket
import struct

from support.host import TIMEOUT

DIRECTORY = "/run/systemd/journal"
SOCKET = f"{DIRECTORY}/socket"
LOG = "/dev/log"
CREDENTIALS = struct.Struct("iII")


def fields_of(datagram):
    """https://systemd.io/JOURNAL_NATIVE_PROTOCOL/, both forms of a field; none may be there twice."""
    fields = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, is_text, value = line.partition(b"=")
        if not is_text:
            size, = struct.unpack("<Q", datagram[:8])
            value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
        assert name not in fields, f"{name} is there twice"
        fields[name] = value
    return {name.decode(): value.decode() for name, value in fields.items()}


class Journal:
    def __init__(self):
        os.makedirs(DIRECTORY)
        os.rename(LOG, f"{LOG}.socket")
        os.symlink(f"{LOG}.socket", f"{DIRECTORY}/dev-log")
        os.symlink(f"{DIRECTORY}/dev-log", LOG)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(TIMEOUT)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(SOCKET)
        os.chmod(SOCKET, 0o666)

    def close(self):
        self.socket.close()
        os.rename(f"{LOG}.socket", LOG)
        shutil.rmtree("/run/systemd")

    def entry(self):
        """The next one, with _UID and _PID of its sender."""
        datagram, ancillary, _flags, _address = self.socket.recvmsg(1 << 18, socket.CMSG_SPACE(CREDENTIALS.size))
        (_level, kind, data), = ancillary
        assert kind == socket.SCM_CREDENTIALS
        pid, uid, _gid = CREDENTIALS.unpack(data)
        return {**fields_of(datagram), "_PID": str(pid), "_UID": str(uid)}

    def is_empty(self):
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(TIMEOUT)
        return False


@contextlib.contextmanager
def journald():
    journal = Journal()
    try:
        yield journal
    finally:
        journal.close()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
same_pid: opens a session, forks, and has the child call pam_end(3) with what it inherited. Prints both pids, and the
child's network namespace and whether the init lives before and after.
"""

import ctypes
import json
import os

pam = ctypes.CDLL("libpam.so.0")


class Conversation(ctypes.Structure):
    _fields_ = [("converse", ctypes.c_void_p), ("data", ctypes.c_void_p)]


def look():
    return [os.readlink("/proc/self/ns/net"), os.path.exists("/proc/1/stat")]


handle, conversation = ctypes.c_void_p(), Conversation(None, None)
assert pam.pam_start(b"su", b"alice", ctypes.byref(conversation), ctypes.byref(handle)) == 0
assert pam.pam_open_session(handle, 0x8000) == 0  # PAM_SILENT
parent = os.getpid()
child = os.fork()
if child == 0:
    before = look()
    pam.pam_end(handle, 0)
    print(json.dumps({"pids": [parent, os.getpid()], "before": before, "after": look()}), flush=True)
    os._exit(0)
os.waitpid(child, 0)
pam.pam_close_session(handle, 0x8000)
pam.pam_end(handle, 0)

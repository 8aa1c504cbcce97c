#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
pam_session.py SERVICE USER [COMMAND...]: what a login program without a quirk of its own does: pam_start(3),
pam_open_session(3), the command in between, pam_close_session(3). Exits with PAM's value when the session is refused.
"""

import ctypes
import os
import subprocess
import sys

pam = ctypes.CDLL("libpam.so.0")
libc = ctypes.CDLL(None)


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("code", ctypes.c_int)]


CONVERSE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                            ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)
libc.calloc.restype = ctypes.c_void_p


class Conversation(ctypes.Structure):
    _fields_ = [("converse", CONVERSE), ("data", ctypes.c_void_p)]


@CONVERSE
def converse(count, messages, responses, _data):
    for number in range(count):
        print(messages[number].contents.text.decode(), file=sys.stderr)
    responses[0] = libc.calloc(count, ctypes.sizeof(Response))  # the module frees it
    return 0


def main(service, user, *command):
    handle = ctypes.c_void_p()
    conversation = Conversation(converse, None)
    result = pam.pam_start(service.encode(), user.encode(), ctypes.byref(conversation), ctypes.byref(handle))
    if result != 0:
        return result
    result = pam.pam_open_session(handle, 0)
    status = result
    if result == 0:
        status = subprocess.run(command, check=False).returncode if command else 0
        result = pam.pam_close_session(handle, 0)
    pam.pam_end(handle, result)
    return status


os.chdir("/")
sys.exit(main(*sys.argv[1:]))

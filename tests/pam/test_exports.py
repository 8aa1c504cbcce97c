#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
test_exports.py MODULE HELPER SANITIZED: what the built module shows to the program that loads it, what it pulls in, and
how both are hardened. No root. A module with a sanitizer does not load into a plain program: only its symbols are read.
"""

import ctypes
import re
import subprocess
import sys

PRESENT = {"pam_sm_open_session", "pam_sm_close_session"}
INTERNAL = ("pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt", "pam_sm_chauthtok", "session_enter",
            "session_leave", "candidates_find", "identity_lookup", "guest_open", "message_send", "namespace_table")
ALLOWED_NEEDED = {"libc.so.6", "libpam.so.0", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def read_elf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], check=True, capture_output=True, text=True).stdout


def exported(path):
    names = set()
    for line in read_elf(path, "--dyn-syms").splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[4] in ("GLOBAL", "WEAK") and fields[6] != "UND":
            names.add(fields[7].split("@")[0])
    return names


def needed(path):
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", read_elf(path, "-d")))


def check_module(path, sanitized):
    assert exported(path) == PRESENT, f"exports {exported(path) ^ PRESENT} too many or too few"
    dynamic, segments = read_elf(path, "-d"), read_elf(path, "-l")
    assert "GNU_RELRO" in segments, "no RELRO"
    assert re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic), "not bound at once: RELRO is partial"
    assert "TEXTREL" not in dynamic and "RPATH" not in dynamic and "RUNPATH" not in dynamic, dynamic
    assert re.search(r"GNU_STACK.* RW ", segments), "the stack is executable"
    if sanitized:
        return
    assert needed(path) <= ALLOWED_NEEDED and "libpam.so.0" in needed(path), f"needs {needed(path)}"
    module = ctypes.CDLL(path, mode=2)  # RTLD_NOW
    for name in PRESENT:
        assert getattr(module, name)
    for name in INTERNAL:
        assert not hasattr(module, name), f"{name} can be seen from outside"


def check_helper(path, sanitized):
    segments = read_elf(path, "-l")
    assert re.search(r"GNU_STACK.* RW ", segments), "the stack is executable"
    if sanitized:
        return
    assert "INTERP" not in segments, "the helper has an interpreter: not static"
    assert not needed(path), f"the helper needs {needed(path)}"
    assert "GNU_RELRO" in segments, "no RELRO"


def main(module, helper, sanitized):
    check_module(module, sanitized == "true")
    check_helper(helper, sanitized == "true")


main(*sys.argv[1:])

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
victim LABEL: a process of the user whom the attacks are run by, outside their session, with something of each kind to
get at. Its files are called LABEL, its word is LABEL-secret. Prints a line once all is there, and goes on until its
input ends.
"""

import ctypes
import os
import socket
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
label = sys.argv[1]
word = f"{label}-secret"
IPC_CREAT, O_CREAT_RDWR = 0o1000, os.O_CREAT | os.O_RDWR


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def serve(server):
    while True:
        peer, _ = server.accept()
        with peer:
            peer.sendall(word.encode())


def listen(server, address=None):
    if address:
        server.bind(address)
        server.listen()
    threading.Thread(target=serve, args=(server,), daemon=True).start()


def write(path):
    with open(path, "w", encoding="ascii") as file:
        file.write(word)


def shared_memory():
    libc.shmat.restype = ctypes.c_void_p
    segment = check(libc.shmget(KEY, 4096, IPC_CREAT | 0o600))
    ctypes.memmove(libc.shmat(segment, None, 0), word.encode(), len(word))
    return segment


def in_a_user_namespace():
    """A child with namespaces in which this user is root; it is there once it has said so."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        check(libc.prctl(1, 9, 0, 0, 0))  # PR_SET_PDEATHSIG
        check(libc.unshare(0x10000000 | 0x00020000))  # CLONE_NEWUSER, CLONE_NEWNS
        check(libc.prctl(4, 1, 0, 0, 0))  # PR_SET_DUMPABLE: to those with the same user id
        os.write(writer, b".")
        threading.Event().wait()
    os.read(reader, 1)


KEY = 0x5EC00000 + (label == "other")
os.environ["VICTIM"] = word
# what this process was started with is what /proc/PID/environ shows
if len(sys.argv) == 2:
    os.execv(sys.executable, [sys.executable, *sys.argv, "again"])
if os.path.exists("/proc/sys/kernel/yama"):
    check(libc.prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0))  # PR_SET_PTRACER: what stops a tracer is not yama
directory = f"/tmp/{label}"
os.makedirs(directory, exist_ok=True)
os.chdir(directory)
write(f"{directory}/{label}")
held = os.open(f"{directory}/{label}", os.O_RDONLY)
os.dup2(held, 77)
write(f"/dev/shm/{label}")
listen(socket.socket(socket.AF_UNIX), f"\0{label}")
path = f"{os.environ['HOME']}/{label}.socket"
if os.path.exists(path):
    os.unlink(path)
listen(socket.socket(socket.AF_UNIX), path)
loopback = socket.socket()
loopback.bind(("", 0))
loopback.listen()
listen(loopback)
segment = shared_memory()
queue = check(libc.mq_open(f"/{label}".encode(), O_CREAT_RDWR, 0o600, None))
check(libc.mq_send(queue, word.encode(), len(word), 0))
_, terminal = os.openpty()
in_a_user_namespace()
print(loopback.getsockname()[1], os.ttyname(terminal), flush=True)
sys.stdin.read()
libc.shmctl(segment, 0, None)
libc.mq_unlink(f"/{label}".encode())
for path in (path, f"/dev/shm/{label}", f"{directory}/{label}"):
    os.unlink(path)
os.rmdir(directory)

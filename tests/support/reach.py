#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
reach TARGET...: tries all at once and prints a JSON object, target → what answered, or "errno NAME" or "silence".

    tcp/ADDRESS/PORT          the word that the server says: its name, and the address that it sees
    tcp/ADDRESS/PORT/get/N    likewise, after N bytes from it
    tcp/ADDRESS/PORT/put/N    likewise, after N bytes to it
    udp/ADDRESS/PORT[/N]      likewise, with a datagram of N bytes
    icmp/ADDRESS[/N]          "echo" for a reply to an echo request with N bytes
"""

import concurrent.futures
import errno
import json
import os
import socket
import subprocess
import sys

TIMEOUT = float(os.environ.get("REACH_TIMEOUT", "2"))


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def name(address, port):
    """With the scope of a link-local one, fe80::1%eth0."""
    return socket.getaddrinfo(address, int(port), flags=socket.AI_NUMERICHOST)[0][4]


def tcp(address, port, direction=None, size="0"):
    with socket.socket(family(address), socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(name(address, port))
        connection.settimeout(30)
        file = connection.makefile("rwb")
        word = file.readline().decode().strip()
        if direction:
            file.write(f"{direction} {size}\n".encode())
            if direction == "put":
                file.write(b"x" * int(size))
            file.flush()
            got = len(file.read(int(size))) if direction == "get" else int(file.readline())
            assert got == int(size), f"{got} of {size} bytes"
        return word


def udp(address, port, size="1"):
    with socket.socket(family(address), socket.SOCK_DGRAM) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(name(address, port))
        connection.send(b"x" * int(size))
        return connection.recv(65536).decode()


def icmp(address, size="8"):
    done = subprocess.run(["/bin/ping", "-n", "-c", "1", "-s", size, "-W", str(int(TIMEOUT)), address],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return "echo"
    denied = any(word in done.stdout for word in ("filtered", "prohibited", "not permitted", "unreachable"))
    return "errno EHOSTUNREACH" if denied else "silence"


def attempt(target):
    kind, *arguments = target.split("/")
    try:
        return {"tcp": tcp, "udp": udp, "icmp": icmp}[kind](*arguments)
    except TimeoutError:
        return "silence"
    except OSError as error:
        return f"errno {errno.errorcode.get(error.errno, error.errno)}"


with concurrent.futures.ThreadPoolExecutor(max(len(sys.argv) - 1, 1)) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(attempt, sys.argv[1:])))))

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
A machine under qemu, of which the host has the serial console, a port that its tests write to, and the power button.
"""

import contextlib
import os
import re
import select
import socket
import subprocess
import tempfile
import time


def accelerator():
    """A virtual machine may have a /dev/kvm that boots no foreign kernel: the processor must have what that needs."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        virtual = re.search(r"^flags\s*:.* (vmx|svm) ", file.read(), re.MULTILINE)
    if virtual and os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "kvm", "-cpu", "host"]
    # what a processor of today has besides is slow to emulate, and what it reads the time by is not trusted there
    return ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "qemu64,rdrand=on"]


def slower():
    """How many times longer than on a machine of today anything may take."""
    return 10 if "kvm" not in accelerator() else 1


def command(directory, disk, *devices):
    """qemu-system-x86_64(1) with the machine of qemu_disks.py. What is written to its disk is thrown away."""
    arguments = ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none", *accelerator(),
                 "-smp", "2", "-m", "2048", "-nic", "none", "-kernel", f"{directory}/vmlinuz",
                 "-initrd", f"{directory}/initrd.img",
                 "-append", "root=/dev/vda ro console=ttyS0 quiet mitigations=off tsc=reliable",
                 "-drive", f"file={directory}/root.img,format=raw,if=virtio,snapshot=on", "-device", "virtio-serial"]
    if disk:
        arguments += ["-drive", f"file={disk},format=raw,if=virtio,readonly=on"]
    return [*arguments, *devices]


class Port:
    """A character device of qemu's, as a stream of text."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.text = ""

    def receive(self):
        """Empty at its end."""
        try:
            received = self.socket.recv(65536).decode(errors="replace")
        except ConnectionResetError:
            return ""
        self.text += received
        return received

    def send(self, text):
        self.socket.sendall(text.encode())


class Failed(Exception):
    pass


class Machine:
    def __init__(self, directory, disk):
        self.scratch = tempfile.TemporaryDirectory(prefix="nsisolate-system-")
        ports = {name: f"{self.scratch.name}/{name}" for name in ("console", "tests", "monitor")}
        devices = [word for name, path in ports.items()
                   for word in ("-chardev", f"socket,id={name},path={path},server=on,wait=off")]
        self.process = subprocess.Popen(
            command(directory, disk, *devices, "-serial", "chardev:console", "-mon", "chardev=monitor,mode=readline",
                 "-device", "virtserialport,chardev=tests,name=tests"), stdin=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 30
            while not all(os.path.exists(path) for path in ports.values()):
                if self.process.poll() is not None or time.monotonic() > end:
                    raise Failed("qemu does not start")
                time.sleep(0.05)
            self.console, self.tests, self.monitor = (Port(path) for path in ports.values())
        except BaseException:
            self.stop()
            raise
        self.log = open(f"{directory}/console.log", "w", encoding="utf-8")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.scratch.cleanup()

    def pump(self, seconds):
        """Receives what is there: the console into its log, the tests onto the terminal."""
        ready, _, _ = select.select([port.socket for port in (self.console, self.tests, self.monitor)], [], [], seconds)
        ended = False
        for port in (self.console, self.tests, self.monitor):
            if port.socket in ready:
                received = port.receive()
                ended |= not received
                if port is self.console:
                    self.log.write(received)
                    self.log.flush()
                elif port is self.tests:
                    print(received, end="", flush=True)
        return not ended

    def expect(self, port, pattern, timeout=60):
        """The first match of what a port says, which is taken from it together with what was before."""
        end = time.monotonic() + timeout * slower()
        while not (found := re.search(pattern, port.text)):
            if time.monotonic() > end or not self.pump(1):
                raise Failed(f"no {pattern!r} within {timeout * slower()} s, but: {port.text[-2000:]}")
        port.text = port.text[found.end():]
        return found

    def login(self, user, password):
        """By getty and login on the serial console."""
        self.console.text = ""
        self.console.send("\n")
        self.expect(self.console, r"login: $")
        self.console.send(f"{user}\n")
        self.expect(self.console, r"Password: $")
        self.console.send(f"{password}\n")
        self.expect(self.console, rf"{user}@\S+:~\$ $")

    def type(self, line):
        """What the commands of a line print, in the shell on the console."""
        self.console.send(f"echo be''gin; {line}; echo e''nd\n")
        return self.expect(self.console, r"(?s)begin\r\n(.*?)end\r\n")[1]

    def ends(self, timeout=60):
        """In how many seconds."""
        start = time.monotonic()
        while self.process.poll() is None and time.monotonic() < start + timeout * slower():
            if not self.pump(0.1):
                time.sleep(0.1)
        if self.process.poll() is None:
            raise Failed(f"the machine is still up after {timeout * slower()} s; see console.log")
        return time.monotonic() - start


@contextlib.contextmanager
def machine(directory, disk):
    running = Machine(directory, disk)
    try:
        yield running
    finally:
        running.stop()

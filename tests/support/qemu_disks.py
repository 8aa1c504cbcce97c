# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""The disks of the machine that run-qemu boots: a Debian made by debootstrap, and this tree with its packages."""

import contextlib
import json
import os
import shutil
import subprocess

from support import booted, sandbox
from support.host import write

SOURCE = sandbox.SOURCE
PACKAGES = """linux-image-amd64 initramfs-tools systemd systemd-sysv libpam-systemd dbus dbus-user-session udev kmod
    cron openssh-server openssh-client sudo login passwd iproute2 nftables slirp4netns iputils-ping procps
    socat strace tmux xauth at gcc libc6-dev meson binutils vim psmisc python3 python3-pytest
    python3-pexpect python3-jsonschema libcap2 libconfuse2 libjson-c5 libmnl0 libsmartcols1"""
# they would start at their own times
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
          "systemd-tmpfiles-clean.timer")
UNIT = """[Unit]
Description=tests of nsisolate
After=multi-user.target
ConditionPathExists=/dev/vdb

[Service]
Type=simple
ExecStart=/bin/sh -c 'tar -x -f /dev/vdb -C / && . /srv/nsisolate/start'
StandardOutput=file:/dev/virtio-ports/tests
StandardError=inherit
"""


def run(*arguments, **options):
    return subprocess.run(arguments, check=True, **options)


# the Debian

def mirror(suite):
    """Where this machine has its packages from."""
    targets = run("apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages",
                  stdout=subprocess.PIPE, text=True).stdout
    return next(line.split()[0] for line in targets.splitlines() if line.endswith(f" {suite} main"))


def debootstrap(root):
    """Beside it until it is whole, in a mount namespace of its own: it mounts and unmounts."""
    partial = f"{root}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    run("unshare", "--mount", "--propagation", "private", "debootstrap", "--variant=minbase",
        f"--include={','.join(PACKAGES.split())}", "bookworm", partial, mirror("bookworm"))
    os.rename(partial, root)


def configure(root):
    booted.write_settings(f"{root}/etc/systemd")
    # emulated on a busy machine it has its devices late, and logins take minutes
    write(f"{root}/etc/ssh/sshd_config.d/slow.conf", "LoginGraceTime 20m\n")
    write(f"{root}/etc/systemd/system.conf.d/slow.conf",
          "[Manager]\nDefaultDeviceTimeoutSec=15min\nDefaultTimeoutStartSec=15min\n")
    write(f"{root}/etc/hostname", f"{sandbox.HOSTNAME}\n")
    write(f"{root}/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {sandbox.HOSTNAME}\n::1 localhost ip6-localhost\n")
    write(f"{root}/etc/fstab", "/dev/vda / ext4 defaults 0 1\n")
    write(f"{root}/etc/default/locale", "LANG=C.UTF-8\n")
    run("passwd", "--root", root, "--delete", "--quiet", "root")
    write(f"{root}/etc/systemd/system/nsisolate-tests.service", UNIT)
    wants = f"{root}/etc/systemd/system/multi-user.target.wants"
    with contextlib.suppress(FileExistsError):
        os.symlink("../nsisolate-tests.service", f"{wants}/nsisolate-tests.service")
    for timer in TIMERS:
        with contextlib.suppress(FileExistsError):
            os.symlink("/dev/null", f"{root}/etc/systemd/system/{timer}")
    # what finds its root, and no more: emulated, the rest takes long to unpack
    write(f"{root}/etc/initramfs-tools/conf.d/tests", "MODULES=list\n")
    write(f"{root}/etc/initramfs-tools/modules", "virtio_pci\nvirtio_blk\next4\n")
    run("unshare", "--mount", "--propagation", "private", "chroot", root, "update-initramfs", "-u", "-k", "all")


def build(directory):
    os.makedirs(directory, exist_ok=True)
    root, image = f"{directory}/root", f"{directory}/root.img"
    if not os.path.exists(root):
        debootstrap(root)
    configure(root)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(f"{root}/{name}", f"{directory}/{name}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(image)
    run("mke2fs", "-q", "-t", "ext4", "-d", root, image, "4G")


# the tests

def make_packages(directory):
    """By packaging/build-deb."""
    shutil.rmtree(f"{directory}/packages", ignore_errors=True)
    with open(f"{directory}/packages.log", "wb") as log:
        run(f"{SOURCE}/packaging/build-deb", f"{directory}/packages", stdout=log, stderr=log,
            env=os.environ | {"DEB_BUILD_OPTIONS": "nocheck noautodbgsym"})


def pack(directory, wanted):
    """This tree where it is here, and the packages and what is wanted in /srv/nsisolate, as the second disk."""
    disk, tree = f"{directory}/tests.tar", SOURCE.lstrip("/")
    excluded = [".git", *(entry.name for entry in os.scandir(SOURCE)
                          if os.path.exists(f"{entry.path}/build.ninja") and entry.path != wanted["build"])]
    write(f"{directory}/wanted", json.dumps(wanted))
    write(f"{directory}/start", f"exec /usr/bin/python3 -u {SOURCE}/tests/system/inside.py\n")
    run("tar", "-c", "-f", disk, "--exclude=__pycache__", *(f"--exclude={tree}/{name}" for name in excluded),
        r"--transform=s,^\(wanted\|start\|packages\),srv/nsisolate/\1,", "-C", "/", tree,
        "-C", directory, "wanted", "start", *([] if wanted["build"] else ["packages"]))
    # whole blocks
    os.truncate(disk, -(-os.path.getsize(disk) // 4096) * 4096)
    return disk

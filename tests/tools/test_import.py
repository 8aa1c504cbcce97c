# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect import: pam_namespace's configuration as a policy; what it makes is checked, and once logged in under."""

import os
import re
import shutil

import pytest

from conftest import nsinspect
from support import host as H
from support import programs as P

STORE = "/var/lib/nsisolate"


def shipped():
    """The lines that pam_namespace's own file has as an example, for those who take the # away."""
    lines = H.read("/etc/security/namespace.conf").splitlines()
    example = [line[1:] if re.match(r"#[/$]", line) else line for line in lines]
    assert [line.split()[0] for line in example if line and not line.startswith("#")] == ["/tmp", "/var/tmp", "$HOME"]
    return "\n".join(example) + "\n"


def checked(policy, name="default.conf"):
    """What nsinspect check says of it: no error."""
    said = nsinspect("check", "--stdin", name, input=policy).stdout
    assert b"error" not in said, said
    return said.decode()


def imported(tmp_path, text, *arguments, name="namespace.conf"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = nsinspect("import", *arguments, path)
    if done.returncode < 2:
        checked(done.stdout)
    return done.returncode, done.stdout.decode(), done.stderr.decode().replace(f"{tmp_path}/", "").splitlines()


def test_all_that_can_be_translated_is_no_finding(tmp_path):
    status, policy, said = imported(tmp_path, "/tmp x tmpfs:noinit:mntopts=size=1g root\n/var/tmp /x/ tmpdir root")
    assert (status, said) == (0, [])
    assert 'private "/tmp" { size = "1g" }' in policy and 'private "/var/tmp" { }' in policy
    assert imported(tmp_path, b"# nothing\n")[::2] == (0, [])


def test_findings_are_told_by_file_and_line_and_nothing_is_written(tmp_path):
    status, _policy, said = imported(tmp_path, "\n/tmp x tmpfs root,adm\n/var/tmp x tmpfs root\n/a\xff\x1b x both")
    assert status == 1
    assert [line.split(": ")[:2] for line in said] == [["namespace.conf:2", "adm"], ["namespace.conf:4", "both"]]
    assert os.listdir(tmp_path) == ["namespace.conf"]
    status, policy, said = imported(tmp_path, "/tmp x tmpfs root,adm\n", "-u", "adm")
    assert (status, said) == (0, []) and 'mode = "off"' in policy


def test_a_directory_is_read_as_pam_namespace_reads_it(tmp_path):
    (tmp_path / "namespace.d").mkdir()
    for name, line in (("20.conf", "/b x tmpfs root"), ("10.conf", "/a x tmpfs root"), (".00.conf", "/c x tmpfs root"),
                       ("30.bak", "/d x tmpfs root")):
        (tmp_path / "namespace.d" / name).write_text(line)
    (tmp_path / "namespace.init").write_text("")
    (tmp_path / "namespace.conf").write_text("/tmp x tmpfs:noinit root\n/var/tmp x tmpfs:noinit root\n")
    done = nsinspect("import", tmp_path)
    assert re.findall(r'private "([^"]*)"', done.stdout.decode()) == ["/tmp", "/var/tmp", "/a", "/b"]
    assert done.stderr.decode().startswith(f"{tmp_path}/namespace.d/10.conf:1: {tmp_path}/namespace.init: is not run")
    assert done.returncode == 1


def test_what_cannot_be_read_is_told_at_once_and_nothing_printed(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "long").write_bytes(b"#" * 70000)
    (tmp_path / "many").write_text("".join(f"a{n}\n" for n in range(150)))
    for name, why in (("fifo", "neither a regular file nor a directory"), ("none", "No such file"),
                      ("long", "longer than 65536 bytes"), ("", "namespace.conf: No such file"),
                      ("many", "more is wrong than can be listed")):
        done = nsinspect("import", tmp_path / name)
        assert (done.returncode, done.stdout) == (2, b"")
        assert why in done.stderr.decode()
    assert nsinspect("import", "-u", "../adm", "/etc/security/namespace.conf").returncode == 2


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_hostile_text_reaches_neither_terminal_nor_policy(tmp_path, locale):
    path = tmp_path / 'x\n} mode = "off"\x1b[2J${HOME}'
    path.write_bytes(b'/\xe2\x80\xae\x1b[2J x tmpfs root\n/a x tmpfs\x1b[2J root\n/b"\n/tmp x tmpfs "\x1b[2J"\n/c x tmpfs root')
    done = nsinspect("import", path, env={"LC_ALL": locale})
    assert done.returncode == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout.decode() + done.stderr.decode())
    assert len(done.stderr.splitlines()) == done.stderr.count(b"\n") and "\u202e" not in done.stderr.decode()
    assert not re.search("^mode", checked(done.stdout) + done.stdout.decode(), re.MULTILINE)


def test_a_login_under_the_translated_example_has_a_private_tmp_and_nothing_else(server):
    before = H.read("/etc/security/namespace.conf")
    H.write("/etc/security/namespace.conf", shipped())
    done = nsinspect("import")
    H.write("/etc/security/namespace.conf", before)
    said = done.stderr.decode()
    assert done.returncode == 1
    for expected in (": level: there are no private directories by SELinux context", ": adm: exempt from /tmp",
                     "/tmp-inst/CONTEXT_USER to /var/lib/nsisolate/UID/%2Ftmp", ": $HOME: not made private"):
        assert expected in said
    checked(done.stdout)
    H.set_policy("default.conf", done.stdout.decode())
    H.write("/tmp/of-the-host", "")
    try:
        kinds = [kind for kind in H.KINDS if kind != "mnt"]
        login = P.ssh("alice", "ls -A /tmp; echo mine >/tmp/mine; cd /proc/self/ns; readlink " + " ".join(kinds)).check()
        assert login.stdout.split() == [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
        assert H.read(f"{STORE}/3001/%2Ftmp/mine") == "mine\n" and not os.path.exists("/tmp/mine")
    finally:
        os.unlink("/tmp/of-the-host")
        shutil.rmtree(STORE, ignore_errors=True)

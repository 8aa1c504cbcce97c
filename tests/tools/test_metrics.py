# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsinspect metrics: valid for every parser there is, whatever users and policies are called."""

import os
import pathlib
import re
import stat
import subprocess
import sys
import threading

import pytest

from conftest import nsinspect, start_time
from support import host as H
from support import metrics as M

ROOT = pathlib.Path("/run/nsisolate")

# Holds the locks of many records at once.
HOLDER = """
import fcntl, os, sys
kept = [os.open(path, os.O_RDWR) for path in sys.stdin.readline().split()]
for file in kept:
    fcntl.lockf(file, fcntl.LOCK_EX)
print("ready", flush=True)
sys.stdin.read()
"""

HOSTILE = ['a"b', "back\\slash", "two\nlines", "\\x41", "A", b"\xff\xfe", "ümlaut", "}", "{a=\"b\"} 1\n# EOF\nnsisolate_logins 7", " "]


@pytest.fixture(autouse=True)
def fresh(host):
    for name in ("audit", "counters.1"):
        (ROOT / name).unlink(missing_ok=True)


def metrics(records, *options):
    done = records.run("metrics", *options)
    assert (done.returncode, done.stderr) == (0, b""), done
    return M.read(done.stdout.decode("ascii"))


def hold(records, fields):
    """A live record for each, all held by one process."""
    template = records.open(ident="f" * 12)
    template.end()
    records.sessions.remove(template)
    template.path.unlink()
    paths = []
    for number, more in enumerate(fields):
        ident = f"{number:012x}"
        path = records.directory / ident
        path.write_text(template.text(id=ident, **{"init-pid": os.getpid(), "login-pid": os.getpid(),
                                                   "login-start": start_time(os.getpid()), **more}))
        paths.append(str(path))
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write(" ".join(paths) + "\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "ready\n"
    return holder


@pytest.fixture
def holders(records):
    found = []
    yield lambda fields: found.append(hold(records, fields))
    for holder in found:
        holder.kill()
        holder.wait()


def test_a_host_without_sessions_has_zeros(records):
    found = metrics(records, "--by-user")
    assert M.value(found, "nsisolate_logins") == 0
    assert M.value(found, "nsisolate_nested_sessions") == 0
    assert set(M.named(found, "nsisolate_opens_total").values()) == {0}
    assert set(M.named(found, "nsisolate_refusals_total").values()) == {0}
    version = nsinspect("--version").stdout.decode().split()[1]
    assert M.value(found, "nsisolate_build_info", version=version) == 1
    # no audit since boot is no audit at the epoch
    assert not M.named(found, "nsisolate_audit_timestamp_seconds")
    assert not M.named(found, "nsisolate_sessions")


def test_sessions_are_counted_by_policy_and_state(records):
    records.open()
    records.open()
    records.open(policy="user/bob.conf", user="bob").end_login()
    found = metrics(records)
    assert M.value(found, "nsisolate_sessions", policy="group/students.conf", state="active") == 2
    assert M.value(found, "nsisolate_sessions", policy="user/bob.conf", state="closing") == 1
    assert len(M.named(found, "nsisolate_sessions")) == 2
    assert M.value(found, "nsisolate_logins") == 2
    assert not M.named(found, "nsisolate_user_sessions")
    found = metrics(records, "--by-user")
    assert M.value(found, "nsisolate_user_sessions", user="alice", state="active") == 2
    assert M.value(found, "nsisolate_user_sessions", user="bob", state="closing") == 1


def test_ended_sessions_are_not_counted(records):
    records.open().end()
    records.sessions.clear()
    assert not M.named(metrics(records), "nsisolate_sessions")


def test_hostile_names_stay_what_they_are_and_apart(records, holders):
    holders([{"user": name, "policy": name} for name in HOSTILE])
    found = metrics(records, "--by-user")
    for family, label in (("nsisolate_sessions", "policy"), ("nsisolate_user_sessions", "user")):
        shown = {dict(labels)[label] for labels in M.named(found, family)}
        assert len(shown) == len(HOSTILE)
        assert shown >= {'a"b', "back\\slash", "two\\x0alines", "\\x5cx41", "A", "\\xff\\xfe", "\\xc3\\xbcmlaut", "}", " "}
    assert M.value(found, "nsisolate_logins") == len(HOSTILE)


def test_names_are_the_same_in_every_locale(records, holders):
    holders([{"user": name} for name in HOSTILE])
    texts = {records.run("metrics", "--by-user", env={"LC_ALL": locale}).stdout for locale in ("C", "C.UTF-8")}
    assert len(texts) == 1


def test_the_number_of_labels_is_bounded(records, holders):
    holders([{"user": f"user{number}", "policy": f"user/user{number}.conf"} for number in range(400)]
            + [{"user": "(other)"}])
    found = metrics(records, "--by-user")
    for family, label in (("nsisolate_sessions", "policy"), ("nsisolate_user_sessions", "user")):
        values = M.named(found, family)
        assert len(values) == 257
        assert sum(values.values()) == 401
        others, = [number for labels, number in values.items() if dict(labels)[label] == "(other)"]
        assert others == 401 - 256


def test_what_is_nested_gives_no_labels(live):
    outer = live.open_outer()
    live.nest(outer, user="made-up", policy="made-up.conf")
    done = nsinspect("metrics", "--by-user")
    found = M.read(done.stdout.decode())
    assert M.value(found, "nsisolate_nested_sessions") == 1
    assert sum(M.named(found, "nsisolate_sessions").values()) == 1
    assert b"made-up" not in done.stdout


def test_a_file_is_replaced_whole_and_readable_for_all(records, tmp_path):
    target = tmp_path / "nsisolate.prom"
    old_umask = os.umask(0o077)
    try:
        assert records.run("metrics", "-o", str(target)).returncode == 0
    finally:
        os.umask(old_umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert target.read_bytes() == records.run("metrics").stdout
    before = target.stat().st_ino
    assert records.run("metrics", "--output", str(target)).stdout == b""
    assert target.stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["nsisolate.prom"]


def test_a_link_in_its_place_is_replaced_and_not_followed(records, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("kept")
    target = tmp_path / "nsisolate.prom"
    target.symlink_to(kept)
    assert records.run("metrics", "-o", str(target)).returncode == 0
    assert kept.read_text() == "kept" and not target.is_symlink()


@pytest.mark.parametrize("where, says", [("missing/x.prom", "No such file or directory"), (".", "Is a directory|Device or resource busy"),
                                         ("taken", "Is a directory")])
def test_a_file_that_cannot_be_written_is_told_and_nothing_is_left(records, tmp_path, where, says):
    (tmp_path / "taken").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = records.run("metrics", "-o", f"{tmp_path}/{where}")
    assert done.returncode == 2 and re.search(says, done.stderr.decode()), done
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_the_old_file(records, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", str(disk)], check=True)
    try:
        (disk / "x.prom").write_text("old")
        (disk / "filler").write_bytes(b"x" * 4096)
        done = records.run("metrics", "-o", str(disk / "x.prom"))
        assert done.returncode == 2 and b"No space left" in done.stderr
        assert (disk / "x.prom").read_text() == "old"
        assert sorted(os.listdir(disk)) == ["filler", "x.prom"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_readers_never_see_half_of_it(records, tmp_path):
    target = tmp_path / "x.prom"
    assert records.run("metrics", "-o", str(target)).returncode == 0
    done, torn = threading.Event(), []

    def look():
        while not done.is_set():
            if not target.read_text().endswith("# EOF\n"):
                torn.append(target.read_text())

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(30):
        assert records.run("metrics", "-o", str(target)).returncode == 0
    done.set()
    reader.join()
    assert not torn


def test_node_exporter_serves_it(records, tmp_path):
    records.open()
    (tmp_path / "text").mkdir()
    # another program's, as there are on every such host
    H.write(f"{tmp_path}/text/other.prom", "# HELP other_total Of others.\n# TYPE other_total counter\nother_total 1\n")
    assert records.run("metrics", "--by-user", "-o", f"{tmp_path}/text/nsisolate.prom").returncode == 0
    with M.node_exporter(tmp_path / "text") as scrape:
        served = scrape()
    assert "\nnode_textfile_scrape_error 0\n" in served
    assert '\nnsisolate_sessions{policy="group/students.conf",state="active"} 1\n' in served
    assert '\nnsisolate_opens_total{kind="new"} 0\n' in served
    assert "\n# HELP nsisolate_opens_total Logins that got a session" in served
    assert "\n# TYPE nsisolate_sessions gauge\n" in served


def audit(*options):
    return nsinspect("audit", "--hurried", "-J", *options)


def findings(found):
    return {tuple(dict(labels)[name] for name in ("code", "severity", "baseline")): number
            for labels, number in M.named(found, "nsisolate_audit_findings").items()}


@pytest.fixture
def broken(host):
    """Two findings that are always the same."""
    host.set_policy("default.conf", "")
    host.set_policy("user/alice.conf", "nonsense\n")
    host.set_policy("user/bob.conf", "nonsense\n")


def test_the_last_audit_is_counted(broken, tmp_path):
    shown = audit("--output-all")
    assert shown.returncode == 1, shown
    found = M.read(nsinspect("metrics").stdout.decode())
    assert findings(found)["NSI080", "warning", "new"] == 2
    assert sum(findings(found).values()) == shown.stdout.count(b'"code"')
    assert abs(M.value(found, "nsisolate_audit_timestamp_seconds") - os.stat(ROOT / "audit").st_mtime) < 2
    assert 0 < M.value(found, "nsisolate_audit_duration_seconds") < 60
    known = tmp_path / "known"
    known.write_bytes(nsinspect("audit", "--hurried", "--write-baseline").stdout)
    (pathlib.Path(H.POLICIES) / "user/bob.conf").unlink()
    H.set_policy("user/carol.conf", "nonsense\n")
    audit("--baseline", str(known))
    found = M.read(nsinspect("metrics").stdout.decode())
    assert (findings(found)["NSI080", "warning", "new"], findings(found)["NSI080", "warning", "known"]) == (1, 1)


def test_a_partial_audit_is_not_counted(broken):
    audit()
    before = (ROOT / "audit").read_text()
    audit("-u", "alice")
    nsinspect("audit", "--hurried", "--write-baseline")
    assert (ROOT / "audit").read_text() == before
    inode = (ROOT / "audit").stat().st_ino
    audit()
    assert (ROOT / "audit").stat().st_ino != inode
    assert stat.S_IMODE((ROOT / "audit").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "nsisolate-audit=2\ntime=1\n", "nsisolate-audit=1\ntime=\n", "nsisolate-audit=1\ntime=-1\n",
                                  "nsisolate-audit=1\ntime=99999999999999999999\n", "nsisolate-audit=1\nNSI999=1 1\n",
                                  "nsisolate-audit=1\nNSI001=1\n", "nsisolate-audit=1\nNSI001=1 \n", "x" * 20000,
                                  "nsisolate-audit=1\n\0"])
def test_a_summary_that_is_none_is_told(text):
    H.write(str(ROOT / "audit"), text, 0o600)
    done = nsinspect("metrics")
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"nsinspect: {ROOT}/audit: ")
    assert "nsisolate_audit" not in done.stdout.decode()
    M.read(done.stdout.decode())


def test_a_summary_of_others_is_not_believed():
    H.write(str(ROOT / "audit"), "nsisolate-audit=1\ntime=1\n")
    os.chown(ROOT / "audit", 3001, 3001)
    assert nsinspect("metrics").returncode == 2
    os.chown(ROOT / "audit", 0, 0)
    os.chmod(ROOT / "audit", 0o622)
    assert nsinspect("metrics").returncode == 2
    os.chmod(ROOT / "audit", 0o600)
    assert nsinspect("metrics").returncode == 0


def test_an_audit_that_cannot_be_kept_says_so_and_finds_the_same(broken):
    (ROOT / "audit").mkdir()
    try:
        done = audit()
        assert done.returncode == 1 and b'"NSI080"' in done.stdout
        assert b"not kept for 'nsinspect metrics': /run/nsisolate/audit: Is a directory" in done.stderr
    finally:
        (ROOT / "audit").rmdir()

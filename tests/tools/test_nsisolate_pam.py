# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""nsisolate-pam on copies of real service files; the machine's own are only read."""

import ctypes
import ctypes.util
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROGRAM = os.environ.get("NSISOLATE_PAM", "nsisolate-pam")
SYSTEM = Path("/etc/pam.d")
SERVICES = sorted(p.name for p in SYSTEM.iterdir() if p.is_file()) if SYSTEM.is_dir() else []
OPENED = b"\n# nsisolate-pam: begin open"


def find_pam_permit():
    for base in ("/lib", "/usr/lib", "/lib64", "/usr/lib64"):
        for path in [Path(base) / "security/pam_permit.so", *Path(base).glob("*/security/pam_permit.so")]:
            if path.exists():
                return path
    return None


PERMIT = find_pam_permit()
pytestmark = pytest.mark.skipif(PERMIT is None or not SERVICES, reason="no Linux-PAM on this machine")


class Tool:
    def __init__(self, root):
        self.root = root
        self.pam = root / "pam.d"
        self.state = root / "state" / "pam.d"
        # not below /tmp: the module takes a policy directory only where nobody but root can write
        self.policy = Path(tempfile.mkdtemp(dir="/var/lib"))
        self.module = root / "pam_nsisolate.so"
        shutil.copytree(SYSTEM, self.pam)
        self.pam.chmod(0o755)
        (self.policy / "default.conf").write_text('mode = "off"\n')
        # any module that loads will do: no PAM session is opened with it here but for its answer
        shutil.copyfile(PERMIT, self.module)
        self.module.chmod(0o644)
        self.before = self.files()

    def files(self):
        return {p.name: p.read_bytes() for p in self.pam.iterdir() if not p.is_symlink()}

    def run(self, command, *arguments, prefix=(), check=None):
        options = ["--pam-dir", self.pam, "--state-dir", self.state]
        if command == "enable":
            options += ["--module", self.module]
            if "--" not in arguments and not any("policy=" in str(a) for a in arguments):
                arguments += ("--", f"policy={self.policy}")
        done = subprocess.run([*prefix, PROGRAM, command, *map(str, options), *map(str, arguments)],
                              capture_output=True, text=True, timeout=60)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        if check is not None:
            assert done.returncode == check, done.stdout + done.stderr
        return done

    def write(self, name, data):
        (self.pam / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        (self.pam / name).chmod(0o644)
        self.before = self.files()

    def unchanged(self):
        assert self.files() == self.before
        return True


@pytest.fixture
def tool(tmp_path):
    tool = Tool(tmp_path)
    yield tool
    shutil.rmtree(tool.policy, ignore_errors=True)


@pytest.mark.parametrize("service", SERVICES)
def test_disable_gives_back_every_file_of_this_machine(tool, service):
    enabled = tool.run("enable", service)
    if enabled.returncode == 2:
        assert tool.unchanged()
        assert service.startswith("common-") or "no session line" in enabled.stderr, enabled.stderr
        return
    assert enabled.returncode == 0, enabled.stderr
    assert OPENED in (tool.pam / service).read_bytes()
    assert (tool.state / service).read_bytes() == tool.before[service]
    shown = tool.run("show", service, "-n", "-r", check=0).stdout.splitlines()
    assert "pam_nsisolate.so close" in shown[0] and "pam_nsisolate.so open" in shown[-1]
    tool.run("status", service, check=0)
    disabled = tool.run("disable", service, check=0)
    assert "byte for byte" in disabled.stdout
    assert tool.unchanged()
    assert not (tool.state / service).exists()


def test_all_services_at_once_and_disable_all(tool):
    services = [s for s in SERVICES if not s.startswith("common-") and b"session" in tool.before[s]]
    done = tool.run("enable", *services)
    names = [s for s in services if OPENED in (tool.pam / s).read_bytes()]
    assert names or done.returncode == 2
    if names:
        tool.run("disable", "--all", check=0)
    assert tool.unchanged()


def test_file_keeps_owner_mode_and_attributes(tool):
    path = tool.pam / "sshd"
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 0, 4)
    attribute = True
    try:
        os.setxattr(path, "user.nsisolate-test", b"kept")
    except OSError:
        attribute = False
    before = path.stat()
    tool.run("enable", "sshd", check=0)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    if attribute:
        assert os.getxattr(path, "user.nsisolate-test") == b"kept"
    assert stat.S_IMODE(tool.state.stat().st_mode) == 0o700
    assert stat.S_IMODE((tool.state / "sshd").stat().st_mode) == 0o600


def test_enable_twice_changes_nothing(tool):
    tool.run("enable", "sshd", check=0)
    first = tool.files()
    again = tool.run("enable", "sshd", check=0)
    assert "already enabled" in again.stdout
    assert tool.files() == first


def test_disable_of_what_is_not_enabled(tool):
    assert "already without" in tool.run("disable", "sshd", check=0).stdout
    assert tool.unchanged()


def test_arguments_go_on_both_lines_and_can_be_changed(tool):
    tool.run("enable", "sshd", "--", f"policy={tool.policy}", "exempt=@root", "debug", check=0)
    text = (tool.pam / "sshd").read_text()
    assert text.count(f"policy={tool.policy} exempt=@root debug\n") == 2
    tool.run("enable", "sshd", "--", f"policy={tool.policy}", "optional", check=0)
    text = (tool.pam / "sshd").read_text()
    assert "exempt" not in text and text.count(" optional\n") == 2
    assert "byte for byte" in tool.run("disable", "sshd", check=0).stdout
    assert tool.unchanged()


def test_enable_keeps_the_arguments_and_moves_lines_that_are_out_of_order(tool):
    tool.run("enable", "sshd", "--", f"policy={tool.policy}", "debug", check=0)
    with open(tool.pam / "sshd", "a") as file:
        file.write("session optional pam_permit.so\n")
    status = tool.run("status", "sshd", check=1)
    assert "open-not-last" in status.stdout
    done = subprocess.run([PROGRAM, "enable", "sshd", "--pam-dir", tool.pam, "--state-dir", tool.state,
                           "--module", tool.module], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tool.pam / "sshd").read_text().rstrip().endswith("# nsisolate-pam: end")
    tool.run("status", "sshd", check=0)
    tool.run("disable", "sshd", check=0)
    assert (tool.pam / "sshd").read_bytes() == tool.before["sshd"] + b"session optional pam_permit.so\n"


@pytest.mark.parametrize("argument", ["open", "close", "polcy=/x", "policy=relative", "exempt=", "optional=1", "a#b", ""])
def test_arguments_that_the_module_would_refuse(tool, argument):
    tool.run("enable", "sshd", "--", f"policy={tool.policy}", argument, check=2)
    assert tool.unchanged()


def test_missing_module_and_missing_policies_are_refused(tool):
    tool.module.unlink()
    assert "locks everyone out" in tool.run("enable", "sshd", check=2).stderr
    tool.module.write_bytes(b"no ELF file")
    assert "cannot be loaded" in tool.run("enable", "sshd", check=2).stderr
    shutil.copyfile(PERMIT, tool.module)
    assert "policy directory" in tool.run("enable", "sshd", "--", "policy=/nonexistent", check=2).stderr
    (tool.root / "p").symlink_to(tool.policy)
    assert "chmod go-w" in tool.run("enable", "sshd", "--", f"policy={tool.root}/p", check=2).stderr
    tool.policy.chmod(0o775)
    assert f"'{tool.policy}' is writable by group" in tool.run("enable", "sshd", check=2).stderr
    tool.policy.chmod(0o755)
    (link := tool.policy / "link").symlink_to(".")
    assert "is a symbolic link" in tool.run("enable", "sshd", "--", f"policy={link}", check=2).stderr
    (tool.policy / "default.conf").unlink()
    assert "default.conf" in tool.run("enable", "-d", "sshd", check=0).stderr
    assert "default.conf" not in tool.run("enable", "-d", "sshd", "--", f"policy={tool.policy}", "optional", check=0).stderr
    assert tool.unchanged()


def test_a_group_that_cannot_be_resolved_is_refused(tool):
    arguments = ("--", f"policy={tool.policy}", "exempt=root,@nosuchgroup")
    assert "make the group first" in tool.run("enable", "sshd", *arguments, check=2).stderr
    assert tool.unchanged()
    done = tool.run("enable", "sshd", "--", f"policy={tool.policy}", "exempt=nosuchuser,@root", check=0)
    assert "warning: exempt=nosuchuser,@root: there is no user 'nosuchuser'" in done.stderr
    # and when the kept arguments have one
    path = tool.pam / "sshd"
    path.write_text(path.read_text().replace("@root", "@nosuchgroup"))
    done = subprocess.run([PROGRAM, "enable", "sshd", "--pam-dir", tool.pam, "--state-dir", tool.state,
                           "--module", tool.module], capture_output=True, text=True)
    assert done.returncode == 2 and "'nosuchgroup'" in done.stderr


def test_nothing_behind_the_dashes_keeps_the_arguments(tool):
    tool.run("enable", "sshd", "--", f"policy={tool.policy}", "exempt=root", check=0)
    before = tool.files()
    done = subprocess.run([PROGRAM, "enable", "sshd", "--pam-dir", tool.pam, "--"], capture_output=True, text=True)
    assert done.returncode == 2 and "leave it out to keep the arguments" in done.stderr
    assert tool.files() == before


def test_status_leaves_out_what_is_no_login(tool):
    tool.run("enable", "sshd", check=0)
    tool.write("chsh", "session required pam_permit.so\n")
    tool.write("other", "session required pam_permit.so\n")
    shown = tool.run("status", check=0).stdout
    assert "\nchsh" not in shown and "no logins (--all): " in shown and "chsh, " in shown
    assert "chsh" not in tool.run("status", "-r", check=0).stdout
    assert "\nother" in tool.run("status", "--all", check=0).stdout
    assert "chsh" in tool.run("status", "chsh", check=1).stdout
    services = {s["service"]: s["login"] for s in json.loads(tool.run("status", "-J", check=0).stdout)["services"]}
    assert services["sshd"] and not services["chsh"] and not services["other"]
    tool.run("enable", "chsh", check=0)
    assert "\nchsh" in tool.run("status", check=0).stdout


def test_disable_needs_neither_module_nor_policies(tool):
    tool.run("enable", "sshd", check=0)
    tool.module.unlink()
    shutil.rmtree(tool.policy)
    tool.run("disable", "sshd", check=0)
    assert tool.unchanged()


def test_changes_by_others_survive_disable(tool):
    tool.run("enable", "sshd", check=0)
    text = (tool.pam / "sshd").read_bytes()
    (tool.pam / "sshd").write_bytes(b"# upgraded\n" + text.replace(b"pam_limits.so", b"pam_limits.so debug"))
    done = tool.run("disable", "sshd", check=0)
    assert "differs from the copy" in done.stdout
    assert (tool.state / "sshd").read_bytes() == tool.before["sshd"]
    assert (tool.pam / "sshd").read_bytes() == b"# upgraded\n" + tool.before["sshd"].replace(
        b"pam_limits.so", b"pam_limits.so debug")


@pytest.mark.parametrize("old, new", [
    ("# nsisolate-pam: end\n", ""),
    ("begin close", "begin open"),
    ("session required", "session optional"),
    ("so close", "so close debug"),
    ("# nsisolate-pam: begin close", "## nsisolate-pam: begin close"),
])
def test_tampered_blocks_are_refused(tool, old, new):
    tool.run("enable", "login", "sshd", check=0)
    path = tool.pam / "sshd"
    text = path.read_text()
    at = text.index("# nsisolate-pam")
    path.write_text(text[:at] + text[at:].replace(old, new, 1))
    held = tool.files()
    for command in ("disable", "enable"):
        done = tool.run(command, "login", "sshd", check=2)
        assert f"{path}:" in done.stderr and "nothing was changed" in done.stderr
        assert tool.files() == held
    # but in a lockout what can be taken out is
    done = tool.run("disable", "--all", check=1)
    assert f"{path}:" in done.stderr and "sshd: not disabled" in done.stderr
    assert tool.files() == tool.before | {"sshd": held["sshd"]}


def test_disable_all_names_what_is_not_its_own(tool):
    """By hand, and through a file that only others include: a package that is removed must know."""
    (tool.pam / "su").write_bytes(tool.before["su"] + b"session required pam_nsisolate.so\n")
    done = tool.run("disable", "--all", check=1)
    assert f"su: its lines of pam_nsisolate.so were written by hand ({tool.pam}/su:" in done.stdout
    assert "already without" not in done.stdout
    (tool.pam / "su").write_bytes(tool.before["su"])
    (tool.pam / "common-session").write_bytes(tool.before["common-session"] + b"session required pam_nsisolate.so\n")
    done = tool.run("disable", "--all", check=1)
    assert f"{tool.pam}/common-session:" in done.stdout
    (tool.pam / "common-session").write_bytes(tool.before["common-session"])
    assert tool.run("disable", "--all", check=0).stdout == ""
    assert tool.unchanged()


def test_all_damage_of_a_file_is_named_at_once(tool):
    tool.run("enable", "sshd", "login", check=0)
    path = tool.pam / "sshd"
    path.write_text(path.read_text().replace(f"session required {tool.module}", f"session optional {tool.module}"))
    lines = [n for n, line in enumerate(path.read_text().splitlines(), 1) if "nsisolate" in line]
    done = tool.run("disable", "--all", check=1)
    assert f"{path}:{lines[1]}:" in done.stderr and f"{path}:{lines[4]}:" in done.stderr
    assert f"lines {', '.join(map(str, lines))}\n" in done.stderr
    path.write_bytes(tool.before["sshd"])
    assert "already without" in tool.run("disable", "sshd", check=0).stdout
    assert tool.unchanged()


def test_a_line_that_names_another_module_is_in_the_list_and_holds_up_a_removal(tool):
    """Without the module such a line refuses every login, root's too, and a search for the module's name finds nothing."""
    tool.run("enable", "sshd", check=0)
    path = tool.pam / "sshd"
    enabled = path.read_text()
    misspelt = enabled.replace(f"session required {tool.module} open", "session required pam_nsisolat.so open")
    path.write_text(misspelt)
    lines = misspelt.splitlines(True)
    ours = [number for number, line in enumerate(lines, 1) if "nsisol" in line]
    assert f": lines {', '.join(map(str, ours))}\n" in tool.run("disable", "sshd", check=2).stderr
    assert "".join(line for number, line in enumerate(lines, 1) if number not in ours) == tool.before["sshd"].decode()

    # all others deleted
    left = tool.before["sshd"].decode() + "session required pam_nsisolat.so open\n"
    path.write_text(left)
    where = f"{path}:{len(left.splitlines())}"
    message = f"sshd: a line means pam_nsisolate.so and names 'pam_nsisolat.so', which PAM cannot load ({where}); remove it by hand\n"
    for arguments in (["sshd"], ["--all"], ["--all", "--dry-run"]):
        assert tool.run("disable", *arguments, check=1).stdout == message
    # through another file, beside a correct line, in one that is disabled, and where no session reads it
    for name, added, found in [
        ("common-session", "session optional pam_nsisolate.s\n", "names 'pam_nsisolate.s', which PAM cannot load"),
        ("sshd", "session required pam_nsisolate.so open\nsession required pam_nsisolat.so close\n", "names 'pam_nsisolat.so'"),
        ("sshd", enabled + "session required pam_nsisolat.so\n", "are removed, but sshd:"),
        ("sshd", enabled + "auth required pam_nsisolat.so\n", "named where no session line does: lines "),
        ("sshd", "auth required pam_nsisolate.so\n", "names pam_nsisolate.so where no session line does"),
    ]:
        path.write_bytes(tool.before["sshd"])
        (tool.pam / name).write_text(added if added.startswith(enabled) else tool.before[name].decode() + added)
        done = tool.run("disable", "--all", check=1)
        assert found in done.stdout + done.stderr
        (tool.pam / name).write_bytes(tool.before[name])
    assert tool.run("disable", "--all", check=0).stdout == ""


@pytest.mark.parametrize("command", ["enable", "disable", "status", "show"])
def test_a_name_that_is_like_a_services_is_told(tool, command):
    tool.write("sshd-session", "session required pam_permit.so\n")
    assert f"{tool.pam}/ssh: No such file or directory; did you mean 'sshd'?\n" in tool.run(command, "ssh", check=2).stderr
    assert "did you mean" not in tool.run(command, "nosuch", check=2).stderr
    assert tool.unchanged()


def test_links_foreign_owners_and_writable_files_are_refused(tool):
    (tool.pam / "sshd").rename(tool.root / "elsewhere")
    (tool.pam / "sshd").symlink_to("../elsewhere")
    assert "'../elsewhere'" in tool.run("enable", "sshd", check=2).stderr
    assert (tool.root / "elsewhere").read_bytes() == tool.before["sshd"]
    os.link(tool.pam / "login", tool.root / "second")
    assert "hard links" in tool.run("enable", "login", check=2).stderr
    (tool.pam / "cron").chmod(0o664)
    assert "go-w" in tool.run("enable", "cron", check=2).stderr
    if os.geteuid() == 0:
        os.chown(tool.pam / "su", 65534, -1)
        assert "belong to root" in tool.run("enable", "su", check=2).stderr
    tool.pam.chmod(0o777)
    assert "go-w" in tool.run("enable", "sudo", check=2).stderr


@pytest.mark.parametrize("name", ["", ".", "..", "../sshd", "a/b", ".hidden", "SSHD", "nosuch", "common-session"])
def test_names_that_are_no_services(tool, name):
    tool.run("enable", name, check=2)
    assert tool.unchanged()


@pytest.mark.parametrize("text, message", [
    ("auth required pam_permit.so\n", "no session line"),
    ("session required pam_permit.so \\\n", "ends in a backslash"),
    ("session required pam_permit.so \\\n\nx\n", "read it differently"),
    ("@include nosuch\nsession required pam_permit.so\n", "cannot be included"),
    ("session include looped\n", "by itself"),
    ("session sufficient pam_permit.so\n", "passes over"),
    ("session [success=2 default=ignore] pam_permit.so\nsession required pam_permit.so\n", "passes over"),
    ("session required pam_permit.so\n-session optional pam_nsisolate.so open\n", "did not write"),
    ("session required\n", "without a module"),
])
def test_stacks_where_it_would_not_hold_are_refused(tool, text, message):
    tool.write("looped", text)
    done = tool.run("enable", "sshd", "looped", check=2)
    assert message in done.stderr, done.stderr
    assert "nothing was changed" in done.stderr
    assert tool.unchanged() and (not tool.state.exists() or not list(tool.state.iterdir()))


@pytest.mark.parametrize("text", [
    "session required pam_permit.so", "session required pam_permit.so\n\n\n", "# only\n@include common-session",
    "session required \\\n pam_permit.so \\\n  x", "session required pam_permit.so\r\n# c\r\n",
    "\tsession required pam_permit.so # c \\\n", "#c\n-SESSION [default=ignore] pam_permit.so [a b]",
])
def test_odd_files_come_back_byte_for_byte(tool, text):
    tool.write("odd", text)
    tool.run("enable", "odd", check=0)
    tool.run("status", "odd", "-J", check=1 if "\r" in text else 0)
    assert "byte for byte" in tool.run("disable", "odd", check=0).stdout
    assert tool.unchanged()


def test_su_l_is_covered_through_su_in_any_order(tool):
    tool.write("su-l", "session include su\n")
    done = tool.run("enable", "su-l", "su", check=0)
    assert "covered through 'su'" in done.stdout
    assert (tool.pam / "su-l").read_bytes() == tool.before["su-l"]
    answer = json.loads(tool.run("status", "-J", "su-l", check=0).stdout)
    assert answer["services"][0]["state"] == "through" and answer["services"][0]["through"] == "su"
    assert "covered through" in tool.run("enable", "su-l", check=0).stdout
    assert "through 'su'" in tool.run("disable", "su-l", check=1).stdout


def test_commands_can_be_repeated(tool):
    tool.write("su-l", "session include su\n")
    for _ in range(2):
        tool.run("enable", "su-l", "su", "sshd", check=0)
    for _ in range(2):
        done = tool.run("disable", "su-l", "su", check=0)
        assert "su-l: already without the module" in done.stdout
    for _ in range(2):
        tool.run("disable", "--all", check=0)
    assert tool.unchanged()


def test_disable_does_not_claim_what_it_left(tool):
    tool.write("hand", "session required pam_permit.so\nsession required pam_nsisolate.so\n")
    assert "by hand" in tool.run("disable", "hand", check=1).stdout
    assert tool.unchanged()


def test_disable_names_what_else_enables_the_service(tool):
    tool.run("enable", "sshd", check=0)
    path = tool.pam / "sshd"
    path.write_text(path.read_text() + "session required pam_nsisolate.so open\n")
    line = len(tool.before["sshd"].splitlines()) + 1
    for options in (["-d"], []):
        done = tool.run("disable", *options, "sshd", check=1)
        assert f"still enabled by hand: sshd:{line};" in done.stderr and "disabled" not in done.stdout
    assert path.read_bytes() == tool.before["sshd"] + b"session required pam_nsisolate.so open\n"


def test_advice_names_what_is_left(tool):
    tool.write("systemd-user", "session required pam_permit.so\n")
    tool.write("vsftpd", "session required pam_permit.so\n")
    done = tool.run("enable", "sshd", check=0)
    left = done.stdout[done.stdout.index("Still without"):]
    assert "user's units" in left and "cron" in left and "sshd" not in left and "vsftpd" not in left
    assert "root shell open" in done.stdout
    assert "FTP data" in tool.run("enable", "vsftpd", check=0).stderr


def test_dry_run_changes_nothing_and_prints_a_diff_that_applies(tool):
    tool.write("odd", "session required pam_permit.so")
    done = tool.run("enable", "-d", "sshd", "odd", check=0)
    assert tool.unchanged() and not tool.state.exists()
    added = [line[1:] for line in done.stdout.splitlines() if line.startswith("+session")]
    assert len(added) == 5
    if shutil.which("patch"):
        for service, start in (("sshd", 0), ("odd", done.stdout.index("--- " + str(tool.pam / "odd")))):
            part = done.stdout[start:].split("\n--- ")[0] + "\n"
            copy = tool.root / "copy"
            shutil.copyfile(tool.pam / service, copy)
            subprocess.run(["patch", "-s", copy], input=part, text=True, check=True)
            tool.run("enable", service, check=0)
            assert copy.read_bytes() == (tool.pam / service).read_bytes()


def can_bind():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_bind(), reason="needs root and mount namespaces")
def test_a_later_failure_takes_the_earlier_services_back(tool):
    # a file that is a mount point cannot be replaced by a rename: EBUSY
    inodes = {s: (tool.pam / s).stat().st_ino for s in ("login", "cron")}
    script = f"mount --bind {tool.pam}/sshd {tool.pam}/sshd && exec \"$@\""
    done = tool.run("enable", "login", "cron", "sshd", prefix=["unshare", "-m", "sh", "-c", script, "sh"], check=2)
    assert "put back as it was" in done.stderr and "nothing was changed" in done.stderr
    assert tool.unchanged()
    assert inodes == {s: (tool.pam / s).stat().st_ino for s in inodes}
    assert not list(tool.state.iterdir())


def test_a_full_disk_changes_nothing(tool):
    # RLIMIT_FSIZE stands for it: sshd's new file does not fit any more, the small one before it does
    tool.write("little", "session required pam_permit.so\n")
    done = tool.run("enable", "little", "sshd", prefix=["sh", "-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh"], check=2)
    assert "cannot be written" in done.stderr
    assert tool.unchanged() and not list(tool.state.iterdir())


CALLS = ["fsync", "renameat", "renameat2", "fchown", "fchmod", "unlinkat", "getrandom", "linkat", "flistxattr"]


def can_trace():
    return shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "true"],
                                                     capture_output=True).returncode == 0


@pytest.mark.skipif(not can_trace(), reason="needs strace")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", ["error=EIO", "signal=KILL"])
def test_no_fault_leaves_a_file_half_written(tool, call, fault, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    services = ["sshd", "login"]
    tool.run("enable", *services, check=0)
    after = tool.files()
    tool.run("disable", *services, check=0)
    for when in range(1, 7):
        done = tool.run("enable", *services, prefix=["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                                                     "-e", f"inject={call}:{fault}:when={when}"])
        now = {name: text for name, text in tool.files().items() if not name.startswith(".")}
        for service in services:
            assert now[service] in (tool.before[service], after[service])
        if fault.startswith("error"):
            assert done.returncode in (0, 2)
            assert now == (after if done.returncode == 0 else tool.before)
        tool.run("disable", *services)
        assert tool.unchanged()


@pytest.mark.skipif(not can_trace(), reason="needs strace")
def test_filesystems_without_exchange(tool, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    tool.run("enable", "sshd", "login", check=0, prefix=[
        "strace", "-qq", "-o", "/dev/null", "-e", "trace=renameat2", "-e", "inject=renameat2:error=EINVAL"])
    assert OPENED in (tool.pam / "sshd").read_bytes() and len(tool.files()) == len(tool.before)
    tool.run("disable", "sshd", "login", check=0)
    assert tool.unchanged()


def test_many_runs_at_once(tool):
    services = [s for s in ("sshd", "login", "cron", "su") if s in SERVICES]
    command = ["--pam-dir", tool.pam, "--state-dir", tool.state]
    running = []
    for i in range(24):
        service = services[i % len(services)]
        extra = ["--module", tool.module, "--", f"policy={tool.policy}"] if i % 3 else []
        running.append(subprocess.Popen([PROGRAM, "enable" if extra else "disable", service, *command, *extra],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode in (0, 1), err
    for service in services:
        text = (tool.pam / service).read_bytes()
        assert text.count(OPENED) in (0, 1)
    tool.run("disable", "--all")
    assert tool.unchanged()


def test_another_run_holds_the_lock(tool):
    tool.run("enable", "sshd", check=0)
    with subprocess.Popen(["flock", tool.state, "sh", "-c", "echo ready; cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"ready\n"
        done = tool.run("disable", "sshd", check=2)
        holder.stdin.close()
    assert "another nsisolate-pam" in done.stderr


def test_what_a_killed_run_left_is_swept(tool):
    left = tool.pam / ".sshd.nsisolate-0123456789ABCDEF"
    left.write_text("half")
    tool.run("enable", "login", check=0)
    assert not left.exists()


def problems_of(tool, service, check=1):
    answer = json.loads(tool.run("status", "-J", service, check=check).stdout)
    return {p["code"]: p for p in answer["services"][0]["problems"]}


@pytest.mark.parametrize("old, new, code, words", [
    (" debug", " debgu", "bad-argument", "'debgu'"),
    (" debug", " debug debug", "bad-argument", "'debug'"),
    (" policy=/", " policy=", "bad-argument", "'policy=var/"),
    ("/pam_nsisolate.so", "/pam_nsisolat.so", "misspelt-module", "root's too"),
    ("/pam_nsisolate.so", "/something.so", "misspelt-module", "write pam_nsisolate.so"),
    (" policy=", " policy=/nonexistent", "policy-directory", "but root's"),
    (" debug", " exempt=@nosuchgroup", "unknown-group", "'nosuchgroup'"),
])
def test_status_finds_what_refuses_every_login(tool, old, new, code, words):
    tool.run("enable", "sshd", "--", f"policy={tool.policy}", "debug", check=0)
    path = tool.pam / "sshd"
    path.write_text(path.read_text().replace(old, new))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if new in text and " open " in text)
    found = problems_of(tool, "sshd")
    assert set(found) == {code} and found[code]["severity"] == "error" and found[code]["line"] == line
    assert words in found[code]["text"]
    shown = tool.run("status", check=1).stdout
    assert f"[{code}]" in shown and "nobody is isolated" not in shown
    # and the remedy of all of them
    tool.run("enable", "sshd", "--", f"policy={tool.policy}", check=0)
    assert not problems_of(tool, "sshd", 0)


def test_status_finds_a_missing_module(tool):
    tool.run("enable", "sshd", check=0)
    tool.module.unlink()
    found = problems_of(tool, "sshd")["missing-module"]
    assert found["severity"] == "error" and "root's too" in found["text"]
    assert "nsisolate-pam disable sshd" in found["text"]
    tool.run("disable", "sshd", check=0)
    tool.write("other-module", f"session required {tool.root}/pam_gone.so\nsession optional {tool.root}/pam_off.so\n")
    tool.module.write_bytes(PERMIT.read_bytes())
    tool.run("enable", "other-module", check=0)
    assert "pam_gone.so" in problems_of(tool, "other-module")["missing-module"]["text"]


def test_status_names_every_damaged_block(tool):
    tool.run("enable", "sshd", check=0)
    path = tool.pam / "sshd"
    path.write_text(path.read_text().replace(f"session required {tool.module}", f"session requisite {tool.module}"))
    answer = json.loads(tool.run("status", "-J", "sshd", check=1).stdout)
    assert [p["code"] for p in answer["services"][0]["problems"]] == ["damaged-block"] * 2


def test_status_finds_what_is_wrong(tool):
    tool.write("bad", "session required pam_permit.so\nsession optional pam_nsisolate.so open\n")
    answer = json.loads(tool.run("status", "-J", check=1).stdout)
    problems = {p["code"]: p for s in answer["services"] if s["service"] == "bad" for p in s["problems"]}
    assert problems["refusal-passes"]["severity"] == "error" and problems["refusal-passes"]["line"] == 2
    assert "no-close" in problems
    names = [s["service"] for s in answer["services"]]
    assert "sshd" in names and not any(n.startswith("common-") for n in names)
    table = tool.run("status", "-n", "-r", check=1).stdout
    assert "bad enabled" in table and "SERVICE" not in table


@pytest.mark.parametrize("words", [[], ["nosuch"], ["enable"], ["disable"], ["enable", "--nosuch", "x"],
                                   ["status", "--", "debug"], ["disable", "--all", "sshd"], ["show"],
                                   ["show", "a", "b"], ["status", "--all", "sshd"], ["enable", "sshd", "--"], ["enable", "-J", "sshd"],
                                   ["enable", "sshd", "--pam-dir"]])
def test_wrong_usage(words):
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == 2 and "--help" in done.stderr and not done.stdout


@pytest.mark.parametrize("option", ["-h", "--help", "-V", "--version"])
def test_help_and_version(option):
    done = subprocess.run([PROGRAM, option], capture_output=True, text=True)
    assert done.returncode == 0 and "nsisolate-pam" in done.stdout and not done.stderr


# The reader against libpam itself: pam_echo.so says which session lines run, in which order.

class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


CONVERSE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                            ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("converse", CONVERSE), ("data", ctypes.c_void_p)]


def ask_libpam(directory, service):
    """The texts that pam_echo prints when a session is opened, and what pam_open_session answers."""
    libc = ctypes.CDLL(None)
    libc.calloc.restype = ctypes.c_void_p
    pam = ctypes.CDLL(ctypes.util.find_library("pam") or "libpam.so.0")
    said = []

    def converse(count, messages, responses, _):
        for i in range(count):
            said.append(messages[i][0].text.decode())
        responses[0] = ctypes.cast(libc.calloc(count, ctypes.sizeof(Response)), ctypes.POINTER(Response))
        return 0

    conversation = Conversation(CONVERSE(converse), None)
    handle = ctypes.c_void_p()
    assert pam.pam_start_confdir(service.encode(), b"root", ctypes.byref(conversation), str(directory).encode(),
                                 ctypes.byref(handle)) == 0
    answer = pam.pam_open_session(handle, 0)
    pam.pam_end(handle, answer)
    return said, answer


def random_stack(rng, depth, directory, service, debian):
    # an absolute path, since Debian's libpam looks for relative ones in /etc/pam.d even with a confdir
    below = f"{directory}/{service}i"
    debian = [f"@include {below}\n"] if debian else []
    lines = []
    for i in range(rng.randrange(1, 6)):
        word = f"{service}{i}"
        lines.append(rng.choice([
            f"session optional pam_echo.so {word}\n", f"SESSION\trequired \\\n pam_echo.so {word}\n",
            f"-session [success=ok default=bad] pam_echo.so {word} # tail \\\n",
            f"session required pam_echo.so [{word} b]\n", f"auth required pam_echo.so {word}\n", "# c \\\n", "\n",
            f"session [default=1] pam_echo.so {word}\n" + f"session required pam_echo.so {word}x\n",
            *([f"session include {below}\n", f"session substack {below}\n", f"auth include {below}\n", *debian]
              if depth else []),
        ]))
    return "".join(lines) + "session required pam_echo.so END\n"


@pytest.mark.skipif(PERMIT is None or not (PERMIT.parent / "pam_echo.so").exists(), reason="no pam_echo")
def test_show_agrees_with_libpam(tmp_path):
    if not hasattr(ctypes.CDLL(ctypes.util.find_library("pam") or "libpam.so.0"), "pam_start_confdir"):
        pytest.skip("libpam before 1.4")
    rng = random.Random(7)
    (tmp_path / "other").write_text("session required pam_permit.so\n")
    debian = any(b"@include" in (SYSTEM / s).read_bytes() for s in SERVICES)
    for i in range(150):
        name = f"s{i}"
        for depth, file in ((2, name), (1, name + "i"), (0, name + "ii")):
            (tmp_path / file).write_text(random_stack(rng, depth, tmp_path, file, debian))
        said, _ = ask_libpam(tmp_path, name)
        done = subprocess.run([PROGRAM, "show", "-r", "-n", "--pam-dir", tmp_path, name], capture_output=True, text=True)
        rows = [line.split(None, 3) for line in done.stdout.splitlines()]
        read = [row[3].replace("\\x20", " ") for row in rows if row[2] == "pam_echo.so"]
        # "[default=1]" passes over what follows it: pam_echo answers PAM_IGNORE
        expected, skip = [], False
        for row, text in zip([r for r in rows if r[2] == "pam_echo.so"], read):
            if skip:
                skip = False
                continue
            expected.append(text)
            skip = row[1] == "default=1"
        assert said == expected, ((tmp_path / name).read_text(), done.stdout)


def test_enabled_stack_runs_in_libpam(tool):
    """The edited files are what libpam understands: the stand-in module answers success at both places."""
    tool.write("mini", "session required pam_permit.so")
    tool.run("enable", "mini", check=0)
    _, answer = ask_libpam(tool.pam, "mini")
    assert answer == 0
    tool.module.unlink()
    _, answer = ask_libpam(tool.pam, "mini")
    assert answer != 0, "a stack that names a missing module must refuse"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, *sys.argv[1:]]))

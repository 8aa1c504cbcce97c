# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What the real shells offer behind Tab: everything that --help has, and sessions, users, services and files."""

import os
import re
import subprocess

import pexpect
import pytest

from support import host as H
from support import programs as P

BASH = """
. /usr/share/bash-completion/bash_completion
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
# as readline splits it
read -ra COMP_WORDS <<<"${1//=/ = }"
[[ $1 != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_completion_loader "${COMP_WORDS[0]}"
function=$(complete -p "${COMP_WORDS[0]}" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
compopt() { :; }
"$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def in_bash(line, user=None):
    done = P.run(["bash", "--norc", "-c", BASH, "bash", line], user=user, cwd="/")
    assert done.stderr == "", done
    return set(done.stdout.split("\n")) - {""}


def in_fish(line, user=None):
    done = P.run(["fish", "--no-config", "-c", "set fish_complete_path /usr/share/fish/vendor_completions.d /usr/share/fish/completions; complete -C $argv[1]", line],
                 user=user, cwd="/")
    assert done.stderr == "", done
    return {row.split("\t")[0] for row in done.stdout.splitlines()}


def in_zsh(line, user=None):
    """Listed by Ctrl-D at a terminal, as there is no other way to ask it."""
    command = ["zsh", "-f", "-i"] if not user else ["setpriv", f"--reuid={H.USERS[user].uid}", f"--regid={H.USERS[user].uid}", "--clear-groups", "zsh", "-f", "-i"]
    child = pexpect.spawn(command[0], command[1:], dimensions=(1000, 250), encoding="utf-8", timeout=30, cwd="/",
                          env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TERM": "dumb", "HOME": "/tmp", "LC_ALL": "C.UTF-8"})
    child.sendline("unsetopt zle_bracketed_paste prompt_sp; PROMPT='rea''dy> '; LISTMAX=10000; autoload -U compinit; compinit -u -C -d /var/tmp/zcompdump-$UID; echo fit; "
                   "zstyle ':completion:*' verbose no")
    child.expect("fit\r\n")
    child.expect_exact("ready> ")
    child.send(line + "\x04")
    # the list, and then the line once more: a bell or silence where there is nothing to list
    child.send("\x05\x15echo o''ver\r")
    child.expect("over\r\n")
    shown = child.before
    P.end_child(child)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\x08", "", shown)
    rows = shown.replace("\r", "\n").split("\n")
    return {word for row in rows if not row.startswith("ready>") and line not in row and "o''ver" not in row for word in row.split()}


SHELLS = {"bash": in_bash, "zsh": in_zsh, "fish": in_fish}
COMMANDS = re.findall(r"^ ([a-z]+) ", subprocess.run(["nsinspect", "--help"], capture_output=True, text=True, check=False)
                      .stdout.split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE) if os.path.exists("/.nsisolate-sandbox") else []


def help_of(*command):
    return P.run([*command, "--help"]).check().stdout


def options_of(text):
    found = {word.rstrip(",") for match in re.finditer(r"^ +((?:-\w, +)?--[\w-]+)", text, re.MULTILINE)
             for word in match[1].split()}
    assert len(found) > 3
    return found


@pytest.fixture(params=SHELLS)
def complete(request, host):
    return SHELLS[request.param]


def test_commands(complete):
    assert {"list", "show", "ps", "policy", "check", "kill", "audit", "metrics"} <= set(COMMANDS)
    assert complete("nsinspect ") >= set(COMMANDS)
    assert complete("nsinspect aud") == {"audit"}
    assert complete("nsisolate-pam ") >= {"enable", "disable", "status", "show"}


@pytest.mark.parametrize("command", ["nsinspect", *(f"nsinspect {name}" for name in COMMANDS), "nsrun", "nsisolate-pam"])
def test_every_option_of_the_help_is_offered(complete, command):
    expected = options_of(help_of(*command.split()))
    offered = complete(f"{command} -")
    if complete is in_fish:
        # which lists a short option without its long form apart
        offered |= complete(f"{command} --")
    assert offered >= {option for option in expected if option.startswith("--")}
    assert offered >= expected
    assert {word for word in offered if word.startswith("--")} == {word for word in expected if word.startswith("--")}


@pytest.mark.parametrize("command", ["list", "ps", "audit"])
def test_columns(complete, command):
    names = set(re.findall(r"^ +([A-Z][A-Z-]*)[* ] ", help_of("nsinspect", command).split("Columns")[1], re.MULTILINE))
    assert len(names) > 5
    assert complete(f"nsinspect {command} -o ") >= names
    assert complete(f"nsinspect {command} --output US") == {name for name in names if name.startswith("US")}
    assert complete(f"nsinspect {command} -o USER,PI") == {f"USER,{name}" for name in names if name.startswith("PI")}
    assert complete(f"nsinspect {command} -o +PI") == {f"+{name}" for name in names if name.startswith("PI")}


@pytest.mark.parametrize("command", ["show", "ps", "kill"])
def test_sessions(complete, live, command):
    live.open("0123456789ab")
    live.open("ba9876543210")
    assert complete(f"nsinspect {command} ") >= {"0123456789ab", "ba9876543210"}
    assert complete(f"nsinspect {command} 01") == {"0123456789ab"}


def test_who_is_not_root_is_offered_no_sessions_and_told_nothing(complete, live):
    live.open("0123456789ab")
    assert not {word for word in complete("nsinspect show ", user="alice") if word != "show"}
    assert complete("nsinspect po", user="alice") == {"policy"}


def test_users_and_services(complete):
    assert complete("nsinspect policy al") == {"alice"}
    assert complete("nsinspect list -u al") == {"alice"}
    assert complete("nsrun --user al") == {"alice"}
    assert complete("nsinspect policy alice --diff bo") == {"bob"}
    assert complete("nsinspect policy alice --service ssh") == {"sshd"}
    assert complete("nsisolate-pam enable ssh") == {"sshd"}
    assert complete("nsinspect audit --since yes") == {"yesterday"}


def test_files_and_directories(complete, tmp_path):
    (tmp_path / "one-file").write_text("")
    (tmp_path / "one-directory").mkdir()

    def names(line):
        return {os.path.basename(word.rstrip("/")) for word in complete(line)}

    assert names(f"nsinspect check {tmp_path}/one-") == {"one-file", "one-directory"}
    assert names(f"nsinspect metrics -o {tmp_path}/one-f") == {"one-file"}
    assert names(f"nsinspect policy alice --policy-dir {tmp_path}/one-") == {"one-directory"}
    assert names(f"nsrun -p {tmp_path}/one-f") == {"one-file"}


def test_the_command_of_nsrun_is_completed_as_a_command(complete):
    assert "setpriv" in complete("nsrun -u alice setpri")
    assert "setpriv" in complete("nsrun -u alice -- setpri")


def test_the_command_of_enter_is_completed_as_a_command(complete, live):
    live.open("0123456789ab")
    assert complete("nsinspect enter 01") == {"0123456789ab"}
    assert "setpriv" in complete("nsinspect enter 0123456789ab setpri")
    assert "setpriv" in complete("nsinspect enter --root 0123456789ab -- setpri")
    assert "--root" in complete("nsinspect enter 0123456789ab --r")


def test_a_value_behind_an_equals_sign(complete):
    assert {word.removeprefix("--color=") for word in complete("nsinspect list --color=al")} == {"always"}
    assert {word.removeprefix("--user=") for word in complete("nsrun --user=ali")} == {"alice"}


def test_nothing_is_offered_behind_the_last_argument(complete):
    assert not {word for word in complete("nsinspect policy alice ") if word in ("alice", "bob")}

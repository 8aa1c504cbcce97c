#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
test_walls.py SOURCE: what may include what, and who may call the kernel for namespaces and mounts.

    common <- config <- session <- {pam_module, tools}; nothing includes pam_module or tools
    <security/*> only in pam_module and tests; <confuse.h> only in one file of config
    namespace and mount system calls only in session

First it is shown trees that break each rule, so that it can be seen to fail.
"""

import os
import re
import sys
import tempfile

LAYERS = {"common": (), "config": ("common",), "session": ("common", "config"),
          "pam_module": ("common", "config", "session"), "tools": ("common", "config", "session")}
CALLS = ("unshare", "setns", "clone", "clone3", "sys_clone3", "mount", "umount", "umount2", "fsopen", "fsconfig",
         "fsmount", "fspick", "move_mount", "open_tree", "mount_setattr", "pivot_root", "chroot", "sethostname",
         "setdomainname")
# numbers without a function: what nsinspect judges PAM stacks by
CONSTANTS = ("security/_pam_types.h",)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
CALL = re.compile(r"(?<![\w.>\"])(" + "|".join(CALLS) + r")\s*\((?!2\)|3\)|7\))")
NUMBER = re.compile(r"\b(?:SYS|__NR)_(" + "|".join(CALLS) + r")\b")


def without_comments_and_strings(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda match: re.sub(r"[^\n]", " ", match[0]), text,
                  flags=re.DOTALL)


def sources(root):
    for layer in LAYERS:
        for directory, _names, files in os.walk(os.path.join(root, layer)):
            for name in sorted(files):
                if name.endswith((".c", ".h")):
                    path = os.path.join(directory, name)
                    with open(path, encoding="utf-8") as file:
                        yield layer, os.path.relpath(path, root), file.read()


def include_problems(root):
    confuse = []
    for layer, path, text in sources(root):
        for mark, target in INCLUDE.findall(text):
            top = target.split("/")[0]
            if mark == '"' and top in LAYERS and top != layer and top not in LAYERS[layer]:
                yield f"{path} includes {target}: {layer} may include {', '.join(LAYERS[layer]) or 'nothing'}"
            if mark == '"' and "/" not in target and target != "nsisolate-config.h":
                yield f"{path} includes {target} without its folder"
            if top == "security" and layer != "pam_module" and not (layer == "tools" and target in CONSTANTS):
                yield f"{path} includes <{target}>: PAM is for pam_module"
            if target == "confuse.h":
                confuse.append(path)
                if layer != "config":
                    yield f"{path} includes <confuse.h>: the parser is for config"
    if len(confuse) > 1:
        yield f"<confuse.h> is for one file alone, not {', '.join(confuse)}"


def call_problems(root):
    for layer, path, text in sources(root):
        if layer == "session":
            continue
        code = without_comments_and_strings(text)
        for name in CALL.findall(code) + NUMBER.findall(code):
            yield f"{path} calls {name}: namespaces and mounts are for session"


def problems(root):
    return [*include_problems(root), *call_problems(root)]


VIOLATIONS = {
    "common includes config": {"common/a.h": '#include "config/policy.h"\n'},
    "config includes session": {"config/a.c": '#include "session/plan.h"\n'},
    "session includes pam_module": {"session/a.c": '#include "pam_module/guest.h"\n'},
    "tools include pam_module": {"tools/a.c": '# include "pam_module/guest.h"\n'},
    "pam_module includes tools": {"pam_module/a.c": '#include "tools/list.h"\n'},
    "a folder is left out": {"session/a.c": '#include "plan.h"\n'},
    "PAM in tools": {"tools/a.c": "#include <security/pam_appl.h>\n"},
    "PAM in session": {"session/a.c": "#include <security/pam_appl.h>\n"},
    "the parser in tools": {"tools/a.c": "#include <confuse.h>\n"},
    "the parser twice": {"config/a.c": "#include <confuse.h>\n", "config/b.c": "#include <confuse.h>\n"},
    "a mount in pam_module": {"pam_module/a.c": 'int f(void)\n{\n\treturn mount("a", "b", 0, 0, 0);\n}\n'},
    "setns in pam_module": {"pam_module/a.c": "int f(int fd) { return setns (fd, 0); }\n"},
    "unshare in tools": {"tools/a.c": "int f(void) { return unshare(1); }\n"},
    "a bare system call": {"config/a.c": "int f(void) { return syscall(SYS_clone3, 0, 0); }\n"},
}
INNOCENT = {
    "common/a.h": "#include <errno.h>\n", "config/a.c": '#include "common/a.h"\n#include <confuse.h>\n',
    "session/a.c": '#include "config/policy.h"\nint f(int fd) { return setns(fd, 0); } /* setns(2) */\n',
    "pam_module/a.c": '#include <security/pam_modules.h>\n/* one setns(2), no mount(2) */\nconst char *a = "mount(x)";\n',
    "tools/a.c": '#include "session/plan.h"\nstruct { int mount; } a; int b(void) { return a.mount; }\n',
}


def written(files):
    root = tempfile.TemporaryDirectory(prefix="test-walls-")
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root.name, path)), exist_ok=True)
        with open(os.path.join(root.name, path), "w", encoding="utf-8") as file:
            file.write(text)
    return root


def main(source):
    for what, files in VIOLATIONS.items():
        with written(INNOCENT | files if "twice" not in what else files) as root:
            assert problems(root), f"this test does not notice: {what}"
    with written(INNOCENT) as root:
        assert not problems(root), f"this test sees what is not there: {problems(root)}"
    found = problems(source)
    for problem in found:
        print(problem)
    return 1 if found else 0


sys.exit(main(sys.argv[1]))

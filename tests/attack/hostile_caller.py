#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
hostile_caller ATTACK [ARGUMENT...] COMMAND...: what a user does to a login program that they start, to get by it. What
is inherited is the program's own to answer; otherwise prints one line of JSON: how it ended.
"""

import collections
import contextlib
import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# What is inherited by su and sudo

def spoil_limits(limits):
    import resource
    for text in limits.split(","):
        name, value = text.split("=")
        number = getattr(resource, f"RLIMIT_{name}")
        hard = min(int(value), resource.getrlimit(number)[1]) if resource.getrlimit(number)[1] >= 0 else int(value)
        resource.setrlimit(number, (hard, hard))


def spoil_signals():
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def spoil_scheduling():
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    libc.syscall(251, 1, 0, 3 << 13)  # ioprio_set(IOPRIO_WHO_PROCESS, 0, idle)
    check(libc.prctl(29, ctypes.c_ulong(1 << 62), 0, 0, 0))  # PR_SET_TIMERSLACK
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def spoil_descriptors():
    """Directories of the host as input, output and the next hundred."""
    directory = os.open("/tmp", os.O_RDONLY)
    for number in range(0, 100):
        if number not in (1, 2):
            os.dup2(directory, number)
    os.chdir("/tmp")


def spoil_closed():
    os.closerange(0, 1024)


def spoil_parent():
    """Orphans come to us, and we leave children behind for the login program."""
    check(libc.prctl(36, 1, 0, 0, 0))  # PR_SET_CHILD_SUBREAPER
    for _ in range(5):
        if os.fork() == 0:
            os._exit(0)
    if os.fork() == 0:
        os.closerange(0, 1024)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        signal.pause()


def spoil_environment():
    for name in ("PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "NSISOLATE_ID", "NSISOLATE_HELPER", "TMPDIR", "HOME", "IFS",
                 "BASH_ENV", "ENV", "CONFUSE", "MALLOC_PERTURB_", "GLIBC_TUNABLES", "NSS_WRAPPER_PASSWD"):
        os.environ[name] = "/home/bob/evil"
    os.environ["PATH"] = "/usr/bin:/bin"
    for number in range(2000):
        os.environ[f"JUNK{number}"] = "x" * 100


def spoil_timers():
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
    signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)
    for number in (signal.SIGVTALRM, signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)


def spoil_personality():
    check(libc.personality(0x0020000 | 0x4000000 | 0x0040000))  # UNAME26, STICKY_TIMEOUTS, NO_RANDOMIZE


SPOILS = {name.removeprefix("spoil_"): function for name, function in list(globals().items())
          if name.startswith("spoil_")}


def spoil(name, *command):
    """Runs a login program with something of its caller's choosing inherited."""
    what, _, argument = name.partition(":")
    SPOILS[what](*([argument] if argument else []))
    os.execvp(command[0], command)


# Signals at any moment, to a login program that runs with our real user id, and to what it starts

def children(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]
    return []


def send(pid, number):
    with contextlib.suppress(OSError):
        os.kill(pid, number)
        return True
    return False


def hunt(process, number, seconds):
    """Signals each child of the login program as soon as it is there, as long as it can be."""
    hit = set()
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        hit |= {child for child in children(process.pid) if child not in hit and send(child, number)}
    return hit


def disturb(process, choice, longest):
    if choice.startswith("child"):
        number = signal.SIGKILL if choice == "child-kill" else signal.SIGSTOP
        hit = hunt(process, number, longest * 2)
        for child in hit:
            send(child, signal.SIGKILL)
        return len(hit)
    time.sleep(random.uniform(0, longest))
    if choice == "stop":
        send(process.pid, signal.SIGSTOP)
        time.sleep(random.uniform(0, longest / 2))
        # one that was stopped at the end of a setuid(2) can be continued in our session only, kill(2)
        return send(process.pid, random.choice((signal.SIGKILL, signal.SIGCONT))) or send(process.pid, signal.SIGCONT)
    return send(process.pid, {"kill": signal.SIGKILL, "term": signal.SIGTERM, "interrupt": signal.SIGINT}[choice])


def race(choice, count, longest, *command):
    """Runs a login program again and again, each time disturbed; how they ended, and how many could be signalled."""
    import concurrent.futures  # which takes longer than most attacks

    def disturbed(_):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=choice != "stop")
        hits = disturb(process, choice, float(longest))
        try:
            return process.wait(patience), hits
        except subprocess.TimeoutExpired:
            process.kill()
            return f"hung, {process.wait()}", hits

    # a module that waits in vain does so for half a minute; a helper that a stop has reached is waited for each time
    patience = 4 if choice == "child-stop" else 25
    # those that mostly wait, su for two seconds after it was asked to end, go at once
    waits = choice in ("term", "interrupt", "child-stop")
    with concurrent.futures.ThreadPoolExecutor(8 if waits else 1) as pool:
        statuses, hits = zip(*pool.map(disturbed, range(int(count))))
    return {"statuses": collections.Counter(statuses), "hits": sum(hits)}


# What is left when the login program is gone

def keep_zombies(*command):
    """The login program is killed once what it runs has said a word; its orphans come to us, who reap nobody."""
    check(libc.prctl(36, 1, 0, 0, 0))  # PR_SET_CHILD_SUBREAPER
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.kill()
    print("kept", flush=True)
    time.sleep(1000)


def main(attack, *arguments):
    functions = {"spoil": spoil, "race": race, "keep_zombies": keep_zombies}
    print(json.dumps(functions[attack](*arguments)), flush=True)


main(*sys.argv[1:])

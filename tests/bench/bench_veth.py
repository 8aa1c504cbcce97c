# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
What network.mode = "veth" costs, in a sandbox with a router: opening a session in turns with mode "loopback", and
bytes through its interface in turns with a veth pair made by hand under the same rules. Medians of NSISOLATE_ROUNDS;
of opening also the processor time of all processes, which does not depend on what else the machine does.
"""

import glob
import os
import resource
import statistics
import subprocess
import time

from support import host, network, programs

ROUNDS = int(os.environ.get("NSISOLATE_ROUNDS", "200"))
MEGABYTES = 100
POLICIES = {
    "alice": 'network { mode = veth pool = {"10.99.0.0/24"} egress = {"any"} masquerade = true }',
    "bob": "network { mode = loopback }",
}
# prints how many nanoseconds it took, without the opening of the session
TRANSFER = "begin=$(date +%s%N); " \
    f"socat -u -b 262144 TCP:{network.CAMPUS['4']}:9000 - | head -c {MEGABYTES}000000 >/dev/null; " \
    "echo $(($(date +%s%N) - begin))"


def session(user, *command):
    return ["nsrun", "-u", user, "--", *command]


def has_interface():
    return any(name.startswith("ns") for name in os.listdir("/sys/class/net"))


def seconds(command):
    """As the command prints it, or of the command as a whole."""
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return int(done.stdout) / 1e9 if done.stdout else time.perf_counter() - begin


def used():
    """Seconds of processors, of children that have ended and theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def in_turns(commands, rounds):
    """Name → times and processor times, each round in another order; an interface that is being taken away is waited for."""
    found = {name: ([], []) for name in commands}
    for number in range(rounds):
        for name in sorted(commands, reverse=number % 2 == 1):
            host.wait_until(lambda: not has_interface() or "hand" in commands, "an interface is left")
            before = used()
            found[name][0].append(seconds(commands[name]))
            found[name][1].append(used() - before)
    return found


def bench_open():
    found = in_turns({"veth": session("alice", "true"), "loopback": session("bob", "true")}, ROUNDS)
    for what, number, value in (("median", 0, statistics.median), ("fastest", 0, min), ("processor, mean", 1, statistics.mean)):
        veth, loopback = (value(found[name][number]) * 1e3 for name in ("veth", "loopback"))
        print(f"open: {what}: veth {veth:.2f} ms, loopback {loopback:.2f} ms, difference {veth - loopback:.2f} ms "
              f"(nsrun of true, {ROUNDS} rounds)")


def make_by_hand(around):
    """A pair whose name and group put it under the rules of the sessions."""
    [rules] = {os.path.basename(path)[:8] for path in glob.glob("/run/nsisolate/network/*/ns??????.nft")}
    hand = network.Namespace("hand")
    name = f"{rules}byhand"
    around.host.inside(lambda: subprocess.run(
        ["ip", "link", "add", name, "group", "7238505", "type", "veth", "peer", "name", "eth0", "netns",
         f"/proc/{os.getpid()}/fd/{hand.descriptor}"], check=True))
    hand.address("10.99.0.250/32", "eth0")
    hand.run("ip", "link", "set", "eth0", "up")
    around.host.run("ip", "link", "set", name, "up")
    around.host.run("ip", "address", "add", "172.31.0.1/32", "dev", name)
    around.host.run("ip", "route", "add", "10.99.0.250/32", "dev", name)
    hand.run("ip", "route", "add", "172.31.0.1", "dev", "eth0")
    hand.run("ip", "route", "add", "default", "via", "172.31.0.1")
    return hand, name


def bench_transfer(around):
    server = around.campus.inside(lambda: subprocess.Popen(
        ["socat", "TCP-LISTEN:9000,reuseaddr,fork", "OPEN:/dev/zero,rdonly"], stderr=subprocess.DEVNULL))
    hand, by_hand = make_by_hand(around)
    enter = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{hand.descriptor}"]
    try:
        host.wait_until(lambda: around.campus.run("ss", "-Hltn", "sport = 9000").stdout, "nobody listens")
        # both from here: a process of a session is in another group of the scheduler's
        with programs.Background(session("alice", "sh", "-c", "echo in; read line")) as live:
            live.read_line()
            [init] = host.session_inits()
            commands = {"session": ["nsenter", f"--net=/proc/{init}/ns/net", "sh", "-c", TRANSFER],
                        "hand": [*enter, "sh", "-c", TRANSFER]}
            # a session's end has the kernel look for the way back to each sender: so may the other
            for strict in ("1", "0"):
                around.host.sysctl(f"net.ipv4.conf.{by_hand}.rp_filter", strict)
                found = {name: statistics.median(times)
                         for name, (times, _) in in_turns(commands, max(ROUNDS // 10, 3)).items()}
                print(f"transfer: session {MEGABYTES / found['session']:.0f} MB/s, pair made by hand with rp_filter {strict} "
                      f"{MEGABYTES / found['hand']:.0f} MB/s, ratio {found['hand'] / found['session']:.3f}")
    finally:
        server.kill()
        server.wait()


def main():
    for user, text in POLICIES.items():
        host.set_policy(f"user/{user}.conf", text + "\n")
    around = network.Network()
    for user in POLICIES:
        seconds(session(user, "true"))
    bench_open()
    bench_transfer(around)


main()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""The real login programs, each driven to one result: exit status, output, errors."""

import contextlib
import dataclasses
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import tempfile
import threading

import pexpect

from support import host
from support.host import KEY, PROBE, TIMEOUT, USERS, wait_until

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
               "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "TERM": "dumb"}


@dataclasses.dataclass(frozen=True)
class Result:
    status: int  # as a shell has it: 128 + N for a signal; -1 where the program never told one
    stdout: str
    stderr: str = ""

    def check(self):
        assert self.status == 0, f"{self}"
        return self

    def json(self):
        """What the probe printed, whatever a terminal or a message of the day put around it."""
        lines = [line for line in self.stdout.replace("\r", "").splitlines() if line.startswith(("{", '"'))]
        assert len(lines) == 1, f"the probe did not run: {self}"
        return json.loads(lines[0])


def shell_status(code):
    return code if code >= 0 else 128 - code


def run(arguments, *, input="", user=None, cwd=None, env=None, timeout=TIMEOUT):
    """One program, as root or, by setpriv(1), as a user with that user's groups. Its own session: no terminal."""
    environment = dict(env or ENVIRONMENT)
    if user:
        entry = pwd.getpwnam(user)
        arguments = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups", *arguments]
        environment |= {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user}
    done = subprocess.run(arguments, input=input, capture_output=True, text=True, errors="backslashreplace",
                          cwd=cwd or "/", env=environment, timeout=timeout, start_new_session=True, check=False)
    return Result(shell_status(done.returncode), done.stdout, done.stderr)


# sshd and its clients

SSH_OPTIONS = ("-F", "none", "-i", KEY, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
               "-o", "UserKnownHostsFile=/root/.ssh/known_hosts", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
               "-o", f"ConnectTimeout={100 * host.SLOWER}", "-o", "GSSAPIAuthentication=no")


class Sshd:
    """A real sshd on port 22 of the sandbox's loopback, with /etc/ssh/sshd_config."""

    def __init__(self, *options):
        arguments = ["/usr/sbin/sshd", "-D"]
        for option in options:
            arguments += ["-o", option]
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/",
                                        env=ENVIRONMENT, start_new_session=True)
        wait_until(self.listening, "sshd does not listen")

    def listening(self):
        """Without connecting: the process for that connection would be there for a while, and in the log."""
        assert self.process.poll() is None, f"sshd ended: {self.process.stderr.read()}"
        return listening_on(22)

    def monitors(self):
        """The privileged process of each connection, in which PAM runs."""
        return [process.pid for process in host.children(self.process.pid) if process.name == "sshd"]

    def stop(self):
        """The listener alone does not end its connections: what they leave is for the test to have ended."""
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self.process.stderr.close()


@contextlib.contextmanager
def sshd(*options):
    server = Sshd(*options)
    try:
        yield server
    finally:
        server.stop()


def ssh_arguments(user, command=None, *, pty=False, options=()):
    arguments = ["ssh", *SSH_OPTIONS, *options, "-tt" if pty else "-T", f"{user}@127.0.0.1"]
    return arguments if command is None else [*arguments, command]


def ssh(user, command=None, *, pty=False, options=(), input="", timeout=TIMEOUT, env=None):
    return run(ssh_arguments(user, command, pty=pty, options=options), input=input, timeout=timeout, env=env)


class Background:
    """A program that goes on while the test looks; leaving the block ends its input (or terminates it) and waits."""

    def __init__(self, arguments, *, env=None, cwd="/", reads=True):
        self.reads = reads
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env or ENVIRONMENT, cwd=cwd,
                                        start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        for last in (False,) * TIMEOUT + (True,):
            # again and again: ssh has a moment in which it ignores signals
            if last or not self.reads:
                self.kill(signal.SIGKILL if last else signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.communicate(timeout=1)
                break
        assert not last, f"did not end by itself: {self.process.args}"

    def read_line(self, timeout=TIMEOUT):
        """The next line of its output. A byte at a time: what follows stays for whoever reads next."""
        descriptor = self.process.stdout.fileno()
        os.set_blocking(descriptor, False)
        received = bytearray()

        def more():
            # first: what it wrote before its end is there to be read then
            ended = self.process.poll() is not None
            try:
                while not received.endswith(b"\n"):
                    byte = os.read(descriptor, 1)
                    if not byte:
                        return True
                    received.extend(byte)
                return True
            except BlockingIOError:
                return ended

        wait_until(more, lambda: f"no line from {self.process.args}", timeout)
        return received.decode().rstrip("\n")

    def probe(self):
        line = self.read_line()
        assert line, f"the probe did not run: {self.process.stderr.read()}"
        return json.loads(line)

    def kill(self, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def result(self, timeout=TIMEOUT):
        os.set_blocking(self.process.stdout.fileno(), True)
        out, err = self.process.communicate(timeout=timeout)
        return Result(shell_status(self.process.returncode), out.decode(), err.decode())


# prints the probe's line and stays until its input ends
STAY = f"{PROBE}; cat >/dev/null"


def ssh_background(user, command=STAY, *, pty=False, options=(), env=None):
    return Background(ssh_arguments(user, command, pty=pty, options=options), env=env)


def ssh_forward(user, *options):
    """ssh -N with forwardings."""
    return Background(ssh_arguments(user, options=("-N", *options)), reads=False)


def scp(source, target, *options):
    return run(["scp", *SSH_OPTIONS, "-q", *options, source, target])


def sftp(user, batch, *options):
    return run(["sftp", *SSH_OPTIONS, "-q", "-b", "-", *options, f"{user}@127.0.0.1"], input=batch)


@contextlib.contextmanager
def ssh_agent():
    """An agent of root's that holds the key: gives the environment to run ssh with."""
    with tempfile.TemporaryDirectory(dir="/root") as directory:
        path = f"{directory}/agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        try:
            wait_until(lambda: host.accepts(path), "ssh-agent does not listen")
            environment = ENVIRONMENT | {"SSH_AUTH_SOCK": path}
            run(["ssh-add", "-q", KEY], env=environment).check()
            yield environment
        finally:
            agent.terminate()
            agent.wait(TIMEOUT)


@contextlib.contextmanager
def ssh_master(user):
    """A ControlMaster connection: gives the options with which ssh and scp go through it."""
    with tempfile.TemporaryDirectory(dir="/root") as directory:
        path = f"{directory}/control"
        with Background(ssh_arguments(user, options=("-N", "-M", "-S", path)), reads=False) as master:
            wait_until(lambda: os.path.exists(path) or master.process.poll() is not None, "no control socket")
            yield ("-o", f"ControlPath={path}", "-o", "ControlMaster=no")
            run(["ssh", *SSH_OPTIONS, "-S", path, "-O", "exit", f"{user}@127.0.0.1"])
            master.process.wait(TIMEOUT)


class Listener:
    """Listens on the host's loopback, says a word to each that connects, keeps what X clients sent first."""

    def __init__(self, word, port=0, reads=0):
        self.received = []
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, args=(word, reads), daemon=True).start()

    def serve(self, word, reads):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                if reads:
                    self.received.append(peer.recv(reads))
                peer.sendall(word.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def connect(port, timeout=TIMEOUT):
    """What a listener on the host's loopback says, "" when it closes at once, None when nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as peer:
            return peer.recv(100).decode()
    except ConnectionError:
        return None


def listening_on(port):
    """Whether someone in the host's network namespace listens, without connecting."""
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
               for line in host.read("/proc/net/tcp").splitlines()[1:])


# programs on a terminal

BEGIN, END = "\001begin\r\n", re.compile("\001end (\\d+)")


class Terminal:
    """A program with a controlling terminal of its own and, once logged in, a shell to which commands are typed."""

    def __init__(self, arguments, *, cwd="/", env=None):
        self.child = pexpect.spawn(arguments[0], list(arguments[1:]), cwd=cwd, env=env or ENVIRONMENT,
                                   timeout=TIMEOUT, encoding="utf-8", codec_errors="backslashreplace",
                                   dimensions=(50, 200))
        self.child.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        if not self.child.closed:
            # who is hung up on has the time that a logout takes: close() itself kills after some tenths of a second
            self.child.ptyproc.fileobj.close()
            with contextlib.suppress(AssertionError):
                wait_until(lambda: not self.child.isalive(), "", 10)
        self.child.close(force=True)

    def answer(self, prompt, reply):
        self.child.expect(prompt)
        self.child.sendline(reply)

    def run(self, command):
        """Types one command into the shell and reads its output and exit status."""
        self.child.sendline(f"printf '\\001begin\\n'; {command}; printf '\\001end %d\\n' $?")
        self.child.expect_exact(BEGIN)
        self.child.expect(END)
        return Result(int(self.child.match[1]), self.child.before)

    def logged_in(self):
        """Waits for the shell; False when the program ends instead. No typing ahead: login flushes its input."""
        return self.child.expect([r"[$#] ", pexpect.EOF, "Login incorrect"]) == 0

    def leave(self, status=0):
        """Ends the shell; the exit status of the program itself."""
        self.child.sendline(f"exit {status}")
        return self.wait()

    def wait(self):
        """For the program's end, whatever it prints until then."""
        self.child.expect(pexpect.EOF)
        printed = self.child.before
        self.child.close()
        if self.child.signalstatus is not None:
            return Result(128 + self.child.signalstatus, printed)
        return Result(self.child.exitstatus, printed)


def login_terminal(user, password=None):
    """/bin/login as getty starts it; with a password it is typed, else `login -f`."""
    if password is None:
        return Terminal(["/bin/login", "-f", user])
    terminal = Terminal(["/bin/login"])
    terminal.answer("login: ", user)
    terminal.answer("Password: ", password)
    return terminal


def login(user, command, password=None):
    """A whole login with one command. A refused login has status -1 and what login printed."""
    with login_terminal(user, password) as terminal:
        if not terminal.logged_in():
            return Result(-1, terminal.child.before)
        done = terminal.run(command)
        terminal.leave()
        return done


def end_child(child):
    """pexpect's close() gives a killed program a tenth of a second to be gone."""
    with contextlib.suppress(pexpect.ExceptionPexpect):
        child.close(force=True)
    wait_until(lambda: not child.isalive(), "the program to end")


def su(user, command, *, options=(), cwd=None, by=None, input=""):
    return run(["su", *options, user, "-c", command], cwd=cwd, user=by, input=input)


def su_password(user, command, by, password):
    """su by another user, who types the password of the first."""
    terminal = Terminal(["setpriv", f"--reuid={USERS[by].uid}", f"--regid={USERS[by].uid}", "--init-groups",
                         "su", user, "-c", command])
    with terminal:
        terminal.answer("Password: ", password)
        return terminal.wait()


def sudo(user, command, *, options=(), cwd=None, by=None, input=""):
    return run(["sudo", "-n", *options, "-u", user, "--", "sh", "-c", command], cwd=cwd, user=by, input=input)


def sweep_records():
    """
    Nobody is left to remove the record of a session that waited for its last process, nor that of one whose login
    process was killed: later openings do, some at a time.
    """
    # one that waits ends a moment after its last process
    wait_until(lambda: not host.live_records(), "the sessions to end")
    host.set_policy("user/bob.conf")

    def swept():
        su("bob", "true").check()
        return not [name for name in host.records() if name not in host.live_records()]

    wait_until(swept, "records of ended sessions to go")


# cron

class Cron:
    """A cron daemon of the test's own. Its @reboot jobs run at once, through PAM as all jobs."""

    def __init__(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/crond.reboot")
        self.process = subprocess.Popen(["/usr/sbin/cron", "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=ENVIRONMENT, cwd="/", start_new_session=True)

    def stop(self):
        self.process.terminate()
        self.process.wait(TIMEOUT)


def set_crontab(user, text):
    path = f"/var/spool/cron/crontabs/{user}"
    host.write(path, text, 0o600)
    os.chown(path, pwd.getpwnam(user).pw_uid, -1)
    return path


@contextlib.contextmanager
def cron():
    daemon = Cron()
    try:
        yield daemon
    finally:
        daemon.stop()


def mails():
    """What was mailed, oldest first. A file with a leading dot is still being written, and renamed under our eyes."""
    done = [f"{host.MAILBOX}/{name}" for name in os.listdir(host.MAILBOX) if not name.startswith(".")]
    return [host.read(path) for path in sorted(done, key=lambda path: os.stat(path).st_mtime_ns)]


def cron_job(user, command, refused=None):
    """
    Runs one job and reads the mail about it: output (cron merges both streams) and, from a line of our own, the
    status. `refused`: a pattern of the log line that says the job was not run, for which it waits instead.
    """
    before = len(mails())
    escaped = f"{{ {command}; }}; printf '\\001end %d\\n' $?".replace("\\%", "%").replace("%", "\\%")
    path = set_crontab(user, f"SHELL=/bin/bash\n@reboot {escaped}\n")
    try:
        with cron():
            if refused:
                host.log.wait_for(refused)
                assert len(mails()) == before, f"cron mailed about a job it must not run: {mails()[before:]}"
                return Result(-1, "")
            wait_until(lambda: len(mails()) > before, lambda: f"no mail from cron; log:\n{host.log.text()}")
    finally:
        os.unlink(path)
    body = mails()[before].split("\n\n", 1)[1]
    ended = re.search("\001end (\\d+)\n", body)
    return Result(int(ended[1]) if ended else -1, body[:ended.start()] if ended else body)


# one way in for all five, for tests that hold for each

def by_ssh(user, command):
    with sshd():
        return ssh(user, command)


PROGRAMS = {"sshd": by_ssh, "login": login, "su": su, "sudo": sudo, "cron": cron_job}


def own_kinds(seen):
    """The kinds of namespace that a login has for itself, by what the probe saw in it."""
    return {kind for kind, link in host.namespaces().items() if seen["namespaces"].get(kind) != link}


# what a login that the module refuses must not do

def refusal(user):
    """A pattern of its log line."""
    return rf"pam_nsisolate\(\S+:session\): NSL02[0-2] refused: user={user} "


def assert_refused(program, user, command):
    if program == "cron":
        cron_job(user, command, refused=refusal(user))
    else:
        assert PROGRAMS[program](user, command).status != 0
        host.log.wait_for(refusal(user))


def assert_forwards_nothing(user, listener):
    """In neither direction, by a client that asks for no command; where sshd runs already."""
    forwarding = ("-L", f"127.0.0.1:8001:127.0.0.1:{listener.port}", "-R", f"127.0.0.1:8002:127.0.0.1:{listener.port}")
    with ssh_forward(user, *forwarding) as client:
        host.log.wait_for(refusal(user))
        wait_until(lambda: listening_on(8001) or client.process.poll() is not None, "ssh neither listens nor ends")
        assert connect(8001) in ("", None)
        assert not listening_on(8002)


def assert_forwards_x11(user):
    """An X client in a login by ssh -Y speaks to the caller's X server; where sshd runs already."""
    with Listener("an X server", port=6042, reads=4096) as display:
        found = ssh(user, f"{PROBE} x11", options=("-Y",), env=ENVIRONMENT | {"DISPLAY": "127.0.0.1:42"})
        assert found.check().json() == {"display": "localhost:10.0", "answer": "an X server"}
        assert b"MIT-MAGIC-COOKIE-1" in display.received[0]

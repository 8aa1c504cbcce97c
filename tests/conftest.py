# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Runs pytest once more inside a sandbox, and gives each test a clean host there."""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pytest  # noqa: E402

from support import host as host_module  # noqa: E402
from support import network as network_module  # noqa: E402
from support import programs  # noqa: E402
from support import sandbox  # noqa: E402

TEST_TIMEOUT = 240 * host_module.SLOWER


def pytest_addoption(parser):
    parser.addoption("--build-dir", default=os.environ.get("NSISOLATE_BUILD"),
                     help="meson build directory whose install is laid over the sandbox (default: $NSISOLATE_BUILD)")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Outside: the same command line once more, inside. Returning a status ends this run."""
    if sandbox.active() or config.option.help or config.option.collectonly:
        return None
    reason = sandbox.refusal()
    if reason:
        return sandbox.refuse(reason)
    build = config.getoption("--build-dir")
    if build:
        os.environ["NSISOLATE_BUILD"] = build = os.path.realpath(build)
    command = [sys.executable, "-m", "pytest", *(str(argument) for argument in config.invocation_params.args)]
    return sandbox.run(command, build)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI nothing may be skipped in silence."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, which CI does not allow: {report.longrepr}"
    if report.failed and host_module.SLOWER > 1:
        # the end, where all failures are told, is far
        item.config.get_terminal_writer().line(f"\n{report.longreprtext}")


@pytest.fixture(scope="session")
def log():
    return host_module.Log()


@pytest.fixture(autouse=True)
def host(request, log):
    """The sandbox's host, clean; what a test leaves behind fails it."""
    assert sandbox.active()
    host_module.restore()
    log.clear()
    before = host_module.State.now()
    signal.signal(signal.SIGALRM, expired)
    signal.alarm(TEST_TIMEOUT)
    host_module.log = log
    yield host_module
    try:
        host_module.assert_nothing_left(before)
    finally:
        signal.alarm(0)
        host_module.kill_leftovers(before)
        if request.session.testsfailed or os.environ.get("NSISOLATE_SHOW_LOG"):
            print("system log:\n" + log.text())


def expired(_signal, _frame):
    raise TimeoutError(f"the test took more than {TEST_TIMEOUT} s")


@pytest.fixture
def module(host):
    """The module in the staged install: its absence is a failure, never a skip."""
    assert host.module_installed(), (
        f"the staged install has no {host.MODULE_DIRECTORY}/{host.MODULE}: give --build-dir with a build that was "
        "configured with --prefix=/usr --sysconfdir=/etc --libdir=lib/x86_64-linux-gnu --libexecdir=libexec")
    return host.MODULE


@pytest.fixture
def installed(module, host):
    """The module in every stack, and default.conf as the only policy, which isolates nobody."""
    for services in host.STACKS.values():
        host.add_module(services)
    if os.path.isdir(host.POLICIES):
        host.empty(host.POLICIES)
    host.set_policy("default.conf", 'mode = "off"\n')


@pytest.fixture
def server(installed):
    with programs.sshd() as running:
        yield running


@pytest.fixture(scope="module")
def network():
    """A router around the sandbox's host, and what is behind it, for all tests of a file."""
    around = network_module.Network()
    yield around
    around.close()

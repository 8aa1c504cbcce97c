# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
import pytest

from support import host as H
from support import programs as P


@pytest.fixture
def isolated(request, host, module):
    """
    The module for every program that users log in by; the policies are the test file's POLICIES, by user, and isolate
    nobody else. Sessions end by themselves: a later login would sweep what is left, and nobody comes.
    """
    host.add_module(P.PROGRAMS)
    host.set_policy("default.conf", 'mode = "off"\n')
    for user, policy in request.module.POLICIES.items():
        host.set_policy(f"user/{user}.conf", policy)
    yield
    H.wait_until(lambda: not H.records(), "the records to go")
    H.wait_until(lambda: not [each for each in H.processes() if each.name.startswith("nsisolate-")], "the processes to end")

/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "session/plan.h"

/* Sets IFF_UP on the interface step->target, netdevice(7); the kernel then adds 127.0.0.1 and ::1. 0 or -errno. */
int loopback_up(const struct step *step) _must_check_;

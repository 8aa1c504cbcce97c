/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Where timed-helper leaves its figure, a double in microseconds, for bench-parse. */
#define BENCH_PARSE_TIME "/run/bench-parse-time"

/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Sockets by which whoever may connect is root on the host: of container engines and their kin. */

#include <stddef.h>

struct engine {
	const char *hidden; /* its own directory; or the socket itself, which lies among files of others */
	const char *socket; /* absolute */
};

#define ENGINES 12
extern const struct engine engines[ENGINES];

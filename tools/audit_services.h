/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The PAM services of this host, as far as they decide whom a policy isolates. */

#include "common/cleanup.h"
#include "config/find.h"

#include <stdbool.h>
#include <stddef.h>

struct audit_service {
	char *name;
	bool enabled;    /* has the module's "open" */
	char *directory; /* policy=DIR of its line; NULL: the live one */
	char *exempt;    /* exempt= of its line; NULL: nobody */
};

struct audit_services {
	struct audit_service *items; /* sorted by name */
	size_t count;
};

/* 0, or -errno with *ret_problem when the directory cannot be read. */
int audit_services_read(struct audit_services *ret, char **ret_problem) _must_check_;
void audit_services_release(struct audit_services *services);

/* NULL: this host has no such service. */
const struct audit_service *audit_services_find(const struct audit_services *services, const char *name);

/* Whether the service's line passes this user by exempt=. */
bool audit_service_exempts(const struct audit_service *service, const struct identity *identity);

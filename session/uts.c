/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/uts.h"

#include <string.h>

int apply_hostname(const struct step *step)
{
	return sethostname(step->value, strlen(step->value)) < 0 ? -errno : 0;
}

int apply_domainname(const struct step *step)
{
	return setdomainname(step->value, strlen(step->value)) < 0 ? -errno : 0;
}

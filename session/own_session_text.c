/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/own_session_text.h"

#include "session/error_text.h"

#include <stdbool.h>
#include <string.h>

#define APPARMOR                                                                                                    \
	"the sysctl kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor lets only programs with a profile " \
	"that says \"userns,\" use user namespaces; root can make nsrun such a profile, or set it to 0"

static long read_number(const char *root, const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_(fclosep) FILE *file = NULL;
	long number;

	if (asprintf(&path, "%s/%s", root, name) < 0) {
		path = NULL;
		return -1;
	}
	file = fopen(path, "re");
	return file && fscanf(file, "%ld", &number) == 1 ? number : -1;
}

struct userns_settings userns_settings_read(const char *root)
{
	return (struct userns_settings){
		.clone = read_number(root, "kernel/unprivileged_userns_clone"),
		.max = read_number(root, "user/max_user_namespaces"),
		.apparmor = read_number(root, "kernel/apparmor_restrict_unprivileged_userns"),
	};
}

static char *full_text(const struct userns_settings *settings)
{
	char *text;

	if (settings->max == 0)
		return strdup("the sysctl user.max_user_namespaces is 0: this host has no user namespaces; root can "
			      "raise it");
	if (asprintf(&text,
		     "the limit user.max_user_namespaces (%ld) is reached, or user namespaces are nested 32 deep, the "
		     "kernel's limit",
		     settings->max) < 0)
		return NULL;
	return text;
}

static bool is_denied(int error)
{
	return error == -EPERM || error == -EACCES;
}

char *userns_text(const struct userns_settings *settings, int error)
{
	char buffer[ERROR_TEXT_SIZE];

	if (error == -ENOSPC || error == -EUSERS)
		return full_text(settings);
	if (is_denied(error) && settings->clone == 0)
		return strdup("the sysctl kernel.unprivileged_userns_clone is 0: only root makes user namespaces on "
			      "this host; root can set it to 1, or run the command by -u");
	if (is_denied(error) && settings->apparmor > 0)
		return strdup(APPARMOR);
	if (is_denied(error))
		return strdup("this host lets only root make user namespaces: a chroot, a container or a filter of "
			      "system calls forbids it");
	if (error == -EINVAL)
		return strdup("this kernel has no user namespaces");
	return strdup(error_text(error, buffer));
}

char *own_step_text(const struct userns_settings *settings, const char *step, int error)
{
	if (!is_denied(error))
		return strdup("");
	if (settings->apparmor > 0)
		return strdup("; " APPARMOR);
	if (strcmp(step, "mount-proc") == 0)
		return strdup("; the kernel gives a user a proc only where nothing covers a part of the host's, as in "
			      "containers; mount { proc = \"host\" } leaves the host's");
	if (strcmp(step, "mount-sys") == 0)
		return strdup("; the kernel gives a user a sysfs only where nothing covers a part of the host's, as in "
			      "containers; network { mode = \"host\" } leaves the host's");
	return strdup("");
}

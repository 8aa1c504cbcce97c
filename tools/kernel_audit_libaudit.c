/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/kernel_audit.h"

#include "common/cleanup.h"
#include "common/error.h"

#include <fcntl.h>
#include <libaudit.h>
#include <string.h>

/*
 * Bytes of a value. The library cuts off a record at MAX_AUDIT_MESSAGE_LENGTH, and last in it stands how it went.
 */
#define COMMAND_MAX 2400
#define VALUE_MAX   320

/*
 * The library reads /proc/self/exe with its first record and keeps that, and inside a session the link is gone. So one
 * goes nowhere: ENOTSOCK.
 */
static void learn_name(void)
{
	_cleanup_close_ int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)audit_log_user_message(nowhere, AUDIT_TRUSTED_APP, "", NULL, NULL, NULL, 0);
}

struct kernel_audit kernel_audit_open(void)
{
	/* EPROTONOSUPPORT and its kin: a kernel without audit */
	struct kernel_audit audit = { .fd = audit_open() };

	if (audit.fd >= 0)
		learn_name();
	return audit;
}

/*
 * " NAME=VALUE", as ausearch(8) reads it: in quotes, or in hexadecimal digits where that would be misread, which are
 * twice as many. A value of more bytes than `max` ends in "...".
 */
static int put(FILE *out, const char *name, const char *value, size_t max)
{
	_cleanup_free_ char *pair = NULL;
	_cleanup_free_ char *cut = NULL;

	if (!value)
		return 0;
	if (strlen(value) > max) {
		if (asprintf(&cut, "%.*s...", (int)(max - strlen("...")), value) < 0) {
			cut = NULL;
			return -ENOMEM;
		}
		value = cut;
	}
	pair = audit_encode_nv_string(name, value, (unsigned)strlen(value));
	return pair && fprintf(out, " %s", pair) > 0 ? 0 : -ENOMEM;
}

static int compose(const struct audit_event *event, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return -ENOMEM;
	r = fprintf(out, "op=%s", event->op) < 0 ? -ENOMEM : 0;
	if (r == 0)
		r = put(out, "acct", event->user, VALUE_MAX);
	if (r == 0)
		r = put(out, "session", event->session, VALUE_MAX);
	if (r == 0)
		r = put(out, "policy", event->policy, VALUE_MAX);
	if (r == 0)
		r = put(out, "as", event->as, VALUE_MAX);
	if (r == 0)
		r = put(out, "cmd", event->command, COMMAND_MAX);
	if (fclose(out) != 0 || r < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}

/* ECONNREFUSED: in a user namespace of a container, EPERM: in one without cap_audit_write; neither has an audit. */
static bool has_no_audit(int error)
{
	return error == ECONNREFUSED || error == EPERM;
}

int kernel_audit_send(const struct kernel_audit *audit, const struct audit_event *event)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (audit->fd < 0)
		return 0;
	r = compose(event, &text);
	if (r < 0)
		return r;
	/* a host name would be looked up; the terminal is that of standard input */
	if (audit_log_user_message(audit->fd, AUDIT_TRUSTED_APP, text, NULL, NULL, NULL, !event->failed) > 0)
		return 0;
	return has_no_audit(errno) ? 0 : negative_errno();
}

void kernel_audit_close(struct kernel_audit *audit)
{
	audit->fd = close_fd(audit->fd);
}

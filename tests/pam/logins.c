/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam/logins.h"

#include "common/cleanup.h"
#include "nsisolate-config.h"
#include "pam/check.h"
#include "pam/log.h"
#include "session/record.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define REAL_HELPER NSISOLATE_HELPER ".real"

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	return walk->level > 0 ? remove(path) : 0;
}

void empty_directory(const char *path)
{
	if (mkdir(path, 0755) < 0)
		(void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	CHECK_INT(chmod(path, 0755), 0);
}

void write_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_INT(fchmod(fd, mode), 0);
	close_fd(fd);
}

void write_stack(const char *service, const char *format, ...)
{
	char path[256], text[2048];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)snprintf(path, sizeof(path), STACKS "/%s", service);
	write_text(path, text, 0644);
}

void set_policy(const char *name, const char *text)
{
	char path[512];

	(void)mkdir(NSISOLATE_POLICY_DIRECTORY "/user", 0755);
	(void)mkdir(NSISOLATE_POLICY_DIRECTORY "/group", 0755);
	(void)snprintf(path, sizeof(path), NSISOLATE_POLICY_DIRECTORY "/%s", name);
	write_text(path, text, 0644);
}

void replace_helper(const char *text, mode_t mode)
{
	CHECK_INT(rename(NSISOLATE_HELPER, REAL_HELPER), 0);
	if (text)
		write_text(NSISOLATE_HELPER, text, mode);
}

void make_host_clean(void)
{
	empty_directory(STACKS);
	empty_directory(NSISOLATE_POLICY_DIRECTORY);
	(void)nftw(RECORD_DIRECTORY, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	/* where a case had replaced it */
	(void)rename(REAL_HELPER, NSISOLATE_HELPER);
	log_forget();
	set_policy("default.conf", "");
}

/* PAM */

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	struct login *login = data;

	*responses = calloc((size_t)count, sizeof(**responses));
	if (!*responses)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		size_t used = strlen(login->said);

		(void)snprintf(login->said + used, sizeof(login->said) - used, "%s\n", messages[i]->msg);
	}
	return PAM_SUCCESS;
}

void login_start(struct login *login, const char *service, const char *user)
{
	/* libpam copies it; the module reaches us through it only while the login exists */
	const struct pam_conv conversation = { converse, login };

	*login = (struct login){ 0 };
	CHECK_INT(pam_start_confdir(service, user, &conversation, STACKS, &login->pamh), PAM_SUCCESS);
}

int login_open(struct login *login, int flags)
{
	return pam_open_session(login->pamh, flags);
}

int login_close(struct login *login, int flags)
{
	return pam_close_session(login->pamh, flags);
}

void login_end(struct login *login, int status)
{
	CHECK_INT(pam_end(login->pamh, status), PAM_SUCCESS);
	login->pamh = NULL;
}

void login_in(struct login *login, const char *user)
{
	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(login, "test", user);
	CHECK_INT(login_open(login, 0), PAM_SUCCESS);
}

void login_out(struct login *login)
{
	CHECK_INT(login_close(login, 0), PAM_SUCCESS);
	login_end(login, PAM_SUCCESS);
}

const char *login_id(struct login *login)
{
	return pam_getenv(login->pamh, "NSISOLATE_ID");
}

/* Records */

size_t count_records(void)
{
	struct record_list list;
	size_t count;

	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	count = list.count;
	record_list_release(&list);
	return count;
}

pid_t init_of(const char *id)
{
	struct record_list list;
	pid_t init = 0;

	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	for (size_t i = 0; i < list.count; i++)
		if (strcmp(list.items[i].name, id) == 0 && list.items[i].alive)
			init = list.items[i].init_pid;
	record_list_release(&list);
	return init;
}

bool record_gone(void *id)
{
	return init_of(id) == 0;
}

/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/firewall_state.h"

#include "common/read_whole.h"
#include "common/write_whole.h"
#include "config/text_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define STATE_FORMAT "nsisolate-rules=1\nhash=%016" PRIx64 "\nfingerprint=%016" PRIx64 "\nrules=%u\ngeneration=%u\n"
#define STATE_MAX    256

bool firewall_is_name(const char *name)
{
	return strlen(name) == FIREWALL_NAME_LENGTH && strncmp(name, "ns", 2) == 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz234567") == FIREWALL_NAME_LENGTH;
}

static int is_rules(const struct dirent *entry)
{
	return firewall_is_name(entry->d_name);
}

int firewall_names(int directory, char ***ret)
{
	_cleanup_(text_list_freep) char **names = NULL;
	struct dirent **entries = NULL;
	int r = 0, count = scandirat(directory, ".", &entries, is_rules, alphasort);

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = text_list_add(&names, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (r == 0)
		*ret = TAKE_PTR(names);
	return r;
}

int firewall_known_read(int directory, const char *name, struct firewall_known *ret)
{
	_cleanup_close_ int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char again[STATE_MAX];
	struct firewall_known known = { 0 };
	size_t size;
	int r;

	if (file < 0)
		return -errno;
	r = read_whole(file, STATE_MAX - 1, &text, &size);
	if (r < 0)
		return r;
	if (sscanf(text, "nsisolate-rules=1 hash=%" SCNx64 " fingerprint=%" SCNx64 " rules=%u generation=%" SCNu32,
		   &known.hash, &known.view.fingerprint, &known.view.rules, &known.generation) != 4)
		return -EBADMSG;
	(void)snprintf(again, sizeof(again), STATE_FORMAT, known.hash, known.view.fingerprint, known.view.rules,
		       known.generation);
	if (strcmp(again, text) != 0)
		return -EBADMSG;
	*ret = known;
	return 0;
}

int firewall_write_file(int directory, const char *name, const char *text)
{
	char temporary[64];
	int r;

	(void)snprintf(temporary, sizeof(temporary), ".%s.%d", name, (int)getpid());

	_cleanup_close_ int file =
		openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (file < 0)
		return -errno;
	r = write_whole(file, text, strlen(text));
	if (r == 0 && renameat(directory, temporary, directory, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(directory, temporary, 0);
	return r;
}

int firewall_known_write(int directory, const char *name, const struct firewall_known *known)
{
	char text[STATE_MAX];

	(void)snprintf(text, sizeof(text), STATE_FORMAT, known->hash, known->view.fingerprint, known->view.rules,
		       known->generation);
	return firewall_write_file(directory, name, text);
}

static const char *text_file(const char *name, char ret[FIREWALL_NAME_LENGTH + sizeof(FIREWALL_TEXT_SUFFIX)])
{
	(void)stpcpy(mempcpy(ret, name, FIREWALL_NAME_LENGTH), FIREWALL_TEXT_SUFFIX);
	return ret;
}

void firewall_known_touch(int directory, const char *name)
{
	char file[FIREWALL_NAME_LENGTH + sizeof(FIREWALL_TEXT_SUFFIX)];

	/* tolerates what it may: rules that nobody is under are then taken away too soon, and loaded again */
	(void)utimensat(directory, text_file(name, file), NULL, AT_SYMLINK_NOFOLLOW);
}

bool firewall_known_is_old(int directory, const char *name, int64_t seconds)
{
	char file[FIREWALL_NAME_LENGTH + sizeof(FIREWALL_TEXT_SUFFIX)];
	struct stat status;

	return fstatat(directory, text_file(name, file), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (int64_t)time(NULL) - status.st_mtim.tv_sec > seconds;
}

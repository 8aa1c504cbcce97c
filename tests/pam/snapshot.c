/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam/snapshot.h"

#include "pam/harness.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <syslog.h>

#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000 /* asm/signal.h */
#endif

static char *join_environment(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	CHECK(out);
	for (char **variable = environ; variable && *variable; variable++)
		fprintf(out, "%s\n", *variable);
	CHECK_INT(fclose(out), 0);
	return text;
}

static void list_descriptors(struct snapshot *snapshot)
{
	char path[32];
	int directory;
	DIR *stream;
	const struct dirent *entry;

	(void)snprintf(path, sizeof(path), "%d/fd", (int)getpid());
	directory = openat(host_proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(directory >= 0);
	stream = fdopendir(directory);
	CHECK(stream);
	while ((entry = readdir(stream))) {
		struct snapshot_fd *fd = &snapshot->fds[snapshot->fd_count];
		int number = atoi(entry->d_name);

		if (*entry->d_name == '.' || number == directory)
			continue;
		CHECK(snapshot->fd_count < SNAPSHOT_FDS);
		fd->number = number;
		fd->flags = fcntl(number, F_GETFD);
		CHECK(readlinkat(directory, entry->d_name, fd->target, sizeof(fd->target) - 1) > 0);
		snapshot->fd_count++;
	}
	(void)closedir(stream);
}

void snapshot_take(struct snapshot *ret)
{
	*ret = (struct snapshot){ 0 };
	list_descriptors(ret);
	CHECK_INT(sigprocmask(SIG_SETMASK, NULL, &ret->mask), 0);
	for (int i = 1; i < SNAPSHOT_SIGNALS; i++)
		(void)sigaction(i, NULL, &ret->actions[i]);
	ret->file_mask = umask(0);
	(void)umask(ret->file_mask);
	ret->environment = join_environment();
	ret->directory = getcwd(NULL, 0);
	ret->locale = strdup(setlocale(LC_ALL, NULL));
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		CHECK_INT(getrlimit((__rlimit_resource_t)i, &ret->limits[i]), 0);
	ret->log_mask = setlogmask(0);
	CHECK_INT(getresuid(&ret->uids[0], &ret->uids[1], &ret->uids[2]), 0);
	CHECK_INT(getresgid(&ret->gids[0], &ret->gids[1], &ret->gids[2]), 0);
	read_namespaces(getpid(), ret->namespaces);
	ret->namespaces[NAMESPACE_PID] = children_namespace(getpid());
	ret->children = has_children();
}

static const struct snapshot_fd *find_descriptor(const struct snapshot *snapshot, int number)
{
	for (size_t i = 0; i < snapshot->fd_count; i++)
		if (snapshot->fds[i].number == number)
			return &snapshot->fds[i];
	return NULL;
}

static void compare_signals(const struct snapshot *before, const struct snapshot *after)
{
	for (int i = 1; i < SNAPSHOT_SIGNALS; i++) {
		CHECK_INT(sigismember(&after->mask, i), sigismember(&before->mask, i));
		CHECK(after->actions[i].sa_handler == before->actions[i].sa_handler);
		/* the C library's own mark, on every action that was ever set */
		CHECK_INT(after->actions[i].sa_flags & ~SA_RESTORER, before->actions[i].sa_flags & ~SA_RESTORER);
		for (int j = 1; j < SNAPSHOT_SIGNALS; j++)
			CHECK_INT(sigismember(&after->actions[i].sa_mask, j),
				  sigismember(&before->actions[i].sa_mask, j));
	}
}

static void compare_descriptors(const struct snapshot *before, const struct snapshot *after)
{
	for (size_t i = 0; i < before->fd_count; i++) {
		const struct snapshot_fd *fd = &before->fds[i];
		const struct snapshot_fd *found = find_descriptor(after, fd->number);

		CHECK(found);
		CHECK_INT(found->flags, fd->flags);
		CHECK_INT(strcmp(found->target, fd->target), 0);
	}
}

void snapshot_compare(const struct snapshot *before, const struct snapshot *after, unsigned parts)
{
	compare_signals(before, after);
	compare_descriptors(before, after);
	CHECK_INT(after->file_mask, before->file_mask);
	CHECK_INT(strcmp(after->environment, before->environment), 0);
	CHECK_INT(strcmp(after->directory, before->directory), 0);
	CHECK_INT(strcmp(after->locale, before->locale), 0);
	CHECK_INT(memcmp(after->limits, before->limits, sizeof(after->limits)), 0);
	CHECK_INT(after->log_mask, before->log_mask);
	CHECK_INT(memcmp(after->uids, before->uids, sizeof(after->uids)), 0);
	CHECK_INT(memcmp(after->gids, before->gids, sizeof(after->gids)), 0);
	CHECK_INT(after->children, before->children);
	if (parts & SNAPSHOT_FDS_TOO)
		CHECK_INT(after->fd_count, before->fd_count);
	if (parts & SNAPSHOT_NAMESPACES_TOO)
		for (size_t i = 0; i < NAMESPACE_KINDS; i++)
			CHECK_INT(after->namespaces[i], before->namespaces[i]);
}

size_t snapshot_new_fds(const struct snapshot *before, const struct snapshot *after, const char *prefix)
{
	size_t count = 0;

	for (size_t i = 0; i < after->fd_count; i++) {
		const struct snapshot_fd *fd = &after->fds[i];

		if (find_descriptor(before, fd->number) || strncmp(fd->target, prefix, strlen(prefix)) != 0)
			continue;
		CHECK_INT(fd->flags, FD_CLOEXEC);
		count++;
	}
	return count;
}

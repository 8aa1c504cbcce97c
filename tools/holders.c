/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/holders.h"

#include <fcntl.h>
#include <string.h>

struct holding {
	uint64_t inode;
	const struct session *session;
};

static int compare(const void *a, const void *b)
{
	const struct holding *left = a, *right = b;

	return (left->inode > right->inode) - (left->inode < right->inode);
}

/* One that only those have who are in the session. */
static bool is_held_by(const struct session *session, enum namespace_kind kind)
{
	return session_is_alive(session) && session->apart[kind] &&
	       (kind != NAMESPACE_NETWORK || !session_shares_network(session));
}

int holdings_make(const struct sessions *sessions, struct holdings *ret)
{
	struct holdings holdings = { .items = calloc(sessions->count * NAMESPACE_KINDS + 1, sizeof(struct holding)) };

	if (!holdings.items)
		return -ENOMEM;
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *session = sessions->items[i];

		for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
			if (is_held_by(session, kind))
				holdings.items[holdings.count++] =
					(struct holding){ session->namespaces[kind], session };
	}
	qsort(holdings.items, holdings.count, sizeof(*holdings.items), compare);
	*ret = holdings;
	return 0;
}

void holdings_release(struct holdings *holdings)
{
	free(holdings->items);
	*holdings = (struct holdings){ 0 };
}

const struct session *holdings_find(const struct holdings *holdings, uint64_t inode)
{
	const struct holding key = { .inode = inode }, *found = NULL;

	if (holdings->count > 0)
		found = bsearch(&key, holdings->items, holdings->count, sizeof(key), compare);
	return found ? found->session : NULL;
}

const struct session *holdings_find_named(const struct holdings *holdings, const char *name)
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		const size_t length = strlen(namespace_table[kind].proc_link);

		if (strncmp(name, namespace_table[kind].proc_link, length) == 0 && strncmp(name + length, ":[", 2) == 0)
			return holdings_find(holdings, strtoull(name + length + 2, NULL, 10));
	}
	return NULL;
}

static int visit_link(const struct holdings *holdings, int directory, const char *name, holder_visitor visit,
		      void *data)
{
	const struct session *session;
	char link[64];
	ssize_t size = name[0] == '.' ? -1 : readlinkat(directory, name, link, sizeof(link) - 1);

	/* most are paths */
	if (size <= 0 || link[0] == '/')
		return 0;
	link[size] = '\0';
	session = holdings_find_named(holdings, link);
	return session ? visit(session, link, data) : 0;
}

/* Without the 32 kB that readdir(3) takes for a directory: here is one a process, and most are short. */
int holdings_visit_open(const struct holdings *holdings, int process, holder_visitor visit, void *data)
{
	_cleanup_close_ int fd = holdings->count == 0 ? -1 : openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char entries[4096];
	ssize_t size;
	int r = 0;

	while (r == 0 && fd >= 0 && (size = getdents64(fd, entries, sizeof(entries))) > 0) {
		for (ssize_t at = 0; r == 0 && at < size;) {
			const struct dirent64 *entry = (const struct dirent64 *)(const void *)&entries[at];

			r = visit_link(holdings, fd, entry->d_name, visit, data);
			at += entry->d_reclen;
		}
	}
	return r;
}

int holdings_visit_mounts(const struct holdings *holdings, const struct mount_list *mounts, holding_mount_visitor visit,
			  void *data)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < mounts->count; i++) {
		const struct mount_entry *entry = &mounts->items[i];
		const struct session *session =
			strcmp(entry->type, "nsfs") == 0 ? holdings_find_named(holdings, entry->root) : NULL;

		if (session)
			r = visit(session, entry, data);
	}
	return r;
}

/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/load.h"

#include "common/read_whole.h"
#include "config/check.h"
#include "config/parse.h"
#include "config/text_list.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NS_PER_S       INT64_C(1000000000)
#define SETTLE_NS      (NS_PER_S / 10)

#define STRING(number) #number
#define DIGITS(number) STRING(number)

static int unusable(const char *name, const char *why, struct diagnostics *diag)
{
	diagnostics_add(diag, SEVERITY_ERROR, name, 0, "%s", why);
	return -EBADMSG;
}

static int stat_file(int fd, const char *name, struct stat *ret, struct diagnostics *diag)
{
	if (fstat(fd, ret) < 0)
		return unusable(name, strerrordesc_np(errno), diag);
	if (!S_ISREG(ret->st_mode))
		return unusable(name, "a policy is a regular file", diag);
	if (ret->st_size > POLICY_FILE_MAX)
		return unusable(name, "the file is too large for a policy", diag);
	return 0;
}

/*
 * A file that was cut to be written anew may read as a whole policy, for instance as an empty one. Nobody can tell but
 * by waiting: what has not been written to for a while is not being written.
 */
static void let_settle(const struct stat *st)
{
	struct timespec now, left;
	int64_t age;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	age = (int64_t)(now.tv_sec - st->st_mtim.tv_sec) * NS_PER_S + now.tv_nsec - st->st_mtim.tv_nsec;
	if (age < 0 || age >= SETTLE_NS)
		return;
	left = (struct timespec){ .tv_nsec = (long)(SETTLE_NS - age) };
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

/* All of the file, and the same file before and after. */
static int read_file(int fd, const char *name, char **ret, size_t *ret_size, struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	struct stat before, after;
	size_t size = 0;
	bool longer;
	int r;

	r = stat_file(fd, name, &before, diag);
	if (r < 0)
		return r;
	let_settle(&before);
	r = read_whole(fd, (size_t)before.st_size, &text, &size);
	longer = r == -EFBIG;
	if (r == -ENOMEM)
		return r;
	if (r < 0 && !longer)
		return unusable(name, strerrordesc_np(-r), diag);
	r = stat_file(fd, name, &after, diag);
	if (r < 0)
		return r;
	if (longer || size != (size_t)before.st_size || after.st_size != before.st_size ||
	    after.st_mtim.tv_sec != before.st_mtim.tv_sec || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		return unusable(name, "the file changed while it was read; write a new file and rename it", diag);
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

static void layer_release(struct layer *layer)
{
	free(layer->file);
	settings_release(&layer->settings);
	*layer = (struct layer){ 0 };
}

void layers_release(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		layer_release(&layers->items[i]);
	free(layers->items);
	*layers = (struct layers){ 0 };
}

/* One file by itself: every mistake in it goes to diag, in the order of the lines. */
static int settings_read(const char *name, const char *text, size_t size, struct settings *ret,
			 struct diagnostics *diag)
{
	_cleanup_(statements_release) struct statements statements = { 0 };
	_cleanup_(settings_release) struct settings settings = { 0 };
	size_t first = diag->count;
	bool incomplete;
	int r;

	r = policy_parse(name, text, size, &statements, diag);
	incomplete = r == PARSE_INCOMPLETE;
	if (r >= 0)
		r = settings_check(name, &statements, &settings, diag);
	if (r >= 0 && incomplete)
		r = -EBADMSG;
	diagnostics_sort(diag, first);
	if (r < 0)
		return r;
	*ret = settings;
	settings = (struct settings){ 0 };
	return 0;
}

static int layers_add(struct layers *layers, const char *name, const char *text, size_t size, struct diagnostics *diag)
{
	_cleanup_(layer_release) struct layer layer = { .file = strdup(name) };
	struct layer *items;
	int r;

	if (!layer.file)
		return -ENOMEM;
	r = settings_read(name, text, size, &layer.settings, diag);
	if (r < 0)
		return r;
	items = reallocarray(layers->items, layers->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	layers->items = items;
	items[layers->count++] = layer;
	layer = (struct layer){ 0 };
	return 0;
}

/* NULL for a file that stands alone. */
static const struct setting *extends_of(const struct layer *layer)
{
	for (size_t i = 0; i < layer->settings.count; i++)
		if (layer->settings.items[i].key == KEY_EXTENDS)
			return &layer->settings.items[i];
	return NULL;
}

/* "a -> b -> NEXT" from layer `first` on, reported where that layer extends the second. */
static int report_chain(const struct layers *layers, size_t first, const char *next, const char *what,
			struct diagnostics *diag)
{
	_cleanup_(text_list_freep) char **names = NULL;
	_cleanup_free_ char *chain = NULL;
	const struct layer *start = &layers->items[first];
	int r = 0;

	for (size_t i = first; r == 0 && i < layers->count; i++)
		r = text_list_add(&names, layers->items[i].file);
	chain = r == 0 ? text_list_join(names, " -> ") : NULL;
	if (!chain)
		return -ENOMEM;
	diagnostics_add(diag, SEVERITY_ERROR, start->file, extends_of(start)->line, "extends: %s -> %s %s", chain, next,
			what);
	return -EBADMSG;
}

static int check_chain(const struct layers *layers, const char *next, struct diagnostics *diag)
{
	for (size_t i = 0; i < layers->count; i++)
		if (strcmp(layers->items[i].file, next) == 0)
			return report_chain(layers, i, next, "is a loop", diag);
	if (layers->count > EXTENDS_MAX)
		return report_chain(layers, 0, next,
				    "is too deep: a file builds on at most " DIGITS(EXTENDS_MAX) " others", diag);
	return 0;
}

static int open_extended(const struct policy_root *root, const char *file, const struct setting *extends, int *ret_fd,
			 struct diagnostics *diag)
{
	_cleanup_free_ char *problem = NULL;
	const char *name = extends->value.text;
	int r;

	if (!root->open) {
		diagnostics_add(diag, SEVERITY_ERROR, file, extends->line,
				"extends: there is no policy directory to find '%s' in", name);
		return -EBADMSG;
	}
	r = policy_file_open(root->fd, name, root->flags, ret_fd, &problem);
	if (r == -ENOENT)
		diagnostics_add(diag, SEVERITY_ERROR, file, extends->line,
				"extends: there is no '%s' in the policy directory", name);
	else if (r < 0 && problem)
		return unusable(name, problem, diag);
	return r == -ENOENT ? -EBADMSG : r;
}

/* Adds what the last file extends. */
static int layers_extend(const struct policy_root *root, struct layers *layers, const struct setting *extends,
			 struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t size;
	int r;

	r = check_chain(layers, extends->value.text, diag);
	if (r >= 0)
		r = open_extended(root, layers->items[layers->count - 1].file, extends, &fd, diag);
	if (r >= 0)
		r = read_file(fd, extends->value.text, &text, &size, diag);
	return r < 0 ? r : layers_add(layers, extends->value.text, text, size, diag);
}

int layers_load_text(const struct policy_root *root, const char *name, const char *text, size_t size,
		     struct layers *ret, struct diagnostics *diag)
{
	_cleanup_(layers_release) struct layers layers = { 0 };
	const struct setting *extends;
	int r;

	r = layers_add(&layers, name, text, size, diag);
	while (r >= 0 && (extends = extends_of(&layers.items[layers.count - 1])))
		r = layers_extend(root, &layers, extends, diag);
	if (r < 0)
		return r;
	*ret = layers;
	layers = (struct layers){ 0 };
	return 0;
}

int layers_load(const struct policy_root *root, const char *name, int fd, struct layers *ret, struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = read_file(fd, name, &text, &size, diag);
	return r < 0 ? r : layers_load_text(root, name, text, size, ret, diag);
}

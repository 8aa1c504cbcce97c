/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/mount_places.h"

#include "common/paths.h"
#include "config/engines.h"
#include "config/path.h"
#include "config/problem.h"
#include "config/text_list.h"

#include <limits.h>
#include <string.h>

void mount_places_release(struct mount_places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		free(places->items[i].path);
		free(places->items[i].source);
	}
	free(places->items);
	free(places->home);
	*places = (struct mount_places){ 0 };
}

static int expand_path(enum policy_key key, const char *written, enum path_use use, const struct expansion *names,
		       char **ret, char **ret_problem)
{
	_cleanup_free_ char *sentence = NULL;
	int r;

	if (!names) {
		*ret = strdup(written);
		return *ret ? 0 : -ENOMEM;
	}
	r = mount_path_expand(written, use, names, ret, &sentence);
	if (r == -EINVAL)
		return problem(ret_problem, r, "%s: %s", policy_keys[key].name, sentence);
	return r;
}

static int add(struct mount_places *places, struct mount_place place, enum path_use use, const struct expansion *names,
	       char **ret_problem)
{
	int r = expand_path(place.key, listed_path(place.written), use, names, &place.path, ret_problem);

	if (r < 0)
		return r;
	places->items[places->count++] = place;
	return 0;
}

/* Where homes-roots is the default, homes is what brings it in. */
static struct origin origin_of(const struct policy *policy, enum policy_key key)
{
	return policy->origins[key].line == 0 && key == KEY_MOUNT_HOMES_ROOTS ? policy->origins[KEY_MOUNT_HOMES]
									      : policy->origins[key];
}

static int add_list(struct mount_places *places, const struct policy *policy, enum policy_key key, char *const *list,
		    const struct expansion *names, char **ret_problem)
{
	const enum path_use use = key == KEY_MOUNT_HIDE        ? PATH_HIDE
				  : key == KEY_MOUNT_READ_ONLY ? PATH_READ_ONLY
							       : PATH_HOMES;
	int r = 0;

	for (; r == 0 && list && *list; list++)
		r = add(places,
			(struct mount_place){ .key = key,
					      .written = *list,
					      .optional = listed_path_may_be_missing(*list),
					      .origin = origin_of(policy, key) },
			use, names, ret_problem);
	return r;
}

static int add_private(struct mount_places *places, const struct policy *policy, const struct expansion *names,
		       char **ret_problem)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < policy->mount.private_count; i++) {
		const struct private_directory *directory = &policy->mount.private[i];

		r = add(places,
			(struct mount_place){ .key = KEY_MOUNT_PRIVATE,
					      .written = directory->path,
					      .directory = directory,
					      .origin = directory->origin },
			PATH_PRIVATE, names, ret_problem);
	}
	return r;
}

static int add_binds(struct mount_places *places, const struct policy *policy, const struct expansion *names,
		     char **ret_problem)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < policy->mount.bind_count; i++) {
		const struct bind_directory *bind = &policy->mount.bind[i];

		r = add(places,
			(struct mount_place){ .key = KEY_MOUNT_BIND,
					      .written = bind->path,
					      .bind = bind,
					      .origin = bind->origins[0] },
			PATH_BIND, names, ret_problem);
		if (r == 0 && bind->source)
			r = expand_path(KEY_MOUNT_BIND_SOURCE, bind->source, PATH_SOURCE, names,
					&places->items[places->count - 1].source, ret_problem);
	}
	return r;
}

static bool is_home_of(const struct mount_places *places, const struct mount_place *place)
{
	return place->key == KEY_MOUNT_HOMES_ROOTS && places->home && path_is_below(places->home, place->path);
}

/* All that is left of the directories that hold homes is the one of who logs in: there must be that one. */
static int find_home(struct mount_places *places, const struct policy *policy, const struct expansion *names,
		     char **ret_problem)
{
	_cleanup_free_ char *sentence = NULL, *roots = NULL;
	int r = home_path_parse(names->home ? names->home : "", &places->home, &sentence);

	if (r == -EINVAL)
		return problem(ret_problem, r, "%s: the home directory of %s: %s", policy_keys[KEY_MOUNT_HOMES].name,
			       names->user, sentence);
	if (r < 0)
		return r;
	for (size_t i = 0; i < places->count; i++) {
		struct mount_place *place = &places->items[i];

		if (!is_home_of(places, place))
			continue;
		place->optional = false;
		return 0;
	}
	roots = text_list_join(policy->mount.homes_roots, ", ");
	return !roots ? -ENOMEM
		      : problem(ret_problem, -EINVAL, "%s: the home directory '%s' of %s lies below none of %s (%s)",
				policy_keys[KEY_MOUNT_HOMES].name, places->home, names->user, roots,
				policy_keys[KEY_MOUNT_HOMES_ROOTS].name);
}

/* Whatever else the policy says of their directories: they contradict nothing. */
static int add_engines(struct mount_places *places)
{
	for (size_t i = 0; i < ELEMENTS(engines); i++) {
		struct mount_place place = {
			.key = KEY_MOUNT_HIDE_ENGINES,
			.path = strdup(engines[i].hidden),
			.written = engines[i].hidden,
			.optional = true,
		};

		if (!place.path)
			return -ENOMEM;
		places->items[places->count++] = place;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct mount_place *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	return order != 0 ? order : (int)left->key - (int)right->key;
}

/* With and without '-', or by two expansions; one that must be there must be there. */
static void join_same(struct mount_places *places)
{
	size_t count = 0;

	for (size_t i = 0; i < places->count; i++) {
		struct mount_place *last = count > 0 ? &places->items[count - 1] : NULL, *place = &places->items[i];

		if (!last || compare(last, place) != 0 ||
		    (place->key != KEY_MOUNT_HIDE && place->key != KEY_MOUNT_READ_ONLY &&
		     place->key != KEY_MOUNT_HOMES_ROOTS)) {
			places->items[count++] = *place;
			continue;
		}
		last->optional = last->optional && place->optional;
		free(place->path);
	}
	places->count = count;
}

int mount_places_make(const struct policy *policy, const struct expansion *names, struct mount_places *ret,
		      char **ret_problem)
{
	const size_t most = policy->mount.private_count + policy->mount.bind_count +
			    text_list_count(policy->mount.hide) + text_list_count(policy->mount.read_only) +
			    text_list_count(policy->mount.homes_roots) + ELEMENTS(engines);
	const bool homes = policy->mount.isolate && policy->mount.homes == HOMES_OWN;
	int r;

	*ret = (struct mount_places){ .items = calloc(most + 1, sizeof(*ret->items)) };
	if (!ret->items)
		return -ENOMEM;
	r = add_private(ret, policy, names, ret_problem);
	if (r == 0)
		r = add_binds(ret, policy, names, ret_problem);
	if (r == 0)
		r = add_list(ret, policy, KEY_MOUNT_HIDE, policy->mount.hide, names, ret_problem);
	if (r == 0)
		r = add_list(ret, policy, KEY_MOUNT_READ_ONLY, policy->mount.read_only, names, ret_problem);
	if (r == 0 && homes)
		r = add_list(ret, policy, KEY_MOUNT_HOMES_ROOTS, policy->mount.homes_roots, names, ret_problem);
	if (r == 0 && homes && names)
		r = find_home(ret, policy, names, ret_problem);
	if (r == 0 && policy->mount.isolate && policy->mount.hide_engines)
		r = add_engines(ret);
	if (r < 0)
		return r;
	qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	join_same(ret);
	return 0;
}

static int check_same(const struct mount_place *first, const struct mount_place *second, char **ret_problem)
{
	if (first->key == second->key)
		return problem(ret_problem, -EINVAL, "%s: '%s' and '%s' are the same directory for this login, '%s'",
			       policy_keys[first->key].name, first->written, second->written, first->path);
	return problem(ret_problem, -EINVAL, "%s: '%s' is a directory of %s as well; remove one of them",
		       policy_keys[second->key].name, second->path, policy_keys[first->key].name);
}

/* Of what is below a directory that holds homes nothing is left but the home, which is known when somebody logs in. */
static bool is_of_another_home(const struct mount_places *places, const struct mount_place *below)
{
	if (below->key == KEY_MOUNT_HOMES_ROOTS)
		return true;
	return places->home && strcmp(below->path, places->home) != 0 && !path_is_below(below->path, places->home);
}

/* A directory that is covered is empty. What is private within a private one is another matter: nsinspect warns. */
static bool covers(const struct mount_places *places, const struct mount_place *above, const struct mount_place *below)
{
	if (above->key == KEY_MOUNT_HOMES_ROOTS)
		return is_of_another_home(places, below);
	return above->key == KEY_MOUNT_HIDE || (above->key == KEY_MOUNT_PRIVATE && below->key != KEY_MOUNT_PRIVATE);
}

static int check_pair(const struct mount_places *places, const struct mount_place *first,
		      const struct mount_place *second, char **ret_problem)
{
	if (first->key == KEY_MOUNT_HIDE_ENGINES || second->key == KEY_MOUNT_HIDE_ENGINES)
		return 0;
	if (strcmp(first->path, second->path) == 0)
		return check_same(first, second, ret_problem);
	if (path_is_below(second->path, first->path) && covers(places, first, second))
		return problem(ret_problem, -EINVAL, "%s: '%s' lies below '%s', which %s covers; remove one of them",
			       policy_keys[second->key].name, second->path, first->path, policy_keys[first->key].name);
	if (first->key == KEY_MOUNT_READ_ONLY && second->key == KEY_MOUNT_BIND && !second->bind->read_only &&
	    path_is_below(second->path, first->path))
		return problem(ret_problem, -EINVAL,
			       "mount.bind: '%s' is to be written in below '%s', which mount.read-only covers; give it "
			       "read-only = true, or remove one of them",
			       second->path, first->path);
	return 0;
}

/* A source is seen as it is on the host: what is covered within it would come to light. */
static int check_source(const struct mount_place *bind, const struct mount_place *other, char **ret_problem)
{
	const bool homes =
		other->key == KEY_MOUNT_HOMES_ROOTS && bind->source && strcmp(other->path, bind->source) == 0;

	if (!bind->source || other->key == KEY_MOUNT_READ_ONLY || (!homes && !path_is_below(other->path, bind->source)))
		return 0;
	return problem(
		ret_problem, -EINVAL,
		"mount.bind: '%s' would show '%s', which %s covers, since its source is '%s'; take a source that does "
		"not hold it",
		bind->path, other->path, policy_keys[other->key].name, bind->source);
}

/* The name that it is kept by is that of one file. */
static int check_name(const struct mount_place *place, char **ret_problem)
{
	_cleanup_free_ char *name = NULL;

	if (place->key != KEY_MOUNT_PRIVATE || place->directory->backing != BACKING_DIRECTORY)
		return 0;
	name = path_encode(place->path);
	if (!name)
		return -ENOMEM;
	if (strlen(name) > NAME_MAX)
		return problem(
			ret_problem, -EINVAL,
			"mount.private: '%s' is too long to be kept in a directory: %zu bytes with each / as three, "
			"and at most %d",
			place->path, strlen(name), NAME_MAX);
	return 0;
}

int mount_place_check(const struct mount_places *places, size_t index, char **ret_problem)
{
	int r = check_name(&places->items[index], ret_problem);

	/* sorted: what contains it comes before it */
	for (size_t i = 0; r == 0 && i < index; i++)
		r = check_pair(places, &places->items[i], &places->items[index], ret_problem);
	for (size_t i = 0; r == 0 && i < places->count; i++)
		r = check_source(&places->items[index], &places->items[i], ret_problem);
	return r;
}

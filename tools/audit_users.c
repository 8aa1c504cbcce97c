/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_users.h"

#include "config/text_list.h"
#include "tools/sorted.h"
#include "tools/verdict.h"

#include <pwd.h>
#include <string.h>

/* Uids of nobody's logins, by the conventions of Linux distributions: systemd's DynamicUser=, nobody, and -1 in 16
 * bits. */
#define DYNAMIC_MIN 61184
#define DYNAMIC_MAX 65519
#define NOBODY      65534
#define NO_UID_16   65535

/* Addresses that no network has, for whoever comes from anywhere else: RFC 5737 and RFC 3849. */
static const char *const elsewhere[] = { "192.0.2.1", "2001:db8::1" };

/* Services that nobody reaches over a network. */
static const char *const local_services[] = {
	"cron", "crond", "atd", "login", "su", "su-l", "sudo", "sudo-i", "systemd-user",
};

struct audit_user {
	uid_t uid;
	char *service; /* NULL: not known */
	char *name;    /* NULL: restricted by nothing */
	char *policy;
};

void audit_users_release(struct audit_users *users)
{
	for (size_t i = 0; i < users->count; i++) {
		free(users->items[i].service);
		free(users->items[i].name);
		free(users->items[i].policy);
	}
	free(users->items);
	users->items = NULL;
	users->count = 0;
}

static bool is_local(const char *service)
{
	for (size_t i = 0; service && i < ELEMENTS(local_services); i++)
		if (strcmp(service, local_services[i]) == 0)
			return true;
	return false;
}

/* A user manager that the policy allows runs outside by its leave. */
static bool isolates(const struct verdict *verdict, const char *service)
{
	return verdict->outcome == VERDICT_POLICY && verdict->policy->mode == MODE_ENFORCE &&
	       (!service || strcmp(service, "systemd-user") != 0 ||
		verdict->policy->user_manager == USER_MANAGER_REFUSE);
}

/* What to ask for to know all about a user: the addresses and services that any of their files names. */
struct questions {
	const struct audit_services *services;
	const char *user;
	char **from;
	char **named;
};

static void questions_release(struct questions *questions)
{
	text_list_free(questions->from);
	text_list_free(questions->named);
}

/* 1 when a login by this service from there is isolated, with the file that decides; 0; or -ENOMEM. */
static int ask(const struct questions *questions, const char *service, const char *from, char **ret_policy)
{
	const struct audit_service *known = service ? audit_services_find(questions->services, service) : NULL;
	_cleanup_(verdict_release) struct verdict verdict = { .directory = -1 };
	const struct verdict_query query = {
		.directory = known ? known->directory : NULL,
		.user = questions->user,
		.service = service,
		.from = from,
	};
	int r = verdict_find(&query, &verdict);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!isolates(&verdict, service) || audit_service_exempts(known, &verdict.identity))
		return 0;

	char *file = strdup(verdict.policy->file);

	if (!file)
		return -ENOMEM;
	free(*ret_policy);
	*ret_policy = file;
	return 1;
}

/* Whether it is so from wherever they come. The same file decides in *ret_policy. */
static int ask_everywhere(const struct questions *questions, const char *service, char **ret_policy)
{
	int r = 1;

	for (size_t i = 0; !is_local(service) && r > 0 && i < ELEMENTS(elsewhere); i++)
		r = ask(questions, service, elsewhere[i], ret_policy);
	for (char **from = questions->from; !is_local(service) && r > 0 && from && *from; from++)
		r = ask(questions, service, *from, ret_policy);
	return r > 0 ? ask(questions, service, NULL, ret_policy) : r;
}

static int add_from(struct questions *questions, char *const *list)
{
	int r = 0;

	for (; r == 0 && list && *list; list++) {
		_cleanup_free_ char *address = strndup(*list, strcspn(*list, "/"));

		if (strcmp(*list, "local") == 0)
			continue;
		r = address ? text_list_add(&questions->from, address) : -ENOMEM;
	}
	return r;
}

/* The files of a user, whatever login they are for. */
static int collect(struct questions *questions, const struct verdict *verdict, const struct verdict_query *query)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < verdict->candidates.count; i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;

		/* a file that is broken is another finding */
		if (verdict_try(verdict, query, &verdict->candidates.items[i], &policy) < 0 || !policy)
			continue;
		r = add_from(questions, policy->from);
		if (r == 0)
			r = text_list_add_all(&questions->named, policy->services);
		if (r == 0)
			r = text_list_add_all(&questions->named, policy->sections);
	}
	return r;
}

/* Of a service nothing is known: each of this host that is special must isolate, as must all that are not. */
static int ask_every_service(const struct questions *questions, char **ret_policy)
{
	int r = 1;

	for (size_t i = 0; r > 0 && i < questions->services->count; i++) {
		const struct audit_service *service = &questions->services->items[i];

		if (service->directory || service->exempt || text_list_has(questions->named, service->name))
			r = ask_everywhere(questions, service->name, ret_policy);
	}
	return r > 0 ? ask_everywhere(questions, NULL, ret_policy) : r;
}

static int decide(const struct audit_users *users, const char *name, const char *service, char **ret_policy)
{
	_cleanup_(verdict_release) struct verdict verdict = { .directory = -1 };
	_cleanup_(questions_release) struct questions questions = { .services = users->services, .user = name };
	const struct verdict_query query = { .user = name, .service = service };
	int r = verdict_find(&query, &verdict);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!service && verdict.identity.uid < verdict.uid_min)
		return 0;
	r = collect(&questions, &verdict, &query);
	if (r < 0)
		return r;
	return service ? ask_everywhere(&questions, service, ret_policy) : ask_every_service(&questions, ret_policy);
}

static bool is_nobodys(uid_t uid)
{
	return (uid >= DYNAMIC_MIN && uid <= DYNAMIC_MAX) || uid == NOBODY || uid == NO_UID_16;
}

/* Fills name and policy if the user is restricted. 0 or -ENOMEM. */
static int judge(const struct audit_users *users, struct audit_user *user)
{
	const struct passwd *entry =
		user->uid == 0 || (!user->service && is_nobodys(user->uid)) ? NULL : getpwuid(user->uid);
	_cleanup_free_ char *name = entry ? strdup(entry->pw_name) : NULL;
	_cleanup_free_ char *policy = NULL;
	int r;

	if (!entry)
		return 0;
	if (!name)
		return -ENOMEM;
	r = decide(users, name, user->service, &policy);
	if (r <= 0)
		return r;
	user->name = TAKE_PTR(name);
	user->policy = TAKE_PTR(policy);
	return 0;
}

static int compare_users(const void *item, const void *key)
{
	const struct audit_user *left = item, *right = key;

	if (left->uid != right->uid)
		return left->uid < right->uid ? -1 : 1;
	return strcmp(left->service ? left->service : "", right->service ? right->service : "");
}

static int add(struct audit_users *users, size_t at, uid_t uid, const char *service)
{
	struct audit_user *items = reallocarray(users->items, users->count + 1, sizeof(*items));
	struct audit_user user = { .uid = uid, .service = service ? strdup(service) : NULL };
	int r = items && (user.service || !service) ? 0 : -ENOMEM;

	if (items)
		users->items = items;
	if (r == 0)
		r = judge(users, &user);
	if (r < 0) {
		free(user.service);
		return r;
	}
	memmove(&items[at + 1], &items[at], (users->count - at) * sizeof(*items));
	items[at] = user;
	users->count++;
	return 0;
}

int audit_user_is_restricted(struct audit_users *users, uid_t uid, const char *service, const char **ret_name,
			     const char **ret_policy)
{
	const struct audit_user key = { .uid = uid, .service = (char *)(uintptr_t)service };
	bool found;
	size_t at = sorted_find(&key, users->items, users->count, sizeof(key), compare_users, &found);

	if (!found) {
		int r = add(users, at, uid, service);

		if (r < 0)
			return r;
	}
	if (!users->items[at].name)
		return 0;
	*ret_name = users->items[at].name;
	*ret_policy = users->items[at].policy;
	return 1;
}

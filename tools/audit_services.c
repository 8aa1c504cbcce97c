/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_services.h"

#include "config/module_arguments.h"
#include "nsisolate-config.h"
#include "tools/pam_view.h"

#include <string.h>

void audit_services_release(struct audit_services *services)
{
	for (size_t i = 0; i < services->count; i++) {
		free(services->items[i].name);
		free(services->items[i].directory);
		free(services->items[i].exempt);
	}
	free(services->items);
	*services = (struct audit_services){ 0 };
}

/* What the line says that opens sessions. A word that cannot be used refuses every login: then nothing counts. */
static int read_arguments(const struct pam_entry *open, struct audit_service *service)
{
	struct module_arguments arguments;
	const char *bad;

	if (module_arguments_parse((int)open->argument_count, (const char **)open->arguments, &arguments, &bad) < 0)
		return 0;
	if (arguments.policy && strcmp(arguments.policy, NSISOLATE_POLICY_DIRECTORY) != 0 &&
	    !(service->directory = strdup(arguments.policy)))
		return -ENOMEM;
	if (arguments.exempt && !(service->exempt = strdup(arguments.exempt)))
		return -ENOMEM;
	return 0;
}

/* The service is in the list by now, so that what is read is released with it. */
static int read_service(struct pam_directory *directory, struct audit_service *service)
{
	struct pam_view view = { 0 };
	int r = pam_view_read(directory, service->name, &view);

	/* a file that cannot be read opens no session: PAM refuses */
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	service->enabled = view.verdict.open != NULL;
	if (view.verdict.open)
		r = read_arguments(view.verdict.open, service);
	pam_view_release(&view);
	return r;
}

int audit_services_read(struct audit_services *ret, char **ret_problem)
{
	_cleanup_(audit_services_release) struct audit_services services = { 0 };
	struct pam_directory directory = { .fd = -1 };
	char **names = NULL;
	size_t count = 0;
	int r = pam_directory_open(NSISOLATE_PAM_DIRECTORY, true, &directory, ret_problem);

	if (r < 0)
		return r;
	r = pam_directory_list(&directory, &names, &count);
	if (r >= 0)
		services.items = calloc(count + 1, sizeof(*services.items));
	if (r >= 0 && !services.items)
		r = -ENOMEM;
	for (size_t i = 0; i < count && r >= 0; i++) {
		services.items[i].name = strdup(names[i]);
		services.count++;
		r = services.items[i].name ? read_service(&directory, &services.items[i]) : -ENOMEM;
	}
	pam_names_release(names, count);
	pam_directory_release(&directory);
	if (r < 0)
		return r;
	*ret = services;
	services = (struct audit_services){ 0 };
	return 0;
}

static int compare_services(const void *a, const void *b)
{
	return strcmp(((const struct audit_service *)a)->name, ((const struct audit_service *)b)->name);
}

const struct audit_service *audit_services_find(const struct audit_services *services, const char *name)
{
	const struct audit_service key = { .name = (char *)name };

	if (services->count == 0)
		return NULL;
	return bsearch(&key, services->items, services->count, sizeof(key), compare_services);
}

bool audit_service_exempts(const struct audit_service *service, const struct identity *identity)
{
	_cleanup_free_ char *list = service && service->exempt ? strdup(service->exempt) : NULL;
	char *rest = list, *word;

	while ((word = strsep(&rest, ","))) {
		if (*word == '@' ? identity_in_group(identity, word + 1) > 0 : strcmp(word, identity->name) == 0)
			return true;
	}
	return false;
}

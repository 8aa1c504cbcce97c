/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/show.h"

#include "tools/plan_compare.h"

#include <string.h>

struct shown {
	json_object *array;
	json_object *differences;
};

static int show_item(const struct plan_item *item, void *data)
{
	const struct shown *shown = data;
	json_object *object = document_object(shown->array, NULL);
	_cleanup_free_ char *planned = step_describe(item->plan, item->step);

	if (!planned)
		return -ENOMEM;
	document_text(object, "step", step_name(item->step->kind));
	document_text(object, "planned", *planned ? planned : "up");
	document_text(object, "kernel", item->kernel);
	document_bool(object, "differs", item->difference != NULL);
	if (item->difference)
		show_differ(shown->differences, "%s", item->difference);
	return 0;
}

void show_plan(json_object *document, const struct session *session, const struct verdict *verdict,
	       const struct mount_list *host, const struct inside *inside, json_object *differences)
{
	struct shown shown = { .differences = differences };
	int r;

	if (!plan_is_comparable(session, verdict))
		return;
	shown.array = document_array(document, "plan");
	r = plan_compare(session, verdict, host, inside, show_item, &shown);
	if (r < 0)
		show_differ(differences, "the plan cannot be compared: %s", strerror(-r));
}

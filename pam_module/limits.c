/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam_module/limits.h"

#include "nsisolate-config.h"
#include "config/who.h"
#include "session/helper_ask.h"
#include "session/limits.h"

#include <inttypes.h>
#include <string.h>

#define HANDED_DATA  "nsisolate_limits"
#define LIMITS_WORD  "limits"
#define LIMIT_DIGITS 24

/* pam_systemd(8); it takes bytes and numbers as text. */
static const char *const items[LIMIT_KINDS] = {
	[LIMIT_MEMORY] = "systemd.memory_max",
	[LIMIT_TASKS] = "systemd.tasks_max",
	[LIMIT_CPU_WEIGHT] = "systemd.cpu_weight",
};

/* What the first line has done, and for whom. */
struct handed {
	enum limits_by by;
	struct limits limits;
	bool enforced; /* the items are ours */
	char user[];
};

static void drop_data(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

static const struct handed *stored(const struct guest *guest)
{
	const void *data = NULL;

	return pam_get_data(guest->pamh, HANDED_DATA, &data) == PAM_SUCCESS ? data : NULL;
}

/* Without memory there is no such data, and the last line refuses where there are limits. */
static void store(const struct guest *guest, const struct handed *handed)
{
	const size_t size = strlen(guest->user) + 1;
	struct handed *copy = malloc(sizeof(*copy) + size);

	if (!copy)
		return;
	*copy = *handed;
	memcpy(copy->user, guest->user, size);
	if (pam_set_data(guest->pamh, HANDED_DATA, copy, drop_data) != PAM_SUCCESS)
		free(copy);
}

void guest_forget_limits(const struct guest *guest)
{
	const struct handed *handed = stored(guest);

	if (!handed)
		return;
	for (enum limit limit = 0; limit < LIMIT_KINDS; limit++)
		if (handed->enforced && limit_wanted(&handed->limits, limit) != LIMIT_NONE)
			(void)pam_set_data(guest->pamh, items[limit], NULL, NULL);
	(void)pam_set_data(guest->pamh, HANDED_DATA, NULL, NULL);
}

static int hand_over(const struct guest *guest, enum limit limit, uint64_t value)
{
	char *text = malloc(LIMIT_DIGITS);
	int r = text ? PAM_SUCCESS : PAM_BUF_ERR;

	if (!text)
		return r;
	(void)snprintf(text, LIMIT_DIGITS, "%" PRIu64, value);
	r = pam_set_data(guest->pamh, items[limit], text, drop_data);
	if (r != PAM_SUCCESS)
		free(text);
	return r;
}

static void hand_over_all(const struct guest *guest, struct handed *handed)
{
	for (enum limit limit = 0; handed->enforced && limit < LIMIT_KINDS; limit++) {
		const uint64_t wanted = limit_wanted(&handed->limits, limit);

		if (wanted != LIMIT_NONE && hand_over(guest, limit, wanted) != PAM_SUCCESS)
			handed->by = LIMITS_FAILED;
	}
}

/* The helper reads policies, and is not asked for those that cannot have the section. */
static void find_limits(const struct guest *guest, const struct who *who, struct handed *handed)
{
	const struct session_request request = guest_request(guest, who);

	if (!candidates_may_say(&who->candidates, LIMITS_WORD))
		return;
	if (session_limits(&request, NSISOLATE_HELPER, &handed->limits, &handed->enforced) < 0)
		handed->by = LIMITS_FAILED;
}

void guest_hand_limits(const struct guest *guest)
{
	_cleanup_(who_release) struct who who = { 0 };
	_cleanup_free_ char *text = NULL;
	const struct who_query query = guest_query(guest);
	struct handed handed = { .by = LIMITS_BY_LINE };

	guest_forget_limits(guest);
	if (who_find(&query, &who, &text) == WHO_CANDIDATES)
		find_limits(guest, &who, &handed);
	hand_over_all(guest, &handed);
	store(guest, &handed);
}

void guest_add_handed(const struct guest *guest, struct session_request *request)
{
	const struct handed *handed = stored(guest);

	if (!handed || strcmp(handed->user, guest->user) != 0)
		return;
	request->limits_by = handed->by;
	request->handed = handed->limits;
}

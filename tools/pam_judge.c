/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_judge.h"

#include "config/module_arguments.h"
#include "tools/pam_traces.h"

#include <security/_pam_types.h>
#include <string.h>

static const char *const state_names[] = {
	[PAM_STATE_ABSENT] = "not enabled",
	[PAM_STATE_ENABLED] = "enabled",
	[PAM_STATE_THROUGH] = "through",
	[PAM_STATE_INCOMPLETE] = "incomplete",
};

const char *pam_state_name(enum pam_state state)
{
	return state_names[state];
}

void pam_verdict_release(struct pam_verdict *verdict)
{
	pam_problems_release(&verdict->problems);
	*verdict = (struct pam_verdict){ 0 };
}

/* "done" ends the stack or substack that the line is in. */
static bool done_skips(const struct pam_stack *stack, size_t from, size_t target)
{
	for (size_t i = from + 1; i <= target; i++)
		if (stack->entries[i].level < stack->entries[from].level)
			return false;
	return true;
}

/* A jump counts a substack with all its lines as one, cannot leave its own substack, and fails when it is too long. */
static bool jump_skips(const struct pam_stack *stack, size_t from, int jump, size_t target)
{
	unsigned level = stack->entries[from].level;
	size_t at = from;

	for (; jump > 0; jump--) {
		if (at + 1 >= stack->count || stack->entries[at + 1].level < level)
			return false;
		do
			at++;
		while (at + 1 < stack->count && stack->entries[at + 1].level > level);
	}
	return at >= target;
}

bool pam_entry_skips(const struct pam_stack *stack, size_t from, size_t target, size_t *ret_value)
{
	const struct pam_entry *entry = &stack->entries[from];

	if (entry->kind != PAM_ENTRY_MODULE)
		return false;
	for (size_t value = 0; value < PAM_RETURN_VALUES; value++) {
		int action = entry->actions[value];

		if ((action == PAM_ACTION_DONE && done_skips(stack, from, target)) ||
		    (action > 0 && jump_skips(stack, from, action, target))) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static bool is_ours(const struct pam_entry *entry)
{
	return pam_entry_is_module(entry, PAM_MODULE_NAME);
}

bool pam_entry_must_load(const struct pam_entry *entry)
{
	int action = entry->actions[PAM_MODULE_UNKNOWN];

	return entry->kind == PAM_ENTRY_MODULE && (action == PAM_ACTION_BAD || action == PAM_ACTION_DIE);
}

bool pam_entry_is_misspelt(const struct pam_entry *entry)
{
	return entry->kind == PAM_ENTRY_MODULE && pam_module_is_misspelt(entry->module);
}

int pam_judge_misspelt(struct pam_verdict *verdict, const struct pam_entry *entry)
{
	const char *effect = "passes over the line, and nobody is isolated";

	for (size_t i = 0; i < verdict->problems.count; i++) {
		const struct pam_problem *known = &verdict->problems.items[i];

		if (known->code == PAM_PROBLEM_MISSPELT && known->line == entry->line &&
		    !strcmp(known->file, entry->file))
			return 0;
	}
	if (pam_entry_must_load(entry))
		effect = "refuses every login, root's too";
	if (verdict->state == PAM_STATE_ABSENT)
		verdict->state = PAM_STATE_INCOMPLETE;
	verdict->misspelt = true;
	return pam_problems_add(&verdict->problems, PAM_PROBLEM_MISSPELT, PAM_ERROR, entry->file, entry->line,
				"'%s' is not the module's name: PAM cannot load it, and %s; write %s", entry->module,
				effect, PAM_MODULE_NAME);
}

static int judge_names(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	int r = 0;

	for (size_t i = 0; i < stack->count && r >= 0; i++)
		if (pam_entry_is_misspelt(&stack->entries[i]))
			r = pam_judge_misspelt(verdict, &stack->entries[i]);
	return r;
}

/* A line of this role that only its module's name keeps from being ours. */
static bool means(const struct pam_stack *stack, const char *role)
{
	for (size_t i = 0; i < stack->count; i++)
		if (pam_entry_is_misspelt(&stack->entries[i]) && pam_entry_has_argument(&stack->entries[i], role))
			return true;
	return false;
}

static int judge_arguments(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	int r = 0;

	for (size_t i = 0; i < stack->count && r >= 0; i++) {
		const struct pam_entry *entry = &stack->entries[i];
		struct module_arguments parsed;
		const char *bad;

		if (!is_ours(entry) || module_arguments_parse((int)entry->argument_count,
							      (const char **)entry->arguments, &parsed, &bad) == 0)
			continue;
		r = pam_problems_add(&verdict->problems, PAM_PROBLEM_ARGUMENT, PAM_ERROR, entry->file, entry->line,
				     "'%s' is none of " MODULE_ARGUMENTS
				     ", open, close, or is given twice: the module refuses every login but root's; "
				     "mend or remove the word, on the other line, too",
				     bad);
	}
	return r;
}

/* The one module that does a part of the same work. */
static int judge_beside(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	for (size_t i = 0; verdict->open && i < stack->count; i++) {
		const struct pam_entry *entry = &stack->entries[i];

		if (pam_entry_is_module(entry, "pam_namespace.so"))
			return pam_problems_add(&verdict->problems, PAM_PROBLEM_NAMESPACE, PAM_WARNING, entry->file,
						entry->line,
						"pam_namespace.so in the same stack moves the login process into a "
						"mount namespace of its own, and private directories are made twice; "
						"leave them to one of both modules");
	}
	return 0;
}

static const struct pam_entry *find(const struct pam_stack *stack, const char *role, size_t *ret_count)
{
	const struct pam_entry *first = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < stack->count; i++) {
		if (!is_ours(&stack->entries[i]) || !pam_entry_has_argument(&stack->entries[i], role))
			continue;
		if (!first)
			first = &stack->entries[i];
		(*ret_count)++;
	}
	return first;
}

static const char *entry_name(const struct pam_entry *entry)
{
	return entry->module ? entry->module : "a line that PAM cannot read";
}

static int judge_roles(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	int r = 0;

	for (size_t i = 0; i < stack->count && r >= 0; i++) {
		const struct pam_entry *entry = &stack->entries[i];

		if (!is_ours(entry))
			continue;
		if (!pam_entry_has_argument(entry, "open") && !pam_entry_has_argument(entry, "close"))
			r = pam_problems_add(&verdict->problems, PAM_PROBLEM_NO_ROLE, PAM_ERROR, entry->file,
					     entry->line,
					     "%s without 'open' or 'close': remove the line and run "
					     "'nsisolate-pam enable %s'",
					     PAM_MODULE_NAME, stack->service);
		if (r >= 0 && entry->silent)
			r = pam_problems_add(&verdict->problems, PAM_PROBLEM_SILENT, PAM_NOTE, entry->file, entry->line,
					     "'-session' keeps it out of the log when the module cannot be loaded; "
					     "remove the '-'");
	}
	return r;
}

static int judge_presence(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	const struct pam_entry *open = verdict->open, *close = verdict->close;

	if (!open && means(stack, "open"))
		return 0;
	if (!open)
		return pam_problems_add(&verdict->problems, PAM_PROBLEM_NO_OPEN, PAM_ERROR,
					close ? close->file : stack->service, close ? close->line : 0,
					"no line 'session required %s open': nobody is isolated", PAM_MODULE_NAME);
	if (!close && !means(stack, "close"))
		return pam_problems_add(&verdict->problems, PAM_PROBLEM_NO_CLOSE, PAM_WARNING, open->file, open->line,
					"no line 'session required %s close' as the first: at logout the other modules "
					"run inside the session",
					PAM_MODULE_NAME);
	return 0;
}

/* The answers of the module that the control does not take as a failure. */
static void lenient_answers(const struct pam_entry *entry, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t value = 0; value < PAM_RETURN_VALUES; value++) {
		int action = entry->actions[value];

		if (value == PAM_SUCCESS || value == PAM_NEW_AUTHTOK_REQD || value == PAM_IGNORE)
			continue;
		if (action == PAM_ACTION_BAD || action == PAM_ACTION_DIE || used + 40 > size)
			continue;
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "", pam_return_name(value));
	}
}

static int judge_control(struct pam_verdict *verdict, const struct pam_entry *entry, bool opens)
{
	char answers[160];

	lenient_answers(entry, answers, sizeof(answers));
	if (!answers[0])
		return 0;
	return pam_problems_add(&verdict->problems, PAM_PROBLEM_CONTROL, opens ? PAM_ERROR : PAM_WARNING, entry->file,
				entry->line, "control '%s' lets failures pass (%s): %s'required' is needed",
				entry->control, answers, opens ? "users get in without isolation; " : "");
}

/* What these do at close, if anything, is the same inside the session: no file, no process and no network of the host.
 */
static const char *const closes_anywhere[] = {
	"pam_deny.so",    "pam_env.so",    "pam_keyinit.so", "pam_limits.so",     "pam_loginuid.so", "pam_motd.so",
	"pam_nologin.so", "pam_permit.so", "pam_rootok.so",  "pam_succeed_if.so", "pam_umask.so",
};

/* Does it matter that the line runs before "close" at logout, and so inside the session? */
static bool needs_host_at_close(const struct pam_entry *entry)
{
	if (is_ours(entry) || entry->kind == PAM_ENTRY_SUBSTACK)
		return false;
	for (size_t i = 0; i < ELEMENTS(closes_anywhere); i++)
		if (pam_entry_is_module(entry, closes_anywhere[i]))
			return false;
	return true;
}

static int judge_order(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	const struct pam_entry *open = verdict->open, *close = verdict->close;
	int r = 0;

	for (const struct pam_entry *entry = stack->entries; close && entry < close && r >= 0; entry++) {
		if (!needs_host_at_close(entry))
			continue;
		r = pam_problems_add(
			&verdict->problems, PAM_PROBLEM_CLOSE_NOT_FIRST,
			close->top_line == close->line && close->file == stack->files[0] ? PAM_WARNING : PAM_NOTE,
			close->file, close->line,
			"'close' is not the first session line: at logout %s (%s:%u) runs inside the session",
			entry_name(entry), entry->file, entry->line);
		break;
	}
	for (const struct pam_entry *entry = open ? open + 1 : NULL; open && entry < stack->entries + stack->count;
	     entry++) {
		if (is_ours(entry) || r < 0)
			continue;
		return pam_problems_add(
			&verdict->problems, PAM_PROBLEM_OPEN_NOT_LAST, PAM_WARNING, open->file, open->line,
			"'open' is not the last session line: %s (%s:%u) runs inside the session, where "
			"/proc/self does not exist for it",
			entry_name(entry), entry->file, entry->line);
	}
	return r;
}

static int judge_skips(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	size_t target = verdict->open ? (size_t)(verdict->open - stack->entries) : 0, value;
	int r = 0;

	for (size_t i = 0; i < target && r >= 0; i++) {
		const struct pam_entry *entry = &stack->entries[i];

		if (pam_entry_skips(stack, i, target, &value))
			r = pam_problems_add(
				&verdict->problems, PAM_PROBLEM_SKIPPED, PAM_ERROR, entry->file, entry->line,
				"control '%s': when %s answers '%s', PAM passes over '%s open' and the user "
				"gets in without isolation",
				entry->control, entry->module, pam_return_name(value), PAM_MODULE_NAME);
	}
	return r;
}

static int judge_twice(const struct pam_stack *stack, struct pam_verdict *verdict, const char *role, size_t count)
{
	const struct pam_entry *first = NULL;

	if (count < 2)
		return 0;
	for (size_t i = 0; i < stack->count; i++) {
		const struct pam_entry *entry = &stack->entries[i];

		if (!is_ours(entry) || !pam_entry_has_argument(entry, role))
			continue;
		if (!first) {
			first = entry;
			continue;
		}
		return pam_problems_add(&verdict->problems, PAM_PROBLEM_TWICE,
					entry->file == first->file ? PAM_WARNING : PAM_NOTE, entry->file, entry->line,
					"the '%s' line is there twice, also in %s:%u; one is enough", role, first->file,
					first->line);
	}
	return 0;
}

static bool has_ours(const struct pam_stack *stack)
{
	for (size_t i = 0; stack->entries && i < stack->count; i++)
		if (is_ours(&stack->entries[i]))
			return true;
	return false;
}

int pam_stack_judge(const struct pam_stack *stack, struct pam_verdict *ret)
{
	struct pam_verdict verdict = { .state = PAM_STATE_ABSENT };
	size_t opens, closes;
	int r;

	r = judge_names(stack, &verdict);
	if (r < 0) {
		pam_verdict_release(&verdict);
		return r;
	}
	if (!has_ours(stack)) {
		*ret = verdict;
		return 0;
	}

	verdict.open = find(stack, "open", &opens);
	verdict.close = find(stack, "close", &closes);
	if (!verdict.open) {
		verdict.state = PAM_STATE_INCOMPLETE;
	} else if (verdict.open->file == stack->files[0]) {
		verdict.state = PAM_STATE_ENABLED;
	} else {
		verdict.state = PAM_STATE_THROUGH;
		verdict.through = verdict.open->file;
	}

	r = judge_roles(stack, &verdict);
	if (r >= 0)
		r = judge_arguments(stack, &verdict);
	if (r >= 0)
		r = judge_beside(stack, &verdict);
	if (r >= 0)
		r = judge_presence(stack, &verdict);
	if (r >= 0 && verdict.open)
		r = judge_control(&verdict, verdict.open, true);
	if (r >= 0 && verdict.close)
		r = judge_control(&verdict, verdict.close, false);
	if (r >= 0)
		r = judge_order(stack, &verdict);
	if (r >= 0)
		r = judge_skips(stack, &verdict);
	if (r >= 0)
		r = judge_twice(stack, &verdict, "open", opens);
	if (r >= 0)
		r = judge_twice(stack, &verdict, "close", closes);
	if (r < 0) {
		pam_verdict_release(&verdict);
		return r;
	}
	*ret = verdict;
	return 0;
}

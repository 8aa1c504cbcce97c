/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/import_private.h"

#include <string.h>

#define LABEL_MAX 100 /* bytes of a file name in a comment: lines of policies are short */

static const char head[] = "# Made by nsinspect import from the configuration of pam_namespace, for %s in\n"
			   "# /etc/security/nsisolate. Read what it said on standard error: that is not in here.\n";

static const char nothing[] =
	"#\n"
	"# There is no directory that this policy could make private: those whom it is for pass.\n"
	"mode = \"off\"\n";

static const char trying_out[] =
	"#\n"
	"# With the next line logins go on as before, and the log says what would be isolated, and who refused.\n"
	"#mode = \"audit\"\n"
	"\n"
	"# pam_namespace isolates directories and nothing else, and so does this file. By default nsisolate does more. "
	"Without\n"
	"# a line that has \"default\" behind it, the session has what stands there: try them one by one.\n"
	"network { mode = \"host\" }      # default \"loopback\": no network but a loopback interface of its own\n"
	"ipc { isolate = false }        # default true: System V IPC, message queues and /dev/shm of its own\n"
	"uts { isolate = false }        # default true: a host name of its own\n"
	"pid { isolate = false }        # default true: sees its own processes only, and all of them end with it; "
	"needs the\n"
	"                               # default of mount.proc as well\n"
	"user-manager = \"allow\"         # default \"refuse\": no user manager of systemd, which runs outside and so "
	"is a way out\n"
	"\n"
	"# Not as with pam_namespace: a user has at most 64 sessions at once (max-sessions); private directories are "
	"root's\n"
	"# with mode 1777, nosuid and nodev, whatever the host's are; those in memory hold 512m and 128k files without "
	"a size.\n"
	"mount {\n"
	"\tproc = \"host\"          # default \"session\": a /proc with the session's processes; \"hidepid\": "
	"each user's only\n"
	"\truntime-dir = \"host\"   # default \"private\": a fresh /run/user, without the user's D-Bus\n"
	"\thide-engines = false   # default true: the sockets of container engines are hidden, who connects to "
	"one is root\n"
	"\t#homes = \"own\"         # default \"all\": with this line the homes of others are not there\n"
	"\n";

/* The last component of a file's name, where nothing in it could be more than a comment. */
static const char *label(const char *file)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	size_t plain = strspn(base, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return plain <= LABEL_MAX && base[plain] == '\0' ? base : "line";
}

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

static void print_entry(const struct import_entry *entry, FILE *out)
{
	const struct polydir *polydir = entry->polydir;

	(void)fprintf(out, "\tprivate \"%s\" {", entry->path);
	if (entry->kept)
		(void)fputs(" backing = \"directory\"", out);
	if (entry->size)
		(void)fprintf(out, " size = \"%s\"", entry->size);
	if (entry->inodes)
		(void)fprintf(out, " inodes = \"%s\"", entry->inodes);
	(void)fprintf(out, " } # %s:%u, method %s\n", label(polydir->file), polydir->line,
		      polydir_method_names[polydir->method]);
}

static bool has(const struct import_entries *entries, const char *path)
{
	for (size_t i = 0; i < entries->count; i++)
		if (strcmp(entries->items[i].path, path) == 0)
			return true;
	return false;
}

/* Always private, and with files that are expected to be there at the next login. */
static void print_always(const struct import_entries *entries, FILE *out)
{
	static const char *const paths[] = { "/tmp", "/var/tmp" };

	for (size_t i = 0; i < ELEMENTS(paths); i++)
		if (!has(entries, paths[i]))
			(void)fprintf(out, "\tprivate \"%s\" { backing = \"directory\" } # private in every session\n",
				      paths[i]);
}

int import_render(const struct import *import, struct import_entries *entries, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool failed = false;

	if (!out)
		return -ENOMEM;
	(void)fprintf(out, head,
		      !import->name            ? "default.conf"
		      : import->name[0] == '@' ? "a file of group/"
					       : "a file of user/");
	(void)fputs(entries->count > 0 ? trying_out : nothing, out);
	for (size_t i = 0; !failed && i < entries->count; i++) {
		print_entry(&entries->items[i], out);
		failed = fflush(out) != 0;
		if (!failed)
			entries->items[i].position = count_lines(text);
	}
	if (entries->count > 0) {
		print_always(entries, out);
		(void)fputs("}\n", out);
	}
	/* text is malloced by fclose(3) at the latest, and only memory can run out */
	failed = ferror(out) != 0 || failed;
	failed = fclose(out) != 0 || failed;
	if (failed || !text)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}

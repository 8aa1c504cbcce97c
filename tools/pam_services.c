/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_services.h"

#include <fnmatch.h>
#include <string.h>

static const struct pam_service_info services[] = {
	{ "sshd", false, false, "logins over the network, remote commands, file transfer and forwarding" },
	{ "login", false, false, "logins at the console and on serial lines" },
	{ "remote", false, false, "logins through telnet and rlogin" },
	{ "su", false, false, "a shell as another user, outside the policy of that user" },
	{ "su-l", false, false, "a login shell as another user, outside the policy of that user" },
	{ "sudo", false, false, "commands as another user, outside the policy of that user" },
	{ "sudo-i", false, false, "a login shell as another user, outside the policy of that user" },
	{ "doas", false, false, "commands as another user, outside the policy of that user" },
	{ "polkit-1", false, false, "pkexec runs commands as another user" },
	{ "cron", false, false, "the user's cron jobs run outside any session" },
	{ "crond", false, false, "the user's cron jobs run outside any session" },
	{ "atd", false, false, "the user's at and batch jobs run outside any session" },
	{ "systemd-user", false, false, "its user manager runs the user's units outside any session" },
	{ "gdm-*", false, false, "graphical logins" },
	{ "lightdm*", false, false, "graphical logins" },
	{ "sddm*", false, false, "graphical logins" },
	{ "xdm", false, false, "graphical logins" },
	{ "greetd", false, false, "graphical logins" },
	{ "xrdp-sesman", false, false, "remote desktop logins" },
	{ "cockpit", false, false, "the web console gives its users a shell" },
	{ "slurm", false, false, "batch jobs of users" },
	{ "vsftpd", true, false, "FTP data connections do not reach a private network" },
	{ "proftpd", true, false, "FTP data connections do not reach a private network" },
	{ "pure-ftpd", true, false, "FTP data connections do not reach a private network" },
	{ "runuser*", true, true, "only root starts it, mostly for system services" },
	{ "chfn", true, true, "it changes an entry of the user's, and runs no command of theirs" },
	{ "chsh", true, true, "it changes an entry of the user's, and runs no command of theirs" },
	{ "passwd", true, true, "it changes a password, and runs no command of the user's" },
	{ "chpasswd", true, true, "only root starts it, and it runs no command of a user's" },
	{ "newusers", true, true, "only root starts it, and it runs no command of a user's" },
	{ "other", true, true, "PAM takes it for services without a file; enable the services themselves" },
};

static const char *const shared[] = {
	"common-*",    "system-auth*", "password-auth*",     "fingerprint-auth*",   "smartcard-auth*",
	"postlogin*",  "system-login", "system-local-login", "system-remote-login", "system-services",
	"config-util",
};

const struct pam_service_info *pam_service_info(const char *service)
{
	for (size_t i = 0; i < ELEMENTS(services); i++)
		if (fnmatch(services[i].pattern, service, 0) == 0)
			return &services[i];
	return NULL;
}

bool pam_service_is_shared(const char *name)
{
	for (size_t i = 0; i < ELEMENTS(shared); i++)
		if (fnmatch(shared[i], name, 0) == 0)
			return true;
	return false;
}

bool pam_service_name_valid(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= 200 && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-+@") == length;
}

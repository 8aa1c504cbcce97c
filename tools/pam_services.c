/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_services.h"

#include <fnmatch.h>
#include <string.h>

static const struct pam_service_info services[] = {
	{ "sshd", false, "logins over the network, remote commands, file transfer and forwarding" },
	{ "login", false, "logins at the console and on serial lines" },
	{ "remote", false, "logins through telnet and rlogin" },
	{ "su", false, "a shell as another user, outside the policy of that user" },
	{ "su-l", false, "a login shell as another user, outside the policy of that user" },
	{ "sudo", false, "commands as another user, outside the policy of that user" },
	{ "sudo-i", false, "a login shell as another user, outside the policy of that user" },
	{ "doas", false, "commands as another user, outside the policy of that user" },
	{ "polkit-1", false, "pkexec runs commands as another user" },
	{ "cron", false, "the user's cron jobs run outside any session" },
	{ "crond", false, "the user's cron jobs run outside any session" },
	{ "atd", false, "the user's at and batch jobs run outside any session" },
	{ "systemd-user", false, "its user manager runs the user's units outside any session" },
	{ "gdm-*", false, "graphical logins" },
	{ "lightdm*", false, "graphical logins" },
	{ "sddm*", false, "graphical logins" },
	{ "xdm", false, "graphical logins" },
	{ "greetd", false, "graphical logins" },
	{ "xrdp-sesman", false, "remote desktop logins" },
	{ "cockpit", false, "the web console gives its users a shell" },
	{ "slurm", false, "batch jobs of users" },
	{ "vsftpd", true, "FTP data connections do not reach a private network" },
	{ "proftpd", true, "FTP data connections do not reach a private network" },
	{ "pure-ftpd", true, "FTP data connections do not reach a private network" },
	{ "runuser*", true, "only root starts it, mostly for system services" },
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

/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* plain-libconfuse TEXT: what libconfuse by itself makes of value = "…", the control of test_environment.py. */
#include <confuse.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char name[] = "value";
	cfg_opt_t options[] = { CFG_STR(name, NULL, CFGF_NONE), CFG_END() };
	cfg_t *cfg = cfg_init(options, CFGF_NONE);

	if (argc != 2 || !cfg || cfg_parse_buf(cfg, argv[1]) != CFG_SUCCESS)
		return 1;
	puts(cfg_getstr(cfg, name));
	cfg_free(cfg);
	return 0;
}

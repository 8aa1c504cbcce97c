/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/*
 * fuzz-policy [FILE|DIRECTORY...]: runs the harness without libFuzzer, over files and the files of directories, or
 * over standard input. Compiled by afl-clang-fast it takes AFL++'s inputs from shared memory, many a process.
 */
#include "harness.h"

#include "common/read_whole.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (1 << 20) /* bytes */

#ifdef __AFL_FUZZ_TESTCASE_LEN
__AFL_FUZZ_INIT();

static void run_afl(void)
{
	unsigned char *input;

	__AFL_INIT();
	input = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(5000)) {
		size_t size = (size_t)__AFL_FUZZ_TESTCASE_LEN;
		/* a copy of its own size, so that reading behind it shows */
		_cleanup_free_ unsigned char *copy = malloc(size > 0 ? size : 1);

		if (copy)
			(void)LLVMFuzzerTestOneInput(memcpy(copy, input, size), size);
	}
}
#endif

static int run_descriptor(int fd, const char *name)
{
	_cleanup_free_ uint8_t *copy = NULL;
	_cleanup_free_ char *input = NULL;
	size_t size = 0;
	int r = read_head(fd, INPUT_MAX, &input, &size);

	if (r == 0)
		copy = malloc(size > 0 ? size : 1);
	if (!copy) {
		(void)fprintf(stderr, "%s: %s\n", name, strerror(r < 0 ? -r : ENOMEM));
		return 1;
	}
	/* of its own size, so that reading behind it shows */
	memcpy(copy, input, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	return 0;
}

static int run_path(const char *path);

static int run_directory(int fd, const char *path)
{
	_cleanup_(closedirp) DIR *entries = fdopendir(fd);
	const struct dirent *entry;
	int status = 0;

	if (!entries) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(entries))) {
		char name[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		status |= run_path(name);
	}
	return status;
}

static int run_path(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(path);
		return 1;
	}
	if (S_ISDIR(st.st_mode))
		return run_directory(TAKE_FD(fd), path);
	/* the name of what crashes is the last one printed */
	(void)printf("%s\n", path);
	(void)fflush(stdout);
	return run_descriptor(fd, path);
}

int main(int argc, char **argv)
{
	int status = 0;

	(void)LLVMFuzzerInitialize(&argc, &argv);
#ifdef __AFL_FUZZ_TESTCASE_LEN
	if (argc == 1) {
		run_afl();
		return 0;
	}
#endif
	if (argc == 1)
		return run_descriptor(STDIN_FILENO, "standard input");
	for (int i = 1; i < argc; i++)
		status |= run_path(argv[i]);
	return status;
}

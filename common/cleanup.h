/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Scope-bound release of resources. Every destructor named here accepts the
 * empty value (NULL or -1), keeps errno, and returns the empty value, so that
 * `fd = close_fd(fd)` reads naturally.
 */

#include <errno.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)        __attribute__((cleanup(f)))
#define _must_check_        __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))

#define TAKE_PTR(ptr)                           \
	({                                      \
		__typeof__(ptr) _taken = (ptr); \
		(ptr) = NULL;                   \
		_taken;                         \
	})

#define TAKE_FD(fd)                \
	({                         \
		int _taken = (fd); \
		(fd) = -1;         \
		_taken;            \
	})

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static inline int close_fd(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		/* close(2): EINTR and EIO leave the descriptor closed on Linux */
		(void)close(fd);
		errno = saved;
	}
	return -1;
}

static inline void close_fdp(int *fd)
{
	*fd = close_fd(*fd);
}

static inline void freep(void *ptr)
{
	free(*(void **)ptr);
}

static inline void fclosep(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static inline void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(close_fdp)

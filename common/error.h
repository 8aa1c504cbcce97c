/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include <errno.h>

/* An errno as a return value. clang's analyzer does not know that a call which failed left a positive one: it is told.
 */
static inline int negative(int error)
{
#ifdef __clang_analyzer__
	(void)error;
	return -EIO;
#else
	return -error;
#endif
}

static inline int negative_errno(void)
{
	return negative(errno);
}

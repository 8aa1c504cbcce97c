/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#define ERROR_TEXT_SIZE 384

/*
 * strerror(3) of a -errno. After EPERM and EACCES it goes on with the capabilities that sessions need and this process
 * or the programs that it starts are without, if there are any: "Operation not permitted: the login process lacks
 * CAP_SYS_ADMIN". Returns `buffer`.
 */
const char *error_text(int error, char buffer[ERROR_TEXT_SIZE]);

/*
 * The same for a step of opening a session, and after it the limit that is reached, or what else the errno means there:
 * "No space left on device: the file system is full". Returns `buffer`.
 */
const char *step_error_text(const char *step, int error, char buffer[ERROR_TEXT_SIZE]);

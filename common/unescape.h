/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Undoes the kernel's \040 of proc_pid_mountinfo(5), in place: the text itself. */
char *unescape_octal(char *text);

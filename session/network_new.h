/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The session's new network namespace. The kernel takes longer to make it than all other namespaces and mounts
 * together, so the helper makes it while the init is at its steps, and the init enters it when a step needs it. Not
 * under user_map.h: there it has to belong to the session's user namespace, and clone3(2) makes it with the init.
 */

/*
 * The network namespace that the helper is in, if it could come back to it. Not to one of a user namespace around its
 * own, as in a container or session that has its own, but not of networks: there, too, clone3(2) makes the new one. A
 * descriptor, O_CLOEXEC, or -errno.
 */
int network_new_home(void);

/* By the helper, which is back in `home` afterwards. A descriptor, O_CLOEXEC, or -errno. */
int network_new_make(int home);

/* By the helper: hands the namespace to the init on `init`, protocol.h. 0 or -errno. */
int network_new_send(int init, int network);

/* By the init: waits for what the helper has sent on `helper`, and enters it. 0 or -errno. */
int network_new_enter(int helper);

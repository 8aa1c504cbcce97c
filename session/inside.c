/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/inside.h"

#include "common/bound_child.h"
#include "common/wait_child.h"
#include "session/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static unsigned prefix_length(const unsigned char *mask, size_t size)
{
	unsigned bits = 0;

	for (size_t i = 0; i < size; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

/* False for an address of another family. */
static bool format_address(const struct ifaddrs *entry, char *to, size_t size)
{
	char address[INET6_ADDRSTRLEN];
	const void *bytes, *mask;
	size_t length;

	if (entry->ifa_addr->sa_family == AF_INET) {
		bytes = &((const struct sockaddr_in *)(const void *)entry->ifa_addr)->sin_addr;
		mask = entry->ifa_netmask ? &((const struct sockaddr_in *)(const void *)entry->ifa_netmask)->sin_addr
					  : NULL;
		length = sizeof(struct in_addr);
	} else if (entry->ifa_addr->sa_family == AF_INET6) {
		bytes = &((const struct sockaddr_in6 *)(const void *)entry->ifa_addr)->sin6_addr;
		mask = entry->ifa_netmask ? &((const struct sockaddr_in6 *)(const void *)entry->ifa_netmask)->sin6_addr
					  : NULL;
		length = sizeof(struct in6_addr);
	} else {
		return false;
	}
	if (!inet_ntop(entry->ifa_addr->sa_family, bytes, address, sizeof(address)))
		return false;
	(void)snprintf(to, size, "%s/%u", address, mask ? prefix_length(mask, length) : 0);
	return true;
}

static bool has_address(const struct ifaddrs *list, const char *interface)
{
	char ignored[64];

	for (; list; list = list->ifa_next) {
		if (list->ifa_addr && strcmp(list->ifa_name, interface) == 0 &&
		    format_address(list, ignored, sizeof(ignored)))
			return true;
	}
	return false;
}

static void add_address(struct inside *inside, const struct ifaddrs *list, const struct ifaddrs *entry)
{
	struct inside_address found = { .up = (entry->ifa_flags & IFF_UP) != 0 };

	/* whoever is root inside can have any number */
	if (inside->count == INSIDE_ADDRESSES) {
		inside->truncated = true;
		return;
	}
	/* every interface has an entry of its link; it counts where there is no other */
	if (!entry->ifa_addr ||
	    (!format_address(entry, found.address, sizeof(found.address)) && has_address(list, entry->ifa_name)))
		return;
	(void)snprintf(found.interface, sizeof(found.interface), "%s", entry->ifa_name);
	inside->addresses[inside->count++] = found;
}

static int ask(int uts, int network, struct inside *inside)
{
	struct ifaddrs *list = NULL;
	struct utsname names;

	if (setns(uts, CLONE_NEWUTS) < 0 || setns(network, CLONE_NEWNET) < 0)
		return -errno;
	if (uname(&names) < 0 || getifaddrs(&list) < 0)
		return -errno;
	(void)snprintf(inside->hostname, sizeof(inside->hostname), "%s", names.nodename);
	(void)snprintf(inside->domainname, sizeof(inside->domainname), "%s", names.domainname);
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
		add_address(inside, list, entry);
	freeifaddrs(list);
	return 0;
}

static int open_namespace(int process, enum namespace_kind kind, const uint64_t namespaces[NAMESPACE_KINDS])
{
	char path[32];
	struct stat status;

	(void)snprintf(path, sizeof(path), "ns/%s", namespace_table[kind].proc_link);

	_cleanup_close_ int fd = openat(process, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_ino != namespaces[kind])
		return -ESRCH;
	return TAKE_FD(fd);
}

/* In the child. */
static int answer(struct inside_request *request)
{
	_cleanup_close_ int process = process_open(request->pid);

	if (process < 0)
		return process;

	_cleanup_close_ int uts = open_namespace(process, NAMESPACE_UTS, request->namespaces);
	_cleanup_close_ int network = open_namespace(process, NAMESPACE_NETWORK, request->namespaces);

	if (uts < 0)
		return uts;
	return network < 0 ? network : ask(uts, network, &request->inside);
}

struct inside_request *inside_requests_new(size_t count)
{
	/* filled by the child: nothing to parse */
	struct inside_request *requests =
		mmap(NULL, count * sizeof(*requests), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return requests == MAP_FAILED ? NULL : requests;
}

void inside_requests_free(struct inside_request *requests, size_t count)
{
	if (requests)
		(void)munmap(requests, count * sizeof(*requests));
}

int inside_read_many(struct inside_request *requests, size_t count)
{
	int status, r;
	pid_t child = fork_bound_child();

	if (child < 0)
		return -errno;
	if (child == 0) {
		for (size_t i = 0; i < count; i++)
			requests[i].result = answer(&requests[i]);
		_exit(0);
	}
	r = wait_child(child, 0, &status);
	if (r < 0)
		return r;
	return WIFEXITED(status) ? 0 : -EIO;
}

int inside_read(pid_t pid, const uint64_t namespaces[NAMESPACE_KINDS], struct inside *ret)
{
	struct inside_request *request = inside_requests_new(1);
	int r;

	if (!request)
		return -ENOMEM;
	request->pid = pid;
	memcpy(request->namespaces, namespaces, sizeof(request->namespaces));
	r = inside_read_many(request, 1);
	if (r == 0)
		r = request->result;
	if (r == 0)
		*ret = request->inside;
	inside_requests_free(request, 1);
	return r;
}

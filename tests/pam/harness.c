/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam/harness.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#define MARKER        "/.nsisolate-sandbox"
#define REAL_HELPER   NSISOLATE_HELPER ".real"
#define EXIT_FAILED   1
#define EVENTUALLY_MS 10000
#define CASE_SECONDS  120
#define LOG_SHOWN     4000 /* bytes, of a failed case */

int host_proc = -1;
/* The log, filled by a process that reads the socket. */
static struct {
	volatile size_t length;
	volatile unsigned synchronised; /* the last mark that was read */
	char text[8 << 20];
} * log_shared;
static int log_socket = -1; /* connected */
static size_t log_start;    /* what the case has not forgotten */

void check_failed(const char *file, int line, const char *what, long long found, long long expected)
{
	const char *log = log_text();
	size_t length = strlen(log);

	fprintf(stderr, "%s:%d: %s (found %lld, expected %lld)\nlog:\n%s\n", file, line, what, found, expected,
		length > LOG_SHOWN ? log + length - LOG_SHOWN : log);
	fflush(stderr);
	_exit(EXIT_FAILED);
}

/* Files */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	return walk->level > 0 ? remove(path) : 0;
}

static void empty_directory(const char *path)
{
	if (mkdir(path, 0755) < 0)
		(void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	CHECK_INT(chmod(path, 0755), 0);
}

void write_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_INT(fchmod(fd, mode), 0);
	close_fd(fd);
}

void write_stack(const char *service, const char *format, ...)
{
	char path[256], text[2048];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)snprintf(path, sizeof(path), STACKS "/%s", service);
	write_text(path, text, 0644);
}

void set_policy(const char *name, const char *text)
{
	char path[512];

	(void)mkdir(NSISOLATE_POLICY_DIRECTORY "/user", 0755);
	(void)mkdir(NSISOLATE_POLICY_DIRECTORY "/group", 0755);
	(void)snprintf(path, sizeof(path), NSISOLATE_POLICY_DIRECTORY "/%s", name);
	write_text(path, text, 0644);
}

void replace_helper(const char *text, mode_t mode)
{
	CHECK_INT(rename(NSISOLATE_HELPER, REAL_HELPER), 0);
	if (text)
		write_text(NSISOLATE_HELPER, text, mode);
}

/* PAM */

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	struct login *login = data;

	*responses = calloc((size_t)count, sizeof(**responses));
	if (!*responses)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		size_t used = strlen(login->said);

		(void)snprintf(login->said + used, sizeof(login->said) - used, "%s\n", messages[i]->msg);
	}
	return PAM_SUCCESS;
}

void login_start(struct login *login, const char *service, const char *user)
{
	/* libpam copies it; the module reaches us through it only while the login exists */
	const struct pam_conv conversation = { converse, login };

	*login = (struct login){ 0 };
	CHECK_INT(pam_start_confdir(service, user, &conversation, STACKS, &login->pamh), PAM_SUCCESS);
}

int login_open(struct login *login, int flags)
{
	return pam_open_session(login->pamh, flags);
}

int login_close(struct login *login, int flags)
{
	return pam_close_session(login->pamh, flags);
}

void login_end(struct login *login, int status)
{
	CHECK_INT(pam_end(login->pamh, status), PAM_SUCCESS);
	login->pamh = NULL;
}

void login_in(struct login *login, const char *user)
{
	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(login, "test", user);
	CHECK_INT(login_open(login, 0), PAM_SUCCESS);
}

void login_out(struct login *login)
{
	CHECK_INT(login_close(login, 0), PAM_SUCCESS);
	login_end(login, PAM_SUCCESS);
}

const char *login_id(struct login *login)
{
	return pam_getenv(login->pamh, "NSISOLATE_ID");
}

/* Processes */

void read_namespaces(pid_t pid, uint64_t ret[NAMESPACE_KINDS])
{
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		char path[64];
		struct stat status = { 0 };

		(void)snprintf(path, sizeof(path), "%d/ns/%s", (int)pid, namespace_table[i].proc_link);
		CHECK_INT(fstatat(host_proc, path, &status, 0), 0);
		ret[i] = status.st_ino;
	}
}

uint64_t children_namespace(pid_t pid)
{
	char path[64];
	struct stat status = { 0 };

	(void)snprintf(path, sizeof(path), "%d/ns/pid_for_children", (int)pid);
	return fstatat(host_proc, path, &status, 0) < 0 ? 0 : status.st_ino;
}

char *read_proc(pid_t pid, const char *name)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = calloc(1, 64 * 1024);
	char path[64];
	size_t used = 0;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	fd = openat(host_proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !text)
		return NULL;
	while ((size = read(fd, text + used, 64 * 1024 - 1 - used)) > 0)
		used += (size_t)size;
	return size < 0 ? NULL : TAKE_PTR(text);
}

bool process_exists(pid_t pid)
{
	_cleanup_free_ char *stat = read_proc(pid, "stat");
	const char *end = stat ? strrchr(stat, ')') : NULL;

	return end && end[2] != 'Z' && end[2] != 'X';
}

/* The process called so whose PID namespace is this one (0: any). */
static pid_t find_process(const char *command, uint64_t namespace)
{
	DIR *directory = fdopendir(openat(host_proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	pid_t found = 0;

	CHECK(directory);
	while (found == 0 && (entry = readdir(directory))) {
		pid_t pid = atoi(entry->d_name);
		_cleanup_free_ char *comm = pid > 0 ? read_proc(pid, "comm") : NULL;

		if (comm && strcmp(comm, command) == 0 && process_exists(pid) &&
		    (namespace == 0 || children_namespace(pid) == namespace))
			found = pid;
	}
	(void)closedir(directory);
	return found;
}

pid_t find_init(void)
{
	return find_process("nsisolate-init\n", children_namespace(getpid()));
}

pid_t find_any_init(void)
{
	return find_process("nsisolate-init\n", 0);
}

bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

pid_t start_child(void (*function)(void *argument), void *argument)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		function(argument);
		_exit(0);
	}
	return child;
}

void end_well(pid_t child)
{
	int status = -1;
	pid_t ended;

	while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR)
		;
	CHECK_INT(ended, child);
	CHECK_INT(status, 0);
}

void in_child(void (*function)(void *argument), void *argument)
{
	end_well(start_child(function, argument));
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool eventually(bool (*condition)(void *argument), void *argument)
{
	int64_t deadline = now_ms() + EVENTUALLY_MS;

	while (!condition(argument)) {
		if (now_ms() > deadline)
			return false;
		(void)poll(NULL, 0, 2);
	}
	return true;
}

/* The log */

/* The queue of a datagram socket is short, and a full one would stop the program that logs. */
static _Noreturn void read_log(int socket)
{
	char line[8192];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		ssize_t size = recv(socket, line, sizeof(line), 0);
		size_t used = log_shared->length;

		if (size <= 0)
			_exit(size < 0);
		if ((size_t)size == sizeof(unsigned)) {
			memcpy((void *)&log_shared->synchronised, line, sizeof(unsigned));
			continue;
		}
		if (used + (size_t)size + 2 > sizeof(log_shared->text))
			continue;
		memcpy(log_shared->text + used, line, (size_t)size);
		log_shared->text[used + (size_t)size] = '\n';
		log_shared->text[used + (size_t)size + 1] = '\0';
		log_shared->length = used + (size_t)size + 1;
	}
}

static void start_log(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t reader;

	log_shared = mmap(NULL, sizeof(*log_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(log_shared != MAP_FAILED);
	(void)unlink(address.sun_path);
	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(chmod(address.sun_path, 0666), 0);
	log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(log_socket >= 0);
	CHECK_INT(connect(log_socket, (const struct sockaddr *)&address, sizeof(address)), 0);
	reader = fork();
	CHECK(reader >= 0);
	if (reader == 0)
		read_log(listener);
	close_fd(listener);
}

/* Everything that was logged before the call is in the text: a mark of ours has come through behind it. */
const char *log_text(void)
{
	static unsigned mark;

	mark = mark * 5 + (unsigned)getpid() + 1;
	if (send(log_socket, &mark, sizeof(mark), MSG_NOSIGNAL) == sizeof(mark))
		while (log_shared->synchronised != mark)
			(void)poll(NULL, 0, 1);
	return log_shared->text + log_start;
}

void log_forget(void)
{
	(void)log_text();
	log_start = log_shared->length;
}

size_t count_logged(const char *text)
{
	size_t count = 0;

	for (const char *found = log_text(); (found = strstr(found, text)); found += strlen(text))
		count++;
	return count;
}

bool logged(const char *text)
{
	return count_logged(text) > 0;
}

/* Records */

size_t count_records(void)
{
	struct record_list list;
	size_t count;

	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	count = list.count;
	record_list_release(&list);
	return count;
}

pid_t init_of(const char *id)
{
	struct record_list list;
	pid_t init = 0;

	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	for (size_t i = 0; i < list.count; i++)
		if (strcmp(list.items[i].name, id) == 0 && list.items[i].alive)
			init = list.items[i].init_pid;
	record_list_release(&list);
	return init;
}

bool record_gone(void *id)
{
	return init_of(id) == 0;
}

/* Around a case */

struct host_state {
	uint64_t namespaces[NAMESPACE_KINDS];
	char hostname[65];
	char *mounts;
};

static void read_host_state(struct host_state *state)
{
	read_namespaces(getpid(), state->namespaces);
	(void)gethostname(state->hostname, sizeof(state->hostname));
	state->mounts = read_proc(getpid(), "mountinfo");
}

/* Every process of the sandbox whose PID namespace is not ours: those of sessions. */
static bool no_process_is_isolated(void *own)
{
	DIR *directory = fdopendir(openat(host_proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	bool none = true;

	while (none && (entry = readdir(directory))) {
		uint64_t found = children_namespace(atoi(entry->d_name));

		none = *entry->d_name < '1' || *entry->d_name > '9' || !process_exists(atoi(entry->d_name)) ||
		       found == 0 || found == *(uint64_t *)own;
	}
	(void)closedir(directory);
	return none;
}

static void make_host_clean(void)
{
	empty_directory(STACKS);
	empty_directory(NSISOLATE_POLICY_DIRECTORY);
	(void)nftw(RECORD_DIRECTORY, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	/* where a case had replaced it */
	(void)rename(REAL_HELPER, NSISOLATE_HELPER);
	log_forget();
	set_policy("default.conf", "");
}

static void run_case(void **state)
{
	const struct pam_case *pam_case = *state;
	struct host_state before, after;
	uint64_t own = children_namespace(getpid());
	int status = -1;
	pid_t child;

	make_host_clean();
	read_host_state(&before);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(CASE_SECONDS);
		/* the program's own connection to the log, there before the module uses it */
		openlog("test-pam", LOG_NDELAY, LOG_USER);
		pam_case->run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status != 0)
		fail_msg("%s: wait status %#x", pam_case->name, (unsigned)status);
	assert_true(eventually(no_process_is_isolated, &own));
	read_host_state(&after);
	assert_memory_equal(before.namespaces, after.namespaces, sizeof(before.namespaces));
	assert_string_equal(before.hostname, after.hostname);
	assert_string_equal(before.mounts, after.mounts);
	free(before.mounts);
	free(after.mounts);
}

int run_cases(const struct pam_case *cases, size_t count)
{
	const char *wanted = getenv("NSISOLATE_CASE");
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	size_t kept = 0;
	int r;

	if (access(MARKER, F_OK) < 0) {
		fputs("only inside the sandbox: tests/support/run-in-sandbox\n", stderr);
		return 2;
	}
	host_proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!tests || host_proc < 0)
		return 2;
	start_log();
	for (size_t i = 0; i < count; i++)
		if (!wanted || strstr(cases[i].name, wanted))
			tests[kept++] = (struct CMUnitTest){
				.name = cases[i].name,
				.test_func = run_case,
				.initial_state = (void *)&cases[i],
			};
	r = _cmocka_run_group_tests("pam", tests, kept, NULL, NULL);
	free(tests);
	return r;
}

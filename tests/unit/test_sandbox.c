// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is refused behind the sandbox and what still works. There is no way back out of it: each
 * test is a child process, and what it finds wrong is its exit status' matter. What only root can
 * give up is skipped for others, and the filter where the build has none.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "dm/host_files.h"
#include "dm/options.h"
#include "dm/sandbox.h"
#include "dm/sandbox_filter.h"

enum {
	X32_CALL = 0x40000000, /* marks a call by the x32 convention */
	TEST_UID = 12345,
	TEST_GID = 12346,
};

/** In a child: says what is wrong and ends it. */
#define CHECK(condition)                                                                     \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			dprintf(STDERR_FILENO, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, \
				#condition, errno);                                          \
			_exit(1);                                                            \
		}                                                                            \
	} while (0)

/** The call fails, and by the sandbox. */
#define CHECK_REFUSED(call)                                  \
	do {                                                 \
		errno = 0;                                   \
		CHECK((long)(call) == -1 && errno == EPERM); \
	} while (0)

/** The status with which a child ends that runs 'body', as wait has it. */
static int run_child(void (*body)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		body();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void assert_child_succeeds(void (*body)(void))
{
	int status = run_child(body);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void only_load_filter(void)
{
	const struct sandbox_allowances allowances = { .sockets = false };
	struct err err = { 0 };

	_exit(sandbox_filter_load(&allowances, &err) == 0 ? 0 : 1);
}

static void need_filter(void)
{
	if (run_child(only_load_filter) == 0)
		return;
	print_message("no system call filter in this build or on this host\n");
	skip();
}

static void need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("only for root\n");
	skip();
}

static const struct options plain_options = { .sandbox = true, .sandbox_chosen = true };

static void prepare(struct sandbox *sandbox, const struct options *options)
{
	struct err err = { 0 };

	CHECK(sandbox_prepare(sandbox, options, &err) == 0);
}

static void enter(const struct sandbox *sandbox)
{
	struct err err = { 0 };

	CHECK(sandbox_enter(sandbox, &err) == 0);
}

static void enter_plain(void)
{
	struct sandbox sandbox;

	prepare(&sandbox, &plain_options);
	enter(&sandbox);
}

/* Refused. */

static void try_files(void)
{
	enter_plain();
	CHECK_REFUSED(open("/etc/passwd", O_RDONLY));
	CHECK_REFUSED(openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY));
	CHECK_REFUSED(syscall(SYS_open, "/dev/null", O_RDWR));
	CHECK_REFUSED(syscall(SYS_creat, "/tmp/x", 0600));
	CHECK_REFUSED(unlink("/tmp/x"));
	CHECK_REFUSED(rename("/tmp/x", "/tmp/y"));
	CHECK_REFUSED(mkdir("/tmp/x", 0700));
	CHECK_REFUSED(chmod("/tmp", 0777));
	CHECK_REFUSED(fchmod(STDERR_FILENO, 0666));
	CHECK_REFUSED(access("/", R_OK));
	CHECK_REFUSED(chdir("/"));
	CHECK_REFUSED(chroot("/"));
	CHECK_REFUSED(mount("none", "/", "tmpfs", 0, NULL));
	CHECK_REFUSED(umount2("/", MNT_DETACH));
	CHECK_REFUSED(syscall(SYS_memfd_create, "code", 0));
}

static void files_are_refused(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_files);
}

static void try_sockets(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int before = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];

	enter_plain();
	CHECK_REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_REFUSED(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK_REFUSED(connect(before, (struct sockaddr *)&address, sizeof(address)));
	CHECK_REFUSED(bind(before, (struct sockaddr *)&address, sizeof(address)));
	CHECK_REFUSED(listen(before, 1));
}

static void sockets_are_refused(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_sockets);
}

/* A helper that waits: what it has open, and nothing else. */

static void try_helper(void)
{
	static const char word[] = "a word";
	const struct timespec moment = { .tv_nsec = 1 };
	struct options options = { .accel = ACCEL_XEN };
	struct sandbox sandbox;
	struct err err = { 0 };
	char read_back[sizeof(word)];
	int ends[2];

	CHECK(pipe(ends) == 0);
	prepare(&sandbox, &options);
	CHECK(sandbox_enter_helper(&sandbox, &err) == 0);
	CHECK(write(ends[1], word, sizeof(word)) == sizeof(word));
	CHECK(read(ends[0], read_back, sizeof(word)) == sizeof(word));
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) == 0);
	CHECK_REFUSED(open("/etc/passwd", O_RDONLY));
	CHECK_REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_REFUSED(syscall(SYS_fork));
	CHECK_REFUSED(syscall(SYS_kill, getppid(), 0));
}

static void a_helper_may_only_wait_and_speak(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_helper);
}

/* A user-mode network: sockets of the Internet, its name servers and files, and nothing more. */

static char tftp_directory[] = "/tmp/hvmdm-test-XXXXXX";

static void try_user_network(void)
{
	struct options options = plain_options;
	struct opts netdev;
	struct sandbox sandbox;
	struct stat status;
	char words[64], path[64];
	int local = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	snprintf(words, sizeof(words), "user,id=net0,tftp=%s", tftp_directory);
	CHECK(opts_parse(&netdev, words, "type", NULL) == 0);
	options.netdevs = (struct options_list){ .items = &netdev, .count = 1 };
	prepare(&sandbox, &options);
	enter(&sandbox);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(fd >= 0);
	CHECK(listen(fd, 1) == 0);
	CHECK(socket(AF_INET6, SOCK_DGRAM, 0) >= 0);
	CHECK_REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_REFUSED(socket(AF_PACKET, SOCK_DGRAM, 0));
	CHECK_REFUSED(socket(AF_INET, SOCK_RAW, 0));
	CHECK_REFUSED(syscall(SYS_execve, "/bin/true", NULL, NULL));
	if (sandbox.has_mounts) {
		CHECK(stat("/etc/resolv.conf", &status) == 0);
		snprintf(path, sizeof(path), "%s/file", tftp_directory);
		CHECK(open(path, O_RDONLY) >= 0);
		CHECK_REFUSED(open(path, O_RDWR));
		CHECK_REFUSED(open(path, O_RDONLY | O_TRUNC));
		CHECK(open("/etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
		CHECK(open("/proc/self/mem", O_RDONLY) == -1 && errno == ENOENT);
	} else {
		CHECK_REFUSED(open("/etc/passwd", O_RDONLY));
	}
	close(local);
	opts_finish(&netdev);
}

static void become_nobody_and_try(void)
{
	CHECK(setgroups(0, NULL) == 0);
	CHECK(setresgid(TEST_GID, TEST_GID, TEST_GID) == 0);
	CHECK(setresuid(TEST_UID, TEST_UID, TEST_UID) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0); /* as a program started by such a user */
	try_user_network();
}

static void a_user_network_has_what_it_needs(void **state)
{
	char path[64];
	int fd;

	(void)state;
	need_filter();
	assert_non_null(mkdtemp(tftp_directory));
	chmod(tftp_directory, 0755);
	snprintf(path, sizeof(path), "%s/file", tftp_directory);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	close(fd);
	assert_child_succeeds(try_user_network);
	if (geteuid() == 0)
		assert_child_succeeds(become_nobody_and_try);
	unlink(path);
	rmdir(tftp_directory);
}

static void try_programs(void)
{
	char *const arguments[] = { (char[]){ "true" }, NULL };
	pid_t parent = getppid();

	enter_plain();
	CHECK_REFUSED(execve("/bin/true", arguments, NULL));
	CHECK_REFUSED(syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0));
	CHECK_REFUSED(syscall(SYS_fork));
	CHECK_REFUSED(syscall(SYS_vfork));
	CHECK_REFUSED(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	CHECK_REFUSED(syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
	CHECK_REFUSED(ptrace(PTRACE_ATTACH, parent, 0, 0));
	CHECK_REFUSED(syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0));
	CHECK_REFUSED(kill(parent, 0));
	CHECK_REFUSED(syscall(SYS_tgkill, parent, parent, 0));
	CHECK_REFUSED(syscall(SYS_pidfd_open, parent, 0));
}

static void programs_and_processes_are_refused(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_programs);
}

static void try_privileges(void)
{
	struct io_uring_params ring = { 0 };
	struct rlimit limit = { 10, 10 };
	char key = 'x';
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	enter_plain();
	CHECK_REFUSED(unshare(CLONE_NEWUSER));
	CHECK_REFUSED(syscall(SYS_setuid, 0));
	CHECK_REFUSED(syscall(SYS_bpf, 0, NULL, 0));
	CHECK_REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	CHECK_REFUSED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	CHECK_REFUSED(syscall(SYS_io_uring_setup, 4, &ring));
	CHECK_REFUSED(syscall(SYS_io_uring_register, 0, 0, NULL, 0));
	CHECK_REFUSED(setrlimit(RLIMIT_NOFILE, &limit));
	CHECK_REFUSED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	CHECK_REFUSED(ioctl(STDIN_FILENO, TIOCSTI, &key));
	CHECK_REFUSED(fcntl(STDIN_FILENO, F_SETOWN, getpid()));
	CHECK_REFUSED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	CHECK_REFUSED(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static void privileges_and_code_are_refused(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_privileges);
}

static void try_foreign_convention(void)
{
	enter_plain();
	syscall(X32_CALL | SYS_getpid);
}

static void a_foreign_calling_convention_kills(void **state)
{
	int status;

	(void)state;
	need_filter();
	status = run_child(try_foreign_convention);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* A thread from before is bound as well. */

struct bystander {
	pthread_barrier_t barrier;
	int opened, error;
	uid_t uid;
};

static void *stand_by(void *opaque)
{
	struct bystander *bystander = opaque;

	pthread_barrier_wait(&bystander->barrier); /* it runs */
	pthread_barrier_wait(&bystander->barrier); /* the sandbox is entered */
	bystander->opened = open("/etc/passwd", O_RDONLY);
	bystander->error = errno;
	bystander->uid = (uid_t)syscall(SYS_geteuid);
	return NULL;
}

static void try_bystander(void)
{
	struct bystander bystander = { 0 };
	struct sandbox sandbox;
	pthread_t thread;

	pthread_barrier_init(&bystander.barrier, NULL, 2);
	prepare(&sandbox, &plain_options);
	CHECK(pthread_create(&thread, NULL, stand_by, &bystander) == 0);
	pthread_barrier_wait(&bystander.barrier);
	enter(&sandbox);
	pthread_barrier_wait(&bystander.barrier);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(bystander.opened == -1 && bystander.error == EPERM);
	CHECK(bystander.uid != 0);
}

static void threads_from_before_are_bound(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_bystander);
}

/* What still works. */

static int listen_abstract(struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* The kernel chooses a name. */
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	CHECK(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)) == 0);
	CHECK(listen(fd, 1) == 0);
	return fd;
}

static void send_fd(int socket_fd, int passed)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &passed, sizeof(passed));
	CHECK(sendmsg(socket_fd, &message, 0) == 1);
}

static int receive_fd(int socket_fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd;

	CHECK(recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) == 1);
	CHECK(CMSG_FIRSTHDR(&message) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void try_passed_medium(void)
{
	int pair[2], image = open("/proc/self/exe", O_RDONLY), fd;
	struct stat status;
	char magic[4];

	CHECK(image >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	send_fd(pair[0], image);
	close(image);
	enter_plain();
	fd = receive_fd(pair[1]);
	CHECK(fstat(fd, &status) == 0 && status.st_size > 4);
	CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL)) == 0);
	CHECK(pread(fd, magic, sizeof(magic), 0) == 4 && memcmp(magic, "\177ELF", 4) == 0);
}

static void a_passed_file_is_read(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_passed_medium);
}

static void try_connection(void)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int listener = listen_abstract(&address), client = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	char byte = 'a';

	CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	CHECK(connect(client, (struct sockaddr *)&address, length) == 0);
	enter_plain();
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(peer >= 0);
	CHECK(send(client, &byte, 1, MSG_NOSIGNAL) == 1);
	CHECK(read(peer, &byte, 1) == 1 && byte == 'a');
}

static void connections_are_accepted(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_connection);
}

static void *do_nothing(void *opaque)
{
	return opaque;
}

static void received(int signum)
{
	(void)signum;
}

static void try_daily_life(void)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	uint64_t count;
	pthread_t thread;
	int fd, pipes[2];
	void *large;

	enter_plain();
	CHECK(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	large = malloc(64 << 20);
	CHECK(large != NULL);
	memset(large, 1, 1 << 20);
	free(large);
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	CHECK(fd >= 0 && timerfd_settime(fd, 0, &soon, NULL) == 0);
	CHECK(read(fd, &count, sizeof(count)) == sizeof(count));
	CHECK(eventfd(0, EFD_CLOEXEC) >= 0);
	CHECK(pipe2(pipes, O_CLOEXEC) == 0 && ioctl(pipes[0], FIONREAD, &fd) == 0);
	CHECK(signal(SIGUSR1, received) != SIG_ERR && pthread_kill(pthread_self(), SIGUSR1) == 0);
}

static void threads_memory_and_timers_work(void **state)
{
	(void)state;
	need_filter();
	assert_child_succeeds(try_daily_life);
}

static void try_host_open(void)
{
	struct err err = { 0 };

	enter_plain();
	CHECK(host_open("/tmp/shot.png", O_WRONLY | O_CREAT, 0600, &err) == -EPERM);
	CHECK(strstr(err.text, "'/tmp/shot.png'") && strstr(err.text, "add-fd") &&
	      strstr(err.text, "-sandbox off"));
}

static void host_files_are_refused_with_a_sentence(void **state)
{
	struct err err = { 0 };

	(void)state;
	need_filter();
	assert_child_succeeds(try_host_open);
	assert_int_equal(host_open("/nonexistent/file", O_RDONLY, 0, &err), -ENOENT);
	assert_non_null(strstr(err.text, "'/nonexistent/file'"));
}

/* What root gives up, looked at from inside, without the filter. */

static void check_identity(uid_t uid, gid_t gid)
{
	uid_t uids[3];
	gid_t gids[3];

	CHECK(getresuid(&uids[0], &uids[1], &uids[2]) == 0);
	CHECK(getresgid(&gids[0], &gids[1], &gids[2]) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(uids[i] == uid && gids[i] == gid);
	CHECK(getgroups(3, gids) == 1 && gids[0] == gid);
}

static void check_privileges(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
	struct rlimit limit;

	CHECK(syscall(SYS_capget, &header, held) == 0);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		CHECK(!held[i].effective && !held[i].permitted && !held[i].inheritable);
	CHECK(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max <= 1024);
}

static void check_no_files(void)
{
	DIR *root = opendir("/");
	const struct dirent *entry;

	CHECK(root != NULL);
	while ((entry = readdir(root)))
		CHECK(entry->d_name[0] == '.');
	closedir(root);
	CHECK(open("/../etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
	CHECK(open("etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
	CHECK(open("/x", O_RDWR | O_CREAT, 0600) == -1);
}

static void give_up_all_but_calls(const struct options *options)
{
	struct sandbox sandbox;

	prepare(&sandbox, options);
	if (!options->chroot && !sandbox.has_mounts)
		_exit(77); /* a container that allows no namespaces */
	sandbox.filters = false;
	enter(&sandbox);
}

static void try_default_user(void)
{
	give_up_all_but_calls(&plain_options);
	check_identity(65534, 65534);
	check_privileges();
	check_no_files();
}

static void try_runas(void)
{
	struct options options = plain_options;

	options.runas = "12345:12346";
	give_up_all_but_calls(&options);
	check_identity(TEST_UID, TEST_GID);
	check_privileges();
	check_no_files();
}

static void try_staying_root(void)
{
	struct options options = plain_options;

	options.runas = "0:0";
	give_up_all_but_calls(&options);
	check_identity(0, 0);
	check_privileges();
	check_no_files();
}

static void root_gives_up(void (*body)(void))
{
	int status;

	need_root();
	status = run_child(body);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("the host allows no mount namespace\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void root_becomes_nobody(void **state)
{
	(void)state;
	root_gives_up(try_default_user);
}

static void root_becomes_whom_runas_names(void **state)
{
	(void)state;
	root_gives_up(try_runas);
}

static void root_that_stays_has_no_capabilities(void **state)
{
	(void)state;
	root_gives_up(try_staying_root);
}

/* -runas and -chroot hold without the sandbox, as Xen's toolstack uses them. */
static void try_chroot(void)
{
	char directory[] = "/tmp/test_sandbox.XXXXXX";
	struct options options = { .sandbox_chosen = true, .runas = "12345:12346" };

	CHECK(mkdtemp(directory) != NULL);
	options.chroot = directory;
	give_up_all_but_calls(&options);
	check_identity(TEST_UID, TEST_GID);
	CHECK(open("/../etc/passwd", O_RDONLY) == -1 && errno != EPERM);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

static void chroot_and_runas_hold_without_the_rest(void **state)
{
	(void)state;
	root_gives_up(try_chroot);
}

/* Sentences. */

static void assert_refused(struct options options, const char *word)
{
	struct sandbox sandbox;
	struct err err = { 0 };
	int result;

	options.sandbox_chosen = true;
	result = sandbox_prepare(&sandbox, &options, &err);
	if (result == 0)
		result = sandbox_enter(&sandbox, &err);
	assert_true(result < 0);
	assert_non_null(strstr(err.text, word));
}

static void what_cannot_be_done_is_said(void **state)
{
	(void)state;
	assert_refused((struct options){ .runas = "no such user" }, "'no such user'");
	assert_refused((struct options){ .runas = "12:" }, "'12:'");
	assert_refused((struct options){ .runas = "12:13x" }, "'12:13x'");
	assert_refused((struct options){ .runas = "" }, "-runas");
	assert_refused((struct options){ .chroot = "/nonexistent" }, "'/nonexistent'");
}

static void off_means_off(void **state)
{
	const struct options options = { .sandbox_chosen = true };
	struct sandbox sandbox;
	struct err err = { 0 };
	int fd;

	(void)state;
	assert_int_equal(sandbox_prepare(&sandbox, &options, &err), 0);
	assert_false(sandbox.confines || sandbox.filters || sandbox.changes_user);
	assert_int_equal(sandbox_enter(&sandbox, &err), 0);
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_refused),
		cmocka_unit_test(sockets_are_refused),
		cmocka_unit_test(a_helper_may_only_wait_and_speak),
		cmocka_unit_test(a_user_network_has_what_it_needs),
		cmocka_unit_test(programs_and_processes_are_refused),
		cmocka_unit_test(privileges_and_code_are_refused),
		cmocka_unit_test(a_foreign_calling_convention_kills),
		cmocka_unit_test(threads_from_before_are_bound),
		cmocka_unit_test(a_passed_file_is_read),
		cmocka_unit_test(connections_are_accepted),
		cmocka_unit_test(threads_memory_and_timers_work),
		cmocka_unit_test(host_files_are_refused_with_a_sentence),
		cmocka_unit_test(root_becomes_nobody),
		cmocka_unit_test(root_becomes_whom_runas_names),
		cmocka_unit_test(root_that_stays_has_no_capabilities),
		cmocka_unit_test(chroot_and_runas_hold_without_the_rest),
		cmocka_unit_test(what_cannot_be_done_is_said),
		cmocka_unit_test(off_means_off),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/sandbox_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cdrom.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"

/* Calls that are allowed whatever their arguments. */
static const int free_calls[] = {
	/* Transfers on what is open: disks, sockets, terminals, the log. */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwritev),
	SCMP_SYS(preadv2),
	SCMP_SYS(pwritev2),
	SCMP_SYS(lseek),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fallocate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	/* The ring is restricted to transfers before: block/aio_uring.c. */
	SCMP_SYS(io_uring_enter),
	/* Peers of sockets that listen already, and descriptors that they pass. */
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	/* The event loop. */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pselect6),
	SCMP_SYS(select),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(timerfd_settime),
	/* Time, where the kernel does not offer it without a call. */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	SCMP_SYS(time),
	/* Memory; mmap and mprotect are below. */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mincore),
	SCMP_SYS(mremap),
	SCMP_SYS(msync),
	SCMP_SYS(munmap),
	/* Threads and signals; clone and tgkill are below. */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getcpu),
	SCMP_SYS(membarrier),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigsuspend),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sigaltstack),
	/* What the process may know about itself. */
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(sysinfo),
	SCMP_SYS(times),
	SCMP_SYS(uname),
};

static const unsigned long allowed_ioctls[] = {
	/* A virtual machine that exists: it runs, is reset, saved, plugged into. */
	KVM_RUN,
	KVM_CHECK_EXTENSION,
	KVM_CREATE_VCPU,
	KVM_GET_CLOCK,
	KVM_GET_DEBUGREGS,
	KVM_GET_DIRTY_LOG,
	KVM_GET_FPU,
	KVM_GET_IRQCHIP,
	KVM_GET_LAPIC,
	KVM_GET_MP_STATE,
	KVM_GET_MSRS,
	KVM_GET_MSR_INDEX_LIST,
	KVM_GET_PIT2,
	KVM_GET_REGS,
	KVM_GET_SREGS,
	KVM_GET_SUPPORTED_CPUID,
	KVM_GET_VCPU_EVENTS,
	KVM_GET_VCPU_MMAP_SIZE,
	KVM_GET_XCRS,
	KVM_GET_XSAVE,
	KVM_IRQ_LINE,
	KVM_KVMCLOCK_CTRL,
	KVM_NMI,
	KVM_REGISTER_COALESCED_MMIO,
	KVM_SET_CLOCK,
	KVM_SET_CPUID2,
	KVM_SET_DEBUGREGS,
	KVM_SET_FPU,
	KVM_SET_GSI_ROUTING,
	KVM_SET_IRQCHIP,
	KVM_SET_LAPIC,
	KVM_SET_MP_STATE,
	KVM_SET_MSRS,
	KVM_SET_PIT2,
	KVM_SET_REGS,
	KVM_SET_SREGS,
	KVM_SET_USER_MEMORY_REGION,
	KVM_SET_VCPU_EVENTS,
	KVM_SET_XCRS,
	KVM_SET_XSAVE,
	KVM_SIGNAL_MSI,
	KVM_TRANSLATE,
	KVM_UNREGISTER_COALESCED_MMIO,
	/* A disc in the host's drive; a block device that is passed, or that discards. */
	BLKDISCARD,
	BLKGETSIZE64,
	BLKSSZGET,
	CDROM_DRIVE_STATUS,
	/* Terminals and what libuv asks of any descriptor. */
	FIOCLEX,
	FIONBIO,
	FIONREAD,
	TCGETS,
	TCSETS,
	TCSETSF,
	TCSETSW,
	TIOCGWINSZ,
};

static const int allowed_fcntls[] = {
	F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,     F_GETFL,
	F_SETFL, F_GETLK,         F_SETLK, F_OFD_GETLK, F_OFD_SETLK,
};

/* Names of threads; glibc names its memory where the kernel is built to keep that. */
static const int allowed_prctls[] = { PR_SET_NAME, PR_SET_VMA };

static int allow_free_calls(scmp_filter_ctx filter)
{
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(free_calls) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, free_calls[i], 0);
	return result;
}

/** Allows 'call' if its argument number 'index' is 'value'. */
static int allow_equal(scmp_filter_ctx filter, int call, unsigned index, scmp_datum_t value)
{
	const struct scmp_arg_cmp condition = { .arg = index, .op = SCMP_CMP_EQ, .datum_a = value };

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/** Allows 'call' if of its argument number 'index' the bits of 'mask' are 'value'. */
static int allow_masked(scmp_filter_ctx filter, int call, unsigned index, scmp_datum_t mask,
			scmp_datum_t value)
{
	const struct scmp_arg_cmp condition = {
		.arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/** Calls whose second or first argument says what they do. */
static int allow_selected(scmp_filter_ctx filter)
{
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(allowed_ioctls) && result == 0; i++)
		result = allow_equal(filter, SCMP_SYS(ioctl), 1, (scmp_datum_t)allowed_ioctls[i]);
	for (size_t i = 0; i < ARRAY_SIZE(allowed_fcntls) && result == 0; i++)
		result = allow_equal(filter, SCMP_SYS(fcntl), 1, (scmp_datum_t)allowed_fcntls[i]);
	for (size_t i = 0; i < ARRAY_SIZE(allowed_prctls) && result == 0; i++)
		result = allow_equal(filter, SCMP_SYS(prctl), 0, (scmp_datum_t)allowed_prctls[i]);
	return result;
}

/** No memory that can be executed: what is code now stays all the code there is. */
static int allow_data_memory(scmp_filter_ctx filter)
{
	int result = allow_masked(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	if (result == 0)
		result = allow_masked(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	return result;
}

/** Threads, but no processes; signals to this process, but to no other. */
static int allow_threads(scmp_filter_ctx filter)
{
	const scmp_datum_t thread =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	const scmp_datum_t namespaces = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET |
					CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;
	/* clone3 keeps its flags where no filter sees them; without it libc takes clone. */
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (result == 0)
		result = allow_masked(filter, SCMP_SYS(clone), 0, thread | namespaces, thread);
	if (result == 0)
		result = allow_equal(filter, SCMP_SYS(tgkill), 0, (scmp_datum_t)getpid());
	return result;
}

/** Questions about what is open and about limits, in calls that could also do more. */
static int allow_questions(scmp_filter_ctx filter)
{
	int result = allow_equal(filter, SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH);

	if (result == 0)
		result = allow_equal(filter, SCMP_SYS(statx), 2, AT_EMPTY_PATH);
	if (result == 0)
		result = allow_equal(filter, SCMP_SYS(prlimit64), 2, 0);
	return result;
}

/** Allows 'call' if of its argument 'index' is 'value', and of the next the bits of 'mask' are
 * 'masked'. */
static int allow_pair(scmp_filter_ctx filter, int call, unsigned index, scmp_datum_t value,
		      scmp_datum_t mask, scmp_datum_t masked)
{
	const struct scmp_arg_cmp conditions[] = {
		{ .arg = index, .op = SCMP_CMP_EQ, .datum_a = value },
		{ .arg = index + 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = masked },
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, ARRAY_SIZE(conditions),
				      conditions);
}

/** No local ones, which lead to other programs of the same user, and none below UDP and TCP. */
static int allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
	static const int calls[] = { SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen) };
	const scmp_datum_t type_mask = ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK) & UINT32_MAX;
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && result == 0; i++)
		for (size_t j = 0; j < ARRAY_SIZE(types) && result == 0; j++)
			result = allow_pair(filter, SCMP_SYS(socket), 0, (scmp_datum_t)families[i],
					    type_mask, (scmp_datum_t)types[j]);
	for (size_t i = 0; i < ARRAY_SIZE(calls) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return result;
}

static int allow_reading(scmp_filter_ctx filter)
{
	const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC | __O_TMPFILE;
	int result = allow_masked(filter, SCMP_SYS(openat), 2, writing, O_RDONLY);

	return result == 0 ? allow_equal(filter, SCMP_SYS(newfstatat), 3, 0) : result;
}

static int set_attributes(scmp_filter_ctx filter)
{
	int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	return result;
}

static int load(scmp_filter_ctx filter, int result, struct err *err)
{
	if (result == 0)
		result = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (result < 0)
		return err_set_errno(err, result, "the kernel takes no system call filter");
	return 0;
}

int sandbox_filter_load(const struct sandbox_allowances *allowances, struct err *err)
{
	static int (*const steps[])(scmp_filter_ctx filter) = {
		set_attributes,    allow_free_calls, allow_selected,
		allow_data_memory, allow_threads,    allow_questions,
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = filter ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && result == 0; i++)
		result = steps[i](filter);
	if (result == 0 && allowances->sockets)
		result = allow_sockets(filter);
	if (result == 0 && allowances->files)
		result = allow_reading(filter);
	return load(filter, result, err);
}

int sandbox_filter_load_helper(struct err *err)
{
	static const int calls[] = {
		SCMP_SYS(read),        SCMP_SYS(write),        SCMP_SYS(ioctl),
		SCMP_SYS(close),       SCMP_SYS(munmap),       SCMP_SYS(clock_nanosleep),
		SCMP_SYS(exit_group),  SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
		SCMP_SYS(sigaltstack), /* AddressSanitizer's */
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = filter ? set_attributes(filter) : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(calls) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return load(filter, result, err);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "dm/host_files.h"
#include "dm/options.h"
#include "dm/sandbox_filter.h"

enum {
	/* The user with the least to say, of which every Linux has one by this number. */
	NOBODY = 65534,
	/* Descriptors: viewers, clients of control, and what they pass. */
	MAX_DESCRIPTORS = 1024,
};

/* Any directory there is; what we mount over it is seen by nobody else. */
static const char covered_directory[] = "/dev";

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER_BUILD 1
#endif
#endif
#ifndef SANITIZER_BUILD
#define SANITIZER_BUILD 0
#endif

/* Before anything is opened. */

static bool wants_confinement(const struct options *options)
{
	if (options->sandbox_chosen)
		return options->sandbox;
	if (options->accel == ACCEL_QTEST)
		return false; /* the guest is a test program */
	if (options->accel == ACCEL_XEN)
		return false; /* libxl says what it wants: -xen-domid-restrict, -chroot, -runas */
	if (SANITIZER_BUILD) {
		log_info("no sandbox in a build with AddressSanitizer, unless by -sandbox on");
		return false;
	}
	if (options->sdl) {
		log_info("no sandbox beside a local window, whose libraries open files as they go "
			 "(-vnc has one)");
		return false;
	}
	return true;
}

static bool parse_ids(struct sandbox *sandbox, const char *text)
{
	int length = 0;

	if (strspn(text, "0123456789:") != strlen(text))
		return false;
	return sscanf(text, "%9u:%9u%n", &sandbox->uid, &sandbox->gid, &length) == 2 &&
	       text[length] == '\0';
}

static int find_user(struct sandbox *sandbox, const char *name, struct err *err)
{
	const struct passwd *entry;

	if (parse_ids(sandbox, name))
		return 0;
	errno = 0;
	entry = getpwnam(name);
	if (!entry)
		return err_set(err, -EINVAL,
			       "-runas: there is no user '%s' (a name, or UID:GID in numbers)",
			       name);
	sandbox->uid = entry->pw_uid;
	sandbox->gid = entry->pw_gid;
	return 0;
}

static int choose_user(struct sandbox *sandbox, const char *runas, struct err *err)
{
	bool is_root = geteuid() == 0;
	int result = 0;

	sandbox->uid = sandbox->gid = NOBODY;
	sandbox->must_change_user = runas != NULL;
	if (runas)
		result = find_user(sandbox, runas, err);
	if (result < 0)
		return result;
	sandbox->changes_user =
		runas ? is_root || sandbox->uid != geteuid() || sandbox->gid != getegid()
		      : is_root && sandbox->confines;
	if (sandbox->changes_user && !is_root)
		return err_set(err, -EPERM, "-runas: only root can become user '%s'", runas);
	return 0;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/**
 * Makes us one who may mount, in a user namespace where nothing but that is different: the same
 * user, the same group. Not every host allows it.
 */
static bool take_own_users(void)
{
	char uids[48], gids[48];

	snprintf(uids, sizeof(uids), "%u %u 1", geteuid(), geteuid());
	snprintf(gids, sizeof(gids), "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWUSER) == 0 && write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", uids) && write_text("/proc/self/gid_map", gids);
}

/** Of the calling thread and those it starts, so before there are others. */
static void take_own_mounts(struct sandbox *sandbox)
{
	if (geteuid() != 0 && !take_own_users()) {
		log_warning("sandbox: no user namespace (%s): the guest's network 'user' resolves "
			    "no names and has no TFTP (-sandbox off allows both)",
			    strerror(errno));
		return;
	}
	/* What the host mounts and unmounts during set-up is still seen; nothing goes back. */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		sandbox->has_mounts = true;
	else
		log_warning("sandbox: no mount namespace of its own (%s)", strerror(errno));
}

/** What a network needs that cannot be done before the guest starts. */
static void provide_for(struct sandbox *sandbox, struct opts *netdev)
{
	const char *type = opts_get_or(netdev, "type", "");
	bool reconnects = opts_get(netdev, "reconnect") || opts_get(netdev, "reconnect-ms");

	if (strcmp(type, "user") == 0) {
		sandbox->connects = sandbox->resolves = true;
		sandbox->tftp = opts_get_or(netdev, "tftp", sandbox->tftp);
	} else if (strcmp(type, "stream") == 0 && reconnects) {
		sandbox->connects = true;
	}
}

int sandbox_prepare(struct sandbox *sandbox, const struct options *options, struct err *err)
{
	int result;

	*sandbox = (struct sandbox){
		.confines = wants_confinement(options),
		.demanded = options->sandbox_chosen && options->sandbox,
		.root = options->chroot,
	};
	sandbox->filters = sandbox->confines;
	for (size_t i = 0; i < options->netdevs.count; i++)
		provide_for(sandbox, &options->netdevs.items[i]);
	result = choose_user(sandbox, options->runas, err);
	if (result == 0 && sandbox->confines && !sandbox->root &&
	    (geteuid() == 0 || sandbox->resolves))
		take_own_mounts(sandbox);
	return result;
}

/* When everything is open. */

/** Copies what the host says of its name servers, as it is now. */
static void copy_resolver(const char *root)
{
	char path[64], text[4096] = "";
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "%s/etc", root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/etc/resolv.conf", root);
	if (length < 0 || !write_text(path, text))
		log_warning("sandbox: the network 'user' knows no name servers");
}

/** Makes the directory visible below 'root' where it always was. */
static void keep_directory(const char *root, const char *directory)
{
	char path[4096];
	int length = snprintf(path, sizeof(path), "%s%s", root, directory);

	if (length < 0 || (size_t)length >= sizeof(path))
		return;
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	mkdir(path, 0755);
	if (mount(directory, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		log_warning("sandbox: '%s' is not to be had by TFTP (%s)", directory,
			    strerror(errno));
}

/**
 * Puts a read-only file system, empty but for what a network reads, in the place of all there are.
 * Where the root cannot be replaced (an initial RAM disk), it is left for good.
 */
static int empty_mounts(const struct sandbox *sandbox)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount("none", covered_directory, "tmpfs", flags, "mode=0755") < 0)
		return -errno;
	if (sandbox->resolves)
		copy_resolver(covered_directory);
	if (sandbox->tftp)
		keep_directory(covered_directory, sandbox->tftp);
	if (mount(NULL, covered_directory, NULL, flags | MS_REMOUNT | MS_RDONLY, "mode=0555") < 0 ||
	    chdir(covered_directory) < 0)
		return -errno;
	/* The old root comes to lie over the new one, and goes. */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) < 0 ? -errno : 0;
	return chroot(".") < 0 ? -errno : 0;
}

static int leave_files(const struct sandbox *sandbox, struct err *err)
{
	int result;

	if (sandbox->root && (chroot(sandbox->root) < 0 || chdir("/") < 0))
		return err_set_errno(err, -errno, "-chroot: cannot be confined to '%s'",
				     sandbox->root);
	if (!sandbox->has_mounts)
		return 0;
	result = empty_mounts(sandbox);
	if (result < 0)
		log_warning("sandbox: the mount namespace cannot be emptied (%s)",
			    strerror(-result));
	return 0;
}

static void limit_to(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0 || limit.rlim_max <= most)
		return;
	limit.rlim_max = most;
	limit.rlim_cur = limit.rlim_cur < most ? limit.rlim_cur : most;
	setrlimit(resource, &limit);
}

static void drop_bounding_set(void)
{
	for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
		capability++;
}

/** libc changes all threads; the kernel then takes their capabilities. */
static int become_user(const struct sandbox *sandbox, struct err *err)
{
	if (!sandbox->changes_user)
		return 0;
	if (setgroups(1, &sandbox->gid) == 0 &&
	    setresgid(sandbox->gid, sandbox->gid, sandbox->gid) == 0 &&
	    setresuid(sandbox->uid, sandbox->uid, sandbox->uid) == 0)
		return 0;
	if (sandbox->must_change_user)
		return err_set_errno(err, -errno, "-runas: cannot become user %u:%u", sandbox->uid,
				     sandbox->gid);
	log_warning("sandbox: cannot become user %u (%s)", sandbox->uid, strerror(errno));
	return 0;
}

/** Those of this thread; where no user was changed to, others keep theirs behind the filter. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		log_warning("sandbox: cannot drop capabilities (%s)", strerror(errno));
}

static int load_filter(const struct sandbox *sandbox, struct err *err)
{
	const struct sandbox_allowances allowances = {
		.sockets = sandbox->connects,
		/* Where all files can be seen, none is to be opened. */
		.files = sandbox->resolves && (sandbox->has_mounts || sandbox->root),
	};
	struct err reason = { 0 };
	int result;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set_errno(err, -errno, "sandbox: cannot renounce new privileges");
	if (!sandbox->filters)
		return 0;
	result = sandbox_filter_load(&allowances, &reason);
	if (result < 0 && sandbox->demanded)
		return err_set(err, result, "-sandbox on: %s", reason.text);
	if (result < 0)
		log_warning("sandbox: %s", reason.text);
	return 0;
}

int sandbox_enter(const struct sandbox *sandbox, struct err *err)
{
	int result;

	tzset(); /* reads the time zone's file, for -rtc base=localtime */
	result = leave_files(sandbox, err);
	if (result < 0)
		return result;
	if (sandbox->confines) {
		limit_to(RLIMIT_CORE, 0); /* it would hold the guest's memory */
		limit_to(RLIMIT_NOFILE, MAX_DESCRIPTORS);
		drop_bounding_set();
	}
	result = become_user(sandbox, err);
	if (result < 0 || !sandbox->confines)
		return result;
	drop_capabilities();
	host_forbid_files(true);
	return load_filter(sandbox, err);
}

int sandbox_enter_helper(const struct sandbox *sandbox, struct err *err)
{
	struct sandbox helper = *sandbox;
	struct err reason = { 0 };
	int result;

	helper.has_mounts = false;
	helper.changes_user = helper.changes_user || geteuid() == 0;
	limit_to(RLIMIT_CORE, 0);
	result = leave_files(&helper, err);
	if (result < 0)
		return result;
	drop_bounding_set();
	result = become_user(&helper, err);
	if (result < 0)
		return result;
	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set_errno(err, -errno, "sandbox: cannot renounce new privileges");
	if (sandbox_filter_load_helper(&reason) < 0)
		log_info("sandbox of the helper: %s", reason.text);
	return 0;
}

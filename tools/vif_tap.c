// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interfaces of guests on the host. The keeper makes them, not the device model, which needs no
 * privileges then; and it is still there to clean up when the device model has gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/vif.h"

#define DEFAULT_SCRIPT "vif-bridge"

/** A script by its name: a path, or a file beside this program (in a build tree), in
 * $HVM_SCRIPTS, or where hvmdm is installed. The caller frees it. */
static char *find_script(const char *name)
{
	const char *folder = getenv("HVM_SCRIPTS");
	char self[4096], *slash, *path;
	ssize_t length;

	if (strchr(name, '/'))
		return text_copy(name);
	if (folder && *folder)
		return text_format("%s/%s", folder, name);
	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	path = text_format("%.*s/%s", slash ? (int)(slash - self) : 0, self, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return text_format("%s/%s", HVM_SCRIPT_DIR, name);
}

static void set_word(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/** In a child: the environment that scripts of Xen's kind look at. */
static void run(const struct vif_taps *taps, unsigned index, const char *path, const char *verb)
{
	const struct vif *vif = &taps->vifs[index];
	char number[16];

	snprintf(number, sizeof(number), "%u", index);
	set_word("INTERFACE", taps->names[index]);
	set_word("vif", taps->names[index]);
	set_word("bridge", vif->bridge);
	set_word("mac", vif->mac);
	set_word("ip", vif->ip);
	set_word("mtu", vif->mtu);
	set_word("guest", taps->guest);
	set_word("devid", number);
	execl(path, path, verb, "type_if=tap", (char *)NULL);
	dprintf(STDERR_FILENO, "hvm: cannot run '%s': %s\n", path, strerror(errno));
	_exit(127);
}

static int run_script(const struct vif_taps *taps, unsigned index, const char *verb,
		      struct err *err)
{
	const char *name = taps->vifs[index].script;
	char *path = find_script(name && *name ? name : DEFAULT_SCRIPT);
	int status = 0, result = 0;
	pid_t pid = fork();

	if (pid == 0)
		run(taps, index, path, verb);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		result = err_set(err, -EIO, "the script '%s %s' failed for %s", path, verb,
				 taps->names[index]);
	free(path);
	return result;
}

static int open_tap(struct vif_taps *taps, unsigned index, struct err *err)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	const char *wanted = taps->vifs[index].interface;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), result = 0;

	if (fd < 0)
		return err_set_errno(err, -errno, "cannot open /dev/net/tun");
	/* The kernel puts a number that is free in the place of %d. */
	if (wanted)
		snprintf(request.ifr_name, IFNAMSIZ, "%s", wanted);
	else
		snprintf(request.ifr_name, IFNAMSIZ, "vif%%d.%u-emu", index % VIF_MAX);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		result = err_set_errno(err, -errno, "cannot make the interface '%s'",
				       request.ifr_name);
	else if (dup2(fd, VIF_FIRST_FD + (int)index) < 0)
		result = err_set_errno(err, -errno, "cannot keep the interface '%s'",
				       request.ifr_name);
	close(fd);
	snprintf(taps->names[index], sizeof(taps->names[index]), "%s", request.ifr_name);
	return result;
}

int vif_open_taps(struct vif_taps *taps, struct err *err)
{
	int result = 0;

	for (unsigned i = 0; i < taps->count && result == 0; i++) {
		if (taps->vifs[i].kind != VIF_TAP)
			continue;
		result = open_tap(taps, i, err);
		if (result == 0)
			result = run_script(taps, i, "add", err);
	}
	if (result < 0)
		vif_close_taps(taps);
	return result;
}

void vif_close_taps(const struct vif_taps *taps)
{
	for (unsigned i = 0; i < taps->count; i++)
		if (taps->vifs[i].kind == VIF_TAP)
			close(VIF_FIRST_FD + (int)i);
}

void vif_remove_taps(const struct vif_taps *taps)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < taps->count; i++)
		if (taps->vifs[i].kind == VIF_TAP && run_script(taps, i, "remove", &err) < 0)
			dprintf(STDERR_FILENO, "hvm: %s\n", err.text);
}

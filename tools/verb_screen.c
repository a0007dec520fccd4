// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's screen: a viewer, and a picture of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/verb.h"
#include "tools/words.h"

enum {
	VNC_FIRST_PORT = 5900,
};

/** What a viewer takes as the server's name; the caller frees it. */
static char *name_server(struct json_object *vnc, struct err *err)
{
	const char *host = json_text_or(vnc, "host", ""), *port = json_text_or(vnc, "service", "");
	const char *family = json_text_or(vnc, "family", "ipv4");
	struct json_object *enabled = NULL;
	long number = strtol(port, NULL, 10);

	if (json_object_is_type(vnc, json_type_object) &&
	    json_object_object_get_ex(vnc, "enabled", &enabled) &&
	    !json_object_get_boolean(enabled)) {
		err_set(err, -ENOENT, "the guest's screen is not offered by VNC (vnc = 0)");
		return NULL;
	}
	if (strcmp(family, "unix") == 0 || host[0] == '/')
		return text_copy(host[0] == '/' ? host : port);
	if (number < 1 || number > 65535) {
		err_set(err, -EPROTO, "the device model names no port of its VNC server");
		return NULL;
	}
	if (!*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		host = "localhost";
	if (number < VNC_FIRST_PORT)
		return text_format("%s::%ld", host, number);
	return text_format("%s:%ld", host, number - VNC_FIRST_PORT);
}

char *screen_find(struct qmp *qmp, struct err *err)
{
	struct json_object *answer = NULL;
	char *server = NULL;

	if (qmp_run(qmp, "query-vnc", NULL, -1, &answer, err) == 0)
		server = name_server(answer, err);
	json_object_put(answer);
	return server;
}

static char *find_server(const char *guest)
{
	struct err err = { 0 };
	char *server = NULL;
	struct qmp qmp;

	if (!verb_connect(&qmp, guest))
		return NULL;
	server = screen_find(&qmp, &err);
	qmp_close(&qmp);
	if (!server)
		verb_fail(&err);
	return server;
}

/** Becomes the viewer. Returns only if there is none. */
static void become_viewer(const char *server)
{
	static const char *const viewers[] = { "vncviewer", "xtigervncviewer", "gvncviewer",
					       "xvnc4viewer", NULL };
	const char *chosen = getenv("VNCVIEWER");

	if (chosen && *chosen) {
		execlp(chosen, chosen, server, (char *)NULL);
		fprintf(stderr, "hvm: cannot start the viewer '%s': %s\n", chosen, strerror(errno));
		return;
	}
	for (size_t i = 0; viewers[i]; i++)
		execlp(viewers[i], viewers[i], server, (char *)NULL);
	fprintf(stderr,
		"hvm: there is no VNC viewer on this host: install one (tigervnc-viewer) or set "
		"VNCVIEWER; the screen is at %s\n",
		server);
}

int viewer_start(const char *name_or_number, bool background)
{
	char *server = find_server(name_or_number);
	pid_t pid;

	if (!server)
		return VERB_FAILED;
	fflush(NULL);
	pid = background ? fork() : 0;
	if (pid == 0) {
		if (background)
			setsid();
		become_viewer(server);
		if (background)
			_exit(VERB_FAILED);
	}
	free(server);
	return pid > 0 ? VERB_DONE : VERB_FAILED;
}

static int run_viewer(const struct verb *verb, int argc, char **argv)
{
	/* xl's options for giving the viewer the password */
	if (argc == 3 && (strcmp(argv[1], "-a") == 0 || strcmp(argv[1], "--autopass") == 0))
		return viewer_start(argv[2], false);
	return argc == 2 ? viewer_start(argv[1], false) : verb_misuse(verb);
}

/* screenshot */

/** The file is made here and handed over as a descriptor, as with CDs. */
static int take_picture(struct qmp *qmp, const char *path, int fd, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	char name[64];
	int result;

	json_object_object_add(arguments, "opaque", json_object_new_string(path));
	result = qmp_run(qmp, "add-fd", arguments, fd, &answer, err);
	if (result < 0)
		return result;
	snprintf(name, sizeof(name), "/dev/fdset/%d", json_number_or(answer, "fdset-id", -1));
	json_object_put(answer);
	arguments = json_object_new_object();
	json_object_object_add(arguments, "filename", json_object_new_string(name));
	json_object_object_add(arguments, "format", json_object_new_string("png"));
	return qmp_run(qmp, "screendump", arguments, -1, NULL, err);
}

static int save_picture(struct qmp *qmp, const char *path, struct err *err)
{
	/* Until it is whole, the picture has another name: an old one is not lost by a failure. */
	char *unfinished = text_format("%s.part", path);
	int fd = open(unfinished, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int result = fd < 0 ? err_set_errno(err, -errno, "cannot write '%s'", unfinished)
			    : take_picture(qmp, path, fd, err);

	if (fd >= 0) {
		close(fd);
		if (result == 0 && rename(unfinished, path) < 0)
			result = err_set_errno(err, -errno, "cannot write '%s'", path);
		if (result < 0)
			unlink(unfinished);
	}
	free(unfinished);
	return result;
}

static int run_screenshot(const struct verb *verb, int argc, char **argv)
{
	struct err err = { 0 };
	struct qmp qmp;
	char *path;
	int result;

	if ((argc != 2 && argc != 3) || argv[1][0] == '-')
		return verb_misuse(verb);
	if (!verb_connect(&qmp, argv[1]))
		return VERB_FAILED;
	path = argc == 3 ? text_copy(argv[2]) : text_format("%s.png", argv[1]);
	result = save_picture(&qmp, path, &err);
	qmp_close(&qmp);
	if (result == 0 && argc == 2)
		puts(path);
	free(path);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

/* clang-format off */
const struct verb verbs_screen[] = {
	{ "vncviewer", "GUEST", "show the guest's screen",
	  "Starts $VNCVIEWER, or the first of vncviewer, xtigervncviewer and gvncviewer.\n",
	  run_viewer },
	{ "screenshot", "GUEST [FILE.png]", "save a picture of the guest's screen",
	  "Without FILE it is GUEST.png.\n", run_screenshot },
	{ 0 },
};
/* clang-format on */

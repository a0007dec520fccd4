// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * first-byte TIMES PROGRAM ARGUMENT...
 *
 * How long after its start a program writes the first byte to its standard output: with -serial
 * stdio and a firmware whose first instructions write to COM1, the time from exec to a guest's
 * first exit. What the program does afterwards, its end included, is not counted. Prints the median
 * of the runs in microseconds.
 */
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_TIMES = 1000,
	/* A program that says nothing for so long will not speak. */
	PATIENCE_MS = 20000,
};

extern char **environ;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/** Nanoseconds, or -1 if no byte came. */
static int64_t time_run(char **argv)
{
	posix_spawn_file_actions_t actions;
	struct pollfd reader;
	int fds[2], result;
	int64_t from, taken = -1;
	pid_t pid;
	char byte;

	if (pipe(fds) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	posix_spawn_file_actions_addclose(&actions, fds[1]);
	from = now_ns();
	result = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	reader = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	if (result == 0) {
		if (poll(&reader, 1, PATIENCE_MS) == 1 && read(fds[0], &byte, 1) == 1)
			taken = now_ns() - from;
		waitpid(pid, NULL, 0);
	}
	close(fds[0]);
	return taken;
}

static int compare(const void *a, const void *b)
{
	int64_t difference = *(const int64_t *)a - *(const int64_t *)b;

	return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv)
{
	static int64_t taken[MAX_TIMES];
	int times = argc > 2 ? atoi(argv[1]) : 0;

	if (times < 1 || times > MAX_TIMES) {
		fprintf(stderr, "first-byte TIMES PROGRAM ARGUMENT...\n");
		return 2;
	}
	for (int i = 0; i < times; i++) {
		taken[i] = time_run(argv + 2);
		if (taken[i] < 0) {
			fprintf(stderr, "first-byte: no byte from %s\n", argv[2]);
			return 1;
		}
	}
	qsort(taken, (size_t)times, sizeof(taken[0]), compare);
	printf("%lld\n", (long long)(taken[times / 2] / 1000));
	return 0;
}

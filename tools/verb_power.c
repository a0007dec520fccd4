// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verbs that act on the machine: power, processors, keys, and the monitor.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "tools/guest.h"
#include "tools/verb.h"
#include "tools/words.h"

enum {
	REMOVAL_STEPS = 500,
	REMOVAL_STEP_MS = 10,
	PROGRESS_MS = 5000,
};

static int run_on_one(const struct verb *verb, int argc, char **argv, const char *command)
{
	if (argc != 2 || argv[1][0] == '-')
		return verb_misuse(verb);
	return verb_command(argv[1], command, NULL);
}

static int run_pause(const struct verb *verb, int argc, char **argv)
{
	return run_on_one(verb, argc, argv, "stop");
}

static int run_unpause(const struct verb *verb, int argc, char **argv)
{
	return run_on_one(verb, argc, argv, "cont");
}

/* shutdown, reboot: of one guest or all, and waiting for the end */

struct power_options {
	bool all, wait;
};

static int parse_power(const struct verb *verb, int argc, char **argv,
		       struct power_options *options)
{
	static const struct option long_options[] = { { "all", no_argument, NULL, 'a' },
						      { "wait", no_argument, NULL, 'w' },
						      { NULL, 0, NULL, 0 } };
	int letter;

	while ((letter = getopt_long(argc, argv, "awF", long_options, NULL)) != -1) {
		if (letter == 'a')
			options->all = true;
		else if (letter == 'w')
			options->wait = true;
		else if (letter != 'F')
			return verb_misuse(verb);
	}
	return (options->all ? argc == optind : argc > optind) ? VERB_DONE : verb_misuse(verb);
}

static void wait_for_end(const struct instance *instance)
{
	if (instance_wait(instance, PROGRESS_MS))
		return;
	fprintf(stderr, "hvm: waiting for '%s' to end ('hvm destroy %s' ends it at once)\n",
		instance->name, instance->name);
	instance_wait(instance, -1);
}

static int act_on(const char *name, const char *command, bool wait)
{
	struct instance instance;
	int status;

	if (!verb_find(&instance, name))
		return VERB_FAILED;
	status = verb_command(name, command, NULL);
	if (status == VERB_DONE && wait)
		wait_for_end(&instance);
	instance_finish(&instance);
	return status;
}

static int act_on_all(const char *command, bool wait)
{
	struct instances instances;
	struct err err = { 0 };
	int status = VERB_DONE;

	if (registry_list(&instances, &err) < 0)
		return verb_fail(&err);
	for (size_t i = 0; i < instances.count; i++)
		if (instances.items[i].state == STATE_RUNNING &&
		    act_on(instances.items[i].name, command, false) != VERB_DONE)
			status = VERB_FAILED;
	for (size_t i = 0; i < instances.count && wait; i++)
		wait_for_end(&instances.items[i]);
	registry_list_finish(&instances);
	return status;
}

static int run_power(const struct verb *verb, int argc, char **argv, const char *command)
{
	struct power_options options = { 0 };
	int status = parse_power(verb, argc, argv, &options);

	if (status != VERB_DONE)
		return status;
	if (options.all)
		return act_on_all(command, options.wait);
	for (int i = optind; i < argc; i++)
		if (act_on(argv[i], command, options.wait) != VERB_DONE)
			status = VERB_FAILED;
	return status;
}

static int run_shutdown(const struct verb *verb, int argc, char **argv)
{
	return run_power(verb, argc, argv, "system_powerdown");
}

static int run_reboot(const struct verb *verb, int argc, char **argv)
{
	return run_power(verb, argc, argv, "system_reset");
}

/* destroy */

/** The keeper sees the end a moment later: it removes the directory or notes the cause. */
static void wait_for_keeper(const char *name)
{
	for (int i = 0; i < REMOVAL_STEPS; i++) {
		struct instance instance;
		enum instance_state state;

		if (registry_find(&instance, name, NULL) < 0)
			return;
		state = instance.state;
		instance_finish(&instance);
		if (state == STATE_CRASHED)
			return;
		poll(NULL, 0, REMOVAL_STEP_MS);
	}
}

int guest_destroy(const char *name)
{
	struct instance instance;

	if (!verb_find(&instance, name))
		return VERB_FAILED;
	registry_write(instance.directory, "destroyed", "", NULL);
	instance_kill(&instance);
	if (instance.state != STATE_CRASHED)
		wait_for_keeper(instance.name);
	registry_remove(instance.directory);
	instance_finish(&instance);
	return VERB_DONE;
}

static int run_destroy(const struct verb *verb, int argc, char **argv)
{
	int status = VERB_DONE, first = 1;

	if (argc > 1 && (strcmp(argv[1], "-f") == 0 || strcmp(argv[1], "--force") == 0))
		first = 2;
	if (argc <= first || argv[first][0] == '-')
		return verb_misuse(verb);
	for (int i = first; i < argc; i++)
		if (guest_destroy(argv[i]) != VERB_DONE)
			status = VERB_FAILED;
	return status;
}

/* trigger, button-press */

static int press(const struct verb *verb, const char *guest, const char *trigger)
{
	static const struct {
		const char *name, *command;
	} triggers[] = {
		{ "power", "system_powerdown" },
		{ "reset", "system_reset" },
		{ "nmi", "inject-nmi" },
		{ "s3resume", "system_wakeup" },
	};
	const char *names[ARRAY_SIZE(triggers) + 1] = { NULL }, *near;

	for (size_t i = 0; i < ARRAY_SIZE(triggers); i++) {
		if (strcmp(triggers[i].name, trigger) == 0)
			return verb_command(guest, triggers[i].command, NULL);
		names[i] = triggers[i].name;
	}
	near = err_nearest_word(trigger, names);
	fprintf(stderr, "hvm: %s: unknown word '%s'%s%s%s\n", verb->name, trigger,
		near ? ", did you mean '" : ", known are power, reset, nmi and s3resume",
		near ? near : "", near ? "'?" : "");
	return VERB_MISUSED;
}

static int run_trigger(const struct verb *verb, int argc, char **argv)
{
	return argc == 3 ? press(verb, argv[1], argv[2]) : verb_misuse(verb);
}

static int run_button(const struct verb *verb, int argc, char **argv)
{
	if (argc != 3)
		return verb_misuse(verb);
	if (strcmp(argv[2], "power") == 0 || strcmp(argv[2], "reset") == 0)
		return press(verb, argv[1], argv[2]);
	fprintf(stderr, "hvm: there is no button '%s': known are power and reset\n", argv[2]);
	return VERB_MISUSED;
}

/* sysrq */

static void add_key(struct json_object *keys, const char *name)
{
	struct json_object *key = json_object_new_object();

	json_object_object_add(key, "type", json_object_new_string("qcode"));
	json_object_object_add(key, "data", json_object_new_string(name));
	json_object_array_add(keys, key);
}

static int run_sysrq(const struct verb *verb, int argc, char **argv)
{
	struct json_object *keys, *arguments;
	char letter[2] = "";

	if (argc != 3)
		return verb_misuse(verb);
	letter[0] = argv[2][0];
	if (letter[0] >= 'A' && letter[0] <= 'Z')
		letter[0] = (char)(letter[0] - 'A' + 'a');
	if (argv[2][1] != '\0' || !strchr("abcdefghijklmnopqrstuvwxyz0123456789", letter[0]) ||
	    !letter[0]) {
		fprintf(stderr, "hvm: sysrq: one letter or digit is wanted, not '%s'\n", argv[2]);
		return VERB_MISUSED;
	}
	keys = json_object_new_array();
	add_key(keys, "alt");
	add_key(keys, "sysrq");
	add_key(keys, letter);
	arguments = json_object_new_object();
	json_object_object_add(arguments, "keys", keys);
	return verb_command(argv[1], "send-key", arguments);
}

/* vcpu-set */

static struct json_object *describe_cpu(const char *driver, unsigned number)
{
	struct json_object *arguments = json_object_new_object();
	char id[16];

	snprintf(id, sizeof(id), "cpu-%u", number);
	json_object_object_add(arguments, "id", json_object_new_string(id));
	json_object_object_add(arguments, "driver", json_object_new_string(driver));
	json_object_object_add(arguments, "socket-id", json_object_new_int((int)number));
	json_object_object_add(arguments, "core-id", json_object_new_int(0));
	json_object_object_add(arguments, "thread-id", json_object_new_int(0));
	return arguments;
}

static bool is_plugged(struct json_object *cpus, unsigned number)
{
	for (size_t i = 0; i < json_object_array_length(cpus); i++)
		if (json_number_or(json_object_array_get_idx(cpus, i), "cpu-index", -1) ==
		    (int)number)
			return true;
	return false;
}

static int plug_cpus(struct qmp *qmp, struct json_object *plugged, struct json_object *slots,
		     unsigned wanted, struct err *err)
{
	size_t most = json_object_array_length(slots), now = json_object_array_length(plugged);
	const char *driver;

	if (wanted > most)
		return err_set(err, -EINVAL,
			       "more than %zu processors cannot be plugged in (maxvcpus)", most);
	if (wanted < now)
		return err_set(err, -EINVAL,
			       "the guest runs on %zu, and no processor can be taken away", now);
	for (unsigned i = 0; i < wanted; i++) {
		int result;

		if (is_plugged(plugged, i))
			continue;
		driver = json_text_or(json_object_array_get_idx(slots, 0), "type", "cpu");
		result = qmp_run(qmp, "device_add", describe_cpu(driver, i), -1, NULL, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int run_vcpu_set(const struct verb *verb, int argc, char **argv)
{
	struct json_object *plugged = NULL, *slots = NULL;
	struct err err = { 0 };
	char *end = NULL;
	unsigned long wanted;
	struct qmp qmp;
	int result;

	if (argc != 3)
		return verb_misuse(verb);
	wanted = strtoul(argv[2], &end, 10);
	if (*end != '\0' || wanted < 1 || wanted > GUEST_MAX_VCPUS)
		return verb_misuse(verb);
	if (!verb_connect(&qmp, argv[1]))
		return VERB_FAILED;
	result = qmp_run(&qmp, "query-cpus-fast", NULL, -1, &plugged, &err);
	if (result == 0)
		result = qmp_run(&qmp, "query-hotpluggable-cpus", NULL, -1, &slots, &err);
	if (result == 0 && (!json_object_is_type(plugged, json_type_array) ||
			    !json_object_is_type(slots, json_type_array)))
		result = err_set(&err, -EPROTO, "the device model's answer makes no sense");
	if (result == 0)
		result = plug_cpus(&qmp, plugged, slots, (unsigned)wanted, &err);
	json_object_put(plugged);
	json_object_put(slots);
	qmp_close(&qmp);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

/* qemu-monitor-command */

static int run_monitor(const struct verb *verb, int argc, char **argv)
{
	struct json_object *arguments, *answer = NULL;
	struct words words = { 0 };
	struct err err = { 0 };
	char *line;
	struct qmp qmp;
	int result;

	if (argc < 3)
		return verb_misuse(verb);
	if (!verb_connect(&qmp, argv[1]))
		return VERB_FAILED;
	for (int i = 2; i < argc; i++) {
		line = words.count ? text_format("%s %s", words.items[words.count - 1], argv[i])
				   : text_copy(argv[i]);
		words_add(&words, "%s", line);
		free(line);
	}
	arguments = json_object_new_object();
	json_object_object_add(arguments, "command-line",
			       json_object_new_string(words.items[words.count - 1]));
	words_finish(&words);
	result = qmp_run(&qmp, "human-monitor-command", arguments, -1, &answer, &err);
	if (result == 0 && json_object_is_type(answer, json_type_string))
		printf("%s\n", json_object_get_string(answer));
	json_object_put(answer);
	qmp_close(&qmp);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

/* clang-format off */
const struct verb verbs_power[] = {
	{ "shutdown", "[-w] -a | GUEST...", "press the power button: the guest powers itself off",
	  "  -a, --all   every guest\n"
	  "  -w, --wait  return when it has ended\n\n"
	  "A guest that does not heed the button goes on: 'hvm destroy' ends it.\n", run_shutdown },
	{ "reboot", "-a | GUEST...", "reset the guest's machine, as its reset button does",
	  "  -a, --all   every guest\n", run_reboot },
	{ "destroy", "GUEST...", "end the guest at once, or clean up after a crashed one", NULL,
	  run_destroy },
	{ "pause", "GUEST", "stop the guest's processors", NULL, run_pause },
	{ "unpause", "GUEST", "let them run again", NULL, run_unpause },
	{ "trigger", "GUEST power|reset|nmi|s3resume", "press a button or raise an event", NULL,
	  run_trigger },
	{ "button-press", "GUEST power|reset", "press a button", NULL, run_button },
	{ "sysrq", "GUEST KEY", "press Alt+SysRq+KEY on the guest's keyboard", NULL, run_sysrq },
	{ "vcpu-set", "GUEST N", "plug processors in, up to maxvcpus", NULL, run_vcpu_set },
	{ "qemu-monitor-command", "GUEST COMMAND", "run a command of the monitor for people",
	  "For instance: info status, info pci, info block, info registers.\n", run_monitor },
	{ 0 },
};
/* clang-format on */

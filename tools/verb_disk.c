// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hvm disk …: images that no guest uses. What a file's format is, the user says by -f, or by the
 * file's name; content decides only what 'info' and 'check' look at, never what is converted: a
 * guest could have written it.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/loop.h"
#include "base/opts.h"
#include "block/block.h"
#include "block/image.h"
#include "tools/medium.h"
#include "tools/verb.h"

enum {
	COPY_BYTES = 2 << 20, /* read at a time */
	GRAIN_BYTES = 65536,  /* of zeros that are not written */
	CHECK_ERRORS = 2,     /* exit statuses of 'check', as qemu-img's */
	CHECK_LEAKS = 3,
};

/** What options said. */
struct words {
	const char *format, *output, *backing, *backing_format, *cluster;
	const char *create, *apply, *delete;
	bool list, json, progress, shrink, version_2, compress, fixed;
	enum image_repair repair;
	struct loop *loop;
	char **operands;
	int count;
};

static const char *format_of_name(const char *filename)
{
	static const struct {
		const char *suffix, *format;
	} known[] = {
		{ ".qcow2", "qcow2" }, { ".vhd", "vpc" }, { ".vpc", "vpc" }, { ".vmdk", "vmdk" }
	};
	const char *dot = strrchr(filename, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(known); i++)
		if (strcmp(dot, known[i].suffix) == 0)
			return known[i].format;
	return NULL;
}

static const char *format_or(const struct words *words, const char *filename, const char *otherwise)
{
	const char *format = words->format ? words->format : format_of_name(filename);

	if (format && strcmp(format, "vhd") == 0)
		return "vpc";
	return format ? format : otherwise;
}

static void print_json(struct json_object *object)
{
	printf("%s\n", json_object_to_json_string_ext(
			       object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)value));
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_flag(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

/** 1.5 GiB */
static const char *readable(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1024;
	snprintf(text, size, unit ? "%.3g %s" : "%.0f %s", value, units[unit]);
	return text;
}

/* create */

static int parse_size(const char *text, uint64_t *bytes, struct err *err)
{
	if (opts_parse_size(text, 1, bytes) < 0 || *bytes == 0)
		return err_set(err, -EINVAL, "'%s' is no size: say for instance 20G", text);
	return 0;
}

static int parse_cluster(const char *text, unsigned *bits, struct err *err)
{
	uint64_t bytes;

	if (opts_parse_size(text, 1, &bytes) < 0 || !is_power_of_two(bytes) || bytes < 512 ||
	    bytes > (2 << 20))
		return err_set(err, -EINVAL,
			       "clusters of '%s' bytes: a power of two from 512 to 2M", text);
	*bits = (unsigned)__builtin_ctzll(bytes);
	return 0;
}

/** The size of the backing file, which must be there, and of the format that is said. */
static int backing_size(const struct words *words, const char *filename, uint64_t *bytes,
			struct err *err)
{
	const char *slash = strrchr(filename, '/');
	char path[4096];
	struct image_info info;
	int result;

	if (!words->backing_format)
		return err_set(err, -EINVAL, "-b needs -F: the format of the backing file");
	snprintf(path, sizeof(path), "%.*s%s",
		 slash && words->backing[0] != '/' ? (int)(slash - filename + 1) : 0, filename,
		 words->backing);
	result = image_get_info(path, words->backing_format, &info, words->loop, err);
	*bytes = info.size_bytes;
	return result;
}

static int create_image(const struct words *words, struct err *err)
{
	const char *filename = words->operands[0];
	struct image_create image = {
		.format = format_or(words, filename, "raw"),
		.backing_file = words->backing,
		.backing_format = words->backing_format,
		.version = words->version_2 ? 2 : 3,
		.fixed = words->fixed,
	};
	int result = 0;

	if (words->backing)
		result = backing_size(words, filename, &image.size_bytes, err);
	if (result == 0 && words->count > 1)
		result = parse_size(words->operands[1], &image.size_bytes, err);
	else if (result == 0 && !words->backing)
		result = err_set(err, -EINVAL, "how large is '%s' to be?", filename);
	if (result == 0 && words->cluster)
		result = parse_cluster(words->cluster, &image.cluster_bits, err);
	return result < 0 ? result : image_create(filename, &image, words->loop, err);
}

/* info */

static struct json_object *snapshot_json(const struct image_snapshot *snapshot)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "id", snapshot->id);
	add_text(object, "name", snapshot->name);
	add_number(object, "vm-state-size", snapshot->state_bytes);
	add_number(object, "date-sec", (uint64_t)snapshot->seconds);
	add_number(object, "date-nsec", snapshot->nanoseconds);
	add_number(object, "vm-clock-sec", snapshot->guest_ns / 1000000000);
	add_number(object, "vm-clock-nsec", snapshot->guest_ns % 1000000000);
	return object;
}

static struct json_object *info_json(const char *filename, const struct image_info *info,
				     const struct image_snapshot *snapshots, int count)
{
	struct json_object *object = json_object_new_object();
	struct json_object *specific = json_object_new_object();

	add_number(object, "virtual-size", info->size_bytes);
	add_text(object, "filename", filename);
	add_text(object, "format", info->format);
	add_number(object, "actual-size", info->allocated_bytes);
	add_flag(object, "dirty-flag", info->dirty);
	if (info->cluster_bytes)
		add_number(object, "cluster-size", info->cluster_bytes);
	if (*info->backing_file)
		add_text(object, "backing-filename", info->backing_file);
	if (*info->backing_format)
		add_text(object, "backing-filename-format", info->backing_format);
	if (count > 0) {
		struct json_object *list = json_object_new_array();

		for (int i = 0; i < count; i++)
			json_object_array_add(list, snapshot_json(&snapshots[i]));
		json_object_object_add(object, "snapshots", list);
	}
	if (info->version) {
		struct json_object *data = json_object_new_object();

		add_text(data, "compat", info->version < 3 ? "0.10" : "1.1");
		add_text(data, "compression-type", info->compression);
		add_flag(data, "lazy-refcounts", info->lazy_refcounts);
		add_number(data, "refcount-bits", info->refcount_bits);
		add_flag(data, "corrupt", info->corrupt);
		add_flag(data, "extended-l2", false);
		add_text(specific, "type", info->format);
		json_object_object_add(specific, "data", data);
		json_object_object_add(object, "format-specific", specific);
	} else {
		json_object_put(specific);
	}
	return object;
}

static void print_snapshots(const struct image_snapshot *snapshots, int count)
{
	if (count > 0)
		printf("%-6s %-24s %-20s %s\n", "id", "name", "taken", "disk");
	for (int i = 0; i < count; i++) {
		time_t seconds = (time_t)snapshots[i].seconds;
		char date[32], size[32];
		struct tm tm;

		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &tm));
		printf("%-6s %-24s %-20s %s\n", snapshots[i].id, snapshots[i].name, date,
		       readable(snapshots[i].disk_bytes, size, sizeof(size)));
	}
}

static void print_info(const char *filename, const struct image_info *info,
		       const struct image_snapshot *snapshots, int count)
{
	char text[32];

	printf("image: %s\nfile format: %s\n", filename, info->format);
	printf("virtual size: %s (%" PRIu64 " bytes)\n",
	       readable(info->size_bytes, text, sizeof(text)), info->size_bytes);
	printf("disk size: %s\n", readable(info->allocated_bytes, text, sizeof(text)));
	if (info->cluster_bytes)
		printf("cluster_size: %" PRIu64 "\n", info->cluster_bytes);
	if (*info->backing_file)
		printf("backing file: %s\nbacking file format: %s\n", info->backing_file,
		       *info->backing_format ? info->backing_format : "not named: read as raw");
	if (info->version)
		printf("compat: %s\ncompression type: %s\nrefcount bits: %u\n",
		       info->version < 3 ? "0.10" : "1.1", info->compression, info->refcount_bits);
	if (info->dirty)
		printf("dirty: its last user did not close it; it is repaired when it is used\n");
	if (info->corrupt)
		printf("corrupt: repair it with 'hvm disk check --repair'\n");
	print_snapshots(snapshots, count);
}

static int show_info(const struct words *words, struct err *err)
{
	const char *filename = words->operands[0];
	const char *format = format_or(words, filename, NULL);
	struct image_snapshot *snapshots = NULL;
	struct image_info info;
	int result = 0;

	if (!format)
		format = image_guess_format(filename, err);
	if (!format)
		return -EIO;
	result = image_get_info(filename, format, &info, words->loop, err);
	if (result == 0)
		result = image_list_snapshots(filename, format, &snapshots, words->loop, err);
	if (result >= 0 && words->json)
		print_json(info_json(filename, &info, snapshots, result));
	else if (result >= 0)
		print_info(filename, &info, snapshots, result);
	free(snapshots);
	return result < 0 ? result : 0;
}

/* check */

static int check_image(const struct words *words, struct err *err)
{
	const char *filename = words->operands[0];
	const char *format = format_or(words, filename, "qcow2");
	struct image_check check;
	int result = image_check(filename, format, words->repair, &check, words->loop, err);

	if (result < 0)
		return result;
	if (words->json) {
		struct json_object *object = json_object_new_object();

		add_text(object, "filename", filename);
		add_text(object, "format", format);
		add_number(object, "check-errors", 0);
		add_number(object, "corruptions", check.errors);
		add_number(object, "leaks", check.leaks);
		add_number(object, "repaired", check.repaired);
		add_number(object, "total-clusters", check.total_clusters);
		add_number(object, "allocated-clusters", check.allocated_clusters);
		add_number(object, "compressed-clusters", check.compressed_clusters);
		add_number(object, "image-end-offset", check.end_bytes);
		print_json(object);
	} else {
		if (check.repaired)
			printf("%" PRIu64 " repaired\n", check.repaired);
		if (check.errors)
			printf("%" PRIu64 " errors: data may be lost; 'hvm disk check --repair' "
			       "makes the tables whole\n",
			       check.errors);
		if (check.leaks)
			printf("%" PRIu64 " clusters are lost space, nothing else; 'hvm disk check "
			       "--repair' gives them back\n",
			       check.leaks);
		if (check.errors + check.leaks == 0)
			printf("nothing is wrong\n");
		printf("%" PRIu64 " of %" PRIu64 " clusters allocated, %" PRIu64 " compressed\n",
		       check.allocated_clusters, check.total_clusters, check.compressed_clusters);
	}
	return check.errors ? CHECK_ERRORS : check.leaks ? CHECK_LEAKS : 0;
}

/* convert */

static void show_progress(uint64_t done, uint64_t total)
{
	static int shown = -1;
	int tenths = total ? (int)(done * 1000 / total) : 1000;

	if (tenths == shown)
		return;
	shown = tenths;
	fprintf(stderr, "\r    (%d.%d/100%%)%s", tenths / 10, tenths % 10,
		done == total ? "\n" : "");
}

static bool is_zero(const uint8_t *data, size_t bytes)
{
	return data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0;
}

/** Writes what is not zeros: a new image has zeros everywhere. */
static int write_data(struct block *target, uint64_t offset, const uint8_t *data, size_t bytes)
{
	size_t begin = 0;
	int result = 0;

	while (result == 0 && begin < bytes) {
		size_t end = begin, grain = min_size(GRAIN_BYTES, bytes - begin);

		if (is_zero(data + begin, grain)) {
			begin += grain;
			continue;
		}
		while (end < bytes && !is_zero(data + end, min_size(GRAIN_BYTES, bytes - end)))
			end += min_size(GRAIN_BYTES, bytes - end);
		result = block_write_now(target, offset + begin, data + begin, end - begin);
		begin = end;
	}
	return result;
}

static int copy(struct block *source, struct block *target, bool progress, struct err *err)
{
	uint64_t size = block_size_bytes(source);
	uint8_t *data = malloc(COPY_BYTES);
	int result = data ? 0 : -ENOMEM;

	for (uint64_t at = 0; result == 0 && at < size; at += COPY_BYTES) {
		size_t bytes = (size_t)min_u64(COPY_BYTES, size - at);

		result = block_read_now(source, at, data, bytes);
		if (result < 0) {
			err_set_errno(err, result, "reading '%s'", block_filename(source));
			free(data);
			return result;
		}
		result = write_data(target, at, data, bytes);
		if (progress)
			show_progress(at + bytes, size);
	}
	free(data);
	if (result == 0)
		result = block_flush_now(target);
	if (result < 0)
		err_set_errno(err, result, "writing '%s'", block_filename(target));
	return result;
}

static struct block *open_disk(const struct words *words, const char *filename, const char *format,
			       bool writing, struct err *err)
{
	const struct block_options options = {
		.filename = filename, .fd = -1, .format = format, .read_only = !writing
	};

	return block_open(&options, words->loop, err);
}

/** What is converted may be a CD made on the fly. */
static struct block *open_source(const struct words *words, const char *text, struct err *err)
{
	struct block_options options = { .fd = -1, .read_only = true };
	struct block *source = NULL;
	struct medium medium;

	if (medium_parse(&medium, text, err) < 0)
		return NULL;
	options.filename = medium.path;
	options.overlay = medium.overlay;
	options.is_floppy = medium.is_floppy;
	options.is_cdrom = (medium.is_directory && !medium.is_floppy) || medium.overlay;
	options.format = medium_format(&medium, format_or(words, medium.path, "raw"));
	source = block_open(&options, words->loop, err);
	medium_finish(&medium);
	return source;
}

static int copy_to_new(const struct words *words, struct block *source, const char *to,
		       const struct image_create *image, struct err *err)
{
	struct block *target;
	int result = image_create(to, image, words->loop, err);

	if (result < 0)
		return result;
	target = open_disk(words, to, image->format, true, err);
	result = target ? copy(source, target, words->progress, err) : -EIO;
	block_close(target);
	if (result < 0)
		unlink(to);
	return result;
}

static int convert_image(const struct words *words, struct err *err)
{
	const char *from = words->operands[0], *to = words->operands[1];
	struct image_create image = { .version = words->version_2 ? 2 : 3, .fixed = words->fixed };
	struct words output = { .format = words->output };
	struct block *source;
	int result = 0;

	image.format = format_or(&output, to, "raw");
	if (words->cluster)
		result = parse_cluster(words->cluster, &image.cluster_bits, err);
	if (result < 0)
		return result;
	source = open_source(words, from, err);
	if (!source)
		return -EIO;
	image.size_bytes = block_size_bytes(source);
	if (words->compress)
		result = image_pack(to, &image, source, words->progress ? show_progress : NULL,
				    words->loop, err);
	else
		result = copy_to_new(words, source, to, &image, err);
	block_close(source);
	return result;
}

/* snapshot, resize */

static int list_snapshots(const struct words *words, const char *format, struct err *err)
{
	struct image_snapshot *snapshots;
	int count = image_list_snapshots(words->operands[0], format, &snapshots, words->loop, err);

	if (count >= 0 && words->json) {
		struct json_object *list = json_object_new_array();

		for (int i = 0; i < count; i++)
			json_object_array_add(list, snapshot_json(&snapshots[i]));
		print_json(list);
	} else if (count >= 0) {
		print_snapshots(snapshots, count);
	}
	free(snapshots);
	return count < 0 ? count : 0;
}

static int change_snapshots(const struct words *words, struct err *err)
{
	const char *filename = words->operands[0], *format = format_or(words, filename, "qcow2");
	enum image_snapshot_verb verb = words->create  ? IMAGE_SNAPSHOT_CREATE
					: words->apply ? IMAGE_SNAPSHOT_APPLY
						       : IMAGE_SNAPSHOT_DELETE;
	const char *name = words->create  ? words->create
			   : words->apply ? words->apply
					  : words->delete;

	if (!!words->create + !!words->apply + !!words->delete + words->list > 1)
		return err_set(err, -EINVAL, "one of -l, -c, -a and -d at a time");
	if (!name)
		return list_snapshots(words, format, err);
	return image_snapshot(filename, format, verb, name, words->loop, err);
}

static int resize_image(const struct words *words, struct err *err)
{
	const char *filename = words->operands[0], *text = words->operands[1];
	const char *format = format_or(words, filename, "raw");
	struct image_info info = { 0 };
	uint64_t bytes;
	int result = parse_size(text + (*text == '+'), &bytes, err);

	if (result == 0 && *text == '+')
		result = image_get_info(filename, format, &info, words->loop, err);
	if (result == 0 && bytes > UINT64_MAX / 2 - info.size_bytes)
		result = err_set(err, -EINVAL, "'%s' is too much", text);
	if (result < 0)
		return result;
	return image_resize(filename, format, bytes + info.size_bytes, words->shrink, words->loop,
			    err);
}

/* The verb */

/** Options without a letter. */
enum {
	LONG_CLUSTER = 256,
	LONG_VERSION_2,
	LONG_FIXED,
	LONG_JSON,
	LONG_REPAIR,
	LONG_SHRINK,
	LONG_CREATE,
};

#define LONG_BIT(name) BIT(LONG_##name - LONG_CLUSTER)

static const struct job {
	const char *name, *letters; /* as getopt has them */
	unsigned others;            /* LONG_BIT() */
	int least, most;            /* operands */
	int (*run)(const struct words *words, struct err *err);
} jobs[] = {
	{ "create", "f:b:F:c:", LONG_BIT(CLUSTER) | LONG_BIT(VERSION_2) | LONG_BIT(FIXED), 1, 2,
	  create_image },
	{ "info", "f:", LONG_BIT(JSON), 1, 1, show_info },
	{ "check", "f:", LONG_BIT(JSON) | LONG_BIT(REPAIR), 1, 1, check_image },
	{ "convert", "f:O:cp", LONG_BIT(CLUSTER) | LONG_BIT(VERSION_2) | LONG_BIT(FIXED), 2, 2,
	  convert_image },
	{ "snapshot", "f:lc:a:d:", LONG_BIT(JSON) | LONG_BIT(CREATE), 1, 1, change_snapshots },
	{ "resize", "f:", LONG_BIT(SHRINK), 2, 2, resize_image },
};

/** Whether the job has the option. */
static bool is_known(const struct job *job, int option)
{
	return option < LONG_CLUSTER ? strchr(job->letters, option) != NULL
				     : (job->others & BIT(option - LONG_CLUSTER)) != 0;
}

static void take_letter_c(struct words *words, const struct job *job)
{
	if (job->run == convert_image)
		words->compress = true;
	else if (job->run == change_snapshots)
		words->create = optarg;
	else
		words->cluster = optarg;
}

static bool take_repair(struct words *words)
{
	words->repair = IMAGE_REPAIR_ALL;
	if (optarg && strcmp(optarg, "leaks") == 0)
		words->repair = IMAGE_REPAIR_LEAKS;
	return !optarg || strcmp(optarg, "leaks") == 0 || strcmp(optarg, "all") == 0;
}

static bool take_option(struct words *words, const struct job *job, int option)
{
	const struct {
		int option;
		const char **text;
		bool *flag;
	} plain[] = {
		{ 'f', &words->format, NULL },
		{ 'O', &words->output, NULL },
		{ 'b', &words->backing, NULL },
		{ 'F', &words->backing_format, NULL },
		{ 'a', &words->apply, NULL },
		{ 'd', &words->delete, NULL },
		{ 'l', NULL, &words->list },
		{ 'p', NULL, &words->progress },
		{ LONG_CLUSTER, &words->cluster, NULL },
		{ LONG_CREATE, &words->create, NULL },
		{ LONG_VERSION_2, NULL, &words->version_2 },
		{ LONG_FIXED, NULL, &words->fixed },
		{ LONG_JSON, NULL, &words->json },
		{ LONG_SHRINK, NULL, &words->shrink },
	};

	if (!is_known(job, option))
		return false;
	if (option == LONG_REPAIR)
		return take_repair(words);
	if (option == 'c')
		take_letter_c(words, job);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (plain[i].option == option && plain[i].text)
			*plain[i].text = optarg;
		else if (plain[i].option == option)
			*plain[i].flag = true;
	}
	return true;
}

static bool parse_words(struct words *words, const struct job *job, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'O' },
		{ "backing", required_argument, NULL, 'b' },
		{ "backing-format", required_argument, NULL, 'F' },
		{ "cluster-size", required_argument, NULL, LONG_CLUSTER },
		{ "compress", no_argument, NULL, 'c' },
		{ "progress", no_argument, NULL, 'p' },
		{ "repair", optional_argument, NULL, LONG_REPAIR },
		{ "json", no_argument, NULL, LONG_JSON },
		{ "list", no_argument, NULL, 'l' },
		{ "create", required_argument, NULL, LONG_CREATE },
		{ "apply", required_argument, NULL, 'a' },
		{ "delete", required_argument, NULL, 'd' },
		{ "shrink", no_argument, NULL, LONG_SHRINK },
		{ "v2", no_argument, NULL, LONG_VERSION_2 },
		{ "fixed", no_argument, NULL, LONG_FIXED },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, job->letters, long_options, NULL)) != -1)
		if (!take_option(words, job, option))
			return false;
	words->operands = argv + optind;
	words->count = argc - optind;
	return words->count >= job->least && words->count <= job->most;
}

static int run_disk(const struct verb *verb, int argc, char **argv)
{
	struct words words = { 0 };
	struct err err = { 0 };
	int result;

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(jobs); i++) {
		if (strcmp(argv[1], jobs[i].name) != 0)
			continue;
		if (!parse_words(&words, &jobs[i], argc - 1, argv + 1))
			return verb_misuse(verb);
		words.loop = loop_create();
		if (!words.loop) {
			err_set(&err, -ENOMEM, "no memory or descriptors left");
			return verb_fail(&err);
		}
		result = jobs[i].run(&words, &err);
		loop_destroy(words.loop);
		return result < 0 ? verb_fail(&err) : result;
	}
	return verb_misuse(verb);
}

const struct verb verbs_disk[] = {
	{ "disk", "create|info|check|convert|snapshot|resize [OPTION...] FILE...",
	  "make, look at and change disk images",
	  "  create [-f FORMAT] [-b BACKING -F FORMAT] [-c CLUSTER] [--v2] [--fixed] FILE [SIZE]\n"
	  "  info [-f FORMAT] [--json] FILE\n"
	  "  check [-f FORMAT] [--repair[=leaks]] [--json] FILE\n"
	  "  convert [-f FORMAT] [-O FORMAT] [-c] [--cluster-size CLUSTER] [--fixed] [-p] SOURCE\n"
	  "          TARGET\n"
	  "  snapshot [-l | -c NAME | -a NAME | -d NAME] [--json] FILE\n"
	  "  resize [-f FORMAT] [--shrink] FILE [+]SIZE\n\n"
	  "Formats are raw, qcow2 and vpc (VHD; --fixed: with all its space); vmdk is read.\n"
	  "Without -f "
	  "the file's name says it (.qcow2, .vhd), and what says nothing is raw. convert -c\n"
	  "makes a compressed qcow2. No guest may be using the image, except for info.\n"
	  "check ends with 0, with 2 if there are errors, with 3 if there are only leaks.\n",
	  run_disk },
	{ 0 },
};

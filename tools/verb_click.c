// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clicks at a place of the guest's screen, or at a text on it.
 *
 * A pointer with absolute positions (USB tablet, Xen's) is put there. A mouse tells movements only,
 * and how far the guest moves its pointer for them is the guest's business: the mouse is pushed
 * into the upper left corner, then a little away from it; where the picture changes is where the
 * pointer is, and how far it went tells how far to push next, until it is there:
 *
 *   push_into_corner -> look at the picture twice -> push -> find_pointer -> push again or click
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/input.h"
#include "tools/aim.h"
#include "tools/verb.h"
#include "tools/waiting.h"
#include "tools/words.h"

enum {
	HOLD_MS = 80,       /* a button */
	BETWEEN_MS = 80,    /* the clicks of a double one */
	SETTLE_MS = 400,    /* until the picture shows where the pointer is */
	MANY_COUNTS = 8000, /* further than any screen is wide, whatever the guest makes of them */
	FIRST_COUNTS = 60,  /* away from the corner */
	STEP_COUNTS = 5,    /* in one packet: slow movement is the least accelerated */
	STEP_MS = 12,       /* a mouse tells some hundred packets a second */
	CORNER = 40,        /* dots that the pointer covers in it */
	POINTER_MAX = 64,   /* dots; what is larger is not the pointer alone */
	ROUNDS = 16,
	NEAR = 2,        /* dots */
	MAX_PUSH = 4000, /* counts at a time */
};

struct click {
	struct qmp qmp;
	const char *button;
	unsigned nth; /* of several places, 0: there must be one only */
	bool twice;
	/* The target in dots (or cells) of a screen of that size. */
	double x, y;
	unsigned width, height;
	bool is_picture;
};

/** Where a relative pointer is. */
struct chase {
	struct aim_picture corner[2]; /* the picture with the pointer in the corner, twice */
	int fd, fdset;                /* where pictures go */
	double x, y;                  /* the pointer */
	double gain_x, gain_y;        /* dots for a count */
};

static void pause_ms(int ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * NS_PER_MS };

	nanosleep(&time, NULL);
}

/* --- What is asked of the device model --- */

static struct json_object *new_event(const char *type, const char *key, struct json_object *value,
				     const char *other, struct json_object *other_value)
{
	struct json_object *event = json_object_new_object(), *data = json_object_new_object();

	json_object_object_add(data, key, value);
	json_object_object_add(data, other, other_value);
	json_object_object_add(event, "type", json_object_new_string(type));
	json_object_object_add(event, "data", data);
	return event;
}

static struct json_object *new_movement(const char *type, const char *axis, int value)
{
	return new_event(type, "axis", json_object_new_string(axis), "value",
			 json_object_new_int(value));
}

/** 'events' is taken over. */
static int send_events(struct click *click, struct json_object *events, struct err *err)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "events", events);
	return qmp_run(&click->qmp, "input-send-event", arguments, -1, NULL, err);
}

static int move(struct click *click, const char *type, int x, int y, struct err *err)
{
	struct json_object *events = json_object_new_array();

	json_object_array_add(events, new_movement(type, "x", x));
	json_object_array_add(events, new_movement(type, "y", y));
	return send_events(click, events, err);
}

static int press(struct click *click, bool down, struct err *err)
{
	struct json_object *events = json_object_new_array();

	json_object_array_add(events,
			      new_event("btn", "button", json_object_new_string(click->button),
					"down", json_object_new_boolean(down)));
	return send_events(click, events, err);
}

static int press_and_release(struct click *click, struct err *err)
{
	int result = 0;

	for (unsigned i = 0; i < (click->twice ? 2 : 1) && result == 0; i++) {
		if (i)
			pause_ms(BETWEEN_MS);
		result = press(click, true, err);
		pause_ms(HOLD_MS);
		if (result == 0)
			result = press(click, false, err);
	}
	return result;
}

/* --- An absolute pointer --- */

static int to_axis(double position, unsigned size)
{
	double axis = size > 1 ? position * INPUT_ABS_MAX / (size - 1) : 0;

	return axis < 0 ? 0 : axis > INPUT_ABS_MAX ? INPUT_ABS_MAX : (int)(axis + 0.5);
}

static int go_there(struct click *click, struct err *err)
{
	int result = move(click, "abs", to_axis(click->x, click->width),
			  to_axis(click->y, click->height), err);

	pause_ms(HOLD_MS);
	return result;
}

/* --- A relative pointer --- */

static int take_picture(struct click *click, struct chase *chase, struct aim_picture *picture,
			struct err *err)
{
	struct json_object *arguments = json_object_new_object();
	char name[64];
	struct stat status;
	uint8_t *bytes;
	int result;

	snprintf(name, sizeof(name), "/dev/fdset/%d", chase->fdset);
	json_object_object_add(arguments, "filename", json_object_new_string(name));
	json_object_object_add(arguments, "format", json_object_new_string("ppm"));
	/* The device model writes where the last picture ended. */
	if (ftruncate(chase->fd, 0) < 0 || lseek(chase->fd, 0, SEEK_SET) < 0) {
		json_object_put(arguments);
		return err_set_errno(err, -errno, "cannot keep a picture");
	}
	result = qmp_run(&click->qmp, "screendump", arguments, -1, NULL, err);
	if (result < 0)
		return result;
	if (fstat(chase->fd, &status) < 0 || status.st_size <= 0)
		return err_set(err, -EIO, "the device model has made no picture");
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, chase->fd, 0);
	if (bytes == MAP_FAILED)
		return err_set_errno(err, -errno, "cannot read a picture");
	result = aim_read_ppm(picture, bytes, (size_t)status.st_size, err);
	munmap(bytes, (size_t)status.st_size);
	return result;
}

static int open_pictures(struct click *click, struct chase *chase, struct err *err)
{
	struct json_object *answer = NULL;
	int result;

	chase->fd = memfd_create("picture", MFD_CLOEXEC);
	if (chase->fd < 0)
		return err_set_errno(err, -errno, "cannot keep pictures");
	result = qmp_run(&click->qmp, "add-fd", NULL, chase->fd, &answer, err);
	if (result == 0)
		chase->fdset = json_number_or(answer, "fdset-id", -1);
	json_object_put(answer);
	return result;
}

static void close_pictures(struct click *click, struct chase *chase)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "fdset-id", json_object_new_int(chase->fdset));
	qmp_run(&click->qmp, "remove-fd", arguments, -1, NULL, NULL);
	close(chase->fd);
	aim_picture_finish(&chase->corner[0]);
	aim_picture_finish(&chase->corner[1]);
}

/** In small steps, so that the guest accelerates little. */
static int push(struct click *click, int x, int y, struct err *err)
{
	int result = 0;

	while ((x || y) && result == 0) {
		int step_x = x < -STEP_COUNTS ? -STEP_COUNTS : x > STEP_COUNTS ? STEP_COUNTS : x;
		int step_y = y < -STEP_COUNTS ? -STEP_COUNTS : y > STEP_COUNTS ? STEP_COUNTS : y;

		result = move(click, "rel", step_x, step_y, err);
		pause_ms(STEP_MS);
		x -= step_x;
		y -= step_y;
	}
	return result;
}

static int push_into_corner(struct click *click, struct chase *chase, struct err *err)
{
	int result = move(click, "rel", -MANY_COUNTS, -MANY_COUNTS, err);

	for (unsigned i = 0; i < ARRAY_SIZE(chase->corner) && result == 0; i++) {
		pause_ms(2 * SETTLE_MS);
		result = take_picture(click, chase, &chase->corner[i], err);
	}
	if (result == 0 &&
	    (chase->corner[0].width != click->width || chase->corner[0].height != click->height))
		result = err_set(err, -EAGAIN, "the screen's size has changed meanwhile");
	return result;
}

/** Where the pointer is by the picture. False if that cannot be told, because it is in the corner
 * or more than it has changed. */
static int find_pointer(struct click *click, struct chase *chase, struct aim_box *box, bool *found,
			struct err *err)
{
	static const struct aim_box corner = { 0, 0, CORNER, CORNER };
	struct aim_picture picture;
	int result;

	pause_ms(SETTLE_MS);
	result = take_picture(click, chase, &picture, err);
	if (result < 0)
		return result;
	*found = aim_find_change(&chase->corner[0], &picture, &chase->corner[1], &corner, box) &&
		 box->width <= POINTER_MAX && box->height <= POINTER_MAX;
	aim_picture_finish(&picture);
	return 0;
}

/** Pushes it out of the corner, further and further until it is seen. */
static int learn(struct click *click, struct chase *chase, struct err *err)
{
	struct aim_box box;
	bool found = false;
	int counts = 0, result = 0;

	for (unsigned i = 0; i < ROUNDS && result == 0 && !found; i++) {
		result = push(click, FIRST_COUNTS, FIRST_COUNTS, err);
		counts += FIRST_COUNTS;
		if (result == 0)
			result = find_pointer(click, chase, &box, &found, err);
		/* Half of it may still be in the corner. */
		found = found && box.x > CORNER && box.y > CORNER;
	}
	if (result == 0 && !found)
		return err_set(err, -ENOENT,
			       "the guest shows no pointer that follows the mouse: a USB tablet "
			       "(usbdevice = \"tablet\") needs none");
	chase->x = found ? box.x : 0;
	chase->y = found ? box.y : 0;
	chase->gain_x = chase->x / counts;
	chase->gain_y = chase->y / counts;
	return result;
}

static double distance(double a, double b)
{
	return a < b ? b - a : a - b;
}

/** Counts that should take it 'dots' further. */
static int counts_for(double dots, double gain)
{
	double counts = dots / (gain > 0.05 ? gain : 0.05);

	counts = counts > MAX_PUSH ? MAX_PUSH : counts < -MAX_PUSH ? -MAX_PUSH : counts;
	return counts > 0 && counts < 1 ? 1 : counts < 0 && counts > -1 ? -1 : (int)counts;
}

/** Where it is now; by reckoning where it cannot be seen. What was pushed and how far it went make
 * the gain of the next push. */
static int locate(struct click *click, struct chase *chase, int counts_x, int counts_y,
		  struct err *err)
{
	double x = chase->x + counts_x * chase->gain_x, y = chase->y + counts_y * chase->gain_y;
	struct aim_box box;
	bool found;
	int result = find_pointer(click, chase, &box, &found, err);

	if (result == 0 && found) {
		x = box.x;
		y = box.y;
		if (counts_x > STEP_COUNTS && x > chase->x)
			chase->gain_x = (x - chase->x) / counts_x;
		if (counts_y > STEP_COUNTS && y > chase->y)
			chase->gain_y = (y - chase->y) / counts_y;
	}
	chase->x = x;
	chase->y = y;
	return result;
}

static int chase_pointer(struct click *click, struct chase *chase, struct err *err)
{
	int result = push_into_corner(click, chase, err);

	if (result == 0)
		result = learn(click, chase, err);
	for (unsigned i = 0; i < ROUNDS && result == 0; i++) {
		bool there_x = distance(chase->x, click->x) <= NEAR;
		bool there_y = distance(chase->y, click->y) <= NEAR;
		int x = there_x ? 0 : counts_for(click->x - chase->x, chase->gain_x);
		int y = there_y ? 0 : counts_for(click->y - chase->y, chase->gain_y);

		if (there_x && there_y)
			return 0;
		result = push(click, x, y, err);
		if (result == 0)
			result = locate(click, chase, x, y, err);
	}
	return result < 0 ? result
			  : err_set(err, -EIO, "the pointer does not get there: it is at %d, %d",
				    (int)chase->x, (int)chase->y);
}

static int push_there(struct click *click, struct err *err)
{
	struct chase chase = { .fdset = -1 };
	int result;

	if (!click->is_picture)
		return err_set(err, -ENOTSUP,
			       "the guest is in a text mode and has no tablet: where its mouse's "
			       "pointer is cannot be told");
	result = open_pictures(click, &chase, err);
	if (result == 0)
		result = chase_pointer(click, &chase, err);
	if (chase.fd >= 0)
		close_pictures(click, &chase);
	return result;
}

/* --- The target --- */

static int refuse_places(const char *text, const struct aim_place *places, unsigned count,
			 unsigned nth, struct err *err)
{
	if (count == 0)
		return err_set(err, -ENOENT, "'%s' does not stand on the screen", text);
	if (nth > count)
		return err_set(err, -ENOENT, "'%s' stands on the screen %u times, not %u", text,
			       count, nth);
	fprintf(stderr, "hvm: '%s' stands on the screen %u times:\n", text, count);
	for (unsigned i = 0; i < count && i < AIM_PLACES_MAX; i++)
		fprintf(stderr, "  --nth %u: line %u, column %u\n", i + 1, places[i].line + 1,
			places[i].column + 1);
	return err_set(err, -EINVAL, "say which by --nth");
}

/** The middle of a text. */
static int aim_at_text(struct click *click, struct json_object *screen, const char *text,
		       struct err *err)
{
	struct aim_place places[AIM_PLACES_MAX], *place;
	struct json_object *grid = NULL;
	unsigned count = aim_find_text(screen, text, places);
	double cell_width, cell_height;

	if (count == 0 || click->nth > count || (count > 1 && !click->nth) ||
	    click->nth > AIM_PLACES_MAX)
		return refuse_places(text, places, count, click->nth, err);
	place = &places[click->nth ? click->nth - 1 : 0];
	click->x = place->column + (place->columns - 1) / 2.0;
	click->y = place->line;
	if (!json_object_object_get_ex(screen, "grid", &grid))
		return 0;
	cell_width = json_number_or(grid, "cell-width", 1);
	cell_height = json_number_or(grid, "cell-height", 1);
	click->x = json_number_or(grid, "x", 0) + (click->x + 0.5) * cell_width;
	click->y = json_number_or(grid, "y", 0) + (click->y + 0.5) * cell_height;
	return 0;
}

static bool parse_number(const char *text, double *number)
{
	char *end;
	long value = strtol(text, &end, 10);

	*number = (double)value;
	return *text && !*end && value >= 0 && value < AIM_MAX_SIDE;
}

static int aim(struct click *click, char **words, int count, struct err *err)
{
	struct json_object *screen = NULL;
	int result = qmp_run(&click->qmp, "query-screen-text", NULL, -1, &screen, err);

	if (result < 0)
		return result;
	click->is_picture = strcmp(json_text_or(screen, "mode", ""), "graphics") == 0;
	click->width = (unsigned)json_number_or(screen, click->is_picture ? "width" : "columns", 0);
	click->height = (unsigned)json_number_or(screen, click->is_picture ? "height" : "rows", 0);
	if (count == 1)
		result = aim_at_text(click, screen, words[0], err);
	else if (!parse_number(words[0], &click->x) || !parse_number(words[1], &click->y))
		result = err_set(err, -EINVAL,
				 "'%s %s' is no place: give two numbers, or a text "
				 "as one word",
				 words[0], words[1]);
	if (result == 0 && (click->x >= click->width || click->y >= click->height))
		result = err_set(err, -ERANGE, "the screen has %u x %u %s", click->width,
				 click->height, click->is_picture ? "dots" : "characters");
	json_object_put(screen);
	return result;
}

static int has_absolute(struct click *click, bool *absolute, struct err *err)
{
	struct json_object *mice = NULL, *flag = NULL;
	int result = qmp_run(&click->qmp, "query-mice", NULL, -1, &mice, err);

	*absolute = false;
	for (size_t i = 0; result == 0 && i < json_object_array_length(mice); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(mice, i), "absolute",
					      &flag))
			*absolute = *absolute || json_object_get_boolean(flag);
	json_object_put(mice);
	return result;
}

static int click_at(struct click *click, char **words, int count, struct err *err)
{
	bool absolute;
	int result = aim(click, words, count, err);

	if (result == 0)
		result = has_absolute(click, &absolute, err);
	if (result == 0)
		result = absolute ? go_there(click, err) : push_there(click, err);
	return result == 0 ? press_and_release(click, err) : result;
}

static int run_click(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { { "button", required_argument, NULL, 'b' },
						 { "double", no_argument, NULL, 'd' },
						 { "nth", required_argument, NULL, 'n' },
						 { 0 } };
	struct click click = { .button = "left" };
	struct err err = { 0 };
	int option, result, count;

	while ((option = getopt_long(argc, argv, "b:dn:", options, NULL)) != -1) {
		if (option == 'b')
			click.button = optarg;
		else if (option == 'd')
			click.twice = true;
		else if (option == 'n' && atoi(optarg) > 0)
			click.nth = (unsigned)atoi(optarg);
		else
			return verb_misuse(verb);
	}
	count = argc - optind - 1;
	if (count < 1 || count > 2)
		return verb_misuse(verb);
	if (!verb_connect(&click.qmp, argv[optind]))
		return VERB_FAILED;
	result = click_at(&click, argv + optind + 1, count, &err);
	qmp_close(&click.qmp);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

/* clang-format off */
const struct verb verbs_click[] = {
	{ "click", "[--button NAME] [--double] [--nth N] GUEST X Y | GUEST TEXT",
	  "click at a place or a text of the screen",
	  "X and Y count dots from the upper left corner as 'hvm screenshot' shows them, in text modes\n"
	  "characters. A TEXT is clicked at in its middle, as 'hvm screen' prints it; if it stands in\n"
	  "several places, they are listed, and --nth says which. A guest with a USB tablet or Xen's\n"
	  "pointer is told the place; with a mouse alone its pointer is pushed there and watched in\n"
	  "the picture, which takes some seconds.\n"
	  "  -b, --button NAME   left (if not given), middle or right\n"
	  "  -d, --double        twice\n", run_click },
	{ 0 },
};
/* clang-format on */

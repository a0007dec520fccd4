// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Xen core on a fake of Xen's libraries: launch, ranges, memory, video RAM, the serving thread
 * and its gate.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/loop.h"
#include "hv/hv.h"
#include "hv/xen_ioreq_regs.h"
#include "tests/lib/fake_xen.h"

#define MIB      UINT64_C(0x100000)
#define FOUR_GIB (UINT64_C(1) << 32)

enum {
	RAM_BYTES = 3 << 20,
	VRAM_BYTES = 1 << 20,
	VRAM_PAGES = VRAM_BYTES / XEN_PAGE_BYTES,
	PAGE = XEN_PAGE_BYTES,
	ANSWER_MS = 60000, /* a limit for a machine that stands still, not a measure */
	SILENCE_MS = 30,
	COUNTING_PORT = 0x3f8,
	HOLDING_PORT = 0x604,
};

#define BAR_GPA UINT64_C(0xf0000000)

struct fixture {
	struct lock lock;
	struct loop *loop;
	struct hv *hv;
	struct err err;
	atomic_uint accesses, invalidations;
	unsigned collected;      /* machine lock */
	uint64_t collected_when; /* 'collected' at the last port access */
};

static void take_pio(void *opaque, uint16_t port, bool is_read, unsigned size, void *data,
		     uint32_t count)
{
	struct fixture *f = opaque;

	lock_acquire(&f->lock);
	for (uint32_t i = 0; i < count; i++)
		if (is_read)
			store_le((uint8_t *)data + i * size, size, ++f->accesses);
		else
			f->accesses++;
	f->collected_when = f->collected;
	if (port == HOLDING_PORT)
		hv_hold(f->hv);
	lock_release(&f->lock);
}

static void take_mmio(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data)
{
	(void)opaque;
	if (is_read)
		store_le(data, size, gpa);
}

static void take_config(void *opaque, uint32_t devfn, unsigned offset, bool is_read, unsigned size,
			void *data)
{
	(void)opaque;
	if (is_read)
		store_le(data, size, devfn << 8 | offset);
}

static void take_collected(void *opaque, bool is_memory, uint64_t address, unsigned size,
			   const void *data)
{
	struct fixture *f = opaque;

	(void)is_memory;
	(void)address;
	(void)size;
	(void)data;
	f->collected++;
}

static void take_invalidate(void *opaque)
{
	((struct fixture *)opaque)->invalidations++;
}

static struct fixture *begin(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fake_xen_begin(RAM_BYTES);
	lock_init(&f->lock);
	f->loop = loop_create();
	loop_set_lock(f->loop, &f->lock);
	return f;
}

static bool create(struct fixture *f, bool incoming)
{
	const struct hv_config config = { .cpus = 1,
					  .max_cpus = FAKE_XEN_CPUS,
					  .low_bytes = RAM_BYTES,
					  .lock = &f->lock,
					  .xen_domid = FAKE_XEN_DOMID,
					  .incoming = incoming };
	const struct hv_client client = { .opaque = f,
					  .pio = take_pio,
					  .mmio = take_mmio,
					  .pci_config = take_config,
					  .collected = take_collected,
					  .invalidate = take_invalidate };

	f->hv = hv_xen_create(&config, &client, f->loop, &f->err);
	return f->hv != NULL;
}

static int set_up(void **state)
{
	struct fixture *f = begin();

	*state = f;
	return create(f, false) ? 0 : -1;
}

static int set_up_incoming(void **state)
{
	struct fixture *f = begin();

	*state = f;
	return create(f, true) ? 0 : -1;
}

/** A running core is destroyed under the lock, which it gives back while it waits. */
static void destroy(struct fixture *f)
{
	lock_acquire(&f->lock);
	hv_destroy(f->hv);
	lock_release(&f->lock);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	destroy(f);
	loop_destroy(f->loop);
	fake_xen_end();
	free(f);
	return 0;
}

static void start(struct fixture *f)
{
	lock_acquire(&f->lock);
	assert_int_equal(hv_start(f->hv, &f->err), 0);
	lock_release(&f->lock);
}

static void stop(struct fixture *f)
{
	lock_acquire(&f->lock);
	hv_pause(f->hv);
	lock_release(&f->lock);
}

static void request_port(unsigned cpu, uint16_t port, unsigned flags)
{
	const struct xen_ioreq request = {
		.address = port, .count = 1, .size = 1, .flags = (uint8_t)flags
	};

	fake_xen_request(cpu, &request);
}

static bool has_range(bool is_memory, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < FAKE_XEN_MAX_RANGES; i++) {
		const struct fake_xen_range *range = &fake_xen->ranges[i];

		if (range->used && range->is_memory == is_memory && range->first == first &&
		    range->last == last)
			return true;
	}
	return false;
}

/* Launch */

static void starts_and_says_so_once(void **state)
{
	struct fixture *f = *state;

	assert_true(f->hv->caps.has_firmware && f->hv->caps.routes_pci);
	assert_true(fake_xen->has_server);
	assert_false(fake_xen->enabled);
	assert_int_equal(fake_xen->state_writes, 0);
	start(f);
	assert_true(fake_xen->enabled);
	assert_string_equal(fake_xen_store_read("device-model/7/state"), "running");
	stop(f);
	assert_true(fake_xen->enabled);
	start(f);
	assert_int_equal(fake_xen->state_writes, 1);
}

static void a_restricted_process_leaves_the_store_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(hv_restrict_handles(f->hv, &f->err), 0);
	assert_true(fake_xen->restricted);
	start(f);
	assert_int_equal(fake_xen->state_writes, 0);
}

static void a_domain_without_server_is_a_sentence(void **state)
{
	struct fixture *f = begin();

	(void)state;
	fake_xen->no_server = true;
	assert_false(create(f, false));
	assert_non_null(strstr(f->err.text, "domain 7"));
	loop_destroy(f->loop);
	fake_xen_end();
	free(f);
}

static void old_kernels_name_the_pages(void **state)
{
	struct fixture *f = begin();
	uint64_t data;

	(void)state;
	fake_xen->no_resources = true;
	assert_true(create(f, false));
	start(f);
	request_port(0, COUNTING_PORT, XEN_IOREQ_READ);
	assert_true(fake_xen_answered(0, ANSWER_MS, &data));
	assert_int_equal(data, 1);
	destroy(f);
	loop_destroy(f->loop);
	fake_xen_end();
	free(f);
}

static void a_fault_ends_the_guest_as_crashed(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		raise(SIGABRT);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_CRASH);
}

/* The guard: what plays the device model here is a child, the guard a child of that. */

enum {
	GUARD_REFUSES = 1,
};

static int refuse_confinement(void *opaque, struct err *err)
{
	(void)opaque;
	return err_set(err, -EPERM, "refused by the test");
}

/** The exit status of the guard of a device model that does 'play'. */
static int guard_of(void (*play)(void), int (*confine)(void *opaque, struct err *err))
{
	const struct hv_guard guard = { .domid = FAKE_XEN_DOMID, .confine = confine };
	struct err err = { 0 };
	int status;
	pid_t pid;

	fake_xen_begin(RAM_BYTES);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (hv_xen_guard_start(&guard, &err) < 0)
			_exit(1);
		play();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* It is ours now. */
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void is_killed(void)
{
	raise(SIGKILL);
}

static void ends_as_it_should(void)
{
	hv_xen_guard_dismiss();
	hv_xen_guard_dismiss();
}

static void ends_in_a_fault(void)
{
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
}

static void a_killed_device_model_leaves_a_crashed_guest(void **state)
{
	(void)state;
	assert_int_equal(guard_of(is_killed, NULL), 0);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_CRASH);
	assert_true(fake_xen->restricted);
	fake_xen_end();
	assert_int_equal(guard_of(ends_in_a_fault, NULL), 0);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_CRASH);
	fake_xen_end();
}

static void the_guard_of_one_that_ends_by_itself_is_silent(void **state)
{
	(void)state;
	assert_int_equal(guard_of(ends_as_it_should, NULL), 0);
	assert_int_equal(fake_xen->shutdown_reason, -1);
	fake_xen_end();
}

static void a_guard_that_cannot_be_confined_goes(void **state)
{
	(void)state;
	assert_int_equal(guard_of(is_killed, refuse_confinement), GUARD_REFUSES);
	assert_int_equal(fake_xen->shutdown_reason, -1);
	fake_xen_end();
}

/* Ranges and wires */

static void ranges_and_functions_follow_the_map(void **state)
{
	struct fixture *f = *state;

	hv_range_add(f->hv, false, 0x3f8, 8, false);
	hv_range_add(f->hv, true, 0xa0000, 0x20000, true);
	hv_pci_function_add(f->hv, 1 << 3 | 3);
	assert_true(has_range(false, 0x3f8, 0x3ff));
	assert_true(has_range(true, 0xa0000, 0xbffff));
	assert_true(fake_xen->functions[0x0b]);
	hv_range_remove(f->hv, false, 0x3f8, 8, false);
	hv_pci_function_remove(f->hv, 1 << 3 | 3);
	assert_false(has_range(false, 0x3f8, 0x3ff));
	assert_false(fake_xen->functions[0x0b]);
}

static void the_delay_port_stays_xens(void **state)
{
	struct fixture *f = *state;

	hv_range_add(f->hv, false, 0x7e, 0x12, false);
	assert_true(has_range(false, 0x7e, 0x7f));
	assert_true(has_range(false, 0x81, 0x8f));
	hv_range_add(f->hv, false, 0x80, 1, false);
	assert_false(has_range(false, 0x80, 0x80));
	hv_range_remove(f->hv, false, 0x7e, 0x12, false);
	assert_false(has_range(false, 0x7e, 0x7f));
	assert_false(has_range(false, 0x81, 0x8f));
}

static void wires_reach_xen(void **state)
{
	struct fixture *f = *state;

	hv_set_irq(f->hv, 4, true);
	hv_set_irq(f->hv, 20, true);
	hv_set_pci_intx(f->hv, 3, 1, true);
	hv_set_pci_link(f->hv, 2, 11);
	assert_true(fake_xen->isa_levels[4]);
	assert_int_equal(fake_xen->intx_levels, 2);
	assert_int_equal(fake_xen->links[2], 11);
	hv_set_irq(f->hv, 4, false);
	hv_set_pci_intx(f->hv, 3, 1, false);
	assert_false(fake_xen->isa_levels[4]);
	assert_int_equal(fake_xen->intx_levels, 0);
	hv_protect_ram(f->hv, 0xc0000, 0x40000, true);
	assert_int_equal(fake_xen->read_only_first, 0xc0);
	assert_int_equal(fake_xen->read_only_pages, 0x40);
}

static void processors_are_plugged_in(void **state)
{
	struct fixture *f = *state;
	struct hv_cpu_info info;

	assert_int_equal(hv_cpu_info(f->hv, 0, &info), 0);
	assert_true(info.online);
	assert_int_equal(hv_cpu_info(f->hv, 1, &info), 0);
	assert_false(info.online);
	assert_int_equal(hv_cpu_set_online(f->hv, 1, true, &f->err), 0);
	assert_int_equal(hv_cpu_info(f->hv, 1, &info), 0);
	assert_true(info.online);
}

/* Guest memory */

static void *map(struct fixture *f, uint64_t gpa, size_t *length)
{
	return hv_ram_map(f->hv, gpa, length, true);
}

static void memory_is_the_guests_own(void **state)
{
	struct fixture *f = *state;
	size_t length = 3 * PAGE;
	uint8_t *host = map(f, 0x1ff0, &length);

	assert_non_null(host);
	assert_int_equal(length, 3 * PAGE);
	memcpy(host, "0123456789abcdefX", 17);
	assert_memory_equal(fake_xen_page(1) + 0xff0, "0123456789abcdef", 16);
	assert_int_equal(fake_xen_page(2)[0], 'X');
	hv_ram_unmap(f->hv, host, length, 17);
	assert_int_equal(fake_xen->modified_pages, 0);
	assert_int_equal(fake_xen->maps, 1);
	length = PAGE;
	host = map(f, 0x80000, &length);
	assert_int_equal(fake_xen->maps, 1);
	hv_ram_unmap(f->hv, host, length, 0);
}

static void memory_ends_where_the_layout_says(void **state)
{
	static const uint64_t outside[] = { 0xa0000,    0xbffff,  RAM_BYTES,  BAR_GPA,
					    0xfeff0000, FOUR_GIB, UINT64_MAX, UINT64_MAX - PAGE };
	struct fixture *f = *state;
	size_t length = MIB;
	void *host = map(f, 0x9f000, &length);

	assert_int_equal(length, PAGE);
	hv_ram_unmap(f->hv, host, length, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		length = PAGE;
		assert_null(map(f, outside[i], &length));
	}
	length = SIZE_MAX;
	host = map(f, RAM_BYTES - 8, &length);
	assert_int_equal(length, 8);
	hv_ram_unmap(f->hv, host, length, 0);
	length = 0;
	assert_null(map(f, 0, &length));
}

static void holes_are_seen_and_looked_at_again(void **state)
{
	struct fixture *f = *state;
	size_t length = 3 * PAGE;
	void *host, *other;

	fake_xen_remove_page(0x151);
	host = map(f, 0x150000, &length);
	assert_non_null(host);
	assert_int_equal(length, PAGE);
	length = PAGE;
	assert_null(map(f, 0x151000, &length));
	fake_xen_add_page(0x151);
	length = PAGE;
	other = map(f, 0x151000, &length);
	assert_non_null(other);
	memcpy(other, "new", 4);
	assert_string_equal(fake_xen_page(0x151), "new");
	/* What was mapped before is still there. */
	memcpy(host, "old", 4);
	assert_string_equal(fake_xen_page(0x150), "old");
	hv_ram_unmap(f->hv, host, PAGE, 0);
	hv_ram_unmap(f->hv, other, PAGE, 0);
}

static void invalidate_drops_mappings(void **state)
{
	const struct xen_ioreq request = {
		.type = XEN_IOREQ_INVALIDATE, .count = 1, .size = 4, .data = UINT64_MAX
	};
	struct fixture *f = *state;
	size_t length = PAGE;
	uint8_t *host = map(f, 0x1000, &length), *again;
	struct hv_stats stats;

	start(f);
	memcpy(host, "before", 7);
	fake_xen_remove_page(1);
	fake_xen_add_page(1);
	fake_xen_request(0, &request);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	assert_int_equal(f->invalidations, 1);
	again = map(f, 0x1000, &length);
	memcpy(again, "after", 6);
	assert_string_equal(fake_xen_page(1), "after");
	/* A transfer under way ends on the page it began with. */
	assert_string_equal(host, "before");
	hv_ram_unmap(f->hv, host, PAGE, 0);
	hv_ram_unmap(f->hv, again, PAGE, 0);
	assert_int_equal(fake_xen->maps - fake_xen->unmaps, 1);
	hv_get_stats(f->hv, &stats);
	assert_int_equal(stats.ram_invalidations, 1);
	assert_int_equal(stats.ram_mapped, 2);
	assert_int_equal(stats.ram_held, 1);
}

static void writes_are_reported_while_memory_is_copied(void **state)
{
	struct fixture *f = *state;
	size_t length = 2 * PAGE;
	void *host = map(f, 0x1ff0, &length);

	hv_set_dirty_log(f->hv, true);
	hv_ram_unmap(f->hv, host, length, 17);
	assert_int_equal(fake_xen->modified_first, 1);
	assert_int_equal(fake_xen->modified_pages, 2);
	length = PAGE;
	host = map(f, 0x5000, &length);
	hv_ram_unmap(f->hv, host, length, 0);
	assert_int_equal(fake_xen->modified_pages, 2);
	hv_set_dirty_log(f->hv, false);
	host = map(f, 0x5000, &length);
	hv_ram_unmap(f->hv, host, length, PAGE);
	assert_int_equal(fake_xen->modified_pages, 2);
}

/* Video RAM */

static int show(struct fixture *f, void *host, uint64_t gpa)
{
	const struct hv_slot slot = { .gpa = gpa, .bytes = VRAM_BYTES, .host = host };

	return hv_slot_add(f->hv, &slot);
}

static void video_ram_moves_under_its_bar(void **state)
{
	struct fixture *f = *state;
	uint8_t *host = hv_video_ram_alloc(f->hv, VRAM_BYTES, &f->err);
	int slot;

	assert_non_null(host);
	assert_null(hv_video_ram_alloc(f->hv, VRAM_BYTES, &f->err));
	assert_non_null(fake_xen_page(FOUR_GIB / PAGE));
	slot = show(f, host, BAR_GPA);
	assert_true(slot >= 0);
	assert_null(fake_xen_page(FOUR_GIB / PAGE));
	assert_int_equal(fake_xen->pinned_first, BAR_GPA / PAGE);
	assert_int_equal(fake_xen->pinned_last, BAR_GPA / PAGE + VRAM_PAGES - 1);
	memcpy(host + PAGE, "pixels", 7);
	assert_string_equal(fake_xen_page(BAR_GPA / PAGE + 1), "pixels");
	/* Disabled for sizing and enabled again: nothing moves. */
	hv_slot_remove(f->hv, slot);
	slot = show(f, host, BAR_GPA);
	assert_int_equal(fake_xen->relocations, 1);
	hv_slot_remove(f->hv, slot);
	slot = show(f, host, BAR_GPA + VRAM_BYTES);
	assert_int_equal(fake_xen->relocations, 2);
	assert_string_equal(host + PAGE, "pixels");
}

static void video_ram_makes_room(void **state)
{
	struct fixture *f = *state;
	uint8_t *host = hv_video_ram_alloc(f->hv, VRAM_BYTES, &f->err);
	int slot = show(f, host, BAR_GPA);

	hv_slot_remove(f->hv, slot);
	hv_range_add(f->hv, true, BAR_GPA - PAGE, PAGE, false);
	assert_non_null(fake_xen_page(BAR_GPA / PAGE));
	hv_range_add(f->hv, true, BAR_GPA + VRAM_BYTES - PAGE, PAGE, false);
	assert_null(fake_xen_page(BAR_GPA / PAGE));
	assert_non_null(fake_xen_page(FOUR_GIB / PAGE));
}

static void a_pause_reports_video_ram_and_leaves_it(void **state)
{
	struct fixture *f = *state;
	uint8_t *host = hv_video_ram_alloc(f->hv, VRAM_BYTES, &f->err);
	int slot = show(f, host, BAR_GPA);

	start(f);
	hv_set_dirty_log(f->hv, true);
	stop(f);
	assert_non_null(fake_xen_page(BAR_GPA / PAGE));
	/* What devices wrote there is reported before the toolstack goes on. */
	assert_int_equal(fake_xen->modified_first, BAR_GPA / PAGE);
	assert_int_equal(fake_xen->modified_pages, VRAM_PAGES);
	/* Moving it would take it from under who copies the guest. */
	hv_slot_remove(f->hv, slot);
	start(f);
	stop(f);
	assert_non_null(fake_xen_page(BAR_GPA / PAGE));
	assert_int_equal(hv_video_ram_gpa(f->hv), BAR_GPA);
	assert_int_equal(fake_xen->modified_pages, 2 * VRAM_PAGES);
}

static void a_restored_guest_has_its_video_ram(void **state)
{
	struct fixture *f = *state;
	uint8_t *host = hv_video_ram_alloc(f->hv, VRAM_BYTES, &f->err);

	assert_non_null(host);
	assert_null(fake_xen_page(FOUR_GIB / PAGE));
	for (unsigned i = 0; i < VRAM_PAGES; i++)
		fake_xen_add_page(BAR_GPA / PAGE + i);
	memcpy(fake_xen_page(BAR_GPA / PAGE), "saved", 6);
	assert_true(show(f, host, BAR_GPA) >= 0);
	assert_string_equal(host, "saved");
	assert_int_equal(fake_xen->relocations, 0);
	start(f);
}

static void a_restored_guest_with_its_bar_disabled(void **state)
{
	struct fixture *f = *state;
	uint8_t *host = hv_video_ram_alloc(f->hv, VRAM_BYTES, &f->err);

	for (unsigned i = 0; i < VRAM_PAGES; i++)
		fake_xen_add_page(FOUR_GIB / PAGE + i);
	memcpy(fake_xen_page(FOUR_GIB / PAGE), "saved", 6);
	start(f);
	assert_string_equal(host, "saved");
}

static void rom_is_served_by_us(void **state)
{
	struct fixture *f = *state;
	uint8_t *rom = calloc(1, PAGE);
	const struct hv_slot slot = {
		.gpa = BAR_GPA, .bytes = PAGE, .host = rom, .read_only = true
	};
	int number = hv_slot_add(f->hv, &slot);

	assert_true(has_range(true, BAR_GPA, BAR_GPA + PAGE - 1));
	hv_slot_remove(f->hv, number);
	assert_false(has_range(true, BAR_GPA, BAR_GPA + PAGE - 1));
	free(rom);
}

static void the_dirty_log_of_video_ram(void **state)
{
	struct fixture *f = *state;
	uint8_t *host = hv_video_ram_alloc(f->hv, VRAM_BYTES, &f->err);
	unsigned long bitmap[VRAM_PAGES / 64] = { 0 };
	int slot = show(f, host, BAR_GPA);

	assert_false(hv_slot_fetch_dirty(f->hv, slot, bitmap));
	hv_slot_set_logging(f->hv, slot, true);
	fake_xen->dirty[1] = 0x80;
	assert_true(hv_slot_fetch_dirty(f->hv, slot, bitmap));
	assert_int_equal(bitmap[0], 0x8000);
	assert_int_equal(fake_xen->tracked_first, BAR_GPA / PAGE);
	assert_int_equal(fake_xen->tracked_count, VRAM_PAGES);
	/* Ended now, it would take the toolstack's own log with it. */
	hv_set_dirty_log(f->hv, true);
	hv_slot_set_logging(f->hv, slot, false);
	assert_int_equal(fake_xen->tracked_count, VRAM_PAGES);
	hv_set_dirty_log(f->hv, false);
	hv_slot_set_logging(f->hv, slot, false);
	assert_int_equal(fake_xen->tracked_count, 0);
	/* And begun now, it would, too. */
	hv_set_dirty_log(f->hv, true);
	hv_slot_set_logging(f->hv, slot, true);
	assert_false(hv_slot_fetch_dirty(f->hv, slot, bitmap));
	hv_set_dirty_log(f->hv, false);
	fake_xen->no_tracking = true;
	assert_false(hv_slot_fetch_dirty(f->hv, slot, bitmap));
}

/* Serving */

/** Each of these three is a system call; a request needs no other, as long as nobody is waited for.
 */
static void a_request_costs_a_wait_an_unmask_and_a_notification(void **state)
{
	const unsigned requests = 100;
	struct fixture *f = *state;
	uint64_t data;

	start(f);
	/* The channels have fired when they were bound, and are looked at. */
	request_port(0, COUNTING_PORT, XEN_IOREQ_READ);
	assert_true(fake_xen_answered(0, ANSWER_MS, &data));
	stop(f);
	start(f);
	fake_xen->waits = fake_xen->unmasks = fake_xen->answers = 0;
	for (unsigned i = 0; i < requests; i++) {
		request_port(0, COUNTING_PORT, XEN_IOREQ_READ);
		assert_true(fake_xen_answered(0, ANSWER_MS, &data));
	}
	stop(f);
	assert_int_equal(fake_xen->waits, requests);
	assert_int_equal(fake_xen->unmasks, requests);
	assert_int_equal(fake_xen->answers, requests);
}

static void requests_of_all_processors_are_answered(void **state)
{
	const struct xen_ioreq config = { .type = XEN_IOREQ_PCI_CONFIG,
					  .address = UINT64_C(9) << 32 | 0x40,
					  .count = 1,
					  .size = 2,
					  .flags = XEN_IOREQ_READ };
	struct fixture *f = *state;
	struct hv_stats stats;
	uint64_t data;

	start(f);
	for (unsigned i = 0; i < 100; i++) {
		request_port(0, COUNTING_PORT, XEN_IOREQ_READ);
		fake_xen_request(1, &config);
		assert_true(fake_xen_answered(1, ANSWER_MS, &data));
		assert_int_equal(data, 0x940);
		assert_true(fake_xen_answered(0, ANSWER_MS, &data));
		assert_int_equal(data, i + 1);
	}
	stop(f);
	hv_get_stats(f->hv, &stats);
	assert_int_equal(stats.exits, 200);
	assert_int_equal(stats.pio_exits, 100);
}

static void string_input_lands_in_the_guest(void **state)
{
	const struct xen_ioreq request = { .address = COUNTING_PORT,
					   .data = 0x2ffe,
					   .count = 4,
					   .size = 1,
					   .flags = XEN_IOREQ_READ | XEN_IOREQ_POINTER };
	struct fixture *f = *state;

	hv_set_dirty_log(f->hv, true);
	start(f);
	fake_xen_request(0, &request);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	stop(f);
	assert_memory_equal(fake_xen_page(2) + 0xffe, "\1\2", 2);
	assert_memory_equal(fake_xen_page(3), "\3\4", 2);
	assert_int_equal(fake_xen->modified_pages, 2);
}

static void buffered_writes_come_before_the_next_request(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 3; i++)
		fake_xen_buffer(XEN_IOREQ_COPY | UINT64_C(0xb8000) << XEN_RING_ADDRESS_SHIFT);
	request_port(0, COUNTING_PORT, 0);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	stop(f);
	assert_int_equal(f->collected_when, 3);
}

static void a_busy_ring_is_polled_and_a_quiet_one_unmasked(void **state)
{
	struct fixture *f = *state;
	unsigned collected = 0;

	start(f);
	fake_xen_buffer(XEN_IOREQ_COPY | UINT64_C(0xb8000) << XEN_RING_ADDRESS_SHIFT);
	fake_xen_fire_ring();
	for (unsigned turns = 0; !collected && turns < 1000; turns++) {
		loop_turn(f->loop, 10);
		lock_acquire(&f->lock);
		collected = f->collected;
		lock_release(&f->lock);
	}
	assert_int_equal(collected, 1);
	for (unsigned turns = 0; !fake_xen_ring_is_unmasked() && turns < 1000; turns++)
		loop_turn(f->loop, 10);
	assert_true(fake_xen_ring_is_unmasked());
}

static void a_paused_guest_waits(void **state)
{
	struct fixture *f = *state;

	start(f);
	stop(f);
	request_port(1, COUNTING_PORT, 0);
	assert_false(fake_xen_answered(1, SILENCE_MS, NULL));
	assert_int_equal(f->accesses, 0);
	start(f);
	assert_true(fake_xen_answered(1, ANSWER_MS, NULL));
	assert_int_equal(f->accesses, 1);
}

/** Until 'count' accesses have reached the client: a busy machine lets the serving thread wait. */
static void wait_for_accesses(struct fixture *f, unsigned count)
{
	for (unsigned i = 0; i < ANSWER_MS && f->accesses < count; i++)
		usleep(1000);
	assert_int_equal(f->accesses, count);
}

static void who_asks_for_power_off_does_not_run_on(void **state)
{
	struct fixture *f = *state;
	uint64_t data;

	start(f);
	request_port(0, HOLDING_PORT, 0);
	wait_for_accesses(f, 1);
	assert_false(fake_xen_answered(0, SILENCE_MS, NULL));
	lock_acquire(&f->lock);
	hv_report_shutdown(f->hv, HV_REASON_POWER_OFF);
	hv_pause(f->hv);
	lock_release(&f->lock);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_POWER_OFF);
	hv_report_shutdown(f->hv, HV_REASON_CRASH);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_POWER_OFF);
	/* Xen completes the shutdown only when nobody waits for us. */
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	assert_int_equal(f->accesses, 1);
	request_port(1, COUNTING_PORT, XEN_IOREQ_READ);
	assert_true(fake_xen_answered(1, ANSWER_MS, &data));
	assert_int_equal(data, 0xff);
	assert_int_equal(f->accesses, 1);
}

static void a_held_guest_can_go_on(void **state)
{
	struct fixture *f = *state;

	start(f);
	request_port(0, HOLDING_PORT, 0);
	wait_for_accesses(f, 1);
	assert_false(fake_xen_answered(0, SILENCE_MS, NULL));
	stop(f);
	assert_false(fake_xen_answered(0, SILENCE_MS, NULL));
	start(f);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
}

static void sleep_is_a_state_of_xens(void **state)
{
	struct fixture *f = *state;

	start(f);
	stop(f);
	assert_int_equal(hv_suspend(f->hv, &f->err), 0);
	assert_int_equal(fake_xen->sleep_state, 3);
	start(f);
	assert_int_equal(fake_xen->sleep_state, 0);
}

#define TEST(name)          cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_INCOMING(name) cmocka_unit_test_setup_teardown(name, set_up_incoming, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_costs_a_wait_an_unmask_and_a_notification),
		TEST(starts_and_says_so_once),
		TEST(a_restricted_process_leaves_the_store_alone),
		cmocka_unit_test(a_domain_without_server_is_a_sentence),
		cmocka_unit_test(old_kernels_name_the_pages),
		TEST(a_fault_ends_the_guest_as_crashed),
		cmocka_unit_test(a_killed_device_model_leaves_a_crashed_guest),
		cmocka_unit_test(the_guard_of_one_that_ends_by_itself_is_silent),
		cmocka_unit_test(a_guard_that_cannot_be_confined_goes),
		TEST(ranges_and_functions_follow_the_map),
		TEST(the_delay_port_stays_xens),
		TEST(wires_reach_xen),
		TEST(processors_are_plugged_in),
		TEST(memory_is_the_guests_own),
		TEST(memory_ends_where_the_layout_says),
		TEST(holes_are_seen_and_looked_at_again),
		TEST(invalidate_drops_mappings),
		TEST(writes_are_reported_while_memory_is_copied),
		TEST(video_ram_moves_under_its_bar),
		TEST(video_ram_makes_room),
		TEST(a_pause_reports_video_ram_and_leaves_it),
		TEST_INCOMING(a_restored_guest_has_its_video_ram),
		TEST_INCOMING(a_restored_guest_with_its_bar_disabled),
		TEST(rom_is_served_by_us),
		TEST(the_dirty_log_of_video_ram),
		TEST(requests_of_all_processors_are_answered),
		TEST(string_input_lands_in_the_guest),
		TEST(buffered_writes_come_before_the_next_request),
		TEST(a_busy_ring_is_polled_and_a_quiet_one_unmasked),
		TEST(a_paused_guest_waits),
		TEST(who_asks_for_power_off_does_not_run_on),
		TEST(a_held_guest_can_go_on),
		TEST(sleep_is_a_state_of_xens),
	};

	return cmocka_run_group_tests_name("xen_core", tests, NULL, NULL);
}

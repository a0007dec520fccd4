// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The virtual machine under Linux' KVM: its creation, wires and end. See docs/hv-kvm.md.
 */
#include "hv/kvm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/lock.h"

enum {
	PIC_PINS = 8, /* of each of the two */
	CASCADE_PIN = 2,
	TIMER_IOAPIC_PIN = 2,
};

static void *kvm_ram_map(struct hv *hv, uint64_t gpa, size_t *length, bool write)
{
	(void)write;
	return plain_ram_map(&kvm_core_from_hv(hv)->ram, gpa, length);
}

static void *kvm_video_ram_alloc(struct hv *hv, size_t bytes, struct err *err)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	void *pages;

	if (core->video_ram_count == KVM_MAX_VIDEO_RAMS) {
		err_set(err, -ENOSPC, "more than %d cards with video RAM", KVM_MAX_VIDEO_RAMS);
		return NULL;
	}
	pages = plain_pages_alloc(bytes, err);
	if (pages) {
		core->video_rams[core->video_ram_count].pages = pages;
		core->video_rams[core->video_ram_count++].bytes = bytes;
	}
	return pages;
}

static void kvm_set_irq(struct hv *hv, unsigned gsi, bool level)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (gsi >= KVM_IRQ_LINES || !!(core->irq_levels & BIT(gsi)) == level)
		return;
	core->irq_levels = replace_bits(core->irq_levels, BIT(gsi), level ? BIT(gsi) : 0);
	if (core->is_complete)
		ioctl(core->vm_fd, KVM_IRQ_LINE, &line);
}

/* Running. */

/** Guest time that KVM keeps (kvmclock) stands still while the guest does. */
static void save_clock(struct kvm_core *core)
{
	struct kvm_clock_data clock;

	if (core->has_clock_data || ioctl(core->vm_fd, KVM_GET_CLOCK, &clock) < 0)
		return;
	core->clock_ns = clock.clock;
	core->has_clock_data = true;
}

static void restore_clock(struct kvm_core *core)
{
	struct kvm_clock_data clock = { .clock = core->clock_ns };

	if (!core->has_clock_data)
		return;
	core->has_clock_data = false;
	ioctl(core->vm_fd, KVM_SET_CLOCK, &clock);
	/* Linux guests are told of the pause, so that their watchdog does not bark; others refuse
	 * the call. */
	for (unsigned i = 0; i < KVM_MAX_CPUS; i++)
		if (core->vcpus[i])
			ioctl(core->vcpus[i]->fd, KVM_KVMCLOCK_CTRL, 0);
}

static int kvm_start(struct hv *hv, struct err *err)
{
	struct kvm_core *core = kvm_core_from_hv(hv);

	(void)err;
	assert(core->is_complete);
	restore_clock(core);
	kvm_gate_open(core);
	return 0;
}

static void kvm_hold(struct hv *hv)
{
	kvm_gate_hold(kvm_core_from_hv(hv));
}

static void kvm_pause(struct hv *hv)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct lock *lock = hv->config.lock;

	kvm_gate_hold(core);
	if (lock)
		lock_release(lock);
	kvm_gate_wait_parked(core);
	if (lock)
		lock_acquire(lock);
	kvm_ring_drain(hv);
	if (hv->running)
		save_clock(core);
}

static void kvm_slots_begin(struct hv *hv)
{
	kvm_gate_exclude(kvm_core_from_hv(hv));
}

static void kvm_slots_end(struct hv *hv)
{
	kvm_gate_admit(kvm_core_from_hv(hv));
}

static int plug_in(struct kvm_core *core, unsigned cpu, struct err *err)
{
	struct kvm_vcpu *vcpu = core->vcpus[cpu];
	bool parked;
	int code;

	if (!vcpu) {
		code = kvm_vcpu_create(core, cpu, err);
		if (code < 0)
			return code;
	} else {
		pthread_mutex_lock(&core->gate.mutex);
		parked = vcpu->parked;
		pthread_mutex_unlock(&core->gate.mutex);
		if (!parked)
			return err_set(err, -EBUSY, "processor %u is still being unplugged", cpu);
		kvm_reset_vcpu(vcpu);
	}
	kvm_gate_set_online(core->vcpus[cpu], true);
	return 0;
}

static int kvm_cpu_set_online(struct hv *hv, unsigned cpu, bool online, struct err *err)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	bool is_online = core->vcpus[cpu] && core->vcpus[cpu]->online;

	if (online == is_online)
		return 0;
	if (online)
		return plug_in(core, cpu, err);
	if (cpu == 0)
		return err_set(err, -EBUSY, "processor 0 cannot be unplugged");
	kvm_gate_set_online(core->vcpus[cpu], false);
	return 0;
}

/** Processor time of the host that the thread has used; what KVM runs counts as well. */
static uint64_t thread_time_ns(const struct kvm_vcpu *vcpu)
{
	struct timespec used;
	clockid_t clock;

	if (!vcpu->has_thread || pthread_getcpuclockid(vcpu->thread, &clock) != 0 ||
	    clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

static void kvm_get_stats(struct hv *hv, struct hv_stats *stats)
{
	struct kvm_core *core = kvm_core_from_hv(hv);

	for (unsigned i = 0; i < KVM_MAX_CPUS; i++) {
		const struct kvm_vcpu *vcpu = core->vcpus[i];

		if (!vcpu)
			continue;
		stats->exits += atomic_load_explicit(&vcpu->exits, memory_order_relaxed);
		stats->pio_exits += atomic_load_explicit(&vcpu->pio_exits, memory_order_relaxed);
		stats->mmio_exits += atomic_load_explicit(&vcpu->mmio_exits, memory_order_relaxed);
		stats->cpu_ns += thread_time_ns(vcpu);
	}
	stats->coalesced = core->coalesced;
}

/* Creation. */

static void kvm_destroy(struct hv *hv)
{
	struct kvm_core *core = kvm_core_from_hv(hv);

	kvm_gate_quit(core);
	for (unsigned i = 0; i < KVM_MAX_CPUS; i++)
		if (core->vcpus[i])
			kvm_vcpu_destroy(core->vcpus[i]);
	if (core->vm_fd >= 0)
		close(core->vm_fd);
	if (core->kvm_fd >= 0)
		close(core->kvm_fd);
	for (unsigned i = 0; i < core->video_ram_count; i++)
		plain_pages_free(core->video_rams[i].pages, core->video_rams[i].bytes);
	plain_ram_finish(&core->ram);
	free(core->cpuid);
	free(core->msrs);
	kvm_gate_finish(&core->gate);
	free(core);
}

static void add_route(struct kvm_irq_routing *routing, uint32_t gsi, uint32_t chip, uint32_t pin)
{
	struct kvm_irq_routing_entry *entry = &routing->entries[routing->nr++];

	entry->gsi = gsi;
	entry->type = KVM_IRQ_ROUTING_IRQCHIP;
	entry->u.irqchip.irqchip = chip;
	entry->u.irqchip.pin = pin;
}

/**
 * GSIs 0 to 15 reach both the 8259A and the I/O APIC, the rest the I/O APIC only. As on every PC
 * with an I/O APIC, the timer (0) goes to its pin 2, which the cascade leaves free; the MADT says
 * so.
 */
static int set_routing(struct kvm_core *core)
{
	size_t routes = 2 * PIC_PINS + KVM_IRQ_LINES;
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) + routes * sizeof(routing->entries[0]));
	int code;

	if (!routing)
		return -ENOMEM;
	for (uint32_t gsi = 0; gsi < KVM_IRQ_LINES; gsi++) {
		if (gsi == CASCADE_PIN)
			continue;
		if (gsi < 2 * PIC_PINS)
			add_route(routing, gsi, gsi / PIC_PINS, gsi % PIC_PINS);
		add_route(routing, gsi, KVM_IRQCHIP_IOAPIC, gsi ? gsi : TIMER_IOAPIC_PIN);
	}
	code = ioctl(core->vm_fd, KVM_SET_GSI_ROUTING, routing) < 0 ? -errno : 0;
	free(routing);
	return code;
}

static int create_chips(struct kvm_core *core, struct err *err)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int code;

	if (ioctl(core->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_set_errno(err, -errno, "KVM cannot create interrupt controllers");
	if (ioctl(core->vm_fd, KVM_CREATE_PIT2, &pit) < 0)
		return err_set_errno(err, -errno, "KVM cannot create an interval timer");
	code = set_routing(core);
	return code < 0 ? err_set_errno(err, code, "KVM does not route interrupts") : 0;
}

static int create_vm(struct kvm_core *core, struct err *err)
{
	uint64_t identity_map = KVM_IDENTITY_MAP_GPA;
	int bytes, code = kvm_host_create_vm(&core->kvm_fd, &core->vm_fd, err);

	if (code < 0)
		return code;
	if (ioctl(core->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(core->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)KVM_TSS_GPA) < 0)
		return err_set_errno(err, -errno, "KVM does not take its place in guest memory");
	bytes = ioctl(core->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (bytes < (int)sizeof(struct kvm_run))
		return err_set(err, -EPROTO, "KVM's processors have no state to share");
	core->run_bytes = (uint32_t)bytes;
	core->has_xcrs = kvm_host_check(core->kvm_fd, KVM_CAP_XCRS) != 0;
	core->has_smm = kvm_host_check(core->vm_fd, KVM_CAP_X86_SMM) != 0;
	core->collects_ports = kvm_host_check(core->kvm_fd, KVM_CAP_COALESCED_PIO) != 0;
	return 0;
}

static int create_vcpus(struct kvm_core *core, struct err *err)
{
	int ring_page = kvm_host_check(core->kvm_fd, KVM_CAP_COALESCED_MMIO);
	int code = kvm_cpuid_create(core, err);

	for (unsigned i = 0; code == 0 && i < core->hv.config.cpus; i++) {
		code = kvm_vcpu_create(core, i, err);
		if (code == 0)
			kvm_gate_set_online(core->vcpus[i], true);
	}
	if (code == 0 && ring_page && (uint32_t)(ring_page + 1) * KVM_PAGE_BYTES <= core->run_bytes)
		core->ring = (void *)((uint8_t *)core->vcpus[0]->run + ring_page * KVM_PAGE_BYTES);
	return code;
}

/**
 * A registration that KVM makes for a chip, port or window leaves its list of registrations in a
 * grace period (SRCU), and the next change of a memory slot waits for that: 4 to 8 ms. So chips,
 * processors and collected windows come after the slots of the board.
 */
static int kvm_complete(struct hv *hv, struct err *err)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	uint32_t levels = core->irq_levels;
	int code = create_chips(core, err);

	if (code == 0)
		code = create_vcpus(core, err);
	if (code < 0)
		return code;
	core->is_complete = true;
	kvm_zones_register(core);
	core->irq_levels = 0;
	for (unsigned gsi = 0; gsi < KVM_IRQ_LINES; gsi++)
		if (levels & BIT(gsi))
			kvm_set_irq(hv, gsi, true);
	return 0;
}

static const struct hv_ops kvm_ops = {
	.name = "kvm",
	.ram_map = kvm_ram_map,
	.video_ram_alloc = kvm_video_ram_alloc,
	.slot_add = kvm_slot_add,
	.slot_remove = kvm_slot_remove,
	.slot_set_logging = kvm_slot_set_logging,
	.slot_fetch_dirty = kvm_slot_fetch_dirty,
	.slots_begin = kvm_slots_begin,
	.slots_end = kvm_slots_end,
	.range_add = kvm_range_add,
	.range_remove = kvm_range_remove,
	.set_irq = kvm_set_irq,
	.set_pit_irq = kvm_set_pit_irq,
	.complete = kvm_complete,
	.start = kvm_start,
	.hold = kvm_hold,
	.pause = kvm_pause,
	.reset = kvm_reset,
	.cpu_set_online = kvm_cpu_set_online,
	.cpu_info = kvm_vcpu_info,
	.cpu_nmi = kvm_vcpu_nmi,
	.flush_coalesced = kvm_ring_drain,
	.get_stats = kvm_get_stats,
	.save = kvm_save,
	.load = kvm_load,
	.destroy = kvm_destroy,
};

static int check_config(const struct hv_config *config, struct err *err)
{
	if (config->cpus == 0 || config->cpus > config->max_cpus || config->max_cpus > KVM_MAX_CPUS)
		return err_set(err, -EINVAL, "a guest has 1 to %d processors, not %u of at most %u",
			       KVM_MAX_CPUS, config->cpus, config->max_cpus);
	return 0;
}

struct hv *hv_kvm_create(const struct hv_config *config, const struct hv_client *client,
			 struct loop *loop, struct err *err)
{
	struct kvm_core *core;

	(void)loop; /* everything arrives on the processors' threads */
	if (check_config(config, err) < 0)
		return NULL;
	core = calloc(1, sizeof(*core));
	if (!core) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	core->kvm_fd = core->vm_fd = -1;
	core->hv.ops = &kvm_ops;
	core->hv.config = *config;
	core->hv.client = *client;
	core->hv.caps.can_run = true;
	core->hv.caps.maps_pieces = true;
	core->hv.caps.reserved_gpa = KVM_IDENTITY_MAP_GPA;
	core->hv.caps.reserved_bytes = KVM_RESERVED_BYTES;
	kvm_gate_init(&core->gate);
	if (kvm_gate_install_kick() < 0 ||
	    plain_ram_init(&core->ram, config->low_bytes, config->high_bytes, err) < 0 ||
	    create_vm(core, err) < 0) {
		kvm_destroy(&core->hv);
		return NULL;
	}
	return &core->hv;
}

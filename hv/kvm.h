// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KVM core, seen from inside. What the files have in common:
 *
 *   kvm.c         the virtual machine: creation, capabilities, interrupt wires, end
 *   kvm_host.c    why a host cannot run guests, in a sentence
 *   kvm_cpuid.c   what the processors say of themselves
 *   kvm_slots.c   memory slots, the dirty log, windows whose writes are collected
 *   kvm_gate.c    who may be inside guest code: hold, pause, slot transactions
 *   kvm_vcpu.c    one processor: its thread, its exits
 *   kvm_reset.c   power-on state
 *   kvm_state.c   state saved and brought back
 *
 * Locks, outermost first: the machine lock (the machine's; not needed where it says so), then
 * gate.mutex, which is only held for moments and never around a client hook.
 */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hv/hv.h"
#include "hv/plain_ram.h"

struct err;

enum {
	KVM_MAX_CPUS = 32,
	KVM_MAX_SLOTS = 64,
	KVM_MAX_VIDEO_RAMS = 4,
	KVM_MAX_EARLY_ZONES = 16,
	KVM_IRQ_LINES = 24,
	KVM_PAGE_BYTES = 4096,
};

/*
 * Pages that KVM needs inside the guest's address space on Intel hosts: a page table that maps
 * everything to itself, and three pages of a task state segment. They lie between the local APICs
 * and the BIOS, where neither RAM nor BARs are.
 */
#define KVM_IDENTITY_MAP_GPA UINT64_C(0xfeffc000)
#define KVM_TSS_GPA          UINT64_C(0xfeffd000)
#define KVM_RESERVED_BYTES   UINT64_C(0x4000)

struct kvm_core;

/** One processor. Its thread is the only one that calls KVM_RUN. */
struct kvm_vcpu {
	struct kvm_core *core;
	unsigned index; /* also the APIC id */
	int fd;
	struct kvm_run *run;
	uint32_t run_bytes;
	pthread_t thread;
	bool has_thread;
	atomic_int thread_id;

	/* The gate; see kvm_gate.c. */
	atomic_bool inside; /* in KVM_RUN or about to be */
	bool parked;        /* waits, with nothing incomplete; gate.mutex */
	bool online;        /* gate.mutex */
	atomic_bool dead;   /* shut down or failed: rests until reset */
	bool incomplete;    /* an access was answered, but KVM_RUN has not yet taken the answer; the
			       thread's own */

	atomic_uint_fast64_t exits, pio_exits, mmio_exits;
	uint8_t data[KVM_PAGE_BYTES]; /* of string I/O, copied here once */
};

/** Who may be inside guest code. */
struct kvm_gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	atomic_bool closed;  /* stop, quit or transactions: what a processor looks at before each
				KVM_RUN */
	bool stop;           /* held or paused */
	bool quit;           /* threads end */
	unsigned exclusions; /* open slot transactions and the like */
};

struct kvm_slot_entry {
	bool used;
	struct hv_slot slot;
};

/** A window whose writes are collected. */
struct kvm_zone {
	bool is_memory;
	uint64_t base, bytes;
};

struct kvm_core {
	struct hv hv;
	int kvm_fd, vm_fd;
	uint32_t run_bytes;
	struct plain_ram ram;
	struct {
		void *pages;
		size_t bytes;
	} video_rams[KVM_MAX_VIDEO_RAMS];
	unsigned video_ram_count;
	struct kvm_slot_entry slots[KVM_MAX_SLOTS];
	struct kvm_cpuid2 *cpuid; /* the template of every processor; see kvm_cpuid.c */
	struct kvm_msrs *msrs;    /* what they hold at power-on */
	struct kvm_gate gate;
	struct kvm_vcpu *vcpus[KVM_MAX_CPUS]; /* created when first brought online */
	struct kvm_coalesced_mmio_ring
		*ring;       /* shared by the processors; NULL: the host has none */
	bool draining;       /* machine lock */
	uint64_t coalesced;  /* machine lock */
	bool collects_ports; /* the host can also collect port writes */
	bool has_xcrs, has_smm;
	bool is_complete;                                 /* there are chips and processors */
	struct kvm_zone early_zones[KVM_MAX_EARLY_ZONES]; /* registered when complete */
	unsigned early_zone_count;
	uint32_t irq_levels; /* as last driven, a bit a GSI; machine lock */
	bool has_clock_data; /* guest time was saved at the last pause */
	uint64_t clock_ns;
};

static inline struct kvm_core *kvm_core_from_hv(struct hv *hv)
{
	return (struct kvm_core *)hv;
}

/* kvm_host.c */

/** What is known about a host that cannot run guests. */
struct kvm_host_facts {
	int code;    /* errno of the failed open of /dev/kvm, or of KVM_CREATE_VM */
	bool has_vt; /* the processor offers VT-x or AMD-V to this system */
	bool is_amd;
	bool has_kvm;          /* the kernel has the misc device, whether or not we see /dev/kvm */
	char device_group[32]; /* owner group of /dev/kvm, empty if not known */
};

void kvm_host_gather(struct kvm_host_facts *facts, int code);
/** The sentences for a failed open and a failed creation of the virtual machine. Return -code. */
int kvm_host_explain_open(const struct kvm_host_facts *facts, struct err *err);
int kvm_host_explain_create(const struct kvm_host_facts *facts, struct err *err);
/** As the ioctl KVM_CHECK_EXTENSION: 0 for no. */
int kvm_host_check(int fd, int capability);

/**
 * Opens /dev/kvm, checks that it is one that serves, and creates a virtual machine, or takes the
 * one that hv_kvm_prepare began. 0 and two descriptors, or -errno and a sentence.
 */
int kvm_host_create_vm(int *kvm_fd, int *vm_fd, struct err *err);

/* kvm_cpuid.c */

/** What the host's KVM supports, with what concerns one processor left out. 0 or -errno and a
 * sentence. */
int kvm_cpuid_create(struct kvm_core *core, struct err *err);
/**
 * Writes into 'cpuid' what processor 'index' of 'count' says: one socket with 'count' cores of one
 * thread, APIC ids as indices.
 */
void kvm_cpuid_place(struct kvm_cpuid2 *cpuid, unsigned index, unsigned count);
/** Gives the processor its leaves. 0 or -errno. */
int kvm_cpuid_apply(struct kvm_vcpu *vcpu);

/* kvm_slots.c: hooks of hv_ops */
int kvm_slot_add(struct hv *hv, const struct hv_slot *slot);
void kvm_slot_remove(struct hv *hv, int number);
void kvm_slot_set_logging(struct hv *hv, int number, bool on);
bool kvm_slot_fetch_dirty(struct hv *hv, int number, unsigned long *bitmap);
void kvm_range_add(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced);
void kvm_range_remove(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced);
/** Registers the windows that were added before the core was complete. */
void kvm_zones_register(struct kvm_core *core);
/** Delivers what was collected up to now, under the machine lock; nothing if called while
 * delivering. */
void kvm_ring_drain(struct hv *hv);
/** The same from a processor's thread: takes the machine lock if there is anything. */
void kvm_ring_drain_unlocked(struct kvm_core *core);

/* kvm_gate.c */
void kvm_gate_init(struct kvm_gate *gate);
void kvm_gate_finish(struct kvm_gate *gate);
/** Installs the handler of the signal that brings a thread out of KVM_RUN. 0 or -errno. */
int kvm_gate_install_kick(void);
/** Takes that signal out of a set of signals to be blocked. */
void kvm_gate_allow_kick(sigset_t *blocked);
/** Waits until the processor may run or complete its last access. False: the thread is to end. */
bool kvm_gate_enter(struct kvm_vcpu *vcpu);
void kvm_gate_leave(struct kvm_vcpu *vcpu);
void kvm_gate_set_online(struct kvm_vcpu *vcpu, bool online);
/** No processor is in KVM_RUN between the two; see hv_slots_begin. */
void kvm_gate_exclude(struct kvm_core *core);
void kvm_gate_admit(struct kvm_core *core);
void kvm_gate_hold(struct kvm_core *core);
/** Waits for all to be parked; without the machine lock. */
void kvm_gate_wait_parked(struct kvm_core *core);
void kvm_gate_open(struct kvm_core *core);
void kvm_gate_quit(struct kvm_core *core);

/* kvm_vcpu.c */

/** Creates processor 'index' with its thread, parked, in power-on state. 0 or -errno and a
 * sentence. */
int kvm_vcpu_create(struct kvm_core *core, unsigned index, struct err *err);
/** The gate's quit must have been called. */
void kvm_vcpu_destroy(struct kvm_vcpu *vcpu);
/** Acts on what KVM_RUN left in vcpu->run. Without the machine lock. */
void kvm_vcpu_handle_exit(struct kvm_vcpu *vcpu);
int kvm_vcpu_info(struct hv *hv, unsigned cpu, struct hv_cpu_info *info);
void kvm_vcpu_nmi(struct hv *hv, unsigned cpu);

/* kvm_reset.c */

/** Notes the model-specific registers of a processor that has never run: what a reset brings back.
 */
int kvm_reset_note_msrs(struct kvm_core *core, struct kvm_vcpu *vcpu);
/** Reads all of 'msrs', dropping those that cannot be read. */
void kvm_read_msrs(int fd, struct kvm_msrs *msrs);
/** Writes all that KVM takes. */
void kvm_write_msrs(int fd, const struct kvm_msrs *msrs);
/** All processors and the chips to power-on state; all must be parked. */
void kvm_reset(struct hv *hv);
/** One processor; 'core' must be parked or the processor's thread. */
void kvm_reset_vcpu(struct kvm_vcpu *vcpu);
/** Takes the interval timer off its wire or puts it on. */
void kvm_set_pit_irq(struct hv *hv, bool on);

/* kvm_state.c: hooks of hv_ops */
int kvm_save(struct hv *hv, uint8_t **bytes, size_t *length, struct err *err);
int kvm_load(struct hv *hv, const uint8_t *bytes, size_t length, struct err *err);

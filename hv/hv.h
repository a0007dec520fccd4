// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hypervisor core: what runs the guest's processors and hands us what it does not emulate
 * itself. Three implementations: kvm (Linux), xen, qtest (no processor; a test program plays the
 * guest).
 *
 * Threads: the client's hooks are called on whatever thread took the exit, without the machine
 * lock; dm/dispatch.c takes it. Everything else in this header is called by the machine's side,
 * with the lock held unless it says otherwise. hv sees neither devices nor buses; it knows the
 * client struct below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct input;
struct lock;
struct loop;
struct pv_disk_host;
struct hv;

/** Why the core stopped running the guest. */
enum hv_event {
	HV_TRIPLE_FAULT, /* a processor shut down: the board resets */
	HV_SHUTDOWN,     /* the guest ended itself through the core */
	HV_FAILED,       /* the core cannot go on; the text says why */
};

/** Why the guest ended, as Xen's toolstack numbers it (public/sched.h). */
enum hv_shutdown_reason {
	HV_REASON_POWER_OFF = 0,
	HV_REASON_REBOOT = 1,
	HV_REASON_CRASH = 3,
};

enum {
	/* Of a run, so that nobody waits for long: an access may start a blit of a whole screen. */
	HV_RUN_ITEMS = 64,
};

/** How a test program moves guest time. */
enum hv_clock_move {
	HV_CLOCK_BY,
	HV_CLOCK_TO, /* never back */
	HV_CLOCK_TO_NEXT_TIMER,
};

/** Whom the core calls. 'data' points to private memory: it was copied once. */
struct hv_client {
	void *opaque;
	/** 'count' items of 'size' (1, 2, 4) bytes at one port, in or out of 'data'. */
	void (*pio)(void *opaque, uint16_t port, bool is_read, unsigned size, void *data,
		    uint32_t count);
	/** One access of 1 to 8 bytes to guest-physical memory that is not direct. */
	void (*mmio)(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data);
	/**
	 * 'count' such accesses of 1, 2, 4 or 8 bytes, each behind the one before it: what a REP
	 * STOS or REP MOVS does there. At most HV_RUN_ITEMS of them. Called by Xen's core alone.
	 */
	void (*mmio_run)(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data,
			 uint32_t count);
	/**
	 * A write of 1 to 8 bytes that was collected, in the order of the guest's writes and before
	 * whatever came after it. The one hook that is called with the machine lock held. NULL:
	 * nothing is ever collected.
	 */
	void (*collected)(void *opaque, bool is_memory, uint64_t address, unsigned size,
			  const void *data);
	/**
	 * A configuration cycle that the core decoded itself (Xen). 'devfn' is
	 * bus << 8 | slot << 3 | function.
	 */
	void (*pci_config)(void *opaque, uint32_t devfn, unsigned offset, bool is_read,
			   unsigned size, void *data);
	/** Guest pages have moved: drop every cached mapping (Xen). */
	void (*invalidate)(void *opaque);
	void (*event)(void *opaque, enum hv_event event, const char *text);
	/** qtest: bytes of guest-physical memory of any kind, 'length' of them. */
	void (*memory)(void *opaque, uint64_t gpa, bool is_read, void *data, size_t length);
	/** qtest: moves guest time, which stands still otherwise, and returns what it is then. */
	int64_t (*move_clock)(void *opaque, enum hv_clock_move move, int64_t ns);
};

/** What the core brings itself, so that the board leaves it out. */
struct hv_caps {
	bool has_rtc; /* clock registers 0 to 13 of the RTC (Xen) */
	bool has_hpet;
	bool has_pm_timer; /* and the PM1 event block */
	bool routes_pci;   /* INTx and PIRQ links are the core's */
	bool has_firmware; /* hvmloader builds tables and loads the BIOS */
	bool can_run;      /* there are processors (not qtest) */
	bool maps_pieces;  /* slots show any memory of ours, also in several places (not Xen) */
	/* A reset is the toolstack's: it makes the guest anew, with another device model (Xen). */
	bool restarts_guest;
	/* The toolstack saves the guest's memory and processors, and asks us for the rest (Xen). */
	bool saves_guest;
	/* The core's own guest-physical pages: reserved in E820, no BAR may lie there. */
	uint64_t reserved_gpa, reserved_bytes;
};

struct hv_config {
	unsigned cpus; /* online at power-on */
	unsigned max_cpus;
	uint64_t low_bytes, high_bytes; /* guest RAM below the PCI hole and above 4 GiB */
	struct lock *lock; /* the machine lock, borrowed; NULL in tests that have none */
	uint32_t xen_domid;
	struct input *input; /* for paravirtual keyboards, borrowed; NULL: none (Xen) */
	const struct pv_disk_host *disks; /* for paravirtual ones, borrowed; NULL: none (Xen) */
	bool incoming; /* the guest is being restored: its memory, and video RAM, is there (Xen) */
	/* qtest: "unix:PATH", "stdio", …, connected by the core through base/chr */
	const char *qtest_chardev;
	const char *qtest_log; /* qtest: a file for the dialogue, or NULL */
};

/** A range of guest memory that the processor reaches directly. */
struct hv_slot {
	uint64_t gpa;
	uint64_t bytes; /* both multiples of 4096 */
	void *host;
	bool read_only; /* writes exit as MMIO */
	bool log_dirty;
};

/** The state of a processor as monitors show it. */
struct hv_cpu_info {
	bool online, halted;
	uint64_t rip, rsp, rflags, cr0, cr2, cr3, cr4, efer;
	uint64_t gpr[16]; /* rax rbx rcx rdx rsi rdi rbp rsp r8 … r15 */
	uint16_t cs, ds, es, fs, gs, ss;
	uint64_t cs_base;
	int thread_id;
};

/** Counters since power-on. */
struct hv_stats {
	uint64_t exits, pio_exits, mmio_exits, coalesced;
	uint64_t cpu_ns; /* host time the processors have used; 0 if the core cannot tell */
	/* Guest RAM, of cores that map it piece by piece: pieces held, mapped ever, and how often
	 * all were dropped. */
	uint64_t ram_held, ram_mapped, ram_invalidations;
};

struct hv_ops {
	const char *name; /* "kvm" */
	/* Guest RAM: where [gpa, gpa + *length) lies in this process. NULL if it is not RAM. */
	void *(*ram_map)(struct hv *hv, uint64_t gpa, size_t *length, bool write);
	void (*ram_unmap)(struct hv *hv, void *host, size_t length, size_t written);
	/* Video RAM of 'bytes' bytes, zeroed and page-aligned; the core's until hv_destroy. */
	void *(*video_ram_alloc)(struct hv *hv, size_t bytes, struct err *err);
	/* Xen: where in the guest's memory the pages of its video RAM lie, and, for a guest that is
	 * being restored, where they are to be found. */
	uint64_t (*video_ram_gpa)(struct hv *hv);
	void (*set_video_ram_gpa)(struct hv *hv, uint64_t gpa);
	/* Direct memory. Returns a slot number >= 0 or -errno. */
	int (*slot_add)(struct hv *hv, const struct hv_slot *slot);
	void (*slot_remove)(struct hv *hv, int slot);
	void (*slot_set_logging)(struct hv *hv, int slot, bool on);
	/*
	 * Moves the dirty log of a slot into 'bitmap' (one bit a page); false: take everything as
	 * dirty.
	 */
	bool (*slot_fetch_dirty)(struct hv *hv, int slot, unsigned long *bitmap);
	void (*slots_begin)(struct hv *hv);
	void (*slots_end)(struct hv *hv);
	/* Windows of registers: registered with Xen; KVM uses it for coalesced ones. */
	void (*range_add)(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes,
			  bool coalesced);
	void (*range_remove)(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes,
			     bool coalesced);
	void (*pci_function_add)(struct hv *hv, unsigned devfn);
	void (*pci_function_remove)(struct hv *hv, unsigned devfn);
	/*
	 * Wires. 'gsi' 0 to 15 are the ISA interrupts, on both controllers; 16 to 23 the rest of
	 * the I/O APIC.
	 */
	void (*set_irq)(struct hv *hv, unsigned gsi, bool level);
	/* routes_pci; a link to interrupt 0 is off. */
	void (*set_pci_intx)(struct hv *hv, unsigned slot, unsigned pin, bool level);
	void (*set_pci_link)(struct hv *hv, unsigned link, unsigned isa_irq);
	void (*set_pit_irq)(struct hv *hv, bool on);
	/*
	 * Processors. start: run; pause returns when none is inside guest code and no request is in
	 * flight.
	 */
	int (*complete)(struct hv *hv, struct err *err);
	int (*start)(struct hv *hv, struct err *err);
	void (*hold)(struct hv *hv);
	void (*pause)(struct hv *hv);
	/*
	 * All processors, interrupt controllers and timers of the core to power-on state; only
	 * while paused.
	 */
	void (*reset)(struct hv *hv);
	int (*cpu_set_online)(struct hv *hv, unsigned cpu, bool online, struct err *err);
	int (*cpu_info)(struct hv *hv, unsigned cpu, struct hv_cpu_info *info);
	void (*cpu_nmi)(struct hv *hv, unsigned cpu);
	/*
	 * Delivers writes that were collected (coalesced); called before the machine acts on its
	 * own.
	 */
	void (*flush_coalesced)(struct hv *hv);
	void (*get_stats)(struct hv *hv, struct hv_stats *stats);
	/*
	 * What the core holds of the guest beside its memory, as bytes that the same core takes
	 * back; only while paused.
	 */
	int (*save)(struct hv *hv, uint8_t **bytes, size_t *length, struct err *err);
	int (*load)(struct hv *hv, const uint8_t *bytes, size_t length, struct err *err);
	/*
	 * Xen: tells the toolstack why the guest stopped (SHUTDOWN_poweroff 0, reboot 1, crash 3).
	 * May be NULL.
	 */
	void (*report_shutdown)(struct hv *hv, unsigned reason);
	/* Xen: S3 is a state of its own there. Only while paused; start wakes. */
	int (*suspend)(struct hv *hv, struct err *err);
	/* Xen: someone copies the guest's memory and is to be told what we write. */
	void (*set_dirty_log)(struct hv *hv, bool on);
	/* Xen: guest RAM that the guest asks to be write-protected. */
	void (*protect_ram)(struct hv *hv, uint64_t gpa, uint64_t bytes, bool read_only);
	/* Xen: gives up every right but those over this guest. */
	int (*restrict_handles)(struct hv *hv, struct err *err);
	void (*destroy)(struct hv *hv);
};

/** Who sees what is done to the core's wires: a recording, or its replay. */
struct hv_tap {
	void *opaque;
	void (*irq)(void *opaque, unsigned gsi, bool level);
	void (*pci_intx)(void *opaque, unsigned slot, unsigned pin, bool level);
	void (*pci_link)(void *opaque, unsigned link, unsigned isa_irq);
	void (*pit_irq)(void *opaque, bool on);
};

/**
 * Embedded first in each core. Hooks that a core has no use for are NULL; call through the wrappers
 * below.
 */
struct hv {
	const struct hv_ops *ops;
	struct hv_caps caps;
	struct hv_client client;
	struct hv_config config;
	const struct hv_tap *tap; /* NULL: none; borrowed */
	bool running;
};

/*
 * The cores. Each allocates guest RAM (Xen: maps it on demand) and leaves its processors stopped;
 * on KVM hv_complete creates them. NULL and a sentence that says what is wrong with the host and
 * what to do.
 */
/**
 * Begins to create the virtual machine in the background, for hv_kvm_create to pick up: the kernel
 * spends most of that time waiting (10 ms). May be called once, when it is known that the KVM core
 * will be used, after the last fork and by the process's first thread. Failures are hv_kvm_create's
 * to report.
 */
void hv_kvm_prepare(void);
struct hv *hv_kvm_create(const struct hv_config *config, const struct hv_client *client,
			 struct loop *loop, struct err *err);
struct hv *hv_xen_create(const struct hv_config *config, const struct hv_client *client,
			 struct loop *loop, struct err *err);
/** What the process that guards a Xen guest is told. */
struct hv_guard {
	uint32_t domid;
	/** Gives up in that process what waiting does not need; NULL: nothing. 0, or -errno and a
	 * sentence. */
	int (*confine)(void *opaque, struct err *err);
	void *opaque;
};
/**
 * Starts a small process that ends the guest as crashed if this one dies without having dismissed
 * it, be it by SIGKILL. Once, while there is one thread, and before what the guest needs is opened.
 * 0, or -errno and a sentence.
 */
int hv_xen_guard_start(const struct hv_guard *guard, struct err *err);
/** This process ends, and has said why if the guest is still there. Nothing happens if there is no
 * guard. */
void hv_xen_guard_dismiss(void);
/** A core whose processor is a test program: it speaks through config->qtest_chardev. */
struct hv *hv_qtest_create(const struct hv_config *config, const struct hv_client *client,
			   struct loop *loop, struct err *err);

/**
 * A core without processors and without a protocol: for tests and -machine none. RAM is plain
 * memory.
 */
struct hv *hv_null_create(const struct hv_config *config, const struct hv_client *client,
			  struct err *err);

void *hv_ram_map(struct hv *hv, uint64_t gpa, size_t *length, bool write);
void hv_ram_unmap(struct hv *hv, void *host, size_t length, size_t written);
void *hv_video_ram_alloc(struct hv *hv, size_t bytes, struct err *err);
/** Where the video RAM lies if its pages are the guest's own, as on Xen; else 0. */
uint64_t hv_video_ram_gpa(struct hv *hv);
/** As it was saved; before anything shows it. Ignored by cores that own their guest's memory. */
void hv_set_video_ram_gpa(struct hv *hv, uint64_t gpa);
int hv_slot_add(struct hv *hv, const struct hv_slot *slot);
void hv_slot_remove(struct hv *hv, int slot);
void hv_slot_set_logging(struct hv *hv, int slot, bool on);
/** 'bitmap' has room for the slot's pages rounded up to 64. */
bool hv_slot_fetch_dirty(struct hv *hv, int slot, unsigned long *bitmap);
/**
 * Between these two no processor is inside guest code, so that several slots can be replaced
 * without a guest seeing the gap. May be called within a client hook (under the lock); waits only
 * for the other processors' exits, not for hooks.
 */
void hv_slots_begin(struct hv *hv);
void hv_slots_end(struct hv *hv);
void hv_range_add(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced);
void hv_range_remove(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes, bool coalesced);
void hv_pci_function_add(struct hv *hv, unsigned devfn);
void hv_pci_function_remove(struct hv *hv, unsigned devfn);
void hv_set_irq(struct hv *hv, unsigned gsi, bool level);
void hv_set_pci_intx(struct hv *hv, unsigned slot, unsigned pin, bool level);
void hv_set_pci_link(struct hv *hv, unsigned link, unsigned isa_irq);
/** Connects the core's timer chip to interrupt 0 or, while an HPET drives that wire, takes it off.
 * On at reset. */
void hv_set_pit_irq(struct hv *hv, bool on);
/**
 * The memory map is as at power-on: creates what must come after it. Once, before the first
 * hv_start and before anything is asked of processors. KVM makes each change of the map that comes
 * after its interrupt controllers wait some milliseconds. 0, or -errno and a sentence.
 */
int hv_complete(struct hv *hv, struct err *err);
int hv_start(struct hv *hv, struct err *err);
/**
 * No processor executes another guest instruction after the one it is in, until hv_start. Does not
 * wait, so it may be called within a client hook: the processor whose access asks for a reset or
 * power-off must not run on. To be followed by hv_pause on the machine's thread.
 */
void hv_hold(struct hv *hv);
/**
 * Called with the machine lock held; gives it back while it waits, since an exit may need it. Not
 * within a client hook. When it returns, every access begun is complete, collected writes are
 * delivered, and registers may be read and written.
 */
void hv_pause(struct hv *hv);
void hv_reset(struct hv *hv);
int hv_cpu_set_online(struct hv *hv, unsigned cpu, bool online, struct err *err);
int hv_cpu_info(struct hv *hv, unsigned cpu, struct hv_cpu_info *info);
void hv_cpu_nmi(struct hv *hv, unsigned cpu);
void hv_flush_coalesced(struct hv *hv);
void hv_get_stats(struct hv *hv, struct hv_stats *stats);
/** Says whether hv_save and hv_load serve: the guest's processors are the core's own. */
bool hv_holds_processors(const struct hv *hv);
/** Processors and chips of the core, while paused. The bytes are the caller's to free. 0, or -errno
 * and a sentence. */
int hv_save(struct hv *hv, uint8_t **bytes, size_t *length, struct err *err);
/** Into a core that has not run, when the devices drive their wires. Bytes may come from anywhere.
 * 0, or -errno and a sentence; then the guest cannot run. */
int hv_load(struct hv *hv, const uint8_t *bytes, size_t length, struct err *err);
void hv_report_shutdown(struct hv *hv, unsigned reason);
/** The machine goes to sleep (S3), after hv_pause; hv_start wakes it. 0, or -errno and a sentence.
 */
int hv_suspend(struct hv *hv, struct err *err);
/** Migration: from here on (or no longer) the toolstack is told of every page that devices write.
 */
void hv_set_dirty_log(struct hv *hv, bool on);
/** Write-protects guest RAM, or makes it writable again: whole pages. */
void hv_protect_ram(struct hv *hv, uint64_t gpa, uint64_t bytes, bool read_only);
/** The core's handles serve for this guest only from here on. 0, or -errno and a sentence. */
int hv_restrict_handles(struct hv *hv, struct err *err);
/** Ends the processors and frees everything. A running guest is paused first (with the lock held,
 * as hv_pause). */
void hv_destroy(struct hv *hv);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Power-on state of what KVM emulates: processors with their local APICs (Intel SDM Vol. 3A 10.1,
 * table 10-1), the two 8259A, the I/O APIC (82093AA 3.2) and the 8254.
 *
 * Before a guest's first run nothing of this is needed: KVM creates everything in this state.
 */
#include <asm/kvm.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "hv/kvm.h"

#define CR0_AT_RESET     UINT64_C(0x60000010) /* CD, NW, ET */
#define CR0_CD_ET        UINT64_C(0x40000010)
#define DR6_AT_RESET     UINT64_C(0xffff0ff0)
#define DR7_AT_RESET     UINT64_C(0x400)
#define RIP_AT_RESET     UINT64_C(0xfff0)
#define CS_BASE_AT_RESET UINT64_C(0xffff0000)
#define RFLAGS_FIXED     UINT64_C(2)
#define XCR0_X87         UINT64_C(1)

#define APIC_BASE_GPA   UINT64_C(0xfee00000)
#define IOAPIC_BASE_GPA UINT64_C(0xfec00000)

enum {
	APIC_BASE_BSP = 1 << 8,
	APIC_BASE_ENABLED = 1 << 11,
};

enum msr_index {
	MSR_TSC = 0x10,
};

/* Microsoft's registers hold the processor's own number; no guest sees them, since CPUID does not
 * offer them. */
#define MSR_HYPERV_FIRST 0x40000000u
#define MSR_HYPERV_LAST  0x400001ffu

enum segment_type {
	SEGMENT_LDT = 2,
	SEGMENT_DATA = 3,
	SEGMENT_CODE = 11,
	SEGMENT_BUSY_TSS = 11,
};

/* Offsets in the local APIC's page. */
enum apic_register {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_LVT_CMCI = 0x2f0,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_PERFORMANCE = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
};

enum {
	APIC_LVT_MASKED = 1 << 16,
	APIC_LVT_EXTINT = 7 << 8,
	APIC_SVR_AT_RESET = 0xff,
	IOAPIC_ENTRY_MASKED = 1 << 16,
};

/* x87 and SSE control words in the legacy area of an XSAVE image (SDM Vol. 1 10.5.1), as KVM sets
 * them at creation. */
enum {
	XSAVE_FCW = 0,
	XSAVE_MXCSR = 24,
	FCW_AT_RESET = 0x37f,
	MXCSR_AT_RESET = 0x1f80,
};

/* Which interrupts can be level-triggered, as KVM's ELCR has them: all but 0, 1, 2, 8 and 13. */
enum {
	ELCR_MASK_MASTER = 0xf8,
	ELCR_MASK_SLAVE = 0xde,
};

enum {
	PIT_MODE_NONE = 0xff, /* not programmed: the channel does not count */
	PIT_SPEAKER = 2,
	PIT_FULL_COUNT = 0x10000,
};

/** A refusal leaves the guest in a mixed state: say so, once for each reset at most a few lines. */
static void check(int result, const char *what, unsigned index)
{
	if (result < 0)
		log_guest("cannot reset the %s of processor %u: %s", what, index, strerror(errno));
}

/* Model-specific registers. */

static bool msr_is_reset(uint32_t index)
{
	return index < MSR_HYPERV_FIRST || index > MSR_HYPERV_LAST;
}

/** The numbers of the registers that KVM knows; free() it. NULL: out of memory or refused. */
static struct kvm_msr_list *list_msrs(int kvm_fd)
{
	struct kvm_msr_list none = { .nmsrs = 0 }, *list;

	if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, &none) < 0 && errno != E2BIG)
		return NULL;
	list = calloc(1, sizeof(*list) + none.nmsrs * sizeof(list->indices[0]));
	if (!list)
		return NULL;
	list->nmsrs = none.nmsrs;
	if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, list) < 0) {
		free(list);
		return NULL;
	}
	return list;
}

void kvm_read_msrs(int fd, struct kvm_msrs *msrs)
{
	while (msrs->nmsrs) {
		int done = ioctl(fd, KVM_GET_MSRS, msrs);
		uint32_t failed = done < 0 ? 0 : (uint32_t)done;

		if (failed >= msrs->nmsrs)
			return;
		msrs->nmsrs--;
		memmove(&msrs->entries[failed], &msrs->entries[failed + 1],
			(msrs->nmsrs - failed) * sizeof(msrs->entries[0]));
	}
}

int kvm_reset_note_msrs(struct kvm_core *core, struct kvm_vcpu *vcpu)
{
	struct kvm_msr_list *list = list_msrs(core->kvm_fd);
	struct kvm_msrs *msrs;

	if (!list)
		return -errno;
	msrs = calloc(1, sizeof(*msrs) + list->nmsrs * sizeof(msrs->entries[0]));
	if (!msrs) {
		free(list);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < list->nmsrs; i++)
		if (msr_is_reset(list->indices[i]))
			msrs->entries[msrs->nmsrs++].index = list->indices[i];
	free(list);
	kvm_read_msrs(vcpu->fd, msrs);
	for (uint32_t i = 0; i < msrs->nmsrs; i++)
		if (msrs->entries[i].index == MSR_TSC)
			msrs->entries[i].data = 0;
	core->msrs = msrs;
	return 0;
}

void kvm_write_msrs(int fd, const struct kvm_msrs *msrs)
{
	struct kvm_msrs *one = calloc(1, sizeof(*one) + sizeof(one->entries[0]));
	int done = ioctl(fd, KVM_SET_MSRS, msrs);

	if (!one)
		return;
	/* KVM stops at a register that it does not take back; the rest goes one by one. */
	for (uint32_t i = done < 0 ? 0 : (uint32_t)done; i < msrs->nmsrs; i++) {
		one->nmsrs = 1;
		one->entries[0] = msrs->entries[i];
		ioctl(fd, KVM_SET_MSRS, one);
	}
	free(one);
}

/* Processors. */

static struct kvm_segment segment(uint64_t base, uint16_t selector, uint8_t type, bool is_system)
{
	return (struct kvm_segment){
		.base = base,
		.limit = 0xffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = !is_system,
	};
}

static void reset_special_registers(struct kvm_vcpu *vcpu)
{
	const struct kvm_segment data = segment(0, 0, SEGMENT_DATA, false);
	struct kvm_sregs sregs = {
		.cs = segment(CS_BASE_AT_RESET, 0xf000, SEGMENT_CODE, false),
		.ds = data,
		.es = data,
		.fs = data,
		.gs = data,
		.ss = data,
		.tr = segment(0, 0, SEGMENT_BUSY_TSS, true),
		.ldt = segment(0, 0, SEGMENT_LDT, true),
		.gdt = { .limit = 0xffff },
		.idt = { .limit = 0xffff },
		.apic_base = APIC_BASE_GPA | APIC_BASE_ENABLED | (vcpu->index ? 0 : APIC_BASE_BSP),
	};

	/*
	 * On AMD hosts KVM drops the root of the nested page tables with the VMCB of a processor
	 * that shut down, and looks for it only when a register that governs paging changes. If the
	 * guest had CR0 as at reset, nothing would change, and the processor would fault on its
	 * first instruction for ever. So go by way of another CR0.
	 */
	sregs.cr0 = CR0_CD_ET;
	check(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), "special registers", vcpu->index);
	sregs.cr0 = CR0_AT_RESET;
	check(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), "special registers", vcpu->index);
}

/** At power-on DX holds family, model and stepping, as CPUID leaf 1 gives them in EAX. */
static uint32_t cpu_signature(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			return cpuid->entries[i].eax;
	return 0x600;
}

static void reset_registers(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs = {
		.rip = RIP_AT_RESET,
		.rdx = cpu_signature(vcpu->core->cpuid),
		.rflags = RFLAGS_FIXED,
	};

	check(ioctl(vcpu->fd, KVM_SET_REGS, &regs), "registers", vcpu->index);
}

static void reset_float(struct kvm_vcpu *vcpu)
{
	struct kvm_xsave *xsave = calloc(1, sizeof(*xsave));

	if (!xsave)
		return;
	store_le16((uint8_t *)xsave->region + XSAVE_FCW, FCW_AT_RESET);
	store_le32((uint8_t *)xsave->region + XSAVE_MXCSR, MXCSR_AT_RESET);
	check(ioctl(vcpu->fd, KVM_SET_XSAVE, xsave), "floating-point unit", vcpu->index);
	free(xsave);
	if (vcpu->core->has_xcrs) {
		struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0].value = XCR0_X87 };

		check(ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs), "XCR0", vcpu->index);
	}
}

static void reset_debug_registers(struct kvm_vcpu *vcpu)
{
	struct kvm_debugregs debug = { .dr6 = DR6_AT_RESET, .dr7 = DR7_AT_RESET };

	check(ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &debug), "debug registers", vcpu->index);
}

/** Nothing pending, no interrupt shadow, not in system management mode. */
static void reset_events(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events events = {
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			 KVM_VCPUEVENT_VALID_SHADOW |
			 (vcpu->core->has_smm ? KVM_VCPUEVENT_VALID_SMM : 0),
	};

	check(ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), "pending events", vcpu->index);
}

static void reset_local_apic(struct kvm_vcpu *vcpu)
{
	static const uint16_t masked[] = {
		APIC_LVT_CMCI,  APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PERFORMANCE,
		APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR,
	};
	struct kvm_lapic_state before, apic;
	uint8_t *page = (uint8_t *)apic.regs;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &before) < 0) {
		check(-1, "local APIC", vcpu->index);
		return;
	}
	memset(&apic, 0, sizeof(apic));
	store_le32(page + APIC_ID, vcpu->index << 24);
	memcpy(page + APIC_VERSION, before.regs + APIC_VERSION, 4);
	store_le32(page + APIC_DFR, UINT32_MAX);
	store_le32(page + APIC_SVR, APIC_SVR_AT_RESET);
	for (size_t i = 0; i < ARRAY_SIZE(masked); i++)
		store_le32(page + masked[i], APIC_LVT_MASKED);
	/* The 8259A reaches the processor before any firmware has set up the APIC: as KVM does at
	 * creation. */
	store_le32(page + APIC_LVT_LINT0, APIC_LVT_EXTINT);
	check(ioctl(vcpu->fd, KVM_SET_LAPIC, &apic), "local APIC", vcpu->index);
}

static void reset_run_state(struct kvm_vcpu *vcpu)
{
	struct kvm_mp_state state;

	/* Reading makes KVM take in an INIT or SIPI that is under way, so that it cannot come after
	 * the reset. */
	ioctl(vcpu->fd, KVM_GET_MP_STATE, &state);
	state.mp_state = vcpu->index ? KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE;
	check(ioctl(vcpu->fd, KVM_SET_MP_STATE, &state), "run state", vcpu->index);
}

void kvm_reset_vcpu(struct kvm_vcpu *vcpu)
{
	reset_run_state(vcpu);
	reset_events(vcpu);
	reset_special_registers(vcpu);
	reset_registers(vcpu);
	reset_float(vcpu);
	reset_debug_registers(vcpu);
	kvm_write_msrs(vcpu->fd, vcpu->core->msrs);
	reset_local_apic(vcpu);
	atomic_store(&vcpu->dead, false);
}

/* Chips. */

static void reset_chip(struct kvm_core *core, struct kvm_irqchip *chip)
{
	if (ioctl(core->vm_fd, KVM_SET_IRQCHIP, chip) < 0)
		log_guest("cannot reset interrupt controller %u: %s", chip->chip_id,
			  strerror(errno));
}

static void reset_interrupt_controllers(struct kvm_core *core)
{
	struct kvm_irqchip chip;

	memset(&chip, 0, sizeof(chip));
	chip.chip_id = KVM_IRQCHIP_PIC_MASTER;
	chip.chip.pic.elcr_mask = ELCR_MASK_MASTER;
	reset_chip(core, &chip);
	chip.chip_id = KVM_IRQCHIP_PIC_SLAVE;
	chip.chip.pic.elcr_mask = ELCR_MASK_SLAVE;
	reset_chip(core, &chip);

	memset(&chip, 0, sizeof(chip));
	chip.chip_id = KVM_IRQCHIP_IOAPIC;
	chip.chip.ioapic.base_address = IOAPIC_BASE_GPA;
	for (size_t i = 0; i < ARRAY_SIZE(chip.chip.ioapic.redirtbl); i++)
		chip.chip.ioapic.redirtbl[i].bits = IOAPIC_ENTRY_MASKED;
	reset_chip(core, &chip);
}

static void reset_timer(struct kvm_core *core)
{
	struct kvm_pit_state2 pit;

	memset(&pit, 0, sizeof(pit));
	for (unsigned i = 0; i < ARRAY_SIZE(pit.channels); i++) {
		pit.channels[i].count = PIT_FULL_COUNT;
		pit.channels[i].mode = PIT_MODE_NONE;
		pit.channels[i].gate = i != PIT_SPEAKER;
	}
	if (ioctl(core->vm_fd, KVM_SET_PIT2, &pit) < 0)
		log_guest("cannot reset the interval timer: %s", strerror(errno));
}

void kvm_set_pit_irq(struct hv *hv, bool on)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct kvm_pit_state2 pit;
	uint32_t flags;

	if (ioctl(core->vm_fd, KVM_GET_PIT2, &pit) < 0)
		return;
	flags = on ? pit.flags & ~(uint32_t)KVM_PIT_FLAGS_HPET_LEGACY
		   : pit.flags | KVM_PIT_FLAGS_HPET_LEGACY;
	if (flags == pit.flags)
		return;
	pit.flags = flags;
	ioctl(core->vm_fd, KVM_SET_PIT2, &pit);
}

void kvm_reset(struct hv *hv)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	uint32_t levels = core->irq_levels;

	/* The wires are the devices': a line that stays high is seen to rise by the fresh
	 * controllers. */
	for (unsigned gsi = 0; gsi < KVM_IRQ_LINES; gsi++)
		if (levels & BIT(gsi))
			hv_set_irq(hv, gsi, false);
	reset_interrupt_controllers(core);
	reset_timer(core);
	for (unsigned i = 0; i < KVM_MAX_CPUS; i++)
		if (core->vcpus[i])
			kvm_reset_vcpu(core->vcpus[i]);
	for (unsigned gsi = 0; gsi < KVM_IRQ_LINES; gsi++)
		if (levels & BIT(gsi))
			hv_set_irq(hv, gsi, true);
}

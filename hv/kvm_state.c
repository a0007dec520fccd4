// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What KVM holds of a guest, saved and brought back: processors with their local APICs, interrupt
 * controllers, interval timer, guest time. A sequence of records, each of one of the kernel's own
 * structs, which are a stable interface (linux/kvm.h): u32 kind, u32 index, u32 bytes, the struct.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "hv/kvm.h"

/** Stored: never renumbered. */
enum record_kind {
	RECORD_REGS = 1,
	RECORD_SREGS,
	RECORD_XCRS,
	RECORD_XSAVE,
	RECORD_DEBUGREGS,
	RECORD_LAPIC,
	RECORD_MSRS,
	RECORD_EVENTS,
	RECORD_MP_STATE,
	RECORD_IRQCHIP, /* index: as KVM numbers them */
	RECORD_PIT,
	RECORD_CLOCK, /* u64: nanoseconds */
};

enum {
	RECORD_HEADER_BYTES = 12,
	RECORD_MAX_BYTES = 64 << 10,
};

/** What a processor's record is, and how KVM gives and takes it. In the order in which they are
 * given back: the APIC's address before its registers, those before the timer's deadline. */
static const struct vcpu_record {
	enum record_kind kind;
	uint32_t bytes;
	unsigned long get, set;
	const char *name;
} vcpu_records[] = {
	{ RECORD_SREGS, sizeof(struct kvm_sregs), KVM_GET_SREGS, KVM_SET_SREGS,
	  "special registers" },
	{ RECORD_REGS, sizeof(struct kvm_regs), KVM_GET_REGS, KVM_SET_REGS, "registers" },
	{ RECORD_XCRS, sizeof(struct kvm_xcrs), KVM_GET_XCRS, KVM_SET_XCRS, "XCR0" },
	{ RECORD_XSAVE, sizeof(struct kvm_xsave), KVM_GET_XSAVE, KVM_SET_XSAVE,
	  "floating-point unit" },
	{ RECORD_DEBUGREGS, sizeof(struct kvm_debugregs), KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS,
	  "debug registers" },
	{ RECORD_LAPIC, sizeof(struct kvm_lapic_state), KVM_GET_LAPIC, KVM_SET_LAPIC,
	  "local APIC" },
	{ RECORD_EVENTS, sizeof(struct kvm_vcpu_events), KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS,
	  "pending events" },
	{ RECORD_MP_STATE, sizeof(struct kvm_mp_state), KVM_GET_MP_STATE, KVM_SET_MP_STATE,
	  "run state" },
};

/* --- Saving --- */

struct writer {
	uint8_t *bytes;
	size_t length, capacity;
	bool failed;
};

static void *append(struct writer *writer, enum record_kind kind, uint32_t index, uint32_t bytes)
{
	size_t needed = writer->length + RECORD_HEADER_BYTES + bytes;
	uint8_t *record;

	if (needed > writer->capacity) {
		uint8_t *grown = realloc(writer->bytes, needed * 2);

		if (!grown) {
			writer->failed = true;
			return NULL;
		}
		writer->bytes = grown;
		writer->capacity = needed * 2;
	}
	record = writer->bytes + writer->length;
	store_le32(record, kind);
	store_le32(record + 4, index);
	store_le32(record + 8, bytes);
	writer->length = needed;
	return memset(record + RECORD_HEADER_BYTES, 0, bytes);
}

/** One struct that KVM fills in. */
static int save_record(struct writer *writer, int fd, const struct vcpu_record *row, uint32_t index)
{
	void *data = calloc(1, row->bytes), *into;
	int result = !data ? -ENOMEM : ioctl(fd, row->get, data) < 0 ? -errno : 0;

	if (result == 0) {
		into = append(writer, row->kind, index, row->bytes);
		if (into)
			memcpy(into, data, row->bytes);
	}
	free(data);
	return result;
}

/** The registers that a reset knows, as they are now. */
static int save_msrs(struct writer *writer, struct kvm_vcpu *vcpu)
{
	const struct kvm_msrs *known = vcpu->core->msrs;
	uint32_t bytes = (uint32_t)(sizeof(*known) + known->nmsrs * sizeof(known->entries[0]));
	struct kvm_msrs *msrs = malloc(bytes);
	void *into;

	if (!msrs)
		return -ENOMEM;
	memcpy(msrs, known, bytes);
	kvm_read_msrs(vcpu->fd, msrs);
	bytes = (uint32_t)(sizeof(*msrs) + msrs->nmsrs * sizeof(msrs->entries[0]));
	into = append(writer, RECORD_MSRS, vcpu->index, bytes);
	if (into)
		memcpy(into, msrs, bytes);
	free(msrs);
	return 0;
}

static int save_vcpu(struct writer *writer, struct kvm_vcpu *vcpu, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(vcpu_records); i++) {
		const struct vcpu_record *row = &vcpu_records[i];
		int result;

		if (row->kind == RECORD_XCRS && !vcpu->core->has_xcrs)
			continue;
		result = save_record(writer, vcpu->fd, row, vcpu->index);
		if (result < 0)
			return err_set_errno(err, result,
					     "KVM does not give the %s of processor %u", row->name,
					     vcpu->index);
	}
	return save_msrs(writer, vcpu);
}

static int save_chips(struct writer *writer, struct kvm_core *core, struct err *err)
{
	static const struct vcpu_record pit = { RECORD_PIT, sizeof(struct kvm_pit_state2),
						KVM_GET_PIT2, KVM_SET_PIT2, "" };

	for (uint32_t i = KVM_IRQCHIP_PIC_MASTER; i <= KVM_IRQCHIP_IOAPIC; i++) {
		struct kvm_irqchip chip = { .chip_id = i };
		void *into;

		if (ioctl(core->vm_fd, KVM_GET_IRQCHIP, &chip) < 0)
			return err_set_errno(err, -errno,
					     "KVM does not give its interrupt controllers");
		into = append(writer, RECORD_IRQCHIP, i, sizeof(chip));
		if (into)
			memcpy(into, &chip, sizeof(chip));
	}
	if (save_record(writer, core->vm_fd, &pit, 0) < 0)
		return err_set_errno(err, -errno, "KVM does not give its interval timer");
	return 0;
}

int kvm_save(struct hv *hv, uint8_t **bytes, size_t *length, struct err *err)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct writer writer = { 0 };
	int result = save_chips(&writer, core, err);
	void *into;

	for (unsigned i = 0; i < KVM_MAX_CPUS && result == 0; i++)
		if (core->vcpus[i] && core->vcpus[i]->online)
			result = save_vcpu(&writer, core->vcpus[i], err);
	into = core->has_clock_data ? append(&writer, RECORD_CLOCK, 0, 8) : NULL;
	if (into)
		store_le64(into, core->clock_ns);
	if (result == 0 && writer.failed)
		result = err_set_errno(err, -ENOMEM, "cannot save the processors");
	if (result < 0) {
		free(writer.bytes);
		return result;
	}
	*bytes = writer.bytes;
	*length = writer.length;
	return 0;
}

/* --- Loading --- */

/** A record of the stream; 'data' is as aligned as the stream happens to be. */
struct record {
	uint32_t kind, index, bytes;
	const uint8_t *data;
};

/** Steps through the records; false at the end, or at what is none. */
static bool next_record(const uint8_t *bytes, size_t length, size_t *position,
			struct record *record)
{
	const uint8_t *at = bytes + *position;

	if (length - *position < RECORD_HEADER_BYTES)
		return false;
	*record = (struct record){
		.kind = load_le32(at),
		.index = load_le32(at + 4),
		.bytes = load_le32(at + 8),
		.data = at + RECORD_HEADER_BYTES,
	};
	if (record->bytes > RECORD_MAX_BYTES ||
	    record->bytes > length - *position - RECORD_HEADER_BYTES)
		return false;
	*position += RECORD_HEADER_BYTES + record->bytes;
	return true;
}

static const struct vcpu_record *find_row(uint32_t kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(vcpu_records); i++)
		if (vcpu_records[i].kind == kind)
			return &vcpu_records[i];
	return NULL;
}

static bool msrs_fit(const struct kvm_core *core, const struct record *record)
{
	struct kvm_msrs head;

	if (record->bytes < sizeof(head))
		return false;
	memcpy(&head, record->data, sizeof(head));
	return head.nmsrs <= core->msrs->nmsrs &&
	       record->bytes == sizeof(head) + head.nmsrs * sizeof(head.entries[0]);
}

static bool record_fits(const struct kvm_core *core, const struct record *record)
{
	const struct vcpu_record *row = find_row(record->kind);

	switch (record->kind) {
	case RECORD_IRQCHIP:
		return record->index <= KVM_IRQCHIP_IOAPIC &&
		       record->bytes == sizeof(struct kvm_irqchip) &&
		       load_le32(record->data) == record->index;
	case RECORD_PIT:
		return record->bytes == sizeof(struct kvm_pit_state2);
	case RECORD_CLOCK:
		return record->bytes == 8;
	case RECORD_MSRS:
		return record->index < core->hv.config.max_cpus && msrs_fit(core, record);
	default:
		return row && record->index < core->hv.config.max_cpus &&
		       record->bytes == row->bytes;
	}
}

/** What may be there is there once at the most; processors are whole. */
static int check_records(struct kvm_core *core, const uint8_t *bytes, size_t length,
			 uint32_t *online, struct err *err)
{
	uint32_t seen[KVM_MAX_CPUS] = { 0 }, whole = BIT(RECORD_MSRS);
	size_t position = 0;
	struct record record;

	for (size_t i = 0; i < ARRAY_SIZE(vcpu_records); i++)
		if (vcpu_records[i].kind != RECORD_XCRS || core->has_xcrs)
			whole |= BIT(vcpu_records[i].kind);
	*online = 0;
	while (next_record(bytes, length, &position, &record)) {
		if (!record_fits(core, &record))
			return err_set(err, -EINVAL,
				       "the saved processors do not fit this host's KVM");
		if (record.kind > RECORD_MP_STATE)
			continue;
		seen[record.index] |= BIT(record.kind);
		*online |= BIT(record.index);
	}
	for (unsigned i = 0; i < KVM_MAX_CPUS; i++)
		if (*online & BIT(i) && (seen[i] & whole) != whole)
			position = SIZE_MAX;
	if (position != length || !(*online & 1))
		return err_set(err, -EINVAL, "the saved processors are damaged");
	return 0;
}

/** The deadline is armed by the write: after the counter that it is compared with. */
static int load_msrs(struct kvm_vcpu *vcpu, const struct record *record)
{
	struct kvm_msrs *msrs = malloc(record->bytes);

	if (!msrs)
		return -ENOMEM;
	memcpy(msrs, record->data, record->bytes);
	kvm_write_msrs(vcpu->fd, msrs);
	free(msrs);
	return 0;
}

static int load_into(int fd, unsigned long request, const struct record *record)
{
	void *data = malloc(record->bytes);
	int result;

	if (!data)
		return -ENOMEM;
	memcpy(data, record->data, record->bytes);
	result = ioctl(fd, request, data) < 0 ? -errno : 0;
	free(data);
	return result;
}

static int load_record(struct kvm_core *core, const struct record *record)
{
	const struct vcpu_record *row = find_row(record->kind);

	switch (record->kind) {
	case RECORD_IRQCHIP:
		return load_into(core->vm_fd, KVM_SET_IRQCHIP, record);
	case RECORD_PIT:
		return load_into(core->vm_fd, KVM_SET_PIT2, record);
	case RECORD_CLOCK:
		core->clock_ns = load_le64(record->data);
		core->has_clock_data = true;
		return 0;
	case RECORD_MSRS:
		return load_msrs(core->vcpus[record->index], record);
	default:
		return load_into(core->vcpus[record->index]->fd, row->set, record);
	}
}

/** The processors that the guest had online are, and no others. */
static int set_online(struct kvm_core *core, uint32_t online, struct err *err)
{
	int result = 0;

	for (unsigned i = 0; i < core->hv.config.max_cpus && result == 0; i++)
		result = hv_cpu_set_online(&core->hv, i, online & BIT(i), err);
	return result;
}

int kvm_load(struct hv *hv, const uint8_t *bytes, size_t length, struct err *err)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct record record;
	size_t position = 0;
	uint32_t online;
	int result = check_records(core, bytes, length, &online, err);

	if (result == 0)
		result = set_online(core, online, err);
	while (result == 0 && next_record(bytes, length, &position, &record)) {
		result = load_record(core, &record);
		if (result < 0)
			err_set_errno(err, result,
				      "KVM refuses the saved state (record %u of %u): was the "
				      "guest saved on another kind of processor?",
				      record.kind, record.index);
	}
	return result;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One processor: its thread and what it does when the guest's code leaves KVM_RUN.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "hv/kvm.h"

enum {
	/* Client hooks run on this stack; what is not touched takes no memory. */
	THREAD_STACK_BYTES = 512 << 10,
	TEXT_BYTES = 256,
	INSTRUCTION_BYTES = 15,
};

static void count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Reports. */

/** "at cs:ip f000:fff0 (linear 0xfffffff0)" */
static void describe_position(struct kvm_vcpu *vcpu, char *text, size_t bytes, uint64_t *linear)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	*linear = UINT64_MAX;
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0) {
		snprintf(text, bytes, "at an unknown place");
		return;
	}
	*linear = sregs.cs.base + regs.rip;
	snprintf(text, bytes, "at %04x:%llx (linear 0x%llx, cr0 %llx, cr3 %llx)", sregs.cs.selector,
		 (unsigned long long)regs.rip, (unsigned long long)*linear,
		 (unsigned long long)sregs.cr0, (unsigned long long)sregs.cr3);
}

/** The code bytes at 'linear', as far as KVM or guest RAM tells; returns how many. */
static size_t fetch_instruction(struct kvm_vcpu *vcpu, uint64_t linear, uint8_t *bytes)
{
	const struct kvm_run *run = vcpu->run;
	struct kvm_translation translation = { .linear_address = linear };
	size_t length = INSTRUCTION_BYTES;
	const void *host;

	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
	    run->emulation_failure.ndata >= 1 &&
	    (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) &&
	    run->emulation_failure.insn_size <= INSTRUCTION_BYTES) {
		memcpy(bytes, run->emulation_failure.insn_bytes, run->emulation_failure.insn_size);
		return run->emulation_failure.insn_size;
	}
	if (ioctl(vcpu->fd, KVM_TRANSLATE, &translation) < 0 || !translation.valid)
		return 0;
	host = plain_ram_map(&vcpu->core->ram, translation.physical_address, &length);
	if (!host)
		return 0;
	memcpy(bytes, host, length);
	return length;
}

/** The processor rests until reset, and the client learns why. */
static void stop_with(struct kvm_vcpu *vcpu, enum hv_event event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void stop_with(struct kvm_vcpu *vcpu, enum hv_event event, const char *format, ...)
{
	const struct hv_client *client = &vcpu->core->hv.client;
	char text[TEXT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	atomic_store(&vcpu->dead, true);
	if (client->event)
		client->event(client->opaque, event, text);
}

static const char *internal_error_name(uint32_t suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "KVM cannot emulate an instruction";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "two exceptions at once";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "KVM cannot deliver an exception or interrupt";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "the processor left the guest for a reason unknown to KVM";
	default:
		return "KVM has an internal error";
	}
}

static void report_internal_error(struct kvm_vcpu *vcpu)
{
	uint32_t suberror = vcpu->run->internal.suberror;
	uint8_t bytes[INSTRUCTION_BYTES];
	char position[128], code[3 * INSTRUCTION_BYTES + 1] = "";
	uint64_t linear;
	size_t length;

	describe_position(vcpu, position, sizeof(position), &linear);
	length = fetch_instruction(vcpu, linear, bytes);
	for (size_t i = 0; i < length; i++)
		snprintf(code + 3 * i, 4, " %02x", bytes[i]);
	stop_with(vcpu, HV_FAILED, "processor %u: %s (suberror %u) %s, code%s", vcpu->index,
		  internal_error_name(suberror), suberror, position, length ? code : " unknown");
}

static void report_triple_fault(struct kvm_vcpu *vcpu)
{
	char position[128];
	uint64_t linear;

	describe_position(vcpu, position, sizeof(position), &linear);
	stop_with(vcpu, HV_TRIPLE_FAULT, "processor %u shut down (triple fault) %s", vcpu->index,
		  position);
}

static void report_system_event(struct kvm_vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		stop_with(vcpu, HV_SHUTDOWN, "the guest ended itself through KVM");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		stop_with(vcpu, HV_TRIPLE_FAULT, "the guest asked KVM for a reset");
		break;
	default:
		stop_with(vcpu, HV_FAILED, "the guest reported event %u through KVM",
			  vcpu->run->system_event.type);
		break;
	}
}

/* Accesses. */

static void handle_pio(struct kvm_vcpu *vcpu)
{
	const struct hv_client *client = &vcpu->core->hv.client;
	struct kvm_run *run = vcpu->run;
	bool is_read = run->io.direction == KVM_EXIT_IO_IN;
	uint16_t port = run->io.port;
	unsigned size = run->io.size;
	uint32_t items = run->io.count;
	uint64_t offset = run->io.data_offset;
	size_t bytes;

	count(&vcpu->pio_exits);
	if ((size != 1 && size != 2 && size != 4) || items == 0 ||
	    items > sizeof(vcpu->data) / size ||
	    !range_fits(offset, (uint64_t)size * items, vcpu->run_bytes)) {
		stop_with(vcpu, HV_FAILED, "KVM reports a port access of %u times %u bytes", items,
			  size);
		return;
	}
	bytes = (size_t)size * items;
	if (is_read)
		memset(vcpu->data, 0xff, bytes);
	else
		memcpy(vcpu->data, (uint8_t *)run + offset, bytes);
	client->pio(client->opaque, port, is_read, size, vcpu->data, items);
	if (is_read)
		memcpy((uint8_t *)run + offset, vcpu->data, bytes);
	vcpu->incomplete = true;
}

static void handle_mmio(struct kvm_vcpu *vcpu)
{
	const struct hv_client *client = &vcpu->core->hv.client;
	struct kvm_run *run = vcpu->run;
	bool is_read = !run->mmio.is_write;
	unsigned size = run->mmio.len;

	count(&vcpu->mmio_exits);
	if (size == 0 || size > sizeof(run->mmio.data)) {
		stop_with(vcpu, HV_FAILED, "KVM reports a memory access of %u bytes", size);
		return;
	}
	if (is_read)
		memset(vcpu->data, 0xff, size);
	else
		memcpy(vcpu->data, run->mmio.data, size);
	client->mmio(client->opaque, run->mmio.phys_addr, is_read, size, vcpu->data);
	if (is_read)
		memcpy(run->mmio.data, vcpu->data, size);
	vcpu->incomplete = true;
}

void kvm_vcpu_handle_exit(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_pio(vcpu);
		break;
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		report_triple_fault(vcpu);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		report_system_event(vcpu);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		report_internal_error(vcpu);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		stop_with(vcpu, HV_FAILED,
			  "processor %u: the hardware refuses the guest's state (reason 0x%llx)",
			  vcpu->index,
			  (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		stop_with(vcpu, HV_FAILED,
			  "processor %u: KVM left the guest for reason %u, which is "
			  "not expected of it",
			  vcpu->index, run->exit_reason);
		break;
	}
}

/* The thread. */

static void handle_run_error(struct kvm_vcpu *vcpu, int code)
{
	char position[128];
	uint64_t linear;

	/* A kick, or a processor that was woken by INIT or SIPI: look at the gate and go on. */
	if (code == EINTR || code == EAGAIN)
		return;
	describe_position(vcpu, position, sizeof(position), &linear);
	stop_with(vcpu, HV_FAILED, "processor %u: KVM cannot run the guest %s: %s", vcpu->index,
		  position, strerror(code));
}

static void *run_vcpu(void *opaque)
{
	struct kvm_vcpu *vcpu = opaque;
	char name[16];

	snprintf(name, sizeof(name), "cpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	atomic_store(&vcpu->thread_id, gettid());
	while (kvm_gate_enter(vcpu)) {
		int code = ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;

		kvm_gate_leave(vcpu);
		vcpu->incomplete = false;
		kvm_ring_drain_unlocked(vcpu->core);
		if (code) {
			handle_run_error(vcpu, code);
		} else {
			count(&vcpu->exits);
			kvm_vcpu_handle_exit(vcpu);
		}
	}
	return NULL;
}

/** Signals are the loop's, but for the kick. */
static int start_thread(struct kvm_vcpu *vcpu)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int code = pthread_attr_init(&attributes);

	if (code)
		return -code;
	pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	sigfillset(&all);
	kvm_gate_allow_kick(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&vcpu->thread, &attributes, run_vcpu, vcpu);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	vcpu->has_thread = code == 0;
	return -code;
}

static int open_vcpu(struct kvm_vcpu *vcpu)
{
	struct kvm_core *core = vcpu->core;
	struct kvm_run *run;

	vcpu->fd = ioctl(core->vm_fd, KVM_CREATE_VCPU, (unsigned long)vcpu->index);
	if (vcpu->fd < 0)
		return -errno;
	run = mmap(NULL, core->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	vcpu->run = run;
	vcpu->run_bytes = core->run_bytes;
	run->immediate_exit = 1; /* to the gate, which alone knows whether it may run */
	return kvm_cpuid_apply(vcpu);
}

int kvm_vcpu_create(struct kvm_core *core, unsigned index, struct err *err)
{
	struct kvm_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	int code;

	if (!vcpu)
		return err_set(err, -ENOMEM, "out of memory");
	vcpu->core = core;
	vcpu->index = index;
	vcpu->fd = -1;
	code = open_vcpu(vcpu);
	if (code == 0 && !core->msrs)
		code = kvm_reset_note_msrs(core, vcpu);
	if (code == 0)
		code = start_thread(vcpu);
	if (code < 0) {
		kvm_vcpu_destroy(vcpu);
		return err_set_errno(err, code, "cannot create processor %u", index);
	}
	pthread_mutex_lock(&core->gate.mutex);
	core->vcpus[index] = vcpu;
	pthread_mutex_unlock(&core->gate.mutex);
	return 0;
}

void kvm_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	if (vcpu->has_thread)
		pthread_join(vcpu->thread, NULL);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_bytes);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	free(vcpu);
}

/* What monitors ask. */

static void copy_registers(struct hv_cpu_info *info, const struct kvm_regs *regs)
{
	const uint64_t gpr[16] = {
		regs->rax, regs->rbx, regs->rcx, regs->rdx, regs->rsi, regs->rdi,
		regs->rbp, regs->rsp, regs->r8,  regs->r9,  regs->r10, regs->r11,
		regs->r12, regs->r13, regs->r14, regs->r15,
	};

	memcpy(info->gpr, gpr, sizeof(gpr));
	info->rip = regs->rip;
	info->rsp = regs->rsp;
	info->rflags = regs->rflags;
}

static void copy_special_registers(struct hv_cpu_info *info, const struct kvm_sregs *sregs)
{
	info->cr0 = sregs->cr0;
	info->cr2 = sregs->cr2;
	info->cr3 = sregs->cr3;
	info->cr4 = sregs->cr4;
	info->efer = sregs->efer;
	info->cs = sregs->cs.selector;
	info->ds = sregs->ds.selector;
	info->es = sregs->es.selector;
	info->fs = sregs->fs.selector;
	info->gs = sregs->gs.selector;
	info->ss = sregs->ss.selector;
	info->cs_base = sregs->cs.base;
}

int kvm_vcpu_info(struct hv *hv, unsigned cpu, struct hv_cpu_info *info)
{
	struct kvm_core *core = kvm_core_from_hv(hv);
	struct kvm_vcpu *vcpu = core->vcpus[cpu];
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_mp_state state;
	int code = 0;

	if (!vcpu)
		return 0; /* never plugged in: offline, all zeros */
	/* The ioctls wait for KVM_RUN to end: make it. */
	kvm_gate_exclude(core);
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 ||
	    ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0 ||
	    ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) < 0)
		code = -errno;
	info->online = vcpu->online;
	kvm_gate_admit(core);
	if (code < 0)
		return code;
	copy_registers(info, &regs);
	copy_special_registers(info, &sregs);
	info->halted = state.mp_state != KVM_MP_STATE_RUNNABLE;
	info->thread_id = atomic_load(&vcpu->thread_id);
	return 0;
}

void kvm_vcpu_nmi(struct hv *hv, unsigned cpu)
{
	struct kvm_core *core = kvm_core_from_hv(hv);

	if (!core->vcpus[cpu])
		return;
	kvm_gate_exclude(core);
	ioctl(core->vcpus[cpu]->fd, KVM_NMI);
	kvm_gate_admit(core);
}

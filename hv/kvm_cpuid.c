// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID: the host's processor as far as KVM can lend it, with the topology of this guest. Intel SDM
 * Vol. 2A CPUID, AMD APM Vol. 3 appendix E.
 *
 * One socket holds all processors, as cores of one thread each: client editions of Windows refuse
 * more than two sockets, and no guest refuses cores. The APIC id is the index, so ids are without
 * gaps.
 *
 * VT-x and AMD-V are hidden: nested guests would widen what a guest can reach in the host's kernel,
 * and their state would have to survive a reset.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/bits.h"
#include "base/err.h"
#include "hv/kvm.h"

enum cpuid_leaf {
	LEAF_VENDOR = 0x0, /* and the number of the last basic leaf */
	LEAF_FEATURES = 0x1,
	LEAF_INTEL_CACHES = 0x4,
	LEAF_TOPOLOGY = 0xb,
	LEAF_TOPOLOGY_V2 = 0x1f,
};

#define LEAF_HYPERVISOR        0x40000000u
#define LEAF_KVM_FEATURES      0x40000001u
#define LEAF_EXTENDED_FEATURES 0x80000001u
#define LEAF_EXTENDED_SIZES    0x80000008u
#define LEAF_AMD_SVM           0x8000000au
#define LEAF_AMD_CACHES        0x8000001du
#define LEAF_AMD_TOPOLOGY      0x8000001eu

enum cpuid_bits {
	FEATURES_ECX_VMX = 5,
	FEATURES_ECX_X2APIC = 21,
	FEATURES_ECX_TSC_DEADLINE = 24,
	FEATURES_ECX_HYPERVISOR = 31,
	FEATURES_EDX_HTT = 28, /* more than one logical processor in the socket */
	EXTENDED_ECX_CMP_LEGACY = 1,
	EXTENDED_ECX_SVM = 2,
	KVM_FEATURE_WIDE_MSI_ID = 15, /* needs a user space that routes them */
};

enum topology_level {
	LEVEL_INVALID = 0,
	LEVEL_THREAD = 1,
	LEVEL_CORE = 2,
};

enum {
	MAX_LEAVES = 256,
	TOPOLOGY_SUBLEAVES = 3, /* threads, cores, the end */
	CACHE_LEVEL_SHARED = 3, /* caches below belong to one core */
};

static uint32_t bit_if(bool condition, unsigned bit)
{
	return condition ? BIT(bit) : 0;
}

/** How many bits of the APIC id count cores. */
static unsigned core_bits(unsigned count)
{
	unsigned bits = 0;

	while (1u << bits < count)
		bits++;
	return bits;
}

/** Leaf 0xb is made anew: kernels differ in how much of the host's they hand on. */
static bool is_dropped(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == LEAF_TOPOLOGY || entry->function == LEAF_TOPOLOGY_V2 ||
	       entry->function == LEAF_AMD_SVM;
}

/** What is the same for all processors. */
static void adjust_entry(struct kvm_cpuid_entry2 *entry, bool has_tsc_deadline)
{
	static const char signature[12] = "KVMKVMKVM";

	switch (entry->function) {
	case LEAF_FEATURES:
		entry->ecx &= ~BIT(FEATURES_ECX_VMX);
		entry->ecx |= BIT(FEATURES_ECX_HYPERVISOR) | BIT(FEATURES_ECX_X2APIC) |
			      bit_if(has_tsc_deadline, FEATURES_ECX_TSC_DEADLINE);
		break;
	case LEAF_HYPERVISOR:
		entry->eax = LEAF_KVM_FEATURES;
		memcpy(&entry->ebx, signature, 4);
		memcpy(&entry->ecx, signature + 4, 4);
		memcpy(&entry->edx, signature + 8, 4);
		break;
	case LEAF_KVM_FEATURES:
		entry->eax &= ~BIT(KVM_FEATURE_WIDE_MSI_ID);
		break;
	case LEAF_EXTENDED_FEATURES:
		entry->ecx &= ~BIT(EXTENDED_ECX_SVM);
		break;
	default:
		break;
	}
}

static struct kvm_cpuid2 *cpuid_alloc(uint32_t leaves)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + leaves * sizeof(struct kvm_cpuid_entry2));

	if (cpuid)
		cpuid->nent = leaves;
	return cpuid;
}

static bool has_topology_leaf(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == LEAF_VENDOR)
			return cpuid->entries[i].eax >= LEAF_TOPOLOGY;
	return false;
}

/** The template from all that KVM supports; 'to' has room for them and the topology leaf. */
static void build_template(struct kvm_cpuid2 *to, const struct kvm_cpuid2 *all,
			   bool has_tsc_deadline)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < all->nent; i++)
		if (!is_dropped(&all->entries[i])) {
			to->entries[kept] = all->entries[i];
			adjust_entry(&to->entries[kept++], has_tsc_deadline);
		}
	for (uint32_t i = 0; has_topology_leaf(all) && i < TOPOLOGY_SUBLEAVES; i++) {
		to->entries[kept].function = LEAF_TOPOLOGY;
		to->entries[kept].flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		to->entries[kept++].index = i;
	}
	to->nent = kept;
}

int kvm_cpuid_create(struct kvm_core *core, struct err *err)
{
	struct kvm_cpuid2 *all = cpuid_alloc(MAX_LEAVES);
	int code = 0;

	if (!all)
		return err_set(err, -ENOMEM, "out of memory");
	if (ioctl(core->kvm_fd, KVM_GET_SUPPORTED_CPUID, all) < 0 || all->nent > MAX_LEAVES)
		code = err_set(err, -EIO, "KVM does not say which processors it supports");
	if (code == 0) {
		core->cpuid = cpuid_alloc(all->nent + TOPOLOGY_SUBLEAVES);
		if (core->cpuid)
			build_template(core->cpuid, all,
				       kvm_host_check(core->kvm_fd, KVM_CAP_TSC_DEADLINE_TIMER));
		else
			code = err_set(err, -ENOMEM, "out of memory");
	}
	free(all);
	return code;
}

static void place_features(struct kvm_cpuid_entry2 *entry, unsigned index, unsigned count)
{
	uint32_t ids = 1u << core_bits(count);

	entry->ebx = replace_bits(entry->ebx, 0xffff0000u, index << 24 | ids << 16);
	entry->edx &= ~BIT(FEATURES_EDX_HTT);
	entry->edx |= bit_if(count > 1, FEATURES_EDX_HTT);
}

/** Bits 25:14 are the ids that share the cache less one; 31:26 (Intel) the core ids of the socket
 * less one. */
static void place_cache(struct kvm_cpuid_entry2 *entry, unsigned count, bool has_cores)
{
	uint32_t ids = 1u << core_bits(count);
	uint32_t level = entry->eax >> 5 & 7;
	uint32_t sharing = level >= CACHE_LEVEL_SHARED ? ids - 1 : 0;

	if ((entry->eax & 31) == 0)
		return; /* the end of the list */
	entry->eax = replace_bits(entry->eax, 0x03ffc000u, sharing << 14);
	if (has_cores)
		entry->eax = replace_bits(entry->eax, 0xfc000000u, (ids - 1) << 26);
}

static void place_topology(struct kvm_cpuid_entry2 *entry, unsigned index, unsigned count)
{
	static const enum topology_level levels[] = { LEVEL_THREAD, LEVEL_CORE };
	enum topology_level level =
		entry->index < ARRAY_SIZE(levels) ? levels[entry->index] : LEVEL_INVALID;

	entry->eax = level == LEVEL_CORE ? core_bits(count) : 0;
	entry->ebx = level == LEVEL_CORE ? count : level == LEVEL_THREAD ? 1 : 0;
	entry->ecx = entry->index | (uint32_t)level << 8;
	entry->edx = index;
}

/** Bits 7:0 are the cores of the socket less one, 15:12 how many bits of the APIC id count them. */
static void place_sizes(struct kvm_cpuid_entry2 *entry, unsigned count)
{
	entry->ecx = replace_bits(entry->ecx, 0xf0ffu, (count - 1) | core_bits(count) << 12);
}

static bool is_amd(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == LEAF_VENDOR)
			return memcmp(&cpuid->entries[i].ebx, "Auth", 4) == 0 ||
			       memcmp(&cpuid->entries[i].ebx, "Hygo", 4) == 0;
	return false;
}

void kvm_cpuid_place(struct kvm_cpuid2 *cpuid, unsigned index, unsigned count)
{
	bool amd = is_amd(cpuid);

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		switch (entry->function) {
		case LEAF_FEATURES:
			place_features(entry, index, count);
			break;
		case LEAF_INTEL_CACHES:
			place_cache(entry, count, true);
			break;
		case LEAF_TOPOLOGY:
			place_topology(entry, index, count);
			break;
		case LEAF_EXTENDED_FEATURES:
			entry->ecx &= ~BIT(EXTENDED_ECX_CMP_LEGACY);
			entry->ecx |= bit_if(amd && count > 1, EXTENDED_ECX_CMP_LEGACY);
			break;
		case LEAF_EXTENDED_SIZES:
			if (amd)
				place_sizes(entry, count);
			break;
		case LEAF_AMD_CACHES:
			place_cache(entry, count, false);
			break;
		case LEAF_AMD_TOPOLOGY:
			entry->eax = index;
			entry->ebx = index; /* core id; one thread a core */
			entry->ecx = 0;     /* one node */
			break;
		default:
			break;
		}
	}
}

int kvm_cpuid_apply(struct kvm_vcpu *vcpu)
{
	/* The template is placed anew each time: every field that depends on the index is
	 * overwritten. */
	kvm_cpuid_place(vcpu->core->cpuid, vcpu->index, vcpu->core->hv.config.max_cpus);
	return ioctl(vcpu->fd, KVM_SET_CPUID2, vcpu->core->cpuid) < 0 ? -errno : 0;
}

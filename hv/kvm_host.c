// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether this host can run guests under KVM, and if not, why and what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "hv/kvm.h"

static const char device_path[] = "/dev/kvm";

int kvm_host_check(int fd, int capability)
{
	int answer = ioctl(fd, KVM_CHECK_EXTENSION, (unsigned long)capability);

	return answer < 0 ? 0 : answer;
}

/** Looks for VT in the flags of the first processor. */
static void gather_cpu(struct kvm_host_facts *facts)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[8192];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "vendor_id", 9) == 0)
			facts->is_amd =
				strstr(line, "AuthenticAMD") || strstr(line, "HygonGenuine");
		if (strncmp(line, "flags", 5) == 0) {
			facts->has_vt = strstr(line, " vmx") || strstr(line, " svm");
			break;
		}
	}
	fclose(file);
}

void kvm_host_gather(struct kvm_host_facts *facts, int code)
{
	struct stat status;
	const struct group *group;

	memset(facts, 0, sizeof(*facts));
	facts->code = code;
	gather_cpu(facts);
	facts->has_kvm = access("/sys/class/misc/kvm", F_OK) == 0;
	if (stat(device_path, &status) == 0 && (status.st_mode & S_IWGRP) && status.st_gid != 0) {
		group = getgrgid(status.st_gid);
		if (group)
			snprintf(facts->device_group, sizeof(facts->device_group), "%s",
				 group->gr_name);
	}
}

static const char *module_name(const struct kvm_host_facts *facts)
{
	return facts->is_amd ? "kvm-amd" : "kvm-intel";
}

static const char *vt_name(const struct kvm_host_facts *facts)
{
	return facts->is_amd ? "AMD-V (SVM)" : "VT-x";
}

static int explain_absent(const struct kvm_host_facts *facts, struct err *err)
{
	if (facts->has_kvm)
		return err_set(
			err, -facts->code,
			"the kernel has KVM but there is no %s here; in a container, pass the "
			"device in (--device %s)",
			device_path, device_path);
	if (!facts->has_vt)
		return err_set(
			err, -facts->code,
			"there is no %s: this system sees no VT-x or AMD-V in its processor; "
			"switch it on in the firmware setup or, in a virtual machine, nested "
			"virtualisation on its host",
			device_path);
	return err_set(err, -facts->code,
		       "there is no %s: load the module with 'modprobe %s'; if that is refused, "
		       "switch on %s in the firmware setup",
		       device_path, module_name(facts), vt_name(facts));
}

static int explain_refused(const struct kvm_host_facts *facts, struct err *err)
{
	if (facts->device_group[0])
		return err_set(
			err, -facts->code,
			"no permission to open %s: add your user to group %s ('usermod -aG %s "
			"USER') and log in again, or run as root",
			device_path, facts->device_group, facts->device_group);
	return err_set(
		err, -facts->code,
		"no permission to open %s: give your user access ('setfacl -m u:USER:rw %s') "
		"or run as root; a container must be allowed the device",
		device_path, device_path);
}

int kvm_host_explain_open(const struct kvm_host_facts *facts, struct err *err)
{
	switch (facts->code) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return explain_absent(facts, err);
	case EACCES:
	case EPERM:
		return explain_refused(facts, err);
	default:
		return err_set_errno(err, -facts->code, "cannot open %s", device_path);
	}
}

int kvm_host_explain_create(const struct kvm_host_facts *facts, struct err *err)
{
	switch (facts->code) {
	case EBUSY:
		return err_set(err, -EBUSY,
			       "%s is in use by another hypervisor; end the guests of VirtualBox, "
			       "VMware or the like, or unload its module",
			       vt_name(facts));
	case EIO:
	case EOPNOTSUPP:
	case ENODEV:
		return err_set(
			err, -facts->code,
			"the processor refuses to switch on %s; switch it on in the firmware "
			"setup",
			vt_name(facts));
	case ENOMEM:
		return err_set(err, -ENOMEM, "the host has no memory left for a virtual machine");
	default:
		return err_set_errno(err, -facts->code, "KVM cannot create a virtual machine");
	}
}

static const struct {
	int capability;
	const char *what;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "memory slots" },
	{ KVM_CAP_IRQCHIP, "interrupt controllers" },
	{ KVM_CAP_IRQ_ROUTING, "interrupt routing" },
	{ KVM_CAP_PIT2, "an interval timer" },
	{ KVM_CAP_SET_TSS_ADDR, "a place for its task state segment" },
	{ KVM_CAP_EXT_CPUID, "processor identification" },
	{ KVM_CAP_MP_STATE, "processor states" },
	{ KVM_CAP_VCPU_EVENTS, "processor events" },
	{ KVM_CAP_READONLY_MEM, "read-only memory" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exits" },
};

static int check_capabilities(int fd, struct err *err)
{
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION)
		return err_set(err, -EPROTO, "%s does not speak KVM's interface of version %d",
			       device_path, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!kvm_host_check(fd, needed[i].capability))
			return err_set(err, -ENOTSUP,
				       "this kernel's KVM lacks %s (capability %d); Linux 4.11 or "
				       "later has it",
				       needed[i].what, needed[i].capability);
	return 0;
}

static int open_device(struct err *err)
{
	struct kvm_host_facts facts;
	int code, fd = open(device_path, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		kvm_host_gather(&facts, errno);
		return kvm_host_explain_open(&facts, err);
	}
	code = check_capabilities(fd, err);
	if (code < 0) {
		close(fd);
		return code;
	}
	return fd;
}

/** An opened device with a virtual machine, or why there is none. */
struct opening {
	int kvm_fd, vm_fd;
	int code;
	struct err err;
};

static void open_vm(struct opening *opening)
{
	struct kvm_host_facts facts;

	opening->vm_fd = -1;
	opening->kvm_fd = open_device(&opening->err);
	opening->code = opening->kvm_fd < 0 ? opening->kvm_fd : 0;
	if (opening->code < 0)
		return;
	opening->vm_fd = ioctl(opening->kvm_fd, KVM_CREATE_VM, 0);
	if (opening->vm_fd < 0) {
		kvm_host_gather(&facts, errno);
		opening->code = kvm_host_explain_create(&facts, &opening->err);
		close(opening->kvm_fd);
	}
}

/* The one that hv_kvm_prepare began; only the first thread touches it, and the thread until it is
 * joined. */
static struct {
	bool begun;
	pthread_t thread;
	struct opening opening;
} early;

static void *open_early(void *opaque)
{
	open_vm(opaque);
	return NULL;
}

void hv_kvm_prepare(void)
{
	sigset_t all, before;

	if (early.begun)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	early.begun = pthread_create(&early.thread, NULL, open_early, &early.opening) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int kvm_host_create_vm(int *kvm_fd, int *vm_fd, struct err *err)
{
	struct opening opening = { .code = 0 };

	if (early.begun) {
		pthread_join(early.thread, NULL);
		early.begun = false;
		opening = early.opening;
	} else {
		open_vm(&opening);
	}
	if (opening.code < 0)
		return err_set(err, opening.code, "%s", opening.err.text);
	*kvm_fd = opening.kvm_fd;
	*vm_fd = opening.vm_fd;
	return 0;
}

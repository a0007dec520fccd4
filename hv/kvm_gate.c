// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may be inside guest code.
 *
 *            kvm_gate_enter                      KVM_RUN returns
 *   outside ----------------> inside (KVM_RUN) -------------------> outside: the exit is handled
 *      ^  \                                       kvm_gate_leave
 *      |   \  closed, offline or dead, and nothing incomplete
 *      |    \----------------> parked: waits for kvm_gate_open, kvm_gate_admit,
 * kvm_gate_set_online, reset
 *      \------------------------/
 *
 * No kick is lost: whoever closes the gate sets 'closed' before looking at 'inside'; a processor
 * sets 'inside' before looking at 'closed' (both sequentially consistent), so at least one sees the
 * other. A processor seen inside gets immediate_exit, which KVM reads before it enters the guest,
 * and then a signal, which ends KVM_RUN later than that. immediate_exit is cleared only under the
 * mutex by the processor's own thread, when the gate is open to it.
 *
 * An access that was answered is taken by the next KVM_RUN. If the gate is stopped meanwhile, that
 * KVM_RUN is made with immediate_exit set: it completes the instruction and does not begin another.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "hv/kvm.h"

static int kick_signal(void)
{
	return SIGRTMIN + 1;
}

static void kick_received(int signum)
{
	(void)signum; /* it is enough that the system call ends */
}

int kvm_gate_install_kick(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = kick_received;
	/* KVM_RUN returns all the same; a system call within a client hook does not notice. */
	action.sa_flags = SA_RESTART;
	sigfillset(&action.sa_mask);
	return sigaction(kick_signal(), &action, NULL) < 0 ? -errno : 0;
}

void kvm_gate_allow_kick(sigset_t *blocked)
{
	sigdelset(blocked, kick_signal());
}

void kvm_gate_init(struct kvm_gate *gate)
{
	memset(gate, 0, sizeof(*gate));
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->changed, NULL);
	gate->stop = true;
	atomic_store(&gate->closed, true);
}

void kvm_gate_finish(struct kvm_gate *gate)
{
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->mutex);
}

static void set_immediate_exit(struct kvm_vcpu *vcpu, bool on)
{
	__atomic_store_n(&vcpu->run->immediate_exit, (uint8_t)on, __ATOMIC_SEQ_CST);
}

static bool has_immediate_exit(const struct kvm_vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED) != 0;
}

static bool may_run(const struct kvm_vcpu *vcpu)
{
	return !vcpu->core->gate.stop && vcpu->online && !atomic_load(&vcpu->dead);
}

/** The way in when there is something to look at. */
static bool enter_slowly(struct kvm_vcpu *vcpu)
{
	struct kvm_gate *gate = &vcpu->core->gate;
	bool quit;

	pthread_mutex_lock(&gate->mutex);
	while (!gate->quit && (gate->exclusions || (!may_run(vcpu) && !vcpu->incomplete))) {
		if (!vcpu->incomplete && !vcpu->parked) {
			vcpu->parked = true;
			pthread_cond_broadcast(&gate->changed);
		}
		pthread_cond_wait(&gate->changed, &gate->mutex);
	}
	quit = gate->quit;
	if (!quit) {
		vcpu->parked = false;
		set_immediate_exit(vcpu, !may_run(vcpu));
		atomic_store(&vcpu->inside, true);
	}
	pthread_mutex_unlock(&gate->mutex);
	return !quit;
}

bool kvm_gate_enter(struct kvm_vcpu *vcpu)
{
	if (!has_immediate_exit(vcpu) && !atomic_load(&vcpu->dead)) {
		atomic_store(&vcpu->inside, true);
		if (!atomic_load(&vcpu->core->gate.closed))
			return true;
		kvm_gate_leave(vcpu);
	}
	return enter_slowly(vcpu);
}

void kvm_gate_leave(struct kvm_vcpu *vcpu)
{
	struct kvm_gate *gate = &vcpu->core->gate;

	atomic_store(&vcpu->inside, false);
	if (!atomic_load(&gate->closed))
		return;
	pthread_mutex_lock(&gate->mutex);
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->mutex);
}

static void kick(struct kvm_vcpu *vcpu)
{
	set_immediate_exit(vcpu, true);
	pthread_kill(vcpu->thread, kick_signal());
}

/** With the mutex: makes 'closed' true and those leave that are inside. */
static void close_gate(struct kvm_core *core)
{
	atomic_store(&core->gate.closed, true);
	for (unsigned i = 0; i < KVM_MAX_CPUS; i++)
		if (core->vcpus[i] && atomic_load(&core->vcpus[i]->inside))
			kick(core->vcpus[i]);
}

/** With the mutex, after a reason to be closed went away. */
static void update_gate(struct kvm_gate *gate)
{
	atomic_store(&gate->closed, gate->stop || gate->quit || gate->exclusions);
	pthread_cond_broadcast(&gate->changed);
}

void kvm_gate_set_online(struct kvm_vcpu *vcpu, bool online)
{
	struct kvm_gate *gate = &vcpu->core->gate;

	pthread_mutex_lock(&gate->mutex);
	vcpu->online = online;
	if (!online && vcpu->has_thread)
		kick(vcpu);
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->mutex);
}

static bool any_inside(const struct kvm_core *core)
{
	for (unsigned i = 0; i < KVM_MAX_CPUS; i++)
		if (core->vcpus[i] && atomic_load(&core->vcpus[i]->inside))
			return true;
	return false;
}

void kvm_gate_exclude(struct kvm_core *core)
{
	pthread_mutex_lock(&core->gate.mutex);
	core->gate.exclusions++;
	close_gate(core);
	while (any_inside(core))
		pthread_cond_wait(&core->gate.changed, &core->gate.mutex);
	pthread_mutex_unlock(&core->gate.mutex);
}

void kvm_gate_admit(struct kvm_core *core)
{
	pthread_mutex_lock(&core->gate.mutex);
	core->gate.exclusions--;
	update_gate(&core->gate);
	pthread_mutex_unlock(&core->gate.mutex);
}

void kvm_gate_hold(struct kvm_core *core)
{
	pthread_mutex_lock(&core->gate.mutex);
	core->gate.stop = true;
	close_gate(core);
	pthread_mutex_unlock(&core->gate.mutex);
}

static bool all_parked(const struct kvm_core *core)
{
	for (unsigned i = 0; i < KVM_MAX_CPUS; i++)
		if (core->vcpus[i] && core->vcpus[i]->has_thread && !core->vcpus[i]->parked)
			return false;
	return true;
}

void kvm_gate_wait_parked(struct kvm_core *core)
{
	pthread_mutex_lock(&core->gate.mutex);
	while (!all_parked(core))
		pthread_cond_wait(&core->gate.changed, &core->gate.mutex);
	pthread_mutex_unlock(&core->gate.mutex);
}

void kvm_gate_open(struct kvm_core *core)
{
	pthread_mutex_lock(&core->gate.mutex);
	core->gate.stop = false;
	update_gate(&core->gate);
	pthread_mutex_unlock(&core->gate.mutex);
}

void kvm_gate_quit(struct kvm_core *core)
{
	pthread_mutex_lock(&core->gate.mutex);
	core->gate.quit = true;
	close_gate(core);
	pthread_cond_broadcast(&core->gate.changed);
	pthread_mutex_unlock(&core->gate.mutex);
}

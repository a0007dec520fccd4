# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# What a job's body uses: one guest at a time on the host, looked at through its serial port and its screen.
#
#   guest ARGUMENT...            starts the device model: the arguments below and the job's own
#   serial REGEX [SECONDS]       until the guest's serial output has a line like it
#   screen REGEX [SECONDS]       until the text on the screen has it
#   viewer VERB...               anything that rfb.py can do; pictures go to "$logs"
#   foreign_viewer               vncsnapshot sees the same picture as we do
#   guest_ends [SECONDS] [STATUS] until the device model ends, with this exit status (0)
#   disk NAME MIB                an empty disk on the host; its path is "$disks/NAME"
#   measure NAME VALUE UNIT      a number for the log
#   fail / skip SENTENCE
#
# Settings of guest, for one call: guest_vga (the card, VGA), guest_no_vga, guest_no_vnc, guest_no_serial; guest_vnc_options (",password=on"); guest_prefix
# ("strace -f"); guest_environment (lines of shell); guest_ends_at_once: it may end, with any status, before anything is asked of it.
#
# An expectation that fails ends the job. "$media" is the host's folder of media, "$logs" the job's folder for results.

guest_from=0
disks=disks

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }

fail() { say "  ${job_name:-}: $*" && exit 1; }
skip() { say "  ${job_name:-}: skipped: $*" && exit 4; }
time_out() { say "  ${job_name:-}: $*" && exit 3; }
measure() { say "  ${job_name:-}: $1 $2 ${3-}" && echo "$1 $2 ${3-}" >>"$logs/measures"; }

# The seconds that a wait may last: what is asked for, times the patience that the device model needs, within the job's own limit. All limits are
# of the host's time: lab_tick.
allowed() {
	local left wanted=$(($1 * ${patience:-1}))
	lab_tick
	left=$((job_end - lab_now))
	[ "$left" -gt 0 ] || time_out "the job's time is over"
	if [ "$wanted" -lt "$left" ]; then echo "$wanted"; else echo "$left"; fi
}

disk() { host "mkdir -p disks && rm -f disks/$1 && truncate -s $2M disks/$1" >/dev/null || fail "no space for disk $1"; }

quote() { printf "'%s' " "${@//\'/\'\\\'\'}"; }

guest() {
	local arguments=(-nodefaults -display none) command listens=true status=0
	media=$host_files/media
	case $dm in
	# QEMU's own help for 32-bit guests' task priority would end the lab in an error of its emulator.
	qemu) arguments+=(-machine "pc,accel=kvm" -global kvm-apic.vapic=off -L /usr/share/seabios -L /usr/share/qemu) ;;
	*) arguments+=(-machine "pc,accel=kvm" -L /usr/share/seabios) ;;
	esac
	[ -n "${guest_no_vga:-}" ] || arguments+=(-device "${guest_vga:-VGA}")
	if [ -z "${guest_no_vnc:-}" ]; then
		arguments+=(-vnc "$host_vnc${guest_vnc_options:-}")
		listens="grep -q ':$(printf %04X $((5900 + ${host_vnc##*:}))) 0*:0000 0A' /proc/net/tcp"
	fi
	[ -n "${guest_no_serial:-}" ] || arguments+=(-serial "file:$host_serial")
	arguments+=(-qmp "unix:qmp,server=on,wait=off" "$@")
	guest_kill
	guest_from=$(stat -c %s "$guest_serial")
	# -serial truncates the file where it is an ordinary one.
	[ "$host_kind" = lab ] || guest_from=0
	command="${guest_prefix:-}$host_dm $(quote "${arguments[@]}")"
	printf '%s\n' "$command" >>"$logs/command"
	# The wrapper says on the serial port that the device model has ended, so that nobody waits for a dead guest.
	host "rm -f guest.status qmp
cat >guest.command <<'@@'
echo \$\$ >guest.pid
${guest_environment:-}
exec $command
@@
(
	sh guest.command >guest.out 2>&1
	status=\$?
	printf '\\n@@device model ended %s\\n' \$status >>$host_serial
	echo \$status >guest.status
) &
i=0
until [ -s guest.status ] || { [ -e qmp ] && $listens; } || [ \$i -ge 300 ]; do
	sleep 0.05
	i=\$((i + 1))
done
[ ! -s guest.status ] || [ \"\$(cat guest.status)\" = 0 ]" 30 >"$logs/start" || status=$?
	[ $status -lt 124 ] || time_out "the host does not answer when the device model starts"
	[ $status -eq 0 ] || [ -n "${guest_ends_at_once:-}" ] || fail "the device model does not start: $(host 'tail -n 5 guest.out')"
}

guest_output() { tail -c +$((guest_from + 1)) "$guest_serial" | tr -d '\r'; }

guest_has_ended() { guest_output | grep -q '^@@device model ended'; }

serial() {
	local limit
	limit=$(allowed "${2:-60}") || exit
	lab_tick
	limit=$((lab_now + limit))
	while :; do
		guest_output >"$logs/serial"
		grep -aqE -- "$1" "$logs/serial" && return 0
		! grep -qa '^@@device model ended' "$logs/serial" || fail "the guest ended before it said '$1'"
		lab_tick
		[ "$lab_now" -le "$limit" ] || time_out "the guest does not say '$1'; last: $(tail -n 1 "$logs/serial")"
		sleep 0.2
	done
}

# The guest said, up to now, no line like this one.
serial_lacks() {
	guest_output >"$logs/serial"
	! grep -aE -- "$1" "$logs/serial" >&2 || fail "the guest said '$1'"
}

viewer() {
	local status=0 limit
	limit=$(allowed 3600) || exit
	# By the clock only for the case that it hangs.
	(cd "$logs" && HVMDM_LAB_PID=$(lab_emulator) HVMDM_LAB_PATIENCE=${patience:-1} HVMDM_LAB_LIMIT=$limit timeout $((limit * 10)) "$HVMDM_ROOT/tests/lab/rfb.py" "$host_vnc_address" "$@") || status=$?
	case $status in
	0) ;;
	1 | 124) time_out "a viewer waited in vain: $*" ;;
	*) fail "the VNC server went away" ;;
	esac
}

screen() { viewer timeout "${2:-60}" wait "$1"; }

# The screen stands still meanwhile, or differs by a blinking cursor.
foreign_viewer() {
	local difference display=$((${host_vnc_address##*:} - 5900))
	timeout 30 vncsnapshot -quiet -quality 100 "127.0.0.1:$display" "$logs/vncsnapshot.jpg" >"$logs/vncsnapshot.log" 2>&1 ||
		fail "vncsnapshot: $(tail -n 1 "$logs/vncsnapshot.log")"
	djpeg -ppm "$logs/vncsnapshot.jpg" >"$logs/vncsnapshot.ppm"
	difference=$(viewer differ vncsnapshot.ppm) || exit
	awk -v d="$difference" 'BEGIN { exit !(d < 2.5) }' || fail "vncsnapshot sees another picture: $difference % different"
}

guest_ends() {
	local limit status
	limit=$(allowed "${1:-30}") || exit
	lab_tick
	limit=$((lab_now + limit))
	until guest_has_ended; do
		lab_tick
		[ "$lab_now" -le "$limit" ] || time_out "the guest does not end"
		sleep 0.2
	done
	status=$(guest_output | sed -n 's/^@@device model ended //p' | tail -n 1)
	[ "$status" = "${2:-0}" ] || fail "the device model's exit status is $status, not ${2:-0}: $(host 'tail -n 5 guest.out')"
}

# Until hvm install, started in the background with its words in file $1, has ended: "install ended STATUS".
install_ends() {
	local last=
	until host "tail -n 2 $1" 60 >"$logs/out" && grep -q 'install ended' "$logs/out"; do
		[ "$(tail -n 1 "$logs/out")" = "$last" ] || say "  $job_name: $(tail -n 1 "$logs/out")"
		last=$(tail -n 1 "$logs/out")
		lab_tick
		[ "$lab_now" -lt "$job_end" ] || time_out "the installation has not ended: $last"
		sleep 2
	done
}

# What hvm has started, and a failed job has left.
guests_destroy() {
	# shellcheck disable=SC2016
	host 'for folder in guests/*/; do [ ! -e "$folder/pid" ] || HVM_RUN_DIR=$PWD/guests hvm destroy "$(basename "$folder")"; done; rm -rf guests' 30 >/dev/null || true
}

guest_kill() {
	# shellcheck disable=SC2016
	host 'if [ -e guest.pid ] && [ ! -e guest.status ]; then kill -9 $(cat guest.pid); i=0; while [ ! -e guest.status ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done; fi; rm -f guest.pid guest.status qmp' 10 >/dev/null || true
}

# Sanitizers' reports fail a job that otherwise passed.
finish_job() {
	guest_output >"$logs/serial"
	host 'cat guest.out 2>/dev/null' >"$logs/device-model" || true
	! grep -qE 'ERROR: AddressSanitizer|runtime error:|ERROR: LeakSanitizer' "$logs/device-model" ||
		fail "a sanitizer speaks: $(grep -m 1 -E 'Sanitizer|runtime error' "$logs/device-model")"
	exit 0
}

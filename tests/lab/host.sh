# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# The host on which guests run: the lab (a Linux with kvm-amd inside QEMU's emulation), or this machine if its processor has VT.
# Either way the host is a POSIX shell behind two file descriptors; host COMMAND runs there.
#
#   host_kind    "lab" or "here"
#   host_files   folder of the media, firmware and programs as the host sees it
#   host_vnc     the -vnc argument for a guest, and host_vnc_address where that is reached from here
#   host_serial  the file on the host for a guest's serial output, and guest_serial the same as seen from here

LAB_WORK=
lab_pid=
host_kind=
host_memory_mib=${HVMDM_LAB_MEMORY:-3072}
host_vnc_port=
host_web_port=

# Builds the lab host's kernel and initramfs below the cache.
lab_build_host() {
	local kernel=$1 root stamp
	stamp=$(cat "$HVMDM_ROOT/tests/lab/host-init" "$HVMDM_ROOT/tests/lab/host.sh" "$HVMDM_ROOT/tests/lab/lib.sh" | sha256sum | cut -c1-12)
	LAB_INITRD=$HVMDM_CACHE/lab/host-$stamp.cpio.gz
	[ -e "$LAB_INITRD" ] && return
	mkdir -p "$HVMDM_CACHE/lab"
	root=$(mktemp -d "$HVMDM_CACHE/lab/host.XXXXXX")
	mkdir -p "$root/bin" "$root/etc"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$HVMDM_ROOT/tests/lab/host-init" "$root/init"
	printf 'root:x:0:0:root:/run:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	copy_modules "$kernel" "$root/modules" kvm-amd virtio_pci virtio_blk virtio_net virtio_console tun
	pack_initramfs "$root" "$LAB_INITRD.part"
	mv "$LAB_INITRD.part" "$LAB_INITRD"
	rm -rf "$root"
}

# TCG loses timer interrupts of a guest under way when KVM uses the virtual global interrupt flag (vgif): some guests stand still.
# Starts the host. $1 folder with everything that the guests need, $2 folder for logs and sockets.
host_start() {
	local stage=$1
	LAB_WORK=$2
	mkdir -p "$LAB_WORK"
	rm -f "$LAB_WORK/console"
	: >"$LAB_WORK/serial"
	guest_serial=$LAB_WORK/serial
	host_vnc_port=$(free_port)
	host_web_port=$(free_port)
	host_vnc_address=127.0.0.1:$host_vnc_port
	if [ -z "${HVMDM_LAB_FORCE:-}" ] && host_has_vt; then
		host_start_here "$stage"
	else
		host_start_lab "$stage"
	fi
	host true 60 >/dev/null || die "the host does not answer; its log: $LAB_WORK/console"
}

host_start_here() {
	host_kind=here
	host_files=$1
	host_serial=$guest_serial
	host_vnc=127.0.0.1:$((host_vnc_port - 5900))
	host_web=$host_web_port
	mkdir -p "$LAB_WORK/run"
	rm -f "$LAB_WORK/control.in" "$LAB_WORK/control.out"
	mkfifo "$LAB_WORK/control.in" "$LAB_WORK/control.out"
	exec 6<>"$LAB_WORK/control.in" 7<>"$LAB_WORK/control.out"
	(cd "$LAB_WORK/run" && exec sh <&6 >&7 2>&1 6>&- 7>&-) &
	lab_pid=$!
}

host_start_lab() {
	local kernel size
	host_kind=lab
	host_files=/lab
	host_serial=/dev/lab-serial
	host_vnc=:0
	host_web=5700
	kernel=$(kernel_folder cloud-amd64)
	with_cache lab_build_host "$kernel"
	size=$(du -sm --apparent-size "$1" | cut -f1)
	rm -f "$LAB_WORK/disk.ext4"
	truncate -s $((size + size / 16 + 24))M "$LAB_WORK/disk.ext4"
	mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode -m 0 -E lazy_itable_init=1 -d "$1" "$LAB_WORK/disk.ext4"
	rm -f "$LAB_WORK/control.in" "$LAB_WORK/control.out"
	mkfifo "$LAB_WORK/control.in" "$LAB_WORK/control.out"
	# HVMDM_LAB_QEMU names another emulator. QEMU 10.0.2 of bookworm-backports, tried with a hundred guests beside 7.2, is 4 % slower, loses nothing
	# that 7.2 does not lose, and ends in the same "invalid tss type" when a 32-bit guest's task register is written from outside.
	# All threads on one processor: spread over several, the emulated host now and then gets no timer interrupt for a minute.
	take_processor
	taskset -c "$processor" "${HVMDM_LAB_QEMU:-qemu-system-x86_64}" -name hvmdm-lab -accel tcg,thread=multi,tb-size=256 -machine q35 -cpu "${HVMDM_LAB_CPU:-max,-vgif}" -smp "${HVMDM_LAB_CPUS:-1}" \
		-m "$host_memory_mib" -nodefaults -no-user-config -vga none -display none -no-reboot \
		-kernel "$kernel"/boot/vmlinuz-* -initrd "$LAB_INITRD" \
		-append "console=ttyS0 quiet loglevel=4 mitigations=off random.trust_cpu=on panic=-1" \
		-serial "file:$LAB_WORK/console" \
		-drive "file=$LAB_WORK/disk.ext4,format=raw,if=none,id=disk,readonly=on" -device virtio-blk-pci,drive=disk \
		-device virtio-serial-pci -chardev "pipe,id=control,path=$LAB_WORK/control" -device virtserialport,chardev=control,name=control \
		-chardev "file,id=serial,path=$guest_serial" -device virtserialport,chardev=serial,name=serial \
		-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$host_vnc_port-10.0.2.15:5900,hostfwd=tcp:127.0.0.1:$host_web_port-10.0.2.15:5700" \
		-device virtio-net-pci,netdev=net,romfile= </dev/null >"$LAB_WORK/qemu.log" 2>&1 &
	lab_pid=$!
	exec 6<>"$LAB_WORK/control.in" 7<>"$LAB_WORK/control.out"
	wait_for_host "$lab_pid" "$LAB_WORK" 180 "the lab's host"
}

# host COMMAND [SECONDS]: runs a shell command on the host, prints its output; its exit status, or 124 if it takes longer (10 s).
# A line may come in pieces, seconds apart.
host() {
	local command=$1 limit=${2:-10} line begun="" mark
	mark="@@$RANDOM$RANDOM"
	lab_tick
	limit=$((lab_now + limit))
	printf '{ %s\n} </dev/null 2>&1; echo "%s:$?"\n' "$command" "$mark" >&6
	while [ "$lab_now" -le "$limit" ]; do
		if IFS= read -r -t 1 line <&7; then
			line=$begun${line%$'\r'} begun=""
			case $line in
			*"$mark":*)
				[ "${line%%"$mark":*}" = "" ] || printf '%s\n' "${line%%"$mark":*}"
				return "${line##*:}"
				;;
			*) printf '%s\n' "$line" ;;
			esac
		else
			begun+=$line
			lab_tick
			kill -0 "$lab_pid" 2>/dev/null || return 125
		fi
	done
	return 124
}

host_stop() {
	[ -n "$lab_pid" ] || return 0
	[ "$host_kind" = here ] && host "kill -9 \$(cat guest.pid)" 5 >/dev/null
	kill "$lab_pid" 2>/dev/null
	wait "$lab_pid" 2>/dev/null
	lab_pid=
	exec 6>&- 7>&-
	rm -f "$LAB_WORK/disk.ext4" "$LAB_WORK/control.in" "$LAB_WORK/control.out"
	return 0
}

# Gathers what the host needs into one folder: the device model ($dm, $build) with its libraries, firmware, media, tools.
# $1 folder, rest: media (*.iso, *.bin, *.elf, *.img) and programs.
host_stage() {
	local folder=$1 file
	shift
	rm -rf "$folder"
	mkdir -p "$folder/lib" "$folder/lib64" "$folder/usr/lib" "$folder/usr/share" "$folder/media"
	case $dm in
	qemu) dm_program=$(command -v qemu-system-x86_64) || die "--dm qemu: the package qemu-system-x86 is not installed" ;;
	hvmdm) dm_program=$build/dm/hvmdm ;;
	*) dm_program=$(realpath "$dm") ;;
	esac
	[ -x "$dm_program" ] || die "$dm_program does not exist: build it first (meson setup build && ninja -C build)"
	copy_program "$folder" "$dm_program" "/usr/bin/device-model"
	mkdir -p "$folder/usr/share/qemu"
	cp -rL /usr/share/seabios "$folder/usr/share/"
	# By this font the text in pictures is read.
	mkdir -p "$folder/usr/share/grub"
	[ ! -e /usr/share/grub/unicode.pf2 ] || cp /usr/share/grub/unicode.pf2 "$folder/usr/share/grub/"
	mkdir -p "$folder/usr/lib/ipxe/qemu"
	cp -L /usr/lib/ipxe/qemu/pxe-{e1000,rtl8139,ne2k_pci}.rom "$folder/usr/lib/ipxe/qemu/"
	[ "$dm" != qemu ] || cp -rL /usr/share/qemu/{keymaps,kvmvapic.bin,linuxboot_dma.bin,multiboot_dma.bin} "$folder/usr/share/qemu/"
	for file; do
		if [ -e "$file" ]; then
			case $file in
			*.iso | *.bin | *.elf | *.img | *.txt) [ -e "$folder/media/${file##*/}" ] || ln "$file" "$folder/media/" 2>/dev/null || cp "$file" "$folder/media/" ;;
			*) copy_program "$folder" "$file" "/usr/bin/$(basename "$file")" ;;
			esac
		fi
	done
}

# A medium's path on the host.
host_medium() { printf '%s\n' "$host_files/media/${1##*/}"; }

# The program's path on the host, which is the real one when guests run here.
use_device_model() {
	if [ "$host_kind" = lab ]; then
		host_dm=/usr/bin/device-model
	else
		host_dm=$dm_program
	fi
}

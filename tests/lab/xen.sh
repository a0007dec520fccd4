# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# The Xen lab: Xen and a dom0 inside QEMU's emulation of an AMD processor, behind the same two file descriptors as the KVM lab's host
# (host.sh). On a dom0 of real Xen guests run there.
#
#   xen_guest NAME LINE...         xl create of a guest with these lines of configuration, and what every guest gets here; the card is
#                                  stdvga, or that of guest_vga (empty: the toolstack's default)
#   xen_serial NAME REGEX [SECONDS]  until the guest's serial output has it
#   xen_serial_mark NAME           ... of what comes from here on
#   xen_log REGEX [SECONDS]        until Xen's log has it: hvmloader and SeaBIOS speak there
#   xen_gone NAME [SECONDS]        until the guest is no more
#   xen_pid NAME, xen_guard NAME   the guest's device model, and the process that watches it: their numbers on the host
#   xl WORD...                     on the host; fails the job if it fails
#   says REGEX COMMAND [SECONDS]   until what the command prints has it
#   xen_image NAME MIB             an empty disk image, /run/NAME on the host
#   xen_network FILE               a bridge xenbr0 on the host with DHCP and TFTP
#   emulated_disk, shared_disk VDEV NAME; cdrom VDEV MEDIUM   for a line disk = [...]
#   xen_nic MODEL NUMBER           for a line vif = [...]
#   boot_label NAME                types what ISOLINUX shall boot

xen_serial_from=0
# On the processor: with SMAP dom0 dies in QEMU's IRET, with RDTSCP Linux guests cannot have their instructions read.
xen_lab_cpu=qemu64,+svm,+npt

host_is_dom0() { grep -qs control_d /proc/xen/capabilities; }

# Xen's own programs are not on the machine that runs the lab; their libraries are, since the build needs them.
xen_stage() {
	local folder=$1 utils common program
	utils=$(deb xen-utils-4.17)
	common=$(deb xen-utils-common)
	for program in xl xenstored xenconsoled xen-init-dom0 libxl-save-helper xenconsole; do
		copy_program "$folder" "$utils/usr/lib/xen-4.17/bin/$program" "/usr/lib/xen-4.17/bin/$program"
	done
	# What pthread_cancel loads when xl calls it.
	cp -L --parents "$(ldconfig -p | sed -n 's/.*libgcc_s\.so\.1 .*x86-64.* => //p' | head -n 1)" "$folder/"
	mkdir -p "$folder/usr/lib/xen-4.17/boot" "$folder/etc" "$folder/usr/share/qemu"
	[ ! -d /usr/share/qemu/keymaps ] || cp -rL /usr/share/qemu/keymaps "$folder/usr/share/qemu/"
	cp "$utils/usr/lib/xen-4.17/boot/hvmloader" "$folder/usr/lib/xen-4.17/boot/"
	cp -r "$common/etc/xen" "$folder/etc/"
	copy_program "$folder" "$(deb xenstore-utils)/usr/bin/xenstore" /usr/bin/xenstore
	for program in read write ls list rm exists; do
		ln -sf xenstore "$folder/usr/bin/xenstore-$program"
	done
	# The toolstack's block script is written for these, not for busybox.
	for program in bash losetup stat flock dnsmasq; do
		copy_program "$folder" "$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v $program)" "/usr/bin/$program"
	done
}

xen_build_dom0() {
	local kernel=$1 root stamp
	stamp=$(cat "$HVMDM_ROOT"/tests/lab/{xen-init,xen.sh,lib.sh} | sha256sum | cut -c1-12)
	LAB_INITRD=$HVMDM_CACHE/lab/dom0-$stamp.cpio.gz
	[ -e "$LAB_INITRD" ] && return
	mkdir -p "$HVMDM_CACHE/lab"
	root=$(mktemp -d "$HVMDM_CACHE/lab/dom0.XXXXXX")
	mkdir -p "$root/bin" "$root/etc"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$HVMDM_ROOT/tests/lab/xen-init" "$root/init"
	printf 'root:x:0:0:root:/run:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	copy_modules "$kernel" "$root/modules" xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs \
		virtio_pci virtio_blk virtio_net virtio_console ext4 crc32c_generic tun bridge loop xen-blkback xen-netback
	pack_initramfs "$root" "$LAB_INITRD.part"
	mv "$LAB_INITRD.part" "$LAB_INITRD"
	rm -rf "$root"
}

# Stands in for host.sh's function of the same name.
host_start_lab() {
	local kernel size xen
	host_kind=xen
	host_files=/lab
	kernel=$(kernel_folder amd64)
	xen=$LAB_WORK/xen
	gunzip -c "$(deb xen-hypervisor-4.17-amd64)"/boot/xen-4.17-amd64.gz >"$xen"
	with_cache xen_build_dom0 "$kernel"
	xen_stage "$1"
	size=$(du -sm --apparent-size "$1" | cut -f1)
	rm -f "$LAB_WORK/disk.ext4" "$LAB_WORK/control.in" "$LAB_WORK/control.out"
	truncate -s $((size + size / 16 + 24))M "$LAB_WORK/disk.ext4"
	mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode -m 0 -E lazy_itable_init=1 -d "$1" "$LAB_WORK/disk.ext4"
	mkfifo "$LAB_WORK/control.in" "$LAB_WORK/control.out"
	# With two processors dom0 is several times slower here.
	qemu-system-x86_64 -name hvmdm-xen-lab -accel tcg,thread=multi,tb-size=512 -machine q35 -cpu "$xen_lab_cpu" -smp 1 \
		-m "${HVMDM_LAB_MEMORY:-3072}" -nodefaults -no-user-config -vga none -display none -no-reboot \
		-kernel "$xen" -append "com1=115200 console=com1 console_timestamps=boot loglvl=all guest_loglvl=all dom0_mem=1G,max:1G dom0_max_vcpus=1 noreboot=0" \
		-initrd "$(ls "$kernel"/boot/vmlinuz-*) console=hvc0 earlyprintk=xen quiet loglevel=4 random.trust_cpu=on panic=-1,$LAB_INITRD" \
		-serial "file:$LAB_WORK/console" \
		-drive "file=$LAB_WORK/disk.ext4,format=raw,if=none,id=disk,readonly=on" -device virtio-blk-pci,drive=disk \
		-device virtio-serial-pci -chardev "pipe,id=control,path=$LAB_WORK/control" -device virtserialport,chardev=control,name=control \
		-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$host_vnc_port-10.0.2.15:5900" \
		-device virtio-net-pci,netdev=net,romfile= </dev/null >"$LAB_WORK/qemu.log" 2>&1 &
	lab_pid=$!
	exec 6<>"$LAB_WORK/control.in" 7<>"$LAB_WORK/control.out"
	wait_for_host "$lab_pid" "$LAB_WORK" 240 dom0
}

# What jobs use

xl() { host "xl $*" 120 >"$logs/xl" || fail "xl $* fails: $(tail -n 1 "$logs/xl")"; }

# Until what a command on the host prints has a line like it. $1 regex, $2 command, $3 seconds (0: at once).
says() {
	local limit
	lab_tick
	limit=$((lab_now + ${3:-0} * ${patience:-1}))
	until host "$2" 60 >"$logs/said" && grep -qE -- "$1" "$logs/said"; do
		lab_tick
		[ "$lab_now" -lt "$limit" ] || fail "'$2' does not say '$1': $(tail -n 3 "$logs/said")"
		sleep 0.5
	done
}

xen_pid() { host "xenstore-read /local/domain/\$(xl domid $1)/image/device-model-pid" 20 || fail "$1 has no device model"; }

xen_guard() { host "cat /proc/$(xen_pid "$1")/task/*/children | tr -d ' '" 20 || fail "$1's device model has no children"; }

# An empty disk image on the host. $1 name, $2 MiB; its path is /run/NAME.
xen_image() { host "rm -f /run/$1 && truncate -s $2M /run/$1" >/dev/null || fail "no space for $1"; }

# A network of its own for guests, with addresses by DHCP and files by TFTP: bridge xenbr0, 192.168.77.1, files in /run/tftp on the host.
# $1 what DHCP says is to be booted.
xen_network() {
	host "[ -e /run/dnsmasq.pid ] && kill \$(cat /run/dnsmasq.pid); ip link del xenbr0 2>/dev/null
brctl addbr xenbr0 && ip addr add 192.168.77.1/24 dev xenbr0 && ip link set xenbr0 up && mkdir -p /run/tftp &&
dnsmasq --conf-file=/dev/null --user=root --port=0 --interface=xenbr0 --bind-interfaces --pid-file=/run/dnsmasq.pid --dhcp-leasefile=/run/leases \
	--no-ping --dhcp-range=192.168.77.20,192.168.77.60 --dhcp-boot=$1 --enable-tftp --tftp-root=/run/tftp" 60 >"$logs/network" ||
		fail "no network on the host: $(tail -n 1 "$logs/network")"
}

# Lines of configuration: a disk that the device model serves and, unless a kernel's back end shall, nobody else; a CD.
xen_nic() { printf '"type=ioemu,model=%s,bridge=xenbr0,mac=00:16:3e:00:00:0%d"' "$1" "$2"; }
emulated_disk() { printf '"format=raw,vdev=%s,access=rw,backendtype=qdisk,target=/run/%s"' "$1" "$2"; }
shared_disk() { printf '"format=raw,vdev=%s,access=rw,target=/run/%s"' "$1" "$2"; }
cdrom() { printf '"format=raw,vdev=%s,access=ro,devtype=cdrom,target=%s"' "$1" "$host_files/media/$2"; }

# ISOLINUX waits at its prompt: names what shall boot, as a person at the keyboard.
boot_label() {
	screen 'boot:' 150
	viewer timeout 60 type "$1" wait "boot: $1" key Return
}

xen_guest() {
	local name=$1 line status=0
	shift
	xen_serial_from=0
	{
		cat <<-CONFIG
			name = "$name"
			type = "hvm"
			device_model_version = "qemu-xen"
			device_model_override = "$host_dm"
			memory = 128
			serial = "file:/run/$name.serial"
			vnclisten = "0.0.0.0"
			on_poweroff = "destroy"
			on_reboot = "restart"
			on_crash = "destroy"
		CONFIG
		[ -z "${guest_vga-stdvga}" ] || printf 'vga = "%s"\nvideoram = 16\n' "${guest_vga-stdvga}"
		for line; do printf '%s\n' "$line"; done
	} >"$logs/$name.cfg"
	host "rm -f /run/$name.serial; cat >/run/$name.cfg <<'@@'
$(cat "$logs/$name.cfg")
@@
xl -vvv create /run/$name.cfg" 150 >"$logs/$name.create" || status=$?
	[ $status -lt 124 ] || time_out "xl create does not return"
	[ $status -eq 0 ] || fail "xl create fails: $(grep -E 'error|hvmdm' "$logs/$name.create" | tail -n 3)"
}

# Runs a command on the host until its output has a line like it. $1 regex, $2 seconds, rest: what is looked at and the command.
xen_wait() {
	local limit
	limit=$(allowed "$2") || exit
	lab_tick
	limit=$((lab_now + limit))
	while :; do
		host "$4" 20 >"$logs/$3" || true
		! grep -aqE -- "$1" "$logs/$3" || return 0
		lab_tick
		[ "$lab_now" -le "$limit" ] || time_out "no '$1' in $3; last: $(tail -n 2 "$logs/$3")"
		sleep 0.5
	done
}

xen_serial() { xen_wait "$2" "${3:-60}" "$1.serial" "tail -c +$((xen_serial_from + 1)) /run/$1.serial 2>/dev/null"; }

# From here on xen_serial looks only at what comes.
xen_serial_mark() { xen_serial_from=$(host "stat -c %s /run/$1.serial" 20) || fail "$1 has no serial output"; }

xen_log() { xen_wait "$1" "${2:-60}" xl-dmesg "xl dmesg"; }

xen_gone() { xen_wait "gone" "${2:-60}" "$1.gone" "xl domid $1 >/dev/null 2>&1 || echo gone"; }

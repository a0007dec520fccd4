# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shared by the scripts of the labs, the media builders and the benchmarks: messages, the cache folder, Debian packages.

set -euo pipefail
umask 022

HVMDM_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HVMDM_CACHE=${HVMDM_CACHE:-$HVMDM_ROOT/cache}
mkdir -p "$HVMDM_CACHE"
HVMDM_CACHE=$(cd "$HVMDM_CACHE" && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# with_cache COMMAND...: one process at a time changes the cache.
with_cache() {
	local status=0
	if [ -n "${HVMDM_CACHE_HELD:-}" ]; then
		"$@"
		return
	fi
	exec 8>"$HVMDM_CACHE/.lock"
	flock 8
	HVMDM_CACHE_HELD=1 "$@" 8>&- || status=$?
	exec 8>&-
	return $status
}

# A Debian package, unpacked below the cache and not installed; prints the folder. $1 package, $2 architecture (amd64).
deb() {
	local name=$1 arch=${2:-amd64}
	local folder=$HVMDM_CACHE/debs/$arch/$name
	[ -e "$folder/.done" ] || with_cache deb_fetch "$name" "$arch" "$folder" >&2
	printf '%s\n' "$folder"
}

deb_fetch() {
	local name=$1 arch=$2 folder=$3 work=$3.part options=(-o APT::Sandbox::User=root)
	[ -e "$folder/.done" ] && return
	if [ "$arch" != "$(dpkg --print-architecture)" ]; then
		mapfile -t -O 2 options < <(foreign_apt_options "$arch")
	fi
	rm -rf "$folder" "$work"
	mkdir -p "$work"
	say "fetching Debian's $name ($arch)"
	(cd "$work" && apt-get -qq "${options[@]}" download "$name") >&2 || {
		rm -rf "$work"
		die "apt-get cannot download $name: is the package list current (apt-get update)?"
	}
	dpkg -x "$work"/*.deb "$work"
	rm -f "$work"/*.deb
	touch "$work/.done"
	mv "$work" "$folder"
}

# An apt of its own for another architecture: this machine's sources, lists of that architecture in the cache.
foreign_apt_options() {
	local arch=$1 apt=$HVMDM_CACHE/apt-$1
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	: >"$apt/status"
	local options=(-o "APT::Architecture=$arch" -o "APT::Architectures::=$arch" -o "Dir::State::Lists=$apt/lists"
		-o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt" -o "Dir::Cache::archives=$apt/archives")
	if [ ! -e "$apt/.updated" ]; then
		apt-get -qq -o APT::Sandbox::User=root "${options[@]}" update >&2 || say "apt-get update for $arch had problems"
		touch "$apt/.updated"
	fi
	printf '%s\n' "${options[@]}"
}

# The package that a meta package depends on: linux-image-cloud-amd64 is linux-image-6.1.0-..-cloud-amd64. $1 package, $2 architecture.
deb_behind() {
	local name=$1 arch=${2:-amd64} note=$HVMDM_CACHE/debs/${2:-amd64}/$1.is options=()
	if [ ! -s "$note" ]; then
		[ "$arch" = "$(dpkg --print-architecture)" ] || mapfile -t options < <(foreign_apt_options "$arch")
		mkdir -p "${note%/*}"
		apt-cache "${options[@]}" depends "$name" | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1 >"$note"
		[ -s "$note" ] || die "apt knows no package behind $name: is the package list current (apt-get update)?"
	fi
	cat "$note"
}

# A kernel package's folder. $1 flavour: cloud-amd64, amd64, 686; $2 architecture.
kernel_folder() {
	local package
	package=$(deb_behind "linux-image-$1" "${2:-amd64}")
	deb "$package" "${2:-amd64}"
}

# Copies the named modules of a kernel and those that they depend on into a folder, and writes their order of loading.
# $1 kernel's folder, $2 target, rest: names. What is built in is left out.
copy_modules() {
	local kernel=$1 target=$2 name file depends
	shift 2
	mkdir -p "$target"
	for name; do
		file=$(find "$kernel/lib/modules" -name "${name//[-_]/[-_]}.ko" -print -quit)
		if [ -z "$file" ] || [ -e "$target/${file##*/}" ]; then continue; fi
		depends=$(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' ')
		# shellcheck disable=SC2086
		[ -z "$depends" ] || copy_modules "$kernel" "$target" $depends
		cp "$file" "$target/"
		echo "${file##*/}" >>"$target/order"
	done
}

# Packs a folder as an initramfs. $1 folder, $2 file.
pack_initramfs() {
	(cd "$1" && find . -print0 | sort -z | cpio --quiet --null --create --format=newc --owner=0:0) | gzip -1 >"$2"
}

# Copies a program and the libraries that it loads into a root folder, at their own paths. $1 root, $2 program, $3 path in the root.
copy_program() {
	local root=$1 program=$2 path=${3:-$2} library
	mkdir -p "$root$(dirname "$path")"
	cp -L "$program" "$root$path"
	{ ldd "$program" 2>/dev/null || true; } | grep -o '/[^ ]*' | sort -u | while read -r library; do
		[ -e "$root$library" ] && continue
		mkdir -p "$root$(dirname "$library")"
		cp -L "$library" "$root$library"
	done
}

# Whether guests run on this very machine: the processor has VT and the kernel's KVM offers it.
host_has_vt() {
	grep -qwE 'vmx|svm' /proc/cpuinfo && [ -r /dev/kvm ] && [ -w /dev/kvm ]
}

# The process that emulates the host, if it is emulated.
lab_emulator() { [ "${host_kind:-here}" = here ] || printf '%s\n' "${lab_pid:-}"; }

# Sets lab_now, seconds: this machine's time without that in which the emulated host was ready to run and had no processor, other work being
# done here. Nothing can happen there meanwhile, so time limits count this.
lab_now=0
# shellcheck disable=SC2034
lab_tick() {
	local emulator file wait most=0
	emulator=$(lab_emulator)
	for file in ${emulator:+/proc/"$emulator"/task/*/schedstat}; do
		{ read -r _ wait _ <"$file"; } 2>/dev/null || continue
		[ "$wait" -le "$most" ] || most=$wait
	done
	lab_now=$((SECONDS - most / 1000000000))
}

# Waits for the emulated host's first word on its console. $1 process of the emulator, $2 folder of its console and qemu.log, $3 seconds,
# $4 what it is called. Ends the run if the emulator ends, the word does not come, or it is not "lab: ready".
wait_for_host() {
	local pid=$1 folder=$2 limit name=$4
	lab_tick
	limit=$((lab_now + $3))
	until grep -q 'lab: ' "$folder/console" 2>/dev/null; do
		kill -0 "$pid" 2>/dev/null || die "the lab's QEMU ended: $(tail -n 3 "$folder/qemu.log")"
		lab_tick
		[ "$lab_now" -le "$limit" ] || die "$name does not come up in $3 s; its log: $folder/console"
		sleep 0.1
	done
	grep -q 'lab: ready' "$folder/console" || die "$name says: $(grep -m 1 'lab: ' "$folder/console"); its log: $folder/console"
}

# A processor of this machine on which no other lab is: its number. It is this shell's, and its children's, until they end.
# shellcheck disable=SC2034
take_processor() {
	local number count
	count=$(nproc)
	mkdir -p "$HVMDM_CACHE/lab"
	for ((number = count - 1; number > 0; number--)); do
		exec 5>"$HVMDM_CACHE/lab/processor-$number"
		! flock -n 5 || break
	done
	processor=$number
}

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What ./check and ./demo share: Debian packages, builds, and steps that are seen to go on.

started_at=$SECONDS
passed=0
failed=0
skipped=0
reasons=()
step_logs=$HVMDM_ROOT/cache/check-logs

# step NAME COMMAND...: runs it with its output in a log, says how it ended and how long it took.
step() {
	local name=$1 log=$step_logs/${1//[^a-zA-Z0-9]/-}.log from=$SECONDS status=0
	shift
	mkdir -p "$step_logs"
	printf '%4d s  %s ... ' $((from - started_at)) "$name"
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [ $status -eq 0 ]; then
		echo "ok ($((SECONDS - from)) s)"
	else
		echo "FAILED ($((SECONDS - from)) s), log: $log"
		tail -n "${step_tail:-30}" "$log" | sed 's/^/        /'
	fi
	return $status
}

passes() { passed=$((passed + ${1:-1})); }
fails() { failed=$((failed + ${1:-1})); }
skips() {
	skipped=$((skipped + ${2:-1}))
	reasons+=("$1")
	echo "        skipped: $1"
}

# $1 a list in tests/.
missing_packages() {
	local wanted
	mapfile -t wanted < <(grep -vE '^(#|$)' "$HVMDM_ROOT/tests/$1")
	comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
		<(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/ installed$//p' | sort -u)
}

# A package manager that runs elsewhere is waited for. $1 a list in tests/ (packages).
install_packages() {
	local missing
	mapfile -t missing < <(missing_packages "${1:-packages}")
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" -eq 0 ] || {
		echo "these packages are missing, and only root can install them: ${missing[*]}"
		return 1
	}
	echo "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
}

# apt-cache and apt-get download need package lists.
refresh_package_lists() {
	[ -n "$(find /var/lib/apt/lists -name '*_Packages*' -mtime -7 -print -quit 2>/dev/null)" ] || apt-get -qq update
}

# build FOLDER OPTION...: configures once, then builds what has changed.
build() {
	local folder=$HVMDM_ROOT/$1
	shift
	[ -e "$folder/build.ninja" ] || meson setup "$folder" "$HVMDM_ROOT" "$@" || return
	ninja -C "$folder"
}

# build_with COMPILER FOLDER OPTION...
build_with() {
	local compiler=$1
	shift
	CC=$compiler build "$@"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# What jobs with a network share: a file server on the host, and a guest that goes through all of net.init.

net_mib=${HVMDM_NET_MIB:-200}

# A file that nothing in between can guess, and its checksum.
net_serve() {
	host "mkdir -p www && cd www && head -c 1048576 /dev/urandom >part &&
for i in \$(seq $net_mib); do cat part; echo \$i; done >file && md5sum <file >file.md5 && cd .. &&
{ [ -e httpd.pid ] || { httpd -f -p 8000 -h www & echo \$! >httpd.pid; }; }" 240 >"$logs/serve" || fail "no file server"
}

# One command of QMP: $1 its name, $2 its arguments.
net_qmp() {
	host "(printf '%s' '{\"execute\":\"qmp_capabilities\"}{\"execute\":\"$1\",\"arguments\":$2}'; sleep 1) | nc 127.0.0.1 4444" 20 >"$logs/qmp" ||
		fail "no QMP"
	[ "$(grep -c '"return"' "$logs/qmp")" -ge 2 ] || fail "QMP: $(cat "$logs/qmp")"
}

# $1 the card; rest: arguments of its network, whose id is net0. A guest's port 80 is tried if net_forward is set to where it is.
net_guest() {
	local model=$1 started
	shift
	guest -m 256 -drive "file=$host_files/media/net.iso,if=ide,index=2,media=cdrom,format=raw,readonly=on" -boot order=d \
		"$@" -device "$model,netdev=net0,mac=00:16:3e:12:34:56" \
		-qmp tcp:127.0.0.1:4444,server=on,wait=off -no-reboot
	[ -z "${net_prepare:-}" ] || $net_prepare
	serial 'net: eth0 has ' 120
	started=$(now)
	serial 'net: the file is right' 900
	measure "$model.seconds" "$(since "$started")" s
	serial 'net: serving' 20
	[ "$(host "wget -q -O - http://$net_forward/answer" 30)" = "an answer" ] || fail "the guest does not answer at $net_forward"
	net_qmp set_link '{"name":"net0","up":false}'
	serial 'net: the wire is out' 30
	net_qmp set_link '{"name":"net0","up":true}'
	serial 'net: the wire is in' 30
	serial 'net: finished' 60
	serial_lacks 'FAILED'
	guest_ends 20
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector: what an exit costs. Writes port 0x80, reads a PCI configuration register and reads the PM timer, 8192 times each. */
	.code16
	.globl start
	.section .text
	.set TIMES, 8192
start:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	ljmp $0, $1f
1:	call keep_time
	mov $TIMES, %cx
2:	out %al, $0x80
	loop 2b
	mov $delay_name, %si
	call print_since

	call keep_time
	mov $TIMES, %cx
	mov $0xcf8, %dx
	mov $0x80000000, %eax
	out %eax, %dx
	mov $0xcfc, %dx
3:	in %dx, %eax
	loop 3b
	mov $pci_name, %si
	call print_since
	call keep_time
	mov $TIMES, %cx
	mov $0x64, %dx
4:	in %dx, %al
	loop 4b
	mov $ps2_name, %si
	call print_since
	jmp finish

delay_name:	.asciz "exits-port-80 "
pci_name:	.asciz "exits-pci-config "
ps2_name:	.asciz "exits-ps2-status "
	.include "real.inc"

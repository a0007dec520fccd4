/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector: reads the first 4 MiB of its disk by the BIOS (INT 13h, function 42h, 64 sectors a call). */
	.code16
	.globl start
	.section .text
	.set CALLS, 128
start:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	ljmp $0, $1f
1:	mov %dl, drive
	call keep_time
	mov $CALLS, %cx
2:	push %cx
	mov $packet, %si
	mov drive, %dl
	mov $0x42, %ah
	int $0x13
	jc 3f
	addl $64, packet_lba
	pop %cx
	loop 2b
	mov $name, %si
	call print_since
	jmp finish
3:	mov $bad, %si
	call print
	jmp finish

name:	.asciz "int13-4MiB "
bad:	.asciz "int13 FAILED\n"
drive:	.byte 0
	.balign 4
packet:	.byte 16, 0
	.word 64, 0, 0x1000
packet_lba:
	.long 0, 0
	.include "real.inc"

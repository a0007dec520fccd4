/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector that reads the keyboard controller's status for ever, and says for every 1024 of them how long they took. */
	.code16
	.globl start
	.section .text
	.set TIMES, 1024
start:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	ljmp $0, $1f
1:	call keep_time
	mov $TIMES, %cx
	mov $0x64, %dx
2:	in %dx, %al
	loop 2b
	mov $name, %si
	call print_since
	jmp 1b

name:	.asciz "hammer "
	.include "real.inc"

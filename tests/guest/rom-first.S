/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A firmware whose first instructions end the run: from start to here is the device model's own time. */
	.code16
	.globl start
	.section .text
start:	.byte 0
	.section .reset, "ax"
	mov $0x501, %dx
	xor %ax, %ax
	out %al, %dx
	hlt

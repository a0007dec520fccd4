/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A firmware whose first instructions write a byte to COM1 and then end the run: from the start to that byte is the device model's
 * own time.
 */
	.code16
	.globl start
	.section .text
start:	.byte 0
	.section .reset, "ax"
	mov $'!', %al
	mov $0x3f8, %dx
	out %al, %dx
	xor %ax, %ax
	mov $0x501, %dx
	out %al, %dx
	hlt

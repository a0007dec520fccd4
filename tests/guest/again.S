/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector: restarts the machine by the keyboard controller, again and again. */
	.code16
	.globl start
	.section .text
	.set CONTROLLER, 0x64
	.set PULSE_RESET, 0xfe
start:	mov $PULSE_RESET, %al
	out %al, $CONTROLLER
1:	hlt
	jmp 1b

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector: a guest that has hung itself: halted, and no interrupt wakes it. */
	.code16
	.globl start
	.section .text
start:	cli
1:	hlt
	jmp 1b

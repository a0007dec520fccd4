/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot sector: a guest that runs in a circle. */
	.code16
	.globl start
	.section .text
start:	cli
1:	jmp 1b

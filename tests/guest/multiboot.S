/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A multiboot kernel (version 0.6.96) in 32-bit protected mode: says so on COM1 and on the screen, and ends the run. */
	.code32
	.globl start
	.set MAGIC, 0x1badb002
	.set FLAGS, 0x00000002	/* memory information wanted */
	.set LOADED_BY_MULTIBOOT, 0x2badb002
	.set MULTIBOOT_HAS_MEMORY, 1
	.section .multiboot, "a"
	.balign 4
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)
	.section .text
start:	mov $stack_top, %esp
	mov $bad, %esi
	cmp $LOADED_BY_MULTIBOOT, %eax
	jne 1f
	testl $MULTIBOOT_HAS_MEMORY, (%ebx)
	jz 1f
	mov $good, %esi
1:	mov $0xb8000, %edi
2:	lodsb
	test %al, %al
	jz 4f
	mov %al, (%edi)
	movb $0x1f, 1(%edi)
	add $2, %edi
	mov %al, %cl
	mov $0x3fd, %dx
3:	in %dx, %al
	test $0x20, %al
	jz 3b
	mov $0x3f8, %dx
	mov %cl, %al
	out %al, %dx
	jmp 2b
4:	mov $0x501, %dx
	xor %eax, %eax
	out %al, %dx
5:	hlt
	jmp 5b
good:	.asciz "multiboot: loaded\n"
bad:	.asciz "multiboot: FAILED\n"
	.section .bss
	.space 4096
stack_top:

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A firmware that reads and writes ports, PCI configuration registers and memory windows at random, for ever. The debug port gets an
 * 's' at each start (whatever went wrong with the guest itself ends in a reset), and a '.' after every 4096 accesses. It runs from the
 * top of the address space, which PAM registers do not touch, with interrupts off and without a stack.
 */
	.set TOP, 0xffff0000		/* where offset 0 of this image is, too */
	.set DEBUG_PORT, 0x402
	.set BUFFER, 0x100000		/* what string instructions read and write */

	.code16
	.globl start
	.section .text
start:	cli
	lgdtl %cs:gdt_pointer
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $8, $TOP + protected

	.code32
protected:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov $'s', %al
	mov $DEBUG_PORT, %dx
	out %al, %dx
	rdtsc
	mov %eax, %ebx
	or $1, %ebx			/* the generator's state is never zero */
	xor %ebp, %ebp			/* accesses */

next:	inc %ebp
	test $4095, %ebp
	jnz 1f
	mov $'.', %al
	mov $DEBUG_PORT, %dx
	out %al, %dx
1:	mov $2f, %edi
	jmp random
2:	mov %ebx, %esi			/* what to do */
	mov $3f, %edi
	jmp random
3:	mov %esi, %ecx
	and $15, %ecx
	jmp *TOP + actions(, %ecx, 4)

/* A random number into ebx (xorshift32); goes on at TOP + edi. */
random:	mov %ebx, %eax
	shl $13, %eax
	xor %eax, %ebx
	mov %ebx, %eax
	shr $17, %eax
	xor %eax, %ebx
	mov %ebx, %eax
	shl $5, %eax
	xor %eax, %ebx
	add $TOP, %edi
	jmp *%edi

/* A port into dx: half of them among the first 1024, where most chips are. */
	.macro port
	mov %esi, %edx
	shr $16, %edx
	test $0x10, %esi
	jz 9f
	and $0x3ff, %edx
9:	mov %ebx, %eax
	.endm

/* An address into edi, in one of the windows. */
	.macro window
	mov %esi, %ecx
	shr $4, %ecx
	and $7, %ecx
	mov %esi, %edi
	shr $8, %edi
	and TOP + masks(, %ecx, 4), %edi
	add TOP + bases(, %ecx, 4), %edi
	mov %ebx, %eax
	.endm

out_byte:	port
	out %al, %dx
	jmp next
out_word:	port
	out %ax, %dx
	jmp next
out_long:	port
	out %eax, %dx
	jmp next
in_byte:	port
	in %dx, %al
	jmp next
in_word:	port
	in %dx, %ax
	jmp next
in_long:	port
	in %dx, %eax
	jmp next
out_block:	port
	mov %ebx, %ecx
	and $0x3f, %ecx
	mov $BUFFER, %esi
	rep outsw
	jmp next
in_block:	port
	mov %ebx, %ecx
	and $0x3f, %ecx
	mov $BUFFER, %edi
	rep insl
	jmp next
/* Functions of the first eight slots; half of the writes go to command register and BARs. */
pci_write:
	mov %esi, %eax
	shr $8, %eax
	and $0x3ffc, %eax
	test $0x20, %esi
	jz 1f
	and $0x3f1c, %eax
1:	or $0x80000000, %eax
	mov $0xcf8, %dx
	out %eax, %dx
	mov $0xcfc, %dx
	mov %ebx, %eax
	out %eax, %dx
	jmp next
write_byte:	window
	mov %al, (%edi)
	jmp next
write_word:	window
	mov %ax, (%edi)
	jmp next
write_long:	window
	mov %eax, (%edi)
	jmp next
read_byte:	window
	mov (%edi), %al
	jmp next
read_long:	window
	mov (%edi), %eax
	jmp next
move_block:	window
	mov %ebx, %ecx
	and $0x3f, %ecx
	mov $BUFFER, %esi
	rep movsl
	jmp next

	.balign 8
gdt:	.quad 0
	.quad 0x00cf9b000000ffff	/* 8: code, 16: data, both everywhere */
	.quad 0x00cf93000000ffff
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long TOP + gdt
	.balign 4
/* A jump table holds addresses where this runs. */
	.macro action name
	.long TOP + \name
	.endm
actions:
	action out_byte
	action out_word
	action out_long
	action out_byte
	action in_byte
	action in_word
	action in_long
	action out_block
	action in_block
	action pci_write
	action write_byte
	action write_word
	action write_long
	action read_byte
	action read_long
	action move_block
/* VGA twice, option ROMs, I/O APIC, HPET, local APIC, BIOS, and where BARs may come to lie. */
bases:	.long 0xa0000, 0xb8000, 0xc0000, 0xfec00000, 0xfed00000, 0xfee00000, 0xe0000, 0x80000000
masks:	.long 0xffff, 0x7fff, 0x3ffff, 0xfff, 0x3ff, 0xfff, 0x1ffff, 0x7fffff00

	.section .reset, "ax"
	.code16
	jmp start

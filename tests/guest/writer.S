/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot sector: writes block after block of its disk by the BIOS, each full of its number, round a range of 1 MiB, and reads back what it
 * wrote 37 blocks before. Every 16 blocks it says which is next and what time its clock has. At a key it reads the whole range again.
 */
	.code16
	.globl start
	.section .text
	.set BLOCK_SECTORS, 8
	.set BLOCK_WORDS, 1024
	.set BLOCKS, 256
	.set BEHIND, 37
	.set OUT_SEGMENT, 0x1000
	.set IN_SEGMENT, 0x2000
start:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	ljmp $0, $1f
1:	mov %dl, drive

next:	mov $OUT_SEGMENT, %ax
	mov %ax, %es
	mov number, %eax
	call fill_or_compare_setup
	rep stosl
	mov number, %eax
	mov $0x43, %bl
	call transfer
	mov number, %eax
	sub $BEHIND, %eax
	jb 1f
	call check
1:	incl number
	testb $15, number
	jnz 2f
	call report
2:	mov $1, %ah
	int $0x16
	jz next

	mov number, %eax
	sub $BLOCKS, %eax
	jae 3f
	xor %eax, %eax
3:	cmp number, %eax
	je 4f
	push %eax
	call check
	pop %eax
	inc %eax
	jmp 3b
4:	mov $kept_all, %si
	call print
	call report
5:	hlt
	jmp 5b

fill_or_compare_setup:
	xor %di, %di
	mov $BLOCK_WORDS, %cx
	cld
	ret

/* transfer: block eax by function bl of the BIOS. */
transfer:
	and $(BLOCKS - 1), %eax
	shl $3, %eax
	add $64, %eax
	mov %eax, packet_lba
	mov %bl, %ah
	xor %al, %al
	mov $packet, %si
	mov drive, %dl
	int $0x13
	jc lost
	ret

/* check: block eax holds its number. */
check:	mov %eax, expected
	movw $IN_SEGMENT, packet_segment
	mov $0x42, %bl
	call transfer
	movw $OUT_SEGMENT, packet_segment
	mov $IN_SEGMENT, %ax
	mov %ax, %es
	mov expected, %eax
	call fill_or_compare_setup
	repe scasl
	jne lost
	ret

lost:	mov $lost_some, %si
	call print
	mov expected, %eax
	call print_hex
	jmp 5b

/* report: the number, and hours, minutes, seconds. */
report:	mov $name, %si
	call print
	mov number, %eax
	call print_hex
	mov $' ', %al
	call print_char
	mov $2, %ah
	int $0x1a
	mov %cx, %ax
	shl $16, %eax
	mov %dx, %ax
	call print_hex
	mov $'\n', %al
	jmp print_char

name:	.asciz "writer "
kept_all:
	.asciz "kept, "
lost_some:
	.asciz "LOST "
drive:	.byte 0
	.balign 4
number:	.long 0
expected:
	.long 0
packet:	.byte 16, 0
	.word BLOCK_SECTORS, 0
packet_segment:
	.word OUT_SEGMENT
packet_lba:
	.long 0, 0
	.include "real.inc"

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot sector: the IDE function's bus master moves 64 MiB from the first disk and 64 MiB to it, 128 KiB a command, polled.
 * The bytes land at 1 MiB in two pieces of 64 KiB. Register names as in the PIIX data sheet.
 */
	.code16
	.globl start
	.section .text
	.set COMMANDS, 512
	.set ATA, 0x1f0
	.set BMIDE, 0xc000	/* where this payload puts the bus master's ports */
start:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	ljmp $0, $1f
1:	cli
	mov $0x80000920, %eax	/* 00:01.1 BMIBA */
	mov $BMIDE | 1, %ebx
	call pci_write
	mov $0x80000904, %eax	/* PCICMD: ports and bus master */
	mov $5, %ebx
	call pci_write
	mov $0x3f6, %dx		/* no interrupts of the drive */
	mov $2, %al
	out %al, %dx

	movb $0xc8, command	/* READ DMA */
	movb $8, direction
	mov $read_name, %si
	call measure
	movb $0xca, command	/* WRITE DMA */
	movb $0, direction
	mov $write_name, %si
	call measure
	jmp finish

pci_write:
	mov $0xcf8, %dx
	out %eax, %dx
	mov $0xcfc, %dx
	xchg %eax, %ebx
	out %eax, %dx
	ret

measure:
	push %si
	call keep_time
	movl $256, lba
	mov $COMMANDS, %cx
2:	push %cx
	call transfer
	addl $256, lba
	pop %cx
	loop 2b
	pop %si
	jmp print_since

transfer:
	mov $BMIDE + 4, %dx	/* BMIDTP */
	mov $prd, %eax
	out %eax, %dx
	mov $BMIDE + 2, %dx	/* BMIS: clear interrupt and error */
	mov $6, %al
	out %al, %dx
	mov $BMIDE, %dx		/* BMIC */
	mov direction, %al
	out %al, %dx
	mov $ATA + 6, %dx
	mov $0xe0, %al
	out %al, %dx
	mov $ATA + 2, %dx	/* 256 sectors */
	xor %al, %al
	out %al, %dx
	mov lba, %eax
	mov $ATA + 3, %dx
	out %al, %dx
	shr $8, %eax
	inc %dx
	out %al, %dx
	shr $8, %eax
	inc %dx
	out %al, %dx
	mov $ATA + 7, %dx
	mov command, %al
	out %al, %dx
	mov $BMIDE, %dx
	mov direction, %al
	or $1, %al
	out %al, %dx
	/* The status register is read with a pause: polling is what would be measured otherwise. */
3:	mov $500, %cx
4:	pause
	loop 4b
	mov $BMIDE + 2, %dx
	in %dx, %al
	test $1, %al
	jnz 3b
	test $2, %al
	jnz bad
	mov $BMIDE, %dx
	xor %al, %al
	out %al, %dx
	mov $ATA + 7, %dx
	in %dx, %al
	test $0x81, %al
	jnz bad
	ret

bad:	mov $bad_text, %si
	call print
	jmp finish

read_name:	.asciz "dma-read-64MiB "
write_name:	.asciz "dma-write-64MiB "
bad_text:	.asciz "dma FAILED\n"
command:	.byte 0
direction:	.byte 0
	.balign 4
lba:	.long 0
prd:	.long 0x100000, 0
	.long 0x110000, 0x80000000
	.include "real.inc"

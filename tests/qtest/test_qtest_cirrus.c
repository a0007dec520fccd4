// SPDX-License-Identifier: GPL-2.0-or-later
/* The Cirrus card on the board, as firmware and a driver meet it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	SLOT = 3, /* the first free one */
	PCI_COMMAND = 0x04,
	PCI_BAR_0 = 0x10,
	PCI_BAR_1 = 0x14,
	PCI_ROM = 0x30,
	SEQUENCER = 0x3c4,
	GRAPHICS = 0x3ce,
	CRTC = 0x3d4,
	MISC = 0x3c2,
	ATTRIBUTE = 0x3c0,
	STATUS_1 = 0x3da,
	DISPI = 0x1ce,
	WIDTH = 640,
	HEIGHT = 480,
};
#define FRAME_BUFFER UINT64_C(0xe0000000)
#define ROM          UINT64_C(0xe4000000)
#define REGISTERS    UINT64_C(0xe5000000)
#define BLT          (REGISTERS + 0x100)

static struct qguest guest;

static void start(void)
{
	qguest_init(&guest);
	qguest_start(&guest, "-nodefaults -device cirrus-vga,vgamem_mb=8");
	qguest_pci_write(&guest, SLOT, 0, PCI_BAR_0, (uint32_t)FRAME_BUFFER);
	qguest_pci_write(&guest, SLOT, 0, PCI_BAR_1, (uint32_t)REGISTERS);
	qguest_pci_write(&guest, SLOT, 0, PCI_COMMAND, 3);
}

static void out_indexed(unsigned port, unsigned index, unsigned value)
{
	qguest_outw(&guest, port, index | value << 8);
}

/* 640 x 480 of 8 bits, as the VGA BIOS sets it. */
static void set_mode(void)
{
	static const uint8_t sequencer[8] = { 0x03, 0x21, 0x0f, 0x00, 0x0e, 0x00, 0x12, 0x11 };
	static const uint8_t crtc[0x1c] = { 0x5f, 0x4f, 0x4f, 0x80, 0x52, 0x1e, 0x0b,
					    0x3e, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00,
					    0x00, 0x00, 0xea, 0x2c, 0xdf, 0x50, 0x40,
					    0xdf, 0x0b, 0xc3, 0xff, 0x00, 0x00, 0x22 };

	qguest_outb(&guest, MISC, 0xe3);
	for (unsigned i = 0; i < sizeof(sequencer); i++)
		out_indexed(SEQUENCER, i, sequencer[i]);
	out_indexed(CRTC, 0x11, 0);
	for (unsigned i = 0; i < sizeof(crtc); i++)
		out_indexed(CRTC, i, crtc[i]);
	out_indexed(GRAPHICS, 5, 0x40);
	out_indexed(GRAPHICS, 6, 0x05);
	qguest_outb(&guest, 0x3c6, 0xff);
	qguest_outb(&guest, 0x3c8, 1);
	for (unsigned i = 0; i < 3; i++)
		qguest_outb(&guest, 0x3c9, 0x15 * (i + 1)); /* colour 1: 555555, aaaaaa, ffffff */
	qguest_inb(&guest, STATUS_1);
	qguest_outb(&guest, ATTRIBUTE, 0x20);
}

static void fill(unsigned x, unsigned y, unsigned width, unsigned height, unsigned colour)
{
	uint32_t destination = y * WIDTH + x;

	qguest_writel(&guest, BLT + 0x04, colour);
	qguest_writel(&guest, BLT + 0x08, (width - 1) | (height - 1) << 16);
	qguest_writel(&guest, BLT + 0x0c, WIDTH);
	qguest_writel(&guest, BLT + 0x10, destination);
	qguest_writeb(&guest, BLT + 0x18, 0xc0);
	qguest_writeb(&guest, BLT + 0x1a, 0x0d);
	qguest_writeb(&guest, BLT + 0x1b, 0x04);
	qguest_writeb(&guest, BLT + 0x40, 0x02);
	assert_int_equal(qguest_readb(&guest, BLT + 0x40), 0);
}

static void test_identity(void **state)
{
	(void)state;
	start();
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, 0), 0x00b81013);
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, 8) >> 8, 0x030000);
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, 0x2c), 0x11001af4);
	qguest_pci_write(&guest, SLOT, 0, PCI_BAR_0, UINT32_MAX);
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, PCI_BAR_0), 0xfe000008);
	qguest_pci_write(&guest, SLOT, 0, PCI_ROM, (uint32_t)ROM | 1);
	assert_int_equal(qguest_readl(&guest, ROM) & 0xffff, 0xaa55);
	assert_int_equal(qguest_inw(&guest, DISPI), 0xffff);
	qguest_stop(&guest);
}

static void test_a_blit_is_on_the_screen(void **state)
{
	char command[200], header[16] = "";
	uint8_t pixels[3];
	FILE *picture;

	(void)state;
	start();
	set_mode();
	fill(0, 0, WIDTH, HEIGHT, 0);
	fill(100, 50, 17, 9, 1);
	assert_int_equal(qguest_readb(&guest, FRAME_BUFFER + 58 * WIDTH + 116), 1);
	assert_int_equal(qguest_readb(&guest, FRAME_BUFFER + 58 * WIDTH + 117), 0);
	snprintf(command, sizeof(command),
		 "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"%s\"}}",
		 qguest_path(&guest, "picture.ppm"));
	qguest_qmp(&guest, command);
	picture = fopen(qguest_path(&guest, "picture.ppm"), "rb");
	assert_non_null(picture);
	assert_int_equal(fread(header, 1, 15, picture), 15);
	assert_string_equal(header, "P6\n640 480\n255\n");
	assert_int_equal(fseek(picture, 15 + 3 * (50 * WIDTH + 100), SEEK_SET), 0);
	assert_int_equal(fread(pixels, 1, 3, picture), 3);
	assert_int_equal(pixels[0], 0x55);
	assert_int_equal(pixels[1], 0xaa);
	assert_int_equal(pixels[2], 0xff);
	fclose(picture);
	qguest_stop(&guest);
}

/* The frame buffer is data for the blitter and memory again, on the board's own map. */
static void test_data_from_the_processor(void **state)
{
	static const uint8_t line[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t back[8];

	(void)state;
	start();
	set_mode();
	fill(0, 0, WIDTH, HEIGHT, 0);
	qguest_writel(&guest, BLT + 0x08, 7);
	qguest_writel(&guest, BLT + 0x10, 0x1000);
	qguest_writeb(&guest, BLT + 0x18, 0x04);
	qguest_writeb(&guest, BLT + 0x1b, 0);
	qguest_writeb(&guest, BLT + 0x40, 0x02);
	assert_int_equal(qguest_readb(&guest, BLT + 0x40), 0x13);
	qguest_write(&guest, FRAME_BUFFER, line, sizeof(line));
	assert_int_equal(qguest_readb(&guest, BLT + 0x40), 0);
	qguest_read(&guest, FRAME_BUFFER + 0x1000, back, sizeof(back));
	assert_memory_equal(back, line, sizeof(line));
	for (unsigned i = 0; i < 100; i++)
		qguest_writeb(&guest, FRAME_BUFFER + 0x2000 + i, i);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(qguest_readb(&guest, FRAME_BUFFER + 0x2000 + i), i);
	assert_int_equal(qguest_readb(&guest, FRAME_BUFFER), 0);
	qguest_stop(&guest);
}

static void test_reset(void **state)
{
	(void)state;
	start();
	set_mode();
	qguest_qmp(&guest, "{\"execute\":\"system_reset\"}");
	qguest_qmp_event(&guest, "RESET");
	qguest_outb(&guest, SEQUENCER, 6);
	assert_int_equal(qguest_inb(&guest, SEQUENCER + 1), 0x0f);
	assert_int_equal(qguest_pci_read(&guest, SLOT, 0, PCI_COMMAND) & 3, 0);
	qguest_stop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_a_blit_is_on_the_screen),
		cmocka_unit_test(test_data_from_the_processor),
		cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

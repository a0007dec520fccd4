// SPDX-License-Identifier: GPL-2.0-or-later
/* The firmware configuration port, register by register, as SeaBIOS, OVMF and Linux drive it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/err.h"
#include "bus/io.h"
#include "hw/debug_port.h"
#include "hw/fw_cfg.h"

enum {
	RAM_SIZE = 1 << 16,
	COMMAND = 0x100, /* where tests put DMA commands */
	TARGET = 0x1000,
	KEY_ABSENT = 0x1234,
};

struct bench {
	struct fw_cfg fw;
	struct io_space ports;
	struct ram ram;
	uint8_t memory[RAM_SIZE];
};

static void *map(void *opaque, uint64_t gpa, size_t *length, bool write)
{
	struct bench *bench = opaque;

	(void)write;
	if (gpa >= RAM_SIZE)
		return NULL;
	if (*length > RAM_SIZE - gpa)
		*length = RAM_SIZE - gpa;
	return bench->memory + gpa;
}

static void unmap(void *opaque, void *host, size_t length, size_t written)
{
	(void)opaque;
	(void)host;
	(void)length;
	(void)written;
}

static const struct ram_ops ram_ops = { map, unmap };

static int set_up(void **state)
{
	static struct bench bench;

	memset(&bench, 0, sizeof(bench));
	bench.ram = (struct ram){ .ops = &ram_ops, .opaque = &bench, .low_bytes = RAM_SIZE };
	io_space_init(&bench.ports, "ports", 0x10000);
	assert_int_equal(fw_cfg_init(&bench.fw, &bench.ports, &bench.ram), 0);
	*state = &bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	io_unmap(&bench->fw.window);
	io_space_finish(&bench->ports);
	return 0;
}

static void select_key(struct bench *bench, unsigned key)
{
	io_write(&bench->ports, FW_CFG_PORT, key, 2);
}

static uint8_t next_byte(struct bench *bench)
{
	return (uint8_t)io_read(&bench->ports, FW_CFG_PORT + FW_CFG_DATA, 1);
}

/** Starts a DMA command; the control word that it leaves. */
static uint32_t dma(struct bench *bench, uint32_t control, uint32_t length, uint64_t address)
{
	uint8_t *command = bench->memory + COMMAND;

	store_be32(command, control);
	store_be32(command + 4, length);
	store_be64(command + 8, address);
	io_write(&bench->ports, FW_CFG_PORT + FW_CFG_DMA_HIGH, 0, 4);
	io_write(&bench->ports, FW_CFG_PORT + FW_CFG_DMA_LOW, __builtin_bswap32(COMMAND), 4);
	return load_be32(command);
}

static void test_signature(void **state)
{
	struct bench *bench = *state;

	select_key(bench, FW_CFG_SIGNATURE);
	for (const char *s = "QEMU"; *s; s++)
		assert_int_equal(next_byte(bench), *s);
	assert_int_equal(next_byte(bench), 0);
	select_key(bench, FW_CFG_ID);
	assert_int_equal(next_byte(bench), 3);
	assert_int_equal(next_byte(bench), 0);
}

static void test_dma_signature(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(io_read(&bench->ports, FW_CFG_PORT + FW_CFG_DMA_HIGH, 4),
			 load_le32("QEMU"));
	assert_int_equal(io_read(&bench->ports, FW_CFG_PORT + FW_CFG_DMA_LOW, 4),
			 load_le32(" CFG"));
}

static void test_unknown_key_reads_zeros(void **state)
{
	struct bench *bench = *state;

	select_key(bench, KEY_ABSENT);
	assert_int_equal(next_byte(bench), 0);
	select_key(bench, 0xffff);
	assert_int_equal(next_byte(bench), 0);
	select_key(bench, FW_CFG_FILE_FIRST);
	assert_int_equal(next_byte(bench), 0);
}

static void test_selecting_rewinds_and_write_channel_is_ignored(void **state)
{
	struct bench *bench = *state;

	select_key(bench, FW_CFG_SIGNATURE);
	next_byte(bench);
	next_byte(bench);
	select_key(bench, FW_CFG_SIGNATURE | FW_CFG_WRITE_CHANNEL);
	assert_int_equal(next_byte(bench), 'Q');
	io_write(&bench->ports, FW_CFG_PORT + FW_CFG_DATA, 0x55, 1);
	assert_int_equal(next_byte(bench), 'E');
	/* A byte to the selector selects nothing. */
	io_write(&bench->ports, FW_CFG_PORT, FW_CFG_ID, 1);
	assert_int_equal(next_byte(bench), 'M');
}

static void test_directory(void **state)
{
	struct bench *bench = *state;
	uint8_t bytes[4 + 2 * 64 + 4];
	char long_name[57];
	struct err err = { "" };

	assert_int_equal(fw_cfg_set_file(&bench->fw, "etc/one", "1", 1, &err), 0);
	assert_int_equal(fw_cfg_set_file(&bench->fw, "bootorder", "long", 5, &err), 0);
	select_key(bench, FW_CFG_FILE_DIR);
	io_read_block(&bench->ports, FW_CFG_PORT + FW_CFG_DATA, bytes, 1, sizeof(bytes));
	assert_int_equal(load_be32(bytes), 2);
	assert_int_equal(load_be32(bytes + 4), 1);
	assert_int_equal(load_be16(bytes + 8), FW_CFG_FILE_FIRST);
	assert_string_equal((char *)bytes + 12, "etc/one");
	assert_int_equal(load_be32(bytes + 68), 5);
	assert_int_equal(load_be16(bytes + 72), FW_CFG_FILE_FIRST + 1);
	assert_int_equal(load_be16(bytes + 74), 0);
	assert_string_equal((char *)bytes + 76, "bootorder");
	assert_int_equal(load_be32(bytes + 132), 0);

	/* New data under the old key. */
	assert_int_equal(fw_cfg_set_file(&bench->fw, "etc/one", "xy", 2, &err), 0);
	select_key(bench, FW_CFG_FILE_FIRST);
	assert_int_equal(next_byte(bench), 'x');
	assert_int_equal(next_byte(bench), 'y');
	assert_int_equal(next_byte(bench), 0);

	memset(long_name, 'n', 56);
	long_name[56] = 0;
	assert_int_equal(fw_cfg_set_file(&bench->fw, long_name, "", 0, &err), -ENAMETOOLONG);
	assert_string_not_equal(err.text, "");
	long_name[55] = 0;
	assert_int_equal(fw_cfg_set_file(&bench->fw, long_name, "", 0, &err), 0);
}

static void test_files_have_a_limit(void **state)
{
	struct bench *bench = *state;
	char name[8] = "f00";

	for (unsigned i = 0; i < FW_CFG_MAX_FILES; i++) {
		name[1] = (char)('0' + i / 10);
		name[2] = (char)('0' + i % 10);
		assert_int_equal(fw_cfg_set_file(&bench->fw, name, name, 1, NULL), 0);
	}
	assert_int_equal(fw_cfg_set_file(&bench->fw, "other", "", 0, NULL), -ENOSPC);
	assert_int_equal(fw_cfg_set_file(&bench->fw, "f00", "", 0, NULL), 0);
	for (uint16_t key = 0x800; key < 0x800 + FW_CFG_MAX_KEYS - 2; key++)
		assert_int_equal(fw_cfg_set_key(&bench->fw, key, "", 0), 0);
	assert_int_equal(fw_cfg_set_key(&bench->fw, 0x900, "", 0), -ENOSPC);
}

static void test_block_crosses_the_end(void **state)
{
	struct bench *bench = *state;
	uint8_t bytes[8];

	fw_cfg_set_key(&bench->fw, FW_CFG_UUID, "abcdef", 6);
	select_key(bench, FW_CFG_UUID);
	next_byte(bench);
	io_read_block(&bench->ports, FW_CFG_PORT + FW_CFG_DATA, bytes, 1, sizeof(bytes));
	assert_memory_equal(bytes, "bcdef\0\0\0", 8);
	assert_int_equal(bench->fw.state.offset, 6);
}

static void test_peek_changes_nothing(void **state)
{
	struct bench *bench = *state;

	select_key(bench, FW_CFG_SIGNATURE);
	assert_int_equal(io_peek(&bench->ports, FW_CFG_PORT + FW_CFG_DATA, 1), 'Q');
	assert_int_equal(next_byte(bench), 'Q');
}

static void test_dma_reads_select_and_continue(void **state)
{
	struct bench *bench = *state;
	uint8_t *target = bench->memory + TARGET;

	fw_cfg_set_key(&bench->fw, FW_CFG_UUID, "0123456789", 10);
	memset(target, 0xee, 32);
	assert_int_equal(
		dma(bench, FW_CFG_UUID << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, 3, TARGET), 0);
	assert_memory_equal(target, "012\xee", 4);
	assert_int_equal(dma(bench, FW_CFG_DMA_SKIP, 2, 0), 0);
	assert_int_equal(dma(bench, FW_CFG_DMA_READ, 12, TARGET), 0);
	assert_memory_equal(target, "56789\0\0\0\0\0\0\0\xee", 13);
	/* Skipping stops at the end. */
	assert_int_equal(dma(bench, FW_CFG_DMA_SKIP, UINT32_MAX, 0), 0);
	assert_int_equal(bench->fw.state.offset, 10);
	/* Reading wins over skipping; nothing to do is no error. */
	assert_int_equal(
		dma(bench,
		    FW_CFG_SIGNATURE << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ | FW_CFG_DMA_SKIP,
		    4, TARGET),
		0);
	assert_memory_equal(target, "QEMU", 4);
	assert_int_equal(dma(bench, 0, 4, TARGET), 0);
	/* An unknown item is zeros. */
	assert_int_equal(dma(bench,
			     (uint32_t)KEY_ABSENT << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, 4,
			     TARGET),
			 0);
	assert_memory_equal(target, "\0\0\0\0", 4);
}

static void test_dma_errors(void **state)
{
	struct bench *bench = *state;
	uint32_t read = FW_CFG_DMA_SELECT | FW_CFG_DMA_READ;

	assert_int_equal(dma(bench, FW_CFG_DMA_WRITE, 4, TARGET), FW_CFG_DMA_ERROR);
	assert_int_equal(dma(bench, read, 4, RAM_SIZE), FW_CFG_DMA_ERROR);
	assert_int_equal(dma(bench, read, 8, RAM_SIZE - 4), FW_CFG_DMA_ERROR);
	assert_int_equal(dma(bench, read, 16, UINT64_MAX - 4), FW_CFG_DMA_ERROR);
	assert_int_equal(dma(bench, read, UINT32_MAX, TARGET), FW_CFG_DMA_ERROR);
	/* A command outside of RAM goes nowhere. */
	io_write(&bench->ports, FW_CFG_PORT + FW_CFG_DMA_LOW, __builtin_bswap32(RAM_SIZE * 2), 4);
	/* The address register is cleared by each command, and narrower writes do nothing. */
	assert_int_equal(bench->fw.state.dma_address, 0);
	io_write(&bench->ports, FW_CFG_PORT + FW_CFG_DMA_LOW, 1, 2);
	assert_int_equal(bench->fw.state.dma_address, 0);
	io_write(&bench->ports, FW_CFG_PORT + FW_CFG_DMA_HIGH, __builtin_bswap32(0x12345678), 4);
	assert_true(bench->fw.state.dma_address == UINT64_C(0x1234567800000000));
}

static void test_dma_may_overwrite_its_command(void **state)
{
	struct bench *bench = *state;

	fw_cfg_set_key(&bench->fw, FW_CFG_UUID, "0123456789abcdef", 16);
	assert_int_equal(
		dma(bench, FW_CFG_UUID << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, 16, COMMAND),
		0);
	assert_memory_equal(bench->memory + COMMAND + 4, "456789abcdef", 12);
}

static void test_state(void **state)
{
	struct bench *bench = *state;
	const struct device_class *class = bench->fw.device.class;

	assert_int_equal(state_find_gap(class->table), -1);
	select_key(bench, FW_CFG_ID);
	next_byte(bench);
	class->reset(&bench->fw);
	assert_int_equal(next_byte(bench), 'Q');
	/* Loaded: a key that this host does not have, an offset far behind the end, and a key that
	 * cannot be. */
	bench->fw.state.key = KEY_ABSENT;
	bench->fw.state.offset = UINT32_MAX;
	assert_int_equal(class->after_load(&bench->fw, NULL), 0);
	assert_int_equal(next_byte(bench), 0);
	bench->fw.state.key = FW_CFG_SIGNATURE;
	assert_int_equal(class->after_load(&bench->fw, NULL), 0);
	assert_int_equal(next_byte(bench), 0);
	assert_int_equal(dma(bench, FW_CFG_DMA_SKIP, 1, 0), 0);
	bench->fw.state.key = FW_CFG_WRITE_CHANNEL;
	assert_int_equal(class->after_load(&bench->fw, NULL), -EINVAL);
}

struct capture {
	struct chr chr;
	char text[64];
	size_t length;
};

static size_t capture_write(struct chr *chr, const void *bytes, size_t count)
{
	struct capture *capture = (struct capture *)chr;

	memcpy(capture->text + capture->length, bytes, count);
	capture->length += count;
	return count;
}

static void test_debug_port(void **state)
{
	static const struct chr_ops ops = { .write = capture_write };
	struct bench *bench = *state;
	struct capture capture = { .chr = { .ops = &ops, .open = true } };
	struct debug_port port;

	assert_int_equal(debug_port_init(&port, &bench->ports, DEBUG_PORT, &capture.chr), 0);
	assert_int_equal(io_read(&bench->ports, DEBUG_PORT, 1), DEBUG_PORT_PRESENT);
	io_write(&bench->ports, DEBUG_PORT, 'a', 1);
	io_write_block(&bench->ports, DEBUG_PORT, "bcd", 1, 3);
	assert_memory_equal(capture.text, "abcd", 5);
	io_unmap(&port.window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signature, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dma_signature, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_key_reads_zeros, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_selecting_rewinds_and_write_channel_is_ignored,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files_have_a_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_block_crosses_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_peek_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dma_reads_select_and_continue, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_dma_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dma_may_overwrite_its_command, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_debug_port, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

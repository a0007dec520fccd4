// SPDX-License-Identifier: GPL-2.0-or-later
/* Recipes: words and quotes, values, rules, and what is wrong with a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "tools/recipe.h"

static const char *word(const struct recipe_step *step, size_t index)
{
	assert_true(index < step->words.count);
	return step->words.items[index];
}

static void steps_and_words(void **state)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "expect \"^login: $\"   # the prompt\n"
				   "type \"root\\n\\\"x\\\"\"\n"
				   "type 'a\\n $b'\n"
				   "key ctrl-alt-f2 enter\r\n"
				   "type one' two'\"\"";
	struct recipe recipe;

	(void)state;
	assert_int_equal(recipe_parse(&recipe, "test", text, NULL, NULL), 0);
	assert_int_equal(recipe.step_count, 5);
	assert_int_equal(recipe.steps[0].line, 3);
	assert_int_equal(recipe.steps[0].words.count, 2);
	assert_string_equal(word(&recipe.steps[0], 1), "^login: $");
	assert_string_equal(word(&recipe.steps[1], 1), "root\n\"x\"");
	assert_string_equal(word(&recipe.steps[2], 1), "a\\n $b");
	assert_string_equal(word(&recipe.steps[3], 2), "enter");
	assert_string_equal(word(&recipe.steps[4], 1), "one two");
	recipe_finish(&recipe);
}

static void values_are_put_in(void **state)
{
	struct words values = { 0 };
	struct recipe recipe;
	struct err err;

	(void)state;
	words_add(&values, "user=joe b");
	words_add(&values, "empty=");
	assert_int_equal(recipe_parse(&recipe, "test", "type \"$user:$empty\\$5\"\ntype $user",
				      &values, NULL),
			 0);
	assert_string_equal(word(&recipe.steps[0], 1), "joe b:$5");
	assert_string_equal(word(&recipe.steps[1], 1), "joe b");
	recipe_finish(&recipe);
	assert_true(recipe_parse(&recipe, "test", "type x\ntype $users", &values, &err) < 0);
	assert_string_equal(err.text, "test: line 2: $users has no value: give --set users=TEXT");
	words_finish(&values);
}

static void rules_stand_beside_steps(void **state)
{
	static const char text[] = "watch \"Press any key\" key spc\n"
				   "fail-on --serial panic \"the kernel died\"\n"
				   "wait shutdown\n";
	struct recipe recipe;

	(void)state;
	assert_int_equal(recipe_parse(&recipe, "test", text, NULL, NULL), 0);
	assert_int_equal(recipe.step_count, 1);
	assert_int_equal(recipe.rule_count, 2);
	assert_string_equal(recipe.rules[0].pattern, "Press any key");
	assert_false(recipe.rules[0].serial);
	assert_string_equal(word(&recipe.rules[0].step, 0), "key");
	assert_true(recipe.rules[1].serial);
	assert_true(recipe.rules[1].is_failure);
	assert_string_equal(word(&recipe.rules[1].step, 0), "the kernel died");
	recipe_finish(&recipe);
}

static void what_is_wrong_is_said(void **state)
{
	static const char *const rows[][2] = {
		{ "expct x", "line 1: there is no step 'expct', did you mean 'expect'?" },
		{ "expect", "line 1: it is 'expect REGEX'" },
		{ "type a b", "line 1: it is 'type TEXT'" },
		{ "type \"a", "line 1: a quote is not closed" },
		{ "watch x", "line 1: it is 'watch [--serial] REGEX STEP...'" },
		{ "watch x jump", "line 1: there is no step 'jump'" },
		{ "fail-on --serial x", "line 1: it is 'fail-on [--serial] REGEX REASON'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct recipe recipe;
		struct err err;

		assert_true(recipe_parse(&recipe, "r", rows[i][0], NULL, &err) < 0);
		assert_int_equal(strncmp(err.text, "r: ", 3), 0);
		assert_non_null(strstr(err.text, rows[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_and_words),
		cmocka_unit_test(values_are_put_in),
		cmocka_unit_test(rules_stand_beside_steps),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Hitless change. A reader that may have cached any mixture of words that ever stood in memory
 * between two SYNCs is tried in full: whatever it puts together must mean the old configuration,
 * the new one, or nothing. And the number of SYNCs is exact.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../../pmd/smmuv3/smmuv3.h"

static _Atomic uint64_t mem[ENTRY_WORDS];
/* All values that each word had since the last SYNC but one: what may be cached. */
static uint64_t hist[ENTRY_WORDS][8];
static unsigned int nhist[ENTRY_WORDS];
static uint64_t from[ENTRY_WORDS], to[ENTRY_WORDS];
static void (*used_fn)(const uint64_t *, uint64_t *);
static uint64_t v_bit;
static unsigned int syncs, fail_at;
static bool invalid_seen;

static bool
means(const uint64_t *e, const uint64_t *config)
{
	uint64_t ue[ENTRY_WORDS], uc[ENTRY_WORDS];

	used_fn(e, ue);
	used_fn(config, uc);
	for (unsigned int i = 0; i < ENTRY_WORDS; i++)
		if (ue[i] != uc[i] || (e[i] & ue[i]) != (config[i] & uc[i]))
			return false;
	return true;
}

static void
try_all(uint64_t *e, unsigned int word)
{
	if (word == ENTRY_WORDS) {
		if ((e[0] & v_bit) == 0)
			invalid_seen = true;
		else
			assert_true(means(e, from) || means(e, to));
		return;
	}
	for (unsigned int i = 0; i < nhist[word]; i++) {
		e[word] = hist[word][i];
		try_all(e, word + 1);
	}
}

static int
on_sync(void *arg)
{
	uint64_t e[ENTRY_WORDS];

	(void)arg;
	for (unsigned int i = 0; i < ENTRY_WORDS; i++)
		if (hist[i][nhist[i] - 1] != mem[i])
			hist[i][nhist[i]++] = mem[i];
	try_all(e, 0);
	/* After the SYNC only what stands in memory now. */
	for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
		hist[i][0] = mem[i];
		nhist[i] = 1;
	}
	return ++syncs == fail_at ? -ETIMEDOUT : 0;
}

/* @return SYNCs needed; *hitless: never invalid on the way. */
static unsigned int
change(const uint64_t *a, const uint64_t *b, bool *hitless)
{
	struct entry_ops ops = { used_fn, on_sync, v_bit, NULL };

	memcpy(from, a, sizeof(from));
	memcpy(to, b, sizeof(to));
	for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
		mem[i] = a[i];
		hist[i][0] = a[i];
		nhist[i] = 1;
	}
	syncs = 0;
	invalid_seen = false;
	assert_int_equal(entry_write(mem, b, &ops), 0);
	for (unsigned int i = 0; i < ENTRY_WORDS; i++)
		assert_int_equal(mem[i], b[i]);
	*hitless = !invalid_seen;
	return syncs;
}

static int
setup(void **state)
{
	(void)state;
	used_fn = ste_used;
	v_bit = 1;
	fail_at = 0;
	return 0;
}

static void
stream_table_entries(void **state)
{
	uint64_t none[8] = { 0 }, abort_[8], bypass[8], s1a[8], s1b[8];
	bool hitless;

	(void)state;
	ste_abort(abort_);
	ste_bypass(bypass);
	ste_s1(s1a, 0x40001000);
	ste_s1(s1b, 0x40002040);

	assert_int_equal(change(s1a, s1a, &hitless), 0);
	/* Only the pointer: one store, one SYNC, never a gap. */
	assert_int_equal(change(s1a, s1b, &hitless), 1);
	assert_true(hitless);
	assert_int_equal(change(abort_, bypass, &hitless), 1);
	assert_true(hitless);
	assert_int_equal(change(bypass, abort_, &hitless), 1);
	assert_true(hitless);
	/* Attributes first (ignored so far), then Config and pointer. */
	assert_int_equal(change(abort_, s1a, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(bypass, s1a, &hitless), 2);
	assert_true(hitless);
	/* Config first, then what nobody looks at any more. */
	assert_int_equal(change(s1a, abort_, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(s1a, bypass, &hitless), 2);
	assert_true(hitless);
	/* From and to nothing. */
	assert_int_equal(change(none, s1a, &hitless), 2);
	assert_int_equal(change(s1a, none, &hitless), 2);
	assert_int_equal(change(none, abort_, &hitless), 2);
}

/* As many as Linux's own tests of the same changes expect. */
static void
stage_2_entries(void **state)
{
	const struct sluice_hwdom hd = { 0x40002000, SLUICE_FORMAT_LPAE_S2_4K, 40, 1 };
	uint64_t abort_[8], bypass[8], s1[8], s2a[8], s2b[8], na[8], nb[8], words[2];
	bool hitless;

	(void)state;
	ste_abort(abort_);
	ste_bypass(bypass);
	ste_s1(s1, 0x40001000);
	ste_s2_words(words, &hd, 4, 7);
	ste_s2(s2a, words);
	ste_nested(na, 0x40001000, words);
	ste_nested(nb, 0x40001040, words);
	ste_s2_words(words, &hd, 4, 8);
	ste_s2(s2b, words);
	assert_int_equal(change(abort_, s2a, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(s2a, abort_, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(bypass, s2a, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(s2a, bypass, &hitless), 2);
	assert_true(hitless);
	/* The VMID is looked at by both, and is another word than Config. */
	assert_int_equal(change(s1, s2a, &hitless), 3);
	assert_false(hitless);
	assert_int_equal(change(s2a, s1, &hitless), 3);
	assert_false(hitless);
	/* Only the VMID: one word. */
	assert_int_equal(change(s2a, s2b, &hitless), 1);
	assert_true(hitless);
	/* A stage 1 comes over a stage 2, is replaced by another, and goes. */
	assert_int_equal(change(s2a, na, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(na, nb, &hitless), 1);
	assert_true(hitless);
	assert_int_equal(change(na, s2a, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(na, abort_, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(abort_, na, &hitless), 2);
	assert_true(hitless);
	assert_int_equal(change(s1, na, &hitless), 3);
	assert_false(hitless);
}

static void
several_critical_words_break(void **state)
{
	uint64_t a[8], b[8];
	bool hitless;

	(void)state;
	ste_s1(a, 0x40001000);
	ste_s1(b, 0x40002000);
	b[1] &= ~UINT64_C(0xfc); /* S1CIR, S1COR, S1CSH */
	assert_int_equal(change(a, b, &hitless), 3);
	assert_false(hitless);
}

static void
context_descriptors(void **state)
{
	uint64_t none[8] = { 0 }, a[8], b[8], c[8];
	bool hitless;

	(void)state;
	used_fn = cd_used;
	v_bit = UINT64_C(1) << 31;
	cd_s1(a, 0x40001000, 48, 0, 4, 7);
	cd_s1(b, 0x40002000, 48, 0, 4, 7);
	cd_s1(c, 0x40002000, 48, 0, 4, 8);
	assert_int_equal(change(a, b, &hitless), 1);
	assert_true(hitless);
	assert_int_equal(change(a, c, &hitless), 3); /* TTB0 and ASID: two words */
	assert_false(hitless);
	assert_int_equal(change(none, a, &hitless), 2);
}

static void
failure_is_told(void **state)
{
	uint64_t a[8], b[8];
	struct entry_ops ops = { used_fn, on_sync, v_bit, NULL };
	bool hitless;

	(void)state;
	ste_abort(a);
	ste_s1(b, 0x40001000);
	change(a, a, &hitless);
	memcpy(to, b, sizeof(to));
	fail_at = 1;
	assert_int_equal(entry_write(mem, b, &ops), -ETIMEDOUT);
	assert_int_equal(mem[0], a[0]); /* not yet switched */
	syncs = 0;
	fail_at = 2;
	assert_int_equal(entry_write(mem, b, &ops), 0);
	assert_int_equal(syncs, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(stream_table_entries, setup),
		cmocka_unit_test_setup(stage_2_entries, setup),
		cmocka_unit_test_setup(several_critical_words_break, setup),
		cmocka_unit_test_setup(context_descriptors, setup),
		cmocka_unit_test_setup(failure_is_told, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

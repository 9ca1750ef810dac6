/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * error.c: each thread has its own last error, errno and text agree, long texts are cut, an
 * error may quote the one before.
 */
#include <pthread.h>

#include "rig.h"

static void
empty_at_first(void **state)
{
	(void)state;
	assert_string_equal(sluice_error(), "");
}

static void
fail_sets_both(void **state)
{
	(void)state;
	rte_errno = 0;
	assert_int_equal(sluice_fail(EINVAL, "ring %u: a power of two", 7u), -EINVAL);
	assert_int_equal(rte_errno, EINVAL);
	assert_string_equal(sluice_error(), "ring 7: a power of two");
	assert_int_equal(sluice_fail(ENOMEM, "second"), -ENOMEM);
	assert_string_equal(sluice_error(), "second");
}

static void
long_text_is_cut(void **state)
{
	char big[1000];

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	sluice_fail(EIO, "%s", big);
	assert_true(strlen(sluice_error()) >= 100 && strlen(sluice_error()) < sizeof(big) - 1);
	assert_int_equal(sluice_error()[0], 'x');
}

static void
text_is_one_line(void **state)
{
	(void)state;
	sluice_fail(EINVAL, "key '%s'", "a\nb\r\x1b[7m\x7f\t\xc3\xa9");
	assert_string_equal(sluice_error(), "key 'a?b??[7m??\xc3\xa9'");
}

/* The last error may be quoted in the next one, at any place of it. */
static void
an_error_quotes_the_one_before(void **state)
{
	(void)state;
	sluice_fail(ETIMEDOUT, "CR0ACK stays 0xd");
	assert_int_equal(sluice_fail(EIO, "the hardware cannot be stopped (%s), close it", sluice_error()),
			 -EIO);
	assert_int_equal(rte_errno, EIO);
	assert_string_equal(sluice_error(), "the hardware cannot be stopped (CR0ACK stays 0xd), close it");
	sluice_fail(EIO, "%s: once more", sluice_error());
	assert_string_equal(sluice_error(),
			    "the hardware cannot be stopped (CR0ACK stays 0xd), close it: once more");
}

static void *
other_thread(void *arg)
{
	bool *was_empty = arg;

	*was_empty = sluice_error()[0] == '\0';
	sluice_fail(EBUSY, "other");
	return NULL;
}

static void
threads_do_not_share(void **state)
{
	bool was_empty = false;
	pthread_t t;

	(void)state;
	sluice_fail(EIO, "mine");
	assert_int_equal(pthread_create(&t, NULL, other_thread, &was_empty), 0);
	pthread_join(t, NULL);
	assert_true(was_empty);
	assert_string_equal(sluice_error(), "mine");
}

static void
version_has_three_numbers(void **state)
{
	unsigned int a, b, c;
	char more;

	(void)state;
	assert_int_equal(sscanf(sluice_version(), "%u.%u.%u%c", &a, &b, &c, &more), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_at_first),
		cmocka_unit_test(fail_sets_both),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(text_is_one_line),
		cmocka_unit_test(an_error_quotes_the_one_before),
		cmocka_unit_test(threads_do_not_share),
		cmocka_unit_test(version_has_three_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Opening the source "qtest": what its keys may say, and QEMUs that are missing, too old, none at
 * all, or end too early. Scripts stand in for QEMU.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../pmd/regs/pci.h"
#include "../eal.h"

static char folder[] = "/tmp/sluice-qtest-XXXXXX";
static char fake[64], args_file[64];

#define VERSION                                                                                    \
	"[ \"$1\" = --version ] && { echo 'QEMU emulator version 7.2.22 (Debian 1)'; exit; }\n"

static void
write_fake(const char *body)
{
	FILE *f = fopen(fake, "we");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", body);
	fclose(f);
	assert_int_equal(chmod(fake, 0755), 0);
}

static int
try(struct sluice_regs *r, const char *keys)
{
	char args[160];
	struct rte_kvargs *kv;
	int ret;

	snprintf(args, sizeof(args), "regs=qtest,timeout_ms=2000,qemu=%s%s", fake, keys);
	kv = rte_kvargs_parse(args, NULL);
	assert_non_null(kv);
	ret = sluice_regs_open(r, kv, NULL);
	rte_kvargs_free(kv);
	return ret;
}

static void
test_mistakes(void **state)
{
	static const char *const t[] = { "mem_mb=7", "mem_mb=513", "edu=25", "edu=-1", "testdev=2",
					 "timeout_ms=0", "timeout_ms=x", "colour=red" };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		char args[64];
		struct rte_kvargs *kv;
		struct sluice_regs r;

		snprintf(args, sizeof(args), "regs=qtest,%s", t[i]);
		kv = rte_kvargs_parse(args, NULL);
		assert_int_equal(sluice_regs_open(&r, kv, NULL), -EINVAL);
		assert_non_null(strstr(sluice_error(), i < 7 ? t[i] : "colour"));
		rte_kvargs_free(kv);
	}
}

static void
test_bad_qemus(void **state)
{
	static const struct {
		const char *body, *says[2];
	} t[] = {
		{ "exit 3", { "version", "gone" } },
		{ "sleep 100", { "version", "does not answer" } },
		{ "echo 'QEMU emulator version 6.2.0 (Debian)'", { "6.2.0", "7.0 or later" } },
		{ "echo 'GNU bash, version 5'", { "no QEMU", "GNU bash" } },
		{ "echo 'QEMU emulator version x.y'", { "no QEMU", "x.y" } },
		{ VERSION "echo \"$0: 'edu' is not a valid device\" >&2; exit 1",
		  { "gone", "'edu' is" } },
		{ VERSION "echo What; sleep 100", { "garbage", "What" } },
		{ VERSION "sleep 100", { "does not answer", "" } },
		{ VERSION "yes 'IRQ raise 1'", { "does not answer", "" } },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct sluice_regs r;

		write_fake(t[i].body);
		assert_int_equal(try(&r, ",timeout_ms=200"), -EINVAL); /* twice */
		char args[128];
		struct rte_kvargs *kv;

		snprintf(args, sizeof(args), "regs=qtest,timeout_ms=300,qemu=%s", fake);
		kv = rte_kvargs_parse(args, NULL);
		assert_int_equal(sluice_regs_open(&r, kv, NULL), -ENODEV);
		rte_kvargs_free(kv);
		for (int k = 0; k < 2; k++)
			if (strstr(sluice_error(), t[i].says[k]) == NULL)
				fail_msg("'%s': '%s'", t[i].body, sluice_error());
		assert_non_null(strstr(sluice_error(), fake));
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		sluice_regs_close(&r);
	}
	unlink(fake);
	struct sluice_regs r;

	assert_int_equal(try(&r, ""), -ENODEV);
	assert_non_null(strstr(sluice_error(), "No such file"));
}

static char *
read_args(void)
{
	static char text[4096];
	FILE *f = fopen(args_file, "re");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* A machine that answers, until it ends: who is asked then learns of it. */
static void
test_end_of_life(void **state)
{
	char body[512];
	struct sluice_regs r;
	struct sluice_mem_span span;
	struct sluice_xstat xs[2];
	struct sluice_pci p;

	(void)state;
	snprintf(body, sizeof(body), VERSION "echo \"$@\" > %s; n=0\n"
		 "while [ $n -lt 4 ] && read a b c; do n=$((n+1)); echo \"OK 0x12345678$n\"; done\n"
		 "echo last words >&2; exit 1", args_file);
	write_fake(body);
	assert_int_equal(try(&r, ",mem_mb=8,edu=2,testdev=1"), 0);
	assert_null(r.base);
	assert_null(sluice_regs_lost(&r));
	assert_non_null(strstr(read_args(), "edu,dma_mask=0xffffffffffffffff "
					    "-device edu,dma_mask"));
	assert_non_null(strstr(read_args(), "-device iommu-testdev"));
	assert_non_null(strstr(read_args(), "-device loader"));
	assert_null(strstr(read_args(), "-S"));
	assert_non_null(strstr(r.settings, "version=7.2.22,mem_mb=8,edu=2,testdev=1,qemu=/tmp/"));
	span = sluice_mem_span(r.mem);
	assert_int_equal(span.pa, 0x40200000);
	assert_int_equal(span.len, 6u << 20);
	span.va[0] = 1;
	span.va[span.len - 1] = 1;
	assert_int_equal(regs_read32(&r, 0), 0x23456782);
	assert_true(regs_read64(&r, 0) == UINT64_C(0x123456783));
	regs_write32(&r, 0x20, 1);
	assert_null(sluice_regs_lost(&r));
	assert_true(regs_read64(&r, 0) == UINT64_MAX);
	assert_int_equal(regs_read32(&r, 0), UINT32_MAX);
	regs_write64(&r, 0x80, 1);
	assert_non_null(strstr(sluice_regs_lost(&r), "last words"));
	assert_int_equal(r.ops->pci_open(&r, 0x1234, 0x11e8, 0, &p, NULL), -ENODEV);
	assert_non_null(strstr(sluice_error(), "last words"));
	assert_int_equal(r.ops->xstats(&r, xs, 2), 2);
	assert_int_equal(xs[0].value, 5);
	assert_int_equal(xs[1].value, 1);
	sluice_regs_close(&r);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	/* Without edu nothing needs a clock. */
	assert_int_equal(try(&r, ",edu=0"), 0);
	assert_non_null(strstr(read_args(), " -S"));
	assert_null(strstr(read_args(), "-device"));
	sluice_regs_close(&r);
}

static int
clean_up(void **state)
{
	(void)state;
	unlink(fake);
	unlink(args_file);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_bad_qemus),
		cmocka_unit_test(test_end_of_life),
	};

	test_eal_init("0");
	if (mkdtemp(folder) == NULL)
		return 99;
	snprintf(fake, sizeof(fake), "%s/qemu", folder);
	snprintf(args_file, sizeof(args_file), "%s/args", folder);
	return cmocka_run_group_tests(tests, NULL, clean_up);
}

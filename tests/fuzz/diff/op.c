/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Cases as text: what --replay reads is what a finding prints. One operation a line, key=value;
 * '#' begins a remark.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

static const char *const names[OP_KINDS] = {
	[OP_STE] = "ste", [OP_CD] = "cd", [OP_L1] = "l1", [OP_MAP] = "map", [OP_DESC] = "desc",
	[OP_RELINK] = "relink", [OP_CMD] = "cmd", [OP_DMA] = "dma", [OP_IDENT] = "ident",
};

/* What a command is called, for people. */
static const char *
cmd_name(uint64_t w0)
{
	switch (smmu_field_get(SMMU_CMD_0_OP, w0)) {
	case SMMU_CMD_CFGI_STE:
		return "CFGI_STE";
	case SMMU_CMD_CFGI_STE_RANGE:
		return "CFGI_STE_RANGE";
	case SMMU_CMD_CFGI_CD:
		return "CFGI_CD";
	case SMMU_CMD_CFGI_CD_ALL:
		return "CFGI_CD_ALL";
	case SMMU_CMD_TLBI_NH_ALL:
		return "TLBI_NH_ALL";
	case SMMU_CMD_TLBI_NH_ASID:
		return "TLBI_NH_ASID";
	case SMMU_CMD_TLBI_NH_VA:
		return "TLBI_NH_VA";
	case SMMU_CMD_TLBI_NH_VAA:
		return "TLBI_NH_VAA";
	case SMMU_CMD_TLBI_S12_VMALL:
		return "TLBI_S12_VMALL";
	case SMMU_CMD_TLBI_S2_IPA:
		return "TLBI_S2_IPA";
	case SMMU_CMD_TLBI_NSNH_ALL:
		return "TLBI_NSNH_ALL";
	case SMMU_CMD_PREFETCH_CONFIG:
	case SMMU_CMD_PREFETCH_ADDR:
		return "PREFETCH";
	default:
		return "illegal";
	}
}

void
op_print(FILE *f, const struct diff_case *c, const struct op *o)
{
	const struct space *s = &c->space[o->space % ALLSPACES];

	fprintf(f, "%s", names[o->kind]);
	switch (o->kind) {
	case OP_STE:
		fprintf(f, " dev=%u x=%#" PRIx64 " y=%#" PRIx64, o->dev, o->x, o->y);
		if (o->z != 0 || o->t0 != -1)
			fprintf(f, " z=%#" PRIx64 " t0=%d", o->z, o->t0);
		break;
	case OP_CD:
		fprintf(f, " dev=%u x=%#" PRIx64 " t0=%d t1=%d", o->dev, o->x, o->t0, o->t1);
		break;
	case OP_L1:
		fprintf(f, " dev=%u", o->dev);
		break;
	case OP_MAP:
	case OP_RELINK:
		fprintf(f, " space=%u level=%u page=%u x=%#" PRIx64 " y=%#" PRIx64, o->space,
			o->level, o->page, o->x, o->y);
		break;
	case OP_DESC:
		fprintf(f, " space=%u level=%u x=%#" PRIx64 " y=%#" PRIx64, o->space, o->level,
			o->x, o->y);
		break;
	case OP_IDENT:
		fprintf(f, " space=%u level=%u y=%#" PRIx64, o->space, o->level, o->y);
		break;
	case OP_CMD:
		fprintf(f, " x=%#" PRIx64 " y=%#" PRIx64 " # %s", o->x, o->y, cmd_name(o->x));
		break;
	case OP_DMA:
		fprintf(f, " dev=%u write=%d x=%#" PRIx64 " len=%u", o->dev, o->write, o->x,
			o->len);
		break;
	}
	if (o->kind == OP_MAP || o->kind == OP_RELINK || o->kind == OP_DESC)
		fprintf(f, " # %u KiB", 4u << 2 * s->gran);
	fputc('\n', f);
}

void
case_print(FILE *f, const struct diff_case *c)
{
	fprintf(f, "case seed=%#" PRIx64 " devs=%u\n", c->seed, c->devs);
	fprintf(f, "emu %s\n", c->emu[0] != '\0' ? c->emu : "-");
	for (unsigned int i = 0; i < SPACES; i++)
		fprintf(f, "space space=%u gran=%u tsz=%u high=%d\n", i, c->space[i].gran,
			c->space[i].tsz, c->space[i].high);
	for (unsigned int i = SPACES; c->s2 && i < ALLSPACES; i++)
		fprintf(f, "s2space space=%u gran=%u tsz=%u level=%u\n", i, c->space[i].gran,
			c->space[i].tsz, c->space[i].start);
	for (unsigned int i = 0; i < c->nb_ops; i++)
		op_print(f, c, &c->op[i]);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct keys {
	uint64_t dev, space, level, page, x, y, z, len, write, gran, tsz, high, seed, devs;
	int64_t t0, t1;
};

static bool
read_keys(char *text, struct keys *k)
{
	const struct {
		const char *name;
		uint64_t *v;
	} at[] = {
		{ "dev", &k->dev }, { "space", &k->space }, { "level", &k->level },
		{ "page", &k->page }, { "x", &k->x }, { "y", &k->y }, { "z", &k->z },
		{ "len", &k->len }, { "write", &k->write }, { "gran", &k->gran }, { "tsz", &k->tsz },
		{ "high", &k->high }, { "seed", &k->seed }, { "devs", &k->devs },
		{ "t0", (uint64_t *)&k->t0 }, { "t1", (uint64_t *)&k->t1 },
	};
	char *save, *word;

	for (word = strtok_r(text, " \t\n", &save); word != NULL;
	     word = strtok_r(NULL, " \t\n", &save)) {
		char *eq = strchr(word, '='), *end;
		size_t i = 0;

		if (word[0] == '#')
			return true;
		if (eq == NULL)
			return false;
		*eq = '\0';
		while (i < sizeof(at) / sizeof(at[0]) && strcmp(at[i].name, word) != 0)
			i++;
		if (i == sizeof(at) / sizeof(at[0]))
			return false;
		*at[i].v = strtoull(eq + 1, &end, 0);
		if (*end != '\0' || end == eq + 1)
			return false;
	}
	return true;
}

/* Limits, so that a case written by hand cannot lead out of the tool's own arrays. */
static bool
op_ok(const struct diff_case *c, const struct op *o)
{
	switch (o->kind) {
	case OP_STE:
		return o->dev < c->devs && o->t0 >= -2 && o->t0 < (int)TAB_SLOTS;
	case OP_DMA:
		return o->dev < c->devs && o->len != 0 && o->len <= XFER_MAX && o->len % 4 == 0 &&
		       o->x % 4 == 0 && (o->x & 4095) + o->len <= 4096;
	case OP_CD:
		return o->dev < CD_SLOTS && o->t0 >= -2 && o->t1 >= -2 && o->t0 < (int)TAB_SLOTS &&
		       o->t1 < (int)TAB_SLOTS;
	case OP_L1:
		return o->dev < 3;
	case OP_MAP:
	case OP_RELINK:
	case OP_DESC:
	case OP_IDENT:
		return o->space < (c->s2 ? ALLSPACES : SPACES) && o->level < 4 &&
		       o->page < DATA_PAGES;
	default:
		return true;
	}
}

static bool
read_line(char *line, struct diff_case *c)
{
	char *rest = line + strcspn(line, " \t\n");
	struct op o = { .kind = OP_KINDS };
	struct keys k = { .t0 = -1, .t1 = -1 };
	char word[16];

	snprintf(word, sizeof(word), "%.*s", (int)(rest - line), line);
	if (strcmp(word, "emu") == 0) {
		return sscanf(rest, " %199s", c->emu) == 1 &&
		       (strcmp(c->emu, "-") != 0 || (c->emu[0] = '\0', true));
	}
	if (!read_keys(rest, &k))
		return false;
	if (strcmp(word, "case") == 0) {
		c->seed = k.seed;
		c->devs = (unsigned int)k.devs;
		return k.devs >= 1 && k.devs <= DEVS_MAX;
	}
	if (strcmp(word, "space") == 0) {
		if (k.space >= SPACES || k.gran >= GRANS || k.tsz < 16 || k.tsz > 39)
			return false;
		c->space[k.space] = (struct space){ (uint8_t)k.gran, (uint8_t)k.tsz, k.high != 0,
						    false, 0 };
		return true;
	}
	if (strcmp(word, "s2space") == 0) {
		if (k.space < SPACES || k.space >= ALLSPACES || k.gran >= GRANS || k.level > 3)
			return false;
		c->s2 = true;
		c->space[k.space] = (struct space){ (uint8_t)k.gran, (uint8_t)k.tsz, false, true,
						    (uint8_t)k.level };
		return s2_space_fits(&c->space[k.space]);
	}
	for (unsigned int i = 0; i < OP_KINDS; i++)
		if (strcmp(names[i], word) == 0)
			o.kind = (uint8_t)i;
	if (o.kind == OP_KINDS || c->nb_ops == OPS_MAX || (k.dev | k.space | k.level | k.len) > 255)
		return false;
	o.dev = (uint8_t)k.dev;
	o.space = (uint8_t)k.space;
	o.level = (uint8_t)k.level;
	o.page = (uint16_t)k.page;
	o.len = (uint8_t)k.len;
	o.write = k.write != 0;
	o.t0 = (int16_t)k.t0;
	o.t1 = (int16_t)k.t1;
	o.x = k.x;
	o.y = k.y;
	o.z = k.z;
	c->op[c->nb_ops++] = o;
	return op_ok(c, &o);
}

int
case_read(const char *path, struct diff_case *c)
{
	FILE *f = fopen(path, "re");
	unsigned int nb = 0;
	char line[512];
	int rc = 0;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	memset(c, 0, sizeof(*c));
	for (unsigned int i = 0; i < SPACES; i++)
		c->space[i].tsz = 16;
	while (rc == 0 && fgets(line, sizeof(line), f) != NULL) {
		nb++;
		if (line[0] != '#' && line[strspn(line, " \t\n")] != '\0' && !read_line(line, c))
			rc = -1;
	}
	fclose(f);
	if (rc == 0 && c->devs == 0) {
		fprintf(stderr, "sluice-diff: %s: no line 'case seed=… devs=…'\n", path);
		return -1;
	}
	if (rc != 0)
		fprintf(stderr, "sluice-diff: %s:%u: not an operation of a case\n", path, nb);
	return rc;
}

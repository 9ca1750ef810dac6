/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the hardware still knows when memory changes hands. A device that tries an address finds a
 * stale translation with luck only; here the caches themselves are looked through, at the very step
 * at which an owner gets a page back, an address is handed out again, or a page table is given up.
 */
#include <inttypes.h>

#include "engine/object/domain.h"
#include "pmd/emu/smmuv3/priv.h"
#include "world.h"

void *__real_sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa);
void *__wrap_sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa);
void __real_sluice_mem_page_put(struct sluice_mem *m, void *p);
void __wrap_sluice_mem_page_put(struct sluice_mem *m, void *p);
void *__real_sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa);
void *__wrap_sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa);

static const struct emu_tlb *
tlb(void)
{
	return &smmu_of(world.emu)->tlb;
}

/* An entry of the IOTLB that an access would find. */
struct hit {
	uint64_t iova, pa, len;
	uint16_t tag;
};

static bool
entry(const struct tlb_set *s, unsigned int way, struct hit *h)
{
	uint64_t key = s->key[way];
	uint32_t space = (uint32_t)(s->who[way] & TLB_WHO_SPACE);
	unsigned int level = (unsigned int)(key >> 52) & 3, gran = (unsigned int)(key >> 57) & 3;

	if ((key & TLB_KEY_VALID) == 0 || !emu_cache_alive(tlb(), key, space, s->epoch[way]))
		return false;
	h->len = UINT64_C(1) << GRAN_SHIFT(gran, level);
	h->iova = (key & TLB_VPN) << 12;
	h->pa = s->val[way] & ~UINT64_C(0xfff) & ~(h->len - 1);
	h->tag = (uint16_t)(key >> 36);
	return true;
}

void
caches_check_page(uint64_t pa)
{
	struct hit h;

	if (tlb()->set == NULL || world.broken || world.reset)
		return;
	for (uint32_t i = 0; i <= tlb()->mask; i++)
		for (unsigned int w = 0; w < TLB_WAYS; w++)
			if (entry(&tlb()->set[i], w, &h) && pa - h.pa < h.len)
				sim_fail("the owner of page %#" PRIx64 " has it back, and the IOTLB "
					 "leads IOVA %#" PRIx64 " of tag %u there", pa, h.iova, h.tag);
}

void
caches_check_iova(unsigned int domain, uint64_t iova, uint64_t pa, uint64_t pages)
{
	uint16_t tag = (uint16_t)(world.domain[domain].d->inv_leaf >> 16);
	struct hit h;

	if (tlb()->set == NULL || world.broken || world.reset)
		return;
	iova &= ~UINT64_C(0xfff);
	pa &= ~UINT64_C(0xfff);
	for (uint32_t i = 0; i <= tlb()->mask; i++)
		for (unsigned int w = 0; w < TLB_WAYS; w++)
			if (entry(&tlb()->set[i], w, &h) && h.tag == tag &&
			    h.iova - iova < pages << 12 && h.pa - pa != h.iova - iova)
				sim_fail("IOVA %#" PRIx64 " of tag %u is handed out again, and the IOTLB "
					 "leads it to %#" PRIx64 ", not to %#" PRIx64, h.iova, tag, h.pa,
					 pa + (h.iova - iova));
}

/* ---- page tables ----------------------------------------------------------------------------- */

/* The hardware may read a table that it has cached the way to, until it was told not to. */
static void
check_table(uint64_t pa)
{
	const struct emu_tlb *t = tlb();

	for (uint32_t i = 0; t->wc != NULL && i <= t->wc_mask; i++) {
		const struct wc_entry *c = &t->wc[i];

		if ((c->key & TLB_KEY_VALID) != 0 &&
		    emu_cache_alive(t, c->key, (uint32_t)c->space, c->epoch) &&
		    (c->next & UINT64_C(0xfffffffff000)) == pa)
			sim_fail("the table at %#" PRIx64 " is given up, and the walk cache leads IOVA %#"
				 PRIx64 " there", pa, (c->key & TLB_VPN) << 12);
	}
}

/* A page that was given up is not to be touched, by the hardware above all. */

void *
__wrap_sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa)
{
	void *p;

	if (world.no_pages != 0 && --world.no_pages == 0)
		return NULL;
	sim_lenient(true);
	p = __real_sluice_mem_page_get(m, pa);
	sim_lenient(false);
	if (p != NULL)
		sim_poison(p, 4096, false);
	return p;
}

void
__wrap_sluice_mem_page_put(struct sluice_mem *m, void *p)
{
	struct sluice_mem_span span = sluice_mem_span(m);

	if (world.emu != NULL && !world.broken && !world.reset)
		check_table(sluice_span_pa(&span, p));
	sim_poison(p, 4096, true);
	__real_sluice_mem_page_put(m, p);
}

void *
__wrap_sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa)
{
	void *p;

	sim_lenient(true);
	p = __real_sluice_mem_alloc(m, size, align, pa);
	sim_lenient(false);
	if (p != NULL)
		sim_poison(p, (size + 63) & ~(size_t)63, false);
	return p;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The symbols that files of window/ and policy/ export when they are compiled for a format: each
 * gets the format's name as a suffix. If a symbol is missing here, it is defined twice and the link
 * fails.
 */
#ifndef PGTABLE_SYMBOLS_H
#define PGTABLE_SYMBOLS_H

#define PT_JOIN2(name, format) name##_##format
#define PT_JOIN(name, format)  PT_JOIN2(name, format)
#define PT_SYM(name)           PT_JOIN(name, PT_NAME)

/* policy/set.c */
#define policy_set PT_SYM(policy_set)

/* window/map.c */
#define window_check_run PT_SYM(window_check_run)
#define window_clear_claimed PT_SYM(window_clear_claimed)
#define window_clear_run PT_SYM(window_clear_run)
#define window_clear_slow PT_SYM(window_clear_slow)
#define window_get PT_SYM(window_get)
#define window_map PT_SYM(window_map)
#define window_set_run PT_SYM(window_set_run)

/* policy/ */
#define policy_strict_bounce PT_SYM(policy_strict_bounce)
#define policy_contiguous PT_SYM(policy_contiguous)
#define policy_copy PT_SYM(policy_copy)
#define policy_deferred PT_SYM(policy_deferred)
#define policy_deferred_single PT_SYM(policy_deferred_single)
#define policy_hugepool PT_SYM(policy_hugepool)
#define policy_hybrid PT_SYM(policy_hybrid)
#define policy_persistent PT_SYM(policy_persistent)
#define policy_rollover PT_SYM(policy_rollover)
#define policy_static PT_SYM(policy_static)
#define policy_strict PT_SYM(policy_strict)
#define policy_strict_async PT_SYM(policy_strict_async)
#define policy_strict_batched PT_SYM(policy_strict_batched)
#define bounce_map PT_SYM(bounce_map)
#define bounce_unmap PT_SYM(bounce_unmap)
#define copy_map PT_SYM(copy_map)
#define copy_unmap PT_SYM(copy_unmap)
#define copypool_find_pa PT_SYM(copypool_find_pa)
#define copypool_fini PT_SYM(copypool_fini)
#define copypool_init_mapped PT_SYM(copypool_init_mapped)
#define copypool_init_unmapped PT_SYM(copypool_init_unmapped)
#define copypool_stats PT_SYM(copypool_stats)
#define copypool_take_slow PT_SYM(copypool_take_slow)
#define copypool_worker_fini PT_SYM(copypool_worker_fini)
#define copypool_worker_init PT_SYM(copypool_worker_init)
#define keep_add PT_SYM(keep_add)
#define keep_drain PT_SYM(keep_drain)
#define keep_enter_slow PT_SYM(keep_enter_slow)
#define keep_evict PT_SYM(keep_evict)
#define keep_find PT_SYM(keep_find)
#define keep_rollover PT_SYM(keep_rollover)
#define keep_worker_fini PT_SYM(keep_worker_fini)
#define keep_worker_leave PT_SYM(keep_worker_leave)
#define keep_worker_init PT_SYM(keep_worker_init)
#define pool_map PT_SYM(pool_map)
#define pool_unmap PT_SYM(pool_unmap)
#define pool_stats PT_SYM(pool_stats)
#define pool_fini PT_SYM(pool_fini)
#define pool_init_blocks PT_SYM(pool_init_blocks)
#define pool_init_pages PT_SYM(pool_init_pages)
#define pool_add PT_SYM(pool_add)
#define ro_chunk_leave PT_SYM(ro_chunk_leave)
#define ro_enter_slow PT_SYM(ro_enter_slow)
#define ro_chunk_get PT_SYM(ro_chunk_get)
#define ro_row_get PT_SYM(ro_row_get)
#define ro_touched PT_SYM(ro_touched)
#define ro_wrap PT_SYM(ro_wrap)
#define rollover_trim PT_SYM(rollover_trim)

#endif

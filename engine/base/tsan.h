/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Is this a race detector's build? Some code is right by rules that it cannot know (hardware
 * that walks tables, membarrier) and then takes a plainer way.
 */
#ifndef ENGINE_TSAN_H
#define ENGINE_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define SLUICE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_TSAN 1
#endif
#endif
#ifndef SLUICE_TSAN
#define SLUICE_TSAN 0
#endif

#endif

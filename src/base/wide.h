// SPDX-License-Identifier: Apache-2.0
/* Loops over pixels for the processor at hand: a function with LK_WIDE, and all that it calls in
 * its file, is compiled for AVX2 too where that may be there, and the better one is taken as the
 * program starts. The numbers are the same: such loops are as wide as registers are, but no sum is
 * taken in another order, and nothing is multiplied and added in one rounding. What is worth
 * instructions of its own is in src/kernels. Of static functions alone: other files do not find
 * the name of one that clang (before 18) has compiled twice. */
#ifndef LK_BASE_WIDE_H
#define LK_BASE_WIDE_H

/* ThreadSanitizer is not there yet when the better one is chosen. */
#if defined(__has_feature) /* clang */
#define LK__WATCHES_THREADS __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define LK__WATCHES_THREADS 1
#else
#define LK__WATCHES_THREADS 0
#endif

#if !defined(__x86_64__) || !defined(__gnu_linux__) || LK__WATCHES_THREADS
#define LK_WIDE
#elif defined(__clang__)
#define LK_WIDE __attribute__((target_clones("avx2", "default"))) /* clang inlines by itself */
#else
#define LK_WIDE __attribute__((flatten, target_clones("avx2", "default")))
#endif

#endif

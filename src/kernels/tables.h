// SPDX-License-Identifier: Apache-2.0
/* The tables that were built. */
#ifndef LK_KERNELS_TABLES_H
#define LK_KERNELS_TABLES_H

#include "kernels/kernels.h"

#if defined(__x86_64__)
extern const struct lk_kernels lk__kernels_amx, lk__kernels_avx512bf16, lk__kernels_avx512vnni,
    lk__kernels_avx512, lk__kernels_avx2vnni, lk__kernels_avx2;
#endif
extern const struct lk_kernels lk__kernels_vector4, lk__kernels_reference;

#endif

// SPDX-License-Identifier: Apache-2.0
/* The kernels of one instruction set; the build compiles this file once for each and names the
 * table by LK_TABLE. */
#include "kernels/isa/attend.h"
#include "kernels/isa/convolve.h"
#include "kernels/isa/norm.h"
#include "kernels/isa/winograd.h"
#include "kernels/tables.h"

const struct lk_kernels LK_TABLE = {
    .name = LK_ISA,
    .lanes = LK_LANES,
    .convolve = convolve,
    .attend = attend,
    .group_norm = group_norm,
    .layer_norm = layer_norm,
    .winograd = winograd,
    .winograd_pack = winograd_pack,
};

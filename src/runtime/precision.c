// SPDX-License-Identifier: Apache-2.0
/* In what networks are computed, by the name that a user gives. bf16 is not for GPUs: ONNX
 * Runtime's fused operators are defined for f32 and f16 alone. */
#include <string.h>

#include "base/size.h"
#include "runtime/graph/node.h"
#include "runtime/internal.h"

static const struct lk__precision precisions[] = {
    {.name = "auto", .numbers = LK_NUMBERS_F32, .halves = true, .cpu = true, .gpu = true},
    {.name = "f32", .numbers = LK_NUMBERS_F32, .halves = false, .cpu = true, .gpu = true},
    {.name = "f16", .numbers = LK_NUMBERS_F32, .halves = true, .cpu = false, .gpu = true},
    {.name = "bf16", .numbers = LK_NUMBERS_BF16, .halves = true, .cpu = true, .gpu = false},
    {.name = "int8", .numbers = LK_NUMBERS_INT8, .halves = true, .cpu = true, .gpu = false},
};

int lk__precision_find(const char *name, struct lk__precision *out, struct lk_error *err)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(precisions); i++) {
        if (!strcmp(precisions[i].name, name ? name : "auto")) {
            *out = precisions[i];
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT, "precision '%s' is none of auto, f32, f16, bf16, int8", name);
}

int lk__precision_check(const struct lk__precision *precision,
                        const lk_graph *graph,
                        enum lk__lowering lowering,
                        const char *device,
                        struct lk_error *err)
{
    const bool on_cpu = !strcmp(device, "cpu");
    const bool exact = precision->numbers == LK_NUMBERS_F32;
    /* by --kernels reference; what is plain there is f32 */
    const bool made_plain = lowering == LK__PLAIN && lk__device_lowering(device) != LK__PLAIN;
    const bool done = on_cpu ? precision->cpu && (exact || lowering == LK__LIKENESS)
                             : precision->gpu && (precision->cpu || !made_plain);
    if (done || !lk__graph_rounds(graph))
        return 0;
    return lk_fail(
        err, LK_E_INPUT, "network '%s' is computed in %s by %s alone: leave out --precision%s",
        graph->name, precision->name, precision->cpu ? "likeness's own kernels on the CPU" : "GPUs",
        precision->cpu          ? ", or --kernels reference and --draw-device"
        : made_plain && !on_cpu ? ", or --kernels reference"
                                : "");
}

// SPDX-License-Identifier: Apache-2.0
/* LoRAs into a checkpoint: first all are held against it, which costs nothing; then those whose
 * weight is not 0 are merged, one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/lora/internal.h"
#include "catalog/stand_ins.h"

#define SCRATCH_LIMIT ((size_t)16 << 30) /* factors and ΔW of one weight */

struct run {
    const lk_checkpoint *checkpoint;
    lk__targets *targets;
    lk__stand_ins *stand_ins; /* NULL: nothing is merged, shapes are checked */
    lk_arena *scratch;
    struct lk_error *err;
};

/* Whether the file has the weight as OpenCLIP keeps its projection, [inputs, outputs]. */
static bool is_turned(const struct run *run, enum lk_part part, const struct lk__merge_into *into)
{
    const struct lk_checkpoint_config *c = lk_checkpoint_config(run->checkpoint);
    const struct lk_text_config *text = part == LK_PART_TEXT ? &c->text : &c->text_2;
    return part != LK_PART_UNET && !strcmp(into->name, "text_projection.weight") &&
           into->tensor->rank == 2 && text->projection_transposed;
}

/* values [rows,columns] → [columns,rows], in place */
static int turn(float *values, size_t rows, size_t columns, struct lk_error *err)
{
    const size_t bytes = rows * columns * sizeof *values;
    float *copy = malloc(bytes);
    if (!copy)
        return lk_fail_memory(err, "the weights of a LoRA", bytes);
    memcpy(copy, values, bytes);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < columns; k++)
            values[k * rows + i] = copy[i * columns + k];
    free(copy);
    return 0;
}

/* Into a weight that is turned: LoRAs are made for [outputs, inputs]. */
static int merge_turned(const struct lk__module *module,
                        const struct lk__merge_into *into,
                        struct lk_error *err)
{
    struct lk_tensor linear = *into->tensor;
    struct lk__merge_into turned = *into;
    const size_t inputs = (size_t)linear.shape[0], outputs = (size_t)linear.shape[1];
    linear.shape[0] = (int64_t)outputs;
    linear.shape[1] = (int64_t)inputs;
    turned.tensor = &linear;
    int code = into->out ? turn(into->out, inputs, outputs, err) : 0;
    code = code ? code : lk__merge(module, &turned, err);
    return code || !into->out ? code : turn(into->out, outputs, inputs, err);
}

/* Merges the module into NAME.TAIL; *is_there says whether the checkpoint has it. */
static int change(const struct run *run,
                  const lk_lora *lora,
                  const struct lk__module *module,
                  const char *name,
                  const char *tail,
                  float weight,
                  bool *is_there)
{
    char full[LK__NAME_MAX];
    snprintf(full, sizeof full, "%s.%s", name, tail);
    const enum lk_part part = module->part;
    struct lk__merge_into into = {
        .lora = lora,
        .checkpoint = run->checkpoint,
        .tensor = lk__checkpoint_own(run->checkpoint, part, full),
        .name = full,
        .weight = weight,
        .scratch = run->scratch,
    };
    *is_there = into.tensor != NULL;
    if (!into.tensor)
        return 0;
    int code = 0;
    if (run->stand_ins)
        code = lk__stand_ins_take(run->stand_ins, part, full, into.tensor, &into.out, run->err);
    if (code)
        return code;
    if (is_turned(run, part, &into))
        return merge_turned(module, &into, run->err);
    return (strcmp(tail, "bias") ? lk__merge : lk__merge_bias)(module, &into, run->err);
}

static void leave_out(struct lk_lora_account *account, const struct lk_tensor *tensor)
{
    account->applied--;
    if (!account->first)
        account->first = tensor->name;
}

static int change_module(const struct run *run,
                         const struct lk_lora_use *use,
                         const struct lk__module *module,
                         struct lk_lora_account *account)
{
    const struct lk_tensor *bias = module->slot[LK__DIFF_BIAS];
    const char *name = lk__targets_find(run->targets, use->lora, module);
    const float weight = module->part == LK_PART_UNET ? use->unet : use->text;
    const bool only_bias = module->kind == LK_LORA_FULL && !module->slot[LK__DIFF];
    bool is_there = true;
    for (int slot = 0; !name && slot < LK__SLOTS; slot++)
        if (module->slot[slot])
            leave_out(account, module->slot[slot]);
    if (!name || (run->stand_ins && weight == 0))
        return 0;
    int code = 0;
    if (!only_bias)
        code = change(run, use->lora, module, name, "weight", weight, &is_there);
    if (!code && bias)
        code = change(run, use->lora, module, name, "bias", weight, &is_there);
    if (bias && !is_there)
        leave_out(account, bias);
    return code;
}

static int refuse(const struct run *run, const lk_lora *lora, const char *first)
{
    const char *base = lk__lora_base(lora);
    return lk_fail(run->err, LK_E_INPUT,
                   "lora '%s' fits nothing of checkpoint '%s', which has no weight for '%s'%s%s: "
                   "take a LoRA of the checkpoint's family",
                   lora->name, lk_checkpoint_name(run->checkpoint), first,
                   base ? "; it seems to be for " : "", base ? base : "");
}

static int change_all(const struct run *run,
                      const struct lk_lora_use *use,
                      struct lk_lora_account *account)
{
    const lk_lora *lora = use->lora;
    const size_t keys = lk_tensor_file_count(lora->file);
    *account = (struct lk_lora_account){keys, keys - lora->unknown, lora->first_unknown};
    int code = 0;
    for (size_t i = 0; !code && i < lora->count; i++)
        code = change_module(run, use, &lora->modules[i], account);
    if (!code && !account->applied)
        code = refuse(run, lora, account->first);
    return code;
}

int lk_checkpoint_fits(const lk_checkpoint *checkpoint,
                       const lk_lora *lora,
                       struct lk_lora_account *account,
                       struct lk_error *err)
{
    struct run run = {.checkpoint = checkpoint, .scratch = lk_arena_new(SCRATCH_LIMIT), .err = err};
    const struct lk_lora_use use = {.lora = lora};
    int code = run.scratch ? lk__targets_new(checkpoint, &run.targets, err)
                           : lk_fail_memory(err, "a LoRA", sizeof run);
    code = code ? code : change_all(&run, &use, account);
    lk_arena_free(run.scratch);
    lk__targets_free(run.targets);
    return code;
}

int lk_checkpoint_merge(lk_checkpoint *checkpoint,
                        const struct lk_lora_use *uses,
                        size_t n,
                        struct lk_lora_account *accounts,
                        unsigned *changed,
                        struct lk_error *err)
{
    struct run run = {.checkpoint = checkpoint, .scratch = lk_arena_new(SCRATCH_LIMIT), .err = err};
    lk__stand_ins *stand_ins = NULL;
    int code = run.scratch ? lk__targets_new(checkpoint, &run.targets, err)
                           : lk_fail_memory(err, "a LoRA", sizeof run);
    for (size_t i = 0; !code && i < n; i++)
        code = change_all(&run, &uses[i], &accounts[i]);
    if (!code)
        code = lk__stand_ins_new(&stand_ins, err);
    run.stand_ins = stand_ins;
    for (size_t i = 0; !code && i < n; i++)
        code = change_all(&run, &uses[i], &(struct lk_lora_account){0});
    lk_arena_free(run.scratch);
    lk__targets_free(run.targets);
    if (code) {
        lk__stand_ins_free(stand_ins);
        return code;
    }
    *changed = lk__stand_ins_parts(stand_ins);
    *changed |= lk__checkpoint_set_stand_ins(checkpoint, stand_ins);
    return 0;
}

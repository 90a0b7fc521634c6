// SPDX-License-Identifier: Apache-2.0
/* The prompt grammar of AUTOMATIC1111's WebUI, for which people write their prompts:
 *
 *   a AND b:1.2        parts, each drawn towards by its weight
 *   [a:b:10] [a:b:0.5] a, from after step 10, or half of the steps, b; [b:10] [a::10] from or to
 *                      nothing
 *   [a|b|c]            a, b and c in turn, one a step
 *   (a) [a] (a:1.3)    emphasis (emphasis.h)
 *   BREAK              the text after it fills chunks of its own (chunks.h)
 *   \( \) \[ \] \\     these signs themselves
 *   <lora:name:0.8>    taken out of the text
 *
 * Nothing that brackets do is an error: what is no construct is text. Schedules nest, and give for
 * each step one text, in which emphasis, BREAK and escapes still stand. */
#ifndef LK_STAGES_TEXT_PROMPT_H
#define LK_STAGES_TEXT_PROMPT_H

#include <stddef.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

#define LK_PROMPT_MAX_PARTS 16
#define LK_PROMPT_MAX_LORAS 64
#define LK_PROMPT_MAX_WEIGHT 100.0                  /* ±, of a part or by emphasis */
#define LK_PROMPT_MAX_STAGE_BYTES ((size_t)1 << 20) /* of all texts of a schedule */

typedef struct lk_prompt lk_prompt;

enum lk_prompt_kind {
    LK_PROMPT_POSITIVE,
    LK_PROMPT_NEGATIVE, /* AND and <lora:…> are text, as in the WebUI */
};

/* text: at most LK_PROMPT_MAX_BYTES (tokenizer.h), of any bytes; option must outlive the prompt.
 * LK_E_INPUT names option ("the prompt"): too long, too many parts, too large a weight of one, or a
 * <kind:…> that is no LoRA. */
int lk_prompt_parse(const char *text,
                    enum lk_prompt_kind kind,
                    const char *option,
                    lk_prompt **out,
                    struct lk_error *err);
void lk_prompt_free(lk_prompt *prompt); /* NULL is fine */

/* <lora:name:weight> or <lora:name:text encoder's:UNet's>; <lyco:…> is the same. */
struct lk_prompt_lora {
    const char *name; /* belongs to the prompt */
    double text_weight, unet_weight;
};
size_t lk_prompt_loras(const lk_prompt *prompt, const struct lk_prompt_lora **out);

size_t lk_prompt_parts(const lk_prompt *prompt); /* ≥ 1 */
double lk_prompt_weight(const lk_prompt *prompt, size_t part);

/* A text, and the last step for which it holds; steps count from 1. */
struct lk_prompt_stage {
    int until;
    const char *text;
};

/* The texts of a part over `steps` ≥ 1 steps, in order; the last one's `until` is steps. before: 0,
 * or in a second pass the steps of the first: there step numbers go on counting and fractions are
 * those from 1 to 2. *out lies in the arena. LK_E_INPUT when the texts are too many. */
int lk_prompt_schedule(const lk_prompt *prompt,
                       size_t part,
                       int steps,
                       int before,
                       lk_arena *arena,
                       struct lk_prompt_stage **out,
                       size_t *count,
                       struct lk_error *err);

/* The tree of a part, a new list of nodes (prompt_json.c). LK_E_INPUT when it is not UTF-8. */
int lk_prompt_tree(const lk_prompt *prompt, size_t part, json_t **out, struct lk_error *err);

#endif

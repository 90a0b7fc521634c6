// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of rules, and what follows its first NUL as a prompt held against them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stages/judge/policy/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void search(const struct lk__rules *rules, const char *prompt, struct lk_error *err)
{
    struct lk__words words;
    struct lk__found found[LK__LISTS_MAX];
    if (lk__words_of(prompt, "fuzz", &words, err)) {
        if (!err->message[0])
            abort();
        return;
    }
    for (size_t i = 0, end = 0; i < words.count; i++) {
        if (words.word[i].from != end || words.word[i].length == 0)
            abort();
        end += words.word[i].length;
    }
    if (lk__rules_search(rules, &words, found, err))
        abort();
    lk__words_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lk_error err = {0};
    const uint8_t *nul = memchr(bytes, 0, size);
    size_t file = nul ? (size_t)(nul - bytes) : size;
    struct lk__rules *rules = calloc(1, sizeof *rules);
    char *prompt = calloc(size - file + 1, 1);
    if (rules && prompt && (rules->arena = lk_arena_new((size_t)64 << 20))) {
        memcpy(prompt, bytes + file, size - file);
        if (lk__rules_read(rules, "fuzz", (const char *)bytes, file, true, &err) && !err.message[0])
            abort();
        search(rules, nul ? prompt + 1 : prompt, &err);
    }
    lk_arena_free(rules ? rules->arena : NULL);
    free(rules);
    free(prompt);
    return 0;
}

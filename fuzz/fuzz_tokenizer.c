// SPDX-License-Identifier: Apache-2.0
/* A checkpoint's own tokenizer, and any text through it: the bytes up to the first NUL are its
 * vocab.json, up to the second its merges.txt, the rest is the text. Without a NUL all is text, and
 * the tokenizer CLIP's. Refused with a sentence, or every token is one of the vocabulary's. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { WINDOW = 77 };

/* In memory: files are written for each input. */
static char folder[] = "/dev/shm/fuzz-tokenizer-XXXXXX";

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void remove_folder(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/vocab.json", folder);
    remove(path);
    snprintf(path, sizeof path, "%s/merges.txt", folder);
    remove(path);
    remove(folder);
}

static void write_file(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    must(file && fputs(text, file) >= 0);
    must(fclose(file) == 0);
}

static void check_text(const lk_tokenizer *tokenizer, const char *text)
{
    struct lk_error err = {0};
    struct lk_tokens tokens;
    int64_t window[WINDOW];
    const int64_t most = lk_tokenizer_size(tokenizer);
    if (lk_tokenizer_encode(tokenizer, text, "fuzz", &tokens, &err)) {
        must(err.message[0] != 0);
        return;
    }
    for (size_t i = 0; i < tokens.count; i++)
        must(tokens.ids[i] >= 0 && tokens.ids[i] < most);
    const size_t dropped = lk_tokenizer_window(tokenizer, &tokens, WINDOW, window);
    must(dropped == (tokens.count > WINDOW - 2 ? tokens.count - (WINDOW - 2) : 0));
    for (size_t i = 0; i < WINDOW; i++)
        must(window[i] >= 0 && window[i] < most);
    lk_tokens_free(&tokens);
}

static void check_folder(const char *vocabulary, const char *merges, const char *text)
{
    struct lk_error err = {0};
    lk_tokenizer *tokenizer = NULL;
    write_file("vocab.json", vocabulary);
    write_file("merges.txt", merges);
    if (lk_tokenizer_open(folder, &tokenizer, &err)) {
        must(err.message[0] != 0 && !tokenizer);
        return;
    }
    check_text(tokenizer, text);
    lk_tokenizer_free(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static lk_tokenizer *clip;
    if (!clip) {
        must(lk_tokenizer_open(NULL, &clip, NULL) == 0);
        must(mkdtemp(folder) != NULL);
        atexit(remove_folder);
    }
    char *text = calloc(size + 3, 1); /* two more NULs, where the input lacks them */
    if (!text)
        return 0;
    memcpy(text, bytes, size);
    const char *merges = text + strlen(text) + 1;
    if (merges > text + size)
        check_text(clip, text);
    else
        check_folder(text, merges, merges + strlen(merges) + 1);
    free(text);
    return 0;
}

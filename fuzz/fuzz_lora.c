// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a LoRA file, merged into the starter's checkpoint: one error, or every key is either
 * applied or counted as left out, and what is merged is finite. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/lora.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static char path[] = "/dev/shm/fuzz-lora-XXXXXX"; /* in memory: written for each input */

static void remove_file(void)
{
    remove(path);
}

static lk_checkpoint *open_starter(void)
{
    struct lk_error err = {0};
    lk_checkpoint *checkpoint = NULL;
    char folder[1024];
    const char *pack = getenv("LIKENESS_MODELS");
    snprintf(folder, sizeof folder, "%s/sd", pack ? pack : "starter/pack");
    if (lk_checkpoint_open(folder, NULL, &checkpoint, &err)) {
        fprintf(stderr, "fuzz_lora: %s\n", err.message);
        exit(1);
    }
    return checkpoint;
}

static void check_merge(lk_checkpoint *checkpoint, const lk_lora *lora)
{
    const struct lk_lora_use use = {lora, 0.5F, 0.75F};
    struct lk_error err = {0};
    struct lk_lora_account account = {0};
    unsigned changed = 0;
    if (lk_checkpoint_merge(checkpoint, &use, 1, &account, &changed, &err)) {
        must(err.message[0] != 0);
        return;
    }
    must(account.applied > 0 && account.applied <= account.keys);
    must((account.applied < account.keys) == (account.first != NULL));
    must(lk_checkpoint_merge(checkpoint, NULL, 0, NULL, &changed, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static lk_checkpoint *checkpoint;
    static int file = -1;
    if (!checkpoint) {
        checkpoint = open_starter();
        file = mkstemp(path);
        must(file >= 0);
        atexit(remove_file);
    }
    must(ftruncate(file, 0) == 0 && pwrite(file, bytes, size, 0) == (ssize_t)size);
    struct lk_error err = {0};
    lk_lora *lora = NULL;
    if (lk_lora_open(path, &lora, &err)) {
        must(err.message[0] != 0 && !lora);
        return 0;
    }
    struct lk_lora_info info;
    lk_lora_describe(lora, &info);
    must(info.keys > info.unknown && (info.unknown > 0) == (info.first_unknown != NULL));
    check_merge(checkpoint, lora);
    lk_lora_free(lora);
    return 0;
}

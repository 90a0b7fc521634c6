// SPDX-License-Identifier: Apache-2.0
#include "stages/text/inversion.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "data/tensor_file.h"
#include "stages/text/letters.h"

enum { MAX_WIDTH = 1 << 14 };

/* ---- reading ---- */

static const char PARAMETERS[] = "string_to_param."; /* of the WebUI's .pt: followed by "*" */
static const char TOKENS[] = "string_to_token.";     /* a number that nobody needs */

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static bool is_known(const char *name)
{
    return !strcmp(name, "emb_params") || !strcmp(name, "clip_l") || !strcmp(name, "clip_g") ||
           begins(name, PARAMETERS);
}

/* [n, width] or [width] → a set */
static int add_set(struct lk_inversion *e, const struct lk_tensor *tensor, struct lk_error *err)
{
    const size_t n = tensor->rank == 2 ? (size_t)tensor->shape[0] : 1;
    const int64_t width = tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 0;
    if (tensor->rank < 1 || tensor->rank > 2 || n < 1 || n > LK_INVERSION_MAX_VECTORS ||
        width < 1 || width > MAX_WIDTH)
        return lk_fail(err, LK_E_INPUT,
                       "embedding '%s': '%s' is no list of 1 to %d vectors: take another file",
                       e->path, tensor->name, LK_INVERSION_MAX_VECTORS);
    if (e->sets == LK_INVERSION_MAX_SETS || (e->sets && e->count != n))
        return lk_fail(err, LK_E_INPUT,
                       "embedding '%s': '%s' does not go with the vectors before it: take another "
                       "file",
                       e->path, tensor->name);
    const size_t numbers = n * (size_t)width;
    float *vectors = malloc(numbers * sizeof *vectors);
    if (!vectors)
        return lk_fail_memory(err, "an embedding", numbers * sizeof *vectors);
    e->count = n;
    e->set[e->sets].width = (int)width;
    e->set[e->sets++].vectors = vectors;
    int rc = lk_tensor_to_f32(tensor, 0, numbers, vectors, err);
    if (rc)
        return lk_fail_context(err, rc, "embedding '%s'", e->path);
    for (size_t i = 0; i < numbers; i++) {
        if (!isfinite(vectors[i]))
            return lk_fail(err, LK_E_INPUT,
                           "embedding '%s': '%s' holds no numbers (NaN or infinity): the file is "
                           "damaged",
                           e->path, tensor->name);
    }
    return 0;
}

/* "<cat-toy>" → "cat-toy" */
static char *bare_name(const char *name)
{
    const size_t size = strlen(name);
    const bool quoted = size > 2 && name[0] == '<' && name[size - 1] == '>';
    return quoted ? strndup(name + 1, size - 2) : strdup(name);
}

static int read_tensors(struct lk_inversion *e, const lk_tensor_file *file, struct lk_error *err)
{
    const size_t n = lk_tensor_file_count(file);
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        const struct lk_tensor *tensor = lk_tensor_file_at(file, i);
        if (is_known(tensor->name)) {
            rc = add_set(e, tensor, err);
        } else if (n == 1) {
            e->inside = bare_name(tensor->name);
            rc = e->inside ? add_set(e, tensor, err) : lk_fail_memory(err, "an embedding", 0);
        } else if (!begins(tensor->name, TOKENS)) {
            rc = lk_fail(err, LK_E_INPUT,
                         "embedding '%s': tensor '%s' is of no form of textual inversion that is "
                         "known: is it a LoRA or a model?",
                         e->path, tensor->name);
        }
    }
    if (!rc && e->sets == 0)
        rc =
            lk_fail(err, LK_E_INPUT, "embedding '%s' holds no vectors: take another file", e->path);
    return rc;
}

int lk_inversion_open(const char *path, struct lk_inversion **out, struct lk_error *err)
{
    const char *file_name = lk_file_name(path), *dot = strrchr(file_name, '.');
    lk_tensor_file *file = NULL;
    struct lk_inversion *e = calloc(1, sizeof *e);
    if (e) {
        e->path = strdup(path);
        e->name = strndup(file_name, dot ? (size_t)(dot - file_name) : strlen(file_name));
    }
    int rc = e && e->path && e->name ? lk_tensor_file_open(path, &file, err)
                                     : lk_fail_memory(err, "an embedding", sizeof *e);
    rc = rc ? rc : read_tensors(e, file, err);
    lk_tensor_file_free(file);
    if (rc)
        lk_inversion_free(e);
    else
        *out = e;
    return rc;
}

void lk_inversion_free(struct lk_inversion *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->sets; i++)
        free(e->set[i].vectors);
    free(e->name);
    free(e->inside);
    free(e->path);
    free(e);
}

const float *lk_inversion_vector(const struct lk_inversion *e, size_t i, int width)
{
    for (size_t s = 0; s < e->sets; s++) {
        if (e->set[s].width == width)
            return e->set[s].vectors + i * (size_t)width;
    }
    return NULL;
}

/* ---- in prompts ---- */

/* Length of the name at `at`, where it stands alone; 0: it is not there. */
static size_t match(const char *name, const char *text, const char *at)
{
    const size_t size = name ? strlen(name) : 0;
    if (size == 0)
        return 0;
    if (*at == '<' && !strncasecmp(at + 1, name, size) && at[1 + size] == '>')
        return size + 2;
    const bool joins_before = at > text && lk__is_word(at[-1]) && lk__is_word(*at);
    if (joins_before || strncasecmp(at, name, size) != 0)
        return 0;
    return lk__is_word(at[size - 1]) && lk__is_word(at[size]) ? 0 : size;
}

const struct lk_inversion *lk_inversions_find(const struct lk_inversions *inversions,
                                              const char *text,
                                              const char **at,
                                              size_t *length)
{
    const struct lk_inversion *found = NULL;
    for (const char *here = text; inversions && inversions->count && *here && !found; here++) {
        *length = 0;
        for (size_t i = 0; i < inversions->count; i++) {
            const struct lk_inversion *e = inversions->list[i];
            const size_t by_name = match(e->name, text, here),
                         inside = match(e->inside, text, here);
            const size_t size = by_name > inside ? by_name : inside;
            if (size > *length) { /* of several the longest */
                *length = size;
                *at = here;
                found = e;
            }
        }
    }
    return found;
}

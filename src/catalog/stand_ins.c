// SPDX-License-Identifier: Apache-2.0
#include "catalog/stand_ins.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct stand_in {
    enum lk_part part;
    char *name;
    struct lk_tensor tensor; /* f32; its data is malloc'd */
};

struct lk__stand_ins {
    struct stand_in *list; /* sorted by part and name */
    size_t count, capacity;
};

int lk__stand_ins_new(lk__stand_ins **out, struct lk_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : lk_fail_memory(err, "a list of tensors", sizeof **out);
}

void lk__stand_ins_free(lk__stand_ins *s)
{
    for (size_t i = 0; s && i < s->count; i++) {
        free(s->list[i].name);
        free((void *)s->list[i].tensor.data);
    }
    if (s)
        free(s->list);
    free(s);
}

/* Where the name is, or would be put. */
static size_t place_of(const lk__stand_ins *s, enum lk_part part, const char *name, bool *is_there)
{
    size_t low = 0, high = s->count;
    *is_there = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct stand_in *at = &s->list[middle];
        const int order = at->part != part ? (at->part < part ? -1 : 1) : strcmp(at->name, name);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct lk_tensor *lk__stand_ins_find(const lk__stand_ins *s,
                                           enum lk_part part,
                                           const char *name)
{
    bool is_there = false;
    const size_t i = s ? place_of(s, part, name, &is_there) : 0;
    return is_there ? &s->list[i].tensor : NULL;
}

static int make(enum lk_part part,
                const char *name,
                const struct lk_tensor *own,
                struct stand_in *out,
                struct lk_error *err)
{
    const size_t count = own->size / lk_dtype_size(own->dtype);
    float *values = reallocarray(NULL, count, sizeof *values);
    *out = (struct stand_in){part, strdup(name), *own};
    int code = values && out->name ? lk_tensor_to_f32(own, 0, count, values, err)
                                   : lk_fail_memory(err, name, count * sizeof *values);
    if (code) {
        free(values);
        free(out->name);
        return code;
    }
    out->tensor.name = out->name;
    out->tensor.dtype = LK_F32;
    out->tensor.data = values;
    out->tensor.size = count * sizeof *values;
    out->tensor.path = NULL;
    out->tensor.offset = 0;
    return 0;
}

int lk__stand_ins_take(lk__stand_ins *s,
                       enum lk_part part,
                       const char *name,
                       const struct lk_tensor *own,
                       float **values,
                       struct lk_error *err)
{
    bool is_there;
    const size_t i = place_of(s, part, name, &is_there);
    if (!is_there && s->count == s->capacity) {
        const size_t capacity = s->capacity ? 2 * s->capacity : 64;
        struct stand_in *list = reallocarray(s->list, capacity, sizeof *list);
        if (!list)
            return lk_fail_memory(err, "a list of tensors", capacity * sizeof *list);
        s->list = list;
        s->capacity = capacity;
    }
    if (!is_there) {
        struct stand_in made;
        int code = make(part, name, own, &made, err);
        if (code)
            return code;
        memmove(s->list + i + 1, s->list + i, (s->count++ - i) * sizeof *s->list);
        s->list[i] = made;
    }
    *values = (float *)s->list[i].tensor.data;
    return 0;
}

unsigned lk__stand_ins_parts(const lk__stand_ins *s)
{
    unsigned parts = 0;
    for (size_t i = 0; s && i < s->count; i++)
        parts |= 1U << s->list[i].part;
    return parts;
}

// SPDX-License-Identifier: Apache-2.0
/* torch.save's files (.ckpt, .pt, .pth, .bin) as tensors, without running anything in them.
 *
 * A pickle is a program for a small stack machine that can name any function and call it. Ours
 * (machine.c) knows the opcodes that containers of tensors need, and of functions the few of
 * NAMES, which stand for what they build and are never called. Whatever else a file names is
 * refused by its name. */
#ifndef LK_DATA_PICKLE_PICKLE_H
#define LK_DATA_PICKLE_PICKLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "data/tensor_file.h"

enum lk__pickle_kind {
    LK__PICKLE_OTHER,   /* a number with a point, None, what a harmless function would give … */
    LK__PICKLE_INTEGER, /* booleans too */
    LK__PICKLE_TEXT,
    LK__PICKLE_SEQUENCE, /* tuple, list */
    LK__PICKLE_DICT,     /* items: key, value, key, value … */
    LK__PICKLE_NAME,     /* a function or class */
    LK__PICKLE_STORAGE,
    LK__PICKLE_TENSOR,
    LK__PICKLE_MARK, /* only on the stack */
};

/* The bytes that tensors are cut out of; filled in by torch.c. */
struct lk__pickle_storage {
    const char *key;
    enum lk_dtype dtype; /* meaningless where untyped */
    bool untyped;
    const char *unread; /* its elements' type, where enum lk_dtype has none for it; else NULL */
    uint64_t count;     /* elements; bytes where untyped */
    const uint8_t *data;
    size_t size;
    struct lk__pickle_storage *next;
};

struct lk__pickle_value {
    enum lk__pickle_kind kind;
    union {
        int64_t integer;
        const char *text; /* in the arena */
        struct {
            struct lk__pickle_value **at;
            size_t count, room;
        } items;
        const struct lk__pickle_name *name;
        struct lk__pickle_storage *storage;
        struct {
            struct lk__pickle_storage *storage;
            enum lk_dtype dtype;
            const char *unread; /* as of the storage */
            uint64_t first;     /* element */
            int rank;
            int64_t shape[LK_TENSOR_MAX_RANK], stride[LK_TENSOR_MAX_RANK];
        } tensor;
    } as;
};

struct lk__pickle {
    const char *path; /* for messages */
    lk_arena *arena;
    struct lk__pickle_storage *storages; /* all that were named, the last first */
};

/* Runs one pickle: bytes[size] from *at, which afterwards is behind it. *out: what it leaves. */
int lk__pickle_run(struct lk__pickle *pickle,
                   const uint8_t *bytes,
                   size_t size,
                   size_t *at,
                   const struct lk__pickle_value **out,
                   struct lk_error *err);

/* Members of a zip file that are stored, not compressed. */
struct lk__zip_member {
    const char *name; /* in the arena */
    const uint8_t *data;
    size_t size;
};
/* All members, sorted by name, in the arena. */
int lk__zip_read(const uint8_t *bytes,
                 size_t size,
                 const char *path,
                 lk_arena *arena,
                 struct lk__zip_member **out,
                 size_t *count,
                 struct lk_error *err);
/* NULL when there is none. */
const struct lk__zip_member *lk__zip_find(const struct lk__zip_member *members,
                                          size_t count,
                                          const char *name);

/* Is this a file of torch.save's, and none of safetensors? */
bool lk__is_torch_file(const uint8_t *bytes, size_t size, const char *path);

/* bytes[size]: the whole file, a zip or of the form before torch 1.6. out: `count` tensors, they
 * and their names in the arena, their data in `bytes`. Names are the keys on the way to the tensor
 * with dots between; a "state_dict" at the top is left out. */
int lk__torch_file_parse(const uint8_t *bytes,
                         size_t size,
                         const char *path,
                         lk_arena *arena,
                         struct lk_tensor **out,
                         size_t *count,
                         struct lk_error *err);

#endif

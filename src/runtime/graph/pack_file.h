// SPDX-License-Identifier: Apache-2.0
/* A file of packed weights (--pack-cache): the panels that one network takes from one tensor file,
 * as the kernels read them, so that the next start maps them instead of reading and packing.
 *
 *   head      see pack_file.c: digest of head and rows, size of the file, number of rows, identity
 *   rows      [count] what a panel is made of, where it lies, its bytes
 *   panels    each at a multiple of 64
 *
 * The identity says whose weights they are and for which kernels; a file with another one, of
 * another size or with a row that points outside is as good as none. The panels themselves are not
 * checked: that would take as long as it saves. A file is written under another name, flushed and
 * renamed, so that of several processes which write one the last wins, and none reads half of it.
 */
#ifndef LK_RUNTIME_GRAPH_PACK_FILE_H
#define LK_RUNTIME_GRAPH_PACK_FILE_H

#include <stdbool.h>

#include "base/file.h"

/* What a panel is made of: rows [first, first + n) of the tensor at `offset` of its file. */
struct lk__pack_id {
    uint64_t offset, first, n, channels;
    uint32_t kernel, dtype, numbers, zero; /* numbers: what they are packed as */
};

struct lk__pack_part {
    struct lk__pack_id id;
    const void *data;
    size_t bytes;
};

struct lk__pack_identity {
    char text[256]; /* zeros behind the text */
};

/* Whether such a file is there, that nobody else can have written; it is marked as used now. */
bool lk__pack_file_open(const char *path,
                        const struct lk__pack_identity *identity,
                        struct lk_file *out);
/* The panel of that many bytes, in the mapping; NULL: it is not there. file may be zeroed. */
const void *lk__pack_file_find(const struct lk_file *file,
                               const struct lk__pack_id *id,
                               size_t bytes);
/* Before, files of the folder that were unused longest are removed until all take at most `limit`
 * bytes. */
int lk__pack_file_write(const char *path,
                        const struct lk__pack_identity *identity,
                        const struct lk__pack_part *parts,
                        size_t count,
                        size_t limit,
                        struct lk_error *err);

#endif

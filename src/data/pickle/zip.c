// SPDX-License-Identifier: Apache-2.0
/* The directory of a zip file (PKWARE's APPNOTE 6.3), as torch.save writes them: members stored as
 * they are, so that tensors can be used in the mapping. Sizes are read from the central directory,
 * also the 64-bit ones of files over 4 GB.
 *
 *   …members…  central directory  [64-bit end, its locator]  end of central directory, comment */
#include <stdlib.h>
#include <string.h>

#include "data/pickle/pickle.h"

struct zip {
    const uint8_t *bytes;
    size_t size;
    const char *path;
    lk_arena *arena;
    struct lk_error *err;
};

enum {
    END_SIZE = 22,
    LOCATOR_SIZE = 20,
    END_64_SIZE = 56,
    ENTRY_SIZE = 46,
    LOCAL_SIZE = 30,
    COMMENT_MAX = 65535,
    MEMBERS_MAX = 1 << 20,
    ENCRYPTED = 1,
    EXTRA_64 = 1,
};

static uint64_t number(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static bool is_signature(const struct zip *z, uint64_t at, size_t room, const char *letters)
{
    return room <= z->size && at <= z->size - room && !memcmp(z->bytes + at, letters, 4);
}

static int broken(const struct zip *z, const char *what)
{
    return lk_fail(z->err, LK_E_INPUT,
                   "file '%s' is a zip file whose %s: it is cut off or damaged, download it again",
                   z->path, what);
}

struct directory {
    uint64_t at, count;
};

static int find_directory(const struct zip *z, struct directory *out)
{
    size_t back = END_SIZE;
    while (back <= z->size && back <= END_SIZE + COMMENT_MAX &&
           !is_signature(z, z->size - back, END_SIZE, "PK\5\6"))
        back++;
    if (back > z->size || back > END_SIZE + COMMENT_MAX)
        return broken(z, "directory is missing");
    const uint8_t *end = z->bytes + z->size - back;
    *out = (struct directory){number(end + 16, 4), number(end + 10, 2)};
    const size_t at = z->size - back;
    if (at < LOCATOR_SIZE || !is_signature(z, at - LOCATOR_SIZE, LOCATOR_SIZE, "PK\6\7"))
        return 0;
    const uint64_t end_64 = number(z->bytes + at - LOCATOR_SIZE + 8, 8);
    if (!is_signature(z, end_64, END_64_SIZE, "PK\6\6"))
        return broken(z, "64-bit directory is missing");
    *out = (struct directory){number(z->bytes + end_64 + 48, 8), number(z->bytes + end_64 + 32, 8)};
    return 0;
}

/* Replaces what did not fit into 32 bits, in the order of the standard. */
static void read_extra_64(const uint8_t *extra, size_t size, uint64_t *fields[3])
{
    while (size >= 4) {
        const size_t kind = number(extra, 2), length = number(extra + 2, 2);
        const uint8_t *at = extra + 4;
        if (length > size - 4)
            return;
        size_t left = kind == EXTRA_64 ? length : 0;
        for (int i = 0; i < 3 && left >= 8; i++) {
            if (*fields[i] != UINT32_MAX)
                continue;
            *fields[i] = number(at, 8);
            at += 8;
            left -= 8;
        }
        extra += 4 + length;
        size -= 4 + length;
    }
}

/* *at: of the entry; afterwards of the next. */
static int read_entry(const struct zip *z, uint64_t *at, struct lk__zip_member *out)
{
    if (!is_signature(z, *at, ENTRY_SIZE, "PK\1\2"))
        return broken(z, "directory is damaged");
    const uint8_t *e = z->bytes + *at;
    const size_t name = number(e + 28, 2), extra = number(e + 30, 2), note = number(e + 32, 2);
    uint64_t packed = number(e + 20, 4), plain = number(e + 24, 4), local = number(e + 42, 4);
    if (name + extra + note > z->size - *at - ENTRY_SIZE)
        return broken(z, "directory is damaged");
    read_extra_64(e + ENTRY_SIZE + name, extra, (uint64_t *[]){&plain, &packed, &local});
    out->name = lk_arena_strndup(z->arena, (const char *)e + ENTRY_SIZE, name);
    if (!out->name)
        return lk_fail_memory(z->err, "a zip file's directory", name);
    if (number(e + 10, 2) || packed != plain || number(e + 8, 2) & ENCRYPTED)
        return lk_fail(
            z->err, LK_E_INPUT,
            "file '%s': member '%s' is compressed or encrypted, as torch.save writes none", z->path,
            out->name);
    if (!is_signature(z, local, LOCAL_SIZE, "PK\3\4"))
        return broken(z, "members are damaged");
    const uint8_t *l = z->bytes + local;
    const uint64_t data = local + LOCAL_SIZE + number(l + 26, 2) + number(l + 28, 2);
    if (data > z->size || plain > z->size - data)
        return broken(z, "members are cut off");
    out->data = z->bytes + data;
    out->size = (size_t)plain;
    *at += ENTRY_SIZE + name + extra + note;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct lk__zip_member *)a)->name,
                  ((const struct lk__zip_member *)b)->name);
}

int lk__zip_read(const uint8_t *bytes,
                 size_t size,
                 const char *path,
                 lk_arena *arena,
                 struct lk__zip_member **out,
                 size_t *count,
                 struct lk_error *err)
{
    const struct zip z = {bytes, size, path, arena, err};
    struct directory directory = {0};
    int code = find_directory(&z, &directory);
    if (code)
        return code;
    if (directory.count > MEMBERS_MAX || directory.count > size / ENTRY_SIZE)
        return broken(&z, "directory names more members than it has");
    const size_t n = (size_t)directory.count;
    struct lk__zip_member *members = lk_arena_alloc(arena, n + 1, sizeof *members);
    if (!members)
        return lk_fail_memory(err, "a zip file's directory", n * sizeof *members);
    uint64_t at = directory.at;
    for (size_t i = 0; !code && i < n; i++)
        code = read_entry(&z, &at, &members[i]);
    if (code)
        return code;
    if (n)
        qsort(members, n, sizeof *members, by_name);
    *out = members;
    *count = n;
    return 0;
}

const struct lk__zip_member *lk__zip_find(const struct lk__zip_member *members,
                                          size_t count,
                                          const char *name)
{
    const struct lk__zip_member key = {.name = name};
    return count ? bsearch(&key, members, count, sizeof key, by_name) : NULL;
}

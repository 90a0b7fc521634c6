// SPDX-License-Identifier: Apache-2.0
/* What torch.save writes, as tensors.
 *
 *   since 1.6      a zip: NAME/data.pkl, and each storage's bytes as NAME/data/KEY
 *   before         pickles of a magic number, of a version, of the machine, of the object, of the
 *                  storages' keys; then for each key its count (u64) and its bytes
 *
 * The object is walked with its keys for a name. Tensors that are shared or lie inside a larger
 * storage are taken where they are; those whose elements do not lie in order are refused, for a
 * copy would have to be made of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "data/pickle/pickle.h"

enum { TENSORS_MAX = 1 << 18, VISITS_MAX = 1 << 22, DEPTH_MAX = 16, NAME_SIZE = 1024 };

/* PROTO 2, LONG1 of ten bytes: 0x1950a86a20f9469cfc6c */
static const uint8_t MAGIC[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c,
                                0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

static bool is_zip(const uint8_t *bytes, size_t size)
{
    return size > 4 && !memcmp(bytes, "PK\3\4", 4);
}

bool lk__is_torch_file(const uint8_t *bytes, size_t size, const char *path)
{
    static const char *const ENDINGS[] = {".ckpt", ".pt", ".pth", ".bin", ".pkl"};
    if (is_zip(bytes, size))
        return true;
    if (size > 8 && bytes[8] == '{') /* a safetensors header behind its length */
        return false;
    if (size > 2 && bytes[0] == 0x80 && bytes[1] <= 5)
        return true;
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < LK_ARRAY_LENGTH(ENDINGS); i++)
        if (!strcasecmp(dot, ENDINGS[i]))
            return true;
    return false;
}

/* ---- the bytes of storages ---- */

static size_t element_size(const struct lk__pickle_storage *s)
{
    return s->untyped ? 1 : lk_dtype_size(s->dtype);
}

static int cut_off(const char *path, const char *key, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT,
                   "file '%s': storage '%.64s' is missing or too short: the file is cut off or "
                   "damaged, download it again",
                   path, key);
}

static int place_zipped(const struct lk__pickle *pickle,
                        const struct lk__zip_member *members,
                        size_t count,
                        int root,
                        const char *pkl,
                        struct lk_error *err)
{
    char name[NAME_SIZE];
    for (struct lk__pickle_storage *s = pickle->storages; s; s = s->next) {
        size_t bytes;
        snprintf(name, sizeof name, "%.*sdata/%s", root, pkl, s->key);
        const struct lk__zip_member *member = lk__zip_find(members, count, name);
        if (!member || !lk_size_mul((size_t)s->count, element_size(s), &bytes) ||
            bytes > member->size)
            return cut_off(pickle->path, s->key, err);
        s->data = member->data;
        s->size = bytes;
    }
    return 0;
}

static int run_zipped(struct lk__pickle *pickle,
                      const uint8_t *bytes,
                      size_t size,
                      const struct lk__pickle_value **out,
                      struct lk_error *err)
{
    static const char PKL[] = "data.pkl";
    const size_t ending = sizeof PKL - 1;
    struct lk__zip_member *members, *pkl = NULL;
    size_t count, at = 0;
    int code = lk__zip_read(bytes, size, pickle->path, pickle->arena, &members, &count, err);
    if (code)
        return code;
    for (size_t i = 0; !pkl && i < count; i++) {
        const size_t length = strlen(members[i].name);
        if (length >= ending && !strcmp(members[i].name + length - ending, PKL) &&
            (length == ending || members[i].name[length - ending - 1] == '/'))
            pkl = &members[i];
    }
    if (!pkl)
        return lk_fail(err, LK_E_INPUT,
                       "file '%s' is a zip file without data.pkl: torch.save did not write it",
                       pickle->path);
    code = lk__pickle_run(pickle, pkl->data, pkl->size, &at, out, err);
    return code ? code
                : place_zipped(pickle, members, count, (int)(strlen(pkl->name) - ending), pkl->name,
                               err);
}

/* keys: in the order in which the storages' bytes follow from *at on. */
static int place_legacy(const struct lk__pickle *pickle,
                        const struct lk__pickle_value *keys,
                        const uint8_t *bytes,
                        size_t size,
                        size_t at,
                        struct lk_error *err)
{
    const bool list = keys->kind == LK__PICKLE_SEQUENCE;
    for (size_t i = 0; list && i < keys->as.items.count; i++) {
        const struct lk__pickle_value *key = keys->as.items.at[i];
        if (key->kind != LK__PICKLE_TEXT)
            return cut_off(pickle->path, "", err);
        struct lk__pickle_storage *first = pickle->storages;
        while (first && strcmp(first->key, key->as.text))
            first = first->next;
        uint64_t count;
        size_t length;
        if (!first || size - at < sizeof count)
            return cut_off(pickle->path, key->as.text, err);
        memcpy(&count, bytes + at, sizeof count);
        at += sizeof count;
        if (!lk_size_mul((size_t)count, element_size(first), &length) || length > size - at)
            return cut_off(pickle->path, key->as.text, err);
        for (struct lk__pickle_storage *s = first; s; s = s->next) {
            if (strcmp(s->key, key->as.text))
                continue;
            s->data = bytes + at;
            s->size = length;
        }
        at += length;
    }
    for (const struct lk__pickle_storage *s = pickle->storages; s; s = s->next)
        if (!s->data)
            return cut_off(pickle->path, s->key, err);
    return 0;
}

static int run_legacy(struct lk__pickle *pickle,
                      const uint8_t *bytes,
                      size_t size,
                      const struct lk__pickle_value **out,
                      struct lk_error *err)
{
    enum { MAGIC_NUMBER, VERSION, MACHINE, OBJECT, KEYS, PICKLES };
    const struct lk__pickle_value *values[PICKLES];
    size_t at = 0;
    int code = 0;
    for (int i = 0; !code && i < PICKLES; i++) {
        code = lk__pickle_run(pickle, bytes, size, &at, &values[i], err);
        if (!code && i == MAGIC_NUMBER &&
            (size < sizeof MAGIC || memcmp(bytes, MAGIC, sizeof MAGIC)))
            code = lk_fail(err, LK_E_INPUT,
                           "file '%s' is a pickle, but none that torch.save wrote: it holds no "
                           "tensors that can be read",
                           pickle->path);
    }
    code = code ? code : place_legacy(pickle, values[KEYS], bytes, size, at, err);
    *out = code ? NULL : values[OBJECT];
    return code;
}

/* ---- the object's tensors ---- */

struct walk {
    const struct lk__pickle *pickle;
    const uint8_t *bytes; /* of the file */
    struct lk_tensor *tensors;
    size_t count, room, visits;
    struct lk_error *err;
};

/* Row by row; strides of sides of one element mean nothing. */
static bool lies_in_order(const struct lk__pickle_value *v, size_t count)
{
    int64_t stride = 1;
    for (int i = v->as.tensor.rank - 1; count && i >= 0; i--) {
        if (v->as.tensor.shape[i] != 1 && v->as.tensor.stride[i] != stride)
            return false;
        stride *= v->as.tensor.shape[i];
    }
    return true;
}

static int add_tensor(struct walk *w, const struct lk__pickle_value *v, const char *name)
{
    const struct lk__pickle_storage *s = v->as.tensor.storage;
    const size_t size = lk_dtype_size(v->as.tensor.dtype);
    size_t count = 1, first, bytes;
    bool fits = true;
    if (v->as.tensor.unread)
        return lk_fail(w->err, LK_E_INPUT,
                       "file '%s': tensor '%s' is of %s, which is not read here: take a file of it "
                       "in f16 or fp8",
                       w->pickle->path, name, v->as.tensor.unread);
    for (int i = 0; fits && i < v->as.tensor.rank; i++)
        fits = lk_size_mul(count, (size_t)v->as.tensor.shape[i], &count);
    fits = fits && lk_size_mul(count, size, &bytes) &&
           lk_size_mul((size_t)v->as.tensor.first, size, &first) && first <= s->size &&
           bytes <= s->size - first;
    if (!fits)
        return lk_fail(w->err, LK_E_INPUT,
                       "file '%s': tensor '%s' is larger than its storage: the file is damaged",
                       w->pickle->path, name);
    if (!lies_in_order(v, count))
        return lk_fail(
            w->err, LK_E_INPUT,
            "file '%s': the elements of tensor '%s' do not lie in order (a view that was "
            "saved): save it again with .contiguous()",
            w->pickle->path, name);
    if (w->count == w->room) {
        const size_t room = w->room ? 2 * w->room : 1024;
        struct lk_tensor *grown =
            room > TENSORS_MAX ? NULL : lk_arena_alloc(w->pickle->arena, room, sizeof *grown);
        if (!grown)
            return lk_fail_memory(w->err, "a list of tensors", room * sizeof *grown);
        if (w->count)
            memcpy(grown, w->tensors, w->count * sizeof *grown);
        w->tensors = grown;
        w->room = room;
    }
    struct lk_tensor *out = &w->tensors[w->count];
    *out = (struct lk_tensor){
        .name = lk_arena_strdup(w->pickle->arena, *name ? name : "tensor"),
        .dtype = v->as.tensor.dtype,
        .rank = v->as.tensor.rank,
        .data = s->data + first,
        .size = bytes,
        .path = w->pickle->path,
        .offset = (uint64_t)(s->data + first - w->bytes),
    };
    if (!out->name)
        return lk_fail_memory(w->err, "a list of tensors", strlen(name));
    memcpy(out->shape, v->as.tensor.shape, sizeof out->shape);
    w->count++;
    return 0;
}

/* name[length]: the keys so far. */
static int walk(
    struct walk *w, const struct lk__pickle_value *v, char *name, size_t length, int depth)
{
    if (v->kind == LK__PICKLE_TENSOR)
        return add_tensor(w, v, name);
    if (v->kind != LK__PICKLE_DICT && v->kind != LK__PICKLE_SEQUENCE)
        return 0;
    const bool dict = v->kind == LK__PICKLE_DICT;
    int code = 0;
    if (depth == DEPTH_MAX)
        code = lk_fail(w->err, LK_E_INPUT, "file '%s': containers are nested too deeply",
                       w->pickle->path);
    for (size_t i = 0; !code && i < v->as.items.count; i += 1 + dict) {
        const struct lk__pickle_value *key = v->as.items.at[i], *inner = v->as.items.at[i + dict];
        const char *dot = length ? "." : "";
        int n;
        if (!dict)
            n = snprintf(name + length, NAME_SIZE - length, "%s%zu", dot, i);
        else if (key->kind == LK__PICKLE_TEXT)
            n = snprintf(name + length, NAME_SIZE - length, "%s%s", dot, key->as.text);
        else if (key->kind == LK__PICKLE_INTEGER)
            n = snprintf(name + length, NAME_SIZE - length, "%s%" PRId64, dot, key->as.integer);
        else
            continue; /* a tensor has no such name */
        if (++w->visits > VISITS_MAX || n < 0 || (size_t)n >= NAME_SIZE - length)
            code = lk_fail(w->err, LK_E_INPUT,
                           "file '%s' holds more, or longer names, than any file of tensors",
                           w->pickle->path);
        code = code ? code : walk(w, inner, name, length + (size_t)n, depth + 1);
        name[length] = '\0';
    }
    return code;
}

/* A checkpoint of a trainer keeps the weights under "state_dict". */
static const struct lk__pickle_value *inside(const struct lk__pickle_value *v)
{
    for (size_t i = 0; v->kind == LK__PICKLE_DICT && i + 1 < v->as.items.count; i += 2) {
        const struct lk__pickle_value *key = v->as.items.at[i];
        if (key->kind == LK__PICKLE_TEXT && !strcmp(key->as.text, "state_dict") &&
            v->as.items.at[i + 1]->kind == LK__PICKLE_DICT)
            return v->as.items.at[i + 1];
    }
    return v;
}

int lk__torch_file_parse(const uint8_t *bytes,
                         size_t size,
                         const char *path,
                         lk_arena *arena,
                         struct lk_tensor **out,
                         size_t *count,
                         struct lk_error *err)
{
    struct lk__pickle pickle = {.path = path, .arena = arena};
    const struct lk__pickle_value *object = NULL;
    char name[NAME_SIZE] = "";
    int code = is_zip(bytes, size) ? run_zipped(&pickle, bytes, size, &object, err)
                                   : run_legacy(&pickle, bytes, size, &object, err);
    if (code)
        return code;
    struct walk w = {.pickle = &pickle, .bytes = bytes, .err = err};
    code = walk(&w, inside(object), name, 0, 0);
    if (!code && !w.count)
        code = lk_fail(err, LK_E_INPUT, "file '%s' holds no tensors", path);
    if (code)
        return code;
    *out = w.tensors;
    *count = w.count;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Loading a byte-pair vocabulary, from two sources of the same content:
 *
 *   bpe_simple_vocab_16e6.txt.gz   OpenAI's list of merges. Ids are implied: the 256 bytes, the 256
 *                                  bytes at a word's end, one for each of the first 48894 merges,
 *                                  start and end
 *   vocab.json, merges.txt         a diffusers folder's tokenizer/: ids are given by name
 *
 * Both write bytes as printable letters (GPT-2's bytes_to_unicode): a byte that is printable
 * Latin-1 stands for itself, the n-th other one is U+0100 + n. Names are compared in that form. */
#include "stages/text/vocabulary.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "base/file.h"
#include "catalog/places.h"

enum {
    CLIP_MERGES = 48894,      /* 49152 − 256 − 2 */
    MAX_TOKENS = 1 << 20,     /* ids */
    MAX_TOKEN_TEXT = 1 << 10, /* bytes of one token's name */
};
#define MAX_FILE ((size_t)64 << 20)
#define WORD_END "</w>"

/* Name → id while loading: open addressing, at most half full. */
struct names {
    const char **name;
    int32_t *id;
    uint32_t mask;
};

struct loader {
    struct lk__vocabulary *to;
    struct names names;
    const char *path; /* for messages */
    struct lk_error *err;
};

static uint32_t hash_bytes(const char *text, size_t length)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (uint8_t)text[i]) * 16777619u;
    return h ^ h >> 15;
}

static uint32_t hash_pair(int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

/* A power of two of at least twice the count. */
static uint32_t slots_for(size_t count)
{
    uint32_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    return slots;
}

static int names_init(struct loader *in, size_t count)
{
    uint32_t slots = slots_for(count);
    in->names.mask = slots - 1;
    in->names.name = calloc(slots, sizeof *in->names.name);
    in->names.id = calloc(slots, sizeof *in->names.id);
    if (!in->names.name || !in->names.id)
        return lk_fail_memory(in->err, "a vocabulary", slots * (unsigned long long)12);
    return 0;
}

static uint32_t name_slot(const struct names *names, const char *name, size_t length)
{
    uint32_t slot = hash_bytes(name, length) & names->mask;
    while (names->name[slot] &&
           (strlen(names->name[slot]) != length || memcmp(names->name[slot], name, length) != 0))
        slot = (slot + 1) & names->mask;
    return slot;
}

static int add_name(struct loader *in, const char *name, size_t length, int32_t id)
{
    uint32_t slot = name_slot(&in->names, name, length);
    if (in->names.name[slot])
        return 0; /* CLIP's list has no duplicates; of a hostile one the first counts */
    const char *kept = lk_arena_strndup(in->to->arena, name, length);
    if (!kept)
        return lk_fail_memory(in->err, "a vocabulary", length);
    in->names.name[slot] = kept;
    in->names.id[slot] = id;
    return 0;
}

/* −1 when there is no such token. */
static int32_t id_of(const struct loader *in, const char *name, size_t length)
{
    uint32_t slot = name_slot(&in->names, name, length);
    return in->names.name[slot] ? in->names.id[slot] : -1;
}

/* UTF-8 of the letter that stands for a byte; returns its length, 1 or 2. */
static size_t byte_letter(int byte, char out[3])
{
    int letter = 256; /* of the first byte that does not stand for itself */
    for (int b = 0; b <= byte; b++) {
        bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte && printable)
            letter = b;
        else if (b < byte && !printable)
            letter++;
    }
    if (letter < 128) {
        snprintf(out, 3, "%c", letter);
        return 1;
    }
    snprintf(out, 3, "%c%c", 0xc0 | letter >> 6, 0x80 | (letter & 63));
    return 2;
}

/* Looks up the bytes' and the special tokens' ids. A byte that a small vocabulary lacks becomes the
 * end token, as transformers' unk_token. */
static int bind_tokens(struct loader *in)
{
    struct lk__vocabulary *to = in->to;
    to->start = id_of(in, "<|startoftext|>", 15);
    to->end = to->pad = id_of(in, "<|endoftext|>", 13);
    if (to->start < 0 || to->end < 0)
        return lk_fail(in->err, LK_E_INPUT,
                       "'%s' lacks <|startoftext|> or <|endoftext|>: it is no vocabulary of CLIP",
                       in->path);
    for (int byte = 0; byte < 256; byte++) {
        char name[8];
        size_t length = byte_letter(byte, name);
        to->inner[byte] = id_of(in, name, length);
        memcpy(name + length, WORD_END, sizeof WORD_END);
        to->last[byte] = id_of(in, name, length + sizeof WORD_END - 1);
        if (to->inner[byte] < 0)
            to->inner[byte] = to->end;
        if (to->last[byte] < 0)
            to->last[byte] = to->end;
    }
    return 0;
}

static int merges_init(struct loader *in, size_t count)
{
    uint32_t slots = slots_for(count);
    in->to->mask = slots - 1;
    in->to->merges = lk_arena_alloc(in->to->arena, slots, sizeof *in->to->merges);
    if (!in->to->merges)
        return lk_fail_memory(in->err, "a vocabulary", slots * sizeof *in->to->merges);
    for (uint32_t i = 0; i < slots; i++)
        in->to->merges[i].left = -1;
    return 0;
}

static struct lk__merge *merge_slot(const struct lk__vocabulary *v, int32_t left, int32_t right)
{
    uint32_t slot = hash_pair(left, right) & v->mask;
    while (v->merges[slot].left >= 0 &&
           (v->merges[slot].left != left || v->merges[slot].right != right))
        slot = (slot + 1) & v->mask;
    return &v->merges[slot];
}

const struct lk__merge *lk__vocabulary_merge(const struct lk__vocabulary *vocabulary,
                                             int32_t left,
                                             int32_t right)
{
    const struct lk__merge *merge = merge_slot(vocabulary, left, right);
    return merge->left >= 0 ? merge : NULL;
}

/* One line "left right" of a list of merges; fills joined with the new token's name. */
static int split_line(
    const struct loader *in, const char *line, size_t length, size_t *left, char *joined)
{
    const char *space = memchr(line, ' ', length);
    if (!space || space == line || space == line + length - 1 || length > MAX_TOKEN_TEXT)
        return lk_fail(in->err, LK_E_INPUT,
                       "'%s' has a line that is no pair of tokens: download it again", in->path);
    *left = (size_t)(space - line);
    memcpy(joined, line, *left);
    memcpy(joined + *left, space + 1, length - *left - 1);
    return 0;
}

static int add_merge(struct loader *in, const char *line, size_t length, int32_t rank)
{
    char joined[MAX_TOKEN_TEXT];
    size_t left;
    int code = split_line(in, line, length, &left, joined);
    if (code)
        return code;
    int32_t a = id_of(in, line, left), b = id_of(in, line + left + 1, length - left - 1);
    int32_t token = id_of(in, joined, length - 1);
    if (a < 0 || b < 0 || token < 0)
        return lk_fail(
            in->err, LK_E_INPUT,
            "'%s' merges '%.*s', which the vocabulary lacks: the two files do not belong "
            "together",
            in->path, (int)length, line);
    struct lk__merge *merge = merge_slot(in->to, a, b);
    if (merge->left < 0)
        *merge = (struct lk__merge){a, b, rank, token};
    return 0;
}

static size_t count_lines(const char *text, size_t size)
{
    size_t n = 1;
    for (size_t i = 0; i < size; i++)
        n += text[i] == '\n';
    return n;
}

/* Calls `each` with every line that is neither empty nor the "#version" head, at most `limit`. */
static int each_line(struct loader *in,
                     const char *text,
                     size_t size,
                     int32_t limit,
                     int (*each)(struct loader *, const char *, size_t, int32_t))
{
    int32_t n = 0;
    int code = 0;
    for (size_t at = 0; !code && at < size && n < limit;) {
        const char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at;
        at += length + 1;
        if (length > 0 && line[length - 1] == '\r')
            length--;
        bool head = line == text && memmem(line, length, "#version", 8) != NULL;
        if (length > 0 && !head)
            code = each(in, line, length, n++);
    }
    return code;
}

/* ---- OpenAI's list ---- */

static int add_implied_name(struct loader *in, const char *line, size_t length, int32_t rank)
{
    char joined[MAX_TOKEN_TEXT];
    size_t left;
    int code = split_line(in, line, length, &left, joined);
    return code ? code : add_name(in, joined, length - 1, 512 + rank);
}

/* The order of bytes_to_unicode: printable bytes first. */
static int add_byte_names(struct loader *in)
{
    int32_t id = 0;
    int code = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int byte = 0; !code && byte < 256; byte++) {
            char name[8];
            size_t length = byte_letter(byte, name);
            bool printable = length == 1 || (uint8_t)name[0] < 0xc4; /* below U+0100 */
            if (printable != (pass == 0))
                continue;
            code = add_name(in, name, length, id);
            memcpy(name + length, WORD_END, sizeof WORD_END);
            if (!code)
                code = add_name(in, name, length + sizeof WORD_END - 1, 256 + id);
            id++;
        }
    return code;
}

static int load_list(struct loader *in, const char *text, size_t size)
{
    in->to->size = 512 + CLIP_MERGES + 2;
    if (count_lines(text, size) <= CLIP_MERGES)
        return lk_fail(in->err, LK_E_INPUT,
                       "CLIP's merges '%s' are fewer than %d lines: run tools/setup again",
                       in->path, CLIP_MERGES);
    int code = names_init(in, (size_t)in->to->size);
    if (!code)
        code = add_byte_names(in);
    if (!code)
        code = each_line(in, text, size, CLIP_MERGES, add_implied_name);
    if (!code)
        code = add_name(in, "<|startoftext|>", 15, in->to->size - 2);
    if (!code)
        code = add_name(in, "<|endoftext|>", 13, in->to->size - 1);
    if (!code)
        code = bind_tokens(in);
    if (!code)
        code = merges_init(in, CLIP_MERGES);
    if (!code)
        code = each_line(in, text, size, CLIP_MERGES, add_merge);
    return code;
}

/* Unpacks a gzip file, which may be of any size: at most MAX_FILE is read. */
static int read_gzip(const char *path, char **out, size_t *size, struct lk_error *err)
{
    gzFile file = gzopen(path, "rb");
    if (!file)
        return lk_fail(err, LK_E_MISSING, "CLIP's merges '%s' cannot be read", path);
    char *text = NULL;
    size_t room = 0, n = 0;
    int got = 0;
    do {
        if (n == room) {
            room = room ? 2 * room : (size_t)4 << 20;
            char *more = room <= MAX_FILE ? realloc(text, room) : NULL;
            if (!more) {
                got = -1;
                break;
            }
            text = more;
        }
        got = gzread(file, text + n, (unsigned)(room - n));
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    if (gzclose(file) != Z_OK) /* also of a file that is cut short */
        got = -1;
    if (got < 0) {
        free(text);
        return lk_fail(err, LK_E_INPUT, "CLIP's merges '%s' are broken: run tools/setup again",
                       path);
    }
    *out = text;
    *size = n;
    return 0;
}

static int load_clip(struct loader *in)
{
    char *path = NULL, *text = NULL;
    size_t size = 0;
    int code = lk_places_merges(&path, in->err);
    if (!code) {
        in->path = path;
        code = read_gzip(path, &text, &size, in->err);
    }
    if (!code)
        code = load_list(in, text, size);
    free(text);
    free(path);
    return code;
}

/* ---- a folder ---- */

static int load_json(const char *path, json_t **out, struct lk_error *err)
{
    struct lk_file file;
    int code = lk_file_map(path, &file, err);
    if (code)
        return code;
    json_error_t at = {.text = "it is too large"};
    json_t *root = NULL;
    if (file.size <= MAX_FILE)
        root = json_loadb((const char *)file.bytes, file.size, 0, &at);
    lk_file_unmap(&file);
    if (!root)
        return lk_fail(err, LK_E_INPUT, "'%s' is no JSON that can be read: %s", path, at.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return lk_fail(err, LK_E_INPUT, "'%s' must hold a JSON object", path);
    }
    *out = root;
    return 0;
}

static int add_given_names(struct loader *in, json_t *root)
{
    int code = names_init(in, json_object_size(root));
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || id >= MAX_TOKENS)
            return lk_fail(in->err, LK_E_INPUT,
                           "'%s' gives '%.40s' an id that is no integer below %d", in->path, name,
                           MAX_TOKENS);
        if (!code)
            code = add_name(in, name, strlen(name), (int32_t)id);
        if (id >= in->to->size)
            in->to->size = (int32_t)id + 1;
    }
    return code;
}

/* SD 2.x pads with another token than the end. "pad_token" is a text or {"content": text}. */
static void read_pad(struct loader *in, const char *path)
{
    json_t *root = NULL;
    if (load_json(path, &root, NULL))
        return;
    const json_t *pad = json_object_get(root, "pad_token");
    const char *name =
        json_string_value(json_is_object(pad) ? json_object_get(pad, "content") : pad);
    int32_t id = name ? id_of(in, name, strlen(name)) : -1;
    if (id >= 0)
        in->to->pad = id;
    json_decref(root);
}

static int load_merges(struct loader *in, const char *path)
{
    struct lk_file file;
    in->path = path;
    int code = lk_file_map(path, &file, in->err);
    if (code)
        return code;
    const char *text = (const char *)file.bytes;
    if (file.size > MAX_FILE)
        code = lk_fail(in->err, LK_E_INPUT, "'%s' is too large for a list of merges", path);
    if (!code)
        code = merges_init(in, count_lines(text, file.size));
    if (!code)
        code = each_line(in, text, file.size, MAX_TOKENS, add_merge);
    lk_file_unmap(&file);
    return code;
}

static int load_folder(struct loader *in, const char *folder)
{
    char *vocabulary = NULL, *merges = NULL, *special = NULL;
    json_t *root = NULL;
    int code = 0;
    if (asprintf(&vocabulary, "%s/vocab.json", folder) < 0 ||
        asprintf(&merges, "%s/merges.txt", folder) < 0 ||
        asprintf(&special, "%s/special_tokens_map.json", folder) < 0)
        code = lk_fail_memory(in->err, "a path", strlen(folder));
    in->path = vocabulary;
    if (!code)
        code = load_json(vocabulary, &root, in->err);
    if (!code)
        code = add_given_names(in, root);
    if (!code)
        code = bind_tokens(in);
    if (!code)
        read_pad(in, special);
    if (!code)
        code = load_merges(in, merges);
    json_decref(root);
    free(vocabulary);
    free(merges);
    free(special);
    return code;
}

int lk__vocabulary_open(const char *folder, struct lk__vocabulary *out, struct lk_error *err)
{
    struct lk__vocabulary to = {.arena = lk_arena_new((size_t)256 << 20)};
    struct loader in = {.to = &to, .err = err};
    int code = !to.arena ? lk_fail_memory(err, "a vocabulary", 1 << 20)
               : folder  ? load_folder(&in, folder)
                         : load_clip(&in);
    free(in.names.name);
    free(in.names.id);
    if (code) {
        lk__vocabulary_close(&to);
        return code;
    }
    *out = to;
    return 0;
}

void lk__vocabulary_close(struct lk__vocabulary *vocabulary)
{
    lk_arena_free(vocabulary->arena);
    *vocabulary = (struct lk__vocabulary){0};
}

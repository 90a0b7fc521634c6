// SPDX-License-Identifier: Apache-2.0
/* pack.json: what lies in a model folder. docs/models.md describes its form. A pack is data that
 * somebody else may have written: paths stay inside the folder, numbers inside their ranges. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "catalog/entries.h"
#include "catalog/topology.h"

enum { MAX_ENTRIES = 1000 };

struct pack {
    const char *folder, *path; /* path: of pack.json, for messages */
    const char *kept_folder;   /* lives as long as the catalogue */
    lk_arena *arena;
    const json_t *models;
    const char *licence; /* of all models that name none; may be NULL */
    const char *key;     /* of the model being read */
    struct lk_error *err;
};

enum kind { STRING, INTEGER, BYTES, REAL };
#define AT(member) offsetof(struct lk_model_entry, member)
#define ANY (-1)

/* Members of a model, by role: `threshold` is a detector's score and an embedder's cosine. */
static const struct field {
    const char *key;
    int role; /* enum lk_role, or ANY */
    enum kind kind;
    size_t at;
    bool required;
    double low, high;
} FIELDS[] = {
    {"file", ANY, STRING, AT(file), true, 0, 0},
    {"family", ANY, STRING, AT(family), true, 0, 0},
    {"licence", ANY, STRING, AT(licence), false, 0, 0},
    {"source", ANY, STRING, AT(source), false, 0, 0},
    {"url", ANY, STRING, AT(url), false, 0, 0},
    {"bytes", ANY, BYTES, AT(bytes), false, 1, 1e12},
    {"base", LK_ROLE_INPAINT, STRING, AT(base), false, 0, 0},
    {"embedder", LK_ROLE_SWAPPER, STRING, AT(embedder), false, 0, 0},
    {"passes", LK_ROLE_SWAPPER, INTEGER, AT(defaults.passes), false, 1, 4},
    {"size", LK_ROLE_CHECKPOINT, INTEGER, AT(defaults.width), false, 64, 16384},
    {"size", LK_ROLE_CHECKPOINT, INTEGER, AT(defaults.height), false, 64, 16384},
    {"width", LK_ROLE_CHECKPOINT, INTEGER, AT(defaults.width), false, 64, 16384},
    {"height", LK_ROLE_CHECKPOINT, INTEGER, AT(defaults.height), false, 64, 16384},
    {"steps", LK_ROLE_CHECKPOINT, INTEGER, AT(defaults.steps), false, 1, 1000},
    {"guidance", LK_ROLE_CHECKPOINT, REAL, AT(defaults.guidance), false, 0, 100},
    {"sampler", LK_ROLE_CHECKPOINT, STRING, AT(defaults.sampler), false, 0, 0},
    {"schedule", LK_ROLE_CHECKPOINT, STRING, AT(defaults.schedule), false, 0, 0},
    {"upscale", LK_ROLE_CHECKPOINT, INTEGER, AT(defaults.upscale), false, 1, 8},
    {"scale", LK_ROLE_UPSCALER, INTEGER, AT(defaults.upscale), false, 1, 8},
    {"threshold", LK_ROLE_DETECTOR, REAL, AT(defaults.face_score), false, 0, 1},
    {"threshold", LK_ROLE_LANDMARKER, REAL, AT(defaults.face_score), false, 0, 1},
    {"threshold", LK_ROLE_EMBEDDER, REAL, AT(defaults.same_person), false, -1, 1},
};

static int wrong(const struct pack *pack, const char *member, const char *wanted)
{
    return lk_fail(pack->err, LK_E_INPUT, "'%s' of model '%.60s' in '%s' must be %s", member,
                   pack->key, pack->path, wanted);
}

/* *out = a copy that lives as long as the catalogue. */
static int keep(const struct pack *pack, const char *text, const char **out)
{
    *out = lk_arena_strdup(pack->arena, text);
    return *out ? 0 : lk_fail_memory(pack->err, "a catalogue", strlen(text));
}

static int read_field(const struct pack *pack,
                      const json_t *object,
                      const struct field *field,
                      struct lk_model_entry *entry)
{
    const json_t *value = json_object_get(object, field->key);
    char *at = (char *)entry + field->at;
    if (!value || json_is_null(value))
        return field->required ? wrong(pack, field->key, "there") : 0;
    if (field->kind == STRING) {
        const char *text = json_string_value(value), *kept = NULL;
        if (!text || !*text)
            return wrong(pack, field->key, "a text");
        int code = keep(pack, text, &kept);
        memcpy(at, &kept, sizeof kept);
        return code;
    }
    double number = json_number_value(value);
    bool fits = field->kind == REAL ? json_is_number(value) : json_is_integer(value);
    if (!fits || !(number >= field->low && number <= field->high)) {
        char range[64];
        snprintf(range, sizeof range, "a number from %g to %g", field->low, field->high);
        return wrong(pack, field->key, range);
    }
    if (field->kind == INTEGER)
        *(int *)at = (int)number;
    else if (field->kind == BYTES)
        *(uint64_t *)at = (uint64_t)number;
    else
        *(float *)at = (float)number;
    return 0;
}

/* Members that belong to other roles are left alone. */
static int read_fields(const struct pack *pack, const json_t *object, struct lk_model_entry *entry)
{
    int code = 0;
    for (size_t i = 0; !code && i < LK_ARRAY_LENGTH(FIELDS); i++)
        if (FIELDS[i].role == ANY || FIELDS[i].role == (int)entry->role)
            code = read_field(pack, object, &FIELDS[i], entry);
    return code;
}

/* "sd" is short for the checkpoint. */
static bool role_of_word(const char *word, enum lk_role *out)
{
    if (!strcmp(word, "sd"))
        word = lk_role_name(LK_ROLE_CHECKPOINT);
    for (enum lk_role role = 0; role < LK_ROLE_COUNT; role++)
        if (!strcmp(word, lk_role_name(role))) {
            *out = role;
            return true;
        }
    return false;
}

/* A key that names a role makes the model the one that serves when none is asked for. */
static int read_name(const struct pack *pack, const json_t *object, struct lk_model_entry *entry)
{
    if (role_of_word(pack->key, &entry->role)) {
        entry->name = "starter";
        return 0;
    }
    const char *word = json_string_value(json_object_get(object, "role"));
    if (!word || !role_of_word(word, &entry->role))
        return wrong(pack, "role", "a role that `likeness doctor` lists");
    return *pack->key ? keep(pack, pack->key, &entry->name) : wrong(pack, "name", "a text");
}

/* A swapper names the file of its embedder, an inpainting UNet that of its checkpoint, which may be
 * a model of the pack: entries are compared by name. */
static int bind(const struct pack *pack, const char **name)
{
    enum lk_role role;
    const char *key;
    json_t *model;
    json_object_foreach((json_t *)pack->models, key, model)
    {
        const char *file = json_string_value(json_object_get(model, "file"));
        if (!*name || !file || strcmp(file, *name))
            continue;
        if (!role_of_word(key, &role))
            return keep(pack, key, name);
        *name = "starter";
        return 0;
    }
    return 0;
}

/* A path of a pack stays inside the pack. */
static bool is_inside(const char *path)
{
    if (path[0] == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (!strncmp(part, "..", 2) && (part[2] == '/' || part[2] == 0))
            return false;
    }
    return true;
}

/* ---- digests ---- */

static bool is_digest(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* The order in which lk_model_sha256 meets files: folder by folder, by name. */
static int by_path(const void *a, const void *b)
{
    const char *p = *(const char *const *)a, *q = *(const char *const *)b;
    while (*p && *p == *q)
        p++, q++;
    int x = *p == '/' ? 1 : (unsigned char)*p + 1, y = *q == '/' ? 1 : (unsigned char)*q + 1;
    return *p && *q ? x - y : (*p != 0) - (*q != 0);
}

/* Digests of a folder's files, {path: sha256}, become the one that lk_model_sha256 gives. */
static int join_digests(const struct pack *pack, json_t *files, struct lk_sha256 *out)
{
    size_t n = 0, size = 0;
    const char **paths = calloc(json_object_size(files) + 1, sizeof *paths), *path;
    char *lines = NULL;
    json_t *digest;
    FILE *list = paths ? open_memstream(&lines, &size) : NULL;
    int code = list ? 0 : lk_fail_memory(pack->err, "a list of files", json_object_size(files));
    json_object_foreach(files, path, digest)
    {
        if (!code && !is_digest(digest))
            code = wrong(pack, "sha256", "64 hex digits for each file");
        if (!code)
            paths[n++] = path;
    }
    if (!code)
        qsort(paths, n, sizeof *paths, by_path);
    for (size_t i = 0; !code && i < n; i++)
        fprintf(list, "%s  %s\n", json_string_value(json_object_get(files, paths[i])), paths[i]);
    if (list && fclose(list) && !code)
        code = lk_fail_memory(pack->err, "a list of files", size);
    if (!code)
        lk_sha256_bytes(lines, size, out);
    free(lines);
    free(paths);
    return code;
}

static int read_digest(const struct pack *pack, const json_t *object, struct lk_model_entry *entry)
{
    json_t *value = json_object_get(object, "sha256");
    struct lk_sha256 sha;
    if (!value || json_is_null(value))
        return 0;
    if (is_digest(value))
        return keep(pack, json_string_value(value), &entry->sha256);
    if (!json_is_object(value))
        return wrong(pack, "sha256", "64 hex digits, or {path: 64 hex digits} of a folder's files");
    int code = join_digests(pack, value, &sha);
    return code ? code : keep(pack, sha.hex, &entry->sha256);
}

/* ---- entries ---- */

static int read_entry(const struct pack *pack, const json_t *object, struct lk_model_entry *entry)
{
    *entry = (struct lk_model_entry){.licence = pack->licence, .folder = pack->kept_folder};
    if (!json_is_object(object))
        return lk_fail(pack->err, LK_E_INPUT, "model '%.60s' in '%s' must be a JSON object",
                       pack->key, pack->path);
    int code = read_name(pack, object, entry);
    if (!code)
        code = read_fields(pack, object, entry);
    if (code)
        return code;
    if (!is_inside(entry->file))
        return wrong(pack, "file", "relative to the folder and inside it");
    code = read_digest(pack, object, entry);
    if (!code)
        code = bind(pack, &entry->embedder);
    if (!code)
        code = bind(pack, &entry->base);
    if (code)
        return code;
    size_t room = strlen(pack->folder) + strlen(entry->file) + 2;
    char *path = lk_arena_alloc(pack->arena, room, 1);
    if (!path)
        return lk_fail_memory(pack->err, "a catalogue", room);
    snprintf(path, room, "%s/%s", pack->folder, entry->file);
    entry->path = access(path, F_OK) ? NULL : path;
    return 0;
}

/* What stands before the models. */
static int read_head(struct pack *pack, const json_t *root)
{
    const json_t *version = json_object_get(root, "version");
    const char *licence = json_string_value(json_object_get(root, "licence"));
    pack->models = json_object_get(root, "models");
    if (!json_is_integer(version) || json_integer_value(version) != 1)
        return lk_fail(pack->err, LK_E_INPUT, "'%s' is not of version 1: get a newer likeness",
                       pack->path);
    if (!json_is_object(pack->models) || json_object_size(pack->models) > MAX_ENTRIES)
        return lk_fail(pack->err, LK_E_INPUT,
                       "'models' in '%s' must be an object of at most %d models", pack->path,
                       MAX_ENTRIES);
    int code = keep(pack, pack->folder, &pack->kept_folder);
    return code || !licence ? code : keep(pack, licence, &pack->licence);
}

int lk__pack_read(const char *folder,
                  lk_arena *arena,
                  int (*add)(void *user, const struct lk_model_entry *entry, struct lk_error *err),
                  void *user,
                  struct lk_error *err)
{
    char *path = NULL;
    if (asprintf(&path, "%s/pack.json", folder) < 0)
        return lk_fail_memory(err, "a path", strlen(folder));
    struct pack pack = {.folder = folder, .path = path, .arena = arena, .err = err};
    json_t *root = NULL, *model;
    int code = lk__json_load(path, &root, err);
    if (code) {
        free(path);
        return code == LK_E_MISSING ? 0 : code;
    }
    code = read_head(&pack, root);
    json_object_foreach(code ? NULL : (json_t *)pack.models, pack.key, model)
    {
        struct lk_model_entry entry;
        code = read_entry(&pack, model, &entry);
        if (!code)
            code = add(user, &entry, err);
        if (code)
            break;
    }
    json_decref(root);
    free(path);
    return code;
}

/* ---- adding to a pack ---- */

static json_t *value_of(const struct field *field, const struct lk_model_entry *entry)
{
    const char *at = (const char *)entry + field->at, *text;
    char number[32];
    switch (field->kind) {
    case STRING:
        memcpy(&text, at, sizeof text);
        return text ? json_string(text) : NULL;
    case INTEGER:
        return *(const int *)at ? json_integer(*(const int *)at) : NULL;
    case BYTES:
        return *(const uint64_t *)at ? json_integer((json_int_t) * (const uint64_t *)at) : NULL;
    case REAL:
        snprintf(number, sizeof number, "%g", (double)*(const float *)at); /* 0.4f is 0.4 */
        return *(const float *)at != 0 ? json_real(strtod(number, NULL)) : NULL;
    }
    return NULL;
}

/* The entry as read_entry reads it. A licence of all models is not its. */
static json_t *object_of(const struct lk_model_entry *entry)
{
    json_t *object =
        json_pack("{s:s,s:s}", "role", lk_role_name(entry->role), "licence", "not known");
    for (size_t i = 0; i < LK_ARRAY_LENGTH(FIELDS); i++) {
        const struct field *field = &FIELDS[i];
        json_t *value =
            field->role == ANY || field->role == (int)entry->role ? value_of(field, entry) : NULL;
        if (value)
            json_object_set_new(object, field->key, value);
    }
    if (entry->sha256)
        json_object_set_new(object, "sha256", json_string(entry->sha256));
    return object;
}

static int save(json_t *root, const char *path, struct lk_error *err)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return lk_fail_memory(err, "a path", strlen(path));
    const int fd = mkstemp(temporary);
    int failed = fd < 0 || fchmod(fd, 0644) || json_dumpfd(root, fd, JSON_INDENT(1)) ||
                 write(fd, "\n", 1) != 1 || fsync(fd) || rename(temporary, path);
    const int why = errno;
    if (fd >= 0)
        close(fd);
    if (failed && fd >= 0)
        unlink(temporary);
    free(temporary);
    return failed ? lk_fail(err, LK_E_FAILED, "'%s' cannot be written: %s", path, strerror(why))
                  : 0;
}

/* Whether options can take the word for a model: it is no path, no FAMILY:PATH, and no list. */
static bool is_name(const char *word)
{
    for (const char *c = word; *c; c++)
        if (strchr("/:=,", *c) || (unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return *word && *word != '-';
}

/* The pack of a folder, or a new one. */
static int load_or_begin(const char *path, json_t **root, struct lk_error *err)
{
    int code = lk__json_load(path, root, err);
    if (code != LK_E_MISSING)
        return code;
    *root = json_pack("{s:i,s:{}}", "version", 1, "models");
    return *root ? 0 : lk_fail_memory(err, "a catalogue", 0);
}

int lk_pack_add(const char *folder, const struct lk_model_entry *entry, struct lk_error *err)
{
    char *path = NULL;
    json_t *root = NULL;
    enum lk_role role;
    const bool is_role = role_of_word(entry->name, &role);
    if (is_role || !is_name(entry->name))
        return lk_fail(err, LK_E_INPUT, "'%.60s' is no name of a model%s: give another with --name",
                       entry->name, is_role ? " but of a role" : "");
    if (asprintf(&path, "%s/pack.json", folder) < 0)
        return lk_fail_memory(err, "a path", strlen(folder));
    int code = load_or_begin(path, &root, err);
    json_t *models = json_object_get(root, "models");
    if (!code && json_object_get(models, entry->name))
        code = lk_fail(err, LK_E_INPUT, "'%s' has a model '%s' already: give another with --name",
                       path, entry->name);
    if (!code && json_object_set_new(models, entry->name, object_of(entry)))
        code = lk_fail(err, LK_E_INPUT, "'%.60s' cannot be the name of a model", entry->name);
    code = code ? code : save(root, path, err);
    json_decref(root);
    free(path);
    return code;
}

// SPDX-License-Identifier: Apache-2.0
/* pack.json: what lies in a model folder. docs/models.md describes its form. A pack is data that
 * somebody else may have written: paths stay inside the folder, numbers inside their ranges. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "catalog/entries.h"
#include "catalog/topology.h"

enum { MAX_ENTRIES = 1000 };

struct pack {
    const char *folder, *path; /* path: of pack.json, for messages */
    lk_arena *arena;
    size_t at; /* entry being read */
    struct lk_error *err;
};

enum kind { STRING, INTEGER, REAL };
#define AT(member) offsetof(struct lk_model_entry, member)

static const struct field {
    const char *key;
    enum kind kind;
    size_t at;
    bool required;
    double low, high;
} MEMBERS[] =
    {
        {"name", STRING, AT(name), true, 0, 0},
        {"family", STRING, AT(family), true, 0, 0},
        {"path", STRING, AT(file), true, 0, 0},
        {"licence", STRING, AT(licence), false, 0, 0},
        {"sha256", STRING, AT(sha256), false, 0, 0},
        {"embedder", STRING, AT(embedder), false, 0, 0},
        {"source", STRING, AT(source), false, 0, 0},
},
  DEFAULTS[] = {
      {"width", INTEGER, AT(defaults.width), false, 64, 16384},
      {"height", INTEGER, AT(defaults.height), false, 64, 16384},
      {"steps", INTEGER, AT(defaults.steps), false, 1, 1000},
      {"guidance", REAL, AT(defaults.guidance), false, 0, 100},
      {"sampler", STRING, AT(defaults.sampler), false, 0, 0},
      {"schedule", STRING, AT(defaults.schedule), false, 0, 0},
      {"upscale", INTEGER, AT(defaults.upscale), false, 1, 8},
      {"face_score", REAL, AT(defaults.face_score), false, 0, 1},
      {"same_person", REAL, AT(defaults.same_person), false, -1, 1},
};

static int wrong(const struct pack *pack, const char *key, const char *wanted)
{
    return lk_fail(pack->err, LK_E_INPUT, "'%s' of model %zu in '%s' must be %s", key, pack->at + 1,
                   pack->path, wanted);
}

static int read_member(const struct pack *pack,
                       const json_t *object,
                       const struct field *field,
                       struct lk_model_entry *entry)
{
    const json_t *value = json_object_get(object, field->key);
    void *at = (char *)entry + field->at;
    if (!value || json_is_null(value))
        return field->required ? wrong(pack, field->key, "there") : 0;
    if (field->kind == STRING) {
        const char *text = json_string_value(value);
        if (!text || !*text)
            return wrong(pack, field->key, "a text");
        char *kept = lk_arena_strdup(pack->arena, text);
        if (!kept)
            return lk_fail_memory(pack->err, "a catalogue", strlen(text));
        memcpy(at, &kept, sizeof kept);
        return 0;
    }
    double number = json_number_value(value);
    bool fits = field->kind == INTEGER ? json_is_integer(value) : json_is_number(value);
    if (!fits || !(number >= field->low && number <= field->high))
        return lk_fail(pack->err, LK_E_INPUT,
                       "'%s' of model %zu in '%s' must be a number from %g to %g", field->key,
                       pack->at + 1, pack->path, field->low, field->high);
    if (field->kind == INTEGER)
        *(int *)at = (int)number;
    else
        *(float *)at = (float)number;
    return 0;
}

static int read_members(const struct pack *pack,
                        const json_t *object,
                        const struct field *fields,
                        size_t n,
                        struct lk_model_entry *entry)
{
    int code = 0;
    for (size_t i = 0; !code && i < n; i++)
        code = read_member(pack, object, &fields[i], entry);
    return code;
}

static int read_role(const struct pack *pack, const json_t *object, struct lk_model_entry *entry)
{
    const char *word = json_string_value(json_object_get(object, "role"));
    for (enum lk_role role = 0; word && role < LK_ROLE_COUNT; role++)
        if (!strcmp(word, lk_role_name(role))) {
            entry->role = role;
            return 0;
        }
    return wrong(pack, "role", "checkpoint, vae, detector, embedder, swapper or upscaler");
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

static int read_entry(const struct pack *pack, const json_t *object, struct lk_model_entry *entry)
{
    *entry = (struct lk_model_entry){0};
    if (!json_is_object(object))
        return lk_fail(pack->err, LK_E_INPUT, "model %zu in '%s' must be a JSON object",
                       pack->at + 1, pack->path);
    int code = read_role(pack, object, entry);
    if (!code)
        code = read_members(pack, object, MEMBERS, LK_ARRAY_LENGTH(MEMBERS), entry);
    if (code)
        return code;
    if (!is_inside(entry->file))
        return wrong(pack, "path", "relative to the folder and inside it");
    if (entry->sha256 && strspn(entry->sha256, "0123456789abcdef") != 64)
        return wrong(pack, "sha256", "64 hex digits");
    const json_t *defaults = json_object_get(object, "defaults");
    if (defaults && !json_is_object(defaults))
        return wrong(pack, "defaults", "a JSON object");
    code = read_members(pack, defaults, DEFAULTS, LK_ARRAY_LENGTH(DEFAULTS), entry);
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

int lk__pack_read(const char *folder,
                  lk_arena *arena,
                  int (*add)(void *user, const struct lk_model_entry *entry, struct lk_error *err),
                  void *user,
                  struct lk_error *err)
{
    char *path = NULL;
    if (asprintf(&path, "%s/pack.json", folder) < 0)
        return lk_fail_memory(err, "a path", strlen(folder));
    struct pack pack = {folder, path, arena, 0, err};
    json_t *root = NULL;
    int code = lk__json_load(path, &root, err);
    if (code) {
        free(path);
        return code == LK_E_MISSING ? 0 : code;
    }
    const json_t *models = json_object_get(root, "models");
    if (json_integer_value(json_object_get(root, "format")) != 1)
        code = lk_fail(err, LK_E_INPUT, "'%s' is not of format 1: get a newer likeness", path);
    else if (!json_is_array(models) || json_array_size(models) > MAX_ENTRIES)
        code = lk_fail(err, LK_E_INPUT, "'models' in '%s' must be a list of models", path);
    for (; !code && pack.at < json_array_size(models); pack.at++) {
        struct lk_model_entry entry;
        code = read_entry(&pack, json_array_get(models, pack.at), &entry);
        if (!code)
            code = add(user, &entry, err);
    }
    json_decref(root);
    free(path);
    return code;
}

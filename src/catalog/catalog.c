// SPDX-License-Identifier: Apache-2.0
/* The catalogue: entries of the packs, then the well-known models, then whatever path a user gives.
 *
 * A bare path has the usual family of its role. `FAMILY:PATH` is told from a path with a colon in
 * it by looking: what exists as written is a path. */
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/size.h"
#include "catalog/entries.h"
#include "catalog/places.h"

enum { MAX_ENTRIES = 4000, MAX_NAME = 64, MAX_SUBFOLDERS = 3 };

struct lk_catalog {
    lk_arena *arena;
    const char **folders;            /* NULL-terminated */
    struct lk_model_entry **entries; /* [count]; those given by path lie in the arena only */
    size_t count;
    bool names_only;
};

static const struct {
    const char *name, *family, *ending, *option;
    const char *subfolders[MAX_SUBFOLDERS];
} ROLES[LK_ROLE_COUNT] = {
    [LK_ROLE_CHECKPOINT] = {"checkpoint", "sd15", ".safetensors", "--model"},
    [LK_ROLE_VAE] = {"vae", "sd15", ".safetensors", "--vae"},
    [LK_ROLE_DETECTOR] = {"detector", "scrfd", ".onnx", "--detector"},
    [LK_ROLE_EMBEDDER] = {"embedder", "arcface", ".onnx", "--embedder"},
    [LK_ROLE_SWAPPER] = {"swapper", "inswapper", ".onnx", "--swapper"},
    [LK_ROLE_UPSCALER] = {"upscaler", "rrdbnet", ".onnx", "--upscaler"},
    [LK_ROLE_LANDMARKER] = {"landmarker", "2dfan4", ".onnx", "--landmarker"},
    [LK_ROLE_PARSER] = {"parser", "bisenet", ".onnx", "--parser"},
    [LK_ROLE_AGEGENDER] = {"agegender", "genderage", ".onnx", "--agegender"},
    [LK_ROLE_RESTORER] = {"restorer", "gfpgan", ".onnx", "--restorer"},
    [LK_ROLE_FORENSICS] = {"forensics", "probability", ".onnx", "--forensics"},
    [LK_ROLE_WATERMARK] = {"watermark", "rivagan", ".onnx", "--watermark-method"},
    [LK_ROLE_NSFW] = {"nsfw", "vit-nsfw", ".onnx", "--nsfw"},
    [LK_ROLE_INPAINT] = {"inpaint", "sd15-inpaint", ".safetensors", "--model"},
    [LK_ROLE_CONTROL] = {"control", "controlnet", ".safetensors", "--control-model"},
    [LK_ROLE_DEPTH] = {"depth-estimator", "depth-anything", ".onnx", "--depth-estimator"},
    [LK_ROLE_POSE] = {"pose-estimator", "rtmpose", ".onnx", "--pose-estimator"},
    [LK_ROLE_LORA] = {"lora", "lora", ".safetensors", "--lora", {"lora", "Lora", "loras"}},
    [LK_ROLE_REFINER] = {"refiner", "sdxl-refiner", ".safetensors", "--refiner"},
    [LK_ROLE_ADAPTER] = {"ip-adapter", "ip-adapter", ".safetensors", "--ip-adapter", {"ipadapter"}},
    [LK_ROLE_VISION] =
        {"image-encoder", "clip-vision", ".safetensors", "--image-encoder", {"clip_vision"}},
    [LK_ROLE_OCCLUDER] = {"occluder", "xseg", ".onnx", "--occluder"},
    [LK_ROLE_CONVERTER] = {"converter", "crossface", ".onnx", "--converter"},
    [LK_ROLE_EXPRESSION] = {"expression", "ferplus", ".onnx", "--expression"},
};

const char *lk_role_name(enum lk_role role)
{
    return ROLES[role].name;
}

static struct lk_model_entry *find_name(const lk_catalog *c, enum lk_role role, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->entries[i]->role == role && !strcasecmp(c->entries[i]->name, name))
            return c->entries[i];
    return NULL;
}

/* Keeps a copy of the entry, unless a folder looked at earlier has one of that name. */
static int add_entry(void *user, const struct lk_model_entry *entry, struct lk_error *err)
{
    lk_catalog *c = user;
    struct lk_model_entry *old = find_name(c, entry->role, entry->name);
    if (old && (old->path || !entry->path))
        return 0;
    if (!old && c->count == MAX_ENTRIES)
        return lk_fail(err, LK_E_INPUT, "the model folders name more than %d models", MAX_ENTRIES);
    struct lk_model_entry *kept = old ? old : lk_arena_alloc(c->arena, 1, sizeof *kept);
    if (!kept)
        return lk_fail_memory(err, "a catalogue", sizeof *kept);
    *kept = *entry;
    if (!old)
        c->entries[c->count++] = kept;
    return 0;
}

/* FOLDER/NAME+ending in the first model folder that has it; NULL when none has. */
static const char *find_file(const lk_catalog *c, const char *name, const char *ending)
{
    for (size_t i = 0; c->folders[i]; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s%s", c->folders[i], name, ending) < 0)
            return NULL;
        const char *kept = access(path, F_OK) ? NULL : lk_arena_strdup(c->arena, path);
        free(path);
        if (kept)
            return kept;
    }
    return NULL;
}

/* The same in the folders that other programs keep for the role. */
static const char *find_in_subfolders(const lk_catalog *c,
                                      enum lk_role role,
                                      const char *name,
                                      const char *ending)
{
    const char *found = NULL;
    for (size_t i = 0; !found && i < MAX_SUBFOLDERS && ROLES[role].subfolders[i]; i++) {
        char *inner = NULL;
        if (asprintf(&inner, "%s/%s", ROLES[role].subfolders[i], name) < 0)
            return NULL;
        found = find_file(c, inner, ending);
        free(inner);
    }
    return found;
}

/* Its own file, else another of the same model. */
static const char *find_known(const lk_catalog *c, const struct lk_model_entry *known)
{
    size_t n;
    const struct lk__other *others = lk__known_others(&n);
    const char *found = find_file(c, known->file, "");
    for (size_t i = 0; i < n && !found; i++)
        if (!strcmp(others[i].model, known->name))
            found = find_file(c, others[i].file, "");
    return found;
}

static int add_known(lk_catalog *c, struct lk_error *err)
{
    size_t n;
    const struct lk_model_entry *known = lk__known_models(&n);
    int code = 0;
    for (size_t i = 0; !code && i < n; i++) {
        struct lk_model_entry entry = known[i];
        entry.path = find_known(c, &entry);
        code = add_entry(c, &entry, err);
    }
    return code;
}

/* Insertion keeps the order within a role; there are few entries. */
static void sort_by_role(lk_catalog *c)
{
    for (size_t i = 1; i < c->count; i++) {
        struct lk_model_entry *entry = c->entries[i];
        size_t j = i;
        for (; j > 0 && c->entries[j - 1]->role > entry->role; j--)
            c->entries[j] = c->entries[j - 1];
        c->entries[j] = entry;
    }
}

static int keep_folders(lk_catalog *c, const char *const *folders, struct lk_error *err)
{
    size_t n = 0;
    while (folders[n])
        n++;
    c->folders = lk_arena_alloc(c->arena, n + 1, sizeof *c->folders);
    for (size_t i = 0; c->folders && i < n; i++)
        if (!(c->folders[i] = lk_arena_strdup(c->arena, folders[i])))
            c->folders = NULL;
    c->entries = lk_arena_alloc(c->arena, MAX_ENTRIES, sizeof *c->entries);
    if (!c->folders || !c->entries)
        return lk_fail_memory(err, "a catalogue", MAX_ENTRIES * sizeof *c->entries);
    return 0;
}

static int fill(lk_catalog *c, const char *const *folders, struct lk_error *err)
{
    char **usual = NULL;
    int code = folders ? 0 : lk_places_models(&usual, err);
    if (!code)
        code = keep_folders(c, folders ? folders : (const char *const *)usual, err);
    lk_places_free(usual);
    for (size_t i = 0; !code && c->folders[i]; i++)
        code = lk__pack_read(c->folders[i], c->arena, add_entry, c, err);
    if (!code)
        code = add_known(c, err);
    if (!code)
        sort_by_role(c);
    return code;
}

int lk_catalog_open(const char *const *folders, lk_catalog **out, struct lk_error *err)
{
    lk_catalog *c = calloc(1, sizeof *c);
    int code = LK_E_FAILED;
    if (!c || !(c->arena = lk_arena_new((size_t)16 << 20)))
        lk_fail_memory(err, "a catalogue", sizeof *c);
    else
        code = fill(c, folders, err);
    if (code) {
        lk_catalog_free(c);
        return code;
    }
    *out = c;
    return 0;
}

void lk_catalog_free(lk_catalog *c)
{
    if (!c)
        return;
    lk_arena_free(c->arena);
    free(c);
}

void lk_catalog_take_names_only(lk_catalog *c)
{
    c->names_only = true;
}

bool lk_catalog_takes_paths(const lk_catalog *c)
{
    return !c->names_only;
}

size_t lk_catalog_count(const lk_catalog *c)
{
    return c->count;
}

const struct lk_model_entry *lk_catalog_at(const lk_catalog *c, size_t i)
{
    return c->entries[i];
}

bool lk_model_is_non_commercial(const struct lk_model_entry *entry)
{
    return entry->licence && strcasestr(entry->licence, "non-commercial");
}

const char *const *lk_catalog_folders(const lk_catalog *c)
{
    return c->folders;
}

/* An entry for a path of the user's. A file that bears a well-known name is that model, so that its
 * family and thresholds hold wherever it lies. */
static int entry_of_path(lk_catalog *c,
                         enum lk_role role,
                         const char *family,
                         const char *path,
                         const struct lk_model_entry **out,
                         struct lk_error *err)
{
    struct lk_model_entry *entry = lk_arena_alloc(c->arena, 1, sizeof *entry);
    char *kept = lk_arena_strdup(c->arena, path);
    char *kept_family = lk_arena_strdup(c->arena, family ? family : ROLES[role].family);
    if (!entry || !kept || !kept_family)
        return lk_fail_memory(err, "a catalogue", sizeof *entry);
    *entry =
        (struct lk_model_entry){.name = lk_file_name(kept), .role = role, .family = kept_family};
    size_t n;
    const struct lk_model_entry *known = lk__known_models(&n);
    for (size_t i = 0; !family && i < n; i++)
        if (known[i].role == role && lk__known_as(&known[i], lk_file_name(kept), NULL))
            *entry = known[i];
    entry->path = entry->file = kept;
    *out = entry;
    return 0;
}

/* Levenshtein distance without regard to case, of the first MAX_NAME bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[MAX_NAME + 1], m = strnlen(a, MAX_NAME), n = strnlen(b, MAX_NAME);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j], cost = strncasecmp(a + i - 1, b + j - 1, 1) != 0;
            size_t best = diagonal + cost;
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[n];
}

/* Of the models that are asked about, the one whose name is most like the word; NULL: none is. */
static const char *nearest_name(const lk_catalog *c, const enum lk_role *role, const char *word)
{
    const char *nearest = NULL;
    size_t least = strlen(word) / 2 + 1;
    for (size_t i = 0; i < c->count; i++) {
        const size_t d =
            !role || c->entries[i]->role == *role ? distance(word, c->entries[i]->name) : least;
        if (d < least) {
            least = d;
            nearest = c->entries[i]->name;
        }
    }
    return nearest;
}

/* "no detector 'scrfd-11g': did you mean 'scrfd-10g'? known are …" */
static int unknown(const lk_catalog *c, enum lk_role role, const char *spec, struct lk_error *err)
{
    char names[300] = "";
    const char *nearest = nearest_name(c, &role, spec);
    for (size_t i = 0, at = 0; i < c->count; i++) {
        if (c->entries[i]->role == role && at < sizeof names)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "",
                                   c->entries[i]->name);
    }
    return lk_fail(err, LK_E_MISSING, "no %s '%.100s' is known%s%s%s: give a path, or one of %s",
                   ROLES[role].name, spec, nearest ? " (did you mean '" : "",
                   nearest ? nearest : "", nearest ? "'?)" : "", *names ? names : "(none)");
}

int lk_catalog_named(const lk_catalog *c,
                     const char *name,
                     const struct lk_model_entry **out,
                     struct lk_error *err)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct lk_model_entry *entry = c->entries[i];
        if (!strcasecmp(entry->name, name) || !strcasecmp(entry->file, name)) {
            *out = entry;
            return 0;
        }
    }
    const char *nearest = nearest_name(c, NULL, name);
    return lk_fail(err, LK_E_MISSING,
                   "no model '%.100s' is known%s%s%s: `likeness models list` has all of them", name,
                   nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

static int absent(const lk_catalog *c, const struct lk_model_entry *entry, struct lk_error *err)
{
    const char *role = ROLES[entry->role].name, *source = entry->source ? entry->source : "";
    const char *before = *source ? " (" : "", *after = *source ? ")" : "";
    if (entry->url)
        return lk_fail(err, LK_E_MISSING,
                       "%s '%s' is not on this machine: `likeness models pull %s` fetches "
                       "%s%s%s%s",
                       role, entry->name, entry->name, entry->file, before, source, after);
    return lk_fail(err, LK_E_MISSING, "%s '%s' is not on this machine: put %s%s%s%s into %s", role,
                   entry->name, entry->file, before, source, after,
                   c->folders[0] ? c->folders[0] : "a model folder");
}

/* FAMILY:PATH; *path is set when spec has that form. */
static bool split(const char *spec, char family[MAX_NAME], const char **path)
{
    size_t length = strspn(spec, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    if (length == 0 || length >= MAX_NAME || spec[length] != ':' || !spec[length + 1])
        return false;
    memcpy(family, spec, length);
    family[length] = 0;
    *path = spec + length + 1;
    return true;
}

int lk_catalog_find(lk_catalog *c,
                    enum lk_role role,
                    const char *spec,
                    const struct lk_model_entry **out,
                    struct lk_error *err)
{
    const bool named = spec && *spec;
    if (!named)
        spec = "starter";
    const struct lk_model_entry *entry = find_name(c, role, spec);
    if (entry && !entry->path)
        return absent(c, entry, err);
    if (entry) {
        *out = entry;
        return 0;
    }
    if (!named)
        return lk_fail(err, LK_E_MISSING, "no %s serves when none is named: give one with %s",
                       ROLES[role].name, ROLES[role].option);
    if (!c->names_only && !access(spec, F_OK))
        return entry_of_path(c, role, NULL, spec, out, err);
    char family[MAX_NAME];
    const char *path = spec;
    bool has_family = split(spec, family, &path);
    if (c->names_only && (strchr(path, '/') || *path == '.'))
        return lk_fail(err, LK_E_REFUSED,
                       "%s '%.100s' is a path: here only models of the model folders serve, by "
                       "their names",
                       ROLES[role].option, path);
    const char *found = NULL;
    if (!c->names_only && !access(path, F_OK))
        found = path;
    if (!found)
        found = find_file(c, path, "");
    if (!found)
        found = find_file(c, path, ROLES[role].ending);
    if (!found)
        found = find_in_subfolders(c, role, path, "");
    if (!found)
        found = find_in_subfolders(c, role, path, ROLES[role].ending);
    if (found)
        return entry_of_path(c, role, has_family ? family : NULL, found, out, err);
    if (has_family || strchr(spec, '/'))
        return lk_fail(err, LK_E_MISSING, "%s '%s' is not there: check the path",
                       ROLES[role].option, path);
    return unknown(c, role, spec, err);
}

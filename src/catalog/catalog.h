// SPDX-License-Identifier: Apache-2.0
/* Which models exist by name, and where they are. docs/models.md has the rules for users.
 *
 * Entries come from pack.json files of the model folders and from the table of well-known models
 * (known.c). Adding a model of a known family is one entry. */
#ifndef LK_CATALOG_CATALOG_H
#define LK_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

enum lk_role {
    LK_ROLE_CHECKPOINT,
    LK_ROLE_VAE,
    LK_ROLE_DETECTOR,
    LK_ROLE_EMBEDDER,
    LK_ROLE_SWAPPER,
    LK_ROLE_UPSCALER,
    LK_ROLE_LANDMARKER,
    LK_ROLE_PARSER,
    LK_ROLE_AGEGENDER,
    LK_ROLE_RESTORER,
    LK_ROLE_FORENSICS,
    LK_ROLE_NSFW,
    LK_ROLE_WATERMARK, /* writes another program's mark */
    LK_ROLE_INPAINT,   /* a UNet of nine channels */
    LK_ROLE_CONTROL,
    LK_ROLE_DEPTH, /* what ControlNets follow: how far away things are, */
    LK_ROLE_POSE,  /* and how people stand */
    LK_ROLE_LORA,
    LK_ROLE_REFINER, /* a checkpoint for the last steps */
    LK_ROLE_ADAPTER, /* IP-Adapter */
    LK_ROLE_VISION,  /* CLIP's image encoder */
    LK_ROLE_OCCLUDER,
    LK_ROLE_CONVERTER, /* of an embedding, for a swapper */
    LK_ROLE_EXPRESSION,
    LK_ROLE_COUNT
};
const char *lk_role_name(enum lk_role role); /* "checkpoint", "detector" … */

/* What holds for this model unless the user says otherwise; 0 or NULL: the model says nothing. */
struct lk_model_defaults {
    int width, height, steps; /* of drawing */
    float guidance;
    const char *sampler, *schedule;
    int upscale;       /* checkpoint: enlarge the drawn picture; upscaler: its factor */
    float face_score;  /* detector; landmarker: the score from which its points are taken */
    float same_person; /* embedder: the cosine from which two faces are one person */
    int passes;        /* swapper: how often a face goes through it */
};

struct lk_model_entry {
    const char *name;
    enum lk_role role;
    const char *family;  /* "sd15", "scrfd", "arcface", "inswapper", "rrdbnet" … */
    const char *path;    /* the file or folder found; NULL: not there */
    const char *file;    /* what is looked for in the model folders, or the path as given */
    const char *licence; /* NULL: not known */
    const char *sha256;  /* what the file must have; NULL: not pinned */
    uint64_t bytes;      /* the same of its size; 0: not known */
    const char *url;     /* where the file itself can be fetched; NULL: not known */
    const char *folder;  /* of the pack that names it; NULL: no pack does */
    const char *base;    /* inpaint: name of the checkpoint that it is the UNet of; else NULL */
    const char
        *embedder; /* swapper, FaceID: name of the embedder it was trained on; NULL: not said */
    const char *source; /* where its owner publishes it; NULL: not known */
    struct lk_model_defaults defaults;
};

typedef struct lk_catalog lk_catalog;

/* folders: NULL-terminated list of model folders to look through; NULL: the usual ones
 * ($LIKENESS_MODELS, XDG data, the starter pack beside the program). Not thread-safe; entries live
 * as long as the catalogue. */
int lk_catalog_open(const char *const *folders, lk_catalog **out, struct lk_error *err);
void lk_catalog_free(lk_catalog *catalog);

/* From now on no path is looked for: requests of strangers open no file outside of the model
 * folders. */
void lk_catalog_take_names_only(lk_catalog *catalog);
bool lk_catalog_takes_paths(const lk_catalog *catalog);

/* All entries, found ones or not: by role, the packs' first. */
size_t lk_catalog_count(const lk_catalog *catalog);
const struct lk_model_entry *lk_catalog_at(const lk_catalog *catalog, size_t i);
/* The folders that were looked through; NULL-terminated. */
const char *const *lk_catalog_folders(const lk_catalog *catalog);

/* spec: NAME, PATH or FAMILY:PATH; NULL or "": the entry "starter". The entry found has its path.
 * LK_E_MISSING with the nearest known name and what to do; LK_E_REFUSED for a path where only names
 * are taken. */
int lk_catalog_find(lk_catalog *catalog,
                    enum lk_role role,
                    const char *spec,
                    const struct lk_model_entry **out,
                    struct lk_error *err);

/* The first entry of that name or file name in any role, whether it is there or not. LK_E_MISSING
 * with the nearest known name. */
int lk_catalog_named(const lk_catalog *catalog,
                     const char *name,
                     const struct lk_model_entry **out,
                     struct lk_error *err);

/* The well-known model of that file name and with that sha256, of which one may be NULL; its `path`
 * is NULL. NULL: there is none. */
const struct lk_model_entry *lk_model_known(const char *file, const char *sha256);

/* Whether the licence forbids commercial use. */
bool lk_model_is_non_commercial(const struct lk_model_entry *entry);

/* Names a model, whose `file` lies in the folder, in its pack.json, which is made if need be.
 * LK_E_INPUT when it has a model of that name, or the name is a role's. */
int lk_pack_add(const char *folder, const struct lk_model_entry *entry, struct lk_error *err);

/* Bytes of the file, or of all files of the folder. */
int lk_model_size(const struct lk_model_entry *entry, uint64_t *bytes, struct lk_error *err);
/* Of the file; of a folder: of the lines "sha256  relative/path\n" of its files, by name. */
int lk_model_sha256(const struct lk_model_entry *entry,
                    struct lk_sha256 *out,
                    struct lk_error *err);
/* The same, until `watch` says stop: LK_E_INTERRUPTED. */
int lk_model_sha256_watched(const struct lk_model_entry *entry,
                            const struct lk_watch *watch,
                            struct lk_sha256 *out,
                            struct lk_error *err);

#endif

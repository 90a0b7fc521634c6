// SPDX-License-Identifier: Apache-2.0
/* A checkpoint that is being opened: what finds its files (files.c), names its paths (paths.c) and
 * reads its words (words.c) share. Every const char * is of its arena. */
#ifndef LK_CATALOG_CHECKPOINT_INTERNAL_H
#define LK_CATALOG_CHECKPOINT_INTERNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "catalog/checkpoint.h"
#include "catalog/hashing.h"
#include "catalog/stand_ins.h"
#include "catalog/topology.h"

enum { PARTS = LK_PART_COUNT };

struct lk__source {
    const char *config; /* path of the JSON */
    bool sidecar;       /* the part is a member of it, else the whole of it */
};

struct lk_checkpoint {
    lk_arena *arena; /* every string */
    const char *path, *name;
    const char *tokenizer[PARTS]; /* of text encoders, where there is one of its own */
    const char *hashed;           /* file or folder whose sha256 labels pictures */
    lk_tensor_file *files[PARTS + 2];
    size_t file_count;
    struct lk__part parts[PARTS];
    struct lk__source sources[PARTS];
    struct lk_checkpoint_config config;
    lk_hashing *hashing;      /* of it; NULL until it is asked for */
    lk__stand_ins *stand_ins; /* or NULL */
};

/* The folder's name is also that of the sidecar's member. */
struct lk__part_words {
    const char *folder, *what;
};
extern const struct lk__part_words lk__part_words[PARTS];

/* ---- paths.c: NULL when memory is out ---- */

/* printf into the checkpoint's arena. */
LK_PRINTF(2, 3) const char *lk__text(lk_checkpoint *c, const char *format, ...);
bool lk__is_folder(const char *path);
/* "NAME.json" for NAME.safetensors; ending: "json". */
const char *lk__sidecar_of(lk_checkpoint *c, const char *path, const char *ending);
/* NAME of /folder/NAME.safetensors or /folder/NAME/ */
const char *lk__label_of(lk_checkpoint *c, const char *path);
/* A folder of Hugging Face's cache stands for its snapshot that refs/main names. */
const char *lk__snapshot_of(lk_checkpoint *c, const char *path);
/* Sets c->tokenizer of a text encoder where the checkpoint has one of its own. */
int lk__find_tokenizer(lk_checkpoint *c, bool folder, enum lk_part part, struct lk_error *err);

/* ---- files.c: fill c->parts, c->sources and c->hashed ---- */

int lk__open_folder(lk_checkpoint *c, bool own_vae, struct lk_error *err);
int lk__open_file(lk_checkpoint *c, struct lk_error *err);
/* A part of another place: a file, the folder of the part, or a whole diffusers folder. option: as
 * messages name it. */
int lk__open_part(lk_checkpoint *c,
                  enum lk_part part,
                  const char *option,
                  const char *path,
                  struct lk_error *err);
/* A file or folder of nothing but a ControlNet, as the UNet. */
int lk__open_control(lk_checkpoint *c, struct lk_error *err);
/* Whether all are there that must be. */
int lk__check_parts(const lk_checkpoint *c, struct lk_error *err);

/* ---- words.c: fill c->config ---- */

/* What is said of the drawing, the surest word last. */
int lk__read_drawing(lk_checkpoint *c, bool folder, struct lk_error *err);
/* What is said of a part, in JSON of its own or beside the file. */
int lk__read_config(lk_checkpoint *c, enum lk_part part, struct lk_error *err);

#endif

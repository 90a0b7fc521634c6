// SPDX-License-Identifier: Apache-2.0
/* The engine: one runtime, one catalogue, and the models that requests have asked for so far.
 *
 * A role is opened when a request first needs it and kept under the name that was asked for;
 * another name replaces it. The loop itself is portrait.c. */
#ifndef LK_PIPELINE_ENGINE_H
#define LK_PIPELINE_ENGINE_H

#include <pthread.h>
#include <stdbool.h>

#include <jansson.h>

#include "base/key.h"
#include "catalog/catalog.h"
#include "catalog/checkpoint.h"
#include "pipeline/debug_folder.h"
#include "pipeline/drawing/controls.h"
#include "pipeline/drawing/image_prompts.h"
#include "pipeline/parts.h"
#include "runtime/session.h"
#include "stages/diffuse/draw.h"
#include "stages/find/find.h"
#include "stages/fit/segment.h"
#include "stages/identity/agegender.h"
#include "stages/identity/embedder.h"
#include "stages/identity/expression.h"
#include "stages/judge/classifier.h"
#include "stages/judge/policy.h"
#include "stages/judge/verify.h"
#include "stages/mark/c2pa.h"
#include "stages/mark/rivagan.h"
#include "stages/mark/watermark.h"
#include "stages/refine/restore.h"
#include "stages/refine/swap.h"
#include "stages/refine/upscale.h"
#include "stages/text/text.h"
#include <likeness/likeness.h>

/* A drawing model: all parts of one checkpoint. */
struct lk__painter {
    const struct lk_model_entry *entry; /* of the catalogue: has its defaults */
    lk_checkpoint *checkpoint;
    lk_text *text;
    lk_drawer *drawer;
    char *lora_key; /* which LoRAs are merged into the checkpoint; NULL: none */
    json_t *loras;  /* the same for people: see lk_result */
};

/* The rules, and the networks that judge; NULL: not installed, or its rule is off. */
struct lk__judges {
    lk_policy *policy;
    lk_classifier *forensics, *nsfw;
    lk_agegender *agegender;
    lk_expression *expression; /* no rule asks for it */
    bool sexual, child; /* of the run that goes on: what is asked for; somebody in it looks so */
};

/* A model as the audit names it. */
struct lk__model_use {
    char name[128];
    struct lk_sha256 sha256;
    const struct lk_model_entry *entry; /* of the catalogue */
    bool used;                          /* by the run that goes on */
};

/* The faces that a picture shows, looked for in one way. Owned. */
struct lk__seen {
    struct lk_picture *picture;
    float threshold;
    enum lk_find_effort effort;
    struct lk_face *faces; /* [n] */
    size_t n;
};

/* Stages that work side by side ask and keep under the lock. */
struct lk__all_seen {
    pthread_mutex_t lock;
    struct lk__seen list[8];
    size_t n;
    bool keeps; /* a run goes on */
};

/* Who enlarges; each has an upscaler of its own, because they work side by side. */
enum lk__enlarges {
    LK__ENLARGES_FACES,    /* crops of the face half */
    LK__ENLARGES_PICTURES, /* --upscale */
    LK__ENLARGES_HIRES,    /* between the drawings of --hires */
    LK__ENLARGES_COUNT,
};
struct lk__upscaler_open {
    char *name; /* as a slot */
    lk_upscaler *upscaler;
    struct lk__model_use use;
};

/* While pictures of a request are worked on side by side (portrait.c), each part belongs to one
 * stage, which alone opens it, uses it and notes it: painters, preview, controls and adapters to
 * the drawing, rivagan and the classifiers to the finishing, all other networks to the faces. The
 * detector and the classifier `nsfw`, which are opened before, are run by two. */
struct lk_engine {
    struct lk_engine_options options;
    lk_runtime *runtime;
    lk_catalog *catalog;
    struct lk_debug debug;
    lk__debug_folder *debug_folder; /* or NULL */
    struct lk__parts *parts;        /* of the run that goes on; owned */
    struct lk__all_seen *seen;      /* which faces its pictures show, see looking.c; owned */
    bool expects;                   /* that pictures will leave in: */
    enum lk_format expected;
    double opened;     /* lk_seconds() when it was; 0: it has run since */
    struct lk_key key; /* of the hidden mark */
    bool has_key;

    /* what is open; NULL: nothing */
    char *painter_name, *refiner_name, *detector_name, *landmarker_name, *embedder_name,
        *swapper_name, *restorer_name, *parser_name, *occluder_name;
    struct lk__painter painter, refiner;
    lk_detector *detector;
    lk_landmarker *landmarker; /* NULL: none is asked for */
    float landmark_score;      /* the landmarker's threshold; 0: the usual one */
    lk_embedder *embedder;
    const struct lk_model_entry *embedder_entry;
    float same_person; /* the embedder's threshold */
    lk_swapper *swapper;
    bool swapper_converts; /* it has an embedding converter */
    int swap_passes;       /* that it asks for */
    struct lk__upscaler_open upscalers[LK__ENLARGES_COUNT];
    lk_restorer *restorer; /* these three: NULL when there is none */
    lk_segmenter *parser, *occluder;
    lk_rivagan *rivagan;
    lk_tiny_decoder *preview; /* of previews; NULL: not asked for yet, or none */
    struct lk__controls_open controls;
    struct lk__adapters_open adapters;
    struct lk__judges judges;
    struct lk__model_use uses[LK_ROLE_COUNT];
};

/* Begins to compute, beside the drawing, what the audit and the pictures name the run's checkpoints
 * by, once that has read its weights, so that the two do not share the disk. */
int lk__engine_hashes_ahead(lk_engine *engine, struct lk_error *err);
/* Takes it, once: into result->hash and what the audit says. Waits, holding no hand. */
int lk__engine_label(lk_engine *engine, lk_result *result, struct lk_error *err);

/* Each opens the model that the request names, or the starter's; afterwards the engine's member is
 * there. */
int lk__engine_painter(lk_engine *engine, const struct lk_request *request, struct lk_error *err);
/* The next lk__engine_painter and lk__engine_refiner open them anew. */
void lk__engine_forget_painters(lk_engine *engine);
int lk__engine_refiner(lk_engine *engine, const struct lk_request *request, struct lk_error *err);
/* And the landmarker that goes with it, if any. */
int lk__engine_detector(lk_engine *engine, const struct lk_request *request, struct lk_error *err);
int lk__engine_embedder(lk_engine *engine, const struct lk_request *request, struct lk_error *err);
/* After the embedder, which it must belong to. */
int lk__engine_swapper(lk_engine *engine, const struct lk_request *request, struct lk_error *err);
/* named: NULL for the starter's. */
int lk__engine_upscaler(lk_engine *engine,
                        enum lk__enlarges what,
                        const char *named,
                        struct lk_error *err);
/* Leaves engine->preview NULL where the options name none. */
int lk__engine_preview(lk_engine *engine, struct lk_error *err);
/* The one that is named; else the starter's; else, where faces may be tried in other manners, any
 * that is installed; else the member is NULL, or it is LK_E_MISSING when it is needed. */
int lk__engine_restorer(lk_engine *engine,
                        const struct lk_request *request,
                        bool needed,
                        struct lk_error *err);
/* The one that is named; else when `wanted` any that is installed; else the member is NULL. */
int lk__engine_parser(lk_engine *engine,
                      const struct lk_request *request,
                      bool wanted,
                      struct lk_error *err);
int lk__engine_occluder(lk_engine *engine,
                        const struct lk_request *request,
                        bool wanted,
                        struct lk_error *err);
int lk__engine_rivagan(lk_engine *engine, struct lk_error *err);

/* The installed network of a role that judges, or sees for ControlNets, noted for the audit: the
 * one that is named, else the starter's, else the first of the catalogue that is there; *out is
 * NULL when none is. */
int lk__engine_judge(lk_engine *engine,
                     enum lk_role role,
                     const char *named,
                     const struct lk_model_entry **out,
                     struct lk_error *err);

/* From begin to forget, what is found is kept with its picture (in 8 bits: those do not change), so
 * that no picture of a run is looked at twice in the same way. */
void lk__seen_begin(lk_engine *engine);
void lk__seen_forget(lk_engine *engine);

/* The faces of a picture, found as the request says; the detector is open. *faces is malloc'd. */
int lk__engine_faces(const lk_engine *engine,
                     const struct lk_request *request,
                     const struct lk_picture *picture,
                     const struct lk_watch *watch,
                     struct lk_face **faces,
                     size_t *n,
                     struct lk_error *err);
/* Is the face still there, in a picture in which it was changed? See lk_find_again. */
int lk__engine_face_again(const lk_engine *engine,
                          const struct lk_request *request,
                          const struct lk_picture *picture,
                          const struct lk_face *face,
                          const struct lk_watch *watch,
                          struct lk_face *out,
                          bool *found,
                          struct lk_error *err);
/* The same as lk__engine_faces of whom rules are asked about: no --face-score and no --find hides
 * anybody from them. */
int lk__engine_shown(const lk_engine *engine,
                     const struct lk_request *request,
                     const struct lk_picture *picture,
                     const struct lk_watch *watch,
                     struct lk_face **faces,
                     size_t *n,
                     struct lk_error *err);

/* The network that tells ages; engine->judges.agegender stays NULL when none is installed. */
int lk__engine_agegender(lk_engine *engine, struct lk_error *err);
/* Fills age and gender of faces, where such a network is installed. */
int lk__engine_ages(lk_engine *engine,
                    const struct lk_picture *picture,
                    struct lk_face *faces,
                    size_t n,
                    const struct lk_watch *watch,
                    struct lk_error *err);

const char *lk__engine_draw_device(const lk_engine *engine);
const char *lk__engine_face_device(const lk_engine *engine);

/* Reads the hidden mark's key, or makes the user's; afterwards engine->key is there. */
int lk__engine_key(lk_engine *engine, struct lk_error *err);

/* Every intermediate picture of later runs goes to this folder (made if need be), numbered in
 * order, with the hidden mark; those of a run that is refused are taken back. */
int lk_engine_debug(lk_engine *engine, const char *folder, struct lk_error *err);

/* The hidden mark of a picture file, at whatever size it comes, for inspect. */
int lk_engine_read_mark(lk_engine *engine,
                        const char *picture,
                        struct lk_watermark *out,
                        struct lk_error *err);

/* The C2PA state of a picture file, for inspect. A library that is not installed is a state, unless
 * signers are to be trusted. */
int lk_engine_read_c2pa(const lk_engine *engine,
                        const char *picture,
                        struct lk_c2pa_found *out,
                        struct lk_error *err);

/* What shall be known of faces beside where they are. */
enum { LK_KNOW_EMBEDDING = 1, LK_KNOW_AGE = 2, LK_KNOW_EXPRESSION = 4 };

/* Faces of a picture file, for detect, compare and inspect. *faces is malloc'd. */
int lk_engine_find(lk_engine *engine,
                   const struct lk_request *request,
                   const char *picture,
                   unsigned known,
                   const struct lk_watch *watch,
                   struct lk_face **faces,
                   size_t *n,
                   struct lk_error *err);

/* Forensic scores [n] of faces found in that file, malloc'd; NULL when no such network is installed
 * or n is 0. */
int lk_engine_forensics(lk_engine *engine,
                        const char *picture,
                        const struct lk_face *faces,
                        size_t n,
                        const struct lk_watch *watch,
                        float **scores,
                        struct lk_error *err);

/* How faces of a picture file look, for inspect: [n], malloc'd; NULL when n is 0. */
int lk_engine_looks(const char *picture,
                    const struct lk_face *faces,
                    size_t n,
                    struct lk_look **out,
                    struct lk_error *err);

#endif

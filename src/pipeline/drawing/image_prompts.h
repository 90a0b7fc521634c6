// SPDX-License-Identifier: Apache-2.0
/* IP-Adapters: the engine's open ones, and what those of a request make of its pictures and of the
 * face that is asked for. docs/ip-adapter.md. */
#ifndef LK_PIPELINE_DRAWING_IMAGE_PROMPTS_H
#define LK_PIPELINE_DRAWING_IMAGE_PROMPTS_H

#include <stdio.h>

#include <jansson.h>

#include "base/hash.h"
#include "catalog/catalog.h"
#include "data/identity.h"
#include "stages/diffuse/adapter.h"
#include <likeness/likeness.h>

/* What the engine has open; it stays for the next request. */
struct lk__adapters_open {
    struct lk__adapter_open {
        char *spec; /* what was asked for */
        const struct lk_model_entry *entry;
        struct lk_sha256 sha256;
        bool used; /* by the run that goes on */
        lk_adapter *adapter;
    } slots[LK_IMAGES_MAX];
    struct lk__vision_open {
        char *path;
        struct lk_sha256 sha256;
        bool used;
        lk_vision *vision; /* NULL: given up, memory was short */
    } vision;
    const struct lk__adapter_open *images[LK_IMAGES_MAX]; /* of the request's, in their order */
    const struct lk__adapter_open *face;                  /* of --face-adapter, or NULL */
};
void lk__adapters_close(struct lk__adapters_open *open);
/* A run begins, which has used none of them yet. */
void lk__adapters_begin(struct lk__adapters_open *open);
/* Appends {"role", "name", "sha256"} of those that the run used. */
void lk__adapters_record(const struct lk__adapters_open *open, json_t *models);

/* NAME|PATH[:W[:START[:END]]] in its parts; *name malloc'd. */
int lk__face_adapter_read(const char *text,
                          char **name,
                          struct lk_adapter_use *use,
                          struct lk_error *err);

/* After the painter: opens the files of the request's adapters and holds them against its
 * checkpoint. */
int lk__adapters_open(lk_engine *engine, const struct lk_request *request, struct lk_error *err);

/* Those of one request. */
struct lk__image_prompts {
    int n;
    struct lk_image_prompt prompts[LK_ADAPTERS];
    struct lk_adapter_use uses[LK_ADAPTERS];
};

/* After that: makes prompts of the pictures, which lk__people_check has looked at, and of the face.
 * face: whose goes into the drawing; needed with --face-adapter. lk__image_prompts_free is safe
 * after a failure. */
int lk__image_prompts_make(lk_engine *engine,
                           const lk_result *result,
                           const struct lk_identity *face,
                           const struct lk_watch *watch,
                           struct lk__image_prompts *out,
                           struct lk_error *err);
void lk__image_prompts_free(struct lk__image_prompts *prompts);

/* For --explain (explain.h): adds an object for each adapter of the request to the list. steps:
 * that are taken. */
int lk__image_prompts_explain(lk_catalog *catalog,
                              const struct lk_request *request,
                              int steps,
                              json_t *list,
                              struct lk_error *err);

#endif

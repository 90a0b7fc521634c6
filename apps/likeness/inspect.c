// SPDX-License-Identifier: Apache-2.0
/* `likeness inspect PICTURE`: what a picture says of itself, and the faces in it.
 *
 * JSON: {"watermark": {"id": "16 hex digits", "agreement": 0.98} or null, "labels": {…}, "c2pa":
 * {"state", …}, "audit": {"by", "distance", "sequence"} or null, "faces": [{…,
 * "asymmetry", "sharpness", "texture", "forensic": 0.03}, …]}. The watermark is null where none of
 * this key is found; forensic is missing where no such network is installed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "cli.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"
#include "stages/mark/parameters.h"
#include "stages/mark/xmp.h"

/* What the file says beside its pixels. */
struct labels {
    struct lk_picture_found_text text;
    struct lk_parameters_text parameters; /* when text.parameters */
    struct lk_xmp_found xmp;              /* when text.xmp */
    struct lk_c2pa_found c2pa;
};

static int read_labels(const lk_engine *engine,
                       const char *path,
                       struct labels *labels,
                       struct lk_error *err)
{
    int rc = lk_engine_read_c2pa(engine, path, &labels->c2pa, err);
    rc = rc ? rc : lk_picture_read_text(path, &labels->text, err);
    if (!rc && labels->text.parameters)
        rc = lk_parameters_read(labels->text.parameters, &labels->parameters, err);
    if (!rc && labels->text.xmp)
        lk_xmp_read(labels->text.xmp, strlen(labels->text.xmp), &labels->xmp);
    return rc;
}

static void free_labels(struct labels *labels)
{
    free(labels->text.parameters);
    free(labels->text.xmp);
    lk_parameters_text_free(&labels->parameters);
}

static json_t *json_of_labels(const struct labels *labels)
{
    json_t *root = json_object();
    if (labels->text.parameters) {
        const struct lk_parameters_text *p = &labels->parameters;
        json_object_set_new(root, "parameters", json_string(labels->text.parameters));
        json_object_set_new(root, "prompt", json_string(p->prompt));
        json_object_set_new(root, "negative", json_string(p->negative));
        for (size_t i = 0; i < p->n_fields; i++)
            json_object_set_new(root, p->field[i].name, json_string(p->field[i].value));
    }
    if (*labels->xmp.source_uri)
        json_object_set_new(root, "digital_source_type", json_string(labels->xmp.source_uri));
    if (*labels->xmp.creator)
        json_object_set_new(root, "creator", json_string(labels->xmp.creator));
    json_t *aigc = json_loads(labels->xmp.aigc, 0, NULL);
    if (aigc)
        json_object_set_new(root, "aigc", aigc);
    return root;
}

static json_t *json_of_texts(const char *texts, size_t n, size_t room)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(texts + i * room));
    return list;
}

/* A member is missing where there is nothing to say. */
static json_t *json_of_c2pa(const struct lk_c2pa_found *c2pa)
{
    const struct {
        const char *name, *text;
    } texts[] = {
        {"why", c2pa->why},       {"generator", c2pa->generator}, {"title", c2pa->title},
        {"issuer", c2pa->issuer}, {"signer", c2pa->signer},       {"time", c2pa->time},
    };
    json_t *root = json_pack("{s:s}", "state", lk_c2pa_state_name(c2pa->state));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (*texts[i].text)
            json_object_set_new(root, texts[i].name, json_string(texts[i].text));
    }
    if (c2pa->state < LK_C2PA_INVALID)
        return root;
    json_object_set_new(root, "manifests", json_integer((json_int_t)c2pa->manifests));
    json_object_set_new(root, "changed", json_boolean(c2pa->is_changed));
    json_object_set_new(root, "sources",
                        json_of_texts(*c2pa->sources, c2pa->n_sources, sizeof *c2pa->sources));
    json_object_set_new(root, "codes",
                        json_of_texts(*c2pa->codes, c2pa->n_codes, sizeof *c2pa->codes));
    return root;
}

static json_t *json_of_mark(const struct lk_watermark *mark)
{
    char id[LK_WATERMARK_ID_SIZE];
    lk_watermark_print(mark->id, id);
    return mark->found ? json_pack("{s:s,s:f}", "id", id, "agreement", (double)mark->agreement)
                       : json_null();
}

/* The row of the audit ledger, or null. */
static json_t *json_of_row(const struct lk_ledger_match *row)
{
    return row ? json_pack("{s:s,s:i,s:I}", "by", cli_trait(row), "distance", row->distance,
                           "sequence", (json_int_t)row->sequence)
               : json_null();
}

/* The faces found, how each looks, and how much it looks put in. scores may be NULL. */
static json_t *json_of_faces(const struct lk_face *faces,
                             const struct lk_look *looks,
                             const float *scores,
                             size_t n)
{
    json_t *list = lk__json_of_faces(faces, n);
    for (size_t i = 0; i < n; i++) {
        json_t *face = json_array_get(list, i);
        json_object_set_new(face, "asymmetry", lk__json_of_number((double)looks[i].asymmetry));
        json_object_set_new(face, "sharpness", lk__json_of_number((double)looks[i].sharpness));
        json_object_set_new(face, "texture", lk__json_of_number((double)looks[i].texture));
        if (scores)
            json_object_set_new(face, "forensic", json_real((double)scores[i]));
    }
    return list;
}

static int print_json(const struct labels *labels,
                      const struct lk_watermark *mark,
                      const struct lk_ledger_match *row,
                      json_t *faces,
                      struct lk_error *err)
{
    json_t *root = json_pack("{s:o,s:o,s:o,s:o,s:o}", "watermark", json_of_mark(mark), "labels",
                             json_of_labels(labels), "c2pa", json_of_c2pa(&labels->c2pa), "audit",
                             json_of_row(row), "faces", faces);
    int rc = json_dumpf(root, stdout, 0)
                 ? lk_fail(err, LK_E_FAILED, "standard output cannot be written")
                 : 0;
    putchar('\n');
    json_decref(root);
    return rc;
}

static void print_c2pa(const struct lk_c2pa_found *c2pa)
{
    static const char *const states[] = {
        [LK_C2PA_UNREAD] = "not read",
        [LK_C2PA_NONE] = "no manifest",
        [LK_C2PA_INVALID] = "INVALID",
        [LK_C2PA_VALID] = "valid, by a signer who is not on a list of trusted ones",
        [LK_C2PA_TRUSTED] = "valid, by a trusted signer",
    };
    const char *changed = c2pa->is_changed ? ": the file was changed since it was signed" : "";
    printf("C2PA          %s%s%s%s\n", states[c2pa->state], changed, *c2pa->why ? ": " : "",
           c2pa->why);
    if (*c2pa->signer || *c2pa->issuer)
        printf("  signed by   %s (%s)%s%s\n", c2pa->signer, c2pa->issuer, *c2pa->time ? ", " : "",
               c2pa->time);
    if (*c2pa->generator)
        printf("  made with   %s%s%s\n", c2pa->generator, *c2pa->title ? ", as " : "", c2pa->title);
    for (size_t i = 0; i < c2pa->n_sources; i++)
        printf("  source      %s\n", c2pa->sources[i]);
    if (c2pa->manifests > 1)
        printf("  manifests   %zu\n", c2pa->manifests);
    for (size_t i = 0; i < c2pa->n_codes; i++)
        printf("  code        %s\n", c2pa->codes[i]);
}

static void print_text(const struct labels *labels,
                       const struct lk_watermark *mark,
                       const struct lk_ledger_match *row,
                       const struct lk_look *looks,
                       const float *scores,
                       size_t n_faces)
{
    char id[LK_WATERMARK_ID_SIZE];
    static const char *const sources[] = {
        [LK_SOURCE_UNKNOWN] = "not said",
        [LK_SOURCE_GENERATED] = "all of it by a trained model (trainedAlgorithmicMedia)",
        [LK_SOURCE_COMPOSITE] =
            "a picture changed by a trained model (compositeWithTrainedAlgorithmicMedia)",
    };
    printf("made by       %s\n", sources[labels->xmp.source]);
    if (*labels->xmp.creator)
        printf("program       %s\n", labels->xmp.creator);
    if (*labels->xmp.aigc)
        printf("AIGC label    %s\n", labels->xmp.aigc);
    if (labels->text.parameters)
        printf("parameters    %s\n", labels->text.parameters);
    print_c2pa(&labels->c2pa);
    lk_watermark_print(mark->id, id);
    if (mark->found)
        printf("hidden mark   %s, %.0f %% of its signs agree\n", id, 100 * (double)mark->agreement);
    else
        printf("hidden mark   none of this key\n");
    if (row)
        printf("audit         row %" PRId64 ", found by its %s\n", row->sequence, cli_trait(row));
    printf("faces         %zu\n", n_faces);
    for (size_t i = 0; i < n_faces; i++)
        printf("face %-8zu asymmetry %.2f, sharpness %.1f, texture %.3f\n", i,
               (double)looks[i].asymmetry, (double)looks[i].sharpness, (double)looks[i].texture);
    for (size_t i = 0; scores && i < n_faces; i++)
        printf("face %-8zu %.0f %% sure that it was put in\n", i, 100 * (double)scores[i]);
}

int cmd_inspect(struct cli *cli, struct lk_error *err)
{
    lk_engine *engine = NULL;
    struct lk_face *faces = NULL;
    float *scores = NULL;
    struct lk_look *looks = NULL;
    size_t n = 0;
    struct labels labels = {0};
    struct lk_watermark mark = {0};
    struct lk_ledger_match row;
    size_t rows = 0;
    struct lk_watch watch;
    cli_watch_init(&watch, cli);
    int rc = lk_engine_open(&cli->with.engine, &engine, err);
    rc = rc ? rc
            : lk_engine_find(engine, &cli->with.request, cli->words[0], 0, &watch, &faces, &n, err);
    rc = rc ? rc : lk_engine_forensics(engine, cli->words[0], faces, n, &watch, &scores, err);
    rc = rc ? rc : lk_engine_looks(cli->words[0], faces, n, &looks, err);
    rc = rc ? rc : read_labels(engine, cli->words[0], &labels, err);
    rc = rc ? rc : lk_engine_read_mark(engine, cli->words[0], &mark, err);
    rc = rc ? rc : cli_trace(cli, cli->words[0], &mark, &row, 1, &rows, err);
    cli_watch_done(cli);
    if (!rc && cli->with.output.json)
        rc = print_json(&labels, &mark, rows ? &row : NULL, json_of_faces(faces, looks, scores, n),
                        err);
    else if (!rc)
        print_text(&labels, &mark, rows ? &row : NULL, looks, scores, n);
    free_labels(&labels);
    free(faces);
    free(scores);
    free(looks);
    lk_engine_free(engine);
    return rc;
}

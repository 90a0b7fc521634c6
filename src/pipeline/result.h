// SPDX-License-Identifier: Apache-2.0
/* What came out, before it may leave: pictures, and what was done to each face. Only release.c
 * turns it into bytes. */
#ifndef LK_PIPELINE_RESULT_H
#define LK_PIPELINE_RESULT_H

#include <jansson.h>

#include "base/memory.h"
#include "data/face.h"
#include "data/identity.h"
#include "data/picture.h"
#include "pipeline/parts.h"
#include "stages/judge/verify.h"
#include <likeness/likeness.h>

/* What happened to a face. */
enum lk__face_fate {
    LK__FACE_UNTOUCHED, /* nobody asked for it to be changed */
    LK__FACE_CHANGED,
    LK__FACE_GIVEN_BACK, /* made clearer unasked, and did not pass verification: it stayed as drawn
                          */
};

#define LK__RETRIES_MAX 8 /* and of alternatives */

/* The identity of a face that is only to become clearer. */
#define LK__OWN_IDENTITY "its own"

/* A manner in which a face was refined, and how well. */
struct lk__tried {
    const char *manner; /* a constant */
    struct lk_verdict verdict;
    bool taken;              /* the best of those that might be */
    struct lk_picture *crop; /* of the finished picture, for a sheet of alternatives; or NULL; owned
                              */
};

struct lk__face_report {
    struct lk_face face; /* as found, before */
    char identity[64];   /* whose face it was to get; LK__OWN_IDENTITY; empty when untouched */
    enum lk__face_fate fate;
    struct lk_verdict verdict;                   /* of the refined face, when there was one */
    struct lk__tried tried[1 + LK__RETRIES_MAX]; /* in order */
    int n_tried;
    struct lk_picture *before; /* crop of the picture as it was, as those of `tried` */
    const char *manner; /* of a face on a sheet: how it was refined; NULL: it is no such face */
    bool has_forensic;
    float forensic; /* 0…1: how much the finished face looks put in */
    float years;    /* how old it looked before a swap; 0: not told */
};

struct lk__picture_report {
    struct lk_picture *picture; /* f32 or u8; owned */
    bool is_sheet;              /* of alternatives to the faces of picture `sheet_of` */
    size_t sheet_of;
    struct lk_picture *marked; /* u8, with all marks: what leaves; owned */
    struct {
        enum lk_format format;
        void *bytes; /* NULL: it is encoded when it leaves; owned */
        size_t size;
    } encoded; /* ahead of that */
    int64_t seed;
    int64_t variation_seed;        /* < 0: no variation */
    struct lk__face_report *faces; /* owned */
    size_t n_faces;
    int redrawn; /* faces that were drawn again */
    double draw_seconds, face_seconds;
    bool from_photo;  /* a picture that we did not make was changed */
    bool keeps_photo; /* pixels of such a picture are in it: changed, or painted under a mask */
    bool has_mark;    /* a hidden mark leaves with it: it is large enough */
    bool is_chained;  /* the mark was there before: it is a picture of ours that was worked on */
    uint64_t mark;    /* the mark's id */
    bool has_nsfw;
    float nsfw;        /* 0…1 */
    char refused[300]; /* why it may not leave; empty: it may */
};

/* On what the use of a person's face stands. */
enum lk__consent_state {
    LK__CONSENT_UNUSED,   /* the face was not used: --refine none */
    LK__CONSENT_RECORDED, /* a signed record of the cast allows it */
    LK__CONSENT_DECLARED, /* nothing is recorded, and the caller declared it: --consent self */
};

struct lk__consent {
    enum lk__consent_state state;
    bool by_name;    /* the request named somebody of the cast, not a photo */
    char person[64]; /* who of the cast it is; "": nobody */
    char uid[33];    /* of that person, whatever their name becomes */
    char record[65]; /* hash of the record; "": none */
    struct lk_embedding face;
};
const char *lk__consent_name(enum lk__consent_state state);

/* A face by itself that went in: a picture of --ip-adapter shows it, or one of several photos of a
 * person does. */
struct lk__shown {
    const char *key; /* "ip_adapter" or "photo_of", as the report and the audit call it; constant */
    int of;          /* index of request.images, or of request.people */
    const char *path; /* of the picture; the request's */
    struct lk__consent consent;
};

/* What the audit needs to know beside the request. Owned. */
struct lk__record {
    char *ledger, *mirror; /* files; mirror NULL: none */
    json_t *models;        /* [{"role", "name", "sha256"}, …]: those that the run used */
    json_t *sources;       /* {"people[0].sha256": …}: the files of others that went in */
};

/* The cast that was asked, to be asked again before a picture leaves. Owned. */
struct lk__cast_asked {
    char *file, *passphrase_file; /* as in lk_engine_options */
    float same_person;            /* the embedder's threshold */
};

/* With what its pictures are signed (PEM files); NULL: they are not. Owned. */
struct lk__provenance {
    char *key, *certificate;
};

struct lk_result {
    struct lk_request request;                  /* as carried out: defaults filled in; owned */
    char model[128], hash[11];                  /* of the checkpoint; empty for swap */
    struct lk__consent consents[LK_PEOPLE_MAX]; /* of request.people, in their order */
    /* The user's pictures, as they were looked at: each is read once, so that what is used is what
     * was checked. Owned. */
    struct lk_picture *picture, *init, *controls[LK_CONTROLS_MAX], *images[LK_IMAGES_MAX];
    struct lk__shown *shown; /* [n_shown] who is in them, and in photos of several; owned */
    size_t n_shown;
    struct lk__picture_report *pictures; /* those that were asked for, then sheets of them */
    size_t count;
    char producer[128];   /* who answers for the pictures */
    char remarks[4][160]; /* what the user should know; the CLI says them, the report holds them */
    int n_remarks;
    char notes[4][160]; /* what was decided for the user, said with -v */
    int n_notes;
    int previews;            /* that were shown while it was drawn */
    double start_seconds;    /* until the first step of drawing began; 0: there was none */
    struct lk_memory memory; /* peaks of the run */
    struct lk__parts parts;  /* where its time went */
    char *report;            /* JSON */
    struct lk__record record;
    struct lk__cast_asked cast;
    struct lk__provenance provenance;
    json_t *loras;  /* [{"name", "hash", "sha256", "weight", "text_weight", "in_prompt",
                       "in_adapter", "keys", "unused_keys", "first_unused"}, …], the last three also
                       in "refiner" where there is one; or NULL */
    json_t *policy; /* {"rules", "levels", "hits"}: what the request was held against */
};

/* Keeps a remark; a fifth one is dropped. */
void lk__result_remark(lk_result *result, const char *format, ...) LK_PRINTF(2, 3);
/* The same of a note. */
void lk__result_note(lk_result *result, const char *format, ...) LK_PRINTF(2, 3);

/* Room for count pictures and a copy of the request. */
int lk__result_new(const struct lk_request *request,
                   size_t count,
                   lk_result **out,
                   struct lk_error *err);
/* Reads the pictures that the request changes, starts from, follows or takes as prompts. */
int lk__result_read(lk_result *result, struct lk_error *err);
/* To four places: smaller numbers would have an exponent, which every program writes in its own
 * way, and the audit's rows are hashed as text. JSON knows no NaN: what was not measured is null.
 */
json_t *lk__json_of_number(double value);
/* [{"index", "box": [x0,y0,x1,y1], "score", "points": [[x,y],…5], "yaw", "pitch", "roll",
 * "quality"}, …], in picture pixels; "age", "gender" and "landmarks", "landmark_score" where they
 * are known. */
json_t *lk__json_of_faces(const struct lk_face *faces, size_t n);
/* The same of one face, with what became of it: "fate", "identity", "verdict". */
json_t *lk__json_of_face_report(const struct lk__face_report *face);

/* Encodes finished picture i, if it may leave and the engine expects a format. */
int lk__release_prepare(lk_engine *engine, lk_result *result, size_t i, struct lk_error *err);

/* A preview as bytes that may be shown while the run goes on: a PNG with the labels of a picture
 * that leaves, but without prompt and row. marked: by lk__marks_preview. *bytes is malloc'd. */
int lk__release_preview(const lk_result *result,
                        const struct lk_picture *marked,
                        void **bytes,
                        size_t *size,
                        struct lk_error *err);

/* Writes result->report; called once, when everything is in. */
int lk__result_describe(lk_result *result, struct lk_error *err);

#endif

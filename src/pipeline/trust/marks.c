// SPDX-License-Identifier: Apache-2.0
#include "pipeline/trust/marks.h"

#include <string.h>

#include "stages/mark/watermark.h"

static bool writes(const struct lk_request *request, const char *method)
{
    return request->watermark_method && !strcmp(request->watermark_method, method);
}

/* Whether the visible mark can be drawn, on a picture that does not matter. */
static int try_visible_mark(const struct lk_request *request, struct lk_error *err)
{
    struct lk_picture *empty = NULL, *stamped = NULL;
    if (!request->visible_mark)
        return 0;
    int rc = lk_picture_new(256, 256, 3, LK_PIXEL_U8, &empty, err);
    rc = rc ? rc : lk_picture_stamp(empty, request->visible_mark, &stamped, err);
    lk_picture_free(empty);
    lk_picture_free(stamped);
    return rc;
}

int lk__marks_open(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    int rc = try_visible_mark(request, err);
    rc = rc ? rc : lk__engine_key(engine, err);
    return rc || !writes(request, "rivagan") ? rc : lk__engine_rivagan(engine, err);
}

/* A keyed hash of the pixels, in 8 bits: nobody else can tell it from a random number, and the same
 * request gives the same file. */
static int id_of(const struct lk_picture *picture,
                 const struct lk_key *key,
                 uint64_t *id,
                 struct lk_error *err)
{
    struct lk_picture *bytes;
    uint8_t hash[16];
    int rc = lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err);
    if (rc)
        return rc;
    lk_key_hash(key, bytes->u8,
                (size_t)bytes->width * (size_t)bytes->height * (size_t)bytes->channels, hash,
                sizeof hash);
    memcpy(id, hash, sizeof *id);
    lk_picture_free(bytes);
    return 0;
}

/* Of a mark's signs: a mark of which fewer are left would not outlast the next JPEG. */
#define FADED 0.8F

/* A picture that already is ours keeps its mark, which is written again where it has faded
 * (*writes_own). What was drawn from noise has none; a picture that somebody brings may be one of
 * ours at another size: then *ground is made. A sheet of faces is a new picture. */
static int choose_mark(const lk_engine *engine,
                       const struct lk_request *request,
                       int threads,
                       struct lk__picture_report *picture,
                       lk_watermark_ground **ground,
                       bool *writes_own,
                       struct lk_error *err)
{
    const struct lk_picture *p = picture->picture;
    const bool has_room = p->width >= LK_WATERMARK_SIDE && p->height >= LK_WATERMARK_SIDE;
    struct lk_watermark before = {0};
    int rc = 0;
    if (!picture->is_sheet && (picture->from_photo || request->init)) {
        rc = lk_watermark_ground_new(p, threads, ground, err);
        rc = rc ? rc
                : lk_watermark_read(*ground, &engine->key, LK_WATERMARK_RESIZED, threads, &before,
                                    err);
    }
    picture->is_chained = before.found;
    picture->has_mark = before.found || has_room;
    picture->mark = before.id;
    *writes_own = has_room && !(before.found && before.agreement >= FADED);
    return rc || before.found ? rc : id_of(p, &engine->key, &picture->mark, err);
}

/* Puts the picture that a step has made in the place of the one that it was made of. */
static void replace(struct lk_picture **picture, struct lk_picture *made)
{
    lk_picture_free(*picture);
    *picture = made;
}

/* Our own mark. known: the picture's ground, or NULL. */
static int embed(const struct lk_picture *picture,
                 const lk_watermark_ground *known,
                 const struct lk_key *key,
                 uint64_t id,
                 int threads,
                 struct lk_picture **out,
                 struct lk_error *err)
{
    lk_watermark_ground *ground = NULL;
    int rc = known ? 0 : lk_watermark_ground_new(picture, threads, &ground, err);
    rc = rc ? rc : lk_watermark_embed(picture, known ? known : ground, key, id, threads, out, err);
    lk_watermark_ground_free(ground);
    return rc;
}

/* Visible mark, the mark of another method, our own if writes_own: each is written over the ones
 * before. */
static int write_marks(const lk_engine *engine,
                       const struct lk_request *request,
                       const struct lk__picture_report *picture,
                       const lk_watermark_ground *ground,
                       bool writes_own,
                       int threads,
                       const struct lk_watch *watch,
                       struct lk_picture **shown,
                       struct lk_error *err)
{
    struct lk_picture *made = NULL;
    int rc =
        request->visible_mark ? lk_picture_stamp(*shown, request->visible_mark, &made, err) : 0;
    if (!rc && made)
        replace(shown, made);
    made = NULL;
    if (!rc && writes(request, "dwt-dct"))
        rc = lk_watermark_embed_dwt_dct(*shown, picture->mark, &made, err);
    if (!rc && writes(request, "rivagan"))
        rc = lk_rivagan_embed(engine->rivagan, *shown, (uint32_t)(picture->mark >> 32), watch,
                              &made, err);
    if (!rc && made)
        replace(shown, made);
    made = NULL;
    if (!rc && writes_own)
        rc = embed(*shown, *shown == picture->picture ? ground : NULL, &engine->key, picture->mark,
                   threads, &made, err);
    if (!rc && made)
        replace(shown, made);
    return rc;
}

int lk__marks_write(const lk_engine *engine,
                    const struct lk_request *request,
                    const struct lk_watch *watch,
                    struct lk__picture_report *picture,
                    struct lk_error *err)
{
    struct lk_picture *shown = lk_picture_ref(picture->picture);
    lk_watermark_ground *ground = NULL;
    lk_hands *hands = lk_runtime_hands(engine->runtime);
    const int held = lk_hands_hold(hands, 1), threads = lk_hands_spread(hands);
    bool writes_own = false;
    int rc = choose_mark(engine, request, threads, picture, &ground, &writes_own, err);
    rc =
        rc ? rc
           : write_marks(engine, request, picture, ground, writes_own, threads, watch, &shown, err);
    lk_hands_hold(hands, held);
    if (!rc && shown->type == LK_PIXEL_U8)
        picture->marked = lk_picture_ref(shown);
    else if (!rc)
        rc = lk_picture_convert(shown, LK_PIXEL_U8, &picture->marked, err);
    lk_watermark_ground_free(ground);
    lk_picture_free(shown);
    return rc;
}

int lk__marks_debug(const struct lk_picture *picture,
                    const struct lk_key *key,
                    struct lk_picture **out,
                    struct lk_error *err)
{
    uint64_t id;
    if (picture->width < LK_WATERMARK_SIDE || picture->height < LK_WATERMARK_SIDE)
        return lk_picture_convert(picture, picture->type, out, err);
    int rc = id_of(picture, key, &id, err);
    return rc ? rc : embed(picture, NULL, key, id, 1, out, err);
}

/* Every eighth diagonal is light and the one beside it dark: on any ground one of the two shows. */
static void hatch(struct lk_picture *picture)
{
    enum { APART = 8 };
    const float opacity = 0.6f;
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            float *pixel = picture->f32 + (size_t)picture->channels *
                                              ((size_t)y * (size_t)picture->width + (size_t)x);
            const int line = (x + y) % APART;
            for (int c = 0; line < 2 && c < 3; c++)
                pixel[c] += opacity * ((line ? 0.0f : 1.0f) - pixel[c]);
        }
    }
}

int lk__marks_preview(const struct lk_picture *picture,
                      const struct lk_key *key,
                      struct lk_picture **out,
                      struct lk_error *err)
{
    struct lk_picture *hatched;
    int rc = lk_picture_convert(picture, LK_PIXEL_F32, &hatched, err);
    if (rc)
        return rc;
    hatch(hatched);
    rc = lk__marks_debug(hatched, key, out, err);
    lk_picture_free(hatched);
    return rc;
}

void lk__marks_remark(lk_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct lk__picture_report *picture = &result->pictures[i];
        if (!picture->has_mark)
            lk__result_remark(result,
                              "a picture of %dx%d pixels is too small for the hidden mark, which "
                              "needs %d on each side",
                              picture->picture->width, picture->picture->height, LK_WATERMARK_SIDE);
    }
}

// SPDX-License-Identifier: Apache-2.0
/* ADetailer's parameters: the mask is the face's box, 4 px larger and softened; it and 32 px around
 * it are drawn at the model's own size, from what is there, with strength 0.4, and put back. Faces
 * come larger into the drawing than they were, which is what helps them. */
#include "pipeline/faces/redraw.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/drawing/paint.h"

static const char separator[] = "[SEP]", skip[] = "[SKIP]";
static const float grown = 4; /* px on every side of the box */

/* Part i of the prompt, or its last one, without spaces around; malloc'd. */
static char *part_of(const char *prompt, size_t i)
{
    const char *end = strstr(prompt, separator);
    for (; i && end; i--) {
        prompt = end + strlen(separator);
        end = strstr(prompt, separator);
    }
    size_t length = end ? (size_t)(end - prompt) : strlen(prompt);
    while (length && strchr(" \t\r\n", *prompt)) {
        prompt++;
        length--;
    }
    while (length && strchr(" \t\r\n", prompt[length - 1]))
        length--;
    return strndup(prompt, length);
}

static int mask_of(const struct lk_picture *picture,
                   const struct lk_face *face,
                   struct lk_mask **out,
                   struct lk_error *err)
{
    struct lk_mask *mask;
    int rc = lk_mask_new(picture->width, picture->height, &mask, err);
    if (rc)
        return rc;
    for (int y = 0; y < mask->height; y++)
        for (int x = 0; x < mask->width; x++)
            mask->value[(size_t)y * (size_t)mask->width + (size_t)x] =
                (float)x >= face->box[0] - grown && (float)x <= face->box[2] + grown &&
                (float)y >= face->box[1] - grown && (float)y <= face->box[3] + grown;
    *out = mask;
    return 0;
}

/* Whether the box has a pixel of the picture. */
static bool is_in(const struct lk_face *face, const struct lk_picture *picture)
{
    return face->box[2] >= 0 && face->box[3] >= 0 && face->box[0] < (float)picture->width &&
           face->box[1] < (float)picture->height;
}

int lk__redraw_face(lk_engine *engine,
                    lk_result *result,
                    const struct lk_picture *picture,
                    const struct lk_face *face,
                    int i,
                    const struct lk_watch *watch,
                    struct lk_picture **out,
                    struct lk_error *err)
{
    char *prompt = part_of(result->request.prompt, (size_t)face->index);
    struct lk__brief brief = {.upscale = 1, .redrawn_as = prompt};
    struct lk_picture *painted;
    int rc = prompt ? mask_of(picture, face, &brief.retouch.mask, err)
                    : lk_fail_memory(err, "a prompt", strlen(result->request.prompt));
    rc = rc ? rc : lk_picture_convert(picture, LK_PIXEL_F32, &brief.retouch.picture, err);
    brief.redrawn = brief.retouch.picture;
    brief.redrawn_mask = brief.retouch.mask;
    rc = rc ? rc : lk__brief_open(engine, result, NULL, watch, &brief, err);
    if (!rc && !lk_draw_steps(&brief.options))
        rc = lk_fail(err, LK_E_INPUT,
                     "--redraw-strength %g of --steps %d leaves no step to draw: raise one of them",
                     brief.options.strength, brief.options.steps);
    rc = rc ? rc : lk__paint(engine, &brief, i, watch, &painted, err);
    lk__brief_close(&brief);
    free(prompt);
    if (rc)
        return rc;
    lk_debug_picture(&engine->debug, "redraw/picture", painted);
    *out = painted;
    return 0;
}

bool lk__redraws_face(const lk_result *result,
                      const struct lk_picture *picture,
                      const struct lk_face *face)
{
    char *part = part_of(result->request.prompt, (size_t)face->index);
    const bool skipped = part && !strcmp(part, skip);
    free(part);
    return !skipped && is_in(face, picture);
}

int lk__redraw_faces(lk_engine *engine,
                     lk_result *result,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err)
{
    struct lk_face *faces = NULL;
    size_t n = 0;
    int rc = lk__engine_faces(engine, &result->request, report->picture, watch, &faces, &n, err);
    for (size_t i = 0; i < n && !rc; i++) {
        struct lk_picture *painted;
        rc = lk_watch_step(watch, "redraw", (int)i + 1, (int)n, err);
        if (rc || !lk__redraws_face(result, report->picture, &faces[i]))
            continue;
        rc = lk__redraw_face(engine, result, report->picture, &faces[i], 0, watch, &painted, err);
        if (rc)
            continue;
        lk_picture_free(report->picture);
        report->picture = painted;
        report->redrawn++;
    }
    free(faces);
    return rc;
}

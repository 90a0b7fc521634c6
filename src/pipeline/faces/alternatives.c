// SPDX-License-Identifier: Apache-2.0
/* A face has a row of cells, or several: as it was, then each manner in the order of the report's
 * `tried`.
 *
 *     ┌──────────┐┌───────────────┐┌──────────┐
 *     │          ││               ││          │   the crop, aligned as FFHQ
 *     └──────────┘└───────────────┘└──────────┘
 *      0 before    1 as-asked, taken  2 twice     number and name, as --manner takes it
 *                  identity 0.71  points 0.04     measures of docs/judge.md
 *                  texture 0.92  seam 0.001
 *
 * In the sheet's report each cell is a face with its own verdict, so that what judges faces, and
 * the audit, see all of them. */
#include "pipeline/faces/alternatives.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/align.h"

enum {
    SIDE = 256,
    GAP = 8,
    LINE = 18,
    LINES = 3,
    CELL_WIDTH = SIDE + GAP,
    CELL_HEIGHT = SIDE + LINES * LINE + GAP,
    COLUMNS = 5,
    MOST_FACES = 8,
};
static const float ground = 0.1f; /* behind the cells */

static int align(const struct lk_face *face, struct lk_affine *to_crop, struct lk_error *err)
{
    return lk_align_face(face->points, LK_ALIGN_FFHQ_512, SIDE, to_crop, err);
}

int lk__alternatives_keep(const struct lk_picture *picture,
                          const struct lk_face *face,
                          struct lk_picture **out,
                          struct lk_error *err)
{
    struct lk_affine to_crop;
    int rc = align(face, &to_crop, err);
    return rc ? rc : lk_affine_crop(picture, &to_crop, SIDE, SIDE, out, err);
}

void lk__alternatives_forget(struct lk__picture_report *report)
{
    for (size_t i = 0; report->faces && i < report->n_faces; i++) {
        struct lk__face_report *face = &report->faces[i];
        lk_picture_free(face->before);
        face->before = NULL;
        for (int k = 0; k < face->n_tried; k++) {
            lk_picture_free(face->tried[k].crop);
            face->tried[k].crop = NULL;
        }
    }
}

/* Rows of cells that a face takes. */
static int rows_of(const struct lk__face_report *face)
{
    return (1 + face->n_tried + COLUMNS - 1) / COLUMNS;
}

/* ---- one cell ---- */

/* Puts the crop at (x, y); what is outside of the picture is black in it. */
static void put(struct lk_picture *sheet, const struct lk_picture *crop, int x, int y)
{
    for (int row = 0; row < SIDE; row++)
        memcpy(sheet->f32 + 3 * ((size_t)(y + row) * (size_t)sheet->width + (size_t)x),
               crop->f32 + (size_t)row * SIDE * 3, SIDE * 3 * sizeof(float));
}

/* Adds " NAME VALUE" to the line, unless it was not measured. */
static void add_measure(char *line, size_t size, const char *name, float value)
{
    const size_t used = strlen(line);
    if (isfinite(value))
        snprintf(line + used, size - used, "%s%s %.3g", used ? "  " : "", name, (double)value);
}

/* Writes what the cell shows below it. A sheet without letters is still in order. */
static void write_label(lk_result *result,
                        struct lk_picture *sheet,
                        const struct lk__tried *tried,
                        int number,
                        int x,
                        int y)
{
    char lines[LINES][80] = {""};
    struct lk_error err;
    if (tried) {
        const struct lk_verdict *v = &tried->verdict;
        snprintf(lines[0], sizeof *lines, "%d %s%s%s", number, tried->manner,
                 tried->taken ? ", taken" : "", v->passed ? "" : ", not passed");
        add_measure(lines[1], sizeof *lines, "identity", v->cosine_after);
        add_measure(lines[1], sizeof *lines, "points", v->feature_shift);
        add_measure(lines[2], sizeof *lines, "texture", v->texture);
        add_measure(lines[2], sizeof *lines, "seam", v->seam);
    } else {
        snprintf(lines[0], sizeof *lines, "%d before", number);
    }
    for (int i = 0; i < LINES && *lines[i]; i++) {
        if (lk_picture_write(sheet, lines[i], x, y + SIDE + i * LINE, SIDE, LINE, &err) &&
            !number && !i)
            lk__result_remark(result, "the sheet of alternatives has no labels: %.100s",
                              err.message);
    }
}

/* The face of the cell for the sheet's report: where it is on the sheet, and how it came out. */
static int describe(const struct lk__face_report *from,
                    const struct lk__tried *tried,
                    int x,
                    int y,
                    struct lk__face_report *out,
                    struct lk_error *err)
{
    struct lk_affine to_crop;
    const float *box = from->face.box, middle[2] = {(box[0] + box[2]) / 2, (box[1] + box[3]) / 2};
    int rc = align(&from->face, &to_crop, err);
    if (rc)
        return rc;
    struct lk_face *face = &out->face;
    const float scale = (float)lk_affine_scale(&to_crop), width = scale * (box[2] - box[0]),
                height = scale * (box[3] - box[1]);
    float at[2];
    *face = (struct lk_face){
        .score = from->face.score, .yaw = from->face.yaw, .pitch = from->face.pitch};
    lk_affine_apply(&to_crop, middle, at);
    for (int k = 0; k < 4; k++)
        face->box[k] =
            at[k % 2] + (float)(k % 2 ? y : x) + (k < 2 ? -0.5f : 0.5f) * (k % 2 ? height : width);
    for (int i = 0; i < 5; i++) {
        lk_affine_apply(&to_crop, from->face.points[i], face->points[i]);
        face->points[i][0] += (float)x;
        face->points[i][1] += (float)y;
    }
    out->manner = tried ? tried->manner : "before";
    out->fate = tried ? LK__FACE_CHANGED : LK__FACE_UNTOUCHED;
    if (tried) {
        memcpy(out->identity, from->identity, sizeof out->identity);
        out->verdict = tried->verdict;
    }
    return 0;
}

/* ---- the sheet ---- */

/* The cells of a face, from row `top` of the sheet on. */
static int show_face(lk_result *result,
                     const struct lk__face_report *face,
                     int top,
                     struct lk__picture_report *sheet,
                     struct lk_error *err)
{
    int rc = 0;
    for (int i = 0; i <= face->n_tried && !rc; i++) {
        const struct lk__tried *tried = i ? &face->tried[i - 1] : NULL;
        const int x = GAP + i % COLUMNS * CELL_WIDTH, y = GAP + (top + i / COLUMNS) * CELL_HEIGHT;
        struct lk__face_report *cell = &sheet->faces[sheet->n_faces];
        put(sheet->picture, tried ? tried->crop : face->before, x, y);
        write_label(result, sheet->picture, tried, i, x, y);
        rc = describe(face, tried, x, y, cell, err);
        cell->face.index = (int)sheet->n_faces++;
    }
    return rc;
}

static int draw_sheet(lk_result *result,
                      const struct lk__picture_report *of,
                      struct lk__picture_report *sheet,
                      struct lk_error *err)
{
    int rows = 0, shown = 0, columns = 1, top = 0;
    size_t cells = 0;
    for (size_t i = 0; i < of->n_faces && shown < MOST_FACES; i++) {
        const int n = 1 + of->faces[i].n_tried;
        if (!of->faces[i].before)
            continue;
        columns = n > columns ? n : columns;
        cells += (size_t)n;
        rows += rows_of(&of->faces[i]);
        shown++;
    }
    columns = columns < COLUMNS ? columns : COLUMNS;
    int rc = lk_picture_new(GAP + columns * CELL_WIDTH, GAP + rows * CELL_HEIGHT, 3, LK_PIXEL_F32,
                            &sheet->picture, err);
    if (!rc && !(sheet->faces = calloc(cells, sizeof *sheet->faces)))
        rc = lk_fail_memory(err, "a sheet of alternatives", cells * sizeof *sheet->faces);
    if (rc)
        return rc;
    for (size_t i = 0; i < 3 * (size_t)sheet->picture->width * (size_t)sheet->picture->height; i++)
        sheet->picture->f32[i] = ground;
    for (size_t i = 0; i < of->n_faces && shown && !rc; i++) {
        if (!of->faces[i].before)
            continue;
        rc = show_face(result, &of->faces[i], top, sheet, err);
        top += rows_of(&of->faces[i]);
        shown--;
    }
    return rc;
}

/* How many faces were kept. */
static size_t count_kept(const struct lk__picture_report *report)
{
    size_t n = 0;
    for (size_t i = 0; i < report->n_faces; i++)
        n += report->faces[i].before != NULL;
    return n;
}

static int add_sheet(lk_result *result, size_t of, struct lk_error *err)
{
    struct lk__picture_report *pictures =
        reallocarray(result->pictures, result->count + 1, sizeof *pictures);
    if (!pictures)
        return lk_fail_memory(err, "a sheet of alternatives", sizeof *pictures);
    result->pictures = pictures;
    const struct lk__picture_report *from = &pictures[of];
    struct lk__picture_report *sheet = &pictures[result->count++];
    *sheet = (struct lk__picture_report){.is_sheet = true,
                                         .sheet_of = of,
                                         .seed = from->seed,
                                         .variation_seed = from->variation_seed,
                                         .from_photo = from->from_photo,
                                         .keeps_photo = from->keeps_photo};
    const size_t kept = count_kept(from);
    if (kept > MOST_FACES)
        lk__result_remark(result, "the sheet of alternatives shows the first %d of %zu faces",
                          MOST_FACES, kept);
    return draw_sheet(result, from, sheet, err);
}

int lk__alternatives_show(lk_result *result, struct lk_error *err)
{
    const size_t count = result->count;
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        if (count_kept(&result->pictures[i]))
            rc = add_sheet(result, i, err);
        lk__alternatives_forget(&result->pictures[i]);
    }
    return rc;
}

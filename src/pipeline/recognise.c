// SPDX-License-Identifier: Apache-2.0
/* ONNX files are told by the shapes of their inputs and outputs, strictly: what a network leaves
 * free counts for nothing but itself, or one of free sides would fit everything. Whether a file
 * keeps its family's contract the stage says when it is opened.
 *
 * Shapes of a row, separated by spaces, in any order: `[NAME=]SIDE,SIDE…`, or `#` for one number
 *
 *     12   so many; 1 in front also a free batch
 *     S    fixed, and the same throughout the row
 *     *    any, or free
 *     =    as that side of the first input, counted from the last
 *     >    larger than that, or free
 *
 * and `…` for more ports that do not matter. The first row of a role that fits stands for it. */
#include "pipeline/recognise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "catalog/adapter.h"
#include "catalog/checkpoint.h"
#include "catalog/lora.h"
#include "catalog/vision.h"

/* clang-format off */
static const struct row {
    enum lk_role role;
    const char *families, *in, *out;
} ROWS[] = {
    {LK_ROLE_DETECTOR,   "scrfd",             "1,3,*,*",     "*,1 *,1 *,1 *,4 *,4 *,4 *,10 *,10 *,10"},
    {LK_ROLE_DETECTOR,   "scrfd",             "1,3,*,*",     "1,*,1 1,*,1 1,*,1 1,*,4 1,*,4 1,*,4 1,*,10 1,*,10 1,*,10"},
    {LK_ROLE_DETECTOR,   "retinaface",        "1,3,*,*",     "1,*,4 1,*,2 1,*,10"},
    {LK_ROLE_DETECTOR,   "yunet",             "1,3,*,*",     "cls_8=1,*,1 obj_8=1,*,1 bbox_8=1,*,4 kps_8=1,*,10 "
                                                             "cls_16=1,*,1 obj_16=1,*,1 bbox_16=1,*,4 kps_16=1,*,10 "
                                                             "cls_32=1,*,1 obj_32=1,*,1 bbox_32=1,*,4 kps_32=1,*,10"},
    {LK_ROLE_DETECTOR,   "yoloface",          "1,3,*,*",     "1,20,*"},
    {LK_ROLE_DETECTOR,   "yoloface",          "1,3,*,*",     "1,*,16"},
    {LK_ROLE_DETECTOR,   "ultraface",         "1,3,*,*",     "1,*,2 1,*,4"},
    {LK_ROLE_LANDMARKER, "2dfan4",            "1,3,256,256", "1,68,3 1,68,64,64"},
    {LK_ROLE_LANDMARKER, "openseeface",       "1,3,224,224", "1,198,28,28"},
    {LK_ROLE_LANDMARKER, "pfld",              "1,3,112,112", "1,136 …"},
    {LK_ROLE_LANDMARKER, "pfld98",            "1,3,112,112", "1,196 …"},
    {LK_ROLE_LANDMARKER, "2d106det",          "1,3,192,192", "1,212"},
    {LK_ROLE_LANDMARKER, "liveportrait",      "1,3,224,224", "1,406 …"},
    {LK_ROLE_LANDMARKER, "mesh",              "1,3,192,192", "1,1404 …"},
    {LK_ROLE_LANDMARKER, "mesh",              "1,192,192,3", "1,1,1,1404 …"},
    {LK_ROLE_LANDMARKER, "mesh478",           "1,3,256,256", "1,1434 …"},
    {LK_ROLE_LANDMARKER, "mesh478",           "1,256,256,3", "1,1,1,1434 …"},
    {LK_ROLE_EMBEDDER,   "arcface cosface adaface", "1,3,112,112", "1,512 …"},
    {LK_ROLE_EMBEDDER,   "sface",             "data=1,3,112,112", "1,128"},
    {LK_ROLE_EMBEDDER,   "mobilefacenet",     "1,3,112,112", "1,128"},
    {LK_ROLE_AGEGENDER,  "genderage",         "1,3,96,96",   "1,3"},
    {LK_ROLE_EXPRESSION, "ferplus",           "1,1,64,64",   "1,8"},
    {LK_ROLE_EXPRESSION, "mini-xception",     "1,1,64,64",   "1,7"},
    {LK_ROLE_SWAPPER,    "inswapper",         "1,3,128,128 1,512", "1,3,128,128"},
    {LK_ROLE_SWAPPER,    "hyperswap simswap ghost hififace", "1,3,256,256 1,512", "1,3,256,256 …"},
    {LK_ROLE_SWAPPER,    "simswap_512",       "1,3,512,512 1,512", "1,3,512,512 …"},
    {LK_ROLE_SWAPPER,    "uniface",           "target=1,3,256,256 source=1,3,256,256", "1,3,256,256 …"},
    {LK_ROLE_SWAPPER,    "blendswap",         "target=1,3,256,256 source=1,3,112,112", "1,3,256,256 …"},
    {LK_ROLE_CONVERTER,  "crossface",         "1,512",       "1,512"},
    {LK_ROLE_RESTORER,   "gfpgan restoreformer gpen", "1,3,S,S", "1,3,S,S …"},
    {LK_ROLE_RESTORER,   "codeformer",        "1,3,S,S #",   "1,3,S,S …"},
    {LK_ROLE_UPSCALER,   "any",               "1,3,*,*",     "1,3,>,>"},
    {LK_ROLE_PARSER,     "bisenet",           "1,3,S,S",     "1,19,S,S …"},
    {LK_ROLE_OCCLUDER,   "xseg",              "1,S,S,3",     "1,S,S,1"},
    {LK_ROLE_FORENSICS,  "probability mesonet", "1,3,256,256", "1,1"},
    {LK_ROLE_FORENSICS,  "xception",          "1,3,299,299", "1,2"},
    {LK_ROLE_NSFW,       "vit-nsfw",          "1,3,224,224", "1,2"},
    {LK_ROLE_NSFW,       "open-nsfw",         "1,224,224,3", "1,2"},
    {LK_ROLE_WATERMARK,  "rivagan",           "frame=1,3,1,*,* data=1,32", "output=1,3,1,*,*"},
    {LK_ROLE_DEPTH,      "depth-anything dpt midas", "1,3,*,*",  "1,=,="},
    {LK_ROLE_DEPTH,      "depth-anything dpt midas", "1,3,*,*",  "1,1,=,="},
    {LK_ROLE_POSE,       "rtmpose",           "1,3,*,*",     "simcc_x=1,*,* simcc_y=1,*,*"},
};
/* clang-format on */

/* ---- ONNX ---- */

/* What a row is held against. */
struct match {
    const struct lk_port *first; /* input */
    int64_t side;                /* S; 0: not met yet */
};

static bool side_fits(struct match *m, const struct lk_port *port, int k, const char *sign)
{
    const int64_t size = port->shape[k];
    const int at = m->first->rank - (port->rank - k);
    const int64_t given = at >= 0 ? m->first->shape[at] : 0;
    switch (*sign) {
    case '*':
        return true;
    case 'S':
        m->side = m->side ? m->side : size;
        return size > 0 && size == m->side;
    case '=':
        return size == given;
    case '>':
        return size < 0 || size > given;
    default:
        return size == strtol(sign, NULL, 10) || (k == 0 && size < 0 && *sign == '1');
    }
}

static bool is_number(const struct lk_port *port)
{
    bool one = port->dtype == LK_F32 || port->dtype == LK_F64;
    for (int k = 0; k < port->rank; k++)
        one &= port->shape[k] == 1 || port->shape[k] < 0;
    return one && port->rank <= 2;
}

/* shape: one of a row, `length` characters. */
static bool port_fits(struct match *m, const struct lk_port *port, const char *shape, size_t length)
{
    const char *equals = memchr(shape, '=', length), *end = shape + length;
    const struct match before = *m;
    if (*shape == '#')
        return is_number(port);
    if (equals > shape && equals[-1] != ',') {
        if (strlen(port->name) != (size_t)(equals - shape) ||
            strncmp(port->name, shape, strlen(port->name)))
            return false;
        shape = equals + 1;
    }
    int k = 0;
    bool fits = true;
    for (; shape < end && fits; k++) {
        fits = k < port->rank && side_fits(m, port, k, shape);
        shape += strcspn(shape, ", ") + 1;
    }
    if (fits && k == port->rank)
        return true;
    *m = before;
    return false;
}

/* Each shape takes the first port that is still free. */
static bool ports_fit(struct match *m, const struct lk_port *ports, size_t n, const char *shapes)
{
    static const char more[] = "…";
    unsigned taken = 0;
    size_t found = 0;
    if (n > 8 * sizeof taken)
        return false;
    while (*shapes && strncmp(shapes, more, strlen(more))) {
        const size_t length = strcspn(shapes, " ");
        size_t i = 0;
        while (i < n && (taken >> i & 1 || !port_fits(m, &ports[i], shapes, length)))
            i++;
        if (i == n)
            return false;
        taken |= 1u << i;
        found++;
        shapes += length + (shapes[length] == ' ');
    }
    return *shapes || found == n;
}

static void add(enum lk_role role, const char *families, struct lk_likely *out, size_t *n)
{
    while (*families && *n < LK_LIKELY_MAX) {
        const size_t length = strcspn(families, " ");
        struct lk_likely *likely = &out[(*n)++];
        likely->role = role;
        snprintf(likely->family, sizeof likely->family, "%.*s", (int)length, families);
        families += length + (families[length] == ' ');
    }
}

static void recognise_ports(const lk_session *session, struct lk_likely *out, size_t *n)
{
    const struct lk_port *in, *answers;
    const size_t n_in = lk_session_inputs(session, &in);
    const size_t n_out = lk_session_outputs(session, &answers);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(ROWS) && n_in; i++) {
        struct match m = {.first = in};
        const bool again = *n && out[*n - 1].role == ROWS[i].role;
        if (!again && ports_fit(&m, in, n_in, ROWS[i].in) &&
            ports_fit(&m, answers, n_out, ROWS[i].out))
            add(ROWS[i].role, ROWS[i].families, out, n);
    }
}

static int recognise_onnx(const char *path, struct lk_likely *out, size_t *n, struct lk_error *err)
{
    struct lk_runtime_options options;
    lk_runtime *runtime;
    lk_session *session;
    lk_runtime_options_init(&options);
    int code = lk_runtime_open(&options, &runtime, err);
    if (code)
        return code;
    code = lk_session_open(runtime, path, "cpu", &session, err);
    if (!code) {
        recognise_ports(session, out, n);
        lk_session_release(session);
    }
    lk_runtime_free(runtime);
    return code;
}

/* ---- tensors ---- */

static const char *family_word(enum lk_family family)
{
    static const char *const words[] = {[LK_FAMILY_SD1] = "sd15",
                                        [LK_FAMILY_SD2] = "sd21",
                                        [LK_FAMILY_SDXL] = "sdxl",
                                        [LK_FAMILY_REFINER] = "sdxl-refiner"};
    return words[family];
}

static bool is_adapter(const char *path, struct lk_likely *out, size_t *n)
{
    lk_adapter *adapter;
    if (lk_adapter_open(path, &adapter, NULL))
        return false;
    const bool xl = lk_adapter_info(adapter)->context == 2048;
    add(LK_ROLE_ADAPTER, xl ? "sdxl" : "sd15", out, n);
    lk_adapter_free(adapter);
    return true;
}

static bool is_lora(const char *path, struct lk_likely *out, size_t *n)
{
    lk_lora *lora;
    if (lk_lora_open(path, &lora, NULL))
        return false;
    add(LK_ROLE_LORA, "lora", out, n);
    lk_lora_free(lora);
    return true;
}

static bool is_vision(const char *path, struct lk_likely *out, size_t *n)
{
    lk_vision_file *file;
    if (lk_vision_file_open(path, &file, NULL))
        return false;
    add(LK_ROLE_VISION, "clip-vision", out, n);
    lk_vision_file_free(file);
    return true;
}

static bool is_control(const char *path, struct lk_likely *out, size_t *n)
{
    lk_checkpoint *control;
    if (lk_checkpoint_open_control(path, &control, NULL))
        return false;
    add(LK_ROLE_CONTROL, "controlnet", out, n);
    lk_checkpoint_free(control);
    return true;
}

static int recognise_checkpoint(const char *path,
                                struct lk_likely *out,
                                size_t *n,
                                struct lk_error *err)
{
    enum lk_family family;
    bool has_unet;
    int code = lk_checkpoint_peek(path, &family, &has_unet, err);
    if (!code && !has_unet)
        add(LK_ROLE_VAE, "sd15", out, n);
    else if (!code)
        add(family == LK_FAMILY_REFINER ? LK_ROLE_REFINER : LK_ROLE_CHECKPOINT, family_word(family),
            out, n);
    return code;
}

/* A FaceID holds a LoRA, too. */
static const struct {
    enum lk_role role;
    bool (*is_one)(const char *path, struct lk_likely *out, size_t *n);
} KINDS[] = {{LK_ROLE_ADAPTER, is_adapter},
             {LK_ROLE_LORA, is_lora},
             {LK_ROLE_VISION, is_vision},
             {LK_ROLE_CONTROL, is_control}};

bool lk_recognise_as(const char *path, enum lk_role role)
{
    struct lk_likely likely[LK_LIKELY_MAX];
    size_t n = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(KINDS); i++)
        if (KINDS[i].role == role)
            return KINDS[i].is_one(path, likely, &n);
    return false;
}

int lk_recognise(const char *path,
                 struct lk_likely out[LK_LIKELY_MAX],
                 size_t *n,
                 struct lk_error *err)
{
    const char *dot = strrchr(path, '.');
    *n = 0;
    if (dot && !strcasecmp(dot, ".onnx"))
        return recognise_onnx(path, out, n, err);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(KINDS); i++)
        if (KINDS[i].is_one(path, out, n))
            return 0;
    return recognise_checkpoint(path, out, n, err);
}

// SPDX-License-Identifier: Apache-2.0
/* What is asked for, from any door: command line, C, JSON file, later HTTP and queue.
 *
 * Strings are malloc'd and belong to the request; NULL, 0 and −1 mean "not said": the model's own
 * default or the library's is taken. Every member that a user can set has one row in
 * src/pipeline/options.c, which names, bounds and explains it. */
#ifndef LIKENESS_REQUEST_H
#define LIKENESS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <likeness/error.h>

#define LK_REQUEST_VERSION 1
#define LK_PEOPLE_MAX 16
#define LK_LIST_MAX 16 /* of what may be given several times */
#define LK_CONTROLS_MAX 8
#define LK_IMAGES_MAX 4
#define LK_PHOTOS_MAX 8

enum lk_task {
    LK_TASK_PORTRAIT,
    LK_TASK_DRAW,
    LK_TASK_SWAP, /* these change a picture that there is */
    LK_TASK_RESTORE,
    LK_TASK_UPSCALE,
    LK_TASK_REDRAW,
};

/* One person of the picture: whose face, and which of the faces found it goes to. */
struct lk_person {
    char *photo; /* a name of the cast; what is none, or has a '/', is the path of a picture with
                    that person's face */
    char *place; /* which face: "left", "largest:1", "woman+age:30-50", "all" … as --face takes it
                    (docs/find.md); NULL: the largest */
    char *like;  /* with a place that ends in "like": a name or a photo, as above, of whom the face
                    must look like; else NULL */
    char *more[LK_PHOTOS_MAX]; /* with a photo: more photos of that person, paths, whose mean
                                  counts; NULL after the last */
};

/* One ControlNet: what it sees of which picture, how much it counts, and in which part of the
 * steps. */
struct lk_request_control {
    char *type;    /* "canny", "scribble", "tile"; "face", "pose", "depth", as networks see them;
                      "none": the picture is an annotation already */
    char *picture; /* path */
    char *model;   /* name in the catalogue, or path; NULL: the catalogue's of the name `type` */
    double weight, start, end;
};

/* An IP-Adapter: a picture as a prompt, how much it counts, and in which part of the steps. */
struct lk_request_image {
    char *model;   /* name in the catalogue, or path */
    char *picture; /* path; whoever shows their face in it must have consented */
    double weight, start, end;
};

struct lk_request {
    enum lk_task task;
    char *prompt, *negative; /* UTF-8, with the WebUI's grammar (docs/text.md) */
    char *picture;           /* swap, restore, upscale, redraw: the picture to work on */

    char *lora[LK_LIST_MAX]; /* NAME|PATH[:W] each, merged in this order; NULL after the last */
    char *model, *vae;       /* name in the catalogue, or path */
    char *refiner;           /* the same: another checkpoint for the last steps; NULL: none */
    double refiner_switch;   /* after which part of the way it takes over, 0 … 1 */
    char *prediction;        /* "auto", "epsilon", "v" */
    int width, height;       /* pixels of the drawn picture, multiples of 8 */
    /* What SDXL is told of the picture's size, in pixels (docs/diffuse.md); 0, 0: width, height. Of
     * the negative prompt 0, 0 and −1: as of the prompt. */
    int original_size[2], target_size[2];
    int crop_left, crop_top;
    double aesthetic_score; /* its refiner */
    int negative_original_size[2], negative_target_size[2];
    int negative_crop_left, negative_crop_top;
    double negative_aesthetic_score;
    int steps;
    double guidance; /* < 0: not said */
    char *sampler, *schedule;
    char *sigmas; /* noise levels instead of steps and schedule, as "14.6,3.9,0"; NULL: none */
    double eta;   /* share of fresh noise; < 0: the sampler's own */
    char *guidance_mode;
    double guidance_rescale, guidance_start, guidance_end, perturbed_guidance;
    char *freeu;               /* factors as "1.5,1.6,0.9,0.2"; NULL: none */
    int deep_cache;            /* the whole UNet runs in every so manieth step; 1: in all */
    double token_merging;      /* share of tokens merged in the largest attentions; 0: none */
    int64_t seed;              /* < 0: drawn at random, and reported */
    double variation_strength; /* of the noise of variation_seed; 0: none */
    int64_t variation_seed;    /* < 0: drawn at random, and reported */
    char *rng;
    int clip_skip;
    char *embedding[LK_LIST_MAX]; /* textual inversions that prompts may name: files or folders;
                                     NULL after the last */
    int count;
    char *init; /* picture to start from */
    double strength;
    char *mask; /* with init: white is painted, black stays as it is */
    bool mask_invert;
    double mask_blur;    /* σ of the mask's edge, pixels of the picture */
    char *inpaint_fill;  /* what is under the mask at first: "original", "noise", "fill" */
    char *inpaint_area;  /* what is looked at: "whole" picture, or what is "masked" */
    int inpaint_padding; /* pixels around that */
    char *extend;        /* with init: "left,top,right,bottom", pixels painted around it */
    struct lk_request_control controls[LK_CONTROLS_MAX];
    int n_controls;
    char *depth_estimator, *pose_estimator; /* name, or FAMILY:PATH; NULL: an installed one */
    char *control_mode;                     /* what counts more: "balanced", "prompt", "control" */
    struct lk_request_image images[LK_IMAGES_MAX];
    int n_images;
    char *image_encoder; /* of images: name, file or folder; NULL: image_encoder/ beside the adapter
                          */
    char *face_adapter;  /* a FaceID as NAME|PATH[:W[:START[:END]]]: the one person of `people` goes
                            into the drawing itself; NULL: none */
    double hires;        /* draw, enlarge by this factor, draw again from that; 1: do not */
    double hires_strength;
    int hires_steps;      /* 0: as many as steps */
    char *hires_upscaler; /* "latent", "lanczos", or an upscaler's name or FAMILY:PATH */

    double face_score;
    char *find; /* how hard faces are looked for: "auto", "quick", "thorough" */
    char *refine;
    char *detector, *landmarker, *embedder, *swapper, *upscaler; /* name, or FAMILY:PATH */
    char *restorer, *parser, *occluder, *converter; /* the same; NULL: the starter's, or none */
    double identity_strength;                       /* 0 … 1; the rest is the face's own */
    int swap_passes; /* how often a face is swapped, one time upon the other; 0: the swapper's */
    double restore_strength, codeformer_weight; /* 0 … 1 */
    double grain;            /* 0 … 1: how much of the picture's grain a refined face gets */
    char *face_mask;         /* "auto", or of "box", "region", "occlusion" several, with commas */
    double face_mask_blur;   /* of the box: 0 … 1 */
    char *face_mask_padding; /* of the box, percent: "top,right,bottom,left"; NULL: none */
    char *face_mask_regions; /* "all", or parts of a face, with commas */
    double redraw_strength;  /* how far a face that is drawn again goes from what it was */
    char *manner;            /* of those of docs/judge.md, in which faces are refined first */
    int retries;             /* of a face that does not pass verification */
    int alternatives;        /* manners shown on a sheet beside the picture; 0: no sheet */
    int upscale; /* factor for the whole picture after drawing; 0: the model's, or the network's */
    int tile, tile_pad; /* pixels; upscale: tile 0 does all at once */
    struct lk_person people[LK_PEOPLE_MAX];
    int n_people;
    char *use;     /* what the picture is for: the consent of all people must allow it */
    char *consent; /* "recorded", or "self": the caller declares that those of whom nothing is
                      recorded agree; the audit keeps that */

    char *visible_mark;     /* a text, or the path of a PNG, to show in the corner; NULL: none */
    char *watermark_method; /* whose decoder shall read the hidden id besides ours */
};

/* Defaults of the option table. */
LK_API void lk_request_init(struct lk_request *request, enum lk_task task);
LK_API void lk_request_free(struct lk_request *request); /* frees the members, not the struct */

/* Reads {"likeness": 1, "task": "portrait", "prompt": …, "people": [{"photo": …, "place": …}], …}.
 * Keys are the option names with
 * '_' for '-'. LK_E_INPUT names an unknown key, a wrong type, a value out of range. request is
 * initialised here. */
LK_API int lk_request_from_json(struct lk_request *request,
                                const char *json,
                                size_t size,
                                const char *name,
                                struct lk_error *err);
/* The same form, only with what differs from the defaults; malloc'd, the caller frees. */
LK_API int lk_request_to_json(const struct lk_request *request, char **json, struct lk_error *err);

#endif

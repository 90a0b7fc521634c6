// SPDX-License-Identifier: Apache-2.0
/* likeness: a sentence goes in, a picture of a person comes out whose face holds up when you look
 * closely.
 *
 *     lk_engine *engine;
 *     lk_result *result;
 *     struct lk_request request;
 *     lk_request_init(&request, LK_TASK_PORTRAIT);
 *     request.prompt = strdup("a young woman with red hair");
 *     if (lk_engine_open(NULL, &engine, &err) || lk_engine_run(engine, &request, NULL, &result,
 * &err) || lk_result_save(result, 0, "a.png", &err)) puts(err.message);
 *
 * A face is used only with consent (docs/cast.md): a request for another one is LK_E_REFUSED before
 * anything is drawn, and a picture for which consent was taken back meanwhile when it would leave.
 *
 * An engine may be used from one thread at a time; engines are independent. Pictures leave a result
 * only by lk_result_save and lk_result_encode, where they are marked as made by AI and get their
 * row in the audit ledger (docs/audit.md): no row, no picture. */
#ifndef LIKENESS_H
#define LIKENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <likeness/error.h>
#include <likeness/request.h>
#include <likeness/watch.h>

typedef struct lk_engine lk_engine;
typedef struct lk_result lk_result;

struct lk_engine_options {
    char *device, *draw_device, *face_device; /* "auto", "cpu", "cuda:0", "tensorrt:0"; NULL: auto;
                                                 draw/face override device */
    int threads;                              /* 0: all cores */
    int64_t memory;          /* bytes for networks; 0: three quarters of the machine's */
    char *kernels;           /* of diffusion: "auto", "reference"; NULL: auto */
    char *precision;         /* of diffusion: "auto", "f32"; on GPUs "f16"; of the UNet on the CPU
                                "bf16", "int8"; NULL: auto, which is f16 on GPUs, f32 on the CPU */
    bool cuda_graphs;        /* a GPU captures a step, and replays it as a whole */
    char *pack_cache;        /* folder in which packed weights are kept for the next start; "auto":
                                the user's; NULL or "off": none */
    int64_t pack_cache_size; /* bytes of it; what was unused longest goes; 0: 24 GB */
    char *audit;           /* the audit ledger's file; NULL: audit.db of the user's state folder */
    char *audit_mirror;    /* file to which each signed head of it is added; NULL: none */
    char *cast_file;       /* the cast; NULL: cast.db of the user's state folder */
    char *passphrase_file; /* its first line opens a sealed cast; NULL: $LIKENESS_PASSPHRASE, if any
                            */
    char *producer;        /* who answers for the pictures: name or code for their labels; NULL:
                              "likeness" */
    char *watermark_key; /* file with the key of the hidden mark; NULL: watermark.key of the user's
                            state folder, made at the first use */
    char *policy;        /* file of rules that add to the program's own; NULL: none */
    char *policy_levels; /* "RULE=LEVEL[,RULE=LEVEL…]"; NULL: as the rules have them */
    char *c2pa_key, *c2pa_certificate; /* PEM files with which every picture that leaves is given a
                                          signed C2PA manifest; both or neither; NULL: none */
    char *c2pa_trust; /* PEM file of roots whose C2PA signers are trusted; NULL: nobody is */
    bool names_only;  /* models are those of the model folders, by name: a path, in a request or
                         here, is LK_E_REFUSED. For whoever takes requests of strangers. Pictures
                         that a request names are the caller's to check */
    char *preview_decoder; /* TAESD-form decoder, a .safetensors file, that draws previews; NULL: a
                              linear map does, at an eighth of the size */
    char *forensics, *nsfw, *agegender, *expression; /* networks that judge: name, or FAMILY:PATH;
                                           NULL: the starter's, else the first that is installed */
};

LK_API const char *lk_version(void);

LK_API void lk_engine_options_init(struct lk_engine_options *options);
LK_API void lk_engine_options_free(
    struct lk_engine_options *options); /* frees the members, not the struct */

/* options NULL: defaults. Models are opened when a request first needs them and stay for the next
 * one. */
LK_API int lk_engine_open(const struct lk_engine_options *options,
                          lk_engine **out,
                          struct lk_error *err);
LK_API void lk_engine_free(lk_engine *engine);

/* Pictures of later runs will leave in this format ("png", "jpeg", "webp", "tiff"; NULL: it is not
 * known yet): they are encoded while others of the same request are still being made. */
LK_API int lk_engine_expect(lk_engine *engine, const char *format, struct lk_error *err);

/* Does what is asked. watch may be NULL. On failure *out is untouched. */
LK_API int lk_engine_run(lk_engine *engine,
                         const struct lk_request *request,
                         const struct lk_watch *watch,
                         lk_result **out,
                         struct lk_error *err);
LK_API void lk_result_free(lk_result *result);

/* Pictures: those that were asked for, then the sheets of request.alternatives, of which the report
 * says "alternatives_of". */
LK_API size_t lk_result_count(const lk_result *result);
/* Everything known of the pictures, faces, stages and times as JSON; belongs to the result. */
LK_API const char *lk_result_report(const lk_result *result);

/* Sentence i that the user should hear, such as that the prompt was too long; NULL after the last
 * one. */
LK_API const char *lk_result_remark(const lk_result *result, size_t i);
/* The same of what was decided in the user's place, which only the curious want to hear. */
LK_API const char *lk_result_note(const lk_result *result, size_t i);

/* Writes picture i, complete or not at all; the format is that of the path's ending: png, jpg,
 * webp, tif. Each call is a release with a row of its own in the audit ledger. */
LK_API int lk_result_save(const lk_result *result,
                          size_t i,
                          const char *path,
                          struct lk_error *err);
/* The same bytes in memory (malloc'd); format "png", "jpeg", "webp" or "tiff". */
LK_API int lk_result_encode(const lk_result *result,
                            size_t i,
                            const char *format,
                            void **bytes,
                            size_t *size,
                            struct lk_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share: the loaded engine, a runtime with its pool, a session. Only
 * here and below is ONNX Runtime included. */
#ifndef LK_RUNTIME_INTERNAL_H
#define LK_RUNTIME_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <onnxruntime_c_api.h>

#include "runtime/graph/lower.h"
#include "runtime/graph/packs.h"
#include "runtime/proto.h"
#include "runtime/session.h"

#define LK__MAX_DEVICES 32
#define LK__MAX_KINDS 4
#define LK__MAX_PORTS 256

/* ort.c */

/* The API of the library that is found (see lk_runtime_options.library), and its version text. The
 * library stays loaded for the life of the process: its threads and destructors do not survive
 * dlclose. */
int lk__ort_load(const char *library,
                 const OrtApi **api,
                 const char **version,
                 struct lk_error *err);
/* An environment with one thread pool of `threads`, silent. ONNX Runtime has one per process: while
 * one is alive, another asked for is the same, and its thread count stands. */
int lk__ort_environment(const OrtApi *api, int threads, OrtEnv **out, struct lk_error *err);
/* 0 for a NULL status; else its message becomes "CONTEXT: MESSAGE" under `code`, and it is freed.
 */
int lk__ort_check(
    const OrtApi *api, OrtStatus *status, int code, struct lk_error *err, const char *format, ...)
    LK_PRINTF(5, 6);

/* precision.c */

/* What a precision means: of our own kernels, and whether a GPU computes in f16. */
struct lk__precision {
    const char *name;
    enum lk_numbers numbers;
    bool halves;
    bool cpu, gpu; /* where it is known */
};
/* name NULL: "auto". LK_E_INPUT for one that is none. */
int lk__precision_find(const char *name, struct lk__precision *out, struct lk_error *err);
/* LK_E_INPUT where a network that stands rounding is not computed in what was asked for: it is not
 * quietly something else. */
int lk__precision_check(const struct lk__precision *precision,
                        const lk_graph *graph,
                        enum lk__lowering lowering,
                        const char *device,
                        struct lk_error *err);

/* device.c */

/* What works on this machine: list (names in storage), NULL at the end; and what does not. */
struct lk__devices {
    char storage[LK__MAX_DEVICES][16];
    const char *list[LK__MAX_DEVICES + 1];
    size_t count;
    struct lk_absent absent[LK__MAX_KINDS];
    size_t absent_count;
};
void lk__devices_find(const OrtApi *api, struct lk__devices *out);
/* The entry of the list that `device` asks for: NULL and "auto" take the first. LK_E_INPUT for a
 * name that is none, LK_E_MISSING for one that does not work here, with the reason. */
int lk__device_choose(const struct lk__devices *devices,
                      const char *device,
                      const char **out,
                      struct lk_error *err);

/* The rest is of entries of the list. How graphs are lowered there, unless all are to be plain;
 * whether it can run what it has captured. */
enum lk__lowering lk__device_lowering(const char *device);
bool lk__device_captures(const char *device);

/* What a session is to do there, as far as the device can. */
struct lk__device_use {
    bool captures;     /* its runs are captured, and run again as a whole (CUDA graphs) */
    bool exact;        /* f32 is not rounded to TF32 */
    bool halves;       /* what is f32 may be computed in f16 */
    const char *cache; /* folder for what the device makes of networks, or NULL */
};
/* Makes sessions of these options run on the device. */
int lk__device_apply(const OrtApi *api,
                     const char *device,
                     const struct lk__device_use *use,
                     OrtSessionOptions *options,
                     struct lk_error *err);
/* Where arrays that stay on the device lie; the caller releases it. */
int lk__device_memory(const OrtApi *api,
                      const char *device,
                      OrtMemoryInfo **out,
                      struct lk_error *err);
/* memcpy between host and device, either way. */
int lk__device_copy(
    const char *device, void *to, const void *from, size_t bytes, struct lk_error *err);

/* pool.c */

struct lk_runtime {
    const OrtApi *api;
    const char *version;
    OrtEnv *env;
    OrtMemoryInfo *cpu; /* where arrays of callers lie */
    struct lk__devices devices;
    size_t memory; /* the budget; bytes */
    int threads;
    const struct lk_kernels *kernels; /* NULL: all graphs are plain */
    struct lk__precision precision;
    bool captures;      /* devices that can capture runs do */
    char *device_cache; /* or NULL */

    lk_hands *hands; /* all are held while a session is created, so that two threads never create
                        the same one */
    pthread_mutex_t lock; /* guards the fields below and the users and last_used of every session;
                             is held for moments only */
    struct lk_session *sessions;
    size_t used; /* sum of costs */
    uint64_t clock;
    char complaint[160]; /* of what could not be kept; empty: none */

    struct lk__pack_place place; /* of packed weights; without a folder none are kept */
};

struct lk_session {
    lk_runtime *runtime;
    struct lk_session *next;
    char *key;          /* NULL: not shared, freed when released */
    char *name;         /* for messages: the file, or the network's name */
    const char *device; /* an entry of runtime->devices */
    size_t cost;        /* bytes it is counted with */
    size_t work;        /* of them, those that runs take */
    unsigned users;
    uint64_t last_used;
    atomic_size_t runs;

    OrtSession *ort;
    bool captures;                   /* see struct lk__device_use */
    struct lk__operators *operators; /* our own, or NULL */
    bool spreads;                    /* it has no others that compute much: see hands_of */
    struct lk_port *inputs, *outputs;
    size_t input_count, output_count;
};

/* The pool's view of something that can be opened. */
struct lk__recipe {
    const char *key;  /* NULL: not shared */
    const char *name; /* for messages */
    size_t cost;      /* the least that it takes; create may raise it */
    /* Creates the engine's session with these options, and what it stands on. */
    int (*create)(struct lk__recipe *recipe,
                  OrtSessionOptions *options,
                  lk_session *session,
                  struct lk_error *err);
    const char *path;           /* of an ONNX file */
    struct lk_proto_view model; /* its bytes, */
    bool changed;               /* which are no longer those of the file */
    bool convolves;             /* convolutions by our kernels, where they may be */
    const lk_graph *graph;
    bool repeats; /* see lk_graph_repeat */
};

int lk__pool_open(lk_runtime *runtime,
                  struct lk__recipe *recipe,
                  const char *device,
                  lk_session **out,
                  struct lk_error *err);

/* parallel.c */

/* Tasks 0 … n−1 in the pool that runs the context, in as many threads as this one and idle hands
 * come to; afterwards it holds one hand. NULL: it holds all of them, and keeps them. Who does which
 * makes no difference. */
void lk__run_tasks(const OrtApi *api,
                   OrtKernelContext *context,
                   lk_hands *hands,
                   size_t n,
                   void (*task)(void *what, size_t i),
                   void *what);

/* ports.c */

int lk__ports_read(lk_session *session, struct lk_error *err);
void lk__ports_free(struct lk_port *ports, size_t count);
int lk__dtype_of_ort(ONNXTensorElementDataType type); /* −1: none of ours */
ONNXTensorElementDataType lk__ort_of_dtype(enum lk_dtype dtype);

/* onnx/file.c */

/* Reads through a model file without executing it: every length within the file, every initializer
 * as large as its shape says. LK_E_INPUT otherwise. */
int lk__onnx_file_check(const char *path, const void *bytes, size_t size, struct lk_error *err);

/* onnx/convolutions.c */

/* The model of a file that lk__onnx_file_check let through, with convolutions that are nodes of
 * ours, which are added to the list; their weights to the graph, which points into bytes. *out
 * stays empty where there are none. The caller frees it, on failure too. */
int lk__onnx_convolve(const void *bytes,
                      size_t size,
                      lk_graph *weights,
                      struct lk__nodes *nodes,
                      struct lk_proto *out,
                      struct lk_error *err);

/* onnx/sides.c */

/* The model of a file that lk__onnx_file_check let through, whose only input is a picture
 * [n,c,h,w] of one size, for pictures of any: see lk_session_open_any_size. LK_E_INPUT where there
 * is no such input. The caller frees *out, on failure too. */
int lk__onnx_free_sides(const char *path,
                        const void *bytes,
                        size_t size,
                        int64_t sides[2],
                        struct lk_proto *out,
                        struct lk_error *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share: the loaded engine, a runtime with its pool, a session. Only
 * here and below is ONNX Runtime included. */
#ifndef LK_RUNTIME_INTERNAL_H
#define LK_RUNTIME_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <onnxruntime_c_api.h>

#include "runtime/graph/packs.h"
#include "runtime/session.h"

#define LK__MAX_DEVICES 32
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

/* device.c */

/* Appends what works on this machine to list (static strings or names in storage), NULL at the end.
 */
struct lk__devices {
    char storage[LK__MAX_DEVICES][16];
    const char *list[LK__MAX_DEVICES + 1];
    size_t count;
};
void lk__devices_find(const OrtApi *api, struct lk__devices *out);
/* The entry of the list that `device` asks for: NULL and "auto" take the first. LK_E_INPUT for a
 * name that is none, LK_E_MISSING for one that does not work here. */
int lk__device_choose(const struct lk__devices *devices,
                      const char *device,
                      const char **out,
                      struct lk_error *err);
/* Makes sessions of these options run on the device (an entry of the list). */
int lk__device_apply(const OrtApi *api,
                     const char *device,
                     OrtSessionOptions *options,
                     struct lk_error *err);

/* pool.c */

struct lk_runtime {
    const OrtApi *api;
    const char *version;
    OrtEnv *env;
    OrtMemoryInfo *cpu; /* where arrays of callers lie */
    struct lk__devices devices;
    size_t memory; /* the budget; bytes */
    int threads;
    const struct lk_kernels *kernels; /* NULL: the plain graph */
    enum lk_numbers numbers;

    /* Lock order: making, then lock. `making` is held while a session is created, so that two
     * threads never create the same one; `lock` guards the fields below and the users and last_used
     * of every session, and is held for moments only. */
    pthread_mutex_t making, lock;
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
    struct lk__operators *operators; /* our own, of a graph; or NULL */
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
    const char *path; /* of an ONNX file */
    const lk_graph *graph;
};

int lk__pool_open(lk_runtime *runtime,
                  struct lk__recipe *recipe,
                  const char *device,
                  lk_session **out,
                  struct lk_error *err);

/* ports.c */

int lk__ports_read(lk_session *session, struct lk_error *err);
void lk__ports_free(struct lk_port *ports, size_t count);
int lk__dtype_of_ort(ONNXTensorElementDataType type); /* −1: none of ours */
ONNXTensorElementDataType lk__ort_of_dtype(enum lk_dtype dtype);

/* onnx_file.c */

/* Reads through a model file without executing it: every length within the file, every initializer
 * as large as its shape says. LK_E_INPUT otherwise. */
int lk__onnx_file_check(const char *path, const void *bytes, size_t size, struct lk_error *err);

#endif

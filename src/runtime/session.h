// SPDX-License-Identifier: Apache-2.0
/* ONNX Runtime, loaded at run time, and networks ready to run on it.
 *
 * One lk_runtime per process part that wants its own budget: it owns the environment, the one
 * thread pool that all sessions share, and a pool of sessions under a memory budget (least recently
 * used idle ones go first). Sessions are shared by key and counted; lk_session_run is thread-safe.
 *
 * Runs on the CPU share the runtime's hands, of which there are as many as threads (base/hands.h):
 * a network of an ONNX file, whose operators are the engine's, holds all of them for its run; of
 * our own kernels every operator spreads over those that are idle, and lets through who waits. A
 * run on another device holds none. */
#ifndef LK_RUNTIME_SESSION_H
#define LK_RUNTIME_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hands.h"
#include "base/watch.h"
#include "data/tensor_file.h"
#include "kernels/kernels.h"
#include "runtime/graph.h"

typedef struct lk_runtime lk_runtime;
typedef struct lk_session lk_session;

struct lk_runtime_options {
    const char *library; /* path of libonnxruntime; NULL: LIKENESS_ORT_DIR, beside the program, the
                            system's */
    int threads;         /* 0: all cores this process may use */
    size_t memory;       /* budget in bytes for session weights and arenas; 0: three quarters of the
                            machine's */
    const char *pack_cache; /* folder in which packed weights are kept for the next process; NULL:
                               they are not */
    size_t pack_cache_size; /* bytes of all files in it; 0: 24 GB */
    bool plain; /* networks of graphs are plain ONNX, on the CPU without our kernels, on a GPU
                   without fused operators */
    const char *precision; /* what networks of graphs are computed in: auto (NULL: f32 on the CPU,
                              f16 on GPUs), f32, f16 (GPUs); bf16, int8 (our kernels, where a
                              network stands it, see lk_graph_round) */
    bool captures; /* runs of lk_repeated_run are captured as CUDA graphs, where a GPU can */
    const char *device_cache; /* folder in which TensorRT keeps its engines; NULL: it does not */
};
void lk_runtime_options_init(struct lk_runtime_options *options);

/* LK_E_MISSING with the remedy (tools/setup) when the library is not found or older than 1.23. */
int lk_runtime_open(const struct lk_runtime_options *options,
                    lk_runtime **out,
                    struct lk_error *err);
void lk_runtime_free(lk_runtime *runtime); /* all sessions must have been released */
const char *lk_runtime_version(const lk_runtime *runtime);
/* Frees idle networks until so many bytes more fit into the budget; whether they do now. */
bool lk_runtime_make_room(lk_runtime *runtime, size_t bytes);
size_t lk_runtime_budget(const lk_runtime *runtime);
int lk_runtime_threads(const lk_runtime *runtime); /* in which it may work */
/* The instruction set that our own kernels use for networks of graphs on the CPU, such as "avx512";
 * NULL: they are plain ONNX. */
const char *lk_runtime_kernels(const lk_runtime *runtime);

/* As many as threads; who computes beside runs of several threads holds one. */
lk_hands *lk_runtime_hands(const lk_runtime *runtime);

/* A sentence of why packed weights could not be kept, once. */
bool lk_runtime_complaint(lk_runtime *runtime, char *out, size_t size);

/* Devices: "cuda:0", "cpu", "tensorrt:0", …; "auto" takes the first that works. NULL-terminated
 * list of what works here. */
const char *const *lk_runtime_devices(const lk_runtime *runtime);
/* What does not work here, and why; of the runtime. */
struct lk_absent {
    const char *kind; /* "cuda" … */
    char why[200];
};
size_t lk_runtime_absent(const lk_runtime *runtime, const struct lk_absent **out);

/* A session of an ONNX file (face models) or of a graph written by us. `device` as above, NULL =
 * auto. The same file (as long as it is not replaced or written again) or key on
 * the same device is created once. LK_E_INPUT for what is no ONNX
 * model, LK_E_MISSING for a file that is not there. */
int lk_session_open(lk_runtime *runtime,
                    const char *path,
                    const char *device,
                    lk_session **out,
                    struct lk_error *err);
/* The same where the file's only input is a picture [n,c,h,w] of one size, else LK_E_INPUT: height
 * and width are free, and so are the rows of its outputs (their last dimension but one). sides: the
 * file's own height and width. Whether the network stands other sizes shows when it is run. */
int lk_session_open_any_size(lk_runtime *runtime,
                             const char *path,
                             const char *device,
                             int64_t sides[2],
                             lk_session **out,
                             struct lk_error *err);
/* What the weights of a network take as plain ONNX, in bytes, and while it is being loaded: more.
 * With streams (see lk_graph_thrift) next to nothing but what lies in no file. */
size_t lk_graph_bytes(const lk_graph *graph, bool streams);
size_t lk_graph_load_bytes(const lk_graph *graph, bool streams);
/* Whether the device is this machine's own processor. */
bool lk_runtime_on_cpu(const lk_runtime *runtime, const char *device);
/* Whether networks of graphs are computed by our own kernels or a GPU's fused operators there,
 * unless their weights are streamed: weights are packed, or halved, as they are loaded, and
 * attention stores no scores. */
bool lk_runtime_packs(const lk_runtime *runtime, const char *device);
/* What the weights take so, and while they are loaded. Only of a device where the runtime packs. */
size_t lk_graph_packed_bytes(const lk_runtime *runtime, const lk_graph *graph, const char *device);
/* The graph may be freed afterwards, and weights in memory; the tensor files that it points into
 * must live as long as the session. Where the budget has no room for it, its weights are streamed.
 * key: what the session is (file sha or path, role, options);
 * NULL: not shared. */
int lk_session_of_graph(lk_runtime *runtime,
                        const lk_graph *graph,
                        const char *key,
                        const char *device,
                        lk_session **out,
                        struct lk_error *err);
void lk_session_release(lk_session *session); /* NULL is fine */
/* Runs of the session will take `work` bytes beside its weights, and keep them: frees idle networks
 * until that fits. false, and nothing is reserved, where it does not. */
bool lk_session_reserve(lk_session *session, size_t work);

/* What the network says of itself. Dimensions that are free are −1. */
struct lk_port {
    const char *name;
    enum lk_dtype dtype;
    int rank;
    int64_t shape[LK_TENSOR_MAX_RANK];
};
size_t lk_session_inputs(const lk_session *session, const struct lk_port **out);
size_t lk_session_outputs(const lk_session *session, const struct lk_port **out);

/* A dense array going in or coming out. data of an input belongs to the caller; of an output it is
 * malloc'd by run and the caller frees it (free(t.data)). Outputs of f16 networks come as f32; NaN
 * and infinity are passed through. */
struct lk_array {
    enum lk_dtype dtype; /* LK_F32, LK_I64, LK_I32, LK_F64 */
    int rank;
    int64_t shape[LK_TENSOR_MAX_RANK];
    void *data;
    uint64_t stamp; /* of lk_repeated_run; else not looked at */
};

/* names/inputs [n_in]; fills outputs[n_out] for the names asked. Ends early with LK_E_INTERRUPTED
 * when watch says stop. */
int lk_session_run(lk_session *session,
                   size_t n_in,
                   const char *const *in_names,
                   const struct lk_array *inputs,
                   size_t n_out,
                   const char *const *out_names,
                   struct lk_array *outputs,
                   const struct lk_watch *watch,
                   struct lk_error *err);

/* How often it was run, for tests that state a budget. */
size_t lk_session_runs(const lk_session *session);

/* A network that runs step after step: what it is fed stays on its device. */
typedef struct lk_repeated lk_repeated;

/* The session must outlive it. Use from one thread at a time. */
int lk_repeated_new(lk_session *session, lk_repeated **out, struct lk_error *err);
void lk_repeated_free(lk_repeated *repeated); /* NULL is fine */
/* As lk_session_run. An input whose stamp is not 0 and that of the last run with the same shapes
 * has the same numbers as then, and is not taken to the device again. */
int lk_repeated_run(lk_repeated *repeated,
                    size_t n_in,
                    const char *const *in_names,
                    const struct lk_array *inputs,
                    size_t n_out,
                    const char *const *out_names,
                    struct lk_array *outputs,
                    const struct lk_watch *watch,
                    struct lk_error *err);
/* A stamp that nothing has had in this process. */
uint64_t lk_stamp_new(void);

/* The initializer of that name and shape in an ONNX file (inswapper's emap), as malloc'd f32; reads
 * the protobuf from a mapping without executing or copying the model. LK_E_INPUT when it is not
 * there. name NULL: found by shape alone. */
int lk_onnx_initializer(const char *path,
                        const char *name,
                        int rank,
                        const int64_t *shape,
                        float **out,
                        struct lk_error *err);

/* Writes the graph, lowered to plain ONNX, as a model file plus PATH.data with the weights (one
 * self-contained pair). */
int lk_graph_export(const lk_graph *graph, const char *path, struct lk_error *err);

#endif

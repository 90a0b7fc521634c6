// SPDX-License-Identifier: Apache-2.0
/* The part of c2pa-rs's C API that is used, declared here because the wheel that brings the library
 * has no header: after the published c2pa.h and the wheel's own ctypes signatures (0.91.3).
 *
 * What "consumes" takes an object over, whether it succeeds or not. Every other object and string
 * is given back with `free`. The error text is kept per thread. */
#ifndef LK_STAGES_MARK_C2PA_INTERNAL_H
#define LK_STAGES_MARK_C2PA_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "stages/mark/c2pa.h"

typedef struct lk__c2pa_settings lk__c2pa_settings;
typedef struct lk__c2pa_context_builder lk__c2pa_context_builder;
typedef struct lk__c2pa_context lk__c2pa_context;
typedef struct lk__c2pa_reader lk__c2pa_reader;
typedef struct lk__c2pa_builder lk__c2pa_builder;
typedef struct lk__c2pa_signer lk__c2pa_signer;
typedef struct lk__c2pa_stream lk__c2pa_stream;

struct lk__c2pa_signer_info {
    const char *algorithm;   /* "es256" … */
    const char *certificate; /* PEM, the chain */
    const char *key;         /* PEM */
    const char *authority;   /* URL of a time-stamp authority; NULL: none */
};

/* Each returns the bytes moved, or the new position; −1 with errno. */
typedef intptr_t lk__c2pa_read_callback(void *context, uint8_t *data, intptr_t size);
typedef intptr_t lk__c2pa_seek_callback(void *context, intptr_t offset, int whence);
typedef intptr_t lk__c2pa_write_callback(void *context, const uint8_t *data, intptr_t size);
typedef intptr_t lk__c2pa_flush_callback(void *context);

struct lk__c2pa_api {
    char *(*version)(void);
    char *(*error)(void); /* the last one */
    int (*free)(const void *object);

    lk__c2pa_settings *(*settings_new)(void);
    int (*settings_update)(lk__c2pa_settings *settings, const char *text, const char *format);
    lk__c2pa_context_builder *(*context_builder_new)(void);
    int (*context_builder_set)(lk__c2pa_context_builder *builder, lk__c2pa_settings *settings);
    lk__c2pa_context *(*context_build)(lk__c2pa_context_builder *builder); /* consumes */

    lk__c2pa_stream *(*stream_new)(void *context,
                                   lk__c2pa_read_callback *read,
                                   lk__c2pa_seek_callback *seek,
                                   lk__c2pa_write_callback *write,
                                   lk__c2pa_flush_callback *flush);
    void (*stream_free)(lk__c2pa_stream *stream);

    lk__c2pa_reader *(*reader_new)(lk__c2pa_context *context);
    /* format "": known by its bytes. Consumes the reader. */
    lk__c2pa_reader *(*reader_read)(lk__c2pa_reader *reader,
                                    const char *format,
                                    lk__c2pa_stream *stream);
    char *(*reader_json)(lk__c2pa_reader *reader);

    lk__c2pa_signer *(*signer_new)(const struct lk__c2pa_signer_info *info);
    lk__c2pa_builder *(*builder_new)(lk__c2pa_context *context);
    lk__c2pa_builder *(*builder_define)(lk__c2pa_builder *builder, const char *json); /* consumes */
    int (*builder_add_ingredient)(lk__c2pa_builder *builder,
                                  const char *json,
                                  const char *format,
                                  lk__c2pa_stream *stream);
    /* The manifest's size, or negative; its bytes are to be freed when not NULL. */
    int64_t (*builder_sign)(lk__c2pa_builder *builder,
                            const char *format,
                            lk__c2pa_stream *source,
                            lk__c2pa_stream *target,
                            lk__c2pa_signer *signer,
                            const unsigned char **manifest);
};

struct lk_c2pa {
    struct lk__c2pa_api api;
    char *version;
    lk__c2pa_context *context; /* with our settings */
};

/* Finds and loads the library. It stays loaded: its threads' data may outlive us. */
int lk__c2pa_load(struct lk__c2pa_api *api, struct lk_error *err);

/* Fails with the library's last sentence after ours. */
int lk__c2pa_fail(const struct lk__c2pa_api *api, int code, struct lk_error *err, const char *what);

/* A small text file, 0-terminated, malloc'd. */
int lk__c2pa_read_text(const char *path, char **out, struct lk_error *err);
void lk__c2pa_wipe(char *text); /* overwrites it and frees it; NULL is fine */

/* Memory that the library reads as a stream: given (`bytes`) or growing (`owned`, malloc'd). */
struct lk__c2pa_memory {
    const uint8_t *bytes; /* [size]; owned once something was written */
    size_t size, at;
    uint8_t *owned;
    size_t room, limit; /* limit 0: cannot be written to */
};
/* NULL: out of memory. The memory must outlive the stream. */
lk__c2pa_stream *lk__c2pa_stream_of(const struct lk__c2pa_api *api, struct lk__c2pa_memory *memory);

#endif

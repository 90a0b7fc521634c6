// SPDX-License-Identifier: Apache-2.0
/* The key is read anew for each signature and not kept: a result may lie in memory for long. */
#include "pipeline/trust/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "pipeline/trust/people.h"
#include "stages/mark/c2pa.h"

/* Signs a picture that does not matter: library, key, certificate and the days on which it holds
 * are tried at once. */
static int try_signing(const struct lk_c2pa_identity *identity, struct lk_error *err)
{
    const struct lk_c2pa_claim claim = {.source = LK_SOURCE_GENERATED, .version = LK_VERSION};
    lk_c2pa *c2pa = NULL;
    struct lk_picture *empty = NULL;
    void *bytes = NULL, *out = NULL;
    size_t size = 0, out_size = 0;
    int rc = lk_c2pa_open(NULL, &c2pa, err);
    rc = rc ? rc : lk_picture_new(16, 16, 3, LK_PIXEL_U8, &empty, err);
    rc = rc ? rc
            : lk_picture_encode(empty, LK_FORMAT_PNG, &(struct lk_picture_text){0}, &bytes, &size,
                                err);
    rc = rc ? rc : lk_c2pa_sign(c2pa, identity, &claim, "png", bytes, size, &out, &out_size, err);
    free(out);
    free(bytes);
    lk_picture_free(empty);
    lk_c2pa_free(c2pa);
    return rc;
}

int lk__provenance_try(const lk_engine *engine, struct lk_error *err)
{
    const struct lk_c2pa_identity identity = {engine->options.c2pa_key,
                                              engine->options.c2pa_certificate};
    if (!identity.key && !identity.certificate)
        return 0;
    if (!identity.key || !identity.certificate)
        return lk_fail(err, LK_E_INPUT,
                       "a C2PA manifest needs both --c2pa-key and --c2pa-certificate: give %s too",
                       identity.key ? "--c2pa-certificate" : "--c2pa-key");
    return try_signing(&identity, err);
}

int lk__provenance_begin(const lk_engine *engine, lk_result *result, struct lk_error *err)
{
    const struct lk_engine_options *options = &engine->options;
    struct lk__provenance *provenance = &result->provenance;
    if (!options->c2pa_key)
        return 0;
    provenance->key = strdup(options->c2pa_key);
    provenance->certificate = strdup(options->c2pa_certificate);
    if (!provenance->key || !provenance->certificate)
        return lk_fail_memory(err, "C2PA", 0);
    return 0;
}

void lk__provenance_free(struct lk__provenance *provenance)
{
    free(provenance->key);
    free(provenance->certificate);
}

/* The user's picture that was changed or painted on, as it was read: another of the same name is no
 * parent. */
static int map_parent(const lk_result *result, struct lk_file *out, struct lk_error *err)
{
    struct lk_sha256 sha;
    const bool changed = lk__changes_picture(&result->request);
    const char *path = changed ? result->request.picture : result->request.init;
    const char *was = json_string_value(
        json_object_get(result->record.sources, changed ? "picture.sha256" : "init.sha256"));
    int rc = lk_file_map(path, out, err);
    if (rc)
        return rc;
    lk_sha256_bytes(out->bytes, out->size, &sha);
    if (was && !strcmp(was, sha.hex))
        return 0;
    lk_file_unmap(out);
    return lk_fail(
        err, LK_E_INPUT,
        "'%s' is no longer the picture that was changed, so that its C2PA manifest would "
        "lie: ask again",
        path);
}

int lk__provenance_sign(const lk_result *result,
                        size_t i,
                        const char *format,
                        void **bytes,
                        size_t *size,
                        struct lk_error *err)
{
    const struct lk_c2pa_identity identity = {result->provenance.key,
                                              result->provenance.certificate};
    struct lk_c2pa_claim claim = {.source = LK_SOURCE_GENERATED, .version = LK_VERSION};
    struct lk_file parent = {0};
    lk_c2pa *c2pa = NULL;
    void *out = NULL;
    if (!identity.key)
        return 0;
    int rc = lk_c2pa_open(NULL, &c2pa, err);
    if (!rc && result->pictures[i].keeps_photo && !(rc = map_parent(result, &parent, err))) {
        claim.source = LK_SOURCE_COMPOSITE;
        claim.parent = parent.bytes;
        claim.parent_size = parent.size;
    }
    rc = rc ? rc : lk_c2pa_sign(c2pa, &identity, &claim, format, *bytes, *size, &out, size, err);
    lk_file_unmap(&parent);
    lk_c2pa_free(c2pa);
    if (rc)
        return rc;
    free(*bytes);
    *bytes = out;
    return 0;
}

int lk_engine_read_c2pa(const lk_engine *engine,
                        const char *path,
                        struct lk_c2pa_found *out,
                        struct lk_error *err)
{
    const char *trust = engine->options.c2pa_trust;
    struct lk_error why;
    struct lk_file file;
    lk_c2pa *c2pa = NULL;
    int rc = lk_c2pa_open(trust, &c2pa, &why);
    if (rc == LK_E_MISSING && !trust) {
        *out = (struct lk_c2pa_found){.state = LK_C2PA_UNREAD};
        snprintf(out->why, sizeof out->why, "%s", why.message);
        return 0;
    }
    if (rc)
        return lk_fail(err, rc, "%s", why.message);
    rc = lk_file_map(path, &file, err);
    if (!rc) {
        lk_c2pa_read(c2pa, file.bytes, file.size, out);
        lk_file_unmap(&file);
    }
    lk_c2pa_free(c2pa);
    return rc;
}

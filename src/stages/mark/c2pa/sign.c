// SPDX-License-Identifier: Apache-2.0
/* A manifest with one statement, what the picture is, signed with the operator's key.
 *
 *   drawn      c2pa.created                          digitalSourceType trainedAlgorithmicMedia
 *   changed    c2pa.opened (the parent), c2pa.edited compositeWithTrainedAlgorithmicMedia
 *
 * There is no time stamp: an authority would have to be asked over the network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/size.h"
#include "stages/mark/c2pa/internal.h"

#define MANIFEST_MAX ((size_t)64 << 20) /* with those of the parent */
#define PARENT "parent"

static json_t *actions_of(const struct lk_c2pa_claim *claim)
{
    const char *source = lk_source_uri(claim->source);
    if (!claim->parent)
        return json_pack("[{s:s,s:s}]", "action", "c2pa.created", "digitalSourceType", source);
    return json_pack("[{s:s,s:{s:[s]}},{s:s,s:s}]", "action", "c2pa.opened", "parameters",
                     "ingredientIds", PARENT, "action", "c2pa.edited", "digitalSourceType", source);
}

/* malloc'd, or NULL. "created": the signer says it, and has not merely gathered it from others. */
static char *definition_of(const struct lk_c2pa_claim *claim)
{
    json_t *definition =
        json_pack("{s:[{s:s,s:s}],s:[{s:s,s:b,s:{s:o}}]}", "claim_generator_info", "name",
                  "likeness", "version", claim->version, "assertions", "label", "c2pa.actions.v2",
                  "created", 1, "data", "actions", actions_of(claim));
    char *text = definition ? json_dumps(definition, JSON_COMPACT) : NULL;
    json_decref(definition);
    return text;
}

/* The key says which signature it makes: the library takes no key under another's name. The first
 * refusal is told when none fits, as most keys are meant for it. */
static int make_signer(const struct lk__c2pa_api *api,
                       const char *key,
                       const char *certificate,
                       lk__c2pa_signer **out,
                       struct lk_error *err)
{
    static const char *const algorithms[] = {"es256", "ed25519", "es384", "ps256"};
    int rc = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(algorithms); i++) {
        const struct lk__c2pa_signer_info info = {algorithms[i], certificate, key, NULL};
        if ((*out = api->signer_new(&info)))
            return 0;
        if (!i)
            rc = lk__c2pa_fail(api, LK_E_INPUT, err,
                               "C2PA takes neither P-256, Ed25519, P-384 nor RSA from the key and "
                               "its certificate");
    }
    return rc;
}

static int open_signer(const lk_c2pa *c2pa,
                       const struct lk_c2pa_identity *identity,
                       lk__c2pa_signer **out,
                       struct lk_error *err)
{
    char *key = NULL, *certificate = NULL;
    int rc = lk__c2pa_read_text(identity->key, &key, err);
    rc = rc ? rc : lk__c2pa_read_text(identity->certificate, &certificate, err);
    rc = rc ? rc : make_signer(&c2pa->api, key, certificate, out, err);
    lk__c2pa_wipe(key);
    free(certificate);
    return rc;
}

struct magic {
    size_t at, size;
    const char *bytes, *type;
};

/* The library reads a parent's own manifests only when it is told the type; "" for others. */
static const char *type_of(const uint8_t *bytes, size_t size)
{
    static const struct magic magics[] = {
        {0, 3, "\xff\xd8\xff", "image/jpeg"}, {0, 4, "\x89PNG", "image/png"},
        {8, 4, "WEBP", "image/webp"},         {0, 4, "II*\0", "image/tiff"},
        {0, 4, "MM\0*", "image/tiff"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(magics); i++) {
        const struct magic *m = &magics[i];
        if (size >= m->at + m->size && !memcmp(bytes + m->at, m->bytes, m->size))
            return m->type;
    }
    return "";
}

static int add_parent(const struct lk__c2pa_api *api,
                      lk__c2pa_builder *builder,
                      const struct lk_c2pa_claim *claim,
                      struct lk_error *err)
{
    static const char ingredient[] = "{\"relationship\":\"parentOf\",\"label\":\"" PARENT "\"}";
    struct lk__c2pa_memory memory = {.bytes = claim->parent, .size = claim->parent_size};
    lk__c2pa_stream *stream = lk__c2pa_stream_of(api, &memory);
    int rc = 0;
    if (!stream || api->builder_add_ingredient(builder, ingredient,
                                               type_of(memory.bytes, memory.size), stream) < 0)
        rc = lk__c2pa_fail(api, LK_E_INPUT, err,
                           "the picture that was changed cannot be named in a C2PA manifest");
    api->stream_free(stream);
    return rc;
}

static int open_builder(const lk_c2pa *c2pa,
                        const struct lk_c2pa_claim *claim,
                        lk__c2pa_builder **out,
                        struct lk_error *err)
{
    const struct lk__c2pa_api *api = &c2pa->api;
    char *definition = definition_of(claim);
    if (!definition)
        return lk_fail_memory(err, "a C2PA manifest", 0);
    lk__c2pa_builder *builder = api->builder_new(c2pa->context);
    if (builder)
        builder = api->builder_define(builder, definition);
    free(definition);
    int rc = builder ? 0 : lk__c2pa_fail(api, LK_E_FAILED, err, "a C2PA manifest cannot be begun");
    if (!rc && claim->parent)
        rc = add_parent(api, builder, claim, err);
    if (rc)
        api->free(builder);
    else
        *out = builder;
    return rc;
}

static int sign(const struct lk__c2pa_api *api,
                lk__c2pa_builder *builder,
                lk__c2pa_signer *signer,
                const char *format,
                struct lk__c2pa_memory *from,
                struct lk__c2pa_memory *to,
                struct lk_error *err)
{
    char type[32];
    const unsigned char *manifest = NULL;
    snprintf(type, sizeof type, "image/%s", format);
    lk__c2pa_stream *source = lk__c2pa_stream_of(api, from);
    lk__c2pa_stream *target = lk__c2pa_stream_of(api, to);
    int rc = 0;
    if (!source || !target)
        rc = lk_fail_memory(err, "a C2PA stream", 0);
    else if (api->builder_sign(builder, type, source, target, signer, &manifest) < 0)
        rc = lk__c2pa_fail(api, LK_E_INPUT, err, "the C2PA manifest cannot be signed");
    api->free(manifest);
    api->stream_free(source);
    api->stream_free(target);
    return rc;
}

int lk_c2pa_sign(const lk_c2pa *c2pa,
                 const struct lk_c2pa_identity *identity,
                 const struct lk_c2pa_claim *claim,
                 const char *format,
                 const void *bytes,
                 size_t size,
                 void **out,
                 size_t *out_size,
                 struct lk_error *err)
{
    if (size > LK_C2PA_INPUT_MAX || claim->parent_size > LK_C2PA_INPUT_MAX)
        return lk_fail(err, LK_E_INPUT, "a picture of more than 256 MiB gets no C2PA manifest");
    struct lk__c2pa_memory from = {.bytes = bytes, .size = size};
    struct lk__c2pa_memory to = {.limit = size + MANIFEST_MAX};
    lk__c2pa_signer *signer = NULL;
    lk__c2pa_builder *builder = NULL;
    int rc = open_signer(c2pa, identity, &signer, err);
    rc = rc ? rc : open_builder(c2pa, claim, &builder, err);
    rc = rc ? rc : sign(&c2pa->api, builder, signer, format, &from, &to, err);
    c2pa->api.free(builder);
    c2pa->api.free(signer);
    if (rc) {
        free(to.owned);
        return rc;
    }
    *out = to.owned;
    *out_size = to.size;
    return 0;
}

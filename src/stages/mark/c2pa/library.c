// SPDX-License-Identifier: Apache-2.0
/* Finding and loading the C2PA library, and the settings under which it works.
 *
 * It is 23 MB and not everybody's: without it pictures are made and inspected as ever, and only
 * what asks for C2PA says how to get it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/size.h"
#include "stages/mark/c2pa/internal.h"

#ifdef __APPLE__
#define LIBRARY "libc2pa_c.dylib"
#else
#define LIBRARY "libc2pa_c.so"
#endif
#define TEXT_MAX ((size_t)1 << 20) /* of a PEM file */
#define DECOMPRESSED_MAX_MB 32     /* of a compressed manifest */

struct function {
    const char *name;
    size_t offset;
};

#define MEMBER(member) offsetof(struct lk__c2pa_api, member)
static const struct function functions[] = {
    {"c2pa_version", MEMBER(version)},
    {"c2pa_error", MEMBER(error)},
    {"c2pa_free", MEMBER(free)},
    {"c2pa_settings_new", MEMBER(settings_new)},
    {"c2pa_settings_update_from_string", MEMBER(settings_update)},
    {"c2pa_context_builder_new", MEMBER(context_builder_new)},
    {"c2pa_context_builder_set_settings", MEMBER(context_builder_set)},
    {"c2pa_context_builder_build", MEMBER(context_build)},
    {"c2pa_create_stream", MEMBER(stream_new)},
    {"c2pa_release_stream", MEMBER(stream_free)},
    {"c2pa_reader_from_context", MEMBER(reader_new)},
    {"c2pa_reader_with_stream", MEMBER(reader_read)},
    {"c2pa_reader_json", MEMBER(reader_json)},
    {"c2pa_signer_from_info", MEMBER(signer_new)},
    {"c2pa_builder_from_context", MEMBER(builder_new)},
    {"c2pa_builder_with_definition", MEMBER(builder_define)},
    {"c2pa_builder_add_ingredient_from_stream", MEMBER(builder_add_ingredient)},
    {"c2pa_builder_sign", MEMBER(builder_sign)},
};

static void *open_in(const char *root, const char *folder)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s/" LIBRARY, root, folder);
    return n > 0 && (size_t)n < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

static void *open_beside_program(void)
{
    static const char *const folders[] = {"deps/c2pa", ".", "../lib/likeness", "../lib",
                                          "../deps/c2pa"};
    char program[4096];
    void *handle = NULL;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return NULL;
    program[n] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; !handle && i < LK_ARRAY_LENGTH(folders); i++)
        handle = open_in(program, folders[i]);
    return handle;
}

/* Who names a place means that one: another is not tried. */
static void *open_library(const char *named)
{
    void *handle;
    if (named) {
        handle = open_in(named, ".");
        return handle ? handle : dlopen(named, RTLD_NOW | RTLD_LOCAL);
    }
    handle = open_beside_program();
    return handle ? handle : dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
}

int lk__c2pa_load(struct lk__c2pa_api *api, struct lk_error *err)
{
    static const char remedy[] = "run tools/setup, or point LIKENESS_C2PA to " LIBRARY;
    const char *named = getenv("LIKENESS_C2PA");
    if (named && !*named)
        named = NULL;
    void *handle = open_library(named);
    if (!handle)
        return lk_fail(err, LK_E_MISSING, "the C2PA library is not found%s%s: %s",
                       named ? " at " : "", named ? named : "", remedy);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(functions); i++) {
        void *function = dlsym(handle, functions[i].name);
        if (!function)
            return lk_fail(err, LK_E_MISSING, "the C2PA library that is found has no %s: %s",
                           functions[i].name, remedy);
        memcpy((char *)api + functions[i].offset, &function, sizeof function);
    }
    return 0;
}

int lk__c2pa_fail(const struct lk__c2pa_api *api, int code, struct lk_error *err, const char *what)
{
    char *text = api->error();
    lk_fail(err, code, "%s: %s", what, text ? text : "the C2PA library does not say why");
    api->free(text);
    return code;
}

int lk__c2pa_read_text(const char *path, char **out, struct lk_error *err)
{
    struct lk_file file;
    int rc = lk_file_map(path, &file, err);
    if (rc)
        return rc;
    if (file.size > TEXT_MAX)
        rc = lk_fail(err, LK_E_INPUT, "'%s' is too large for a PEM file", path);
    char *text = rc ? NULL : strndup((const char *)file.bytes, file.size);
    if (!rc && !text)
        rc = lk_fail_memory(err, "a PEM file", file.size);
    lk_file_unmap(&file);
    if (!rc)
        *out = text;
    return rc;
}

void lk__c2pa_wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* No network, which identity assertions (CAWG, did:web) would want too; and no small copy of a
 * picture in its manifest, nor of the photo that it was made of. */
static char *settings_text(const char *anchors)
{
    json_t *settings =
        json_pack("{s:i,s:{s:b,s:b,s:b},s:{s:i,s:b,s:[]},s:{s:{s:b}},s:{s:s*}}", "version", 1,
                  "verify", "verify_trust", 1, "remote_manifest_fetch", 0, "ocsp_fetch", 0, "core",
                  "max_decompressed_manifest_size_in_mb", DECOMPRESSED_MAX_MB,
                  "decode_identity_assertions", 0, "allowed_network_hosts", "builder", "thumbnail",
                  "enabled", 0, "trust", "trust_anchors", anchors);
    char *text = settings ? json_dumps(settings, JSON_COMPACT) : NULL;
    json_decref(settings);
    return text;
}

static int make_context(lk_c2pa *c2pa, const char *anchors, struct lk_error *err)
{
    const struct lk__c2pa_api *api = &c2pa->api;
    char *text = settings_text(anchors);
    if (!text)
        return lk_fail(err, LK_E_INPUT,
                       "the trust file is not UTF-8: give root certificates as PEM");
    lk__c2pa_settings *settings = api->settings_new();
    lk__c2pa_context_builder *builder = api->context_builder_new();
    if (settings && builder && !api->settings_update(settings, text, "json") &&
        !api->context_builder_set(builder, settings)) {
        c2pa->context = api->context_build(builder);
        builder = NULL;
    }
    int rc = c2pa->context ? 0
                           : lk__c2pa_fail(api, LK_E_INPUT, err,
                                           anchors ? "the C2PA library takes no such trust file"
                                                   : "the C2PA library does not start");
    api->free(builder);
    api->free(settings);
    free(text);
    return rc;
}

int lk_c2pa_open(const char *trust, lk_c2pa **out, struct lk_error *err)
{
    char *anchors = NULL;
    lk_c2pa *c2pa = calloc(1, sizeof *c2pa);
    if (!c2pa)
        return lk_fail_memory(err, "C2PA", sizeof *c2pa);
    int rc = lk__c2pa_load(&c2pa->api, err);
    if (rc) {
        free(c2pa);
        return rc;
    }
    c2pa->version = c2pa->api.version();
    rc = trust ? lk__c2pa_read_text(trust, &anchors, err) : 0;
    rc = rc ? rc : make_context(c2pa, anchors, err);
    free(anchors);
    if (rc)
        lk_c2pa_free(c2pa);
    else
        *out = c2pa;
    return rc;
}

void lk_c2pa_free(lk_c2pa *c2pa)
{
    if (!c2pa)
        return;
    c2pa->api.free(c2pa->context);
    c2pa->api.free(c2pa->version);
    free(c2pa);
}

const char *lk_c2pa_version(const lk_c2pa *c2pa)
{
    return c2pa->version ? c2pa->version : "of unknown version";
}

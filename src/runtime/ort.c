// SPDX-License-Identifier: Apache-2.0
/* Finding and loading ONNX Runtime, and turning its statuses into our sentences.
 *
 * It is loaded at run time because wheels version their symbols and because users choose CPU or GPU
 * builds without relinking; a missing library is then a message and not a loader's failure. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glob.h>

#include "base/size.h"
#include "runtime/internal.h"

#define OLDEST_MINOR 23 /* 1.23 */

#ifdef __APPLE__
static const char *const library_names[] = {"libonnxruntime.dylib", "libonnxruntime.1*.dylib"};
#else
static const char *const library_names[] = {"libonnxruntime.so", "libonnxruntime.so.[0-9]*"};
#endif

int lk__ort_check(
    const OrtApi *api, OrtStatus *status, int code, struct lk_error *err, const char *format, ...)
{
    if (!status)
        return 0;
    char context[256];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    lk_fail(err, code, "%s: %s", context, api->GetErrorMessage(status));
    api->ReleaseStatus(status);
    return code;
}

/* The library in a folder, or NULL. */
static void *open_in(const char *folder)
{
    void *handle = NULL;
    for (size_t i = 0; !handle && i < LK_ARRAY_LENGTH(library_names); i++) {
        char pattern[4096];
        glob_t found;
        int n = snprintf(pattern, sizeof pattern, "%s/%s", folder, library_names[i]);
        if (n < 0 || (size_t)n >= sizeof pattern || glob(pattern, 0, NULL, &found))
            continue;
        for (size_t j = 0; !handle && j < found.gl_pathc; j++)
            handle = dlopen(found.gl_pathv[j], RTLD_NOW | RTLD_LOCAL);
        globfree(&found);
    }
    return handle;
}

static void *open_under(const char *root, const char *const *folders, size_t n)
{
    void *handle = NULL;
    for (size_t i = 0; !handle && i < n; i++) {
        char folder[4096];
        int length = snprintf(folder, sizeof folder, "%s/%s", root, folders[i]);
        if (length > 0 && (size_t)length < sizeof folder)
            handle = open_in(folder);
    }
    return handle;
}

static void *open_beside_program(void)
{
    static const char *const folders[] = {"deps/onnxruntime/lib", ".", "../lib/likeness", "../lib",
                                          "../deps/onnxruntime/lib"};
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return NULL;
    program[n] = 0;
    *strrchr(program, '/') = 0;
    return open_under(program, folders, LK_ARRAY_LENGTH(folders));
}

static void *open_library(const char *library)
{
    static const char *const folders[] = {"lib", "."};
    if (library)
        return dlopen(library, RTLD_NOW | RTLD_LOCAL);
    const char *root = getenv("LIKENESS_ORT_DIR");
    void *handle = root && *root ? open_under(root, folders, LK_ARRAY_LENGTH(folders)) : NULL;
    if (!handle)
        handle = open_beside_program();
    if (!handle)
        handle = dlopen(library_names[0], RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        handle = dlopen("libonnxruntime.so.1", RTLD_NOW | RTLD_LOCAL);
    return handle;
}

int lk__ort_load(const char *library,
                 const OrtApi **api,
                 const char **version,
                 struct lk_error *err)
{
    static const char remedy[] = "run tools/setup, or point LIKENESS_ORT_DIR to ONNX Runtime 1.23 "
                                 "or later";
    void *handle = open_library(library);
    if (!handle)
        return lk_fail(err, LK_E_MISSING, "ONNX Runtime is not found%s%s: %s",
                       library ? " at " : "", library ? library : "", remedy);
    const OrtApiBase *(*get_base)(void) = NULL;
    *(void **)&get_base = dlsym(handle, "OrtGetApiBase");
    const OrtApiBase *base = get_base ? get_base() : NULL;
    if (!base)
        return lk_fail(err, LK_E_MISSING, "what is found as ONNX Runtime is another library: %s",
                       remedy);
    const char *text = base->GetVersionString();
    int major = 0, minor = 0;
    sscanf(text, "%d.%d", &major, &minor);
    if (major < 1 || (major == 1 && minor < OLDEST_MINOR))
        return lk_fail(err, LK_E_MISSING, "ONNX Runtime %s is too old: %s", text, remedy);
    const OrtApi *found = base->GetApi(ORT_API_VERSION);
    if (!found)
        return lk_fail(err, LK_E_MISSING, "ONNX Runtime %s lacks what is needed: %s", text, remedy);
    *api = found;
    *version = text;
    return 0;
}

/* The engine's log goes nowhere: what matters comes back as a status, and a library never prints.
 */
static void ORT_API_CALL drop_log(void *user,
                                  OrtLoggingLevel severity,
                                  const char *category,
                                  const char *id,
                                  const char *location,
                                  const char *message)
{
    (void)user, (void)severity, (void)category, (void)id, (void)location, (void)message;
}

int lk__ort_environment(const OrtApi *api, int threads, OrtEnv **out, struct lk_error *err)
{
    OrtThreadingOptions *pool = NULL;
    OrtStatus *status = api->CreateThreadingOptions(&pool);
    if (!status)
        status = api->SetGlobalIntraOpNumThreads(pool, threads);
    if (!status)
        status = api->SetGlobalInterOpNumThreads(pool, 1);
    if (!status) /* idle workers sleep: other stages and other programs need the cores */
        status = api->SetGlobalSpinControl(pool, 0);
    if (!status)
        status = api->CreateEnvWithCustomLoggerAndGlobalThreadPools(
            drop_log, NULL, ORT_LOGGING_LEVEL_FATAL, "likeness", pool, out);
    if (pool)
        api->ReleaseThreadingOptions(pool);
    return lk__ort_check(api, status, LK_E_FAILED, err, "ONNX Runtime does not start");
}

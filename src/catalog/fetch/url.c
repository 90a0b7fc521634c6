// SPDX-License-Identifier: Apache-2.0
/* Bytes from a URL, by libcurl.
 *
 * What has come already is asked for no more: `Range: bytes=N-`. A server that answers 206 goes on
 * from there, one that answers 200 begins again, and so do we. Redirects are followed one by one,
 * so that each address is looked at before anything goes there: what begins with https never goes
 * on without. A connection that breaks is taken up again as long as that brings anything.
 *
 * Users, passwords and queries (signed addresses) of URLs are never part of a sentence. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "catalog/fetch/download.h"

enum {
    MAX_REDIRECTS = 10,
    MAX_CALLS = 50, /* of one file, however little each brings */
    CONNECT_SECONDS = 30,
    SILENT_SECONDS = 60,  /* a connection that brings nothing for so long is broken */
    MAX_REMARK = 1 << 16, /* bytes of an answer that is not the file */
};

struct transfer {
    lk__download *download;
    CURL *curl;
    CURLU *url;
    char *shown;   /* the URL as sentences have it; curl_free */
    bool plain;    /* http may be used */
    bool began;    /* the file's bytes have begun to come */
    size_t remark; /* bytes of an answer that is not the file */
    int code;      /* why a callback gave up; its sentence is in err */
    struct lk_error *err;
    char why[CURL_ERROR_SIZE];
};

/* ---- addresses ---- */

static bool is_loopback(const char *host)
{
    return !strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
}

/* Fills t->shown from t->url. */
static int show(struct transfer *t, struct lk_error *err)
{
    static const CURLUPart secrets[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                                        CURLUPART_FRAGMENT};
    CURLU *open = curl_url_dup(t->url);
    for (size_t i = 0; open && i < sizeof secrets / sizeof *secrets; i++)
        curl_url_set(open, secrets[i], NULL, 0);
    curl_free(t->shown);
    t->shown = NULL;
    const bool done = open && !curl_url_get(open, CURLUPART_URL, &t->shown, 0);
    curl_url_cleanup(open);
    return done ? 0 : lk_fail_memory(err, "an address", 0);
}

/* Whether the address may be used. first: it is the one that was given. */
static int check_address(struct transfer *t, bool first, struct lk_error *err)
{
    char *scheme = NULL, *host = NULL;
    int code = show(t, err);
    if (!code && (curl_url_get(t->url, CURLUPART_SCHEME, &scheme, 0) ||
                  curl_url_get(t->url, CURLUPART_HOST, &host, 0)))
        code = lk_fail(err, LK_E_INPUT, "'%s' is no address of a file", t->shown);
    const bool http = !code && !strcmp(scheme, "http");
    if (first && http)
        t->plain |= is_loopback(host);
    if (!code && strcmp(scheme, "https") && !http)
        code = lk_fail(err, LK_E_INPUT, "'%s' is no https address%s", t->shown,
                       first ? "" : ", and it was redirected there");
    if (http && !t->plain)
        code = lk_fail(err, LK_E_INPUT,
                       first ? "'%s' is not encrypted: give a mirror with --from"
                             : "an https address was redirected to '%s', which is not encrypted: "
                               "give a mirror with --from",
                       t->shown);
    curl_free(scheme);
    curl_free(host);
    return code;
}

/* t->url = url, with /file behind its path. */
static int set_address(struct transfer *t, const char *url, const char *file, struct lk_error *err)
{
    char *path = NULL, *joined = NULL;
    CURLUcode bad = curl_url_set(t->url, CURLUPART_URL, url, 0);
    if (!bad && file) {
        bad = curl_url_get(t->url, CURLUPART_PATH, &path, CURLU_URLDECODE);
        size_t n = bad ? 0 : strlen(path);
        while (n > 0 && path[n - 1] == '/')
            n--;
        if (!bad && asprintf(&joined, "%.*s/%s", (int)n, path, file) < 0)
            joined = NULL;
        bad = bad      ? bad
              : joined ? curl_url_set(t->url, CURLUPART_PATH, joined, CURLU_URLENCODE)
                       : CURLUE_OUT_OF_MEMORY;
    }
    curl_free(path);
    free(joined);
    return bad ? lk_fail(err, LK_E_INPUT, "the address of a mirror or file is none: %s",
                         curl_url_strerror(bad))
               : check_address(t, true, err);
}

/* ---- the answer ---- */

/* Where a 206 begins, "bytes 100-199/200"; −1: it does not say. */
static int64_t begin_of_range(CURL *curl)
{
    struct curl_header *header;
    int64_t begin;
    if (curl_easy_header(curl, "Content-Range", 0, CURLH_HEADER, -1, &header) ||
        sscanf(header->value, "bytes %" SCNd64, &begin) != 1)
        return -1;
    return begin;
}

/* The first bytes of the file are there: whether they go on from what we have. */
static int begin(struct transfer *t, long status)
{
    curl_off_t length = -1;
    int code = 0;
    if (status == 200 && lk__download_size(t->download) > 0)
        code = lk__download_restart(t->download, t->err);
    if (status == 206 && begin_of_range(t->curl) != (int64_t)lk__download_size(t->download))
        code = lk_fail(t->err, LK_E_FAILED, "'%s' answers with another part than was asked for",
                       t->shown);
    curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    t->began = true;
    if (code || length < 0)
        return code;
    return lk__download_expect(t->download, lk__download_size(t->download) + (uint64_t)length,
                               t->err);
}

static size_t on_bytes(char *bytes, size_t one, size_t size, void *user)
{
    struct transfer *t = user;
    long status = 0;
    (void)one; /* 1 */
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206) {
        t->remark += size;
        return t->remark > MAX_REMARK ? CURL_WRITEFUNC_ERROR : size;
    }
    if (!t->began)
        t->code = begin(t, status);
    if (!t->code)
        t->code = lk__download_write(t->download, bytes, size, t->err);
    return t->code ? CURL_WRITEFUNC_ERROR : size;
}

/* Called at least once a second, so that Ctrl-C is heard while nothing comes. */
static int on_progress(
    void *user, curl_off_t all, curl_off_t done, curl_off_t up_all, curl_off_t up_done)
{
    struct transfer *t = user;
    (void)all, (void)done, (void)up_all, (void)up_done;
    if (!t->code)
        t->code = lk__download_write(t->download, NULL, 0, t->err);
    return t->code != 0;
}

/* ---- the calls ---- */

static int prepare(struct transfer *t, struct lk_error *err)
{
    char agent[64];
    snprintf(agent, sizeof agent, "likeness/%s", LK_VERSION);
    const struct {
        CURLoption option;
        long value;
    } longs[] = {
        {CURLOPT_NOSIGNAL, 1},        {CURLOPT_NOPROGRESS, 0},
        {CURLOPT_FOLLOWLOCATION, 0},  {CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS},
        {CURLOPT_LOW_SPEED_LIMIT, 1}, {CURLOPT_LOW_SPEED_TIME, SILENT_SECONDS},
    };
    CURLcode bad = 0;
    for (size_t i = 0; !bad && i < sizeof longs / sizeof *longs; i++)
        bad = curl_easy_setopt(t->curl, longs[i].option, longs[i].value);
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_USERAGENT, agent);
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->why);
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_XFERINFODATA, t);
    bad = bad ? bad : curl_easy_setopt(t->curl, CURLOPT_CURLU, t->url);
    return bad ? lk_fail(err, LK_E_FAILED, "curl cannot fetch: %s", curl_easy_strerror(bad)) : 0;
}

/* One request, and what came of it. */
static CURLcode call(struct transfer *t, long *status)
{
    char range[32] = "";
    const uint64_t size = lk__download_size(t->download);
    snprintf(range, sizeof range, "%" PRIu64 "-", size);
    t->began = false;
    t->remark = 0;
    t->why[0] = 0;
    curl_easy_setopt(t->curl, CURLOPT_RANGE, size ? range : NULL);
    const CURLcode result = curl_easy_perform(t->curl);
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, status);
    return result;
}

static int redirect(struct transfer *t, int *redirects, struct lk_error *err)
{
    const char *next = NULL;
    curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &next);
    if (!next)
        return lk_fail(err, LK_E_FAILED, "'%s' is redirected to nowhere", t->shown);
    if (++*redirects > MAX_REDIRECTS)
        return lk_fail(err, LK_E_FAILED, "'%s' is redirected more than %d times", t->shown,
                       MAX_REDIRECTS);
    if (curl_url_set(t->url, CURLUPART_URL, next, 0))
        return lk_fail(err, LK_E_FAILED, "'%s' is redirected to what is no address", t->shown);
    return check_address(t, false, err);
}

static int refused(const struct transfer *t, long status, struct lk_error *err)
{
    const char *why = status == 404 || status == 410   ? "there is no such file"
                      : status == 401 || status == 403 ? "it wants to know who asks"
                                                       : "it does not give the file";
    return lk_fail(err, LK_E_FAILED,
                   "'%s' answers %ld: %s; get it by hand, or give a mirror with --from", t->shown,
                   status, why);
}

/* A connection that broke, as against one that never was. */
static bool is_broken(CURLcode result)
{
    return result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR ||
           result == CURLE_GOT_NOTHING || result == CURLE_OPERATION_TIMEDOUT ||
           result == CURLE_HTTP2_STREAM;
}

static int fetch(struct transfer *t, struct lk_error *err)
{
    uint64_t best = lk__download_size(t->download);
    int redirects = 0, code = 0;
    for (int calls = 0; calls < MAX_CALLS && !code; calls++) {
        long status = 0;
        const CURLcode result = call(t, &status);
        const uint64_t size = lk__download_size(t->download);
        if (t->code)
            return t->code;
        if (status >= 300 && status < 400 && !t->began) {
            code = redirect(t, &redirects, err);
        } else if (status == 416 && size > 0) {
            code = lk__download_restart(t->download, err);
            best = 0;
        } else if (status >= 400) {
            return refused(t, status, err);
        } else if (result && !(is_broken(result) && size > best)) {
            return lk_fail(err, LK_E_FAILED, "'%s' cannot be fetched: %s", t->shown,
                           *t->why ? t->why : curl_easy_strerror(result));
        } else if (!result) {
            return 0;
        } else {
            best = size;
        }
    }
    return code ? code : lk_fail(err, LK_E_FAILED, "'%s' broke off %d times", t->shown, MAX_CALLS);
}

int lk__fetch_url(
    lk__download *download, const char *url, const char *file, bool plain, struct lk_error *err)
{
    struct lk_error own = {0};
    struct transfer t = {.download = download, .plain = plain, .err = err ? err : &own};
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return lk_fail(err, LK_E_FAILED, "curl cannot be started");
    t.curl = curl_easy_init();
    t.url = curl_url();
    int code = t.curl && t.url ? 0 : lk_fail_memory(err, "a download", sizeof t);
    code = code ? code : set_address(&t, url, file, err);
    code = code ? code : prepare(&t, err);
    code = code ? code : fetch(&t, err);
    curl_easy_cleanup(t.curl);
    curl_url_cleanup(t.url);
    curl_free(t.shown);
    curl_global_cleanup();
    return code;
}

// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/loras.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "catalog/lora.h"
#include "stages/text/prompt.h"

enum { MAX_LORAS = 64, NAME_SIZE = 512 };

/* One that is asked for, and how it fits the painter [0] and the refiner [1]. */
struct wish {
    char spec[NAME_SIZE]; /* name or path */
    double text, unet;    /* weights */
    bool in_prompt;
    bool in_adapter; /* a FaceID's own; its entry is known */
    const struct lk_model_entry *entry;
    lk_lora *lora;
    bool fits[2];
    struct lk_lora_account accounts[2];
};

struct wishes {
    struct wish list[MAX_LORAS];
    size_t count;
};

static int add_wish(struct wishes *wishes,
                    const char *spec,
                    size_t length,
                    double text,
                    double unet,
                    bool in_prompt,
                    struct lk_error *err)
{
    const char *origin = in_prompt ? "<lora:…> in the prompt" : "--lora";
    struct wish *wish = &wishes->list[wishes->count];
    if (wishes->count == MAX_LORAS)
        return lk_fail(err, LK_E_INPUT, "%s: more than %d LoRAs", origin, MAX_LORAS);
    if (length == 0 || length >= NAME_SIZE)
        return lk_fail(err, LK_E_INPUT, "%s: a name of 1 to %d bytes is expected", origin,
                       NAME_SIZE - 1);
    if (in_prompt && memchr(spec, '/', length))
        return lk_fail(err, LK_E_INPUT,
                       "%s: '%.*s' is a path: a prompt names LoRAs of the model folders; give a "
                       "file by --lora",
                       origin, (int)length, spec);
    if (!(fabs(text) <= 100) || !(fabs(unet) <= 100))
        return lk_fail(err, LK_E_INPUT, "%s '%.*s': a weight is a number from -100 to 100", origin,
                       (int)length, spec);
    *wish = (struct wish){.text = text, .unet = unet, .in_prompt = in_prompt};
    memcpy(wish->spec, spec, length);
    wishes->count++;
    return 0;
}

/* NAME|PATH[:W]: what follows the last ':' is a weight when it is a number. */
static int add_option(struct wishes *wishes, const char *text, struct lk_error *err)
{
    const char *colon = strrchr(text, ':'), *end = text + strlen(text);
    double weight = 1;
    char *stop;
    const double number = colon ? strtod(colon + 1, &stop) : 0;
    if (colon && colon[1] && !*stop) {
        end = colon;
        weight = number;
    }
    return add_wish(wishes, text, (size_t)(end - text), weight, weight, false, err);
}

static int gather(const struct lk_request *request, struct wishes *out, struct lk_error *err)
{
    const struct lk_prompt_lora *tags = NULL;
    lk_prompt *prompt = NULL;
    int rc = lk_prompt_parse(request->prompt, LK_PROMPT_POSITIVE, "the prompt", &prompt, err);
    const size_t n = rc ? 0 : lk_prompt_loras(prompt, &tags);
    for (int i = 0; !rc && i < LK_LIST_MAX && request->lora[i]; i++)
        rc = add_option(out, request->lora[i], err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_wish(out, tags[i].name, strlen(tags[i].name), tags[i].text_weight,
                      tags[i].unet_weight, true, err);
    lk_prompt_free(prompt);
    return rc;
}

/* What comes with --face-adapter, in the same file: as in diffusers with weight 1, whatever the
 * adapter's is. */
static int add_face_adapter(const lk_engine *engine, struct wishes *wishes, struct lk_error *err)
{
    const struct lk__adapter_open *face = engine->adapters.face;
    if (!face || !lk_adapter_info(face->adapter)->loras)
        return 0;
    const char *path = face->entry->path;
    int rc = add_wish(wishes, path, strlen(path), 1, 1, false, err);
    if (!rc) {
        wishes->list[wishes->count - 1].in_adapter = true;
        wishes->list[wishes->count - 1].entry = face->entry;
    }
    return rc;
}

/* ---- into the checkpoints ---- */

/* What is merged, as text: other files, weights or checkpoints make another one. malloc'd. */
static int key_of(const struct wishes *wishes,
                  const char *refiner,
                  char **out,
                  struct lk_error *err)
{
    size_t size = 0;
    FILE *text = open_memstream(out, &size);
    for (size_t i = 0; text && i < wishes->count; i++) {
        const struct wish *w = &wishes->list[i];
        struct stat st = {0};
        stat(w->entry->path, &st);
        fprintf(text, "%s %ju %jd %jd.%09ld %a %a %d %s\n", w->entry->path, (uintmax_t)st.st_ino,
                (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, w->text,
                w->unet, w->in_prompt, refiner ? refiner : "");
    }
    if (!text || fclose(text))
        return lk_fail_memory(err, "a list of LoRAs", size);
    return 0;
}

/* Opens it, and holds it against what is drawn with: it must fit one of the two. */
static int open_wish(struct wish *w, struct lk__painter *const painters[2], struct lk_error *err)
{
    struct lk_error why;
    int rc = lk_lora_open(w->entry->path, &w->lora, err);
    if (rc)
        return rc;
    rc = lk_checkpoint_fits(painters[0]->checkpoint, w->lora, &w->accounts[0], &why);
    w->fits[0] = !rc;
    if (painters[1] && !w->in_adapter && (!rc || rc == LK_E_INPUT))
        w->fits[1] = !lk_checkpoint_fits(painters[1]->checkpoint, w->lora, &w->accounts[1], NULL);
    return w->fits[0] || w->fits[1] ? 0 : lk_fail(err, rc, "%s", why.message);
}

/* Networks whose weights changed are built anew. */
static int rebuild(struct lk__painter *painter, unsigned changed, struct lk_error *err)
{
    if (changed & (1U << LK_PART_TEXT | 1U << LK_PART_TEXT_2))
        lk_text_rebind(painter->text);
    return changed & 1U << LK_PART_UNET ? lk_drawer_rebind(painter->drawer, err) : 0;
}

/* Those that fit painter number `which`, which then has what the key says. */
static int merge(lk_engine *engine,
                 const struct wishes *wishes,
                 struct lk__painter *painter,
                 int which,
                 const char *key,
                 struct lk_error *err)
{
    struct lk_lora_use uses[MAX_LORAS];
    struct lk_lora_account accounts[MAX_LORAS];
    unsigned changed;
    size_t n = 0;
    for (size_t i = 0; i < wishes->count; i++) {
        const struct wish *w = &wishes->list[i];
        if (w->fits[which])
            uses[n++] = (struct lk_lora_use){w->lora, (float)w->text, (float)w->unet};
    }
    int rc = lk_checkpoint_merge(painter->checkpoint, uses, n, accounts, &changed, err);
    if (rc)
        return rc;
    free(painter->lora_key);
    painter->lora_key = strdup(key);
    rc = painter->lora_key ? rebuild(painter, changed, err)
                           : lk_fail_memory(err, "a list of LoRAs", strlen(key));
    if (rc)
        lk__engine_forget_painters(engine);
    return rc;
}

/* ---- what is reported ---- */

static json_t *json_of_account(const struct wish *w, int which)
{
    const struct lk_lora_account *account = &w->accounts[which];
    const size_t unused = account->keys - (w->fits[which] ? account->applied : 0);
    return json_pack("{s:I,s:I,s:s?}", "keys", (json_int_t)account->keys, "unused_keys",
                     (json_int_t)unused, "first_unused", account->first);
}

static int describe(const struct wish *w, bool refined, json_t *list, struct lk_error *err)
{
    struct lk_sha256 sha;
    char hash[13];
    int rc = lk_lora_hash(w->lora, &sha, hash, err);
    if (rc)
        return rc;
    json_t *lora = json_pack("{s:s,s:s,s:s,s:f,s:f,s:b,s:b}", "name", lk_lora_name(w->lora), "hash",
                             hash, "sha256", sha.hex, "weight", w->unet, "text_weight", w->text,
                             "in_prompt", w->in_prompt, "in_adapter", w->in_adapter);
    json_t *own = json_of_account(w, 0);
    json_object_update(lora, own);
    json_decref(own);
    if (refined && !w->in_adapter)
        json_object_set_new(lora, "refiner", json_of_account(w, 1));
    return json_array_append_new(list, lora) ? lk_fail_memory(err, "a list of LoRAs", 0) : 0;
}

static void remark_on(lk_result *result, const char *name, const json_t *account, const char *what)
{
    const json_int_t keys = json_integer_value(json_object_get(account, "keys"));
    const json_int_t unused = json_integer_value(json_object_get(account, "unused_keys"));
    if (unused && unused == keys)
        lk__result_remark(result, "lora '%.40s' does not fit the %s, which draws without it", name,
                          what);
    else if (unused)
        lk__result_remark(
            result, "lora '%.40s': %lld of %lld keys do not belong to this %s: first %s", name,
            unused, keys, what, json_string_value(json_object_get(account, "first_unused")));
}

static void remark(lk_result *result)
{
    size_t i;
    json_t *lora;
    json_array_foreach(result->loras, i, lora)
    {
        const char *name = json_string_value(json_object_get(lora, "name"));
        const json_t *refiner = json_object_get(lora, "refiner");
        if (json_is_true(json_object_get(lora, "in_adapter"))) /* the rest is the adapter */
            continue;
        remark_on(result, name, lora, "checkpoint");
        if (refiner)
            remark_on(result, name, refiner, "refiner");
    }
}

/* ---- all of it ---- */

/* painters: the second is NULL where none refines. */
static int merge_all(lk_engine *engine,
                     struct wishes *wishes,
                     struct lk__painter *const painters[2],
                     const char *key,
                     json_t *list,
                     struct lk_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < wishes->count; i++) {
        rc = open_wish(&wishes->list[i], painters, err);
        rc = rc ? rc : describe(&wishes->list[i], painters[1], list, err);
    }
    for (int which = 0; !rc && which < 2; which++)
        if (painters[which])
            rc = merge(engine, wishes, painters[which], which, key, err);
    for (size_t i = 0; i < wishes->count; i++)
        lk_lora_free(wishes->list[i].lora);
    return rc;
}

static bool has(const struct lk__painter *painter, const char *key)
{
    return !painter || !strcmp(key, painter->lora_key ? painter->lora_key : "");
}

static int look_up(lk_catalog *catalog,
                   const struct lk_request *request,
                   struct wishes *wishes,
                   struct lk_error *err)
{
    int rc = gather(request, wishes, err);
    for (size_t i = 0; !rc && i < wishes->count; i++)
        rc = lk_catalog_find(catalog, LK_ROLE_LORA, wishes->list[i].spec, &wishes->list[i].entry,
                             err);
    return rc;
}

int lk__loras_check(lk_catalog *catalog, const struct lk_request *request, struct lk_error *err)
{
    struct wishes wishes = {.count = 0};
    return look_up(catalog, request, &wishes, err);
}

int lk__loras_apply(lk_engine *engine, lk_result *result, struct lk_error *err)
{
    const char *refiner = result->request.refiner;
    struct lk__painter *const painters[2] = {&engine->painter, refiner ? &engine->refiner : NULL};
    struct wishes wishes = {.count = 0};
    char *key = NULL;
    int rc = look_up(engine->catalog, &result->request, &wishes, err);
    rc = rc ? rc : add_face_adapter(engine, &wishes, err);
    rc = rc ? rc : key_of(&wishes, refiner, &key, err);
    if (!rc && (!has(painters[0], key) || !has(painters[1], key))) {
        json_t *list = json_array();
        rc = merge_all(engine, &wishes, painters, key, list, err);
        json_decref(rc ? list : engine->painter.loras);
        engine->painter.loras = rc ? engine->painter.loras : list;
    }
    free(key);
    if (!rc) {
        const bool again = result->loras == engine->painter.loras; /* of a face that is redrawn */
        json_decref(result->loras);
        result->loras = json_incref(engine->painter.loras);
        if (!again)
            remark(result);
    }
    return rc;
}

/* ---- what pictures say ---- */

char *lk__loras_hashes(const lk_result *result)
{
    char *text = NULL;
    size_t size = 0, i;
    json_t *lora;
    const char *before = "";
    FILE *out = json_array_size(result->loras) ? open_memstream(&text, &size) : NULL;
    json_array_foreach(out ? result->loras : NULL, i, lora)
    {
        if (json_is_true(json_object_get(lora, "in_adapter")))
            continue;
        fprintf(out, "%s%s: %s", before, json_string_value(json_object_get(lora, "name")),
                json_string_value(json_object_get(lora, "hash")));
        before = ", ";
    }
    if (out)
        fclose(out);
    if (*before)
        return text;
    free(text);
    return NULL;
}

char *lk__loras_prompt(const lk_result *result)
{
    char *text = NULL;
    size_t size = 0, i;
    json_t *lora;
    FILE *out = open_memstream(&text, &size);
    if (out)
        fputs(result->request.prompt ? result->request.prompt : "", out);
    json_array_foreach(out ? result->loras : NULL, i, lora)
    {
        if (!json_is_true(json_object_get(lora, "in_prompt")) &&
            !json_is_true(json_object_get(lora, "in_adapter")))
            fprintf(out, " <lora:%s:%g>", json_string_value(json_object_get(lora, "name")),
                    json_real_value(json_object_get(lora, "weight")));
    }
    if (out)
        fclose(out);
    return text;
}

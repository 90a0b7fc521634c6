// SPDX-License-Identifier: Apache-2.0
/* The rules applied. A network that judges is taken when it is installed: the one that the engine's
 * options name, else the starter's, else the first of its role in the catalogue. */
#include "pipeline/trust/policy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/places.h"
#include "pipeline/trust/wording.h"

#define GROWN_UP 18 /* years */

/* ---- opening ---- */

static int open_classifier(lk_engine *engine,
                           enum lk_role role,
                           const char *named,
                           lk_classifier **out,
                           struct lk_error *err)
{
    const struct lk_model_entry *entry;
    int rc = *out ? 0 : lk__engine_judge(engine, role, named, &entry, err);
    if (rc || *out || !entry)
        return rc;
    return lk_classifier_open(engine->runtime, lk_role_name(role), entry->family, entry->path,
                              lk__engine_face_device(engine), out, err);
}

static int open_rules(lk_engine *engine, struct lk_error *err)
{
    char *path;
    if (engine->judges.policy)
        return 0;
    int rc = lk_places_rules(&path, err);
    if (rc)
        return rc;
    rc = lk_policy_open(path, engine->options.policy, engine->options.policy_levels,
                        &engine->judges.policy, err);
    free(path);
    return rc;
}

/* The rule if it is to be applied, else NULL; also where no request has opened the rules. */
static const struct lk_policy_rule *rule_at_work(const lk_engine *engine, const char *name)
{
    const lk_policy *policy = engine->judges.policy;
    const struct lk_policy_rule *rule = policy ? lk_policy_find(policy, name) : NULL;
    return rule && rule->level != LK_POLICY_OFF ? rule : NULL;
}

static int open_networks(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    const struct lk_engine_options *options = &engine->options;
    struct lk__judges *judges = &engine->judges;
    int rc = 0;
    if (rule_at_work(engine, "nsfw"))
        rc = open_classifier(engine, LK_ROLE_NSFW, options->nsfw, &judges->nsfw, err);
    if (!rc && rule_at_work(engine, "forensics"))
        rc =
            open_classifier(engine, LK_ROLE_FORENSICS, options->forensics, &judges->forensics, err);
    if (!rc && judges->forensics && rule_at_work(engine, "forensics"))
        rc = lk__engine_detector(engine, request, err); /* judged are faces */
    if (!rc && rule_at_work(engine, "child-face"))
        rc = lk__engine_agegender(engine, err);
    return rc;
}

/* ---- the request ---- */

static json_t *json_of_levels(const lk_policy *policy)
{
    json_t *levels = json_object();
    for (size_t i = 0; i < lk_policy_count(policy); i++) {
        const struct lk_policy_rule *rule = lk_policy_at(policy, i);
        json_object_set_new(levels, rule->name, json_string(lk_policy_level_name(rule->level)));
    }
    return levels;
}

static json_t *json_of_hits(const struct lk_policy_hit *hits, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        if (hits[i].rule->level != LK_POLICY_OFF)
            json_array_append_new(list, json_string(hits[i].rule->name));
    }
    return list;
}

/* What a prompt may not say is not said again; whom it names is. */
static int apply_hit(lk_result *result, const struct lk_policy_hit *hit, struct lk_error *err)
{
    const struct lk_policy_rule *rule = hit->rule;
    const char *comma = hit->name ? ", " : "", *name = hit->name ? hit->name : "";
    if (rule->level >= LK_POLICY_REFUSE)
        return lk_fail(err, LK_E_REFUSED, "the prompt %s%s%s (policy rule '%s'): %s", rule->says,
                       comma, name, rule->name, rule->remedy);
    if (rule->level == LK_POLICY_WARN)
        lk__result_remark(result, "the prompt %s%s%s: %s", rule->says, comma, name, rule->remedy);
    return 0;
}

int lk__policy_request(lk_engine *engine, lk_result *result, struct lk_error *err)
{
    enum { MOST = 16 };
    struct lk_policy_hit hits[MOST];
    size_t n = 0;
    const struct lk_request *request = &result->request;
    struct lk__judges *judges = &engine->judges;
    struct lk__wording words;
    int rc = open_rules(engine, err);
    rc = rc ? rc : lk__wording_read(engine->catalog, request, &words, err);
    if (rc)
        return rc;
    rc = lk_policy_screen_all(judges->policy, words.prompts, words.negatives, hits, MOST, &n, err);
    lk__wording_close(&words);
    if (rc)
        return rc;
    judges->child = judges->sexual = false;
    for (size_t i = 0; i < n; i++)
        judges->sexual |= !strcmp(hits[i].rule->name, "sexual");
    result->policy = json_pack("{s:s,s:o,s:o}", "rules", lk_policy_sha256(judges->policy), "levels",
                               json_of_levels(judges->policy), "hits", json_of_hits(hits, n));
    if (!result->policy)
        return lk_fail_memory(err, "the policy's record", 0);
    for (size_t i = 0; i < n && !rc; i++)
        rc = apply_hit(result, &hits[i], err);
    return rc ? rc : open_networks(engine, request, err);
}

/* ---- faces ---- */

static int age_of(lk_engine *engine,
                  const struct lk_picture *picture,
                  const struct lk_face *face,
                  const struct lk_watch *watch,
                  float *years,
                  struct lk_error *err)
{
    engine->uses[LK_ROLE_AGEGENDER].used = true;
    return lk_face_age(engine->judges.agegender, picture, face, watch, years, NULL, err);
}

/* −1: surely a child's, 1: surely a grown person's, 0: it cannot be told, or nobody knows. */
static int age_group(const struct lk_policy_rule *rule, float years)
{
    float margin = 100 * rule->from;
    if (years <= 0)
        return 0;
    return years <= GROWN_UP - margin ? -1 : years >= GROWN_UP + margin;
}

bool lk__policy_is_child(const lk_engine *engine, float years)
{
    const struct lk_policy_rule *rule = rule_at_work(engine, "child-face");
    return rule && age_group(rule, years) < 0;
}

int lk__policy_person(lk_engine *engine,
                      const struct lk_picture *photo,
                      const struct lk_face *faces,
                      size_t n,
                      const struct lk_watch *watch,
                      struct lk_identity *identity,
                      struct lk_error *err)
{
    struct lk__judges *judges = &engine->judges;
    const struct lk_policy_rule *rule = rule_at_work(engine, "child-face");
    const struct lk_face *face = lk_identity_face(faces, n);
    if (!rule || !judges->agegender || !face)
        return 0;
    int rc = age_of(engine, photo, face, watch, &identity->years, err);
    if (rc || age_group(rule, identity->years) >= 0)
        return rc;
    judges->child = true;
    if (judges->sexual)
        return lk_fail(err, LK_E_REFUSED,
                       "the face of '%s' looks like a child's, and the prompt asks for sexual "
                       "content (policy rule '%s'): this is never drawn",
                       identity->name, rule->name);
    return 0;
}

int lk__policy_swap(lk_engine *engine,
                    struct lk__picture_report *picture,
                    size_t i,
                    const struct lk_identity *identity,
                    const struct lk_watch *watch,
                    struct lk_error *err)
{
    const struct lk_policy_rule *rule = rule_at_work(engine, "child-face");
    struct lk__face_report *face = &picture->faces[i];
    if (!rule || !engine->judges.agegender)
        return 0;
    int rc = age_of(engine, picture->picture, &face->face, watch, &face->years, err);
    int given = age_group(rule, identity->years);
    /* Whom a prompt may ask for the words have decided: a grown person whom the model has drawn too
     * young gets the face of the grown person that was named. */
    bool is_own_drawing = !picture->keeps_photo && given > 0;
    if (rc || is_own_drawing || given * age_group(rule, face->years) >= 0)
        return rc;
    return lk_fail(err, LK_E_REFUSED,
                   "the swap of '%s' to face %d %s: they look %.0f and %.0f years old (policy rule "
                   "'%s'): %s",
                   identity->name, face->face.index, rule->says, (double)identity->years,
                   (double)face->years, rule->name, rule->remedy);
}

/* ---- pictures ---- */

/* A score of a picture against its rule. */
static void apply_score(lk_result *result, size_t i, const struct lk_policy_rule *rule, float score)
{
    struct lk__picture_report *picture = &result->pictures[i];
    if (score >= rule->from && rule->level != LK_POLICY_WARN && !*picture->refused)
        snprintf(picture->refused, sizeof picture->refused,
                 "picture %zu %s (%.2f, policy rule '%s'): %s", i, rule->says, (double)score,
                 rule->name, rule->remedy);
}

static int judge_nsfw(lk_engine *engine,
                      lk_result *result,
                      size_t i,
                      const struct lk_watch *watch,
                      struct lk_error *err)
{
    const struct lk_policy_rule *rule = rule_at_work(engine, "nsfw");
    struct lk__picture_report *picture = &result->pictures[i];
    if (!rule || !engine->judges.nsfw)
        return 0;
    engine->uses[LK_ROLE_NSFW].used = picture->has_nsfw = true;
    int rc = lk_classify_picture(engine->judges.nsfw, picture->picture, watch, &picture->nsfw, err);
    if (rc)
        return rc;
    if (engine->judges.child && picture->nsfw >= rule->from)
        snprintf(picture->refused, sizeof picture->refused,
                 "picture %zu %s, and a face in it was to be a child's (policy rule 'child-face'): "
                 "this never leaves",
                 i, rule->says);
    apply_score(result, i, rule, picture->nsfw);
    return 0;
}

/* Draw alone looks for no faces. */
static int find_faces(const lk_engine *engine,
                      const struct lk_request *request,
                      struct lk__picture_report *picture,
                      const struct lk_watch *watch,
                      struct lk_error *err)
{
    struct lk_face *faces = NULL;
    size_t n = 0;
    int rc = lk__engine_shown(engine, request, picture->picture, watch, &faces, &n, err);
    if (!rc && n && !(picture->faces = calloc(n, sizeof *picture->faces)))
        rc = lk_fail_memory(err, "the faces", n * sizeof *picture->faces);
    picture->n_faces = rc ? 0 : n;
    for (size_t k = 0; k < picture->n_faces; k++)
        picture->faces[k].face = faces[k];
    free(faces);
    return rc;
}

static float worst_of(const struct lk__picture_report *picture)
{
    float worst = 0;
    for (size_t i = 0; i < picture->n_faces; i++)
        worst = fmaxf(worst, picture->faces[i].forensic);
    return worst;
}

static int judge_faces(lk_engine *engine,
                       lk_result *result,
                       size_t i,
                       const struct lk_watch *watch,
                       struct lk_error *err)
{
    const struct lk_policy_rule *rule = rule_at_work(engine, "forensics");
    struct lk__picture_report *picture = &result->pictures[i];
    if (!rule || !engine->judges.forensics)
        return 0;
    int rc = picture->faces ? 0 : find_faces(engine, &result->request, picture, watch, err);
    engine->uses[LK_ROLE_FORENSICS].used = true;
    for (size_t k = 0; k < picture->n_faces && !rc; k++) {
        struct lk__face_report *face = &picture->faces[k];
        rc = lk_classify_face(engine->judges.forensics, picture->picture, &face->face, watch,
                              &face->forensic, err);
        face->has_forensic = !rc;
    }
    if (!rc && picture->n_faces)
        apply_score(result, i, rule, worst_of(picture));
    return rc;
}

int lk__policy_picture(lk_engine *engine,
                       lk_result *result,
                       size_t i,
                       const struct lk_watch *watch,
                       struct lk_error *err)
{
    struct lk__picture_report *picture = &result->pictures[i];
    int rc = judge_nsfw(engine, result, i, watch, err);
    rc = rc ? rc : judge_faces(engine, result, i, watch, err);
    /* What may not leave does not leave piece by piece either. */
    if (picture->is_sheet && *result->pictures[picture->sheet_of].refused)
        memcpy(picture->refused, result->pictures[picture->sheet_of].refused,
               sizeof picture->refused);
    return rc;
}

/* Says so where the rule only warns. */
static void remark_score(lk_result *result,
                         size_t i,
                         const struct lk_policy_rule *rule,
                         float score)
{
    if (score >= rule->from && rule->level == LK_POLICY_WARN)
        lk__result_remark(result, "picture %zu %s (%.2f): %s", i, rule->says, (double)score,
                          rule->remedy);
}

void lk__policy_remark(const lk_engine *engine, lk_result *result)
{
    const struct lk_policy_rule *nsfw = rule_at_work(engine, "nsfw"),
                                *forensics = rule_at_work(engine, "forensics");
    for (size_t i = 0; i < result->count; i++) {
        const struct lk__picture_report *picture = &result->pictures[i];
        if (nsfw && picture->has_nsfw)
            remark_score(result, i, nsfw, picture->nsfw);
        if (forensics && picture->n_faces && picture->faces->has_forensic)
            remark_score(result, i, forensics, worst_of(picture));
    }
}

bool lk__policy_lets_preview(const lk_engine *engine, const struct lk_picture *preview)
{
    const struct lk_policy_rule *rule = rule_at_work(engine, "nsfw");
    float score;
    if (!rule || !engine->judges.nsfw || (rule->level == LK_POLICY_WARN && !engine->judges.child))
        return true;
    return !lk_classify_picture(engine->judges.nsfw, preview, NULL, &score, NULL) &&
           score < rule->from;
}

int lk__policy_release(const struct lk__picture_report *picture, struct lk_error *err)
{
    return *picture->refused ? lk_fail(err, LK_E_REFUSED, "%s", picture->refused) : 0;
}

json_t *lk__policy_record(const lk_result *result, const struct lk__picture_report *picture)
{
    json_t *record = result->policy ? json_copy(result->policy) : json_object();
    if (picture->has_nsfw)
        json_object_set_new(record, "nsfw", lk__json_of_number((double)picture->nsfw));
    return record;
}

/* ---- inspect ---- */

int lk_engine_forensics(lk_engine *engine,
                        const char *path,
                        const struct lk_face *faces,
                        size_t n,
                        const struct lk_watch *watch,
                        float **out,
                        struct lk_error *err)
{
    struct lk__judges *judges = &engine->judges;
    struct lk_picture *picture = NULL;
    float *scores = NULL;
    int rc = open_classifier(engine, LK_ROLE_FORENSICS, engine->options.forensics,
                             &judges->forensics, err);
    if (!rc && judges->forensics && n) {
        scores = calloc(n, sizeof *scores);
        rc = scores ? lk_picture_read(path, &picture, err)
                    : lk_fail_memory(err, "the scores of faces", n * sizeof *scores);
        for (size_t i = 0; i < n && !rc; i++)
            rc = lk_classify_face(judges->forensics, picture, &faces[i], watch, &scores[i], err);
    }
    lk_picture_free(picture);
    if (rc)
        free(scores);
    else
        *out = scores;
    return rc;
}

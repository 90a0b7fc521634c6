// SPDX-License-Identifier: Apache-2.0
#include "pipeline/request_controls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/diffuse/control/annotate.h"

static bool is_type(const char *text, size_t n)
{
    for (const char *at = LK_ANNOTATORS; n && at; at = strchr(at, '|')) {
        at += *at == '|';
        if (!strncmp(at, text, n) && (at[n] == '|' || !at[n]))
            return true;
    }
    return false;
}

/* Takes ":NUMBER" off the end of a path of that length; false when it has none. */
static bool take_number(const char *path, size_t *length, double *out)
{
    size_t colon = *length;
    while (colon > 0 && path[colon - 1] != ':')
        colon--;
    if (colon < 2 || colon == *length)
        return false;
    char *end;
    double value = strtod(path + colon, &end);
    if (end != path + *length || !isfinite(value))
        return false;
    *out = value;
    *length = colon - 1;
    return true;
}

size_t lk__request_cut_numbers(const char *text, double *weight, double *start, double *end)
{
    size_t length = strlen(text), n = 0;
    double numbers[3];
    while (n < LK_ARRAY_LENGTH(numbers) && take_number(text, &length, &numbers[n]))
        n++;
    *weight = n > 0 ? numbers[n - 1] : 1;
    *start = n > 1 ? numbers[n - 2] : 0;
    *end = n > 2 ? numbers[n - 3] : 1;
    return length;
}

/* A control of its own memory at the end of the list. */
static int append(struct lk_request *request,
                  const struct lk_request_control *control,
                  const char *label,
                  struct lk_error *err)
{
    if (request->n_controls == LK_CONTROLS_MAX)
        return lk_fail(err, LK_E_INPUT, "%s: more than %d at once", label, LK_CONTROLS_MAX);
    if (!control->type || !control->picture)
        return lk_fail_memory(err, label, 0);
    struct lk_request_control *slot = &request->controls[request->n_controls++];
    char *model = slot->model; /* may have been named before */
    *slot = *control;
    slot->model = model;
    return 0;
}

int lk__request_add_control(struct lk_request *request,
                            const char *text,
                            const char *label,
                            struct lk_error *err)
{
    const char *colon = strchr(text, ':');
    if (!colon || !is_type(text, (size_t)(colon - text)))
        return lk_fail(err, LK_E_INPUT,
                       "%s: '%s' does not begin with one of %s and a colon, as canny:photo.png",
                       label, text, LK_ANNOTATORS);
    const char *path = colon + 1;
    struct lk_request_control control = {.type = NULL};
    size_t length = lk__request_cut_numbers(path, &control.weight, &control.start, &control.end);
    if (!length)
        return lk_fail(err, LK_E_INPUT, "%s: '%s' names no picture", label, text);
    control.type = strndup(text, (size_t)(colon - text));
    control.picture = strndup(path, length);
    int rc = append(request, &control, label, err);
    if (rc) {
        free(control.type);
        free(control.picture);
    }
    return rc;
}

int lk__request_add_control_model(struct lk_request *request,
                                  const char *text,
                                  const char *label,
                                  struct lk_error *err)
{
    for (int i = 0; i < LK_CONTROLS_MAX; i++) {
        if (request->controls[i].model)
            continue;
        request->controls[i].model = strdup(text);
        return request->controls[i].model ? 0 : lk_fail_memory(err, label, strlen(text));
    }
    return lk_fail(err, LK_E_INPUT, "%s: more than %d at once", label, LK_CONTROLS_MAX);
}

int lk__request_check_controls(const struct lk_request *request, struct lk_error *err)
{
    const struct lk_request_control *next = &request->controls[request->n_controls];
    if (request->n_controls == LK_CONTROLS_MAX || !next->model)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "--control-model %s has no --control: say what it shall follow, as "
                   "--control canny:photo.png",
                   next->model);
}

void lk__request_free_controls(struct lk_request *request)
{
    for (int i = 0; i < LK_CONTROLS_MAX; i++) {
        free(request->controls[i].type);
        free(request->controls[i].picture);
        free(request->controls[i].model);
    }
}

bool lk__request_read_number(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    if (value)
        *out = json_number_value(value);
    return !value || json_is_number(value);
}

static int read_control(struct lk_request *request,
                        const json_t *object,
                        const char *name,
                        struct lk_error *err)
{
    static const char *const keys[] = {"type", "picture", "model", "weight", "start", "end"};
    struct lk_request_control c = {.weight = 1, .end = 1};
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *picture = json_string_value(json_object_get(object, "picture"));
    const json_t *model = json_object_get(object, "model");
    size_t known = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(keys); i++)
        known += json_object_get(object, keys[i]) != NULL;
    if (!type || !picture || !*picture || !is_type(type, strlen(type)) ||
        (model && !json_is_string(model)) ||
        !lk__request_read_number(object, "weight", &c.weight) ||
        !lk__request_read_number(object, "start", &c.start) ||
        !lk__request_read_number(object, "end", &c.end) || json_object_size(object) != known)
        return lk_fail(err, LK_E_INPUT,
                       "%s: controls: objects with type (%s), picture, model, weight, start and "
                       "end are expected",
                       name, LK_ANNOTATORS);
    c.type = strdup(type);
    c.picture = strdup(picture);
    int rc = append(request, &c, name, err);
    if (rc) {
        free(c.type);
        free(c.picture);
        return rc;
    }
    char **slot = &request->controls[request->n_controls - 1].model;
    *slot = model ? strdup(json_string_value(model)) : NULL;
    return model && !*slot ? lk_fail_memory(err, name, 0) : 0;
}

int lk__request_read_controls(struct lk_request *request,
                              const json_t *value,
                              const char *name,
                              struct lk_error *err)
{
    size_t i;
    json_t *control;
    int rc = json_is_array(value)
                 ? 0
                 : lk_fail(err, LK_E_INPUT, "%s: controls: a list is expected", name);
    json_array_foreach((json_t *)value, i, control)
    {
        if (!rc)
            rc = read_control(request, control, name, err);
    }
    return rc;
}

json_t *lk__request_json_of_controls(const struct lk_request *request)
{
    json_t *list = json_array();
    for (int i = 0; i < request->n_controls; i++) {
        const struct lk_request_control *c = &request->controls[i];
        json_t *object = json_pack("{s:s,s:s,s:f,s:f,s:f}", "type", c->type, "picture", c->picture,
                                   "weight", c->weight, "start", c->start, "end", c->end);
        if (c->model)
            json_object_set_new(object, "model", json_string(c->model));
        json_array_append_new(list, object);
    }
    return list;
}

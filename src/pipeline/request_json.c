// SPDX-License-Identifier: Apache-2.0
/* The JSON form of a request. Its keys are the option table's request rows, so a new option needs
 * nothing here.
 *
 *     {"likeness": 1, "task": "portrait", "prompt": "…", "size": "512x768", "guidance": 7.5,
 *      "people": [{"photo": "ada.jpg", "place": "left"}],
 *      "controls": [{"type": "canny", "picture": "a.png", "weight": 0.8}]}
 *
 * A key that is not known is an error, not ignored: a misspelt option should not change a picture
 * in silence. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/size.h"
#include "pipeline/options.h"
#include "pipeline/request_controls.h"
#include "pipeline/request_images.h"
#include "pipeline/request_people.h"
#include <likeness/request.h>

static const char *const task_names[] = {
    [LK_TASK_PORTRAIT] = "portrait", [LK_TASK_DRAW] = "draw",       [LK_TASK_SWAP] = "swap",
    [LK_TASK_RESTORE] = "restore",   [LK_TASK_UPSCALE] = "upscale", [LK_TASK_REDRAW] = "redraw",
};

static const unsigned task_commands[] = {
    [LK_TASK_PORTRAIT] = LK_CMD_PORTRAIT, [LK_TASK_DRAW] = LK_CMD_DRAW,
    [LK_TASK_SWAP] = LK_CMD_SWAP,         [LK_TASK_RESTORE] = LK_CMD_RESTORE,
    [LK_TASK_UPSCALE] = LK_CMD_UPSCALE,   [LK_TASK_REDRAW] = LK_CMD_REDRAW,
};

static void swap_characters(char *text, char from, char to)
{
    for (; *text; text++) {
        if (*text == from)
            *text = to;
    }
}

static int read_text(json_t *value, char **member, const char *label, struct lk_error *err)
{
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return lk_fail(err, LK_E_INPUT, "%s: a string is expected", label);
    free(*member);
    *member = strdup(json_string_value(value));
    return *member ? 0 : lk_fail_memory(err, label, json_string_length(value));
}

static int read_person(json_t *value,
                       struct lk_request *request,
                       const char *label,
                       struct lk_error *err)
{
    const char *key;
    json_t *member;
    if (!json_is_object(value))
        return lk_fail(err, LK_E_INPUT, "%s: an object with photo and place is expected", label);
    json_object_foreach(value, key, member)
    {
        if (!strcmp(key, "more") && json_is_array(member))
            continue;
        if ((strcmp(key, "photo") && strcmp(key, "place") && strcmp(key, "like")) ||
            !json_is_string(member))
            return lk_fail(
                err, LK_E_INPUT,
                "%s: '%s' is not one of the strings photo, place, like, or the list more", label,
                key);
    }
    const struct lk_person person = {
        .photo = (char *)json_string_value(json_object_get(value, "photo")),
        .place = (char *)json_string_value(json_object_get(value, "place")),
        .like = (char *)json_string_value(json_object_get(value, "like"))};
    int rc = lk__request_add_person(request, &person, label, err);
    size_t i;
    json_t *photo;
    json_array_foreach(json_object_get(value, "more"), i, photo)
    {
        if (!rc && !json_is_string(photo))
            rc = lk_fail(err, LK_E_INPUT, "%s: more: a list of photos is expected", label);
        rc = rc ? rc : lk__request_add_photo(request, json_string_value(photo), label, err);
    }
    return rc;
}

static int read_people(json_t *value,
                       struct lk_request *request,
                       const char *name,
                       struct lk_error *err)
{
    if (!json_is_array(value))
        return lk_fail(err, LK_E_INPUT, "%s: people: a list is expected", name);
    size_t i;
    json_t *person;
    json_array_foreach(value, i, person)
    {
        char label[300];
        snprintf(label, sizeof label, "%s: people[%zu]", name, i);
        int rc = read_person(person, request, label, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_list(const struct lk_option *o,
                     json_t *value,
                     struct lk_request *request,
                     const char *label,
                     struct lk_error *err)
{
    size_t i;
    json_t *text;
    int rc = json_is_array(value) ? 0 : lk_fail(err, LK_E_INPUT, "%s: a list is expected", label);
    json_array_foreach(value, i, text)
    {
        struct lk_invocation invocation = {.request = *request};
        if (!rc && !json_is_string(text))
            rc = lk_fail(err, LK_E_INPUT, "%s: a list of strings is expected", label);
        rc = rc ? rc : lk_option_set(o, &invocation, json_string_value(text), label, err);
        *request = invocation.request;
    }
    return rc;
}

static int read_option(const char *key,
                       json_t *value,
                       struct lk_request *request,
                       const char *label,
                       struct lk_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s", key);
    swap_characters(name, '_', '-');
    const struct lk_option *o = lk_option_find(name, task_commands[request->task]);
    if (!o || o->home != LK_HOME_REQUEST || o->type >= LK_OPTION_CONTROL)
        return lk_fail(err, LK_E_INPUT, "%s: no such key for the task %s", label,
                       task_names[request->task]);
    if (o->type == LK_OPTION_LIST)
        return read_list(o, value, request, label, err);
    char number[32];
    const char *text = json_string_value(value);
    if (o->type == LK_OPTION_FLAG) {
        if (!json_is_boolean(value))
            return lk_fail(err, LK_E_INPUT, "%s: true or false is expected", label);
        *(bool *)((char *)request + o->offset) = json_is_true(value);
        return 0;
    }
    bool is_number =
        o->type == LK_OPTION_INT || o->type == LK_OPTION_INT64 || o->type == LK_OPTION_REAL;
    if (is_number != json_is_number(value) || (!is_number && !text))
        return lk_fail(err, LK_E_INPUT, "%s: a %s is expected", label,
                       is_number ? "number" : "string");
    if (is_number) {
        snprintf(number, sizeof number, "%.17g", json_number_value(value));
        text = number;
    }
    struct lk_invocation invocation = {.request = *request};
    int rc = lk_option_set(o, &invocation, text, label, err);
    *request = invocation.request;
    return rc;
}

static int read_member(const char *key,
                       json_t *value,
                       struct lk_request *request,
                       const char *name,
                       struct lk_error *err)
{
    char label[300];
    snprintf(label, sizeof label, "%s: %s", name, key);
    if (!strcmp(key, "likeness") || !strcmp(key, "task"))
        return 0;
    if (!strcmp(key, "prompt"))
        return read_text(value, &request->prompt, label, err);
    if (!strcmp(key, "picture"))
        return read_text(value, &request->picture, label, err);
    if (!strcmp(key, "people"))
        return read_people(value, request, name, err);
    if (!strcmp(key, "controls"))
        return lk__request_read_controls(request, value, name, err);
    if (!strcmp(key, "ip_adapters"))
        return lk__request_read_images(request, value, name, err);
    return read_option(key, value, request, label, err);
}

static int read_task(json_t *root, const char *name, enum lk_task *out, struct lk_error *err)
{
    if (!json_is_object(root))
        return lk_fail(err, LK_E_INPUT, "%s: a request is a JSON object", name);
    json_t *version = json_object_get(root, "likeness");
    if (!json_is_integer(version) || json_integer_value(version) != LK_REQUEST_VERSION)
        return lk_fail(err, LK_E_INPUT,
                       "%s: \"likeness\": %d, the version of the form, is missing or another", name,
                       LK_REQUEST_VERSION);
    const char *task = json_string_value(json_object_get(root, "task"));
    for (size_t i = 0; task && i < LK_ARRAY_LENGTH(task_names); i++) {
        if (!strcmp(task, task_names[i])) {
            *out = (enum lk_task)i;
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT,
                   "%s: task: portrait, draw, swap, restore, upscale or redraw is expected", name);
}

int lk_request_from_json(struct lk_request *request,
                         const char *json,
                         size_t size,
                         const char *name,
                         struct lk_error *err)
{
    enum lk_task task = LK_TASK_PORTRAIT;
    json_error_t why;
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return lk_fail(err, LK_E_INPUT, "%s: line %d: %s", name, why.line, why.text);
    int rc = read_task(root, name, &task, err);
    struct lk_request read;
    lk_request_init(&read, task);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (!rc)
            rc = read_member(key, value, &read, name, err);
    }
    json_decref(root);
    if (rc)
        lk_request_free(&read);
    else
        *request = read;
    return rc;
}

static json_t *json_of_text(const char *text, const char *initial)
{
    return text && !(initial && !strcmp(text, initial)) ? json_string(text) : NULL;
}

static json_t *json_of_number(double value, const struct lk_option *o)
{
    double unsaid = o->initial ? strtod(o->initial, NULL) : o->type == LK_OPTION_REAL ? -1 : 0;
    if (value == unsaid)
        return NULL;
    return o->type == LK_OPTION_REAL ? json_real(value) : json_integer((json_int_t)value);
}

static json_t *json_of_list(char *const *list, int most)
{
    json_t *array = *list ? json_array() : NULL;
    for (int i = 0; array && i < most && list[i]; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

/* NULL for what has its default. */
static json_t *json_of_member(const struct lk_option *o, const void *member)
{
    const int *size = member;
    char text[32];
    switch (o->type) {
    case LK_OPTION_TEXT:
    case LK_OPTION_SAMPLER:
    case LK_OPTION_CHOICE:
        return json_of_text(*(char *const *)member, o->initial);
    case LK_OPTION_LIST:
        return json_of_list(member, LK_LIST_MAX);
    case LK_OPTION_INT:
        return json_of_number(*(const int *)member, o);
    case LK_OPTION_INT64:
        return json_of_number((double)*(const int64_t *)member, o);
    case LK_OPTION_REAL:
        return json_of_number(*(const double *)member, o);
    case LK_OPTION_SIZE:
        snprintf(text, sizeof text, "%dx%d", size[0], size[1]);
        return size[0] ? json_string(text) : NULL;
    case LK_OPTION_FLAG:
        return *(const bool *)member ? json_true() : NULL;
    default:
        return NULL;
    }
}

static json_t *json_of_people(const struct lk_request *request)
{
    json_t *people = json_array();
    for (int i = 0; i < request->n_people; i++) {
        json_t *person = json_object();
        json_object_set_new(person, "photo", json_string(request->people[i].photo));
        if (request->people[i].more[0])
            json_object_set_new(person, "more",
                                json_of_list(request->people[i].more, LK_PHOTOS_MAX));
        if (request->people[i].place)
            json_object_set_new(person, "place", json_string(request->people[i].place));
        if (request->people[i].like)
            json_object_set_new(person, "like", json_string(request->people[i].like));
        json_array_append_new(people, person);
    }
    return people;
}

static int check_utf8(const char *text, const char *name, struct lk_error *err)
{
    json_t *string = text ? json_string(text) : NULL;
    json_decref(string);
    return !text || string
               ? 0
               : lk_fail(err, LK_E_INPUT,
                         "%s is not valid UTF-8: write it in a UTF-8 terminal or file", name);
}

/* JSON holds UTF-8 only: what is not cannot be asked for, kept or reported. */
static int check_texts(const struct lk_request *request, struct lk_error *err)
{
    size_t n;
    const struct lk_option *options = lk_options(&n);
    int rc = check_utf8(request->prompt, "the prompt", err);
    rc = rc ? rc : check_utf8(request->picture, "the picture's path", err);
    for (size_t i = 0; i < n && !rc; i++) {
        char name[64];
        snprintf(name, sizeof name, "--%s", options[i].name);
        char *const *texts = (char *const *)((const char *)request + options[i].offset);
        if (options[i].home == LK_HOME_REQUEST && options[i].type <= LK_OPTION_CHOICE)
            rc = check_utf8(*texts, name, err);
        for (int k = 0; options[i].type == LK_OPTION_LIST && k < LK_LIST_MAX && !rc; k++)
            rc = check_utf8(texts[k], name, err);
    }
    for (int i = 0; i < request->n_people && !rc; i++) {
        rc = check_utf8(request->people[i].photo, "--face", err);
        rc = rc ? rc : check_utf8(request->people[i].like, "--face", err);
        for (int k = 0; k < LK_PHOTOS_MAX && !rc; k++)
            rc = check_utf8(request->people[i].more[k], "--photo", err);
    }
    for (int i = 0; i < request->n_controls && !rc; i++) {
        rc = check_utf8(request->controls[i].picture, "--control", err);
        rc = rc ? rc : check_utf8(request->controls[i].model, "--control-model", err);
    }
    for (int i = 0; i < request->n_images && !rc; i++) {
        rc = check_utf8(request->images[i].model, "--ip-adapter", err);
        rc = rc ? rc : check_utf8(request->images[i].picture, "--ip-adapter", err);
    }
    return rc;
}

static int check_finite(
    double weight, double start, double end, const char *option, struct lk_error *err)
{
    return isfinite(weight) && isfinite(start) && isfinite(end)
               ? 0
               : lk_fail(err, LK_E_INPUT,
                         "%s: weight, start and end %g, %g, %g are not all numbers", option, weight,
                         start, end);
}

/* What a program may have put into the struct, and no JSON text can. */
static int check_numbers(const struct lk_request *request, struct lk_error *err)
{
    if ((size_t)request->task >= LK_ARRAY_LENGTH(task_names))
        return lk_fail(err, LK_E_INPUT, "the request's task is %d: see enum lk_task",
                       (int)request->task);
    if (request->n_people < 0 || request->n_people > LK_PEOPLE_MAX)
        return lk_fail(err, LK_E_INPUT, "the request has %d people: from 0 to %d are possible",
                       request->n_people, LK_PEOPLE_MAX);
    if (request->n_controls < 0 || request->n_controls > LK_CONTROLS_MAX)
        return lk_fail(err, LK_E_INPUT, "the request has %d controls: from 0 to %d are possible",
                       request->n_controls, LK_CONTROLS_MAX);
    if (request->n_images < 0 || request->n_images > LK_IMAGES_MAX)
        return lk_fail(err, LK_E_INPUT, "the request has %d IP-Adapters: from 0 to %d are possible",
                       request->n_images, LK_IMAGES_MAX);
    int rc = 0;
    for (int i = 0; i < request->n_controls && !rc; i++) {
        const struct lk_request_control *c = &request->controls[i];
        rc = check_finite(c->weight, c->start, c->end, "--control", err);
    }
    for (int i = 0; i < request->n_images && !rc; i++) {
        const struct lk_request_image *image = &request->images[i];
        rc = check_finite(image->weight, image->start, image->end, "--ip-adapter", err);
    }
    return rc;
}

int lk_request_to_json(const struct lk_request *request, char **out, struct lk_error *err)
{
    size_t n;
    const struct lk_option *options = lk_options(&n);
    int rc = check_numbers(request, err);
    rc = rc ? rc : check_texts(request, err);
    if (rc)
        return rc;
    json_t *root =
        json_pack("{s:i,s:s}", "likeness", LK_REQUEST_VERSION, "task", task_names[request->task]);
    if (request->prompt)
        json_object_set_new(root, "prompt", json_string(request->prompt));
    if (request->picture)
        json_object_set_new(root, "picture", json_string(request->picture));
    for (size_t i = 0; i < n; i++) {
        if (options[i].home != LK_HOME_REQUEST ||
            !(options[i].commands & task_commands[request->task]))
            continue;
        json_t *value = json_of_member(&options[i], (const char *)request + options[i].offset);
        char key[64];
        snprintf(key, sizeof key, "%s", options[i].name);
        swap_characters(key, '-', '_');
        if (value)
            json_object_set_new(root, key, value);
    }
    if (request->n_people)
        json_object_set_new(root, "people", json_of_people(request));
    if (request->n_controls)
        json_object_set_new(root, "controls", lk__request_json_of_controls(request));
    if (request->n_images)
        json_object_set_new(root, "ip_adapters", lk__request_json_of_images(request));
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (!text)
        return lk_fail(err, LK_E_FAILED,
                       "the request cannot be written as JSON: a text in it is not UTF-8");
    *out = text;
    return 0;
}

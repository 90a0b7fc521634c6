// SPDX-License-Identifier: Apache-2.0
#include "pipeline/request_images.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "pipeline/request_controls.h"

/* Takes over the image's texts at the end of the list; frees them on failure. */
static int append(struct lk_request *request,
                  struct lk_request_image image,
                  const char *label,
                  struct lk_error *err)
{
    int rc = 0;
    if (request->n_images == LK_IMAGES_MAX)
        rc = lk_fail(err, LK_E_INPUT, "%s: more than %d at once", label, LK_IMAGES_MAX);
    else if (!image.model || !image.picture)
        rc = lk_fail_memory(err, label, 0);
    if (!rc) {
        request->images[request->n_images++] = image;
        return 0;
    }
    free(image.model);
    free(image.picture);
    return rc;
}

int lk__request_add_image(struct lk_request *request,
                          const char *text,
                          const char *label,
                          struct lk_error *err)
{
    const char *colon = strchr(text, ':'), *path = colon ? colon + 1 : text;
    struct lk_request_image image = {.model = NULL};
    const size_t length = lk__request_cut_numbers(path, &image.weight, &image.start, &image.end);
    if (!colon || colon == text || !length)
        return lk_fail(err, LK_E_INPUT,
                       "%s: '%s' does not name an adapter and a picture, as "
                       "ip-adapter_sd15.safetensors:photo.png",
                       label, text);
    image.model = strndup(text, (size_t)(colon - text));
    image.picture = strndup(path, length);
    return append(request, image, label, err);
}

int lk__request_check_images(const struct lk_request *request, struct lk_error *err)
{
    const bool is_face = request->face_adapter != NULL;
    if (request->task == LK_TASK_SWAP && (request->n_images || is_face))
        return lk_fail(err, LK_E_INPUT,
                       "swap draws nothing: --ip-adapter and --face-adapter belong to draw and "
                       "portrait");
    if (request->n_images + is_face > LK_IMAGES_MAX)
        return lk_fail(err, LK_E_INPUT, "--face-adapter and --ip-adapter: more than %d at once",
                       LK_IMAGES_MAX);
    if (is_face && request->n_people != 1)
        return lk_fail(err, LK_E_INPUT,
                       "--face-adapter draws one person, and %d are named: say whose face by one "
                       "--face",
                       request->n_people);
    if (request->task == LK_TASK_DRAW && request->n_people && !is_face)
        return lk_fail(err, LK_E_INPUT,
                       "draw gives nobody's face to a drawing without --face-adapter: name one, or "
                       "use portrait");
    return 0;
}

void lk__request_free_images(struct lk_request *request)
{
    for (int i = 0; i < LK_IMAGES_MAX; i++) {
        free(request->images[i].model);
        free(request->images[i].picture);
    }
}

static int read_image(struct lk_request *request,
                      const json_t *object,
                      const char *name,
                      struct lk_error *err)
{
    static const char *const keys[] = {"model", "picture", "weight", "start", "end"};
    struct lk_request_image image = {.weight = 1, .end = 1};
    const char *model = json_string_value(json_object_get(object, "model"));
    const char *picture = json_string_value(json_object_get(object, "picture"));
    size_t known = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(keys); i++)
        known += json_object_get(object, keys[i]) != NULL;
    if (!model || !*model || !picture || !*picture ||
        !lk__request_read_number(object, "weight", &image.weight) ||
        !lk__request_read_number(object, "start", &image.start) ||
        !lk__request_read_number(object, "end", &image.end) || json_object_size(object) != known)
        return lk_fail(err, LK_E_INPUT,
                       "%s: ip_adapters: objects with model, picture, weight, start and end are "
                       "expected",
                       name);
    image.model = strdup(model);
    image.picture = strdup(picture);
    return append(request, image, name, err);
}

int lk__request_read_images(struct lk_request *request,
                            const json_t *value,
                            const char *name,
                            struct lk_error *err)
{
    size_t i;
    json_t *image;
    int rc = json_is_array(value)
                 ? 0
                 : lk_fail(err, LK_E_INPUT, "%s: ip_adapters: a list is expected", name);
    json_array_foreach((json_t *)value, i, image)
    {
        if (!rc)
            rc = read_image(request, image, name, err);
    }
    return rc;
}

json_t *lk__request_json_of_images(const struct lk_request *request)
{
    json_t *list = json_array();
    for (int i = 0; i < request->n_images; i++) {
        const struct lk_request_image *image = &request->images[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:f,s:f,s:f}", "model", image->model,
                                              "picture", image->picture, "weight", image->weight,
                                              "start", image->start, "end", image->end));
    }
    return list;
}

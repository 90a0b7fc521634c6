// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/drawn_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "pipeline/drawing/image_prompts.h"

/* Lines "NAME\0VALUE\0", of which the fields are cut at the end. */
static LK_PRINTF(3, 4) void say(FILE *to, const char *name, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(to, "%s", name);
    fputc(0, to);
    vfprintf(to, format, list);
    fputc(0, to);
    va_end(list);
}

static void say_mask(FILE *to, const struct lk_request *r)
{
    static const struct {
        const char *ours, *theirs;
    } contents[] = {{"original", "original"}, {"noise", "latent noise"}, {"fill", "fill"}};
    say(to, "Mask blur", "%g", r->mask_blur);
    if (r->mask_invert)
        say(to, "Mask mode", "Inpaint not masked");
    for (size_t i = 0; i < LK_ARRAY_LENGTH(contents); i++)
        if (!strcmp(r->inpaint_fill, contents[i].ours))
            say(to, "Masked content", "%s", contents[i].theirs);
    if (strcmp(r->inpaint_area, "masked") != 0)
        return;
    say(to, "Inpaint area", "Only masked");
    say(to, "Masked area padding", "%d", r->inpaint_padding);
}

static void say_hires(FILE *to, const struct lk_request *r)
{
    const char *upscaler = r->hires_upscaler;
    say(to, "Hires upscale", "%g", r->hires);
    if (r->hires_steps)
        say(to, "Hires steps", "%d", r->hires_steps);
    say(to, "Hires upscaler", "%s",
        !strcmp(upscaler, "latent")    ? "Latent"
        : !strcmp(upscaler, "lanczos") ? "Lanczos"
                                       : upscaler);
}

static void say_control(FILE *to, int i, const struct lk_request *r)
{
    const struct lk_request_control *c = &r->controls[i];
    const char *mode = !strcmp(r->control_mode, "prompt")    ? "My prompt is more important"
                       : !strcmp(r->control_mode, "control") ? "ControlNet is more important"
                                                             : "Balanced";
    char name[24];
    snprintf(name, sizeof name, "ControlNet %d", i);
    say(to, name,
        "Module: %s, Model: %s, Weight: %g, Resize Mode: Just Resize, Guidance Start: %g, "
        "Guidance End: %g, Control Mode: %s",
        c->type, c->model ? c->model : c->type, c->weight, c->start, c->end, mode);
}

/* As the WebUI's ControlNet extension counts IP-Adapters: among the ControlNets, by the file's name
 * without its ending. */
static void say_adapter(
    FILE *to, int i, const char *module, const char *model, const struct lk_adapter_use *use)
{
    const char *base = lk_file_name(model), *dot = strrchr(base, '.');
    char name[24];
    snprintf(name, sizeof name, "ControlNet %d", i);
    say(to, name,
        "Module: %s, Model: %.*s, Weight: %g, Resize Mode: Crop and Resize, Guidance Start: %g, "
        "Guidance End: %g, Control Mode: Balanced",
        module, dot ? (int)(dot - base) : (int)strlen(base), base, use->weight, use->start,
        use->end);
}

static int say_adapters(FILE *to, const struct lk_request *r, struct lk_error *err)
{
    for (int i = 0; i < r->n_images; i++) {
        const struct lk_request_image *image = &r->images[i];
        const struct lk_adapter_use use = {NULL, image->weight, image->start, image->end};
        say_adapter(to, r->n_controls + i, "ip-adapter-auto", image->model, &use);
    }
    if (!r->face_adapter)
        return 0;
    struct lk_adapter_use use;
    char *name = NULL;
    int rc = lk__face_adapter_read(r->face_adapter, &name, &use, err);
    if (!rc)
        say_adapter(to, r->n_controls + r->n_images, "ip-adapter_face_id", name, &use);
    free(name);
    return rc;
}

int lk__drawn_text(const struct lk_request *r, struct lk__drawn_text *out, struct lk_error *err)
{
    char *memory = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&memory, &size);
    if (!to)
        return lk_fail_memory(err, "the picture's text", 0);
    if (r->init || r->hires > 1)
        say(to, "Denoising strength", "%g", r->init ? r->strength : r->hires_strength);
    if (r->mask || r->extend)
        say_mask(to, r);
    if (r->hires > 1)
        say_hires(to, r);
    if (r->deep_cache > 1)
        say(to, "DeepCache interval", "%d", r->deep_cache);
    if (r->token_merging > 0)
        say(to, "Token merging ratio", "%g", r->token_merging);
    for (int i = 0; i < r->n_controls; i++)
        say_control(to, i, r);
    int rc = say_adapters(to, r, err);
    if (fclose(to) && !rc)
        rc = lk_fail_memory(err, "the picture's text", size);
    if (rc) {
        free(memory);
        return rc;
    }
    *out = (struct lk__drawn_text){.memory = memory};
    for (const char *at = memory; at < memory + size && out->n < LK_ARRAY_LENGTH(out->fields);) {
        struct lk_parameter *field = &out->fields[out->n++];
        field->name = at;
        field->value = at + strlen(at) + 1;
        at = field->value + strlen(field->value) + 1;
    }
    return 0;
}

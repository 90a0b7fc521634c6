// SPDX-License-Identifier: Apache-2.0
/* What explain.c found, as indented lines. */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/drawing/explain.h"

static void indent(FILE *to, int depth, const char *label)
{
    fprintf(to, "%*s%s", 2 * depth, "", label);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void print_nodes(FILE *to, int depth, const json_t *nodes);

static void print_node(FILE *to, int depth, const json_t *node)
{
    const json_t *turns = json_object_get(node, "in_turn");
    if (json_is_string(node)) {
        indent(to, depth, "");
        fprintf(to, "\"%s\"\n", json_string_value(node));
    } else if (json_object_get(node, "emphasis")) {
        const bool round = *text_of(node, "emphasis") == '(';
        indent(to, depth, round ? "emphasis (…)" : "emphasis […]");
        fprintf(to, "%s%s\n", json_object_get(node, "weight") ? " :" : "", text_of(node, "weight"));
        print_nodes(to, depth + 1, json_object_get(node, "of"));
    } else if (turns) {
        for (size_t i = 0; i < json_array_size(turns); i++) {
            indent(to, depth, i ? "and\n" : "in turn\n");
            print_nodes(to, depth + 1, json_array_get(turns, i));
        }
    } else {
        const bool share = json_is_true(json_object_get(node, "share"));
        indent(to, depth, share ? "until this share of the steps: " : "until step: ");
        fprintf(to, "%g\n", number_of(node, "until"));
        print_nodes(to, depth + 1, json_object_get(node, "of"));
        indent(to, depth, "then\n");
        print_nodes(to, depth + 1, json_object_get(node, "then"));
    }
}

static void print_nodes(FILE *to, int depth, const json_t *nodes)
{
    for (size_t i = 0; i < json_array_size(nodes); i++)
        print_node(to, depth, json_array_get(nodes, i));
}

static void print_chunk(FILE *to, size_t number, const json_t *runs)
{
    const size_t n = json_array_size(runs);
    int tokens = 0;
    for (size_t i = 0; i < n; i++)
        tokens += (int)number_of(json_array_get(runs, i), "tokens");
    fprintf(to, "    chunk %zu, %d tokens:", number, tokens);
    for (size_t i = 0; i < n; i++) {
        const json_t *run = json_array_get(runs, i);
        fprintf(to, " %d", (int)number_of(run, "tokens"));
        if (json_object_get(run, "embedding"))
            fprintf(to, " of <%s>", text_of(run, "embedding"));
        if (number_of(run, "weight") != 1)
            fprintf(to, " × %.4g", number_of(run, "weight"));
        fputc(i + 1 < n ? ',' : '.', to);
    }
    fputc('\n', to);
}

static void print_text(FILE *to, const json_t *text)
{
    const int from = (int)number_of(text, "from"), last = (int)number_of(text, "to");
    const json_t *chunks = json_object_get(text, "chunks");
    if (from == last)
        fprintf(to, "  step %d: ", from);
    else
        fprintf(to, "  steps %d to %d: ", from, last);
    fprintf(to, "\"%s\"\n", text_of(text, "text"));
    for (size_t i = 0; i < json_array_size(chunks); i++)
        print_chunk(to, i + 1, json_array_get(chunks, i));
}

static void print_prompt(FILE *to, const json_t *prompt, int steps, const char *option)
{
    const json_t *loras = json_object_get(prompt, "loras"),
                 *parts = json_object_get(prompt, "parts");
    const size_t n = json_array_size(parts);
    fprintf(to, "%s\n", option);
    for (size_t i = 0; i < json_array_size(loras); i++) {
        const json_t *lora = json_array_get(loras, i);
        fprintf(to, "LoRA %s, weight %g, of the text encoder %g\n", text_of(lora, "name"),
                number_of(lora, "unet"), number_of(lora, "text"));
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(parts, i);
        fprintf(to, "part %zu of %zu, weight %g\n", i + 1, n, number_of(part, "weight"));
        print_nodes(to, 1, json_object_get(part, "tree"));
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *texts = json_object_get(json_array_get(parts, i), "texts");
        fprintf(to, "part %zu over %d steps\n", i + 1, steps);
        for (size_t k = 0; k < json_array_size(texts); k++)
            print_text(to, json_array_get(texts, k));
    }
}

static void print_image(FILE *to, const json_t *image)
{
    const int tokens = (int)number_of(image, "tokens");
    const int from = (int)number_of(image, "from"), last = (int)number_of(image, "to");
    fprintf(to, "%s: %s for %s", text_of(image, "adapter"), text_of(image, "kind"),
            text_of(image, "family"));
    if (tokens)
        fprintf(to, ", %d tokens", tokens);
    fprintf(to, " of %s, weight %g, ", text_of(image, "of"), number_of(image, "weight"));
    if (from <= last)
        fprintf(to, "steps %d to %d\n", from, last);
    else
        fprintf(to, "in no step\n");
}

int lk_explain_text(const json_t *explanation, char **out, struct lk_error *err)
{
    const json_t *negative = json_object_get(explanation, "negative"),
                 *images = json_object_get(explanation, "images");
    const int steps = (int)number_of(explanation, "steps");
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return lk_fail_memory(err, "an explanation", 0);
    print_prompt(to, json_object_get(explanation, "prompt"), steps, "the prompt");
    if (negative)
        print_prompt(to, negative, steps, "--negative");
    for (size_t i = 0; i < json_array_size(images); i++)
        print_image(to, json_array_get(images, i));
    if (fclose(to)) {
        free(text);
        return lk_fail_memory(err, "an explanation", 0);
    }
    *out = text;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* WebUI's picture text (modules/processing.py create_infotext, infotext_utils.py of 1.10):
 *
 *     a portrait, red hair
 *     Negative prompt: blurry
 *     Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 1, Size: 512x512,
 *     Model hash: 6ce0161689, Model: v1-5                                  (one line in the file)
 *
 * A value with ',', ':' or a newline is quoted as a JSON string, others stand as they are; we quote
 * one that starts with '"' too, which WebUI writes bare and then reads back wrong. Reading
 * does what WebUI's regular expression does, in one pass and without backtracking:
 *
 *     \s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)        on the last line,
 *
 * which counts as settings only when it holds three fields or more. A prompt may have several
 * lines; everything from the line that starts with "Negative prompt:" on is the negative one. */
#include "stages/mark/parameters.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/mark/text.h"

#define NEGATIVE "Negative prompt:"

struct name_row {
    const char *ours, *webui; /* webui NULL: its default, not written */
};

static const struct name_row samplers[] = {
    {"ddim", "DDIM"},
    {"ddpm", "DDPM"},
    {"pndm", "PLMS"},
    {"lms", "LMS"},
    {"heun", "Heun"},
    {"euler", "Euler"},
    {"euler-a", "Euler a"},
    {"dpm2", "DPM2"},
    {"dpm2-a", "DPM2 a"},
    {"dpmpp-2s-a", "DPM++ 2S a"},
    {"dpmpp-2m", "DPM++ 2M"},
    {"dpmpp-2m-sde", "DPM++ 2M SDE"},
    {"dpmpp-sde", "DPM++ SDE"},
    {"dpmpp-3m-sde", "DPM++ 3M SDE"},
    {"unipc", "UniPC"},
    {"deis", "DEIS"},
    {"lcm", "LCM"},
    {"tcd", "TCD"},
};

static const struct name_row schedules[] = {
    {"normal", NULL},
    {"karras", "Karras"},
    {"exponential", "Exponential"},
    {"beta", "Beta"},
    {"sgm-uniform", "SGM Uniform"},
    {"simple", "Simple"},
    {"align-your-steps", "Align Your Steps"},
};

static const char *webui_name(const struct name_row *rows, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (strcmp(rows[i].ours, name) == 0)
            return rows[i].webui;
    }
    return name;
}

const char *lk_parameters_sampler(const char *name)
{
    return webui_name(samplers, LK_ARRAY_LENGTH(samplers), name);
}

void lk_parameters_init(struct lk_parameters *parameters)
{
    *parameters = (struct lk_parameters){.guidance = -1, .seed = -1};
}

/* As Python's json.dumps(value, ensure_ascii=False). */
static void add_quoted(struct lk__text *text, const char *value)
{
    static const char plain[] = "\"\\\n\r\t\b\f", letter[] = "\"\\nrtbf";
    lk__text_add(text, "\"", 1);
    for (; *value; value++) {
        const char *special = strchr(plain, *value);
        if (special)
            lk__text_print(text, "\\%c", letter[special - plain]);
        else if ((unsigned char)*value < 0x20)
            lk__text_print(text, "\\u%04x", *value);
        else
            lk__text_add(text, value, 1);
    }
    lk__text_add(text, "\"", 1);
}

static void add_field(struct lk__text *text, bool *first, const char *name, const char *value)
{
    if (!value)
        return;
    lk__text_print(text, "%s%s: ", *first ? "" : ", ", name);
    *first = false;
    if (strpbrk(value, ",:\n") || *value == '"')
        add_quoted(text, value);
    else
        lk__text_add_string(text, value);
}

static void add_number(
    struct lk__text *text, bool *first, const char *name, bool said, double value)
{
    char number[40];
    snprintf(number, sizeof number, "%.17g", value);
    for (int digits = 1; digits < 17; digits++) { /* the shortest that reads back, as Python's */
        char shorter[40];
        snprintf(shorter, sizeof shorter, "%.*g", digits, value);
        if (strtod(shorter, NULL) == value) {
            memcpy(number, shorter, sizeof number);
            break;
        }
    }
    add_field(text, first, name, said ? number : NULL);
}

static void add_settings(struct lk__text *text, const struct lk_parameters *p)
{
    bool first = true;
    char number[48];
    snprintf(number, sizeof number, "%d", p->steps);
    add_field(text, &first, "Steps", p->steps > 0 ? number : NULL);
    add_field(text, &first, "Sampler", lk_parameters_sampler(p->sampler));
    add_field(text, &first, "Schedule type",
              webui_name(schedules, LK_ARRAY_LENGTH(schedules), p->schedule));
    add_number(text, &first, "CFG scale", p->guidance >= 0, p->guidance);
    snprintf(number, sizeof number, "%lld", (long long)p->seed);
    add_field(text, &first, "Seed", p->seed >= 0 ? number : NULL);
    snprintf(number, sizeof number, "%dx%d", p->width, p->height);
    add_field(text, &first, "Size", p->width > 0 && p->height > 0 ? number : NULL);
    add_field(text, &first, "Model hash", p->model_hash);
    add_field(text, &first, "Model", p->model);
    for (size_t i = 0; i < p->n_more; i++)
        add_field(text, &first, p->more[i].name, p->more[i].value);
}

int lk_parameters_write(const struct lk_parameters *parameters, char **out, struct lk_error *err)
{
    struct lk__text text = {.limit = LK_PARAMETERS_MAX};
    lk__text_add_string(&text, parameters->prompt ? parameters->prompt : "");
    if (parameters->negative && *parameters->negative)
        lk__text_print(&text, "\n" NEGATIVE " %s", parameters->negative);
    lk__text_add(&text, "\n", 1);
    add_settings(&text, parameters);
    if (text.failed) {
        free(text.bytes);
        return lk_fail(err, LK_E_INPUT,
                       "picture text: prompt and settings pass %zu bytes: shorten the prompt",
                       LK_PARAMETERS_MAX);
    }
    *out = text.bytes;
    return 0;
}

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_ -/", c)) || (unsigned char)c >= 0x80;
}

static int hex4(const char *s)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)s[i]))
            return -1;
        code = code * 16 + (isdigit((unsigned char)s[i]) ? s[i] - '0' : (s[i] | 32) - 'a' + 10);
    }
    return code;
}

/* Writes code as UTF-8; at most 3 bytes, which is fewer than the 6 of \uXXXX. */
static char *put_utf8(char *to, int code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* A quoted value at `in` (behind the quote) unquoted in place; returns what follows the closing
 * quote, or NULL when there is none. Surrogates and NUL, which a C string cannot say, become
 * U+FFFD. */
static char *unquote(char *in)
{
    static const char plain[] = "\n\r\t\b\f", letter[] = "nrtbf";
    char *to = in;
    for (; *in && *in != '"'; in++) {
        if (*in != '\\' || !in[1]) {
            *to++ = *in;
            continue;
        }
        in++;
        const char *special = strchr(letter, *in);
        int code = *in == 'u' ? hex4(in + 1) : -1;
        if (code >= 0) {
            bool sayable = code > 0 && (code < 0xd800 || code > 0xdfff);
            to = put_utf8(to, sayable ? code : 0xfffd);
            in += 4;
        } else {
            *to++ = special ? plain[special - letter] : *in;
        }
    }
    if (*in != '"')
        return NULL;
    *to = 0;
    return in + 1;
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        *--end = 0;
    return s;
}

/* The closing quote of a value that opens at s, when a ',' or the end follows: WebUI's pattern
 * falls back to the unquoted form otherwise. */
static bool is_quoted(const char *s)
{
    if (*s++ != '"' || *s == '"')
        return false;
    for (; *s && *s != '"'; s++) {
        if (*s == '\\' && s[1])
            s++;
    }
    return *s == '"' && (s[1] == ',' || s[1] == 0);
}

/* The next field of a line, cut out in place; returns where to go on, NULL at the end. */
static char *next_field(char *s, char **name, char **value)
{
    while (*s) {
        char *start = s;
        while (is_name_byte(*s))
            s++;
        if (*s != ':' || s == start) {
            s += *s != 0;
            continue;
        }
        *s++ = 0;
        *name = trim(start);
        while (isspace((unsigned char)*s))
            s++;
        if (is_quoted(s)) {
            *value = s + 1;
            s = unquote(s + 1);
            return *s == ',' ? s + 1 : s;
        }
        *value = s;
        s += strcspn(s, ",");
        bool more = *s == ',';
        *s = 0;
        *value = trim(*value);
        return more ? s + 1 : s;
    }
    return NULL;
}

static size_t split_fields(char *line, struct lk_parameter *fields, size_t most)
{
    char *name, *value;
    size_t n = 0;
    while (n < most && (line = next_field(line, &name, &value)))
        fields[n++] = (struct lk_parameter){name, value};
    return n;
}

/* Cuts text at the line that starts the negative prompt; both parts trimmed. */
static void split_prompt(char *text, struct lk_parameters_text *out)
{
    char *line = text;
    out->negative = text + strlen(text);
    while (line) {
        if (strncmp(line, NEGATIVE, strlen(NEGATIVE)) == 0) {
            out->negative = trim(line + strlen(NEGATIVE));
            *line = 0;
            break;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    out->prompt = trim(text);
}

int lk_parameters_read(const char *text, struct lk_parameters_text *out, struct lk_error *err)
{
    struct lk_parameters_text found = {0};
    size_t size = strnlen(text, LK_PARAMETERS_MAX + 1);
    if (size > LK_PARAMETERS_MAX)
        return lk_fail(err, LK_E_INPUT, "picture text: it is longer than %zu bytes",
                       LK_PARAMETERS_MAX);
    /* Twice: the last line is cut up to see whether it is settings, and may be prompt after all. */
    found.memory = malloc(2 * size + 2);
    if (!found.memory)
        return lk_fail_memory(err, "picture text", 2 * size + 2);
    memcpy(found.memory, text, size);
    found.memory[size] = 0;
    char *prompt = trim(found.memory), *last = strrchr(prompt, '\n');
    last = last ? last + 1 : prompt;
    char *line = memcpy(found.memory + size + 1, last, strlen(last) + 1);
    found.n_fields = split_fields(line, found.field, LK_PARAMETERS_FIELDS);
    if (found.n_fields < 3)
        found.n_fields = 0;
    else
        *last = 0;
    split_prompt(prompt, &found);
    *out = found;
    return 0;
}

void lk_parameters_text_free(struct lk_parameters_text *text)
{
    free(text->memory);
    *text = (struct lk_parameters_text){0};
}

const char *lk_parameters_find(const struct lk_parameters_text *text, const char *name)
{
    for (size_t i = 0; i < text->n_fields; i++) {
        if (strcmp(text->field[i].name, name) == 0)
            return text->field[i].value;
    }
    return NULL;
}

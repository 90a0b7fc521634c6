// SPDX-License-Identifier: Apache-2.0
/* For tools/watermark-table: the attacks of the tests on any picture, and our mark on its own.
 *
 *   watermark_tool square PHOTO SIDE OUT.png     the middle of a photo of the shared data
 *   watermark_tool mark IN.png OUT.png           with the id of `read`
 *   watermark_tool dwt-dct IN.png OUT.png        the same id as the package's dwtDct writes it
 *   watermark_tool attack IN.png FOLDER          FOLDER/0.png … ; prints the attacks' names
 *   watermark_tool read FILE…                    a line for each: 1 when its mark is read, else 0
 *   watermark_tool deny COUNT FILE…              reads each with COUNT keys; prints how many marks
 */
#include <stdio.h>
#include <stdlib.h>

#include "stages/mark/watermark.h"
#include "stages/watermark_attacks.h"
#include "support/check.h"

static const struct lk_key key = {{7, 1, 4}};
static const uint64_t id = 0xfedcba9876543210;

static struct lk_picture *load(const char *path)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    assert_ok(lk_picture_read(path, &picture, &err), &err);
    return picture;
}

static void save(struct lk_picture *picture, const char *path)
{
    struct lk_error err;
    void *bytes;
    size_t size;
    assert_ok(lk_picture_encode(picture, LK_FORMAT_PNG, NULL, &bytes, &size, &err), &err);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(bytes);
    lk_picture_free(picture);
}

static int number(const char *word)
{
    return (int)strtol(word, NULL, 10);
}

static struct lk_watermark read_mark(const char *path, const struct lk_key *with)
{
    struct lk_error err;
    struct lk_watermark mark;
    struct lk_picture *picture = load(path);
    lk_watermark_ground *ground;
    assert_ok(lk_watermark_ground_new(picture, 1, &ground, &err), &err);
    assert_ok(lk_watermark_read(ground, with, LK_WATERMARK_RESIZED, 1, &mark, &err), &err);
    lk_watermark_ground_free(ground);
    lk_picture_free(picture);
    return mark;
}

static void square(char **words)
{
    save(photo_square(words[0], number(words[1])), words[2]);
}

static void mark(char **words)
{
    struct lk_error err;
    struct lk_picture *picture = load(words[0]), *out = NULL;
    lk_watermark_ground *ground;
    assert_ok(lk_watermark_ground_new(picture, 1, &ground, &err), &err);
    assert_ok(lk_watermark_embed(picture, ground, &key, id, 1, &out, &err), &err);
    lk_watermark_ground_free(ground);
    lk_picture_free(picture);
    save(out, words[1]);
}

static void dwt_dct(char **words)
{
    struct lk_error err;
    struct lk_picture *picture = load(words[0]), *out = NULL;
    assert_ok(lk_watermark_embed_dwt_dct(picture, id, &out, &err), &err);
    lk_picture_free(picture);
    save(out, words[1]);
}

static void attack(char **words)
{
    size_t n;
    const struct attack *list = attacks(&n);
    struct lk_picture *picture = load(words[0]);
    for (size_t i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%zu.png", words[1], i);
        save(attacked(picture, &list[i]), path);
        puts(list[i].name);
    }
    lk_picture_free(picture);
}

static void read_all(char **words)
{
    for (; *words; words++) {
        struct lk_watermark found = read_mark(*words, &key);
        printf("%d\n", found.found && found.id == id);
    }
}

static void deny(char **words)
{
    int count = number(words[0]), found = 0;
    for (words++; *words; words++) {
        for (int i = 0; i < count; i++) {
            struct lk_key other = {{1, (uint8_t)i, (uint8_t)(i >> 8)}};
            found += read_mark(*words, &other).found;
        }
    }
    printf("%d\n", found);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int least;
        void (*run)(char **words);
    } commands[] = {
        {"square", 3, square}, {"mark", 2, mark},     {"dwt-dct", 2, dwt_dct},
        {"attack", 2, attack}, {"read", 1, read_all}, {"deny", 2, deny},
    };
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && argc >= 2 + commands[i].least) {
            commands[i].run(argv + 2);
            return 0;
        }
    }
    fputs("usage: see the head of tests/stages/watermark_tool.c\n", stderr);
    return 2;
}

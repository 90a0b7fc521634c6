// SPDX-License-Identifier: Apache-2.0
/* starter-faces: portraits, contact sheets and data sets from the command line.
 */
#include <stdlib.h>
#include <string.h>

#include "set/dataset.h"
#include "who/who.h"

static const char help[] =
    "starter-faces portrait [--identity N] [--look N] [--shot N] [--size 512] -o out.ppm\n"
    "    [--years N] [--yaw DEG] [--pitch DEG] [--roll DEG] [--height 0.525], and any class below\n"
    "starter-faces sheet [--kind portrait] [--columns 6] [--rows 4] [--seed S] [--size 256] -o "
    "out.ppm\n"
    "starter-faces set --kind KIND --count N [--seed S] [--size 128] [--masks]\n"
    "    [--scenes 0.15] [--groups 0] [--max-yaw DEG] [--shots 10] [--threads 1] [--words] --out "
    "DIR\n"
    "\n"
    "Prints captions. sheet takes the options of set. --words: no pictures, captions and labels. "
    "Kinds:\n"
    "    portrait  one person; --scenes: share of pictures without people, --groups: of the rest\n"
    "              with two or three\n"
    "    pair      target _a, source _b, answer of the swap _ab\n"
    "    wide      0 to 3 people, near and far\n"
    "    identity  --shots pictures of each identity\n"
    "    relit, turned, aged\n"
    "              _a and _b are one person in another light, pose or age\n"
    "\n"
    "Classes:\n";

enum { AS_DRAWN = 1000 };

struct options {
    struct dataset set;
    long identity, look, shot;
    int years;                      /* 0: as the seed or --age says */
    float yaw, pitch, roll, height; /* AS_DRAWN: as the seed says; degrees */
    int chosen[CLASS_COUNT];        /* -1: as the seeds say */
    int columns, rows;
    bool words; /* captions and labels without pictures */
    const char *out;
};

static int class_find(const struct class_names *c, const char *name)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->names[i], name) == 0)
            return i;
    fprintf(stderr, "starter-faces: --%s knows no '%s'; it knows:", c->option, name);
    for (int i = 0; i < c->count; i++)
        fprintf(stderr, " %s", c->names[i]);
    fputc('\n', stderr);
    return -1;
}

static int kind_find(const char *name)
{
    static const struct class_names kinds = {"kind", kind_names, KIND_COUNT};
    return class_find(&kinds, name);
}

enum option_type { OPTION_INT, OPTION_LONG, OPTION_FLOAT, OPTION_SEED };

/* Numeric options: name, where it goes, and what may be given. */
static const struct {
    const char *name;
    enum option_type type;
    size_t at;
    double least, most;
} numbers[] = {
    {"size", OPTION_INT, offsetof(struct options, set.size), 16, 2048},
    {"threads", OPTION_INT, offsetof(struct options, set.threads), 1, DATASET_THREADS},
    {"shots", OPTION_INT, offsetof(struct options, set.shots), 1, 100000},
    {"columns", OPTION_INT, offsetof(struct options, columns), 1, 64},
    {"rows", OPTION_INT, offsetof(struct options, rows), 1, 64},
    {"count", OPTION_LONG, offsetof(struct options, set.count), 1, 1e8},
    {"identity", OPTION_LONG, offsetof(struct options, identity), 0, 1e15},
    {"look", OPTION_LONG, offsetof(struct options, look), 0, 1e15},
    {"shot", OPTION_LONG, offsetof(struct options, shot), 0, 1e15},
    {"seed", OPTION_SEED, offsetof(struct options, set.seed), 0, 1e15},
    {"years", OPTION_INT, offsetof(struct options, years), YEARS_LEAST, YEARS_MOST},
    {"yaw", OPTION_FLOAT, offsetof(struct options, yaw), -60, 60},
    {"pitch", OPTION_FLOAT, offsetof(struct options, pitch), -25, 25},
    {"roll", OPTION_FLOAT, offsetof(struct options, roll), -180, 180},
    {"height", OPTION_FLOAT, offsetof(struct options, height), 0.05, 2},
    {"groups", OPTION_FLOAT, offsetof(struct options, set.groups), 0, 1},
    {"scenes", OPTION_FLOAT, offsetof(struct options, set.scenes), 0, 1},
    {"max-yaw", OPTION_FLOAT, offsetof(struct options, set.max_yaw), 0, 60},
};

/* 1: taken, 0: unknown, -1: bad value, said. */
static int option_number(struct options *o, const char *name, const char *value)
{
    size_t i = 0;
    while (i < COUNT_OF(numbers) && strcmp(numbers[i].name, name) != 0)
        i++;
    if (i == COUNT_OF(numbers))
        return 0;
    char *end;
    double v = strtod(value, &end);
    if (end == value || *end || !(v >= numbers[i].least && v <= numbers[i].most)) {
        fprintf(stderr, "starter-faces: --%s takes a number from %g to %g, not '%s'\n", name,
                numbers[i].least, numbers[i].most, value);
        return -1;
    }
    void *to = (char *)o + numbers[i].at;
    switch (numbers[i].type) {
    case OPTION_INT:
        *(int *)to = (int)v;
        break;
    case OPTION_LONG:
        *(long *)to = (long)v;
        break;
    case OPTION_FLOAT:
        *(float *)to = (float)v;
        break;
    case OPTION_SEED:
        *(uint64_t *)to = (uint64_t)v;
        break;
    }
    return 1;
}

static int option_take(struct options *o, const char *name, const char *value)
{
    for (int i = 0; i < CLASS_COUNT; i++)
        if (strcmp(classes[i].option, name) == 0) {
            o->chosen[i] = class_find(&classes[i], value);
            return o->chosen[i] < 0 ? -1 : 1;
        }
    if (strcmp(name, "kind") == 0) {
        o->set.kind = kind_find(value);
        return o->set.kind < 0 ? -1 : 1;
    }
    if (strcmp(name, "out") == 0) {
        o->out = value;
        return 1;
    }
    return option_number(o, name, value);
}

static bool option_flag(struct options *o, const char *name)
{
    static const struct {
        const char *name;
        size_t at;
    } flags[] = {{"--masks", offsetof(struct options, set.masks)},
                 {"--words", offsetof(struct options, words)}};
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        if (strcmp(flags[i].name, name) == 0)
            return *(bool *)((char *)o + flags[i].at) = true;
    return false;
}

static int options_parse(struct options *o, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        const char *name = strcmp(argv[i], "-o") == 0 ? "--out" : argv[i];
        if (option_flag(o, name))
            continue;
        int taken =
            strncmp(name, "--", 2) == 0 && i + 1 < argc ? option_take(o, name + 2, argv[i + 1]) : 0;
        if (taken <= 0) {
            if (taken == 0)
                fprintf(stderr,
                        "starter-faces: %s is not an option or lacks its value; see --help\n",
                        name);
            return -1;
        }
        i++;
    }
    if (!o->out) {
        fprintf(stderr, "starter-faces: --out says where to write\n");
        return -1;
    }
    return 0;
}

static struct look look_choose(const struct options *o)
{
    uint64_t seed = (uint64_t)o->look;
    struct look k = look_make(seed, o->chosen[CLASS_GENDER]);
    int age = o->chosen[CLASS_AGE];
    if (o->years)
        return look_at(seed, k.gender, o->years);
    return age >= 0 ? look_at(seed, k.gender, years_within(seed, age)) : k;
}

static struct picture picture_choose(const struct options *o)
{
    struct picture p = {.people = o->chosen[CLASS_SCENE] < 0, .seed = (uint64_t)o->shot};
    struct look k = look_choose(o);
    struct shot s = shot_make((uint64_t)o->shot, 0.35f);
    s.yaw = o->yaw == AS_DRAWN ? s.yaw : o->yaw * DEGREE;
    s.pitch = o->pitch == AS_DRAWN ? s.pitch : o->pitch * DEGREE;
    s.roll = o->roll == AS_DRAWN ? s.roll : o->roll * DEGREE;
    s.height = o->height == AS_DRAWN ? s.height : o->height;
    p.person[0] = (struct person){identity_make((uint64_t)o->identity, k.gender), k, s};
    for (int i = 0; i < CLASS_COUNT; i++)
        if (o->chosen[i] >= 0 && i != CLASS_AGE)
            picture_set_class(&p, i, o->chosen[i]);
    if (o->chosen[CLASS_WALL] >= 0 && o->chosen[CLASS_PLACE] < 0)
        p.person[0].shot.place = PLACE_COLOUR;
    person_settle(&p.person[0]);
    return p;
}

static void help_print(void)
{
    fputs(help, stdout);
    for (int i = 0; i < CLASS_COUNT; i++) {
        printf("    --%s", classes[i].option);
        for (int k = 0; k < classes[i].count; k++)
            printf("%s%s", k ? "|" : " ", classes[i].names[k]);
        putchar('\n');
    }
}

static int ppm_write(const char *path, const uint8_t *rgb, int w, int h)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        fprintf(stderr, "starter-faces: cannot write %s\n", path);
        return -1;
    }
    fprintf(f, "P6\n%d %d\n255\n", w, h);
    size_t n = (size_t)w * (size_t)h * 3;
    bool bad = fwrite(rgb, 1, n, f) != n;
    bad |= fclose(f) != 0;
    if (bad)
        fprintf(stderr, "starter-faces: %s is incomplete\n", path);
    return bad ? -1 : 0;
}

static int portrait_run(struct options *o)
{
    int size = o->set.size ? o->set.size : 512;
    struct picture p = picture_choose(o);
    struct canvas *c = canvas_make(size, size > 1024 ? 2 : 3);
    uint8_t *rgb = malloc((size_t)size * (size_t)size * 3);
    int rc = -1;
    if (c && rgb) {
        char words[CAPTION_MAX];
        canvas_render(c, &p, rgb, NULL, NULL);
        caption_write(&p, (uint64_t)o->shot, words, sizeof words);
        rc = ppm_write(o->out, rgb, size, size);
        if (!rc)
            printf("%s\n", words);
    } else {
        fprintf(
            stderr,
            "starter-faces: not enough memory for a picture of side %d: ask for a smaller --size\n",
            size);
    }
    free(rgb);
    canvas_free(c);
    return rc;
}

static int sheet_run(struct options *o)
{
    int size = o->set.size ? o->set.size : 256, per = record_pictures(o->set.kind),
        cols = o->columns * per;
    size_t row = (size_t)size * 3, stride = row * (size_t)cols;
    struct canvas *c = canvas_make(size, 2);
    uint8_t *rgb = malloc(row * (size_t)size),
            *sheet = malloc(stride * (size_t)size * (size_t)o->rows);
    int rc = -1;
    for (int i = 0; c && rgb && sheet && i < o->columns * o->rows; i++) {
        struct picture p[RECORD_PICTURES];
        record_make(&o->set, i, p);
        for (int k = 0; k < per; k++) {
            canvas_render(c, &p[k], rgb, NULL, NULL);
            size_t x = (size_t)(i % o->columns * per + k),
                   y = (size_t)(i / o->columns) * (size_t)size;
            for (size_t r = 0; r < (size_t)size; r++)
                memcpy(sheet + (y + r) * stride + x * row, rgb + r * row, row);
        }
        char words[CAPTION_MAX];
        caption_write(&p[0], p[0].seed, words, sizeof words);
        printf("%s\n", words);
    }
    if (c && rgb && sheet)
        rc = ppm_write(o->out, sheet, size * cols, size * o->rows);
    else
        fprintf(stderr,
                "starter-faces: not enough memory for %d x %d pictures of side %d: ask for fewer "
                "or smaller ones\n",
                cols, o->rows, size);
    free(rgb);
    free(sheet);
    canvas_free(c);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {.set = {.count = 1, .threads = 1, .shots = 10, .scenes = 0.15f, .seed = 1},
                        .identity = 1,
                        .look = 1,
                        .shot = 1,
                        .yaw = AS_DRAWN,
                        .pitch = AS_DRAWN,
                        .roll = AS_DRAWN,
                        .height = AS_DRAWN,
                        .columns = 6,
                        .rows = 4};
    for (int i = 0; i < CLASS_COUNT; i++)
        o.chosen[i] = -1;
    const char *command = argc > 1 ? argv[1] : "--help";
    if (strcmp(command, "--help") == 0) {
        help_print();
        return argc > 1 ? 0 : 1;
    }
    if (options_parse(&o, argc, argv))
        return 1;
    if (strcmp(command, "portrait") == 0)
        return portrait_run(&o) ? 1 : 0;
    if (strcmp(command, "sheet") == 0)
        return sheet_run(&o) ? 1 : 0;
    if (strcmp(command, "set") == 0) {
        o.set.dir = o.out;
        o.set.masks = o.set.masks && !o.words;
        o.set.size = o.words ? 0 : o.set.size ? o.set.size : 128;
        return dataset_write(&o.set) ? 1 : 0;
    }
    fprintf(stderr, "starter-faces: no command '%s'; see --help\n", command);
    return 1;
}

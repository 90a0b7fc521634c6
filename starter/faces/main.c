/* SPDX-License-Identifier: MIT */
/*
 * starter-faces: portraits, contact sheets and data sets from the command line.
 */
#include <stdlib.h>
#include <string.h>

#include "dataset.h"

static const char help[] =
    "starter-faces portrait [--identity N] [--look N] [--shot N] [--size 512] -o out.ppm\n"
    "    any of: --gender --age --skin --hair --hair-style --beard --glasses --clothes\n"
    "            --clothes-colour --expression --light --place --background --scene --eyes NAME\n"
    "starter-faces sheet [--kind portrait] [--columns 6] [--rows 4] [--seed S] [--size 256] -o "
    "out.ppm\n"
    "starter-faces set --kind portrait|pair|wide|identity --count N [--seed S] [--size 128] "
    "[--size2 256]\n"
    "    [--masks] [--scenes 0.15] [--max-yaw DEG] [--shots 10] [--threads 1] --out DIR\n";

struct options {
    struct dataset set;
    long identity, look, shot;
    int chosen[CLASS_COUNT]; /* -1: as the seeds say */
    int columns, rows;
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

/* 1: taken, 0: unknown, -1: bad value. */
static int option_number(struct options *o, const char *name, const char *value)
{
    struct {
        const char *name;
        int *to;
    } ints[] = {
        {"size",    &o->set.size   },
        {"size2",   &o->set.size2  },
        {"threads", &o->set.threads},
        {"shots",   &o->set.shots  },
        {"columns", &o->columns    },
        {"rows",    &o->rows       }
    };
    struct {
        const char *name;
        long *to;
    } longs[] = {
        {"count",    &o->set.count},
        {"identity", &o->identity },
        {"look",     &o->look     },
        {"shot",     &o->shot     }
    };
    for (size_t i = 0; i < FACE_COUNT(ints); i++)
        if (strcmp(ints[i].name, name) == 0) {
            *ints[i].to = atoi(value);
            return 1;
        }
    for (size_t i = 0; i < FACE_COUNT(longs); i++)
        if (strcmp(longs[i].name, name) == 0) {
            *longs[i].to = atol(value);
            return 1;
        }
    return 0;
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
    if (strcmp(name, "seed") == 0)
        o->set.seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "scenes") == 0)
        o->set.scenes = (float)atof(value);
    else if (strcmp(name, "max-yaw") == 0)
        o->set.max_yaw = (float)atof(value);
    else if (strcmp(name, "out") == 0)
        o->out = value;
    else
        return option_number(o, name, value);
    return 1;
}

static int options_parse(struct options *o, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        const char *name = strcmp(argv[i], "-o") == 0 ? "--out" : argv[i];
        if (strcmp(name, "--masks") == 0) {
            o->set.masks = true;
            continue;
        }
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
    if (!o->out || o->set.threads < 1 || o->set.threads > 64 || o->set.shots < 1 ||
        o->set.count < 1 || o->columns < 1 || o->rows < 1) {
        fprintf(stderr,
                "starter-faces: --out is needed; counts are at least 1 and --threads at most 64\n");
        return -1;
    }
    return 0;
}

static void picture_choose(struct picture *p, const int *chosen)
{
    struct person *w = &p->person[0];
    int *to[CLASS_COUNT] = {[CLASS_GENDER] = &w->look.gender,
                            [CLASS_AGE] = &w->look.age,
                            [CLASS_SKIN] = &w->look.skin,
                            [CLASS_HAIR] = &w->look.hair,
                            [CLASS_HAIR_COLOUR] = &w->look.hair_colour,
                            [CLASS_BEARD] = &w->look.beard,
                            [CLASS_GLASSES] = &w->look.glasses,
                            [CLASS_CLOTHES] = &w->look.clothes,
                            [CLASS_CLOTHES_COLOUR] = &w->look.clothes_colour,
                            [CLASS_EXPRESSION] = &w->shot.expression,
                            [CLASS_LIGHT] = &w->shot.light,
                            [CLASS_PLACE] = &w->shot.place,
                            [CLASS_WALL] = &w->shot.wall,
                            [CLASS_SCENE] = &p->scene,
                            [CLASS_EYES] = &w->id.eyes};
    for (int i = 0; i < CLASS_COUNT; i++)
        if (chosen[i] >= 0)
            *to[i] = chosen[i];
    if (chosen[CLASS_WALL] >= 0 && chosen[CLASS_PLACE] < 0)
        w->shot.place = PLACE_COLOUR;
    if (chosen[CLASS_SCENE] >= 0)
        p->people = 0;
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
    int bad = fwrite(rgb, 1, n, f) != n;
    return fclose(f) || bad ? -1 : 0;
}

static int portrait_run(struct options *o)
{
    int size = o->set.size ? o->set.size : 512, gender = o->chosen[CLASS_GENDER];
    struct picture p = {.people = 1, .seed = (uint64_t)o->shot};
    struct look k = look_make((uint64_t)o->look, gender);
    p.person[0] = (struct person){identity_make((uint64_t)o->identity, k.gender), k,
                                  shot_make((uint64_t)o->shot, 0.35f)};
    picture_choose(&p, o->chosen);
    struct canvas *c = canvas_make(size, size > 1024 ? 2 : 3);
    uint8_t *rgb = malloc((size_t)size * (size_t)size * 3);
    int rc = -1;
    if (c && rgb) {
        char words[CAPTION_MAX];
        canvas_render(c, &p, rgb, NULL, NULL);
        caption_write(&p, (uint64_t)o->shot, words, sizeof words);
        rc = ppm_write(o->out, rgb, size, size);
        printf("%s\n", words);
    } else {
        fprintf(stderr, "starter-faces: no canvas of side %d: --size must be 16..2048\n", size);
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
        fprintf(stderr, "starter-faces: no canvas of side %d: --size must be 16..2048\n", size);
    free(rgb);
    free(sheet);
    canvas_free(c);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {
        .set = {.count = 1, .threads = 1, .shots = 10, .scenes = 0.15f, .seed = 1},
        .identity = 1,
        .look = 1,
        .shot = 1,
        .columns = 6,
        .rows = 4
    };
    for (int i = 0; i < CLASS_COUNT; i++)
        o.chosen[i] = -1;
    const char *command = argc > 1 ? argv[1] : "--help";
    if (strcmp(command, "--help") == 0) {
        fputs(help, stdout);
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
        o.set.size = o.set.size ? o.set.size : 128;
        return dataset_write(&o.set) ? 1 : 0;
    }
    fprintf(stderr, "starter-faces: no command '%s'\n%s", command, help);
    return 1;
}

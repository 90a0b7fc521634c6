// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "set/dataset.h"
#include "support/check.h"
#include "support/temp.h"

enum { SIDE = 32 };

static struct dataset set(int kind, const char *dir)
{
    return (struct dataset){.kind = kind,
                            .size = SIDE,
                            .threads = 1,
                            .shots = 4,
                            .count = 70,
                            .seed = 3,
                            .scenes = 0.2f,
                            .dir = dir};
}

/* malloc'd bytes of DIR/NAME; *size its length. */
static uint8_t *read_all(const char *dir, const char *name, size_t *size)
{
    char *path = test_format("%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("no file %s", path);
    free(path);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    bytes[*size] = 0;
    return bytes;
}

static void files_have_the_sizes_that_the_labels_promise(void **state)
{
    (void)state;
    char *dir = test_temp_dir();
    struct dataset d = set(KIND_PAIR, dir);
    size_t n;
    d.masks = true;
    assert_int_equal(dataset_write(&d), 0);
    static const char *const suffix[3] = {"_a", "_b", "_ab"};
    static const struct {
        const char *name;
        size_t bytes;
    } files[] = {{"images", 70 * SIDE * SIDE * 3}, {"masks", 70 * SIDE * SIDE}};
    for (size_t i = 0; i < COUNT_OF(suffix) * COUNT_OF(files); i++) {
        char *name = test_format("%s%s.u8", files[i / 3].name, suffix[i % 3]);
        free(read_all(dir, name, &n));
        assert_int_equal(n, files[i / 3].bytes);
        free(name);
    }
    free(read_all(dir, "labels_ab.f32", &n));
    assert_int_equal(n, 70 * sizeof(float) * (size_t)label_count());
    char *names = (char *)read_all(dir, "labels.tsv", &n), *rest = NULL;
    int columns = 0;
    for (char *line = strtok_r(names, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        columns += line[0] != '#';
    assert_int_equal(columns, label_count());
    free(names);
    int lines = 0;
    uint8_t *captions = read_all(dir, "captions.txt", &n);
    for (size_t i = 0; i < n; i++)
        lines += captions[i] == '\n';
    assert_int_equal(lines, 70);
    free(captions);
    test_temp_remove(dir);
}

static void a_set_of_words_has_no_pictures(void **state)
{
    (void)state;
    char *dir = test_temp_dir();
    struct dataset d = set(KIND_PORTRAIT, dir);
    d.size = 0;
    assert_int_equal(dataset_write(&d), 0);
    char *pictures = test_format("%s/images.u8", dir);
    assert_null(fopen(pictures, "rb"));
    size_t n;
    free(read_all(dir, "labels.f32", &n));
    assert_int_equal(n, 70 * sizeof(float) * (size_t)label_count());
    free(pictures);
    test_temp_remove(dir);
}

static void threads_do_not_change_the_files(void **state)
{
    (void)state;
    char *one = test_temp_dir(), *three = test_temp_dir();
    struct dataset d = set(KIND_PORTRAIT, one);
    d.groups = 0.3f;
    assert_int_equal(dataset_write(&d), 0);
    d.dir = three;
    d.threads = 3;
    assert_int_equal(dataset_write(&d), 0);
    static const char *const names[] = {"images.u8", "labels.f32", "captions.txt", "labels.tsv"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t n, m;
        uint8_t *a = read_all(one, names[i], &n), *b = read_all(three, names[i], &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
        free(a);
        free(b);
    }
    test_temp_remove(one);
    test_temp_remove(three);
}

/* render(identity B, look A, shot A), and a source that shares only the identity. */
static void a_pair_holds_the_answer_of_the_swap(void **state)
{
    (void)state;
    struct dataset d = set(KIND_PAIR, NULL);
    int same = 0;
    for (long i = 0; i < 400; i++) {
        struct picture p[RECORD_PICTURES];
        record_make(&d, i, p);
        const struct person *a = &p[0].person[0], *b = &p[1].person[0], *ab = &p[2].person[0];
        assert_memory_equal(&ab->id, &b->id, sizeof ab->id);
        assert_memory_equal(&ab->look, &a->look, sizeof ab->look);
        assert_memory_equal(&ab->shot, &a->shot, sizeof ab->shot);
        assert_true(b->shot.seed != a->shot.seed && b->look.seed != a->look.seed);
        assert_int_equal(record_identity(&d, i, 1), record_identity(&d, i, 2));
        bool equal = record_identity(&d, i, 0) == record_identity(&d, i, 1);
        assert_true(equal == (a->id.seed == b->id.seed));
        same += equal;
    }
    assert_in_range(same, 60, 120);
}

static void an_identity_keeps_its_geometry_over_its_shots(void **state)
{
    (void)state;
    struct dataset d = set(KIND_IDENTITY, NULL);
    for (long i = 0; i < 40; i++) {
        struct picture p[RECORD_PICTURES], q[RECORD_PICTURES];
        record_make(&d, i, p);
        record_make(&d, i - i % 4, q);
        assert_int_equal(record_identity(&d, i, 0), i / 4);
        assert_memory_equal(&p[0].person[0].id, &q[0].person[0].id, sizeof p[0].person[0].id);
        assert_true(i % 4 == 0 || p[0].person[0].shot.seed != q[0].person[0].shot.seed);
    }
}

static void classes_that_are_not_shown_are_minus_one(void **state)
{
    (void)state;
    struct dataset d = set(KIND_PORTRAIT, NULL);
    float *row = malloc(sizeof *row * (size_t)label_count());
    assert_non_null(row);
    int scenes = 0;
    for (long i = 0; i < 100; i++) {
        struct picture p[RECORD_PICTURES];
        struct face_truth t = {.box = {1, 2, 3, 4}};
        record_make(&d, i, p);
        label_row(p, &t, i, row);
        assert_float_equal(row[0], p[0].people, 0);
        /* has_person people identity seed gender box_0 … : the first columns are fixed */
        assert_float_equal(row[2], p[0].people ? (float)i : -1, 0);
        assert_float_equal(row[5], p[0].people ? 1 : 0, 0);
        scenes += !p[0].people;
    }
    assert_in_range(scenes, 8, 35);
    free(row);
}

/* Light, pose or years differ; identity, and all else of look and shot, does not. */
static void changed_pictures_differ_in_one_thing(void **state)
{
    (void)state;
    const float degree = 0.01745329f;
    for (int kind = KIND_RELIT; kind <= KIND_AGED; kind++)
        for (long i = 0; i < 500; i++) {
            struct dataset d = set(kind, NULL);
            struct picture p[RECORD_PICTURES];
            record_make(&d, i, p);
            assert_int_equal(record_pictures(kind), 2);
            assert_int_equal(record_identity(&d, i, 0), record_identity(&d, i, 1));
            const struct person *a = &p[0].person[0];
            struct person b = p[1].person[0];
            if (kind == KIND_RELIT) {
                assert_true(a->shot.light != b.shot.light);
                assert_true(a->shot.light_x * b.shot.light_x < 0);
                b.shot.light = a->shot.light;
                b.shot.light_x = a->shot.light_x;
                b.shot.light_y = a->shot.light_y;
            } else if (kind == KIND_TURNED) {
                assert_true(fabsf(a->shot.yaw - b.shot.yaw) >= 15 * degree);
                assert_true(fabsf(b.shot.yaw) <= 45.1f * degree);
                b.shot.yaw = a->shot.yaw;
                b.shot.pitch = a->shot.pitch;
                b.shot.roll = a->shot.roll;
                b.shot.gaze = a->shot.gaze;
            } else {
                struct look then = b.look;
                assert_true(abs(a->look.years - b.look.years) >= 15);
                assert_in_range(b.look.years, 5, 85);
                assert_int_equal(b.look.age, age_group(b.look.years));
                assert_true(b.look.beard == BEARD_NONE || b.look.years >= 18);
                b.look = a->look;
                b.shot.front = a->shot.front; /* goes where the hair has gone that fell over it */
                assert_int_equal(then.skin, b.look.skin);
                assert_int_equal(then.clothes, b.look.clothes);
                assert_int_equal(then.glasses, b.look.glasses);
                assert_int_equal(then.hat, b.look.hat);
            }
            assert_memory_equal(a, &b, sizeof b);
        }
}

static void groups_stand_side_by_side(void **state)
{
    (void)state;
    struct dataset d = set(KIND_PORTRAIT, NULL);
    int groups = 0, alone = 0;
    d.groups = 0.5f;
    for (long i = 0; i < 1000; i++) {
        struct picture p[RECORD_PICTURES];
        record_make(&d, i, p);
        alone += p->people == 1;
        if (p->people < 2)
            continue;
        groups++;
        for (int k = 0; k < p->people; k++) {
            const struct shot *s = &p->person[k].shot, *first = &p->person[0].shot;
            assert_true(s->height >= 0.28f && s->height <= 0.38f);
            assert_true(k == 0 || s->height >= p->person[k - 1].shot.height);
            assert_true(s->place == first->place && s->light == first->light);
            for (int j = 0; j < k; j++) /* a face is about 0.8 as wide as it is high */
                assert_true(fabsf(s->cx - p->person[j].shot.cx) > 0.85f * s->height);
        }
    }
    assert_in_range(groups, 330, 470);
    assert_in_range(alone, 330, 470);
}

static void wide_pictures_turn_far_and_come_close(void **state)
{
    (void)state;
    struct dataset d = set(KIND_WIDE, NULL);
    int close = 0, turned = 0, people[4] = {0};
    for (long i = 0; i < 1000; i++) {
        struct picture p[RECORD_PICTURES];
        record_make(&d, i, p);
        people[p->people]++;
        for (int k = 0; k < p->people; k++) {
            assert_true(p->person[k].shot.height <= 0.75f);
            close += p->person[k].shot.height > 0.6f;
            turned += fabsf(p->person[k].shot.yaw) > 0.785f;
        }
    }
    assert_in_range(close, 30, 120);
    assert_true(turned > 50);
    for (int i = 0; i < 4; i++)
        assert_true(people[i] > 100);
}

/* Balanced over gender, age group and skin; every value of every class comes about. */
static void looks_are_balanced(void **state)
{
    (void)state;
    enum { N = 6000 };
    static int seen[CLASS_COUNT][32];
    struct dataset d = set(KIND_PORTRAIT, NULL);
    for (long i = 0; i < N; i++) {
        struct picture p[RECORD_PICTURES];
        record_make(&d, i, p);
        const struct look *k = &p->person[0].look;
        for (int c = 0; c < CLASS_COUNT; c++) {
            assert_in_range(picture_class(p, c), 0, classes[c].count - 1);
            seen[c][picture_class(p, c)]++;
        }
        assert_in_range(k->years, 5, 85);
        assert_int_equal(k->age, age_group(k->years));
        assert_true(k->beard == BEARD_NONE || (k->gender == MAN && k->years >= 18));
        assert_true(k->clothes != CLOTHES_DRESS || k->gender == WOMAN);
        assert_true(k->hat == HAT_NONE || (k->hair != HAIR_AFRO && k->hair != HAIR_BUN));
        assert_true(k->earrings == EARRINGS_NONE || k->years >= 8);
        for (int g = 0; g < G_COUNT; g++)
            assert_true(fabsf(p->person[0].id.g[g]) <= G_MOST);
    }
    for (int c = 0; c < CLASS_COUNT; c++)
        for (int v = 0; v < classes[c].count; v++)
            assert_true(seen[c][v] > N / 200 || (seen[c][v] > 10 && c != CLASS_GENDER));
    assert_in_range(seen[CLASS_GENDER][WOMAN], N * 46 / 100, N * 54 / 100);
    for (int v = 0; v < AGE_COUNT; v++)
        assert_true(seen[CLASS_AGE][v] > N / 6);
    for (int v = 0; v < SKIN_COUNT; v++)
        assert_true(seen[CLASS_SKIN][v] > N / 8);
    assert_in_range(N - seen[CLASS_GLASSES][GLASSES_NONE], N * 27 / 100, N * 33 / 100);
    assert_in_range(N - seen[CLASS_HAT][HAT_NONE], N * 20 / 100, N * 26 / 100);
    for (int v = 0; v < HAIR_COUNT; v++)
        assert_true(seen[CLASS_HAIR][v] > N * 2 / 100);
    assert_in_range(N - seen[CLASS_FRONT][FRONT_NOTHING], N * 5 / 100, N * 9 / 100);
}

static void a_folder_that_cannot_be_made_is_said(void **state)
{
    (void)state;
    struct dataset d = set(KIND_PORTRAIT, "/proc/nowhere/set");
    assert_int_equal(dataset_write(&d), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_the_sizes_that_the_labels_promise),
        cmocka_unit_test(a_set_of_words_has_no_pictures),
        cmocka_unit_test(threads_do_not_change_the_files),
        cmocka_unit_test(a_pair_holds_the_answer_of_the_swap),
        cmocka_unit_test(an_identity_keeps_its_geometry_over_its_shots),
        cmocka_unit_test(classes_that_are_not_shown_are_minus_one),
        cmocka_unit_test(changed_pictures_differ_in_one_thing),
        cmocka_unit_test(groups_stand_side_by_side),
        cmocka_unit_test(wide_pictures_turn_far_and_come_close),
        cmocka_unit_test(looks_are_balanced),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

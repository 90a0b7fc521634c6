// SPDX-License-Identifier: Apache-2.0
/* Data sets: what each record holds, and its rows of labels.
 */
#ifndef STARTER_FACES_DATASET_H
#define STARTER_FACES_DATASET_H

#include <stdio.h>

#include "faces.h"

enum {
    KIND_PORTRAIT,
    KIND_PAIR,
    KIND_WIDE,
    KIND_IDENTITY,
    KIND_RELIT,  /* two pictures that differ in the light only */
    KIND_TURNED, /* in the pose only */
    KIND_AGED,   /* in the years, and what follows from them, only */
    KIND_COUNT
};
enum { RECORD_PICTURES = 3, CAPTION_MAX = 400, DATASET_THREADS = 64 };

extern const char *const kind_names[KIND_COUNT];

struct dataset {
    int kind, threads; /* threads: 1..DATASET_THREADS; the files are the same with any number */
    int shots;         /* of each identity, in KIND_IDENTITY */
    int size;          /* side of the pictures; 0: captions and labels alone */
    long count;
    uint64_t seed;
    float scenes;  /* share of portraits without people */
    float groups;  /* share of the other portraits with two or three people */
    float max_yaw; /* degrees; 0: the kind's own */
    bool masks;
    const char *dir;
};

/* Number of pictures in a record of this kind, and the suffix of their files. */
int record_pictures(int kind);
const char *record_suffix(int kind, int picture);
/* Fills p[0 .. record_pictures-1]. */
void record_make(const struct dataset *d, long index, struct picture p[RECORD_PICTURES]);
/* Identity number of a person in a record, as labels count them. */
long record_identity(const struct dataset *d, long index, int picture);

/* Row of labels [label_count()] and the names of its columns. */
int label_count(void);
void label_names(FILE *out);
void label_row(const struct picture *p, const struct face_truth *t, long identity, float *row);

/* Writes the files; 0, or -1 after a message on stderr. */
int dataset_write(const struct dataset *d);

#endif

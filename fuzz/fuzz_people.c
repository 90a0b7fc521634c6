// SPDX-License-Identifier: Apache-2.0
/* --face: places, names and lists of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/choosing.h"
#include "pipeline/request_people.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lk__face_report faces[3];

static void choose(const struct lk_person *person)
{
    struct lk__place place;
    const struct lk__sight sight = {
        .faces = faces, .n = 3, .width = 100, .height = 100, .same_person = 0.4f};
    if (!lk__place_read(person->place, &place))
        abort();
    for (size_t i = 0; i < 3; i++)
        lk__place_takes(&place, &sight, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lk_request request = {.n_people = 0};
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    lk__request_add_people(&request, text, "--face", NULL);
    for (int i = 0; i < request.n_people; i++) {
        choose(&request.people[i]);
        lk__person_free(&request.people[i]);
    }
    free(text);
    return 0;
}

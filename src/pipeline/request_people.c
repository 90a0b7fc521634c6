// SPDX-License-Identifier: Apache-2.0
#include "pipeline/request_people.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/faces/choosing.h"

enum { LONGEST_PLACE = 5000 }; /* the path of like: is in it */

void lk__person_free(struct lk_person *person)
{
    free(person->photo);
    for (int i = 0; i < LK_PHOTOS_MAX; i++)
        free(person->more[i]);
    free(person->place);
    free(person->like);
    *person = (struct lk_person){0};
}

static int copy(const char *from, char **to, const char *label, struct lk_error *err)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? lk_fail_memory(err, label, strlen(from)) : 0;
}

static int check_person(const struct lk_person *person, const char *label, struct lk_error *err)
{
    struct lk__place place;
    if (!person->photo || !*person->photo)
        return lk_fail(err, LK_E_INPUT, "%s: nobody is named: give [PLACE=]NAME or [PLACE=]PHOTO",
                       label);
    if (!lk__place_read(person->place, &place))
        return lk_fail(err, LK_E_INPUT,
                       "%s: place '%.80s' is none of largest, smallest, left, right, top, bottom, "
                       "best, worst, center, at:XxY, like, all or an index, with woman+, man+ or "
                       "age:LOW-HIGH+ before it",
                       label, person->place);
    if (lk__place_is_likeness(&place) != (person->like && *person->like))
        return lk_fail(err, LK_E_INPUT,
                       "%s: the place 'like' and the name or photo of whom the face looks like "
                       "belong together",
                       label);
    return 0;
}

int lk__request_add_person(struct lk_request *request,
                           const struct lk_person *person,
                           const char *label,
                           struct lk_error *err)
{
    struct lk_person made = {0};
    if (request->n_people == LK_PEOPLE_MAX)
        return lk_fail(err, LK_E_INPUT, "%s: more than %d people", label, LK_PEOPLE_MAX);
    int rc = check_person(person, label, err);
    rc = rc ? rc : copy(person->photo, &made.photo, label, err);
    rc = rc ? rc : copy(person->place, &made.place, label, err);
    rc = rc ? rc : copy(person->like, &made.like, label, err);
    for (int i = 0; i < LK_PHOTOS_MAX && person->more[i] && !rc; i++)
        rc = copy(person->more[i], &made.more[i], label, err);
    if (rc)
        lk__person_free(&made);
    else
        request->people[request->n_people++] = made;
    return rc;
}

int lk__request_add_photo(struct lk_request *request,
                          const char *photo,
                          const char *label,
                          struct lk_error *err)
{
    int n = 0;
    if (!request->n_people)
        return lk_fail(err, LK_E_INPUT, "%s: of whom '%.200s' is a photo --face says before it",
                       label, photo);
    struct lk_person *person = &request->people[request->n_people - 1];
    while (n < LK_PHOTOS_MAX && person->more[n])
        n++;
    if (!*photo)
        return lk_fail(err, LK_E_INPUT, "%s: no photo is named", label);
    if (n == LK_PHOTOS_MAX)
        return lk_fail(err, LK_E_INPUT, "%s: more than %d more photos of one person", label,
                       LK_PHOTOS_MAX);
    return copy(photo, &person->more[n], label, err);
}

/* Where the PLACE of a text ends, at its first '='; NULL: it has none. Of like:NAME the place is
 * what stands before the colon, and the name is cut out too. text is changed only then. */
static char *split_place(char *text, struct lk_person *person)
{
    struct lk__place place;
    char *equals = strchr(text, '=');
    if (!equals)
        return NULL;
    *equals = 0;
    char *like = strstr(text, "like:");
    like = like && (like == text || like[-1] == '+') ? like + 4 : NULL;
    if (like)
        *like = 0;
    if (lk__place_read(text, &place)) {
        person->place = text;
        person->like = like ? like + 1 : NULL;
        return equals + 1;
    }
    if (like)
        *like = ':';
    *equals = '=';
    return NULL;
}

/* The comma behind which the next PLACE= stands; NULL: there is none. */
static char *next_person(char *text)
{
    for (char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ',')) {
        struct lk_person next = {0};
        const char *equals = strchr(comma, '=');
        if (!equals || equals - comma > LONGEST_PLACE)
            continue;
        char *rest = strndup(comma + 1, (size_t)(equals - comma));
        bool is_next = rest && split_place(rest, &next);
        free(rest);
        if (is_next)
            return comma;
    }
    return NULL;
}

int lk__request_add_people(struct lk_request *request,
                           const char *text,
                           const char *label,
                           struct lk_error *err)
{
    char *words = NULL;
    int rc = copy(text, &words, label, err);
    for (char *at = words; at && !rc;) {
        struct lk_person person = {0};
        char *photo = split_place(at, &person);
        person.photo = photo ? photo : at;
        char *comma = next_person(person.photo);
        if (comma)
            *comma = 0;
        rc = lk__request_add_person(request, &person, label, err);
        at = comma ? comma + 1 : NULL;
    }
    free(words);
    return rc;
}

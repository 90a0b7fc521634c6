// SPDX-License-Identifier: Apache-2.0
/* The XMP packet that says, in the words of IPTC, that a picture was made by a trained model. */
#ifndef LK_STAGES_MARK_XMP_H
#define LK_STAGES_MARK_XMP_H

#include <stddef.h>

#include "base/error.h"

/* IPTC's Digital Source Type NewsCodes. */
enum lk_source {
    LK_SOURCE_UNKNOWN,   /* no statement, or one we do not know */
    LK_SOURCE_GENERATED, /* trainedAlgorithmicMedia: all of it made by a model */
    LK_SOURCE_COMPOSITE, /* compositeWithTrainedAlgorithmicMedia: a real picture changed by one */
};

/* "http://cv.iptc.org/newscodes/digitalsourcetype/…"; NULL for LK_SOURCE_UNKNOWN. */
const char *lk_source_uri(enum lk_source source);

struct lk_xmp {
    enum lk_source source; /* not LK_SOURCE_UNKNOWN */
    const char *version;   /* of likeness, lk_version() */
    const char *model;     /* name of the model that drew; NULL: left out */
    const char *prompt;    /* NULL: left out; cut at LK_XMP_PROMPT_MAX bytes */
    const char *aigc;      /* the label of GB 45438-2025, a JSON object; NULL: left out */
};

/* A JPEG holds one packet of 65,502 bytes at most, and one byte may need six ("&quot;"). */
#define LK_XMP_PROMPT_MAX 8192
#define LK_XMP_AIGC_MAX 1024

/* malloc'd, UTF-8, the caller frees. Well-formed whatever the strings hold: markup is escaped, what
 * XML cannot carry (control bytes, broken UTF-8) becomes U+FFFD. */
int lk_xmp_write(const struct lk_xmp *xmp, char **out, struct lk_error *err);

/* What a packet of any program states. */
struct lk_xmp_found {
    enum lk_source source;
    char source_uri[160]; /* as it stands there; empty when absent */
    char creator[160];    /* CreatorTool; empty when absent */
    char aigc[1024];      /* TC260:AIGC, as it stands there; empty when absent */
};

/* Never fails: looks for the three properties, written as attribute, element or resource, in the
 * first MiB. */
void lk_xmp_read(const char *packet, size_t size, struct lk_xmp_found *out);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Letters as the prompt grammar sees them: bytes. All of a letter beyond ASCII is of a word. */
#ifndef LK_STAGES_TEXT_LETTERS_H
#define LK_STAGES_TEXT_LETTERS_H

#include <stdbool.h>
#include <string.h>

static inline bool lk__is_space(char c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static inline bool lk__is_word(char c)
{
    const unsigned char u = (unsigned char)c;
    return u >= 0x80 || u == '_' || (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') ||
           (u >= 'a' && u <= 'z');
}

/* The first `word` in text [size] that stands alone, or NULL. */
static inline const char *lk__find_word(const char *text, size_t size, const char *word)
{
    const size_t length = strlen(word);
    const char *const end = text + size;
    const char *at = text;
    while ((at = memmem(at, (size_t)(end - at), word, length))) {
        if ((at == text || !lk__is_word(at[-1])) &&
            (at + length == end || !lk__is_word(at[length])))
            return at;
        at++;
    }
    return NULL;
}

#endif

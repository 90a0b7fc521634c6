// SPDX-License-Identifier: Apache-2.0
/* The rule file, line by line. A line that begins with white space belongs to the heading above:
 *
 *     list child              names person              rule sexual refuse
 *         child, toddler          Ada Lovelace              says asks for sexual content
 *         {0-12} year old                                   when explicit unless medical
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/judge/policy/rules.h"

enum { MAX_LINE = 4096, MAX_PATTERNS = 8, MAX_NAME = 32 };

struct reader {
    struct lk__rules *rules;
    const char *path;
    int line;
    bool ours;
    struct lk_error *err;
    int list;              /* that entries go to; −1: none */
    struct lk__rule *rule; /* that the lines are of; NULL: none */
    bool locked;           /* the rule is ours and of level always, the file is not ours */
};

static int wrong(const struct reader *r, const char *what, const char *text)
{
    return lk_fail(r->err, LK_E_INPUT, "'%s' line %d: %s%s%.60s%s", r->path, r->line, what,
                   *text ? ": '" : "", text, *text ? "'" : "");
}

static int no_memory(const struct reader *r)
{
    return lk_fail_memory(r->err, "the policy's rules", 0);
}

/* Cuts the first word off a line: returns it, *rest is what follows. */
static char *first_word(char *line, char **rest)
{
    line += strspn(line, " \t");
    size_t n = strcspn(line, " \t");
    *rest = line + n + strspn(line + n, " \t");
    line[n] = 0;
    return line;
}

/* ---- lists ---- */

static bool is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n < MAX_NAME && !text[n];
}

static int list_of(const struct lk__rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->lists; i++) {
        if (!strcmp(rules->list[i].name, name))
            return (int)i;
    }
    return -1;
}

static int open_list(struct reader *r, const char *name, bool spoken)
{
    struct lk__rules *rules = r->rules;
    r->rule = NULL;
    r->list = list_of(rules, name);
    if (r->list >= 0)
        return rules->list[r->list].spoken == spoken ? 0 : wrong(r, "a list is no names", name);
    if (!is_name(name))
        return wrong(r, "a list has a name of small letters, digits and -", name);
    if (rules->lists == LK__LISTS_MAX)
        return wrong(r, "there are too many lists", name);
    char *kept = lk_arena_strdup(rules->arena, name);
    if (!kept)
        return no_memory(r);
    r->list = (int)rules->lists++;
    rules->list[r->list] = (struct lk__list){.name = kept, .spoken = spoken};
    return 0;
}

/* ---- entries ---- */

/* "{0-17}" */
static int read_number(struct reader *r, const char *text, struct lk__pattern *out)
{
    int used = 0;
    out->kind = LK__PATTERN_NUMBER;
    if (sscanf(text, "{%3d-%3d}%n", &out->low, &out->high, &used) != 2 || !used || text[used] ||
        out->low < 0 || out->low > out->high)
        return wrong(r, "a range of numbers is written {LOW-HIGH}", text);
    return 0;
}

/* All letters of what stands between two spaces; 0 when it holds a comma or nothing. */
static size_t count_letters(const struct lk__words *words)
{
    size_t n = words->count ? words->word[0].length : 0;
    for (size_t i = 1; i < words->count; i++)
        n = words->word[i].before == LK__BREAK_NONE && n ? n + words->word[i].length : 0;
    return n;
}

/* "ak-47" is read as a prompt's would be: one word, however it is parted. */
static int read_letters(struct reader *r, const char *text, size_t n, struct lk__pattern *out)
{
    char *word = lk_arena_strndup(r->rules->arena, text, n);
    struct lk__words words;
    if (!word)
        return no_memory(r);
    int rc = lk__words_of(word, "it", &words, NULL);
    if (rc)
        return rc == LK_E_INPUT ? wrong(r, "not valid UTF-8", "") : no_memory(r);
    size_t whole = count_letters(&words);
    int32_t *letters = lk_arena_alloc(r->rules->arena, whole + 1, sizeof *letters);
    if (letters)
        memcpy(letters, words.letters, whole * sizeof *letters);
    lk__words_free(&words);
    if (!letters)
        return no_memory(r);
    if (whole == 0)
        return wrong(r, "no letters and no digits", word);
    out->letters = letters;
    out->length = whole;
    return 0;
}

static int read_pattern(struct reader *r, const char *text, struct lk__pattern *out)
{
    size_t n = strlen(text);
    bool front = n > 1 && text[0] == '*', back = n > 1 && text[n - 1] == '*';
    if (*text == '{')
        return read_number(r, text, out);
    if (front && !back)
        return wrong(r, "a part of a word is written *part*", text);
    out->kind = front ? LK__PATTERN_PART : back ? LK__PATTERN_START : LK__PATTERN_WORD;
    int rc = read_letters(r, text + front, n - front - back, out);
    if (!rc && out->kind != LK__PATTERN_WORD && out->length < 3 &&
        !lk__letter_runs_on(out->letters[0]))
        return wrong(r, "less than three letters and * would be in too many words", text);
    if (!rc && lk__letter_runs_on(out->letters[0]))
        out->kind = LK__PATTERN_PART;
    return rc;
}

static int keep_entry(struct reader *r,
                      const struct lk__pattern *patterns,
                      size_t n,
                      const char *text)
{
    struct lk__rules *rules = r->rules;
    bool anywhere = patterns[0].kind == LK__PATTERN_PART || patterns[0].kind == LK__PATTERN_NUMBER;
    int bucket = anywhere ? LK__BUCKETS : patterns[0].letters[0] % LK__BUCKETS;
    struct lk__pattern *kept = lk_arena_alloc(rules->arena, n, sizeof *kept);
    struct lk__entry *entry = lk_arena_alloc(rules->arena, 1, sizeof *entry);
    const char *spoken = rules->list[r->list].spoken ? lk_arena_strdup(rules->arena, text) : NULL;
    if (!kept || !entry || (rules->list[r->list].spoken && !spoken))
        return no_memory(r);
    memcpy(kept, patterns, n * sizeof *kept);
    *entry = (struct lk__entry){.list = r->list,
                                .ours = r->ours,
                                .spoken = spoken,
                                .pattern = kept,
                                .length = n,
                                .next = rules->bucket[bucket]};
    rules->bucket[bucket] = entry;
    return 0;
}

/* One phrase, its words parted by spaces. */
static int read_entry(struct reader *r, char *text)
{
    struct lk__pattern patterns[MAX_PATTERNS] = {{0}};
    size_t n = 0;
    char *kept = lk_arena_strdup(r->rules->arena, text);
    if (!kept)
        return no_memory(r);
    for (char *word = first_word(text, &text); *word; word = first_word(text, &text)) {
        if (n == MAX_PATTERNS)
            return wrong(r, "a phrase of more than 8 words", kept);
        int rc = read_pattern(r, word, &patterns[n++]);
        if (rc)
            return rc;
    }
    return n ? keep_entry(r, patterns, n, kept) : 0;
}

static int read_entries(struct reader *r, char *line)
{
    while (line) {
        char *comma = strchr(line, ',');
        if (comma)
            *comma = 0;
        line += strspn(line, " \t");
        for (size_t n = strlen(line); n > 0 && strchr(" \t", line[n - 1]);)
            line[--n] = 0;
        int rc = read_entry(r, line);
        if (rc)
            return rc;
        line = comma ? comma + 1 : NULL;
    }
    return 0;
}

/* ---- rules ---- */

const char *lk_policy_level_name(enum lk_policy_level level)
{
    static const char *const names[] = {[LK_POLICY_OFF] = "off",
                                        [LK_POLICY_WARN] = "warn",
                                        [LK_POLICY_REFUSE] = "refuse",
                                        [LK_POLICY_ALWAYS] = "always"};
    return names[level];
}

static bool read_level(const char *text, enum lk_policy_level *out)
{
    for (enum lk_policy_level level = LK_POLICY_OFF; level <= LK_POLICY_ALWAYS; level++) {
        if (!strcmp(text, lk_policy_level_name(level))) {
            *out = level;
            return true;
        }
    }
    return false;
}

static struct lk__rule *find_rule(struct lk__rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (!strcmp(rules->rule[i].row.name, name))
            return &rules->rule[i];
    }
    return NULL;
}

/* "rule NAME LEVEL" */
static int open_rule(struct reader *r, char *rest)
{
    char *level_word, *end;
    enum lk_policy_level level = LK_POLICY_OFF;
    char *name = first_word(rest, &level_word);
    level_word = first_word(level_word, &end);
    if (!is_name(name))
        return wrong(r, "a rule has a name of small letters, digits and -", name);
    if (!read_level(level_word, &level) || *end)
        return wrong(r, "a rule's level is off, warn, refuse or always", level_word);
    r->list = -1;
    r->rule = find_rule(r->rules, name);
    r->locked = r->rule && r->rule->row.level == LK_POLICY_ALWAYS && !r->ours;
    if (r->locked && level != LK_POLICY_ALWAYS)
        return wrong(r, "this rule is of level always, which nobody can lower", name);
    if (r->rule) {
        r->rule->row.level = level;
        return 0;
    }
    if (r->rules->count == LK__RULES_MAX)
        return wrong(r, "there are too many rules", name);
    if (!(name = lk_arena_strdup(r->rules->arena, name)))
        return no_memory(r);
    r->rule = &r->rules->rule[r->rules->count++];
    r->rule->row = (struct lk_policy_rule){
        .name = name, .level = level, .says = "", .remedy = "ask for something else"};
    return 0;
}

/* "when LIST negative:LIST unless LIST" */
static int read_clause(struct reader *r, char *rest)
{
    struct lk__clause *clause = lk_arena_alloc(r->rules->arena, 1, sizeof *clause);
    bool unless = false;
    if (!clause)
        return no_memory(r);
    for (char *word = first_word(rest, &rest); *word; word = first_word(rest, &rest)) {
        if (!strcmp(word, "unless")) {
            unless = true;
            continue;
        }
        struct lk__term term = {.unless = unless};
        const char *name = word;
        if (!strncmp(word, "negative:", 9)) {
            term.negative = true;
            name += 9;
        }
        term.list = list_of(r->rules, name);
        if (term.list < 0)
            return wrong(r, "there is no such list above", name);
        if (clause->length == LK__CLAUSE_TERMS_MAX)
            return wrong(r, "too many lists in one line", name);
        clause->term[clause->length++] = term;
    }
    if (clause->length == 0 || clause->term[0].unless)
        return wrong(r, "when: name a list", "");
    clause->next = r->rule->clauses;
    r->rule->clauses = clause;
    return 0;
}

static int read_from(struct reader *r, const char *text)
{
    char *end;
    float value = strtof(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1))
        return wrong(r, "from: a number from 0 to 1", text);
    r->rule->row.from = value;
    return 0;
}

static int read_rule_line(struct reader *r, char *line)
{
    char *rest;
    const char *key = first_word(line, &rest);
    if (!strcmp(key, "when"))
        return read_clause(r, rest);
    if (r->locked)
        return wrong(r, "a rule of level always may only be given more 'when' lines", key);
    if (!strcmp(key, "from"))
        return read_from(r, rest);
    const char **text = !strcmp(key, "says")     ? &r->rule->row.says
                        : !strcmp(key, "remedy") ? &r->rule->row.remedy
                                                 : NULL;
    if (!text)
        return wrong(r, "a line of a rule is says, remedy, when or from", key);
    *text = lk_arena_strdup(r->rules->arena, rest);
    return *text ? 0 : no_memory(r);
}

/* ---- lines ---- */

static int read_heading(struct reader *r, char *line)
{
    char *rest;
    const char *key = first_word(line, &rest);
    if (!strcmp(key, "list") || !strcmp(key, "names"))
        return open_list(r, rest, *key == 'n');
    if (!strcmp(key, "rule"))
        return open_rule(r, rest);
    return wrong(r, "a heading is list, names or rule", key);
}

static int read_line(struct reader *r, char *line)
{
    bool heading = *line != ' ' && *line != '\t';
    size_t n = strlen(line);
    while (n > 0 && strchr(" \t\r", line[n - 1]))
        line[--n] = 0;
    if (!line[strspn(line, " \t")] || line[strspn(line, " \t")] == '#')
        return 0;
    if (heading)
        return read_heading(r, line);
    if (r->rule)
        return read_rule_line(r, line);
    return r->list >= 0 ? read_entries(r, line) : wrong(r, "a line before any heading", "");
}

int lk__rules_read(struct lk__rules *rules,
                   const char *path,
                   const char *text,
                   size_t size,
                   bool ours,
                   struct lk_error *err)
{
    struct reader r = {.rules = rules, .path = path, .ours = ours, .err = err, .list = -1};
    const char *end = text + size;
    int rc = rules->lists ? 0 : open_list(&r, "exempt", false);
    r.list = -1;
    while (!rc && text < end) {
        char line[MAX_LINE];
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((stop ? stop : end) - text);
        r.line++;
        if (n >= sizeof line || memchr(text, 0, n))
            return wrong(&r, "a line of more than 4095 bytes, or no text", "");
        memcpy(line, text, n);
        line[n] = 0;
        rc = read_line(&r, line);
        text += n + 1;
    }
    return rc;
}

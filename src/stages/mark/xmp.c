// SPDX-License-Identifier: Apache-2.0
/* One small XMP packet, written from a template, and a scan that finds three properties in
 * anyone's.
 *
 * Properties (IPTC Photo Metadata Standard 2025.1, Iptc4xmpExt): DigitalSourceType, AISystemUsed,
 * AISystemVersionUsed, AIPromptInformation; xmp:CreatorTool. Platforms read the first: it is the
 * label by which a picture is shown as made by AI. TC260:AIGC is China's implicit label (GB
 * 45438-2025, form of the practice guide TC260-PG-20258A): a JSON object as text.
 *
 * Reading is no XML parser: packets in the wild are padded, truncated, or wrapped, and nothing more
 * than three strings is asked of them. RDF writes a property in three ways, all of which are the
 * property's name and then the first quoted or enclosed string:
 *
 *     Iptc4xmpExt:DigitalSourceType="http://…"                     attribute
 *     <Iptc4xmpExt:DigitalSourceType>http://…</Iptc4xmpExt:…>      element
 *     <Iptc4xmpExt:DigitalSourceType rdf:resource="http://…"/>     resource */
#include "stages/mark/xmp.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/mark/text.h"

#define READ_MAX ((size_t)1 << 20)
#define WRITE_MAX ((size_t)64000)
#define CODES "http://cv.iptc.org/newscodes/digitalsourcetype/"

static const char *const uris[] = {
    [LK_SOURCE_UNKNOWN] = NULL,
    [LK_SOURCE_GENERATED] = CODES "trainedAlgorithmicMedia",
    [LK_SOURCE_COMPOSITE] = CODES "compositeWithTrainedAlgorithmicMedia",
};

const char *lk_source_uri(enum lk_source source)
{
    return (size_t)source < LK_ARRAY_LENGTH(uris) ? uris[source] : NULL;
}

struct entity {
    const char *name;
    char byte;
};

static const struct entity entities[] = {
    {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'},
};

/* XML 1.0's Char. */
static bool is_xml_char(long code)
{
    if (code < 0x20)
        return code == '\t' || code == '\n' || code == '\r';
    return code != 0xfffe && code != 0xffff;
}

static const char *entity_of(char byte)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(entities); i++) {
        if (entities[i].byte == byte)
            return entities[i].name;
    }
    return NULL;
}

static void add_escaped(struct lk__text *text, const char *s, size_t most)
{
    size_t size = strnlen(s, most), at = 0;
    while (at < size) {
        int length;
        long code = lk__utf8_at(s + at, size - at, &length);
        const char *entity = length == 1 ? entity_of(s[at]) : NULL;
        if (entity)
            lk__text_add_string(text, entity);
        else if (is_xml_char(code))
            lk__text_add(text, s + at, (size_t)length);
        else
            lk__text_add_string(text, "\xef\xbf\xbd");
        at += (size_t)length;
    }
}

static void add_property(struct lk__text *text, const char *name, const char *value, size_t most)
{
    if (!value)
        return;
    lk__text_print(text, "   <%s>", name);
    add_escaped(text, value, most);
    lk__text_print(text, "</%s>\n", name);
}

int lk_xmp_write(const struct lk_xmp *xmp, char **out, struct lk_error *err)
{
    struct lk__text text = {.limit = WRITE_MAX};
    struct lk__text tool = {.limit = 512};
    lk__text_print(&tool, "likeness %.100s", xmp->version);
    lk__text_add_string(&text,
                        "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
                        " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                        "  <rdf:Description rdf:about=\"\"\n"
                        "    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"\n"
                        "    xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n"
                        "    xmlns:TC260=\"http://www.tc260.org.cn/ns/AIGC/1.0/\">\n");
    add_property(&text, "xmp:CreatorTool", tool.bytes, 512);
    add_property(&text, "Iptc4xmpExt:DigitalSourceType", lk_source_uri(xmp->source), 160);
    add_property(&text, "Iptc4xmpExt:AISystemUsed", xmp->model, 256);
    add_property(&text, "Iptc4xmpExt:AIPromptInformation", xmp->prompt, LK_XMP_PROMPT_MAX);
    add_property(&text, "TC260:AIGC", xmp->aigc, LK_XMP_AIGC_MAX);
    lk__text_add_string(&text, "  </rdf:Description>\n"
                               " </rdf:RDF>\n"
                               "</x:xmpmeta>\n"
                               "<?xpacket end=\"r\"?>");
    bool failed = text.failed || tool.failed;
    free(tool.bytes);
    if (failed) {
        free(text.bytes);
        return lk_fail_memory(err, "XMP", WRITE_MAX);
    }
    *out = text.bytes;
    return 0;
}

/* out [room]: bytes from s up to the `end` byte, entities resolved, surrounding space dropped. */
static void take_value(const char *s, const char *limit, char end, char *out, size_t room)
{
    size_t n = 0;
    while (s < limit && isspace((unsigned char)*s))
        s++;
    while (s < limit && *s != end && n + 1 < room) {
        char byte = *s;
        size_t step = 1;
        for (size_t i = 0; byte == '&' && i < LK_ARRAY_LENGTH(entities); i++) {
            size_t length = strlen(entities[i].name);
            if ((size_t)(limit - s) >= length && memcmp(s, entities[i].name, length) == 0) {
                byte = entities[i].byte;
                step = length;
            }
        }
        out[n++] = byte;
        s += step;
    }
    while (n > 0 && isspace((unsigned char)out[n - 1]))
        n--;
    out[n] = 0;
}

/* The string that belongs to the property whose name ends at s: see the three forms above. */
static void value_after(const char *s, const char *limit, char *out, size_t room)
{
    while (s < limit && *s != '"' && *s != '\'' && *s != '>')
        s++;
    if (s < limit)
        take_value(s + 1, limit, *s == '>' ? '<' : *s, out, room);
}

static void find_property(const char *packet, size_t size, const char *name, char *out, size_t room)
{
    const char *limit = packet + size, *at = packet;
    size_t length = strlen(name);
    out[0] = 0;
    while (out[0] == 0 && (at = memmem(at, (size_t)(limit - at), name, length))) {
        /* ":Name" and then what may follow a name: not a longer one, not a closing tag. */
        bool opens = at > packet && at[-1] == ':';
        at += length;
        if (opens && at < limit && (*at == '=' || *at == '>' || isspace((unsigned char)*at)))
            value_after(at, limit, out, room);
    }
}

void lk_xmp_read(const char *packet, size_t size, struct lk_xmp_found *out)
{
    size = size < READ_MAX ? size : READ_MAX;
    out->source = LK_SOURCE_UNKNOWN;
    find_property(packet, size, "DigitalSourceType", out->source_uri, sizeof out->source_uri);
    find_property(packet, size, "CreatorTool", out->creator, sizeof out->creator);
    find_property(packet, size, "AIGC", out->aigc, sizeof out->aigc);
    for (size_t i = 1; i < LK_ARRAY_LENGTH(uris); i++) {
        if (strcmp(out->source_uri, uris[i]) == 0)
            out->source = (enum lk_source)i;
    }
}

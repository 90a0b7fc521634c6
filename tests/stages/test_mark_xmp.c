// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/mark/xmp.h"

#define CODES "http://cv.iptc.org/newscodes/digitalsourcetype/"

static struct lk_xmp_found read_text(const char *packet)
{
    struct lk_xmp_found found;
    lk_xmp_read(packet, strlen(packet), &found);
    return found;
}

static char *write_prompt(const char *prompt)
{
    struct lk_xmp xmp = {LK_SOURCE_GENERATED, "0.1.0", "starter", prompt, NULL};
    char *packet;
    assert_int_equal(lk_xmp_write(&xmp, &packet, NULL), 0);
    return packet;
}

static void a_packet_states_source_and_creator(void **state)
{
    (void)state;
    static const char label[] = "{\"Label\":\"1\",\"ContentProducer\":\"A & B\"}";
    for (int source = LK_SOURCE_GENERATED; source <= LK_SOURCE_COMPOSITE; source++) {
        struct lk_xmp xmp = {(enum lk_source)source, "0.1.0", NULL, NULL, label};
        char *packet;
        assert_int_equal(lk_xmp_write(&xmp, &packet, NULL), 0);
        struct lk_xmp_found found = read_text(packet);
        assert_int_equal(found.source, source);
        assert_string_equal(found.source_uri, lk_source_uri((enum lk_source)source));
        assert_string_equal(found.creator, "likeness 0.1.0");
        assert_string_equal(found.aigc, label);
        assert_null(strstr(packet, "AIPromptInformation"));
        free(packet);
    }
    assert_string_equal(lk_source_uri(LK_SOURCE_GENERATED), CODES "trainedAlgorithmicMedia");
    assert_string_equal(lk_source_uri(LK_SOURCE_COMPOSITE),
                        CODES "compositeWithTrainedAlgorithmicMedia");
    assert_null(lk_source_uri(LK_SOURCE_UNKNOWN));
}

static void markup_in_a_prompt_is_escaped(void **state)
{
    (void)state;
    char *packet = write_prompt("<b a=\"1\" c='2'>&amp; ]]></x:xmpmeta>");
    assert_non_null(strstr(packet, ">&lt;b a=&quot;1&quot; c=&apos;2&apos;&gt;&amp;amp; "
                                   "]]&gt;&lt;/x:xmpmeta&gt;<"));
    free(packet);
}

static void what_xml_cannot_carry_is_replaced(void **state)
{
    (void)state;
    char *packet = write_prompt("a\x01"
                                "b\x1b"
                                "c\xff"
                                "d\xc0\x80"
                                "e\xed\xa0\x80"
                                "f\xef\xbf\xbf"
                                "g\xf4\x90\x80\x80"
                                "h\xe4\xba\xba\xf0\x9f\x98\x80\ti\xe4\xba");
#define R "\xef\xbf\xbd"
    assert_non_null(strstr(packet, ">a" R "b" R "c" R "d" R R "e" R R R "f" R "g" R R R R
                                   "h\xe4\xba\xba\xf0\x9f\x98\x80\ti" R R "<"));
#undef R
    free(packet);
}

static void the_longest_prompt_still_fits_a_jpeg(void **state)
{
    (void)state;
    static char prompt[100001];
    memset(prompt, '"', 100000);
    char *packet = write_prompt(prompt);
    assert_true(strlen(packet) < 65502);
    assert_int_equal(read_text(packet).source, LK_SOURCE_GENERATED);
    assert_non_null(strstr(packet, "</x:xmpmeta>"));
    free(packet);
}

static void packets_of_others_are_understood(void **state)
{
    (void)state;
    struct lk_xmp_found found =
        read_text("<rdf:Description Iptc4xmpExt:DigitalSourceType='" CODES
                  "trainedAlgorithmicMedia' xmp:CreatorTool = \"A &amp; B\" />");
    assert_int_equal(found.source, LK_SOURCE_GENERATED);
    assert_string_equal(found.creator, "A & B");
    found = read_text("<ext:DigitalSourceType rdf:resource=\"" CODES
                      "compositeWithTrainedAlgorithmicMedia\"/>");
    assert_int_equal(found.source, LK_SOURCE_COMPOSITE);
    found = read_text("<e:DigitalSourceType>\n  " CODES
                      "digitalCapture \n</e:DigitalSourceType><x:CreatorToolVersion>9");
    assert_int_equal(found.source, LK_SOURCE_UNKNOWN);
    assert_string_equal(found.source_uri, CODES "digitalCapture");
    assert_string_equal(found.creator, "");
    assert_string_equal(found.aigc, "");
    found = read_text("<TC260:AIGC>{&quot;Label&quot;:&quot;2&quot;}</TC260:AIGC>");
    assert_string_equal(found.aigc, "{\"Label\":\"2\"}");
    found = read_text("no packet at all, DigitalSourceType=\"x\"");
    assert_string_equal(found.source_uri, "");
}

static void a_packet_cut_anywhere_is_read_within_bounds(void **state)
{
    (void)state;
    char *packet = write_prompt("x");
    size_t size = strlen(packet);
    for (size_t cut = 0; cut <= size; cut++) {
        char *part = malloc(cut + 1);
        struct lk_xmp_found found;
        assert_non_null(part);
        memcpy(part, packet, cut);
        char *exact = realloc(part, cut ? cut : 1);
        assert_non_null(exact);
        lk_xmp_read(exact, cut, &found);
        assert_true(strlen(found.creator) < sizeof found.creator);
        free(exact);
    }
    free(packet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_states_source_and_creator),
        cmocka_unit_test(markup_in_a_prompt_is_escaped),
        cmocka_unit_test(what_xml_cannot_carry_is_replaced),
        cmocka_unit_test(the_longest_prompt_still_fits_a_jpeg),
        cmocka_unit_test(packets_of_others_are_understood),
        cmocka_unit_test(a_packet_cut_anywhere_is_read_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

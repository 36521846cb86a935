#include "test.h"

#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "base/utf8.h"

static void assert_same_as_jansson(const char *text)
{
    json_t *string = json_string(text);
    assert_int_equal(lopi_is_utf8(text), string != NULL);
    json_decref(string);
}

/* All texts of one and two bytes; of three and four, all of whose bytes are at the ends of ranges.
 */
static void it_is_what_jansson_takes(void **state)
{
    (void)state;
    static const unsigned char ends[] = {0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                         0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                         0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    const size_t count = sizeof ends;
    char text[6] = {0};
    for (unsigned a = 1; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            text[0] = (char)a;
            text[1] = (char)b;
            assert_same_as_jansson(text);
        }
    for (size_t i = 0; i < count * count * count * count; i++) {
        text[0] = (char)ends[i % count];
        text[1] = (char)ends[i / count % count];
        text[2] = (char)ends[i / count / count % count];
        text[3] = 0;
        assert_same_as_jansson(text);
        text[3] = (char)ends[i / count / count / count];
        assert_same_as_jansson(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_jansson_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "test.h"

#include <string.h>

#include "base/error.h"

static void every_status_has_name_text_and_exit(void **state)
{
    (void)state;
    assert_string_equal(lop_status_name(LOP_OK), "LOP_OK");
    assert_int_equal(lop_status_exit(LOP_OK), 0);
    for (int code = 0; code >= LOP_E_TARGET; code--) {
        assert_string_not_equal(lop_status_name((lop_status)code), "LOP_E_?");
        assert_true(strlen(lop_status_text((lop_status)code)) > 3);
    }
    assert_string_equal(lop_status_name((lop_status)-999), "LOP_E_?");
    assert_int_equal(lop_status_exit((lop_status)-999), 70);
}

static void exit_statuses_are_those_documented(void **state)
{
    (void)state;
    assert_int_equal(lop_status_exit(LOP_E_ARG), 64);
    assert_int_equal(lop_status_exit(LOP_E_FORMAT), 65);
    assert_int_equal(lop_status_exit(LOP_E_NOT_FOUND), 66);
    assert_int_equal(lop_status_exit(LOP_E_INTERNAL), 70);
    assert_int_equal(lop_status_exit(LOP_E_MEMORY), 71);
    assert_int_equal(lop_status_exit(LOP_E_CREATE), 73);
    assert_int_equal(lop_status_exit(LOP_E_FULL), 74);
    assert_int_equal(lop_status_exit(LOP_E_BUSY), 75);
    assert_int_equal(lop_status_exit(LOP_E_TARGET), 1);
}

static void errors_say_where(void **state)
{
    (void)state;
    lop_error error = {0};
    char text[1024];
    assert_int_equal(lopi_fail_at(&error, LOP_E_FORMAT, "a.idx", 16, "expected %d", 3),
                     LOP_E_FORMAT);
    assert_string_equal(lop_error_format(&error, text, sizeof text),
                        "a.idx: at byte 16 (0x10): expected 3");
    lopi_fail_line(&error, LOP_E_FORMAT, "r.yaml", 7, "unknown key");
    assert_string_equal(lop_error_format(&error, text, sizeof text), "r.yaml: line 7: unknown key");
    lopi_fail(&error, LOP_E_ARG, "plain");
    assert_string_equal(lop_error_format(&error, text, sizeof text), "plain");
    assert_int_equal(lopi_fail(NULL, LOP_E_ARG, "nobody listens"), LOP_E_ARG);
    assert_string_equal(lop_error_format(NULL, text, sizeof text), "");
}

static void errors_are_one_line_whatever_the_file_is_called(void **state)
{
    (void)state;
    lop_error error = {0};
    char name[600], text[1024];
    memset(name, 'x', sizeof name);
    memcpy(name + sizeof name - 9, "\nend.idx", 9);
    lopi_fail_file(&error, LOP_E_FORMAT, name, "\033[31mred\n");
    lop_error_format(&error, text, sizeof text);
    assert_null(strchr(text, '\n'));
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "end.idx: "));
}

static void an_error_may_quote_the_one_it_replaces(void **state)
{
    (void)state;
    lop_error error = {0};
    lopi_fail(&error, LOP_E_ARG, "inner");
    lopi_fail(&error, LOP_E_ARG, "outer: %s", error.text);
    assert_string_equal(error.text, "outer: inner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_name_text_and_exit),
        cmocka_unit_test(exit_statuses_are_those_documented),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(errors_are_one_line_whatever_the_file_is_called),
        cmocka_unit_test(an_error_may_quote_the_one_it_replaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

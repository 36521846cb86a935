/* JSON is bounded before jansson gets it: what is counted is never less than what jansson takes. */
#include "test.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/json_read.h"

static size_t taken, most;

static void *counted(size_t size)
{
    void *block = malloc(size);
    taken += block ? malloc_usable_size(block) : 0;
    most = taken > most ? taken : most;
    return block;
}

static void given_back(void *block)
{
    taken -= block ? malloc_usable_size(block) : 0;
    free(block);
}

/* `open`, `count` times `piece`, `last`, `close`. */
static char *made(const char *open, const char *piece, size_t count, const char *close)
{
    size_t size = strlen(open) + count * strlen(piece) + strlen(close) + 1;
    char *text = lopi_alloc(size, 1), *at = text;
    assert_non_null(text);
    at += snprintf(at, size, "%s", open);
    for (size_t i = 0; i < count; i++, at += strlen(piece))
        memcpy(at, piece, strlen(piece));
    memcpy(at, close, strlen(close) + 1);
    return text;
}

static char *members(size_t count)
{
    char *text = lopi_alloc(16 * count + 16, 1), *at = text;
    assert_non_null(text);
    *at++ = '{';
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s\"%zu\":\"\"", i ? "," : "", i);
    *at = '}';
    return text;
}

static void no_text_takes_more_than_is_counted(void **state)
{
    (void)state;
    char *texts[] = {
        made("[", "{},", 20000, "0]"),
        made("[", "[],", 20000, "0]"),
        made("[", "1,", 33000, "0]"), /* a list has just doubled */
        made("[", "1e5,", 20000, "0]"),
        made("[", "\"\",", 20000, "0]"),
        made("[", "\"\\u00e4\",", 20000, "0]"),
        made("[", "{\"a\":0},", 20000, "0]"),
        made("[", "{\"a\":0,\"b\":[1]},", 9000, "0]"),
        made("[\"", "x", 300000, "\"]"),
        made("{\"", "x", 300000, "\":{}}"),
        made("{\"a\":[", "[[0]],", 20000, "0]}"),
        members(20000),
        members(33000),
        made("", "[", 60, ""),
        made("[", "", 0, "]"),
    };
    json_set_alloc_funcs(counted, given_back);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_error_t where;
        most = taken = 0;
        json_t *value = json_loadb(texts[i], strlen(texts[i]), 0, &where);
        uint64_t bound = lopi_json_bytes(texts[i], strlen(texts[i])) + 4096;
        if (most > bound)
            fail_msg("%.20s…: %zu bytes, counted %llu", texts[i], most, (unsigned long long)bound);
        /* And not so much more that sound files were refused. */
        if (bound > 5 * most + 16384)
            fail_msg("%.20s…: only %zu bytes, counted %llu", texts[i], most,
                     (unsigned long long)bound);
        json_decref(value);
    }
    json_set_alloc_funcs(malloc, free);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        lopi_free(texts[i]);
}

static void what_would_take_too_much_is_refused(void **state)
{
    (void)state;
    json_t *value = NULL;
    json_error_t where;
    char *text = made("[", "{},", 1 << 18, "0]");
    assert_int_equal(lopi_json_read(&value, text, strlen(text), &where), LOP_E_LIMIT);
    assert_non_null(strstr(where.text, "values are more than"));
    assert_null(value);
    lopi_free(text);
    text = made("[\"", "{},", 1 << 18, "\"]"); /* the same within a text is one value */
    assert_int_equal(lopi_json_read(&value, text, strlen(text), &where), LOP_OK);
    json_decref(value);
    lopi_free(text);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    json_t *value = NULL;
    json_error_t where;
    char deep[2 * (LOPI_JSON_DEPTH + 1) + 1] = "";
    memset(deep, '[', LOPI_JSON_DEPTH);
    memset(deep + LOPI_JSON_DEPTH, ']', LOPI_JSON_DEPTH);
    assert_int_equal(lopi_json_read(&value, deep, strlen(deep), &where), LOP_OK);
    json_decref(value);
    memset(deep, '[', LOPI_JSON_DEPTH + 1);
    memset(deep + LOPI_JSON_DEPTH + 1, ']', LOPI_JSON_DEPTH + 1);
    assert_int_equal(lopi_json_read(&value, deep, strlen(deep), &where), LOP_E_LIMIT);
    assert_int_equal(where.position, LOPI_JSON_DEPTH);
    assert_int_equal(where.column, LOPI_JSON_DEPTH + 1);
    assert_null(value);
}

static void what_is_no_json_is_said(void **state)
{
    (void)state;
    json_t *value = NULL;
    json_error_t where;
    assert_int_equal(lopi_json_read(&value, "{\"a\": 1, \"a\": 2}", 16, &where), LOP_E_FORMAT);
    assert_int_equal(lopi_json_read(&value, "[\"", 2, &where), LOP_E_FORMAT);
    assert_int_equal(lopi_json_read(&value, "", 0, &where), LOP_E_FORMAT);
    assert_true(where.text[0] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_text_takes_more_than_is_counted),
        cmocka_unit_test(what_would_take_too_much_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(what_is_no_json_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A packed network is checked once, and then trusted. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "run/model.h"

static void *copy_of(const void *data, size_t size)
{
    void *copy = lopi_alloc(size, 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return copy;
}

/* 3 inputs, 2 hidden units as INT8, 1 output from a table. */
static lop_packed *sample(void)
{
    lop_packed *packed = NULL;
    assert_int_equal(lopi_packed_new(&packed, 2, NULL), LOP_OK);
    packed->layers[0] = (lopi_packed_layer){
        .name = "fc1",
        .outputs = 2,
        .inputs = 3,
        .relu = true,
        .row_start = copy_of((uint32_t[]){0, 2, 3}, 12),
        .column = copy_of((uint32_t[]){0, 2, 1}, 12),
        .kind = LOP_VALUES_INT8,
        .q = copy_of((int8_t[]){127, -3, 5}, 3),
        .scale = copy_of((float[]){0.5f, 2}, 8),
        .bias = copy_of((float[]){1, 2}, 8),
        .input_scale = 0.1f,
        .input_zero = 3,
    };
    packed->layers[1] = (lopi_packed_layer){
        .name = "fc2",
        .outputs = 1,
        .inputs = 2,
        .row_start = copy_of((uint32_t[]){0, 2}, 8),
        .column = copy_of((uint32_t[]){0, 1}, 8),
        .kind = LOP_VALUES_SHARED,
        .symbol = copy_of((uint8_t[]){1, 0}, 2),
        .table = copy_of((float[]){-4, 9}, 8),
        .entries = 2,
        .input_density = 0.25f,
    };
    return packed;
}

static void a_sound_network_is_accepted(void **state)
{
    (void)state;
    lop_packed *packed = sample();
    assert_int_equal(lopi_packed_check(packed, NULL), LOP_OK);
    assert_int_equal(lop_packed_inputs(packed), 3);
    assert_int_equal(lop_packed_outputs(packed), 1);
    assert_int_equal(lop_packed_layer_count(packed), 2);
    float w[3];
    lopi_packed_weights(&packed->layers[0], w);
    assert_true(w[0] == 63.5f && w[1] == -1.5f && w[2] == 10);
    lopi_packed_weights(&packed->layers[1], w);
    assert_true(w[0] == 9 && w[1] == -4);
    lop_packed_layer shown;
    assert_int_equal(lop_packed_layer_get(packed, 0, &shown, NULL), LOP_OK);
    assert_string_equal(shown.name, "fc1");
    assert_int_equal(shown.weights_left, 3);
    assert_true(shown.calibrated && shown.bias && shown.relu);
    assert_int_equal(lop_packed_layer_get(packed, 2, &shown, NULL), LOP_E_RANGE);
    lop_packed_free(packed);
    lop_packed_free(NULL);
}

/* Each fault changes one thing in a sound network. */
static void damage(lop_packed *p, int fault)
{
    lopi_packed_layer *a = &p->layers[0], *b = &p->layers[1];
    switch (fault) {
    case 0:
        a->row_start[0] = 1;
        break;
    case 1:
        a->row_start[1] = 4;
        break;
    case 2:
        a->row_start[2] = 1;
        break;
    case 3:
        a->column[2] = 3;
        break;
    case 4:
        a->column[1] = 0;
        break;
    case 5:
        a->q[1] = -128;
        break;
    case 6:
        a->scale[1] = 0;
        break;
    case 7:
        a->scale[0] = NAN;
        break;
    case 8:
        a->input_zero = 128;
        break;
    case 9:
        a->input_zero = -1;
        break;
    case 10:
        a->input_scale = -1;
        break;
    case 11:
        b->symbol[0] = 2;
        break;
    case 12:
        b->entries = 257;
        break;
    case 13:
        b->input_zero = 1;
        break; /* behind relu */
    case 14:
        b->input_density = 1.5f;
        break;
    case 15:
        a->kind = (lop_values)77;
        break;
    case 16:
        a->name[0] = 0;
        break;
    case 17:
        memset(a->name, 'x', sizeof a->name);
        break;
    case 18:
        a->kind = LOP_VALUES_FLOAT32;
        break; /* it has no such values */
    default:
        break;
    }
}

static void faults_are_found(void **state)
{
    (void)state;
    for (int fault = 0; fault < 19; fault++) {
        lop_packed *packed = sample();
        damage(packed, fault);
        lop_error error = {0};
        assert_int_equal(lopi_packed_check(packed, &error), LOP_E_FORMAT);
        assert_true(error.text[0]);
        lop_packed_free(packed);
    }
    lop_packed *packed = sample();
    packed->layers[0].bias[1] = INFINITY;
    assert_int_equal(lopi_packed_check(packed, NULL), LOP_E_NAN);
    packed->layers[0].bias[1] = 0;
    /* 127 and −3 times the scale: each number is one, and the weights are none. */
    for (int used = 0; used < 2; used++) {
        packed->layers[0].scale[0] = used ? 1.5e38f : 2e36f;
        packed->layers[0].q[0] = used ? 1 : 127;
        assert_int_equal(lopi_packed_check(packed, NULL), used ? LOP_E_NAN : LOP_OK);
    }
    packed->layers[0].scale[0] = 1;
    packed->layers[1].inputs = 3;
    assert_int_equal(lopi_packed_check(packed, NULL), LOP_E_SHAPE);
    packed->layers[1].inputs = LOP_RUN_MAX_WIDTH + 1;
    assert_int_equal(lopi_packed_check(packed, NULL), LOP_E_LIMIT);
    lop_packed_free(packed);
    assert_int_equal(lopi_packed_new(&packed, 0, NULL), LOP_E_LIMIT);
    assert_int_equal(lopi_packed_new(&packed, LOP_RUN_MAX_LAYERS + 1, NULL), LOP_E_LIMIT);
}

static void checksums_tell_networks_apart(void **state)
{
    (void)state;
    lop_packed *a = sample(), *b = sample();
    assert_true(lopi_packed_checksum(a) == lopi_packed_checksum(b));
    b->layers[0].q[2]++;
    assert_true(lopi_packed_checksum(a) != lopi_packed_checksum(b));
    b->layers[0].q[2]--;
    b->layers[1].table[1] += 1;
    assert_true(lopi_packed_checksum(a) != lopi_packed_checksum(b));
    lop_packed_free(a);
    lop_packed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_network_is_accepted),
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(checksums_tell_networks_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

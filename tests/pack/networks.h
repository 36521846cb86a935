/** Small random networks for the tests of packing. */
#ifndef LOP_TESTS_PACK_NETWORKS_H
#define LOP_TESTS_PACK_NETWORKS_H

#include <lop/network.h>
#include <lop/pack.h>

/** inputs-hidden…-outputs, each weight kept with probability `density`. */
lop_network *test_network(const lop_mlp_spec *spec, double density);

/** 16-6-5-3 (a picture of 4 × 4 in front) with biases, packed as `values` [3] say. */
lop_packed *test_packed(const lop_pack_values *values);

/** Fails where two packed networks differ in anything. */
void assert_same_packed(const lop_packed *a, const lop_packed *b);

#endif

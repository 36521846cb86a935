/**
 * Stands for clang's <wasm_simd128.h> where kernels for WebAssembly are compiled to be emulated:
 * SIMDe's portable versions under the names of the intrinsics, and the few that it has not.
 */
#ifndef LOP_TESTS_RUN_EMULATED_WASM_SIMD128_H
#define LOP_TESTS_RUN_EMULATED_WASM_SIMD128_H

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>

typedef simde_v128_t v128_t;

#define wasm_f32x4_const_splat wasm_f32x4_splat
#define wasm_i8x16_const_splat wasm_i8x16_splat
#define wasm_i16x8_const_splat wasm_i16x8_splat
#define wasm_i32x4_const_splat wasm_i32x4_splat
#undef wasm_i16x8_shuffle
#define wasm_i16x8_shuffle simde_wasm_i16x8_shuffle

#endif

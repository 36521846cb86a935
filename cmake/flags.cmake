# lop_flags: what every file of the library, the command line and the tests is compiled with.
include(CheckCCompilerFlag)

add_library(lop_flags INTERFACE)
target_compile_options(lop_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
  # clang: a loop that it leaves scalar though simd was asked for is slower, and not wrong.
  $<$<C_COMPILER_ID:Clang>:-Wno-pass-failed>
  $<$<BOOL:${LOP_WERROR}>:-Werror>
  # A product and a sum are rounded one by one: the same bytes from every compiler.
  -ffp-contract=off
  # No path of the build machine in the binaries.
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
target_compile_definitions(lop_flags INTERFACE
  _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE LOP_VERSION="${PROJECT_VERSION}")

# Floats are computed as floats. Some processors' compilers take wider numbers between the operations,
# which rounds twice and differs from machine to machine.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -std=c11)
set(float_only "
  #include <float.h>
  #if FLT_EVAL_METHOD != 0
  #error wider
  #endif
  int main(void) { return 0; }")
check_c_source_compiles("${float_only}" LOP_FLOAT_ONLY)
foreach(flags "-fexcess-precision=fast" "-msse2 -mfpmath=sse")
  if(NOT LOP_FLOAT_ONLY)
    string(MAKE_C_IDENTIFIER "LOP_FLOAT_ONLY_BY${flags}" have)
    set(CMAKE_REQUIRED_FLAGS "-std=c11 ${flags}")
    check_c_source_compiles("${float_only}" ${have})
    if(${have})
      separate_arguments(flags)
      target_compile_options(lop_flags INTERFACE ${flags})
      set(LOP_FLOAT_ONLY TRUE)
    endif()
  endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)
if(NOT LOP_FLOAT_ONLY)
  message(FATAL_ERROR "The compiler computes floats in wider numbers, and no flag that is known stops it")
endif()

if(LOP_HARDEN)
  set(optimized $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  target_compile_options(lop_flags INTERFACE -fstack-protector-strong)
  foreach(flag -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      target_compile_options(lop_flags INTERFACE ${flag})
    endif()
  endforeach()
  if(NOT LOP_SANITIZE) # the sanitizers do not see through the fortified functions
    target_compile_options(lop_flags INTERFACE
      $<${optimized}:-U_FORTIFY_SOURCE> $<${optimized}:-D_FORTIFY_SOURCE=2>)
  endif()
  target_link_options(lop_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

# src/base/wide.h. Sanitizers are not awake yet when the loader chooses; and what is counted is counted
# in one copy.
include(CheckCSourceRuns)
if(NOT LOP_SANITIZE AND NOT LOP_COVERAGE AND NOT CMAKE_CROSSCOMPILING)
  check_c_source_runs("
    __attribute__((target_clones(\"arch=x86-64-v4\", \"arch=x86-64-v3\", \"default\")))
    static void twice(float *x) { for (int i = 0; i < 64; i++) x[i] *= 2; }
    int main(void) { float x[64] = {1}; twice(x); return x[0] == 2 ? 0 : 1; }" LOP_WIDE)
endif()
if(LOP_WIDE)
  target_compile_definitions(lop_flags INTERFACE LOP_WIDE)
endif()

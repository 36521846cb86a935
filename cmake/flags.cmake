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

# src/base/wide.h. Sanitizers are not awake yet when the loader chooses.
include(CheckCSourceRuns)
if(NOT LOP_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  check_c_source_runs("
    __attribute__((target_clones(\"arch=x86-64-v4\", \"arch=x86-64-v3\", \"default\")))
    static void twice(float *x) { for (int i = 0; i < 64; i++) x[i] *= 2; }
    int main(void) { float x[64] = {1}; twice(x); return x[0] == 2 ? 0 : 1; }" LOP_WIDE)
endif()
if(LOP_WIDE)
  target_compile_definitions(lop_flags INTERFACE LOP_WIDE)
endif()

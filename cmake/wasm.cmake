# liblop-run as WebAssembly modules, by clang and lld with wasi-libc: lop-run-simd.wasm, and
# lop-run-scalar.wasm for engines without vectors. LOP_WASM says whether they can be made; LOP_WASM_MODULES
# are the two files, which are empty where they cannot. docs/webassembly.md says what they are for.
find_program(LOP_WASM_CLANG NAMES clang clang-14)
set(LOP_WASM_TARGET --target=wasm32-wasi)

# A program of one function, linked: compiler, linker, headers and library are there.
if(LOP_PAD AND LOP_WASM_CLANG AND NOT DEFINED LOP_WASM_WORKS)
  set(probe ${CMAKE_BINARY_DIR}/CMakeFiles/lop_wasm_probe)
  file(WRITE ${probe}.c "#include <string.h>\nint f(const char *t) { return (int)strlen(t); }\n")
  execute_process(COMMAND ${LOP_WASM_CLANG} ${LOP_WASM_TARGET} -msimd128 -flto -nostdlib -Wl,--no-entry
    -Wl,--export=f -o ${probe}.wasm ${probe}.c -lc RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
  if(result EQUAL 0)
    set(LOP_WASM_WORKS TRUE CACHE INTERNAL "clang, lld and wasi-libc make WebAssembly modules")
  endif()
endif()
if(LOP_PAD AND LOP_WASM_WORKS)
  set(LOP_WASM TRUE)
elseif(NOT LOP_PAD)
  set(LOP_WASM FALSE)
else()
  set(LOP_WASM FALSE)
  message(STATUS "No WebAssembly modules: clang, lld or wasi-libc is missing; pages come without the pad")
endif()

set(LOP_WASM_FLAGS -std=c11 -flto -ffunction-sections -fdata-sections -fvisibility=hidden
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Werror -ffp-contract=off
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -DNDEBUG -DLOPI_READ_ONLY
  -DLOP_VERSION=\"${PROJECT_VERSION}\" -I${PROJECT_SOURCE_DIR}/src -I${PROJECT_SOURCE_DIR}/include)

# Small, but for what is computed over and over: the kernels, those of few samples most of all.
function(lop_wasm_optimize out source)
  set(flags -Oz)
  if(source MATCHES "/wasm_(strips_i8|tiles_f32|tiles_i8)\\.c$")
    set(flags -Os)
  elseif(source MATCHES "/kernels/wasm_[a-z0-9_]*\\.c$")
    set(flags -O2)
  elseif(source MATCHES "/runtime/libc\\.c$")
    set(flags -Oz -fno-lto -fno-builtin)
  endif()
  set(${out} ${flags} PARENT_SCOPE)
endfunction()

# lop_wasm_module(OUTPUT FLAG…): the module made of the runtime's own sources, src/run/wasm and web/runtime.
function(lop_wasm_module output)
  get_target_property(sources lop_run_objects SOURCES)
  list(FILTER sources EXCLUDE REGEX "/(base/(clock|file)|run/threads)\\.c$")
  file(GLOB own ${PROJECT_SOURCE_DIR}/src/run/wasm/*.c ${PROJECT_SOURCE_DIR}/web/runtime/*.c)
  get_filename_component(name ${output} NAME_WE)
  set(objects "")
  foreach(source ${sources} ${own})
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${source})
    set(object ${CMAKE_BINARY_DIR}/wasm/${name}/${relative}.o)
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    lop_wasm_optimize(optimize ${source})
    add_custom_command(OUTPUT ${object}
      COMMAND ${LOP_WASM_CLANG} ${LOP_WASM_TARGET} ${LOP_WASM_FLAGS} ${ARGN} ${optimize}
        -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d
      COMMENT "Building ${name}: ${relative}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  file(STRINGS ${PROJECT_SOURCE_DIR}/src/run/wasm/exports.txt exported REGEX "^lop_")
  list(TRANSFORM exported PREPEND -Wl,--export=)
  add_custom_command(OUTPUT ${output}
    COMMAND ${LOP_WASM_CLANG} ${LOP_WASM_TARGET} -nostdlib -Wl,--no-entry ${exported}
      -Wl,--allow-undefined-file=${PROJECT_SOURCE_DIR}/src/run/wasm/imports.txt
      -Wl,--strip-all -Wl,--gc-sections -Wl,-z,stack-size=131072 -Wl,--stack-first
      -o ${output} ${objects} -lc
    DEPENDS ${objects} ${PROJECT_SOURCE_DIR}/src/run/wasm/exports.txt
      ${PROJECT_SOURCE_DIR}/src/run/wasm/imports.txt
    COMMENT "Linking ${name}" VERBATIM)
endfunction()

set(LOP_WASM_MODULES ${CMAKE_BINARY_DIR}/wasm/lop-run-simd.wasm
  ${CMAKE_BINARY_DIR}/wasm/lop-run-scalar.wasm)

# lop_wasm_modules(): the target lop_wasm, once all sources of the runtime are known.
function(lop_wasm_modules)
  list(GET LOP_WASM_MODULES 0 simd)
  list(GET LOP_WASM_MODULES 1 scalar)
  if(LOP_WASM)
    lop_wasm_module(${simd} -msimd128 -mbulk-memory)
    lop_wasm_module(${scalar})
    add_custom_target(lop_wasm ALL DEPENDS ${LOP_WASM_MODULES})
  else()
    file(WRITE ${simd} "")
    file(WRITE ${scalar} "")
    add_custom_target(lop_wasm)
  endif()
endfunction()

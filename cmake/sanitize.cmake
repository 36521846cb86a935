# Sanitizer and coverage builds, and the environment in which CTest runs their programs.
if(LOP_SANITIZE)
  target_compile_options(lop_flags INTERFACE
    -fsanitize=${LOP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(lop_flags INTERFACE -fsanitize=${LOP_SANITIZE})
endif()
# Which branches an input takes, for libFuzzer. What is compared is not traced: that takes half of the
# time, and dictionaries say the words.
if(LOP_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "LOP_FUZZ needs clang's libFuzzer: cmake --preset fuzz")
  endif()
  target_compile_options(lop_flags INTERFACE
    -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp)
  target_link_options(lop_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Counts of the lines and branches that tests take, in the library and the command line;
# scripts/coverage.sh reads them. Without optimization, so that what is counted is what is written. Not
# atomic, which takes three times as long: threads may lose a count of many.
add_library(lop_counted INTERFACE)
if(LOP_COVERAGE)
  target_compile_options(lop_counted INTERFACE -O0 --coverage)
  target_link_options(lop_flags INTERFACE --coverage)
endif()

# Threads that wait for one another sleep: tests then take their time even on a busy machine.
set(environment "OMP_WAIT_POLICY=passive")
if(LOP_SANITIZE MATCHES "address")
  list(APPEND environment
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1")
endif()
if(LOP_SANITIZE MATCHES "thread")
  # GCC's OpenMP runtime synchronizes in ways that the thread sanitizer cannot see. LLVM's tells it,
  # through the tool Archer, and also serves what oneDNN asks of GCC's.
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "LOP_SANITIZE=thread needs clang with libomp: cmake --preset tsan")
  endif()
  list(GET OpenMP_C_LIBRARIES 0 libomp)
  cmake_path(GET libomp PARENT_PATH libomp_dir)
  find_library(LOP_ARCHER archer HINTS ${libomp_dir} REQUIRED)
  list(APPEND environment
    "OMP_TOOL_LIBRARIES=${LOP_ARCHER}"
    "TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1:suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
endif()
set(lines "")
foreach(entry IN LISTS environment)
  string(REGEX MATCH "^([A-Z_]+)=(.*)$" matched "${entry}")
  string(APPEND lines "set(ENV{${CMAKE_MATCH_1}} \"${CMAKE_MATCH_2}\")\n")
endforeach()
file(WRITE ${PROJECT_BINARY_DIR}/test-environment.cmake "${lines}")
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY
  TEST_INCLUDE_FILES ${PROJECT_BINARY_DIR}/test-environment.cmake)

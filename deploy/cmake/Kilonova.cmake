# SPDX-License-Identifier: Apache-2.0
# The functions every CMakeLists.txt here speaks in. They add to targets only; no global flags.
include_guard(GLOBAL)

option(KILONOVA_WERROR "Warnings are errors" OFF)
option(KILONOVA_FAILPOINTS "Compile named failpoints in (tests only, never ship)" OFF)
option(KILONOVA_HARDENING "Hardening flags of a shipped build" OFF)
option(KILONOVA_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(KILONOVA_WITHOUT_GRPC "Leave out every target that links gRPC (ThreadSanitizer, fuzzing)" OFF)
set(KILONOVA_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")

add_library(kilonova_options INTERFACE)
target_compile_features(kilonova_options INTERFACE cxx_std_20)
target_compile_options(kilonova_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  -Wimplicit-fallthrough -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers
  # gcc 12 sees overlapping copies in its own std::string (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${KILONOVA_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
target_include_directories(kilonova_options INTERFACE ${PROJECT_SOURCE_DIR})
if(KILONOVA_FAILPOINTS)
  target_compile_definitions(kilonova_options INTERFACE KILONOVA_FAILPOINTS=1)
endif()
if(KILONOVA_SANITIZE)
  target_compile_options(kilonova_options INTERFACE
    -fsanitize=${KILONOVA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(kilonova_options INTERFACE -fsanitize=${KILONOVA_SANITIZE})
endif()
if(KILONOVA_FUZZ)
  target_compile_options(kilonova_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=all)
  target_link_options(kilonova_options INTERFACE -fsanitize=address,undefined)
endif()
if(KILONOVA_SANITIZE OR KILONOVA_FUZZ)
  # An index past the end of a vector is often still within what it allocated.
  target_compile_definitions(kilonova_options INTERFACE _GLIBCXX_ASSERTIONS=1)
endif()
if(KILONOVA_HARDENING)
  target_compile_options(kilonova_options INTERFACE -fstack-protector-strong -fstack-clash-protection
    -fcf-protection=full -D_GLIBCXX_ASSERTIONS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
    $<$<CXX_COMPILER_ID:GNU>:-ftrivial-auto-var-init=zero>)
  target_link_options(kilonova_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

function(_kilonova_common target)
  target_link_libraries(${target} PUBLIC kilonova_options)
endfunction()

# kilonova_library(NAME x SRCS a.cpp... [DEPS ...] [PRIVATE_DEPS ...]): static library kilonova_x,
# alias kilonova::x. With no SRCS it is header only.
function(kilonova_library)
  cmake_parse_arguments(K "" "NAME" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  if(K_SRCS)
    add_library(kilonova_${K_NAME} STATIC ${K_SRCS})
    _kilonova_common(kilonova_${K_NAME})
    target_link_libraries(kilonova_${K_NAME} PUBLIC ${K_DEPS} PRIVATE ${K_PRIVATE_DEPS})
  else()
    add_library(kilonova_${K_NAME} INTERFACE)
    target_link_libraries(kilonova_${K_NAME} INTERFACE kilonova_options ${K_DEPS})
  endif()
  add_library(kilonova::${K_NAME} ALIAS kilonova_${K_NAME})
endfunction()

# kilonova_binary(NAME kilonova-agent SRCS ... DEPS ...): a program that is installed.
function(kilonova_binary)
  cmake_parse_arguments(K "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${K_NAME} ${K_SRCS})
  _kilonova_common(${K_NAME})
  target_link_libraries(${K_NAME} PRIVATE ${K_DEPS})
  set_target_properties(${K_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  install(TARGETS ${K_NAME} RUNTIME DESTINATION bin)
endfunction()

# Makes absl::Mutex and absl::Status visible to ThreadSanitizer; see tests/support/tsan_mutex.cpp.
function(_kilonova_tsan_mutex target)
  if(NOT KILONOVA_SANITIZE MATCHES "thread")
    return()
  endif()
  target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/tsan_mutex.cpp)
  target_link_libraries(${target} PRIVATE absl::synchronization absl::status)
  target_link_options(${target} PRIVATE -Wl,--wrap=_ZN4absl7debian36Status15UnrefNonInlinedEm)
  foreach(symbol 4LockEv 10ReaderLockEv 6UnlockEv 12ReaderUnlockEv 5AwaitERKNS0_9ConditionE
      8LockWhenERKNS0_9ConditionE 16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE
      17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE)
    target_link_options(${target} PRIVATE -Wl,--wrap=_ZN4absl7debian35Mutex${symbol})
  endforeach()
  foreach(symbol 4WaitEPNS0_5MutexE 15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE
      16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)
    target_link_options(${target} PRIVATE -Wl,--wrap=_ZN4absl7debian37CondVar${symbol})
  endforeach()
endfunction()

# Sanitizers make everything several times slower: what a test may take grows with them.
function(_kilonova_timeout target seconds)
  if(KILONOVA_SANITIZE OR KILONOVA_FUZZ)
    math(EXPR seconds "${seconds} * 6")
  endif()
  set_tests_properties(${target} PROPERTIES TIMEOUT ${seconds})
endfunction()

# kilonova_test(NAME x LABEL unit SRCS ... DEPS ... [TIMEOUT 300] [ENV A=b ...]): one executable, one
# CTest entry; several labels are a list. GoogleTest's and GoogleMock's main is linked. A test that
# measures memory asks for KILONOVA_SANITIZED.
function(kilonova_test)
  cmake_parse_arguments(K "" "NAME;TIMEOUT" "SRCS;DEPS;LABEL;ENV" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  if(NOT K_LABEL)
    set(K_LABEL unit)
  endif()
  if(NOT K_TIMEOUT)
    set(K_TIMEOUT 300)
  endif()
  add_executable(${K_NAME}_test ${K_SRCS})
  _kilonova_common(${K_NAME}_test)
  _kilonova_tsan_mutex(${K_NAME}_test)
  target_link_libraries(${K_NAME}_test PRIVATE ${K_DEPS} GTest::gmock_main)
  target_compile_definitions(${K_NAME}_test PRIVATE
    KILONOVA_SOURCE_DIR="${PROJECT_SOURCE_DIR}" KILONOVA_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(KILONOVA_SANITIZE OR KILONOVA_FUZZ)
    target_compile_definitions(${K_NAME}_test PRIVATE KILONOVA_SANITIZED=1)
  endif()
  add_test(NAME ${K_NAME} COMMAND ${K_NAME}_test)
  set_tests_properties(${K_NAME} PROPERTIES LABELS "${K_LABEL}" ENVIRONMENT "${K_ENV}")
  _kilonova_timeout(${K_NAME} ${K_TIMEOUT})
endfunction()

# kilonova_script_test(NAME x LABEL e2e COMMAND ... [TIMEOUT 300]): a CTest entry that runs a command.
function(kilonova_script_test)
  cmake_parse_arguments(K "SERIAL" "NAME;TIMEOUT" "COMMAND;LABEL;ENV" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  if(NOT K_TIMEOUT)
    set(K_TIMEOUT 300)
  endif()
  add_test(NAME ${K_NAME} COMMAND ${K_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${K_NAME} PROPERTIES LABELS "${K_LABEL}"
    ENVIRONMENT "KILONOVA_BUILD_DIR=${PROJECT_BINARY_DIR};${K_ENV}")
  _kilonova_timeout(${K_NAME} ${K_TIMEOUT})
  if(K_SERIAL)
    set_tests_properties(${K_NAME} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# kilonova_bench(NAME x SRCS ... DEPS ...): a Google Benchmark program, not run by CTest.
function(kilonova_bench)
  cmake_parse_arguments(K "" "NAME" "SRCS;DEPS" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  add_executable(${K_NAME}_bench ${K_SRCS})
  _kilonova_common(${K_NAME}_bench)
  target_link_libraries(${K_NAME}_bench PRIVATE ${K_DEPS} benchmark::benchmark_main)
  set_target_properties(${K_NAME}_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endfunction()

# kilonova_fuzz(NAME x SRCS x_fuzz.cpp DEPS ... [CORPUS dir]): a libFuzzer target in the fuzz preset.
# In the others its corpus, where there is one, is run through it as the unit test x_fuzz_replay.
function(kilonova_fuzz)
  cmake_parse_arguments(K "" "NAME;CORPUS" "SRCS;DEPS" ${ARGN})
  if(KILONOVA_FUZZ)
    add_executable(${K_NAME}_fuzz ${K_SRCS})
    _kilonova_common(${K_NAME}_fuzz)
    target_link_libraries(${K_NAME}_fuzz PRIVATE ${K_DEPS})
    target_link_options(${K_NAME}_fuzz PRIVATE -fsanitize=fuzzer)
    set_target_properties(${K_NAME}_fuzz PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  elseif(K_CORPUS AND BUILD_TESTING)
    kilonova_test(NAME ${K_NAME}_fuzz_replay
      SRCS ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_test.cpp ${K_SRCS} DEPS ${K_DEPS})
    target_compile_definitions(${K_NAME}_fuzz_replay_test PRIVATE KILONOVA_FUZZ_CORPUS="${K_CORPUS}")
  endif()
endfunction()

# Fuzzers of the parsers (tests/fuzz), with libFuzzer: the preset `fuzz`, which tools/fuzz.sh builds and runs.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ADAQ_FUZZ needs clang, whose libFuzzer it uses: cmake --preset fuzz")
endif()
add_library(adaq_fuzz_targets STATIC tests/fuzz/targets.cpp tests/support/places.cpp)
set_source_files_properties(tests/support/places.cpp PROPERTIES COMPILE_DEFINITIONS
    "ADAQ_FIXTURES=\"${CMAKE_SOURCE_DIR}/tests/fixtures\";ADAQ_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\";ADAQ_BIN_DIR=\"${CMAKE_BINARY_DIR}\"")
target_include_directories(adaq_fuzz_targets PUBLIC tests)
target_link_libraries(adaq_fuzz_targets PUBLIC adaq_sweep adaq_run adaq PRIVATE adaq_flags ZLIB::ZLIB)

# One program a target: fuzz-<target>.
file(STRINGS tests/fuzz/targets.cpp FUZZ_TARGET_LINES REGEX "^        {\"[a-z_]+\", {")
foreach(line ${FUZZ_TARGET_LINES})
    string(REGEX MATCH "\"([a-z_]+)\"" _ "${line}")
    set(target ${CMAKE_MATCH_1})
    add_executable(fuzz-${target} tests/fuzz/libfuzzer.cpp)
    target_compile_definitions(fuzz-${target} PRIVATE ADAQ_FUZZ_TARGET="${target}")
    target_link_libraries(fuzz-${target} PRIVATE adaq_fuzz_targets adaq_flags)
    target_link_options(fuzz-${target} PRIVATE -fsanitize=fuzzer)
    list(APPEND FUZZERS fuzz-${target})
endforeach()
add_custom_target(fuzzers DEPENDS ${FUZZERS})

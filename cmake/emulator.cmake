# The CUDA kernels for a CPU, for the tests: every .cu file compiled as C++ against kernels/emulator. Included by
# tests/CMakeLists.txt, whose directory is the one in which .cu files are C++.
find_package(Boost QUIET COMPONENTS context)
if(NOT Boost_context_FOUND)
    message(STATUS "Boost.Context: not found, building without the tests of the CUDA kernels on the emulator")
    return()
endif()

file(GLOB EMULATOR_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/emulator/*.cpp)
if(ADAQ_SANITIZE)  # AddressSanitizer and UBSan take the hooks' place
    list(FILTER EMULATOR_SOURCES EXCLUDE REGEX "/hooks\\.cpp$")
endif()
add_library(adaq_emulator STATIC ${EMULATOR_SOURCES})
target_link_libraries(adaq_emulator PUBLIC adaq Boost::context PRIVATE adaq_flags)
target_compile_definitions(adaq_emulator PUBLIC ADAQ_EMULATE)
target_compile_options(adaq_emulator PRIVATE -O2)

# ThreadSanitizer's instrumentation at compile time only: kernels/emulator/hooks.cpp is what it calls.
add_library(adaq_emulated_flags INTERFACE)
target_compile_options(adaq_emulated_flags INTERFACE -x c++ -O2 -Wno-unknown-pragmas)
if(NOT ADAQ_SANITIZE)
    target_compile_options(adaq_emulated_flags INTERFACE -fsanitize=thread,alignment
        --param tsan-instrument-func-entry-exit=0 -Wno-tsan)
endif()

# A library of .cu files as C++.
function(add_emulated_library name)
    add_library(${name} OBJECT ${ARGN})
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
    target_link_libraries(${name} PRIVATE adaq_flags adaq_emulated_flags PUBLIC adaq_emulator)
endfunction()

file(GLOB_RECURSE CUDA_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu)
unite_cuda(CUDA_SOURCES)
add_emulated_library(adaq_cuda_emulated ${CUDA_SOURCES})

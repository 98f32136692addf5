# The CUDA device, where a CUDA compiler is there: kernels/cuda/*.cu, whose objects `adaq` takes in.
set(ADAQ_CUDA AUTO CACHE STRING "Build the CUDA device: AUTO (where a CUDA compiler is found), ON or OFF")
set_property(CACHE ADAQ_CUDA PROPERTY STRINGS AUTO ON OFF)

set(ADAQ_HAS_CUDA OFF)
if(ADAQ_CUDA)
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
        set(ADAQ_HAS_CUDA ON)
    elseif(ADAQ_CUDA STREQUAL "AUTO")
        message(STATUS "CUDA: not found, building for the CPU only")
    else()
        message(FATAL_ERROR "ADAQ_CUDA is ON, but no CUDA compiler was found; set CMAKE_CUDA_COMPILER")
    endif()
endif()
if(NOT ADAQ_HAS_CUDA)
    return()
endif()

# Every card from Turing on, and PTX of the newest for those to come.
set(ARCHITECTURES_CHOSEN ${CMAKE_CUDA_ARCHITECTURES})
if(NOT ARCHITECTURES_CHOSEN)
    set(CMAKE_CUDA_ARCHITECTURES 75)
endif()
enable_language(CUDA)
if(NOT ARCHITECTURES_CHOSEN)
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real)
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
        list(APPEND CMAKE_CUDA_ARCHITECTURES 90-real 100)
    else()
        list(APPEND CMAKE_CUDA_ARCHITECTURES 90)
    endif()
endif()
message(STATUS "CUDA: ${CMAKE_CUDA_COMPILER_VERSION}, for ${CMAKE_CUDA_ARCHITECTURES}")
find_package(CUDAToolkit REQUIRED)

file(GLOB_RECURSE ADAQ_CUDA_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu)
set(SM90A_SOURCES ${ADAQ_CUDA_SOURCES})
list(FILTER SM90A_SOURCES INCLUDE REGEX "/sm90a/")
list(FILTER ADAQ_CUDA_SOURCES EXCLUDE REGEX "/sm90a/")
unite_cuda(ADAQ_CUDA_SOURCES)
add_library(adaq_cuda OBJECT ${ADAQ_CUDA_SOURCES})
# What only sm_90a has, whatever the other architectures are: launched on such cards alone.
add_library(adaq_cuda_sm90a OBJECT ${SM90A_SOURCES})
set_target_properties(adaq_cuda_sm90a PROPERTIES CUDA_ARCHITECTURES 90a-real)

# No contraction and exact division, as on the host; products and sums fuse only where a kernel says fmaf.
# CMake 3.25 does not know of nvcc's C++20.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
foreach(kernels adaq_cuda adaq_cuda_sm90a)
    target_include_directories(${kernels} PRIVATE ${CMAKE_SOURCE_DIR})
    set_target_properties(${kernels} PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF)
    target_compile_options(${kernels} PRIVATE -Xptxas=-v -fmad=false -prec-div=true -prec-sqrt=true
        -Xcompiler=-ffp-contract=off,-Wall,-Wextra,-Wno-restrict $<$<BOOL:${ADAQ_WERROR}>:-Werror=all-warnings>)
    # fmt 9 takes nvcc for a compiler without constexpr, and then fails over its own consteval.
    target_compile_definitions(${kernels} PRIVATE FMT_USE_CONSTEXPR=1
        $<TARGET_PROPERTY:${ADAQ_FMT},INTERFACE_COMPILE_DEFINITIONS>)
    # Not linked: the language standard that fmt asks for would come behind ours.
    target_include_directories(${kernels} SYSTEM PRIVATE $<TARGET_PROPERTY:${ADAQ_FMT},INTERFACE_INCLUDE_DIRECTORIES>)
    set_target_properties(${kernels} PROPERTIES
        CUDA_COMPILER_LAUNCHER ${CMAKE_SOURCE_DIR}/cmake/keep_ptxas_report.sh)
    # The static runtime: programs start where there is no driver.
    target_link_libraries(${kernels} PRIVATE CUDA::cudart_static)
endforeach()

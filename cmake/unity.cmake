# ADAQ_UNITY: the files of a group are compiled as one file, so that the headers, most of what compiling costs, are read
# once a group. A group's files share their unnamed namespaces: a name that stands in two of them does not compile.
option(ADAQ_UNITY "Compile files in groups, each as one: faster from scratch, slower after an edit" OFF)

# unite(TARGET): all of its files are one group. unite(TARGET FOLDER ...): a file belongs to the first folder that it is
# in, "!FOLDER" to none. What has flags of its own never does.
function(unite target)
    if(NOT ADAQ_UNITY)
        return()
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    target_compile_options(${target} PRIVATE -Wno-shadow)  # of a name in another file
    if(NOT ARGN)
        return()
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
    get_target_property(sources ${target} SOURCES)
    foreach(source ${sources})
        foreach(folder ${ARGN})
            string(REGEX REPLACE "^!" "" path ${folder})
            string(FIND "${source}" "${CMAKE_SOURCE_DIR}/${path}/" at)
            if(at EQUAL 0)
                if(path STREQUAL folder)
                    string(MAKE_C_IDENTIFIER ${folder} group)
                    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
                endif()
                break()
            endif()
        endforeach()
    endforeach()
endfunction()

# One file alone knows where things are, so that the others compile to the same objects in every folder. A source file's
# properties are those of the directory that compiles it: included by each.
set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/support/places.cpp PROPERTIES COMPILE_DEFINITIONS
    "ADAQ_FIXTURES=\"${CMAKE_SOURCE_DIR}/tests/fixtures\";ADAQ_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\";ADAQ_BIN_DIR=\"${CMAKE_BINARY_DIR}\"")

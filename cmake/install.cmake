# `cmake --install`: the programs, the library with its headers, and a CMake package (find_package(adaq) -> adaq::adaq).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS adaq EXPORT adaq-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS ${ADAQ_PROGRAMS} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# The public headers: those of adaq/ itself.
file(GLOB PUBLIC_HEADERS CONFIGURE_DEPENDS adaq/*.h)
install(FILES ${PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/adaq)
install(DIRECTORY weights DESTINATION ${CMAKE_INSTALL_DATADIR}/adaq FILES_MATCHING PATTERN "*.bin" PATTERN "*.md")
install(DIRECTORY tables DESTINATION ${CMAKE_INSTALL_DATADIR}/adaq FILES_MATCHING PATTERN "*.json")
install(EXPORT adaq-targets NAMESPACE adaq:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/adaq)
configure_package_config_file(cmake/adaq-config.cmake.in adaq-config.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/adaq)
write_basic_package_version_file(adaq-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/adaq-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/adaq-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/adaq)

# What `cmake --install` puts in place: the library, its headers, and how to find them. The command
# line installs its own program, manual pages and completions (cli/CMakeLists.txt).
include(CMakePackageConfigHelpers)

# The program finds the library beside it, wherever the tree is put.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_FULL_BINDIR}
  OUTPUT_VARIABLE LOP_RPATH)
# The build tree is laid out the same way, so that one path serves both: to a path of the tree's own CMake adds
# colons, and the loader takes an empty entry for the directory that the caller happens to be in, where
# anybody may have put a library.
set_target_properties(lop_cli PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "\$ORIGIN/${LOP_RPATH}")
set_target_properties(lop lop_run PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH_USE_LINK_PATH ON
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/cli/${LOP_RPATH})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lop)

install(TARGETS lop lop_run EXPORT lopTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/lop DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# CMake: find_package(lop), then link lop::lop. Compatible as the soname is: see LOP_SOVERSION.
install(EXPORT lopTargets NAMESPACE lop:: DESTINATION ${package_dir})
configure_package_config_file(cmake/lopConfig.cmake.in ${PROJECT_BINARY_DIR}/lopConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lopConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lopConfig.cmake ${PROJECT_BINARY_DIR}/lopConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config: paths relative to the file itself, so that an installed tree may be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR
  BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE LOP_PC_INCLUDEDIR)
configure_file(cmake/lop.pc.in ${PROJECT_BINARY_DIR}/lop.pc @ONLY)
configure_file(cmake/lop-run.pc.in ${PROJECT_BINARY_DIR}/lop-run.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lop.pc ${PROJECT_BINARY_DIR}/lop-run.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The runtime for pages: docs/webassembly.md.
if(LOP_WASM)
  install(FILES ${LOP_WASM_MODULES} web/runtime/lop-run.js
    DESTINATION ${CMAKE_INSTALL_DATADIR}/lop/web)
endif()

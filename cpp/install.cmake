# Installs the core for programs that embed it without Python:
#
#   find_package(vicinal REQUIRED)
#   target_link_libraries(program PRIVATE vicinal::vicinal)
#   #include <vicinal/index/index.hpp>
#
# Here a header is named by its layer ("index/index.hpp"). In somebody else's program such a name says too little and
# may be theirs already, so that the installed headers live below vicinal/ and name each other by it.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# The headers a program includes. What these need in turn comes along, and may change from one version to the next.
set(public_headers
  base/errors.hpp base/watch.hpp codecs/types.hpp
  index/id_set.hpp index/index.hpp index/options.hpp index/store.hpp)

set(installed "")
set(waiting ${public_headers})
while(waiting)
  list(POP_FRONT waiting header)
  if(header IN_LIST installed)
    continue()
  endif()
  list(APPEND installed "${header}")
  set(source "${CMAKE_CURRENT_SOURCE_DIR}/cpp/${header}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  file(STRINGS "${source}" includes REGEX "^#include \"")
  list(TRANSFORM includes REPLACE "^#include \"([^\"]*)\".*" "\\1")
  list(APPEND waiting ${includes})
  file(READ "${source}" text)
  string(REGEX REPLACE "#include \"([^\"]*)\"" "#include \"vicinal/\\1\"" text "${text}")
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/include/vicinal/${header}" CONTENT "${text}" @ONLY)
endwhile()

add_library(vicinal::vicinal ALIAS vicinal_core)
set_target_properties(vicinal_core PROPERTIES EXPORT_NAME vicinal OUTPUT_NAME vicinal)
target_compile_features(vicinal_core PUBLIC cxx_std_20)
target_include_directories(vicinal_core INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/vicinal")
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/vicinalConfig.cmake" @ONLY CONTENT [[
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/vicinalTargets.cmake")
]])
# Before 1.0 a minor version may change what programs are compiled against.
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/vicinalConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)

# A component of its own, which wheels leave out.
install(TARGETS vicinal_core EXPORT vicinalTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT cpp)
install(EXPORT vicinalTargets NAMESPACE vicinal:: DESTINATION "${package_folder}" COMPONENT cpp)
foreach(header IN LISTS installed)
  get_filename_component(layer "${header}" DIRECTORY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/include/vicinal/${header}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/vicinal/${layer}" COMPONENT cpp)
endforeach()
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/vicinalConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/vicinalConfigVersion.cmake"
  DESTINATION "${package_folder}" COMPONENT cpp)

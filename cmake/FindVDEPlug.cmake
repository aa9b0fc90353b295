# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Finds libvdeplug 4, which comes with neither a pkg-config file nor a CMake package.
# Sets VDEPlug_FOUND and defines the target VDEPlug::VDEPlug.

find_path(VDEPlug_INCLUDE_DIR libvdeplug.h)
find_library(VDEPlug_LIBRARY vdeplug)
mark_as_advanced(VDEPlug_INCLUDE_DIR VDEPlug_LIBRARY)

# Version 2, the one of the old vde2 package, has no header for plugin modules.
find_file(VDEPlug_MODULE_HEADER libvdeplug_mod.h HINTS "${VDEPlug_INCLUDE_DIR}")
mark_as_advanced(VDEPlug_MODULE_HEADER)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(VDEPlug
  REQUIRED_VARS VDEPlug_LIBRARY VDEPlug_INCLUDE_DIR VDEPlug_MODULE_HEADER
  REASON_FAILURE_MESSAGE "libvdeplug 4 is needed (Debian: libvdeplug-dev)")

if(VDEPlug_FOUND AND NOT TARGET VDEPlug::VDEPlug)
  add_library(VDEPlug::VDEPlug UNKNOWN IMPORTED)
  set_target_properties(VDEPlug::VDEPlug PROPERTIES
    IMPORTED_LOCATION "${VDEPlug_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${VDEPlug_INCLUDE_DIR}")
endif()

# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is installed beside libraries and programs, each part in a component of its own: documents and examples (doc),
# AppArmor profiles (tools, daemons), the Python package (python). And the target sbom.

option(VDESTACK_DOCS "Install the documents and the examples" ON)
set(VDESTACK_APPARMOR OFF CACHE STRING "Install AppArmor profiles of this version of the policy: 3.0, 4.0 or OFF")
set_property(CACHE VDESTACK_APPARMOR PROPERTY STRINGS OFF 3.0 4.0)

# The places are those of the tree, so links between documents lead somewhere.
if(VDESTACK_DOCS)
  install(FILES README.md SECURITY.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT doc)
  install(DIRECTORY docs DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT doc PATTERN man EXCLUDE)
  install(DIRECTORY examples DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT doc
    PATTERN __pycache__ EXCLUDE PATTERN .pytest_cache EXCLUDE PATTERN .mypy_cache EXCLUDE)
endif()

# vdestack_install_profile(NAME COMPONENT): data/apparmor/NAME.in. The permission userns is of version 4.0.
function(vdestack_install_profile name component)
  set(data "${PROJECT_SOURCE_DIR}/data/apparmor")
  set(VDESTACK_APPARMOR_USERNS "")
  if(VDESTACK_APPARMOR VERSION_GREATER_EQUAL 4.0)
    set(VDESTACK_APPARMOR_USERNS "userns,")
  endif()
  file(READ "${data}/common.in" common)
  string(CONFIGURE "${common}" VDESTACK_APPARMOR_COMMON @ONLY)
  configure_file("${data}/${name}.in" "${PROJECT_BINARY_DIR}/apparmor/${name}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${data}/common.in")
  install(FILES "${PROJECT_BINARY_DIR}/apparmor/${name}" COMPONENT ${component}
    DESTINATION "${CMAKE_INSTALL_FULL_SYSCONFDIR}/apparmor.d")
endfunction()

if(VDESTACK_APPARMOR)
  if(NOT VDESTACK_APPARMOR MATCHES "^[34][.]0$")
    message(FATAL_ERROR "VDESTACK_APPARMOR is \"${VDESTACK_APPARMOR}\": set it to 3.0, 4.0 or OFF")
  endif()
  if(VDESTACK_APPARMOR VERSION_GREATER_EQUAL 4.0)
    vdestack_install_profile(vdestack tools)
  endif()
  foreach(name IN ITEMS iothnamed iothradvd otip_rproxy namedhcp namedhcp4)
    if(TARGET ${name})
      vdestack_install_profile(${name} daemons)
    endif()
  endforeach()
endif()

# The Python package is installed by its component only: cmake --install DIR --component python. Others use
# python/pyproject.toml.
find_program(VDESTACK_PYTHON3 python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(VDESTACK_PYTHON3 python3)
mark_as_advanced(VDESTACK_PYTHON3)
if(NOT DEFINED VDESTACK_PYTHON_DIR)
  set(purelib "")
  if(VDESTACK_PYTHON3)
    execute_process(COMMAND "${VDESTACK_PYTHON3}" -c
        "import sysconfig; print(sysconfig.get_path('purelib', 'posix_prefix', vars={'base': ''}).lstrip('/'))"
      OUTPUT_VARIABLE purelib OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(NOT purelib)
    set(purelib lib/python3/site-packages)
  endif()
  set(VDESTACK_PYTHON_DIR "${purelib}" CACHE STRING "Where the component python is installed")
endif()
set(information "${PROJECT_BINARY_DIR}/python-information/vdestack-${PROJECT_VERSION}.dist-info")
file(WRITE "${information}/METADATA" "Metadata-Version: 2.1\nName: vdestack\nVersion: ${PROJECT_VERSION}\n")
file(WRITE "${information}/INSTALLER" "cmake\n")
file(WRITE "${information}/entry_points.txt" "[pytest11]\nvdestack = vdestack.pytest_plugin\n")
install(DIRECTORY python/src/vdestack "${information}" DESTINATION "${VDESTACK_PYTHON_DIR}"
  COMPONENT python EXCLUDE_FROM_ALL PATTERN __pycache__ EXCLUDE)

# A list of what the installed files are made of (SPDX 2.3, JSON), in the build directory.
if(VDESTACK_PYTHON3)
  add_custom_target(sbom VERBATIM
    COMMAND "${VDESTACK_PYTHON3}" -B "${PROJECT_SOURCE_DIR}/cmake/sbom.py" "${PROJECT_SOURCE_DIR}"
            "${PROJECT_BINARY_DIR}" "${CMAKE_COMMAND}" "${PROJECT_VERSION}"
            "${PROJECT_BINARY_DIR}/libvdestack-${PROJECT_VERSION}.spdx.json"
    COMMENT "libvdestack-${PROJECT_VERSION}.spdx.json")
endif()

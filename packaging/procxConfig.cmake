# find_package(procx) defines the target procx::procx: of the library beside this file, static if there are both.
# BUILD_SHARED_LIBS prefers the shared one.

include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)
find_dependency(Boost 1.81 COMPONENTS serialization stacktrace_backtrace)

if(NOT TARGET procx::procx)
  get_filename_component(_procx_libraries "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
  # The folder of the libraries is lib, or one in it for each architecture.
  get_filename_component(_procx_headers "${_procx_libraries}/../include" ABSOLUTE)
  if(NOT EXISTS "${_procx_headers}/procx/procx.hpp")
    get_filename_component(_procx_headers "${_procx_libraries}/../../include" ABSOLUTE)
  endif()
  set(_procx_kind STATIC)
  set(_procx_library "${_procx_libraries}/libprocx.a")
  if(EXISTS "${_procx_libraries}/libprocx.so" AND (BUILD_SHARED_LIBS OR NOT EXISTS "${_procx_library}"))
    set(_procx_kind SHARED)
    set(_procx_library "${_procx_libraries}/libprocx.so")
  endif()
  add_library(procx::procx ${_procx_kind} IMPORTED)
  set_target_properties(procx::procx PROPERTIES
    IMPORTED_LOCATION "${_procx_library}"
    IMPORTED_LINK_INTERFACE_LANGUAGES CXX
    INTERFACE_INCLUDE_DIRECTORIES "${_procx_headers}"
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES
      "Boost::serialization;Boost::stacktrace_backtrace;Threads::Threads;${CMAKE_DL_LIBS}")
  foreach(_procx_variable kind library libraries headers)
    unset(_procx_${_procx_variable})
  endforeach()
  unset(_procx_variable)
endif()

# find_package(procx) defines the target procx::procx.

include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(Boost 1.81 COMPONENTS serialization stacktrace_backtrace)

if(NOT TARGET procx::procx)
  get_filename_component(_procx_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(procx::procx STATIC IMPORTED)
  set_target_properties(procx::procx PROPERTIES
    IMPORTED_LOCATION "${_procx_prefix}/lib/libprocx.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES CXX
    INTERFACE_INCLUDE_DIRECTORIES "${_procx_prefix}/include"
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES
      "Boost::serialization;Boost::stacktrace_backtrace;Threads::Threads;${CMAKE_DL_LIBS}")
  unset(_procx_prefix)
endif()

#pragma once

// What is too old is told at once. Both compilers go on after #error, but not after a header that does not exist.
#if __cplusplus < 202002L
#error "procx needs C++20: compile with -std=c++20 or newer"
#include <procx/needs_cxx20>
#endif

#if defined __clang__ && __clang_major__ < 16
#error "procx needs clang 16 or newer, or g++ 12 or newer (Debian: clang++-16)"
#include <procx/needs_clang_16>
#elif !defined __clang__ && __GNUC__ < 12
#error "procx needs g++ 12 or newer, or clang 16 or newer"
#include <procx/needs_gcc_12>
#endif

#include <boost/version.hpp>

#if BOOST_VERSION < 108100
#error "procx needs Boost 1.81 or newer (Debian: libboost1.81-all-dev)"
#include <procx/needs_boost_1_81>
#endif

/// The version of procx, `major * 10'000 + minor * 100 + patch`.
#define PROCX_VERSION 100

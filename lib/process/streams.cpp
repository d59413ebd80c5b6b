#include "process/streams.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <streambuf>

#include <stdio_ext.h>
#include <sys/single_threaded.h>

// The C library's list of its streams. They lie in no header since it hides its structures, but are part of its interface.
extern "C" {
void _IO_list_lock();
void _IO_list_unlock();
std::FILE* _IO_iter_begin();
std::FILE* _IO_iter_end();
std::FILE* _IO_iter_next(std::FILE*);
}

namespace procx::inline v1::detail {
namespace {

template <class Do>
void for_each_file(Do what) noexcept {
  for (std::FILE* f = ::_IO_iter_begin(); f != ::_IO_iter_end(); f = ::_IO_iter_next(f)) what(f);
}

/// Not of those that are read: what was read ahead is no output, and their locks are held for as long as a read takes.
bool has_unwritten(std::FILE* f) noexcept { return ::__fwriting(f) && ::__fpending(f) > 0; }

/// Of a static object that is initialized before those of the file at hand, the streams would not be there yet.
using initialized_streams = std::ios_base::Init;

/// One that throws when it cannot write, by the user's wish, does so for whoever writes there next.
template <class Do>
void for_each_standard_stream(Do what) noexcept {
  initialized_streams const now;
  auto const to = [&](auto& stream) {
    try {
      what(stream);
    } catch (...) {
    }
  };
  to(std::cout), to(std::cerr), to(std::clog);
  to(std::wcout), to(std::wcerr), to(std::wclog);
}

void flush_iostreams() noexcept {
  for_each_standard_stream([](auto& stream) { stream.flush(); });
}

/// How a stream buffer is emptied without writing: it is for classes that derive from it.
template <class Char>
struct put_area : std::basic_streambuf<Char> {
  using base = std::basic_streambuf<Char>;
  using base::epptr, base::pbase, base::pptr, base::setp;
};

/// Not a member of that class: Clang takes the addresses of inherited members for calls there.
template <class Char>
void discard(std::basic_streambuf<Char>& buffer) noexcept {
  using area = put_area<Char>;
  Char* const begin = (buffer.*&area::pbase)();
  if ((buffer.*&area::pptr)() != begin) (buffer.*&area::setp)(begin, (buffer.*&area::epptr)());
}

}  // namespace

void flush_before_fork() noexcept {
  if (__libc_single_threaded) {
    flush_iostreams();
    std::fflush(nullptr);
    return;
  }
  ::_IO_list_lock();  // as fork() itself does
  for_each_file([](std::FILE* f) {
    if (!has_unwritten(f) || ::ftrylockfile(f) != 0) return;
    ::fflush_unlocked(f);
    ::funlockfile(f);
  });
  ::_IO_list_unlock();
}

void forget_unwritten() noexcept {
  for_each_file([](std::FILE* f) {
    if (has_unwritten(f)) ::__fpurge(f);
  });
  for_each_standard_stream([]<class Char>(std::basic_ostream<Char>& stream) {
    // What another buffer holds may be what the program keeps there, as a string stream does.
    auto* const buffer = dynamic_cast<std::basic_filebuf<Char>*>(stream.rdbuf());
    if (buffer) discard(*buffer);
  });
}

void flush_standard_streams() noexcept {
  flush_iostreams();
  std::fflush(stdout);
  std::fflush(stderr);
}

void flush_all_streams() noexcept {
  flush_iostreams();
  if (__libc_single_threaded) {
    std::fflush(nullptr);
    return;
  }
  // A thread that reads from a stream holds it: to wait for that one could be to wait for ever.
  ::_IO_list_lock();
  for_each_file([](std::FILE* f) {
    if (has_unwritten(f)) std::fflush(f);
  });
  ::_IO_list_unlock();
}

}  // namespace procx::inline v1::detail

#include "system/generation.hpp"

#include <pthread.h>

namespace procx::inline v1::detail {

unsigned forks = 0;

namespace {

std::mutex& fork_mutex() {
  static auto* const mutex = new std::mutex;  // never destroyed: exit handlers may fork
  return *mutex;
}

void in_child() {
  ++forks;
  fork_mutex().unlock();
}

/// Once, whoever comes first: a clean image forks before this file's static objects are initialized.
void watch_forks() {
  [[maybe_unused]] static int const registered =
      ::pthread_atfork([] { fork_mutex().lock(); }, [] { fork_mutex().unlock(); }, in_child);
}

[[maybe_unused]] bool const watching = (watch_forks(), true);

}  // namespace

std::unique_lock<std::mutex> hold_forks() {
  watch_forks();
  return std::unique_lock(fork_mutex());
}

}  // namespace procx::inline v1::detail

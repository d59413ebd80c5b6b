#include "system/generation.hpp"

#include <pthread.h>

namespace procx::inline v1::detail {
namespace {

unsigned forks = 0;

std::mutex& fork_mutex() {
  static auto* const mutex = new std::mutex;  // never destroyed: exit handlers may fork
  return *mutex;
}

[[maybe_unused]] int const registered = ::pthread_atfork([] { fork_mutex().lock(); }, [] { fork_mutex().unlock(); },
                                                         [] {
                                                           ++forks;
                                                           fork_mutex().unlock();
                                                         });

}  // namespace

unsigned generation() noexcept { return forks; }

std::unique_lock<std::mutex> hold_forks() { return std::unique_lock(fork_mutex()); }

}  // namespace procx::inline v1::detail

#include "process/exit_guard.hpp"

#include "error/sanitizer.hpp"
#include "process/fork.hpp"
#include "system/generation.hpp"

#include <cstdlib>
#include <new>

#include <cxxabi.h>

// As __cxa_atexit, of which at_quick_exit is made. Not in a header, but part of the C library's interface.
extern "C" int __cxa_at_quick_exit(void (*)(void*), void* owner) noexcept;
extern "C" int __cxa_thread_atexit_impl(void (*)(void*), void* object, void* owner) noexcept;

namespace procx::inline v1::detail {
namespace {

constexpr unsigned of_no_process = ~0u;

// The first generation whose objects are the created process's own; what is older is the program's.
constinit unsigned created_in = 0;

/// The C library calls each handler with the status, as it does those of on_exit.
using status_handler = void (*)(void*, int);

void (*registered(status_handler handler))(void*) {
  return reinterpret_cast<void (*)(void*)>(reinterpret_cast<void (*)()>(handler));
}

/// Taken off the list in the process that has put it there, it is called as well.
void on_exit_of_created(void* made_in, int status) {
  if (is_created_process() && *static_cast<unsigned const*>(made_in) != generation()) leave(status);
}

void on_quick_exit_of_created(void*, int status) {
  if (is_created_process()) leave(status);
}

void put_on_lists(unsigned* made_in) {
  if (abi::__cxa_atexit(registered(on_exit_of_created), made_in, made_in) != 0 ||
      ::__cxa_at_quick_exit(registered(on_quick_exit_of_created), made_in) != 0)
    throw std::bad_alloc();
}

/// A destructor of a thread_local object, and the process in which that was made.
struct thread_exit {
  void (*destroy)(void*);
  void* object;
  unsigned made_in;

  static void run(void* given) {
    auto* const e = static_cast<thread_exit*>(given);
    if (e->made_in < created_in) return;
    e->destroy(e->object);
    delete e;
  }
};

}  // namespace

exit_guard::exit_guard() : made_in_(std::make_unique<unsigned>(generation())) {
  try {
    put_on_lists(made_in_.get());
  } catch (...) {
    abi::__cxa_finalize(made_in_.get());
    throw;
  }
}

exit_guard::~exit_guard() {
  if (*made_in_ == generation())
    abi::__cxa_finalize(made_in_.get());
  else
    (void)made_in_.release();  // the child is guarded for as long as it lives
}

void guard_own_exit() {
  static constinit unsigned any_other = of_no_process;
  put_on_lists(&any_other);
}

void become_guarded() noexcept {
  created_in = generation();
#ifdef PROCX_SANITIZED
  // The thread sanitizer's own __cxa_atexit passes no status on.
  static constinit unsigned any_other = of_no_process;
  ::on_exit([](int status, void* made_in) { on_exit_of_created(made_in, status); }, &any_other);
#endif
}

int register_thread_exit(void (*destroy)(void*), void* object, void* owner) noexcept {
  auto* const e = new (std::nothrow) thread_exit{destroy, object, generation()};
  if (!e) return -1;
  int const failed = ::__cxa_thread_atexit_impl(thread_exit::run, e, owner);
  if (failed) delete e;
  return failed;
}

}  // namespace procx::inline v1::detail

/// In place of the C++ runtime's, which would destroy the program's thread_local objects in each process that was forked
/// by their thread and calls exit(): nothing there tells whose they are.
extern "C" int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* owner) noexcept {
  return procx::detail::register_thread_exit(destroy, object, owner);
}

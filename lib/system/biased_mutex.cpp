#include <procx/detail/system/biased_mutex.hpp>

#include <chrono>
#include <thread>

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procx::inline v1::detail {
namespace {

constexpr unsigned uses_of_an_owner = 32;
constexpr int looks = 100;
constexpr std::chrono::microseconds nap{50};

// For what a processor has stored to be seen by the others, should the program have forbidden itself the system call since.
constexpr std::chrono::milliseconds long_enough{1};

bool ask_system(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

/// Asked before the program has threads: with them it takes the system ten milliseconds and more to say yes. A library that
/// is loaded later goes without.
bool const may_interrupt = __libc_single_threaded && ask_system(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);

bool interrupt_all_threads() noexcept { return ask_system(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

std::uint64_t number_of_this_thread() noexcept {
  static std::atomic<std::uint64_t> numbers = 0;
  if (thread_number == 0) thread_number = ++numbers;
  return thread_number;
}

/// So that the copy of a mutex in a forked child, where that thread goes on, is not its own: what it guards is the parent's.
bool const children_own_nothing = ::pthread_atfork(nullptr, nullptr, [] { thread_number = 0; }) == 0;

}  // namespace

void biased_mutex::lock_slowly() noexcept {
  mutex_.lock();
  if (is_anothers()) {
    shut_out_owner();
    owner_.store(nobody, std::memory_order_relaxed);  // and it stays shut
  } else if (!was_owned_) {
    consider(number_of_this_thread());
  }
  slowly_ = true;
}

void biased_mutex::unlock_slowly() noexcept {
  slowly_ = false;
  mutex_.unlock();
}

/// Whether it should become that thread's, which has it locked.
void biased_mutex::consider(std::uint64_t thread) noexcept {
  in_a_row_ = last_ == thread ? in_a_row_ + 1 : 1;
  last_ = thread;
  if (in_a_row_ < uses_of_an_owner) return;
  was_owned_ = true;
  if (may_interrupt && interrupt_all_threads() && children_own_nothing)
    owner_.store(thread, std::memory_order_relaxed);
}

bool biased_mutex::is_anothers() const noexcept {
  std::uint64_t const owner = owner_.load(std::memory_order_relaxed);
  return owner != nobody && owner != thread_number;
}

void biased_mutex::shut_out_owner() noexcept {
  shut_.store(true, std::memory_order_relaxed);
  if (!interrupt_all_threads()) std::this_thread::sleep_for(long_enough);
  for (int i = 0; inside_.load(std::memory_order_acquire); ++i)  // for some instructions, unless it has lost its processor
    if (i >= looks) std::this_thread::sleep_for(nap);
}

biased_mutex::visit::visit(biased_mutex& m) noexcept : mutex_(m) {
  mutex_.mutex_.lock();
  shut_out_ = mutex_.is_anothers();
  if (shut_out_) mutex_.shut_out_owner();
}

biased_mutex::visit::~visit() {
  if (shut_out_) mutex_.shut_.store(false, std::memory_order_release);
  mutex_.mutex_.unlock();
}

}  // namespace procx::inline v1::detail

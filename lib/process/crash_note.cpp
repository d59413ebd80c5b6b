#include "process/crash_note.hpp"

#include "error/throw_trace.hpp"
#include "system/generation.hpp"

#include <boost/stacktrace/safe_dump_to.hpp>

#include <algorithm>
#include <csignal>
#include <new>

#include <sys/mman.h>
#include <ucontext.h>

namespace procx::inline v1::detail {
namespace {

constexpr std::array fatal{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/// The unwinder allocates when it is first used. In a child it must not: a thread may have held the lock at the fork.
bool unwinder_is_warm = false;

void warm_up_unwinder() noexcept {
  if (unwinder_is_warm) return;
  std::array<void const*, 2> frames;
  boost::stacktrace::safe_dump_to(frames.data(), sizeof frames);
  unwinder_is_warm = true;
}

/// Notes of this process's children; a child has its own for those it makes.
class note_arena {
 public:
  /// Null if there is no memory.
  static note_arena* own() noexcept {
    static std::atomic<note_arena*> current = nullptr;  // never destroyed: what refers to it may be static
    note_arena* arena = current;
    while (!arena || arena->generation_ != generation()) {
      std::unique_ptr<note_arena> fresh(new (std::nothrow) note_arena);
      if (!fresh || !fresh->notes_) return nullptr;
      warm_up_unwinder();
      if (current.compare_exchange_strong(arena, fresh.get())) return fresh.release();
    }
    return arena;
  }
  ~note_arena() {
    if (notes_) ::munmap(notes_, size);
  }

  crash_note* take() noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (used_[i].load(std::memory_order_relaxed) || used_[i].exchange(true, std::memory_order_acquire)) continue;
      if (notes_[i].signal.load(std::memory_order_relaxed) != 0) notes_[i].reset();
      return &notes_[i];
    }
    return nullptr;
  }
  void give_back(crash_note const* note) noexcept {
    used_[static_cast<std::size_t>(note - notes_)].store(false, std::memory_order_release);
  }

 private:
  static constexpr std::size_t count = 1024;
  static constexpr std::size_t size = count * sizeof(crash_note);

  note_arena() noexcept {
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) notes_ = static_cast<crash_note*>(memory);  // zeroes: nothing is noted
  }

  unsigned generation_ = generation();
  crash_note* notes_ = nullptr;
  std::array<std::atomic<bool>, count> used_{};
};

crash_note* noted_in = nullptr;
unsigned noting_generation = 0;
alignas(16) std::array<std::byte, 64 * 1024> handler_stack;

void const* instruction(void* context) noexcept {
  auto const& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<void const*>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void const*>(machine.pc);
#else
  static_cast<void>(machine);
  return nullptr;
#endif
}

/// Async-signal-safe. Its disposition is the default again when it runs (SA_RESETHAND), so a second crash in here, and
/// the signal raised at the end, kill.
void on_crash(int signal, siginfo_t* info, void* context) {
  if (noting_generation == generation()) {  // else this is a process that the task has forked
    crash_note& note = *noted_in;
    note.sender = info->si_code <= 0 && signal != SIGABRT ? info->si_pid : 0;
    note.has_address = info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS);
    note.address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    note.at = instruction(context);
    note.frames.fill(nullptr);
    note.signal.store(signal, std::memory_order_release);  // what follows may be too much for a broken stack
    boost::stacktrace::safe_dump_to(note.frames.data(), sizeof note.frames);
  }
  ::raise(signal);
}

}  // namespace

std::shared_ptr<crash_note> new_crash_note() noexcept {
  note_arena* const arena = note_arena::own();
  crash_note* const note = arena ? arena->take() : nullptr;
  if (!note) return nullptr;
  try {
    return {note, [arena](crash_note const* used) { arena->give_back(used); }};
  } catch (std::bad_alloc const&) {  // the deleter was called
    return nullptr;
  }
}

void note_crashes(crash_note& where) noexcept {
  noted_in = &where;
  noting_generation = generation();
  warm_up_unwinder();
  stack_t stack{};
  stack.ss_sp = handler_stack.data();
  stack.ss_size = handler_stack.size();
  ::sigaltstack(&stack, nullptr);
  for (int const signal : fatal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
    ::sigaction(signal, &action, nullptr);
  }
}

void add_crash(death_certificate& certificate, crash_note const& note) {
  int const signal = note.signal.load(std::memory_order_acquire);
  // Others can write there too: no more is believed than the signal's handler could have noted.
  if (certificate.status.signal() != signal || std::ranges::find(fatal, signal) == fatal.end()) return;
  certificate.killed_by = note.sender;
  if (note.has_address != 0) certificate.fault_address = note.address;
  // The innermost frames are the handler's: those of the crash begin with the instruction.
  auto const end = std::ranges::find(note.frames, nullptr);
  auto begin = std::find(note.frames.begin(), end, note.at);
  if (begin != end) ++begin;
  else begin = note.frames.begin();
  if (note.at) certificate.crash.push_back(locate(static_cast<char const*>(note.at) + 1));  // as if it had called
  for (; begin != end; ++begin) certificate.crash.push_back(locate(*begin));
}

}  // namespace procx::inline v1::detail

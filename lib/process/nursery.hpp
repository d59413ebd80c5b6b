#pragma once

#include "process/process_state.hpp"
#include "system/descriptor.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace procx::inline v1::detail {

struct nursery_answer;

/// What of that which a process prints is passed on by its creator.
enum class captured : std::uint8_t {
  nothing,
  errors,      ///< its standard error
  everything,  ///< its standard output as well
};

/// What a process from a nursery is given: a few bytes that say what it is for, and descriptors.
struct nursery_order {
  std::span<std::byte const> message;  ///< at most 256 bytes
  std::span<descriptor> descriptors;   ///< at most 7; become the new process's own
};

/// A process whose only work is to fork others: it stays as small and as single-threaded as this one was when the
/// nursery was made, so that forking is cheap and safe later on, when there are threads and gigabytes here.
///
/// Its children are what it was made with: `body` runs in each of them, with a copy of everything that existed when the
/// nursery was made. It ends, and its children with it, when this object goes. Only the nursery can reap its children;
/// it tells how they ended over its control socket. Thread-safe.
class nursery final : public status_source, public std::enable_shared_from_this<nursery> {
 public:
  using body_function = std::function<int(nursery_order const&)>;

  /// Forks the nursery. `if_abandoned` is called there if this process dies before it lets it go. Throws system_error.
  static std::shared_ptr<nursery> make(body_function body, std::function<void()> if_abandoned = nullptr);
  ~nursery() override;

  /// Forks a process from the nursery. The descriptors given are closed here. Throws system_error: EAGAIN if the system
  /// has no room, EPIPE if the nursery has died.
  std::unique_ptr<process_state> spawn(std::span<std::byte const> message, std::vector<descriptor> descriptors,
                                       captured what = captured::errors);
  /// Told of a process that was ordered, or why there is none.
  using told = std::function<void(std::unique_ptr<process_state>, std::exception_ptr why)>;
  /// The same without waiting: `then` is called by `hear`, or by `give_up`. Throws system_error: EPIPE if the nursery has died.
  void order(std::span<std::byte const> message, std::vector<descriptor> descriptors, captured what, told then);
  bool has_orders() const;
  /// Nobody is told any more of what was ordered.
  void forget_orders() noexcept;
  /// Readable when there is something to hear.
  int control() const noexcept { return control_.get(); }
  /// Takes in what the nursery has said. Never blocks.
  void hear();
  /// To be called while somebody has waited for an answer, or for word of an end, since then. Whether it is too late: then those
  /// who wait for answers have been told so.
  bool give_up_if_late(std::chrono::steady_clock::time_point since);

  bool alive() const noexcept { return !broken_; }
  /// Tells it to end, with all its children. Does not wait.
  void dismiss() noexcept;
  /// The nursery itself.
  process_state& process() noexcept { return *process_; }
  pid_t pid() const noexcept { return process_ ? process_->pid() : 0; }

  std::optional<ending> ending_of(pid_t pid, int pidfd, bool waits) override;
  bool kill(pid_t pid, int signal) noexcept override;

 private:
  struct passkey {};

 public:
  explicit nursery(passkey) {}

 private:
  using child_table = std::map<pid_t, std::optional<ending>>;
  struct pending_order {
    descriptor errors;
    child_table room;  // for the new child
    told then;
  };
  enum class heard { something, nothing, no_more };

  descriptor send_order(std::span<std::byte const> message, std::vector<descriptor> descriptors, captured what);
  std::unique_ptr<process_state> child_of(nursery_answer const& answer, std::vector<descriptor>& with, descriptor errors,
                                          child_table room);
  heard read_packet(nursery_answer& into, std::vector<descriptor>& with);
  bool read_answer(nursery_answer& into, std::vector<descriptor>& with, deadline until);
  void fail_orders(std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  descriptor control_;
  std::unique_ptr<process_state> process_;
  std::vector<pending_order> orders_;  // in the order of the answers; few
  child_table children_;  // whose end was not asked for as yet, with what was told of it
  bool broken_ = false;
  bool dismissed_ = false;
};

}  // namespace procx::inline v1::detail

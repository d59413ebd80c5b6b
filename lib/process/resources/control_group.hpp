#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace procx::inline v1::detail {

/// A control group (version 2) of this program's, with one below it for each of a pool's workers: there is no way out of it
/// for what a worker starts, whoever's child that becomes.
class control_group {
 public:
  /// Makes one below the group that this process is in; null if there are none here, or none may be made.
  static std::shared_ptr<control_group const> make();
  control_group(control_group const&) = delete;
  control_group& operator=(control_group const&) = delete;
  ~control_group();

  /// By a worker: goes into the group with this number, which is made for it; false if that is not allowed.
  bool enter(std::uint32_t worker) const;
  /// Kills what is left in the worker's group, and removes it as soon as that is gone, at the latest with this object.
  void end(std::uint32_t worker) const noexcept;
  /// The same for all of them, and waits for a moment until they are gone.
  void end_all() const noexcept;

 private:
  explicit control_group(std::string path);
  std::string path_of(std::uint32_t worker) const { return path_ + "/worker-" + std::to_string(worker); }

  std::string path_;
  unsigned generation_;
};

}  // namespace procx::inline v1::detail

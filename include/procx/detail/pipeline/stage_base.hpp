#pragma once

#include <procx/daemon/connect_options.hpp>
#include <procx/detail/wire/buffer.hpp>
#include <procx/pipeline/stage_options.hpp>
#include <procx/wire/archive.hpp>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <typeinfo>

namespace procx::inline v1::detail {

/// Where a stage puts what it makes.
class stage_output {
 public:
  /// `value`: an object of the stage's output type, from which may be moved.
  virtual void give(void* value) = 0;

 protected:
  ~stage_output() = default;
};

/// A stage that is run by a daemon, as compiled code sees it.
struct remote_stage {
  std::filesystem::path address;
  connect_options options;
  std::uint64_t name = 0;         ///< of the function that is called there
  std::uint64_t fingerprint = 0;  ///< of its signature
  /// Appends what a call is behind its head, of an item as bytes.
  void (*to_call)(input_archive& item, buffer& call) = nullptr;
  /// Gives each result that there is in an answer.
  void (*each_result)(std::span<std::byte const> answer, stage_output& to) = nullptr;
};

/// How many results a stage makes of one item.
enum class stage_yield : std::uint8_t { one, maybe, many, none };

/// A stage without its types, as it runs in a process.
class stage_base {
 public:
  virtual ~stage_base() = default;
  virtual stage_yield yield() const noexcept = 0;
  /// Runs the stage on an item as bytes, or on one that a stage before it has made in this process.
  virtual void run(input_archive& item, stage_output& next) = 0;
  virtual void run(void* item, stage_output& next) = 0;
  virtual void save_output(output_archive& out, void* value) const = 0;
  virtual void set_up() {}
  virtual void tear_down() {}
  /// How it is run by a daemon, if it is.
  virtual std::optional<remote_stage> remote() const { return std::nullopt; }
  /// The type of its items.
  virtual std::type_info const& input() const noexcept = 0;
  /// A hash of the key of an item as bytes.
  virtual std::uint64_t key_of(input_archive& item, stage_key const& key) const = 0;
};

/// What is said of a stage.
struct stage_outline {
  stage_options options;
  char const* kind = "";  ///< "origin", "task" or "destination"
  std::filesystem::path address = {};  ///< of the daemon that runs it; empty: none does
  bool has_ends = false;  ///< something to do at the beginning of a process or at its end
};
struct stage_entry : stage_outline {
  std::shared_ptr<stage_base> stage;
};

}  // namespace procx::inline v1::detail

#pragma once

#include "pipeline/stage_times.hpp"

#include <procx/detail/dispatch/task_output.hpp>
#include <procx/detail/pipeline/stage_base.hpp>
#include <procx/detail/wire/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <typeinfo>
#include <vector>

namespace procx::inline v1::detail {

/// For whom what a stage's process sends beside its results is, if it is not for a pipeline with a name.
enum class stage_topic : std::uint64_t {
  failed_stage = 1,  ///< which stage of the chain the failure of the task is about that comes next
  failed_item = 2,   ///< an item has failed that a stage of the chain had made; the others go on
  dropped_items = 3,  ///< how many items that a stage had made another has dropped
  stage_times = 4,    ///< how long each stage has run of a sample of items, in nanoseconds
  last = 15,
};

/// Before each item of a stage that keeps the order by a key: the key's hash, in so many bytes.
inline constexpr std::size_t key_size = 8;

inline std::uint64_t key_at(std::byte const* item) noexcept {
  std::uint64_t key = 0;
  std::memcpy(&key, item, key_size);
  return key;
}

/// By what a segment keeps the order, and of which items.
struct item_key {
  stage_key key = {};
  std::type_info const* type = &typeid(void);

  explicit operator bool() const noexcept { return static_cast<bool>(key); }
};

/// Stages that run one after the other in the same process, as one task: nothing is encoded between them.
class stage_chain {
 public:
  /// `in`: what it is given has a key before it. `out`: so is what it gives to have.
  stage_chain(std::vector<std::shared_ptr<stage_base>> stages, item_key in, item_key out);

  /// How many results the chain makes of one item: `one` is a value, `maybe` a byte that says whether there is one and then it,
  /// `many` are parts, and `none` an empty value.
  stage_yield yield() const noexcept { return yield_; }
  item_key const& in() const noexcept { return in_; }
  /// The hash of the key of an item that has none before it.
  std::uint64_t key_of(std::span<std::byte const> item) const;
  /// Calls the chain that `object` is.
  static void run(void* object, input_archive& item, output_archive& result);
  /// Encodes what its last stage has made, as the next segment takes it.
  void save(void* value, output_archive& to);
  void set_up();
  /// In the opposite order; all of them, and then what the first one threw is thrown.
  void tear_down();

 private:
  /// Takes what a stage has made to the next one.
  class link final : public stage_output {
   public:
    link(stage_chain& chain, std::size_t stage) noexcept : chain_(chain), stage_(stage) {}
    void give(void* value) override { chain_.on_made(stage_, value); }

   private:
    stage_chain& chain_;
    std::size_t stage_;
  };

  void run_item(input_archive& item, output_archive& result);
  void go_to(std::size_t stage) noexcept;
  void tell_times();
  void on_made(std::size_t stage, void* value);
  void finish(void* value);

  std::vector<std::shared_ptr<stage_base>> const stages_;
  item_key const in_;
  item_key const out_;
  bool const is_keyed_;
  bool const gives_keys_;
  std::vector<link> links_;
  stage_yield yield_;
  std::size_t set_up_ = 0;           // so many stages, from the first
  output_archive* result_ = nullptr;  // of the item that is run
  bool has_result_ = false;
  std::size_t at_ = 0;  // the stage that runs
  task_output* output_ = nullptr;  // likewise
  stage_times times_;
  std::vector<char> one_of_many_;  // what each stage makes, since one until it may make many
  std::vector<char> has_made_;     // each such stage, of the item that it is at
  std::uint64_t dropped_ = 0;      // of many that a stage has made of the item
  buffer part_;
};

}  // namespace procx::inline v1::detail

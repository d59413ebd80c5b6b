#pragma once

#include <procx/detail/pipeline/result_block.hpp>
#include <procx/detail/pipeline/stage_base.hpp>
#include <procx/detail/pool/ending_handler.hpp>
#include <procx/detail/pool/handler_home.hpp>
#include <procx/detail/pool/intake_fast_path.hpp>
#include <procx/detail/pool/intake_item.hpp>
#include <procx/detail/system/operation.hpp>
#include <procx/pipeline/stage_options.hpp>
#include <procx/pipeline/summary.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace procx::inline v1::detail {

/// Who wants to know what becomes of each item that is fed, by its number, instead of a pipeline that keeps results. Called on the
/// pipeline's loop.
class item_sink {
 public:
  /// One of its results, as the last stage has encoded it. The bytes are valid during the call.
  virtual void on_result(std::uint64_t item, std::span<std::byte const> result) = 0;
  /// It, or something that was made of it, has failed.
  virtual void on_failed(std::uint64_t item, std::exception_ptr error) = 0;
  /// Nothing more comes of it.
  virtual void on_over(std::uint64_t item) = 0;

 protected:
  ~item_sink() = default;
};

/// A pipeline without its types: segments of stages that run in the same processes, one behind the other. Thread-safe.
class pipeline_core {
 public:
  /// `input`: what is fed, as `type_number` says. With a `sink` there are no results to be taken, nor failures. Throws
  /// sequence_error if another pipeline has the name.
  pipeline_core(std::string name, pipeline_options const& options, std::vector<stage_entry> stages, std::uint64_t input,
                std::optional<boost::asio::any_io_executor> executor, item_sink* sink = nullptr);
  pipeline_core(pipeline_core const&) = delete;
  pipeline_core& operator=(pipeline_core const&) = delete;
  /// Ends the processes. Items that are under way are lost.
  ~pipeline_core();

  /// What is called for each item.
  static task_head head() noexcept { return task_head::inherited(0, nullptr); }
  bool runs_once() const noexcept;
  /// By what the first stage keeps the order: a hash of it, in 8 bytes, is before each item. Null: it does not.
  stage_key const* key() const noexcept { return key_; }
  /// The shortest way in, for items that are copied as they lie in memory. What cannot go that way goes by `feed`.
  intake_fast_path& fast_intake() noexcept { return *fast_intake_; }
  /// Waits for room. Throws sequence_error after `join` and `stop`, protocol_error for what is too large.
  void feed(intake_item const& item);
  /// Never waits, whatever the bounds are. The item's number.
  std::uint64_t feed_now(intake_item const& item);
  std::uint64_t async_feed(intake_item const& item, std::unique_ptr<operation>&& op);
  /// Whether a signal has stopped the program, and no more is to be fed.
  bool stops_feeding() const noexcept;
  pipeline_summary join();
  /// As `join`; what is not over by then is stopped.
  pipeline_summary drain(std::chrono::steady_clock::time_point until);
  /// No more items; told when the processes have gone.
  void when_over(ending_handler then);
  void stop() noexcept;
  pipeline_summary summary() const;
  std::vector<pipeline_failure> failures() const;
  std::vector<std::size_t> queue_lengths() const;
  std::string explain() const;
  /// The same of stages that have not been started.
  static std::string explain_plan(std::string const& name, std::vector<stage_outline> stages);

  /// See `result_store`.
  bool take(result_block& into);
  void give_back(result_block block);
  std::uint64_t async_take(std::unique_ptr<result_taker>&& taker);

  /// These may be called, and do nothing, after the pipeline has gone.
  static void cancel_feed(std::weak_ptr<void> const& pipeline, std::uint64_t number);
  static void cancel_take(std::weak_ptr<void> const& pipeline, std::uint64_t number);
  std::weak_ptr<void> weak() const noexcept;
  handler_home& home() const noexcept;

 private:
  class state;
  std::shared_ptr<state> state_;
  intake_fast_path* fast_intake_;
  stage_key const* key_;
};

/// Sends an item of the type with this number to the pipeline with this name. Throws unknown_pipeline… outside of a stage: in
/// one, the item at hand fails.
void send_to_pipeline(std::string_view name, std::uint64_t type, std::span<std::byte const> item);

/// By what the types of items are told from each other, in programs that were built together.
std::uint64_t type_number(char const* type_name) noexcept;

}  // namespace procx::inline v1::detail

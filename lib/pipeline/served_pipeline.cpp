#include "pipeline/served_pipeline.hpp"

#include "daemon/start_call_server.hpp"

#include <procx/error/exceptions.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace procx::inline v1::detail {

/// The items of one client.
class served_pipeline::item_lane final : public call_lane {
 public:
  item_lane(served_pipeline& owner, task_sink& calls) : owner_(owner), calls_(calls) {}
  ~item_lane() override {
    for (auto& [number, i] : owner_.items_)
      if (i.lane == this) i.lane = nullptr;
    std::erase(owner_.news_, this);
  }

  void begin(std::uint64_t id, call_head const& head, std::span<std::byte const> arguments) override {
    served_types const& types = owner_.types_;
    portable_input_archive in(arguments);
    std::string name, signature;
    in >> name >> signature;
    if (head.name != name_hash(served_name))
      throw protocol_error("a served pipeline has no function \"" + name + "\": its items are given to \"" +
                               std::string(served_name) + '"',
                           errc::unknown_task);
    bool const is_silent = head.fingerprint == types.silent_fingerprint;
    if (!is_silent && head.fingerprint != types.fingerprint)
      throw protocol_error("the pipeline is " + types.signature + " and was called as " + signature, errc::signature_mismatch);
    std::uint64_t const number = owner_.types_.feed(*owner_.pipeline_, in);
    owner_.items_.emplace(number, item{this, id, is_silent});
    ++unfinished_;
  }
  /// An item that was fed goes its way.
  void cancel(std::uint64_t, dispatcher::cancellation) override {}
  std::size_t unfinished() const noexcept override { return unfinished_; }

  void answer(item&& i) {
    --unfinished_;
    if (!i.error) try {
        buffer value;
        if (i.is_silent)
          save_answer<int, stage_yield::none>({}, 0, value);
        else
          owner_.types_.answer(i.results, i.count, value);
        return calls_.on_value(i.call, {}, value.bytes());
      } catch (...) {
        i.error = std::current_exception();
      }
    calls_.on_failure(i.call, {}, std::move(i.error));
  }
  void tell() { calls_.on_progress(); }

 private:
  served_pipeline& owner_;
  task_sink& calls_;
  std::size_t unfinished_ = 0;
};

std::unique_ptr<call_lane> served_pipeline::open_lane(task_sink& calls) { return std::make_unique<item_lane>(*this, calls); }

void served_pipeline::on_result(std::uint64_t number, std::span<std::byte const> result) {
  auto const at = items_.find(number);
  if (at == items_.end() || !at->second.lane || at->second.is_silent) return;
  std::uint64_t const size = result.size();
  at->second.results.append(&size, sizeof size);
  at->second.results.append(result.data(), result.size());
  ++at->second.count;
}

/// The first failure is the item's.
void served_pipeline::on_failed(std::uint64_t number, std::exception_ptr error) {
  auto const at = items_.find(number);
  if (at != items_.end() && !at->second.error) at->second.error = std::move(error);
}

void served_pipeline::on_over(std::uint64_t number) {
  auto const node = items_.extract(number);
  if (node.empty() || !node.mapped().lane) return;
  item_lane& lane = *node.mapped().lane;
  lane.answer(std::move(node.mapped()));
  tell_soon(lane);
}

/// Who is told may begin other calls, and the pipeline is in the midst of something.
void served_pipeline::tell_soon(item_lane& lane) {
  if (news_.empty()) boost::asio::post(loop_.executor(), [this] { tell(); });
  if (std::ranges::find(news_, &lane) == news_.end()) news_.push_back(&lane);
}

void served_pipeline::tell() {
  while (!news_.empty()) {
    item_lane* const lane = news_.back();
    news_.pop_back();
    lane->tell();
  }
}

/// What is under way has its end, within a second: clients have gone, or have waited long enough.
void served_pipeline::stop() noexcept {
  if (!pipeline_) return;
  try {
    auto const is_over = std::make_shared<bool>(false);
    pipeline_->when_over([=](std::exception_ptr) { return *is_over = true; });
    auto const soon = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    if (loop_.run_until([=] { return *is_over; }, soon)) return;
    pipeline_->stop();
    loop_.run_until([=] { return *is_over; }, soon + std::chrono::seconds(10));
  } catch (...) {
    // The end of the process is the end of its workers as well.
  }
}

pid_t serve_pipeline(std::filesystem::path const& address, daemon_options const& daemon, std::string const& name,
                     pipeline_options const& options, std::vector<stage_entry> stages, std::uint64_t input,
                     served_types const& types) {
  return start_call_server(address, daemon, [&](event_loop& loop) {
    return std::make_unique<served_pipeline>(loop, types, [&](event_loop& on, item_sink& sink) {
      return std::make_unique<pipeline_core>(name, options, stages, input, on.executor(), &sink);
    });
  });
}

}  // namespace procx::inline v1::detail

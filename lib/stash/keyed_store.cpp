#include "stash/computing.hpp"
#include "stash/storing.hpp"

#include <procx/pool/pmap.hpp>

#include <algorithm>
#include <optional>
#include <ranges>
#include <unordered_set>

namespace procx::inline v1::detail {
namespace {

/// What is known of a failure, wherever it came about.
exception_record record_of(std::exception_ptr const& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (remote_exception const& e) {
    return e.record();
  } catch (...) {
    exception_record record = describe_exception(failure);
    record.frames.clear();  // of procx itself
    record.no_frames_because = "it was not thrown by the computing of the value";
    return record;
  }
}

/// What became of one key of a chunk.
struct chunk_part {
  std::vector<std::byte> value;
  std::optional<exception_record> failure;
};

/// Computes the values of keys, and stores what comes.
class computation {
 public:
  enum class on_failure { note, go_on, end };

  computation(key_source const& source, std::vector<std::string> const& keys, stash_options const& options, byte_store& into,
              on_failure what, std::atomic<std::size_t>& computed)
      : source_(source), keys_(keys), options_(options), on_failure_(what), computed_(computed), storing_(into) {}

  /// The keys that have a value now. Throws the first failure, if failures are not noted.
  std::set<std::string> run() {
    std::vector<std::size_t> singles;
    if (options_.chunk_size > 1)
      run_chunks(singles);
    else
      for (std::size_t i = 0; i < keys_.size(); ++i) singles.push_back(i);
    if (!singles.empty()) run_singly(singles);
    storing_.finish();
    if (first_) std::rethrow_exception(first_);
    return std::move(done_);
  }

 private:
  /// Gives back the keys of chunks that came to nothing as a whole: one of them has ended its worker, or took too long.
  void run_chunks(std::vector<std::size_t>& singles) {
    std::size_t const size = options_.chunk_size, chunks = (keys_.size() - 1) / size + 1;
    auto const first_of = [&](std::size_t chunk) { return chunk * size; };
    auto const end_of = [&](std::size_t chunk) { return std::min(first_of(chunk) + size, keys_.size()); };
    auto const compute = [&](std::size_t chunk) {
      std::vector<chunk_part> parts;
      for (std::size_t i = first_of(chunk); i < end_of(chunk); ++i) parts.push_back(compute_part(keys_[i]));
      return parts;
    };
    for (auto& o : pmap(compute, std::views::iota(std::size_t{0}, chunks), options_for_workers(options_)).outcomes()) {
      std::size_t i = first_of(o.index());
      if (o)
        for (chunk_part& part : *o) take(i++, part);
      else
        for (; i < end_of(o.index()); ++i) singles.push_back(i);
    }
  }

  void run_singly(std::vector<std::size_t> const& which) {
    auto const compute = [&](std::size_t i) { return source_.compute(keys_[which[i]]); };
    for (auto& o : pmap(compute, std::views::iota(std::size_t{0}, which.size()), options_for_workers(options_)).outcomes()) {
      std::size_t const i = which[o.index()];
      if (o)
        store(i, std::move(*o));
      else
        fail(i, o.error());
    }
  }

  chunk_part compute_part(std::string const& key) const {
    try {
      return {source_.compute(key), std::nullopt};
    } catch (...) {
      return {{}, describe_exception(std::current_exception())};
    }
  }

  void take(std::size_t i, chunk_part& part) {
    if (part.failure)
      fail(i, std::make_exception_ptr(remote_exception(std::move(*part.failure))));
    else
      store(i, std::move(part.value));
  }

  void store(std::size_t i, std::vector<std::byte> value) {
    storing_.add({record_kind::value, keys_[i], std::move(value)});
    done_.insert(keys_[i]);
    ++computed_;
  }

  void fail(std::size_t i, std::exception_ptr const& why) {
    if (on_failure_ == on_failure::note) return storing_.add({record_kind::failure, keys_[i], encode_portable(record_of(why))});
    if (!first_) first_ = why;
    if (on_failure_ != on_failure::end) return;
    storing_.finish();
    std::rethrow_exception(why);
  }

  key_source const& source_;
  std::vector<std::string> const& keys_;
  stash_options const& options_;
  on_failure const on_failure_;
  std::atomic<std::size_t>& computed_;
  std::exception_ptr first_;
  std::set<std::string> done_;
  storing storing_;
};

}  // namespace

keyed_store::keyed_store(std::unique_ptr<any_stash> delegate, std::unique_ptr<key_source> source, stash_options const& options,
                         bool keep_failures)
    : priming_store(std::move(delegate), options), source_(std::move(source)), keep_failures_(keep_failures) {}

void keyed_store::compute_missing() {
  std::unordered_set<std::string> there;
  for (std::string& key : below().keys(record_kind::value)) there.insert(std::move(key));
  if (keep_failures_)
    for (std::string& key : below().keys(record_kind::failure)) there.insert(std::move(key));
  std::vector<std::string> missing;
  for (std::string& key : source_->keys())
    if (there.insert(key).second) missing.push_back(std::move(key));  // a key that comes twice is one
  compute(missing);
}

bool keyed_store::compute_again(std::string const& key) {
  if (!std::ranges::count(source_->keys(), key)) return false;
  return !compute({key}).empty();
}

std::set<std::string> keyed_store::compute(std::vector<std::string> const& keys) {
  if (keys.empty()) return {};
  using on_failure = computation::on_failure;
  on_failure const what = !options_.protect_work ? on_failure::end : keep_failures_ ? on_failure::note : on_failure::go_on;
  return computation(*source_, keys, options_, below(), what, computed_).run();
}

std::vector<std::string> keyed_store::failed_keys() {
  std::vector<std::string> keys = below().keys(record_kind::failure);
  // Whoever stored a value has not come to take the failure away.
  std::erase_if(keys, [this](std::string const& key) { return below().exists(record_kind::value, key); });
  return keys;
}

std::map<std::string, exception_record> keyed_store::failures() {
  std::map<std::string, exception_record> all;
  for (std::string& key : failed_keys()) {
    std::vector<std::byte> bytes;
    if (below().get(record_kind::failure, key, bytes) == found::record)
      all.emplace(std::move(key), decode_portable<exception_record>(bytes));
  }
  return all;
}

std::set<std::string> keyed_store::reprocess_failures() {
  turn const mine(*this);
  return compute(failed_keys());
}

}  // namespace procx::inline v1::detail

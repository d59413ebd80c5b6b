#include <procx/detail/stash/priming_store.hpp>

#include "system/generation.hpp"

#include <procx/error/exceptions.hpp>

#include <utility>

namespace procx::inline v1::detail {

priming_store::priming_store(std::unique_ptr<any_stash> delegate, stash_options const& options)
    : options_(options), delegate_(std::move(delegate)), generation_(generation()) {}

byte_store::found priming_store::get(record_kind kind, std::string const& key, std::vector<std::byte>& bytes) {
  if (kind == record_kind::value) prime();
  found what = below().get(kind, key, bytes);
  if (what != found::damaged || kind != record_kind::value) return what;
  turn const mine(*this);
  what = below().get(kind, key, bytes);  // another thread may have made it whole
  if (what == found::damaged && compute_again(key)) what = below().get(kind, key, bytes);
  return what;
}

void priming_store::put(std::span<record const> records) { below().put(records); }
bool priming_store::erase(record_kind kind, std::string const& key) { return below().erase(kind, key); }
bool priming_store::exists(record_kind kind, std::string const& key) { return below().exists(kind, key); }

std::vector<std::string> priming_store::keys(record_kind kind) {
  if (kind == record_kind::value) prime();
  return below().keys(kind);
}

std::size_t priming_store::count(record_kind kind) {
  if (kind == record_kind::value) prime();
  return below().count(kind);
}
void priming_store::clear() {
  turn const mine(*this);
  below().clear();
  clear_source();
  primed_ = false;
}

void priming_store::prime() {
  if (primed_) return;
  turn const mine(*this);
  if (primed_) return;
  compute_missing();
  primed_ = true;
}

priming_store::turn::turn(priming_store& of) : of_(of) {
  if (of.generation_ != generation())
    throw sequence_error("a stash that computes its values belongs to the process that made it, not to one forked from that");
  if (of.computing_ == std::this_thread::get_id())
    throw sequence_error("a stash was used for the computing of its own values");
  lock_ = std::unique_lock(of.mutex_);
  of.computing_ = std::this_thread::get_id();
}

}  // namespace procx::inline v1::detail

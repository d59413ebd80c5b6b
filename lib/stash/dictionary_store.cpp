#include <procx/stash/dictionary_stash.hpp>

#include <array>
#include <mutex>
#include <unordered_map>

namespace procx::inline v1 {
namespace {

class dictionary_store final : public byte_store {
 public:
  found get(record_kind kind, std::string const& key, std::vector<std::byte>& bytes) override {
    std::lock_guard const lock(mutex_);
    auto const at = of(kind).find(key);
    if (at == of(kind).end()) return found::nothing;
    bytes = at->second;
    return found::record;
  }
  void put(std::span<record const> records) override {
    std::lock_guard const lock(mutex_);
    for (record const& one : records) {
      of(one.kind).insert_or_assign(one.key, one.bytes);
      if (one.kind == record_kind::value) of(record_kind::failure).erase(one.key);
    }
  }
  bool erase(record_kind kind, std::string const& key) override {
    std::lock_guard const lock(mutex_);
    return of(kind).erase(key) > 0;
  }
  bool exists(record_kind kind, std::string const& key) override {
    std::lock_guard const lock(mutex_);
    return of(kind).contains(key);
  }
  std::vector<std::string> keys(record_kind kind) override {
    std::lock_guard const lock(mutex_);
    std::vector<std::string> all;
    for (auto const& [key, bytes] : of(kind)) all.push_back(key);
    return all;
  }
  std::size_t count(record_kind kind) override {
    std::lock_guard const lock(mutex_);
    return of(kind).size();
  }
  void clear() override {
    std::lock_guard const lock(mutex_);
    for (table& one : tables_) one.clear();
  }

 private:
  using table = std::unordered_map<std::string, std::vector<std::byte>>;

  table& of(record_kind kind) { return tables_[static_cast<std::size_t>(kind)]; }

  std::mutex mutex_;  // guards what follows
  std::array<table, 3> tables_;
};

}  // namespace

std::unique_ptr<byte_store> make_dictionary_store() { return std::make_unique<dictionary_store>(); }

}  // namespace procx::inline v1

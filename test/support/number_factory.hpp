#pragma once

#include <procx/stash/multi_process_robust_stash.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>

/// Keys from 0 on, whose values the test's own function makes; counts, in all processes, how often each was asked for.
class number_factory : public procx::stash_factory<int> {
 public:
  explicit number_factory(int keys, std::function<int(int)> fn = [](int n) { return n * n; })
      : make(std::move(fn)),
        keys_(keys),
        counts_(static_cast<int*>(::mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~number_factory() override { ::munmap(counts_, size()); }

  std::vector<std::string> keys() const override {
    std::vector<std::string> all;
    for (int i = 0; i < keys_; ++i) all.push_back(std::to_string(i));
    return all;
  }
  int load(std::string const& key) const override {
    int const n = std::stoi(key);
    __atomic_add_fetch(&counts_[n], 1, __ATOMIC_RELAXED);
    return make(n);
  }
  void clear() override { ++cleared; }

  int count(int n) const { return __atomic_load_n(&counts_[n], __ATOMIC_RELAXED); }
  int computations() const {
    int sum = 0;
    for (int i = 0; i < keys_; ++i) sum += count(i);
    return sum;
  }

  std::function<int(int)> make;
  int cleared = 0;

 private:
  std::size_t size() const { return sizeof(int) * static_cast<std::size_t>(keys_); }
  int keys_;
  int* counts_;
};

inline int fails_at_2_and_7(int n) {
  if (n == 2 || n == 7) throw std::range_error("no " + std::to_string(n));
  return n * n;
}

using strings = std::set<std::string>;

inline strings keys_of(std::map<std::string, procx::exception_record> const& failures) {
  strings keys;
  for (auto const& [key, why] : failures) keys.insert(key);
  return keys;
}

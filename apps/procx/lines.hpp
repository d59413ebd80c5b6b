#pragma once

#include <cstddef>
#include <istream>
#include <iterator>
#include <ranges>
#include <string>

/// The lines of a stream, read when they are asked for: an input range.
class lines : public std::ranges::view_interface<lines> {
 public:
  class iterator {
   public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(lines& from) : from_(&from) { ++*this; }
    std::string const& operator*() const { return from_->line_; }
    iterator& operator++() {
      if (!std::getline(*from_->stream_, from_->line_)) from_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(iterator const& i, std::default_sentinel_t) { return !i.from_; }

   private:
    lines* from_ = nullptr;
  };

  explicit lines(std::istream& stream) : stream_(&stream) {}
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::istream* stream_;
  std::string line_;
};

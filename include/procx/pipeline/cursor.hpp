#pragma once

#include <procx/version.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procx::inline v1 {

/// Which part of an input an item comes from: from `begin` up to, and without, `end`, in what that input counts; of files in bytes.
struct cursor {
  std::string source;  ///< names the input for good, in this run and in later ones; empty: unknown
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  cursor() = default;
  cursor(std::string of, std::uint64_t from, std::uint64_t to) noexcept : source(std::move(of)), begin(from), end(to) {}

  /// Whether it says nothing: such a part is never noted as done.
  bool empty() const noexcept { return source.empty() || begin == end; }
  friend bool operator==(cursor const&, cursor const&) = default;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & source & begin & end;
  }
};

/// Rows, and the part of the input that they were made of. A destination writes the rows and notes the part in one transaction, so
/// a batch without rows is passed on as well: it says that its part is done.
template <class Row>
struct batch {
  using row_type = Row;

  cursor from = {};
  std::vector<Row> rows = {};
};

/// The parts of inputs that were done, in any order; parts that touch are kept as one. Not thread-safe.
/// Cost: the logarithm of the number of gaps.
class done_parts {
 public:
  struct range {
    std::uint64_t begin = 0, end = 0;
    friend bool operator==(range const&, range const&) = default;
  };
  /// What a stored copy is to do: remove the ranges of this source that begin there, then put in others.
  struct change {
    std::string source = {};
    std::vector<std::uint64_t> removed = {};
    std::vector<range> added = {};
  };

  /// Notes a part. Throws std::invalid_argument if some of it was done before, or if it ends before it begins; an empty one changes
  /// nothing.
  change add(cursor const& part);
  /// Whether all of it was done; of an empty one: never.
  bool contains(cursor const& part) const;
  /// Whether some of it was done.
  bool overlaps(cursor const& part) const;
  /// What was done of a source, in order.
  std::vector<range> ranges(std::string const& source) const;
  /// What was not done of a source between two places, in order.
  std::vector<range> missing(std::string const& source, std::uint64_t begin, std::uint64_t end) const;
  /// The sources with this prefix, in alphabetical order.
  std::vector<std::string> sources(std::string_view prefix = {}) const;
  bool empty() const noexcept { return sources_.empty(); }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive & sources_;
  }

 private:
  using ranges_by_begin = std::map<std::uint64_t, std::uint64_t>;  // their ends

  std::map<std::string, ranges_by_begin, std::less<>> sources_;
};

}  // namespace procx::inline v1

#include <procx/wire/codec.hpp>

#include <procx/error/errc.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <ios>
#include <memory>
#include <string>
#include <string_view>

namespace procx::inline v1::detail {
namespace {

/// A category that this program does not have.
template <class Category>
class foreign_category final : public Category {
 public:
  explicit foreign_category(std::string name) : name_(std::move(name)) {}
  char const* name() const noexcept override { return name_.c_str(); }
  std::string message(int value) const override { return name_ + " error " + std::to_string(value); }

 private:
  std::string name_;
};

/// Categories live as long as the program, since error codes point to them. Added to without a lock, so that a child forked
/// in the midst of it finds nothing locked. Names come from elsewhere, so there is room for a number of them and no more.
template <class Category>
constinit std::array<std::atomic<foreign_category<Category>*>, 64> foreign_categories{};

template <class Category>
Category const& foreign(std::string_view name) {
  std::unique_ptr<foreign_category<Category>> fresh;
  for (auto& place : foreign_categories<Category>) {
    auto* known = place.load(std::memory_order_acquire);
    if (!known) {
      if (!fresh) fresh = std::make_unique<foreign_category<Category>>(std::string(name));
      if (place.compare_exchange_strong(known, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
    }
    if (known->name() == name) return *known;
  }
  throw_bad_bytes("error codes of too many unknown categories");
}

template <class Category, std::size_t N>
Category const& one_of(std::array<Category const*, N> const& known, std::string_view name) {
  auto const found = std::ranges::find_if(known, [&](Category const* c) { return c->name() == name; });
  return found != known.end() ? **found : foreign<Category>(name);
}

}  // namespace

std::error_category const& std_category(std::string_view name) {
  return one_of<std::error_category>(
      std::array{&std::generic_category(), &std::system_category(), &std::iostream_category(), &std::future_category()}, name);
}

boost::system::error_category const& boost_category(std::string_view name) {
  namespace errors = boost::asio::error;
  return one_of<boost::system::error_category>(
      std::array{&boost::system::generic_category(), &boost::system::system_category(), &errors::get_misc_category(),
                 &errors::get_netdb_category(), &errors::get_addrinfo_category(), &procx_category()}, name);
}

}  // namespace procx::inline v1::detail

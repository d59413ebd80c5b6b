#pragma once

#include <procx/wire/codec.hpp>

#include <boost/circular_buffer_fwd.hpp>
#include <boost/container/container_fwd.hpp>
#include <boost/unordered/unordered_map_fwd.hpp>
#include <boost/unordered/unordered_set_fwd.hpp>

#include <cstddef>
#include <deque>
#include <forward_list>
#include <iterator>
#include <list>
#include <map>
#include <set>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

// The containers of the standard library and of Boost, by name: a class that looks like one may hold more than its elements.
namespace procx::inline v1 {
namespace detail {

/// The element of a container as it is on the way: a map's key is const only once it is in.
template <class T>
struct loose {
  using type = T;
};
template <class K, class V>
struct loose<std::pair<K const, V>> {
  using type = std::pair<K, V>;
};
template <class Container>
using loose_element = typename loose<typename Container::value_type>::type;

template <class Container, class Element>
void put_last(Container& value, Element&& e) {
  if constexpr (requires { value.push_back(std::move(e)); })
    value.push_back(std::move(e));
  else
    value.insert(value.end(), std::move(e));
}

template <class Archive, class Container>
void save_container(Archive& out, Container const& value) {
  save_elements(out, value, static_cast<std::size_t>(std::distance(value.begin(), value.end())));
}
template <class Archive, class Container>
void load_container(Archive& in, Container& value) {
  using element = loose_element<Container>;
  value.clear();
  load_elements<element>(in, in.load_count(), [&](element&& e) { put_last(value, std::move(e)); });
}

template <class Archive, class T>
void save_declared_range(Archive& archive, T const& value) {
  save_container(archive, value);
}
template <class Archive, class T>
void load_declared_range(Archive& archive, T& value) {
  load_container(archive, value);
}

template <class Container>
struct sequence_codec {
  using parts = type_list<typename Container::value_type>;
  static constexpr auto tag = shape::sequence;
  template <class Archive>
  static void save(Archive& out, Container const& value) {
    save_container(out, value);
  }
  template <class Archive>
  static void load(Archive& in, Container& value) {
    load_container(in, value);
  }
};

/// The functions by which a container orders or finds its elements: those that have a state are sent before the elements.
template <class... Function>
struct functions_with_state;
template <>
struct functions_with_state<> {
  using type = type_list<>;
};
template <class F, class... More>
struct functions_with_state<F, More...> {
  template <class... Rest>
  static auto with(type_list<Rest...>) -> std::conditional_t<std::is_empty_v<F>, type_list<Rest...>, type_list<F, Rest...>>;
  using type = decltype(with(typename functions_with_state<More...>::type()));
};
template <class Element, class Functions>
struct parts_of_ordered;
template <class Element, class... F>
struct parts_of_ordered<Element, type_list<F...>> {
  using type = type_list<Element, F...>;
};

template <class Archive, class F>
void save_function(Archive& out, F const& fn) {
  if constexpr (!std::is_empty_v<F>) save_to_make<F>(out, fn);
}
template <class F, class Archive>
F make_function(Archive& in) {
  if constexpr (std::is_empty_v<F>)
    return F();
  else
    return make<F>(in);
}

template <class Container, shape Tag>
struct ordered_codec {
  using compare = typename Container::key_compare;
  using parts = typename parts_of_ordered<loose_element<Container>, typename functions_with_state<compare>::type>::type;
  static constexpr auto tag = Tag;
  template <class Archive>
  static void save(Archive& out, Container const& value) {
    save_function(out, value.key_comp());
    save_container(out, value);
  }
  template <class Archive>
  static void load(Archive& in, Container& value) {
    if constexpr (!std::is_empty_v<compare>) value = Container(make_function<compare>(in));
    load_container(in, value);
  }
};
template <class Container, shape Tag>
struct hashed_codec {
  using hasher = typename Container::hasher;
  using key_equal = typename Container::key_equal;
  using parts =
      typename parts_of_ordered<loose_element<Container>, typename functions_with_state<hasher, key_equal>::type>::type;
  static constexpr auto tag = Tag;
  template <class Archive>
  static void save(Archive& out, Container const& value) {
    save_function(out, value.hash_function());
    save_function(out, value.key_eq());
    save_container(out, value);
  }
  template <class Archive>
  static void load(Archive& in, Container& value) {
    if constexpr (!std::is_empty_v<hasher> || !std::is_empty_v<key_equal>) {
      auto hash = make_function<hasher>(in);
      value = Container(0, std::move(hash), make_function<key_equal>(in));
    }
    load_container(in, value);
  }
};

}  // namespace detail

template <class T, class A>
struct codec<std::deque<T, A>> : detail::sequence_codec<std::deque<T, A>> {};
template <class T, class A>
struct codec<std::list<T, A>> : detail::sequence_codec<std::list<T, A>> {};
template <class T, class A>
struct codec<std::forward_list<T, A>> : detail::sequence_codec<std::forward_list<T, A>> {
  template <class Archive>
  static void load(Archive& in, std::forward_list<T, A>& value) {
    value.clear();
    auto last = value.before_begin();
    detail::load_elements<T>(in, in.load_count(), [&](T&& element) { last = value.insert_after(last, std::move(element)); });
  }
};
template <class T, class C, class A>
struct codec<std::set<T, C, A>> : detail::ordered_codec<std::set<T, C, A>, detail::shape::set> {};
template <class T, class C, class A>
struct codec<std::multiset<T, C, A>> : detail::ordered_codec<std::multiset<T, C, A>, detail::shape::set> {};
template <class K, class V, class C, class A>
struct codec<std::map<K, V, C, A>> : detail::ordered_codec<std::map<K, V, C, A>, detail::shape::map> {};
template <class K, class V, class C, class A>
struct codec<std::multimap<K, V, C, A>> : detail::ordered_codec<std::multimap<K, V, C, A>, detail::shape::map> {};
template <class T, class H, class E, class A>
struct codec<std::unordered_set<T, H, E, A>> : detail::hashed_codec<std::unordered_set<T, H, E, A>, detail::shape::set> {};
template <class T, class H, class E, class A>
struct codec<std::unordered_multiset<T, H, E, A>> : detail::hashed_codec<std::unordered_multiset<T, H, E, A>, detail::shape::set> {};
template <class K, class V, class H, class E, class A>
struct codec<std::unordered_map<K, V, H, E, A>> : detail::hashed_codec<std::unordered_map<K, V, H, E, A>, detail::shape::map> {};
template <class K, class V, class H, class E, class A>
struct codec<std::unordered_multimap<K, V, H, E, A>> : detail::hashed_codec<std::unordered_multimap<K, V, H, E, A>, detail::shape::map> {};

template <class T, class A, class O>
struct codec<boost::container::vector<T, A, O>> : detail::sequence_codec<boost::container::vector<T, A, O>> {};
template <class T, std::size_t N, class A, class O>
struct codec<boost::container::small_vector<T, N, A, O>> : detail::sequence_codec<boost::container::small_vector<T, N, A, O>> {};
template <class T, std::size_t N, class O>
struct codec<boost::container::static_vector<T, N, O>> : detail::sequence_codec<boost::container::static_vector<T, N, O>> {};
template <class T, class A>
struct codec<boost::container::stable_vector<T, A>> : detail::sequence_codec<boost::container::stable_vector<T, A>> {};
template <class T, class A, class O>
struct codec<boost::container::deque<T, A, O>> : detail::sequence_codec<boost::container::deque<T, A, O>> {};
template <class T, class A, class O>
struct codec<boost::container::devector<T, A, O>> : detail::sequence_codec<boost::container::devector<T, A, O>> {};
template <class T, class A>
struct codec<boost::container::list<T, A>> : detail::sequence_codec<boost::container::list<T, A>> {};
template <class T, class A>
struct codec<boost::container::slist<T, A>> : detail::sequence_codec<boost::container::slist<T, A>> {};
template <class C, class Traits, class A>
struct codec<boost::container::basic_string<C, Traits, A>> : detail::sequence_codec<boost::container::basic_string<C, Traits, A>> {
  static constexpr auto tag = detail::shape::text;
};
template <class T, class C, class A, class O>
struct codec<boost::container::set<T, C, A, O>> : detail::ordered_codec<boost::container::set<T, C, A, O>, detail::shape::set> {};
template <class T, class C, class A, class O>
struct codec<boost::container::multiset<T, C, A, O>> : detail::ordered_codec<boost::container::multiset<T, C, A, O>, detail::shape::set> {};
template <class K, class V, class C, class A, class O>
struct codec<boost::container::map<K, V, C, A, O>> : detail::ordered_codec<boost::container::map<K, V, C, A, O>, detail::shape::map> {};
template <class K, class V, class C, class A, class O>
struct codec<boost::container::multimap<K, V, C, A, O>> : detail::ordered_codec<boost::container::multimap<K, V, C, A, O>, detail::shape::map> {};
template <class T, class C, class A>
struct codec<boost::container::flat_set<T, C, A>> : detail::ordered_codec<boost::container::flat_set<T, C, A>, detail::shape::set> {};
template <class T, class C, class A>
struct codec<boost::container::flat_multiset<T, C, A>> : detail::ordered_codec<boost::container::flat_multiset<T, C, A>, detail::shape::set> {};
template <class K, class V, class C, class A>
struct codec<boost::container::flat_map<K, V, C, A>> : detail::ordered_codec<boost::container::flat_map<K, V, C, A>, detail::shape::map> {};
template <class K, class V, class C, class A>
struct codec<boost::container::flat_multimap<K, V, C, A>> : detail::ordered_codec<boost::container::flat_multimap<K, V, C, A>, detail::shape::map> {};
template <class T, class H, class E, class A>
struct codec<boost::unordered_set<T, H, E, A>> : detail::hashed_codec<boost::unordered_set<T, H, E, A>, detail::shape::set> {};
template <class T, class H, class E, class A>
struct codec<boost::unordered_multiset<T, H, E, A>> : detail::hashed_codec<boost::unordered_multiset<T, H, E, A>, detail::shape::set> {};
template <class K, class V, class H, class E, class A>
struct codec<boost::unordered_map<K, V, H, E, A>> : detail::hashed_codec<boost::unordered_map<K, V, H, E, A>, detail::shape::map> {};
template <class K, class V, class H, class E, class A>
struct codec<boost::unordered_multimap<K, V, H, E, A>> : detail::hashed_codec<boost::unordered_multimap<K, V, H, E, A>, detail::shape::map> {};

/// Of a circular buffer the capacity is sent as well: it decides what later additions drop. A received capacity is believed
/// as far as the bytes of its elements go, and no further than the sender's memory could.
template <class T, class A>
struct codec<boost::circular_buffer<T, A>> {
  using buffer = boost::circular_buffer<T, A>;
  using parts = detail::type_list<T>;
  static constexpr auto tag = detail::shape::ring;
  template <class Archive>
  static void save(Archive& out, buffer const& value) {
    out.save_count(value.capacity());
    detail::save_container(out, value);
  }
  template <class Archive>
  static void load(Archive& in, buffer& value) {
    auto const capacity = in.template load_number<std::uint64_t>();
    if (capacity > most / sizeof(T)) detail::throw_bad_bytes("a circular buffer claims a capacity of more than 1 GiB");
    value.clear();
    value.set_capacity(static_cast<std::size_t>(capacity));
    std::size_t const count = in.load_count();
    if (count > capacity) detail::throw_bad_bytes("a circular buffer has more elements than its capacity");
    detail::load_elements<T>(in, count, [&](T&& element) { value.push_back(std::move(element)); });
  }

 private:
  static constexpr std::uint64_t most = std::uint64_t{1} << 30;
};

}  // namespace procx::inline v1

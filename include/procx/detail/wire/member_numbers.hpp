#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

// What must be written out for each number of members that a class may have.
namespace procx::inline v1::detail {

template <class... T>
struct type_list {
  static constexpr std::size_t size = sizeof...(T);
};

/// As many members as Boost.PFR has structured bindings for.
inline constexpr std::size_t most_members = 100;

/// Whether T{{}, {}, …} compiles with N of these. Each {} stands for one whole member, be it an array of a million elements.
template <class T, std::size_t N>
inline constexpr bool takes_empty = false;
/// And with that behind them: then there is a member more, one for which {} does not do.
template <class T, std::size_t N, class More>
inline constexpr bool takes_one_behind = false;

/// Instead of the members of a class of which some are bit-fields.
struct bit_fields;
void refer_to(auto&... members);

/// The members as they were declared: const and references where they are. Boost.PFR would end the compilation at a bit-field,
/// and does not tell a reference from what it refers to.
template <std::size_t N>
struct declared;

// Lists of X(0) to X(n - 1), n being 10 * t + u: PROCX_TENS_t(X) PROCX_UNITS_u(X, t), or with nothing for t if it is 0. The
// compiler's preprocessor takes a tenth of the time that Boost.Preprocessor's enumerations would cost in each source.
#define PROCX_UNITS_1(X, ten) X(ten##0)
#define PROCX_UNITS_2(X, ten) PROCX_UNITS_1(X, ten), X(ten##1)
#define PROCX_UNITS_3(X, ten) PROCX_UNITS_2(X, ten), X(ten##2)
#define PROCX_UNITS_4(X, ten) PROCX_UNITS_3(X, ten), X(ten##3)
#define PROCX_UNITS_5(X, ten) PROCX_UNITS_4(X, ten), X(ten##4)
#define PROCX_UNITS_6(X, ten) PROCX_UNITS_5(X, ten), X(ten##5)
#define PROCX_UNITS_7(X, ten) PROCX_UNITS_6(X, ten), X(ten##6)
#define PROCX_UNITS_8(X, ten) PROCX_UNITS_7(X, ten), X(ten##7)
#define PROCX_UNITS_9(X, ten) PROCX_UNITS_8(X, ten), X(ten##8)
#define PROCX_UNITS_10(X, ten) PROCX_UNITS_9(X, ten), X(ten##9)
#define PROCX_TENS_0(X)
#define PROCX_TENS_1(X) PROCX_UNITS_10(X, ),
#define PROCX_TENS_2(X) PROCX_TENS_1(X) PROCX_UNITS_10(X, 1),
#define PROCX_TENS_3(X) PROCX_TENS_2(X) PROCX_UNITS_10(X, 2),
#define PROCX_TENS_4(X) PROCX_TENS_3(X) PROCX_UNITS_10(X, 3),
#define PROCX_TENS_5(X) PROCX_TENS_4(X) PROCX_UNITS_10(X, 4),
#define PROCX_TENS_6(X) PROCX_TENS_5(X) PROCX_UNITS_10(X, 5),
#define PROCX_TENS_7(X) PROCX_TENS_6(X) PROCX_UNITS_10(X, 6),
#define PROCX_TENS_8(X) PROCX_TENS_7(X) PROCX_UNITS_10(X, 7),
#define PROCX_TENS_9(X) PROCX_TENS_8(X) PROCX_UNITS_10(X, 8),
#define PROCX_EMPTY(i) {}
#define PROCX_NAME(i) m##i
#define PROCX_DECLARED_AS(i) decltype(m##i)
#define PROCX_MEMBERS(t, ten, u)                                                                                       \
  template <class T>                                                                                                   \
  inline constexpr bool takes_empty<T, 10 * t + u> =                                                                   \
      requires { T{PROCX_TENS_##t(PROCX_EMPTY) PROCX_UNITS_##u(PROCX_EMPTY, ten)}; };                                  \
  template <class T, class More>                                                                                       \
  inline constexpr bool takes_one_behind<T, 10 * t + u, More> =                                                        \
      requires(More more) { T{PROCX_TENS_##t(PROCX_EMPTY) PROCX_UNITS_##u(PROCX_EMPTY, ten), std::move(more)}; };      \
  template <>                                                                                                          \
  struct declared<10 * t + u> {                                                                                        \
    template <class T>                                                                                                 \
    static auto members(T& value) {                                                                                    \
      auto& [PROCX_TENS_##t(PROCX_NAME) PROCX_UNITS_##u(PROCX_NAME, ten)] = value;                                     \
      return std::conditional_t<requires { detail::refer_to(PROCX_TENS_##t(PROCX_NAME) PROCX_UNITS_##u(PROCX_NAME, ten)); },       \
                                type_list<PROCX_TENS_##t(PROCX_DECLARED_AS) PROCX_UNITS_##u(PROCX_DECLARED_AS, ten)>,  \
                                type_list<bit_fields>>();                                                              \
    }                                                                                                                  \
  };
#define PROCX_TEN(t, ten)                                                                                            \
  PROCX_MEMBERS(t, ten, 1) PROCX_MEMBERS(t, ten, 2) PROCX_MEMBERS(t, ten, 3) PROCX_MEMBERS(t, ten, 4)                \
  PROCX_MEMBERS(t, ten, 5) PROCX_MEMBERS(t, ten, 6) PROCX_MEMBERS(t, ten, 7) PROCX_MEMBERS(t, ten, 8)                \
  PROCX_MEMBERS(t, ten, 9) PROCX_MEMBERS(t, ten, 10)
PROCX_TEN(0, )
PROCX_TEN(1, 1)
PROCX_TEN(2, 2)
PROCX_TEN(3, 3)
PROCX_TEN(4, 4)
PROCX_TEN(5, 5)
PROCX_TEN(6, 6)
PROCX_TEN(7, 7)
PROCX_TEN(8, 8)
PROCX_TEN(9, 9)

#undef PROCX_TEN
#undef PROCX_MEMBERS
#undef PROCX_DECLARED_AS
#undef PROCX_NAME
#undef PROCX_EMPTY
#undef PROCX_UNITS_1
#undef PROCX_UNITS_2
#undef PROCX_UNITS_3
#undef PROCX_UNITS_4
#undef PROCX_UNITS_5
#undef PROCX_UNITS_6
#undef PROCX_UNITS_7
#undef PROCX_UNITS_8
#undef PROCX_UNITS_9
#undef PROCX_UNITS_10
#undef PROCX_TENS_0
#undef PROCX_TENS_1
#undef PROCX_TENS_2
#undef PROCX_TENS_3
#undef PROCX_TENS_4
#undef PROCX_TENS_5
#undef PROCX_TENS_6
#undef PROCX_TENS_7
#undef PROCX_TENS_8
#undef PROCX_TENS_9

}  // namespace procx::inline v1::detail

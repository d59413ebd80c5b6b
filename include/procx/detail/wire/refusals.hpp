#pragma once

#include <procx/detail/wire/sendable.hpp>

// What the compiler says about a type that cannot be sent: one sentence, with the number of the member that is to blame.
namespace procx::inline v1::detail {

/// `Where` are the members by way of which `Type` was found, the outermost first.
template <std::size_t Member, refusal Why, class Type, class... Where>
struct cannot_be_sent;

template <refusal Why, refusal Other>
inline constexpr bool is_not = Why != Other;

#define PROCX_ADD_SERIALIZE "add to it: template <class A> void serialize(A& a, unsigned) { a & first_member & second_member; }"
#define PROCX_REFUSE(number, where)                                                                                     \
  template <refusal Why, class Type, class... Where>                                                                    \
  struct cannot_be_sent<number, Why, Type, Where...> {                                                                  \
    static_assert(is_not<Why, refusal::pointer>,                                                                        \
                  "procx: " where "a pointer or reference means nothing in another process; send what it points to (std::string, std::vector, "\
                  "std::unique_ptr)");                                                                                  \
    static_assert(is_not<Why, refusal::view>,                                                                           \
                  "procx: " where "a view, iterator or type_index means nothing in another process; send what it stands for (std::string, "\
                  "std::vector)");                                                                                      \
    static_assert(is_not<Why, refusal::function>,                                                                       \
                  "procx: " where "a std::function cannot be sent, since nobody knows what it holds; use the function or lambda itself where one is "\
                  "called, and in a struct send what it was made of");                                                  \
    static_assert(is_not<Why, refusal::no_codec>,                                                                       \
                  "procx: " where "this class cannot be sent, since its members cannot be seen; " PROCX_ADD_SERIALIZE   \
                  "; or set procx::send_as_bytes<it> to true, if it is copied as bytes and holds no pointer");          \
    static_assert(is_not<Why, refusal::stays>,                                                                          \
                  "procx: " where "a class that can be neither copied nor moved (a mutex, an atomic) cannot be sent; keep it out of what is sent, or "\
                  "write serialize() for the struct without it and send that in a std::unique_ptr");                    \
    static_assert(is_not<Why, refusal::base_class>,                                                                     \
                  "procx: " where "this struct has a base class, so that its members cannot be seen; add to it: template <class A> void serialize(A& a, "\
                  "unsigned) { a & static_cast<base&>(*this) & first_member; }");                                       \
    static_assert(is_not<Why, refusal::member_count>,                                                                   \
                  "procx: " where "this struct has more than 100 members, or one that cannot be counted; " PROCX_ADD_SERIALIZE);\
    static_assert(is_not<Why, refusal::bit_field>,                                                                      \
                  "procx: " where "this struct has bit-fields; use members of whole bytes, or a serialize() that sends copies of them");\
    static_assert(is_not<Why, refusal::not_made>,                                                                       \
                  "procx: " where "this struct has an array and no default constructor; give its members initializers, or use std::array");\
    static_assert(is_not<Why, refusal::array_pointer>,                                                                  \
                  "procx: " where "a smart pointer to an array does not know how long that is; send a std::vector");    \
    static_assert(is_not<Why, refusal::polymorphic>,                                                                    \
                  "procx: " where "what derives from the class is lost on the way; ask for Boost's archive: PROCX_FULL_ARCHIVE of the pointer");\
    static_assert(is_not<Why, refusal::not_portable>,                                                                   \
                  "procx: " where "this type has no portable form (long double, wchar_t, px::by_value, unions and classes sent as bytes have other "\
                  "bytes on other machines); use a type of fixed width, or serialize() with such types");               \
  };
PROCX_REFUSE(0, "")
PROCX_REFUSE(1, "member 1 of a struct: ")
PROCX_REFUSE(2, "member 2 of a struct: ")
PROCX_REFUSE(3, "member 3 of a struct: ")
PROCX_REFUSE(4, "member 4 of a struct: ")
PROCX_REFUSE(5, "member 5 of a struct: ")
PROCX_REFUSE(6, "member 6 of a struct: ")
PROCX_REFUSE(7, "member 7 of a struct: ")
PROCX_REFUSE(8, "member 8 of a struct: ")
PROCX_REFUSE(9, "member 9 of a struct: ")
PROCX_REFUSE(10, "member 10 of a struct: ")
PROCX_REFUSE(11, "member 11 of a struct: ")
PROCX_REFUSE(12, "member 12 of a struct: ")
PROCX_REFUSE(13, "a member of a struct: ")
#undef PROCX_REFUSE
#undef PROCX_ADD_SERIALIZE

inline constexpr std::size_t last_named_member = 12;

/// The sentence about a problem: the innermost member is named.
template <class Problem>
struct sentence_about;
template <refusal Why, class Type>
struct sentence_about<problem<Why, Type>> {
  using type = cannot_be_sent<0, Why, Type>;
};
template <class>
struct number_of_member;
template <std::size_t Number, class Of>
struct number_of_member<member<Number, Of>> {
  static constexpr std::size_t value = Number <= last_named_member ? Number : last_named_member + 1;
};
template <class... Where>
struct last_of {
  using type = typename decltype((std::type_identity<Where>(), ...))::type;
};
template <refusal Why, class Type, class First, class... Where>
struct sentence_about<problem<Why, Type, First, Where...>> {
  using type = cannot_be_sent<number_of_member<typename last_of<First, Where...>::type>::value, Why, Type, First, Where...>;
};

/// Of a `T` that `is_encodable` says cannot be sent: a class whose size, being asked for, ends the compilation with a sentence.
/// Whoever asks does nothing else, so that nothing else is said.
template <class T, wire_form Form = wire_form::native>
using complaint_about = typename sentence_about<typename problem_of<Form, T, type_list<>>::type>::type;

}  // namespace procx::inline v1::detail

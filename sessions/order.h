#pragma once

#include "sessions/binding.h"

/// The one order of a session's bindings, which every proxy, Redis and every ticket share: of any two the later one
/// holds. A total order, so bindings may be offered in any sequence and any number of times, and all end with the same
/// one. Pure; lua_scripts.cpp says the same in Lua.
namespace holdfast::sessions {

/// A guess is a binding made for an id that a client showed and nobody knew: guesses count from here, and a guess that
/// is moved stays one.
inline constexpr Generation kFirstGuess{1};
/// Bindings that somebody knows to be right count from here: an id that the app has set, a fresh id of our own cookie.
/// Ends and orders of operators lift a guess to it. So what is known always holds against what was guessed.
inline constexpr Generation kFirstKnown{1u << 30};

constexpr bool is_guess(Generation generation) { return generation < kFirstKnown; }

/// The next generation of a move; the last guess and the last of all stay.
constexpr Generation next(Generation generation) {
  const auto number = static_cast<std::uint32_t>(generation);
  const bool is_last = number == 0xFFFF'FFFF || number == static_cast<std::uint32_t>(kFirstKnown) - 1;
  return is_last ? generation : Generation{number + 1};
}

/// The generation of an end, or of an operator's order.
constexpr Generation next_known(Generation generation) { return is_guess(generation) ? kFirstKnown : next(generation); }

/// How often a session has moved, as far as its generation says.
constexpr std::uint32_t moves_of(Generation generation) {
  const Generation first = is_guess(generation) ? kFirstGuess : kFirstKnown;
  return generation < first ? 0 : static_cast<std::uint32_t>(generation) - static_cast<std::uint32_t>(first);
}

/// `a` holds against `b`: by its generation; an end at the same one; else by a hash of the session's id and the
/// backend's tag, which is the same wherever it is computed (rendezvous hashing).
bool is_later(const Key& key, const Binding& a, const Binding& b);

}  // namespace holdfast::sessions

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace holdfast::proxy {

enum class State : std::uint8_t { Choosing, Judging, Connecting, Awaiting, Holding, Relaying, Tunnelling, Done };
enum class Event : std::uint8_t { Chosen, Sent, Redial, Retry, Lost, Publishing, Answered, Upgraded, Finished };
struct Step {
  State from;
  Event on;
  State to;
};

// Choosing -> Connecting -> Awaiting ------> Relaying -> Done    Awaiting: the request goes up, no final response yet
//  ^ ^ ^        ^- Redial -' |  | '- Holding --^          ^      Holding: the response ends or begins a session, and
//  waits until | | '---- Retry ----------'  '---> Tunnelling ---------'               every proxy knows | '--- Judging
//  <- Lost ---'                                   Judging: it may have crashed its backend; the control
//  '- Retry --'                                                           loop finds out
// Every state may also finish early (error page, abort). Redial: the same backend, its kept connection was dead.
inline constexpr Step kSteps[] = {
    {State::Choosing, Event::Chosen, State::Connecting},   {State::Connecting, Event::Sent, State::Awaiting},
    {State::Connecting, Event::Redial, State::Connecting}, {State::Awaiting, Event::Redial, State::Connecting},
    {State::Choosing, Event::Retry, State::Choosing},      {State::Connecting, Event::Retry, State::Choosing},
    {State::Awaiting, Event::Retry, State::Choosing},      {State::Judging, Event::Retry, State::Choosing},
    {State::Connecting, Event::Lost, State::Judging},      {State::Awaiting, Event::Lost, State::Judging},
    {State::Awaiting, Event::Publishing, State::Holding},  {State::Holding, Event::Answered, State::Relaying},
    {State::Awaiting, Event::Answered, State::Relaying},   {State::Awaiting, Event::Upgraded, State::Tunnelling},
};

// The same by state and event, for those who ask four times a request.
inline constexpr State kNowhere{0xff};
inline constexpr auto kNext = [] {
  constexpr std::size_t kFroms = static_cast<std::size_t>(State::Done) + 1;
  constexpr std::size_t kEvents = static_cast<std::size_t>(Event::Finished) + 1;
  std::array<std::array<State, kEvents>, kFroms> table{};
  for (auto& row : table) row.fill(kNowhere);
  for (const Step& step : kSteps) {
    table[static_cast<std::size_t>(step.from)][static_cast<std::size_t>(step.on)] = step.to;
  }
  for (std::size_t from = 0; from + 1 < kFroms; ++from) table[from][kEvents - 1] = State::Done;
  return table;
}();

/// nullopt: a bug of ours; enter() checks.
constexpr std::optional<State> next(State from, Event on) {
  const State to = kNext[static_cast<std::size_t>(from)][static_cast<std::size_t>(on)];
  return to == kNowhere ? std::nullopt : std::optional(to);
}
static_assert(!next(State::Relaying, Event::Retry), "the client has seen bytes: too late to retry");
static_assert(!next(State::Holding, Event::Retry), "the backend has responded: the request was executed");
static_assert(!next(State::Done, Event::Finished), "an exchange ends once");

}  // namespace holdfast::proxy

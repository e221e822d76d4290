#pragma once

#include <cstdint>
#include <optional>

namespace holdfast::proxy {

enum class State : std::uint8_t { Choosing, Connecting, Awaiting, Relaying, Tunnelling, Done };
enum class Event : std::uint8_t { Chosen, Sent, Redial, Retry, Answered, Upgraded, Finished };
struct Step {
  State from;
  Event on;
  State to;
};

// Choosing -> Connecting -> Awaiting -> Relaying ---> Done     Awaiting: the request goes up, no final answer yet
//    ^           ^--- Redial ---'  '---> Tunnelling ---^        every state may also finish early (error page, abort)
//    '------------- Retry ------'                               Redial: the same backend, its kept connection was dead
inline constexpr Step kSteps[] = {
    {State::Choosing, Event::Chosen, State::Connecting},   {State::Connecting, Event::Sent, State::Awaiting},
    {State::Connecting, Event::Redial, State::Connecting}, {State::Awaiting, Event::Redial, State::Connecting},
    {State::Choosing, Event::Retry, State::Choosing},      {State::Connecting, Event::Retry, State::Choosing},
    {State::Awaiting, Event::Retry, State::Choosing},      {State::Awaiting, Event::Answered, State::Relaying},
    {State::Awaiting, Event::Upgraded, State::Tunnelling},
};

constexpr std::optional<State> next(State from, Event on) {
  if (on == Event::Finished && from != State::Done) return State::Done;
  for (const Step& step : kSteps) {
    if (step.from == from && step.on == on) return step.to;
  }
  return std::nullopt;  // a mistake of ours: enter() checks
}
static_assert(!next(State::Relaying, Event::Retry), "the client has seen bytes: too late to retry");
static_assert(!next(State::Done, Event::Finished), "an exchange ends once");

}  // namespace holdfast::proxy

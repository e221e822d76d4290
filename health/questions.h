#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "health/probe_outcome.h"
#include "health/probe_plan.h"
#include "http/head.h"

namespace holdfast::health {

/// What a probe over HTTP asks of one backend, and what the responses mean: one or more questions, one after the other.
/// Pure; owned by an HttpProbe, which carries them there and back.
class Questions {
 public:
  Questions() = default;
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;
  virtual ~Questions() = default;

  /// Back to the first question.
  virtual void begin(Depth depth) = 0;
  /// The request to send now: head and body. Good until begin() or judge().
  virtual std::string_view request() const = 0;
  /// How its response is framed.
  virtual http::Method method() const = 0;
  /// What the status alone decides; nullopt: the body is needed.
  virtual std::optional<ProbeOutcome> judge_status(std::uint16_t status) const = 0;
  /// Whether the body matters, and not only its end.
  virtual bool wants_body() const = 0;
  /// `body` is its first kProbeBodyBytesMax at most. nullopt: there is one more question.
  virtual std::optional<ProbeOutcome> judge(std::uint16_t status, std::string_view body) = 0;
};

}  // namespace holdfast::health

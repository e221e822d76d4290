#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "conf/bounds.h"
#include "proxy/attempt.h"
#include "proxy/crash_check.h"
#include "proxy/error_page.h"
#include "proxy/placement.h"
#include "proxy/request.h"
#include "proxy/retry.h"

namespace holdfast::proxy {

/// Whoever wants a request dispatched.
class DispatchOwner {
 public:
  DispatchOwner() = default;
  DispatchOwner(const DispatchOwner&) = delete;
  DispatchOwner& operator=(const DispatchOwner&) = delete;
  virtual ~DispatchOwner() = default;
  /// A connection is there: send the request.
  virtual void on_connected() = 0;
  /// No backend will have it: respond with this error.
  virtual void reply_error(int status, const ErrorDetails& details) = 0;
  /// The backend hangs in the middle of its response.
  virtual void on_hung_response() = 0;
  /// An end that the response waited for is known everywhere.
  virtual void on_published() = 0;
};

/// Gets one request to a backend that responds: places its session, makes an attempt, judges the attempts that fail,
/// and tries again where that is right. A value inside its exchange. Lives on its worker's thread.
///
/// The parts: dispatch.cpp (to a backend), dispatch_judge.cpp (what went wrong).
class Dispatch final : private AttemptOwner, private sessions::StoreHandler {
 public:
  Dispatch(Request& request, DispatchOwner& owner, net::StreamHandler& backend_events)
      : context_(request.context),
        request_(request),
        owner_(owner),
        crash_check_(context_),
        attempt_(context_, static_cast<AttemptOwner&>(*this), backend_events) {}

  void reset();
  void place(const http::RequestHead& head, const ForwardContext& forward, const Origin& origin);
  /// The deadline passed before there was a connection.
  void on_due();
  void on_view();
  void on_quarantine_view();
  /// The attempt has failed, before the client has seen anything of a response.
  void on_attempt_failed(base::ErrorCode code);
  /// It has failed after that.
  void on_response_cut(base::ErrorCode code);
  /// The head of the final response came.
  void on_responded(unsigned status);
  /// Learns from the response's head what it says about sessions.
  void learn_from(const http::ResponseHead& head);
  /// Lets go of the backend: the connection, slot and load, or the wait for one.
  void leave();
  /// The same, and nothing more is to come of this request.
  void end();
  /// A session in use does not expire, however long its request takes.
  void keep_session_alive() {
    if (context_.now() - request_.times.kept_alive >= context_.settings().sessions.idle_timeout / 4) extend_session();
  }

  Attempt& attempt() { return attempt_; }
  BackendH1& side() { return attempt_.side(); }
  Placement& placement() { return *placement_; }
  std::uint32_t attempts() const { return tries_.attempts; }
  Placement::Tools tools();
  /// It is long, and its backend is being left or gone.
  bool is_to_end() const { return attempt_.is_to_end(request_.state == State::Tunnelling); }

 private:
  /// Of all attempts so far.
  struct Tries {
    std::span<const conf::BackendId> failed() const { return std::span(backends).first(count); }

    std::array<conf::BackendId, conf::kRetryAttemptsMax> backends{};
    std::size_t count = 0;
    std::uint32_t attempts = 0;
    base::ErrorCode failure = base::ErrorCode::Unavailable;  ///< Of the last attempt.
    Decision decision = Decision::GiveUp;                    ///< What happens when the verdict clears the request.
    std::optional<conf::BackendId> failed_from;              ///< The backend whose failure this request met last.
    bool has_redialled = false;
    bool has_overflowed = false;  ///< Its backend had no room in time.
    bool is_move_noted = false;
    bool is_hung = false;      ///< Its backend was judged hung.
    bool is_released = false;  ///< It leaves that one, at this very moment.
  };

  // Events: each ends with resume().
  void on_room() override;
  void on_dialled(std::optional<base::ErrorCode> failure) override;
  void on_binding(const sessions::BindResult& holds) override;
  void on_admission(sessions::Admission admission) override;
  void on_published() override { owner_.on_published(); }

  void extend_session();
  void on_placed(std::optional<conf::BackendId> backend);
  void note_move(conf::BackendId from);
  void go_to(conf::BackendId backend);
  void on_no_room();
  void place_elsewhere(base::ErrorCode code);
  void connect();
  void dial();

  void act(Decision decision, base::ErrorCode code);
  void give_up(base::ErrorCode code);
  void await_verdict(Decision decision, base::ErrorCode code);
  void on_verdict();
  void on_hung();
  void look_at_hung_at(base::Instant due);
  void leave_hung();
  CrashCheck::Subject subject() const;
  bool refuse_if_quarantined();

  Context& context_;
  Request& request_;
  DispatchOwner& owner_;
  std::optional<Placement> placement_{std::in_place};  // always there: made anew in its place for each request
  CrashCheck crash_check_;
  Tries tries_;
  Attempt attempt_;
  std::unique_ptr<base::Timer> hung_;  // to look once more at a backend judged hung; made when needed
};

}  // namespace holdfast::proxy

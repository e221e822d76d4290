#include "sessions/redis_admission.h"

#include <fmt/format.h>

#include <utility>

namespace holdfast::sessions {

namespace {

// A place is given back sooner, but by a proxy that dies: longer than apps take for the response that begins a session.
constexpr base::Duration kReservationLasts = std::chrono::minutes{2};
constexpr base::Duration kFullFor = std::chrono::milliseconds{100};  // a crowd at the door costs Redis little

}  // namespace

/// Gives the place back behind all that was asked for before: the session that took it counts by then. (A script that
/// Redis had forgotten runs later: then the place lapses by itself.)
class RedisAdmission::SharedReservation final : public Reservation {
 public:
  SharedReservation(RedisAdmission& home, std::string_view pool, BackendTag backend)
      : scripts_(home.scripts_),
        pool_(pool),
        backend_(backend),
        name_(fmt::format("{}:{}", home.process_, home.slots_.next_number())) {}
  ~SharedReservation() override {
    if (may_be_taken_) scripts_.give_back(pool_, name_, backend_);
  }

  const std::string& name() const { return name_; }
  void was_not_taken() { may_be_taken_ = false; }

 private:
  RedisScripts& scripts_;
  const std::string pool_;
  const BackendTag backend_;
  const std::string name_;
  bool may_be_taken_ = true;
};

/// An admission that is asked for.
class RedisAdmission::Asking final : public OpenQuestions::Pending {
 public:
  Asking(RedisAdmission& home, const AdmissionRequest& request)
      : home_(home),
        backend_(request.backend),
        limits_(request.limits),
        is_shown_(request.key != nullptr),
        reservation_(std::make_unique<SharedReservation>(home, request.pool, backend_)) {}

  void ask(const AdmissionRequest& request) {
    call_ = home_.scripts_.reserve_slot({.pool = request.pool,
                                         .name = reservation_->name(),
                                         .lasts = kReservationLasts,
                                         .key = request.key,
                                         .backend = backend_,
                                         .limits = *limits_},
                                        [this](base::Result<Admission> reply) { on_reply(std::move(reply)); });
  }

 private:
  void on_reply(base::Result<Admission> reply) {
    Admission admission = judged(std::move(reply));
    reservation_.reset();  // not at the burial: another one may be asked for before that
    StoreHandler* const handler = close();
    if (handler != nullptr) handler->on_admission(std::move(admission));
  }

  Admission judged(base::Result<Admission> reply) {
    using Outcome = Admission::Outcome;
    if (!reply) {
      // Redis is there, and has more to do than it can: a flood does not lift the limit.
      const bool is_flooded = reply.error().code == base::ErrorCode::Overload;
      return is_flooded ? Admission{is_shown_ ? Outcome::IsIn : Outcome::PoolFull, nullptr, {}}
                        : home_.slots_.take(*limits_, backend_);
    }
    Admission admission = *std::move(reply);
    if (admission.outcome == Outcome::Admitted) {
      admission.reservation = std::move(reservation_);
      return admission;
    }
    reservation_->was_not_taken();
    if (admission.outcome == Outcome::PoolFull) {
      home_.full_ = limits_;
      home_.full_until_ = home_.scheduler_.now() + kFullFor;
    }
    return admission;
  }

  RedisAdmission& home_;
  const BackendTag backend_;
  const std::shared_ptr<const SessionLimits> limits_;
  const bool is_shown_;
  std::unique_ptr<SharedReservation> reservation_;
  RedisScripts::Call call_;
};

RedisAdmission::RedisAdmission(RedisScripts& scripts, SessionSlots& slots, std::string_view process,
                               base::Scheduler& scheduler)
    : scripts_(scripts), slots_(slots), process_(process), scheduler_(scheduler), questions_(scheduler) {}

AskedAdmission RedisAdmission::admit(const AdmissionRequest& request, base::Instant now, StoreHandler& handler) {
  if (request.key == nullptr && request.limits == full_ && now < full_until_) {
    return {.now = {Admission::Outcome::PoolFull, nullptr, {}}, .later = nullptr};
  }
  if (!scripts_.is_up()) return {.now = slots_.take(*request.limits, request.backend), .later = nullptr};
  auto asking = std::make_unique<Asking>(*this, request);
  asking->ask(request);
  return {.now = {}, .later = questions_.add(std::move(asking), handler)};
}

}  // namespace holdfast::sessions

#include "sessions/redis_ends.h"

#include <utility>

namespace holdfast::sessions {

namespace {

constexpr std::size_t kToldAtOnce = 200;
constexpr base::Duration kTellAfter = std::chrono::milliseconds{200};

}  // namespace

/// What the handler of an end holds.
class RedisEnds::Wait final : public Question {
 public:
  explicit Wait(StoreHandler& handler) : handler_(handler) {}
  ~Wait() override;

 private:
  friend class End;
  StoreHandler& handler_;
  End* end_ = nullptr;  // null: it is over
};

/// An end under way to Redis and to the other proxies.
class RedisEnds::End final : public base::Buried {
 public:
  End(RedisEnds& home, std::uint64_t number, Ended what, Wait* wait)
      : home_(home), number_(number), what_(std::move(what)), wait_(wait) {
    if (wait_ == nullptr) return;
    wait_->end_ = this;
    acks_ = home_.acks_.wait([this](Acked) { finish(); });
  }

  void send(Ending ending) {
    call_ = home_.scripts_.end(what_.pool, what_.key, what_.known, ending, acks_ ? acks_->address() : std::string(),
                               [this](const base::Result<RedisScripts::Changed>& reply) { on_reply(reply); });
  }
  void forget_wait() { wait_ = nullptr; }

 private:
  void on_reply(const base::Result<RedisScripts::Changed>& reply) {
    if (!reply) {
      // It may have happened or not. Said again as a mark it does no harm.
      home_.keep_untold(std::move(what_));
    } else if (acks_) {
      return acks_->expect(reply->subscribers);
    }
    finish();
  }
  void finish() {
    Wait* wait = std::exchange(wait_, nullptr);
    acks_.reset();
    home_.on_done(number_);  // buries this
    if (wait == nullptr) return;
    wait->end_ = nullptr;
    wait->handler_.on_ended();
  }

  RedisEnds& home_;
  const std::uint64_t number_;
  Ended what_;
  Wait* wait_;
  std::unique_ptr<Acks::Wait> acks_;
  RedisScripts::Call call_;
};

RedisEnds::Wait::~Wait() {
  if (end_ != nullptr) end_->forget_wait();
}

RedisEnds::RedisEnds(RedisScripts& scripts, CopyLease& copy_lease, base::Scheduler& scheduler, const Options& options)
    : scripts_(scripts),
      scheduler_(scheduler),
      options_(options),
      acks_(copy_lease, scheduler, options.patience),
      untold_timer_(scheduler.timer([this] { publish_untold(); })) {}

RedisEnds::~RedisEnds() = default;

std::unique_ptr<Question> RedisEnds::end(std::string_view pool, const Key& key, Generation known, Ending ending,
                                         StoreHandler& handler) {
  Ended what{std::string(pool), key, known, scheduler_.now()};
  if (!scripts_.is_up()) {
    keep_untold(std::move(what));
    return nullptr;
  }
  auto wait = std::make_unique<Wait>(handler);
  send(std::move(what), ending, wait.get());
  return wait;
}

void RedisEnds::send(Ended what, Ending ending, Wait* wait) {
  const std::uint64_t number = ++last_number_;
  auto end = std::make_unique<End>(*this, number, std::move(what), wait);
  end->send(ending);
  open_.emplace(number, std::move(end));
}

void RedisEnds::on_done(std::uint64_t number) {
  const auto at = open_.find(number);
  scheduler_.bury(std::move(at->second));
  open_.erase(at);
}

void RedisEnds::keep_untold(Ended what) {
  if (untold_.size() >= kUntoldMax) untold_.pop_front();
  untold_.push_back(std::move(what));
  if (!untold_timer_->is_set()) untold_timer_->set(scheduler_.now() + kTellAfter);
}

/// Redis is back, perhaps: what was ended meanwhile is ended there, with the next generation, and stays marked as long
/// as a copy elsewhere or a cookie could bring it back.
void RedisEnds::publish_untold() {
  if (scripts_.is_up()) {
    const base::Instant now = scheduler_.now();
    for (std::size_t i = 0; i < kToldAtOnce && !untold_.empty(); ++i) {
      Ended what = std::move(untold_.front());
      untold_.pop_front();
      if (now - what.when <= options_.idle_timeout * 3 / 2) send(std::move(what), Ending::Mark, nullptr);
    }
  }
  if (!untold_.empty()) untold_timer_->set(scheduler_.now() + kTellAfter);
}

}  // namespace holdfast::sessions

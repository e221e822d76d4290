#include "sessions/redis_ends.h"

#include <utility>

namespace holdfast::sessions {

namespace {

constexpr std::size_t kToldAtOnce = 200;
constexpr base::Duration kNotifyAfter = std::chrono::milliseconds{200};

}  // namespace

/// An end under way: to Redis first, then, where somebody waits, to the other proxies.
class RedisEnds::End final : public OpenQuestions::Pending {
 public:
  End(RedisEnds& home, Ended what) : home_(home), what_(std::move(what)) {}

  void wait_for_acks() {
    acks_ = home_.acks_.wait([this](Acked) { finish(); });
  }
  void send(Ending ending) {
    call_ = home_.scripts_.end(what_.pool, what_.key, what_.known, ending, acks_ ? acks_->address() : std::string(),
                               [this](const base::Result<RedisScripts::Changed>& reply) { on_reply(reply); });
  }

 private:
  bool outlasts_handler() const override { return true; }

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
    if (acks_) acks_->close();
    StoreHandler* const handler = close();
    if (handler != nullptr) handler->on_published();
  }

  RedisEnds& home_;
  Ended what_;
  std::unique_ptr<Acks::Wait> acks_;
  RedisScripts::Call call_;
};

RedisEnds::RedisEnds(RedisScripts& scripts, CopyLease& copy_lease, base::Scheduler& scheduler, const Options& options)
    : scripts_(scripts),
      scheduler_(scheduler),
      options_(options),
      acks_(copy_lease, scheduler, options.patience),
      questions_(scheduler),
      untold_timer_(scheduler.timer([this] { publish_untold(); })) {}

std::unique_ptr<Question> RedisEnds::end(std::string_view pool, const Key& key, Generation known, Ending ending,
                                         StoreHandler& handler) {
  Ended what{std::string(pool), key, known, scheduler_.now()};
  if (!scripts_.is_up()) {
    keep_untold(std::move(what));
    return nullptr;
  }
  auto end = std::make_unique<End>(*this, std::move(what));
  end->wait_for_acks();
  end->send(ending);
  return questions_.add(std::move(end), handler);
}

void RedisEnds::keep_untold(Ended what) {
  if (untold_.size() >= kUntoldMax) untold_.pop_front();
  untold_.push_back(std::move(what));
  if (!untold_timer_->is_set()) untold_timer_->set(scheduler_.now() + kNotifyAfter);
}

/// Redis is back, perhaps: what was ended meanwhile is ended there, with the next generation, and stays marked as long
/// as a copy elsewhere or a cookie could bring it back.
void RedisEnds::publish_untold() {
  if (scripts_.is_up()) {
    const base::Instant now = scheduler_.now();
    for (std::size_t i = 0; i < kToldAtOnce && !untold_.empty(); ++i) {
      Ended what = std::move(untold_.front());
      untold_.pop_front();
      if (now - what.when > options_.idle_timeout * 3 / 2) continue;
      auto end = std::make_unique<End>(*this, std::move(what));
      end->send(Ending::Mark);
      questions_.add(std::move(end));
    }
  }
  if (!untold_.empty()) untold_timer_->set(scheduler_.now() + kNotifyAfter);
}

}  // namespace holdfast::sessions

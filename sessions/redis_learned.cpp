#include "sessions/redis_learned.h"

#include <string>
#include <utility>

namespace holdfast::sessions {

class RedisLearned::Learning final : public OpenQuestions::Pending {
 public:
  Learning(RedisLearned& home, const Key& key) : home_(home), stamp_(home.copies_.stamp_of(key)), key_(key) {}

  void send(std::string_view pool, BackendTag to) {
    acks_ = home_.acks_.wait([this](Acked) { finish(); });
    call_ = home_.scripts_.learn(pool, key_, to, acks_->address(),
                                 [this](const base::Result<RedisScripts::Learned>& reply) { on_reply(reply); });
  }

 private:
  bool outlasts_handler() const override { return true; }

  void on_reply(const base::Result<RedisScripts::Learned>& reply) {
    if (!reply) {
      home_.copies_.invalidate(key_);  // it is offered when Redis is back
      return finish();
    }
    home_.copies_.adopt(key_, reply->holds.binding(), stamp_, home_.scheduler_.now());
    acks_->expect(reply->subscribers);
  }
  void finish() {
    acks_->close();
    StoreHandler* const handler = close();
    if (handler != nullptr) handler->on_published();
  }

  RedisLearned& home_;
  const MemoryStore::ReadStamp stamp_;
  const Key key_;
  std::unique_ptr<Acks::Wait> acks_;
  RedisScripts::Call call_;
};

RedisLearned::RedisLearned(RedisScripts& scripts, MemoryStore& copies, CopyLease& copy_lease,
                           base::Scheduler& scheduler, base::Duration patience)
    : scripts_(scripts),
      copies_(copies),
      scheduler_(scheduler),
      acks_(copy_lease, scheduler, patience),
      questions_(scheduler) {}

std::unique_ptr<Question> RedisLearned::publish(std::string_view pool, const Key& key, BackendTag to,
                                                StoreHandler& handler) {
  auto learning = std::make_unique<Learning>(*this, key);
  learning->send(pool, to);
  return questions_.add(std::move(learning), handler);
}

void RedisLearned::publish(std::string_view pool, const Key& key, BackendTag to) {
  auto learning = std::make_unique<Learning>(*this, key);
  learning->send(pool, to);
  questions_.add(std::move(learning));
}

}  // namespace holdfast::sessions

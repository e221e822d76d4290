#include "redis/master_discovery.h"

#include <utility>

#include "base/text.h"

namespace holdfast::redis {

MasterDiscovery::MasterDiscovery(base::Scheduler& scheduler, net::Dialer& dialer, net::Resolver& resolver,
                                 const conf::Redis& redis, Done done)
    : scheduler_(scheduler),
      dialer_(dialer),
      resolver_(resolver),
      redis_(redis),
      done_(std::move(done)),
      timer_(scheduler.timer([this] { on_due(); })) {}

MasterDiscovery::~MasterDiscovery() { cancel(); }

void MasterDiscovery::seek() {
  cancel();
  asked_ = 0;
  last_failure_.clear();
  if (!redis_.sentinels.empty()) return ask_next();
  if (redis_.socket_path.empty()) return look_up(redis_.address);
  timer_->set(scheduler_.now());  // nothing to find out, but nobody is called from inside seek()
}

void MasterDiscovery::cancel() {
  timer_->cancel();
  drop_steps();
}

void MasterDiscovery::distrust() {
  if (!redis_.sentinels.empty()) first_ = (first_ + 1) % redis_.sentinels.size();
}

// --- sentinels ---

void MasterDiscovery::ask_next() {
  drop_steps();
  timer_->set(scheduler_.now() + kSentinelPatience);
  const conf::Endpoint& sentinel = redis_.sentinels[(first_ + asked_) % redis_.sentinels.size()];
  lookup_ = resolver_.lookup(sentinel, kSentinelPatience,
                             [this](base::Result<net::Address> found) { on_sentinel_found(std::move(found)); });
}

void MasterDiscovery::on_sentinel_found(base::Result<net::Address> found) {
  scheduler_.bury(std::move(lookup_));  // it is on the stack
  if (!found) return on_sentinel_failed(found.error().text);
  dial_ = dialer_.dial(*found, kSentinelPatience, [this](base::Result<std::unique_ptr<net::Stream>> dialled) {
    on_sentinel_dialled(std::move(dialled));
  });
}

void MasterDiscovery::on_sentinel_dialled(base::Result<std::unique_ptr<net::Stream>> dialled) {
  scheduler_.bury(std::move(dial_));
  if (!dialled) return on_sentinel_failed(dialled.error().text);
  wire_ = std::make_unique<RedisWire>(scheduler_, *std::move(dialled), static_cast<RedisWire::Owner&>(*this));
  const std::string_view words[] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", redis_.master};
  wire_->send(words);
}

void MasterDiscovery::on_wire_reply(RedisReply reply) {
  if (reply.kind == RedisReply::Kind::Error) return on_sentinel_failed(reply.text);
  if (reply.is_nil()) return on_sentinel_failed("knows no master of this name");
  const bool is_pair =
      reply.is_array() && reply.items.size() == 2 && reply.items[0].is_text() && reply.items[1].is_text();
  const auto port = is_pair ? base::parse_decimal(reply.items[1].text) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return on_sentinel_failed("sent a reply that makes no sense");
  first_ = (first_ + asked_) % redis_.sentinels.size();  // the next search begins with who knew
  asked_ = 0;
  timer_->cancel();
  drop_steps();
  look_up({reply.items[0].text, static_cast<std::uint16_t>(*port)});
}

void MasterDiscovery::on_wire_broken(const base::Error& error) { on_sentinel_failed(error.text); }

void MasterDiscovery::on_sentinel_failed(std::string_view why) {
  const conf::Endpoint& sentinel = redis_.sentinels[(first_ + asked_) % redis_.sentinels.size()];
  last_failure_ = sentinel.text() + ": " + std::string(why);
  if (++asked_ < redis_.sentinels.size()) return ask_next();
  finish(base::Error{base::ErrorCode::Unavailable,
                     "no sentinel knows where " + redis_.master + " is; the last one asked, " + last_failure_});
}

// --- all ---

void MasterDiscovery::on_due() {
  if (!redis_.sentinels.empty()) return on_sentinel_failed("timed out");
  finish(net::unix_address(redis_.socket_path));
}

void MasterDiscovery::look_up(const conf::Endpoint& endpoint) {
  lookup_ = resolver_.lookup(endpoint, kLookupPatience, [this](base::Result<net::Address> found) {
    scheduler_.bury(std::move(lookup_));
    finish(std::move(found));
  });
}

void MasterDiscovery::finish(base::Result<net::Address> result) {
  timer_->cancel();
  drop_steps();
  done_(std::move(result));
}

void MasterDiscovery::drop_steps() {
  if (wire_) wire_->close();
  scheduler_.bury(std::move(wire_));
  dial_.reset();  // not on the stack: their own callbacks have buried them
  lookup_.reset();
}

}  // namespace holdfast::redis

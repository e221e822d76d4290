#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/redis_map.h"

namespace holdfast::cluster {

/// A map that each proxy has a copy of, and Redis the whole: keeps the two in step.
///
/// What Redis has holds. What it has not confirmed yet (put while it was away, or read from a file at the start) is
/// offered to it after the next reading, and so is what it has lost. It reads when its version says so, and after each
/// gap. Besides what RedisMap asks of a Codec:
///   bool is_later(const Value& ours, const Value& theirs) const;  ours is not confirmed: is it to be offered?
///   void on_unreadable(Redis&, key) const;                        parse() gave nullopt for what Redis has
///
/// On the control loop; references outlive it.
template <class Codec>
class ReplicatedMap {
 public:
  using Value = typename Codec::Value;

  /// The copy, which is its user's: it may be a book with rules of its own, or a file.
  class Copy {
   public:
    Copy() = default;
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    virtual ~Copy() = default;
    virtual std::optional<Value> find(const std::string& key) const = 0;
    virtual std::vector<std::string> keys() const = 0;
    /// Redis has it. False: that is no news.
    virtual bool adopt(const std::string& key, const Value& value) = 0;
    /// After one adopt() or many that were news.
    virtual void on_adopted() {}
  };

  /// `redis` is null where none is configured: then the copy is all there is.
  ReplicatedMap(base::Scheduler& scheduler, redis::Redis* redis, const Codec& codec, Copy& copy) : copy_(copy) {
    if (redis != nullptr) map_.emplace(scheduler, *redis, codec);
  }

  /// The copy has something new for the key: all are to know it.
  void put(const std::string& key) {
    note(key);
    if (map_ && map_->is_up()) put(key, Put::Now);
  }
  /// The copy has it from before, and Redis may not know it.
  void note(const std::string& key) { unconfirmed_[key] = ++last_number_; }
  /// The copy has it no longer; who tells Redis is the caller.
  void forget(const std::string& key) { unconfirmed_.erase(key); }
  /// What another proxy has put, and Redis has.
  void on_put_elsewhere(const std::string& key, std::string_view text) {
    if (!map_) return;
    const auto value = map_->codec().parse(text);
    if (value && copy_.adopt(key, *value)) copy_.on_adopted();
  }

  /// What Redis has counted the changes up to. A map without a count has version 0.
  void on_version(std::uint64_t version) {
    wanted_ = version;
    if (version_ != wanted_ || !unconfirmed_.empty()) read();
  }
  /// The link was down, or messages may have been missed: all is to be read, whatever the version.
  void on_gap() {
    version_.reset();
    if (map_) map_->stop_reading();
  }

  /// The count up to which we have read.
  std::uint64_t version() const { return version_.value_or(0); }
  /// Keys that Redis has not confirmed.
  std::size_t unconfirmed() const { return map_ ? unconfirmed_.size() : 0; }

  static constexpr std::size_t kPutsUnderWayMax = 256;

 private:
  void read() {
    if (!map_ || map_->is_reading() || map_->puts_under_way() > 0) return;  // read_if_behind() comes back to it
    map_->read([this, version = wanted_](const auto& entries) {
      if (!entries) return;
      on_read(*entries, version);
      read_if_behind();
    });
  }

  void read_if_behind() {
    if (map_->is_up() && version_ != wanted_) read();
  }

  void on_read(const std::vector<typename RedisMap<Codec>::Entry>& entries, std::uint64_t version) {
    if (map_->puts_under_way() > 0) return;  // put meanwhile: what was read may be older than that
    version_ = version;
    std::set<std::string, std::less<>> known;
    bool is_news = false;
    for (const auto& [key, value] : entries) {
      if (!value) {
        map_->codec().on_unreadable(map_->redis(), key);
        continue;
      }
      known.insert(key);
      is_news |= adopt(key, *value);
    }
    for (const std::string& key : copy_.keys()) {
      if (!known.contains(key)) note(key);  // Redis has lost it
    }
    if (is_news) copy_.on_adopted();
    offer_all();
  }

  bool adopt(const std::string& key, const Value& value) {
    if (const auto waiting = unconfirmed_.find(key); waiting != unconfirmed_.end()) {
      const auto ours = copy_.find(key);
      if (ours && map_->codec().is_later(*ours, value)) return false;  // to be offered
      unconfirmed_.erase(waiting);
    }
    return copy_.adopt(key, value);
  }

  void offer_all() {
    for (auto next = unconfirmed_.begin(); next != unconfirmed_.end();) {
      if (map_->puts_under_way() >= kPutsUnderWayMax) return;  // after the next reading
      const auto key = (next++)->first;
      put(key, Put::Offer);
    }
  }

  void put(const std::string& key, Put how) {
    const auto value = copy_.find(key);
    if (!value) return forget(key);
    map_->put(key, *value, how, [this, key, number = unconfirmed_[key]](const base::Result<Value>& holds) {
      if (holds) on_confirmed(key, number, *holds);
      read_if_behind();
    });
  }

  void on_confirmed(const std::string& key, std::uint64_t number, const Value& holds) {
    const auto waiting = unconfirmed_.find(key);
    if (waiting == unconfirmed_.end() || waiting->second != number) return;  // put again since, or gone
    unconfirmed_.erase(waiting);
    if (copy_.adopt(key, holds)) copy_.on_adopted();
  }

  Copy& copy_;
  std::optional<RedisMap<Codec>> map_;                             // with Redis
  std::map<std::string, std::uint64_t, std::less<>> unconfirmed_;  // key -> number of the put
  std::uint64_t last_number_ = 0;
  std::optional<std::uint64_t> version_;  // up to which we have read
  std::uint64_t wanted_ = 0;              // up to which there is something to read
};

}  // namespace holdfast::cluster

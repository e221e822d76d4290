#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "net/channel.h"
#include "net/loop.h"
#include "server/upgrade_words.h"
#include "sessions/memory_store.h"

namespace holdfast::server {

/// The process that shall take over, as the old one sees it: starts it, gives it sockets and sessions, and tells it
/// when to begin. docs/upgrade.md has the whole conversation.
///
/// Owned by Upgrade, on the control loop. Until begin() it may fail at any moment, and the old process goes on; after
/// it the new one decides about sessions, and is asked.
class NewProcess final : public base::Buried, private net::Channel::Handler {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// It could serve. It has no use for sockets of these addresses. Next is give_sessions(), or begin().
    virtual void on_new_process_ready(const std::vector<std::string>& unclaimed) = 0;
    /// It has all sessions. Next is begin().
    virtual void on_sessions_taken() = 0;
    /// Before begin(); last. It has been killed.
    virtual void on_new_process_failed(const std::string& reason) = 0;
    /// After begin(); last.
    virtual void on_new_process_gone() = 0;
    /// What became of an ask().
    virtual void on_told(std::uint64_t number, const sessions::BindResult& holds) = 0;
    virtual void on_reopen_logs() = 0;
  };
  struct Socket {
    upgrade::PassedSocket words;
    net::Descriptor descriptor;
  };

  /// Both outlive it.
  NewProcess(net::Loop& loop, Owner& owner);
  ~NewProcess() override;

  /// Starts it by the words of our own start, with these sockets. Errors: those of launch().
  base::Result<void> start(const std::vector<std::string>& words, base::Instant store_start,
                           std::vector<Socket> sockets);
  /// From now to on_sessions_taken() nobody may change them.
  void give_sessions(const sessions::MemoryStore& memory);
  void begin();
  void ask(std::uint64_t number, const sessions::SessionChange& change);
  /// Kills it, without a word to the owner. Not after begin().
  void give_up();

  pid_t pid() const { return pid_; }
  bool has_begun() const { return state_ == State::Begun; }
  std::uint64_t sessions_given() const { return sessions_given_; }

 private:
  // Starting -> Ready -> Giving -> Given -> Begun, Ready -> Begun without a map to give; Over may come from everywhere.
  enum class State : std::uint8_t { Starting, Ready, Giving, Given, Begun, Over };

  void on_parcel(net::Parcel parcel) override;
  void on_room() override;
  void on_gone() override;
  void fail(const std::string& reason);
  void give_some();

  net::Loop& loop_;
  Owner& owner_;
  std::unique_ptr<net::Channel> channel_;
  std::unique_ptr<base::Timer> deadline_;
  const sessions::MemoryStore* memory_ = nullptr;  // while Giving
  sessions::MemoryStore::Walk walk_;
  upgrade::SessionBatch batch_;
  std::uint64_t sessions_given_ = 0;
  pid_t pid_ = -1;
  State state_ = State::Starting;
};

}  // namespace holdfast::server

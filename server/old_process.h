#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/channel.h"
#include "net/listener.h"
#include "net/loop.h"
#include "server/upgrade_words.h"
#include "sessions/memory_store.h"

namespace holdfast::server {

/// The process that an upgrade replaces, as the new one sees it: gives sockets and sessions, says when to begin, and
/// asks for the session map until its last client has gone. docs/upgrade.md has the whole conversation.
///
/// Made before there is a loop; then owned by Upgrade, on the control loop.
class OldProcess final : private net::Channel::Handler {
 public:
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// All it had, the longest idle first.
    virtual void on_sessions_received(const std::vector<sessions::SessionRecord>& sessions) = 0;
    /// It accepts no more. Also when it has died: then nobody else serves.
    virtual void on_begin() = 0;
    /// One of its clients needs the map: answered by tell(), now or later.
    virtual void on_asked(std::uint64_t number, const sessions::SessionChange& change) = 0;
    /// Last.
    virtual void on_old_process_gone() = 0;
  };

  /// nullptr: this process was started by no upgrade. Waits for what the old one says first. Errors: it says nothing,
  /// or nothing we understand.
  static base::Result<std::unique_ptr<OldProcess>> meet();
  ~OldProcess() override;

  /// The sockets of that address, as the configuration has it; each is given once.
  std::vector<net::BoundSocket> take(upgrade::PassedSocket::Use use, std::string_view address);
  /// One of its sockets, taken or not, has that port.
  bool has_port(std::uint16_t port) const { return ports_.contains(port); }
  /// When its session map, or that of the old processes before it, began.
  base::Instant store_start() const { return hello_.store_start; }

  /// Both outlive it.
  void attach(net::Loop& loop, Owner& owner);
  void notify_ready();
  void notify_taken();
  /// Before attach(), too. Whatever comes after it is not heard.
  void notify_failed(const std::string& reason);
  void notify(std::uint64_t number, const sessions::BindResult& holds);
  void notify_reopen_logs();

 private:
  struct Passed {
    upgrade::PassedSocket words;
    net::BoundSocket socket;
  };
  OldProcess(net::Descriptor end, const upgrade::Hello& hello);
  base::Result<void> receive_sockets();
  void send(const upgrade::Message& message);
  void on_parcel(net::Parcel parcel) override;
  void on_gone() override;

  net::Descriptor end_;  // until attach()
  const upgrade::Hello hello_;
  std::vector<Passed> sockets_;  // not taken yet
  std::set<std::uint16_t> ports_;
  std::unique_ptr<net::Channel> channel_;
  Owner* owner_ = nullptr;
  std::vector<sessions::SessionRecord> sessions_;
  bool has_begun_ = false;
};

}  // namespace holdfast::server

#include "server/old_process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "server/launch.h"

namespace holdfast::server {

namespace {

using base::Error;
using base::ErrorCode;

constexpr base::Duration kHelloMax = std::chrono::seconds{10};

template <class T>
base::Result<std::pair<T, net::Descriptor>> receive(const net::Descriptor& end) {
  auto parcel = net::Channel::receive(end, kHelloMax);
  if (!parcel) return parcel.error();
  const auto message = upgrade::message_of(parcel->bytes);
  const T* const wanted = message ? std::get_if<T>(&*message) : nullptr;
  if (wanted == nullptr) return Error{ErrorCode::Malformed, "the old process speaks in another way"};
  return std::pair(*wanted, std::move(parcel->descriptor));
}

}  // namespace

base::Result<std::unique_ptr<OldProcess>> OldProcess::meet() {
  const char* variable = std::getenv(kUpgradeVariable);
  if (variable == nullptr) return std::unique_ptr<OldProcess>();
  const auto number = base::parse_decimal(variable);
  ::unsetenv(kUpgradeVariable);
  if (!number || *number <= STDERR_FILENO || *number > 0xFFFF) {
    return Error{ErrorCode::Invalid, std::string(kUpgradeVariable) + " is not for people to set"};
  }
  net::Descriptor end(static_cast<int>(*number));
  if (::fcntl(end.get(), F_SETFD, FD_CLOEXEC) != 0) {
    end.release();
    return Error{ErrorCode::Invalid, std::string(kUpgradeVariable) + " names no open file"};
  }
  const auto hello = receive<upgrade::Hello>(end);
  if (!hello) return hello.error();
  if (hello->first.version != upgrade::kVersion) {
    return Error{ErrorCode::Invalid, "the running version hands over in another way: restart instead"};
  }
  std::unique_ptr<OldProcess> made(new OldProcess(std::move(end), hello->first));
  if (const auto received = made->receive_sockets(); !received) return received.error();
  return made;
}

OldProcess::OldProcess(net::Descriptor end, const upgrade::Hello& hello) : end_(std::move(end)), hello_(hello) {}

OldProcess::~OldProcess() = default;

base::Result<void> OldProcess::receive_sockets() {
  for (std::uint32_t i = 0; i < hello_.sockets; ++i) {
    auto passed = receive<upgrade::PassedSocket>(end_);
    if (!passed) return passed.error();
    auto socket = net::BoundSocket::adopt(std::move(passed->second));
    if (!socket) return socket.error();
    ports_.insert(socket->address().port());
    sockets_.push_back({std::move(passed->first), std::move(*socket)});
  }
  return {};
}

std::vector<net::BoundSocket> OldProcess::take(upgrade::PassedSocket::Use use, std::string_view address) {
  std::vector<net::BoundSocket> taken;
  for (Passed& passed : sockets_) {
    if (passed.words.use == use && passed.words.address == address) taken.push_back(std::move(passed.socket));
  }
  std::erase_if(sockets_, [&](const Passed& p) { return p.words.use == use && p.words.address == address; });
  return taken;
}

void OldProcess::attach(net::Loop& loop, Owner& owner) {
  owner_ = &owner;
  channel_ = std::make_unique<net::Channel>(loop, std::move(end_), static_cast<net::Channel::Handler&>(*this));
}

void OldProcess::notify_ready() {
  upgrade::Ready ready;
  for (const Passed& passed : sockets_) {
    if (passed.words.use == upgrade::PassedSocket::Use::Clients) ready.unclaimed.push_back(passed.words.address);
  }
  sockets_.clear();
  std::sort(ready.unclaimed.begin(), ready.unclaimed.end());
  ready.unclaimed.erase(std::unique(ready.unclaimed.begin(), ready.unclaimed.end()), ready.unclaimed.end());
  send(ready);
}

void OldProcess::notify_taken() { send(upgrade::Taken{}); }

void OldProcess::notify_failed(const std::string& reason) {
  const upgrade::Failed failed{reason.substr(0, reason.find('\n'))};
  if (channel_) return send(failed);
  const std::string bytes = bytes_of(failed);
  // Should it not arrive, our end says as much.
  if (::send(end_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

void OldProcess::notify(std::uint64_t number, const sessions::BindResult& holds) { send(upgrade::Told{number, holds}); }

void OldProcess::notify_reopen_logs() { send(upgrade::ReopenLogs{}); }

void OldProcess::send(const upgrade::Message& message) { channel_->send(bytes_of(message)); }

void OldProcess::on_parcel(net::Parcel parcel) {
  auto message = upgrade::message_of(parcel.bytes);
  if (!message) return;
  if (auto* batch = std::get_if<upgrade::SessionBatch>(&*message)) {
    sessions_.insert(sessions_.end(), batch->sessions.begin(), batch->sessions.end());
  } else if (std::holds_alternative<upgrade::AllSent>(*message)) {
    std::sort(
        sessions_.begin(), sessions_.end(),
        [](const sessions::SessionRecord& a, const sessions::SessionRecord& b) { return a.last_used < b.last_used; });
    owner_->on_sessions_received(std::exchange(sessions_, {}));
  } else if (std::holds_alternative<upgrade::Begin>(*message)) {
    has_begun_ = true;
    owner_->on_begin();
  } else if (const auto* ask = std::get_if<upgrade::Ask>(&*message)) {
    owner_->on_asked(ask->number, ask->change);
  }
}

void OldProcess::on_gone() {
  if (!std::exchange(has_begun_, true)) owner_->on_begin();
  owner_->on_old_process_gone();
}

}  // namespace holdfast::server

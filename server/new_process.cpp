#include "server/new_process.h"

#include <csignal>
#include <utility>

#include "base/check.h"
#include "server/launch.h"

namespace holdfast::server {

namespace {

// For reading its configuration, and for every backend to answer a first probe. The old process serves meanwhile.
constexpr base::Duration kStartMax = std::chrono::seconds{60};
// For taking the sessions: new ones wait meanwhile.
constexpr base::Duration kTakeMax = std::chrono::seconds{10};

}  // namespace

NewProcess::NewProcess(net::Loop& loop, Owner& owner)
    : loop_(loop), owner_(owner), deadline_(loop.timer([this] { fail("it took too long"); })) {}

NewProcess::~NewProcess() = default;

base::Result<void> NewProcess::start(const std::vector<std::string>& words, base::Instant store_start,
                                     std::vector<Socket> sockets) {
  auto ends = net::Channel::make_ends();
  if (!ends) return ends.error();
  const auto pid = launch(words, ends->second);
  if (!pid) return pid.error();
  pid_ = *pid;
  channel_ = std::make_unique<net::Channel>(loop_, std::move(ends->first), static_cast<net::Channel::Handler&>(*this));
  deadline_->set(loop_.now() + kStartMax);
  channel_->send(bytes_of(upgrade::Hello{.version = upgrade::kVersion,
                                         .store_start = store_start,
                                         .sockets = static_cast<std::uint32_t>(sockets.size())}));
  for (Socket& socket : sockets) channel_->send(bytes_of(socket.words), std::move(socket.descriptor));
  return {};
}

void NewProcess::give_sessions(const sessions::MemoryStore& memory) {
  base::check(state_ == State::Ready, "sessions are given to who is ready");
  state_ = State::Giving;
  memory_ = &memory;
  walk_ = {};
  give_some();
}

void NewProcess::give_some() {
  const auto send = [this] {
    sessions_given_ += batch_.sessions.size();
    if (!batch_.sessions.empty()) channel_->send(bytes_of(std::exchange(batch_, {})));
  };
  while (channel_->has_room()) {
    const auto next = memory_->export_sessions(walk_, loop_.now(), [&](const sessions::SessionRecord& session) {
      batch_.sessions.push_back(session);
      if (batch_.sessions.size() == upgrade::kSessionsPerMessage) send();
    });
    if (next) {
      walk_ = *next;
      continue;
    }
    send();
    channel_->send(bytes_of(upgrade::AllSent{}));
    state_ = State::Given;
    memory_ = nullptr;
    return;
  }
}

void NewProcess::begin() {
  base::check(state_ == State::Ready || state_ == State::Given, "a successor begins once, when it can");
  state_ = State::Begun;
  deadline_->cancel();
  channel_->send(bytes_of(upgrade::Begin{}));
}

void NewProcess::ask(std::uint64_t number, const sessions::SessionChange& change) {
  channel_->send(bytes_of(upgrade::Ask{number, change}));
}

void NewProcess::give_up() {
  base::check(state_ != State::Begun, "nobody kills who serves");
  state_ = State::Over;
  deadline_->cancel();
  if (channel_) channel_->close();
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void NewProcess::on_parcel(net::Parcel parcel) {
  if (state_ == State::Over) return;
  const auto message = upgrade::message_of(parcel.bytes);
  if (!message) return fail("it speaks in another way");
  if (const auto* ready = std::get_if<upgrade::Ready>(&*message); ready && state_ == State::Starting) {
    state_ = State::Ready;
    deadline_->set(loop_.now() + kTakeMax);
    return owner_.on_new_process_ready(ready->unclaimed);
  }
  if (const auto* failed = std::get_if<upgrade::Failed>(&*message); failed && state_ != State::Begun) {
    return fail(failed->reason);
  }
  if (std::holds_alternative<upgrade::Taken>(*message) && state_ == State::Given) return owner_.on_sessions_taken();
  if (const auto* told = std::get_if<upgrade::Told>(&*message)) return owner_.on_told(told->number, told->holds);
  if (std::holds_alternative<upgrade::ReopenLogs>(*message)) owner_.on_reopen_logs();
}

void NewProcess::on_room() {
  if (state_ == State::Giving) give_some();
}

void NewProcess::on_gone() {
  if (state_ != State::Begun) return fail("it ended before it could serve");
  state_ = State::Over;
  owner_.on_new_process_gone();
}

void NewProcess::fail(const std::string& reason) {
  if (state_ == State::Over) return;
  give_up();
  owner_.on_new_process_failed(reason);
}

}  // namespace holdfast::server

#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "tests/support/socket.h"

namespace holdfast::support {

/// What a service says to the service manager: the test plays systemd's end of sd_notify(3).
class NotifySocket {
 public:
  struct Message {
    pid_t sender = 0;
    std::string text;
  };

  explicit NotifySocket(const std::filesystem::path& path)
      : path_(path.string()), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    base::check(path_.size() < sizeof address.sun_path, "the path fits");
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    const int on = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    base::check(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
                "a socket can be made in a fresh folder");
  }

  std::string variable() const { return "NOTIFY_SOCKET=" + path_; }

  /// The next message; nullopt when the deadline passes.
  std::optional<Message> next(Deadline deadline = Deadline{}) const {
    pollfd entry{socket_.get(), POLLIN, 0};
    while (::poll(&entry, 1, deadline.poll_ms()) == 0) {
      if (deadline.passed()) return std::nullopt;
    }
    std::array<char, 4096> bytes{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    iovec piece{bytes.data(), bytes.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    if (got < 0) return std::nullopt;
    Message message;
    message.text.assign(bytes.data(), static_cast<std::size_t>(got));
    const cmsghdr* part = CMSG_FIRSTHDR(&header);
    if (part != nullptr && part->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
      message.sender = sender.pid;
    }
    return message;
  }

  /// The next one that is no sign of life.
  std::optional<Message> next_word(Deadline deadline = Deadline{}) const {
    for (auto message = next(deadline); message; message = next(deadline)) {
      if (message->text != "WATCHDOG=1") return message;
    }
    return std::nullopt;
  }

 private:
  const std::string path_;
  Fd socket_;
};

}  // namespace holdfast::support

#include "tests/support/net_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <vector>

#include "base/check.h"
#include "tests/support/process.h"

namespace holdfast::support {

namespace {

/// `line` are the arguments of ip(8); answers what it complains of, or nothing.
std::string ip(const std::string& line) {
  std::vector<std::string> words{"ip"};
  std::istringstream in(line);
  for (std::string word; in >> word;) words.push_back(word);
  const Finished finished = run_to_end({.arguments = words});
  return finished.code == 0 ? std::string() : "ip " + line + ": " + finished.err;
}

Fd current_namespace() { return Fd{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)}; }

}  // namespace

// Names and addresses by the process, so that two runs at once do not meet: each has four addresses of 10.64.0.0/10.
NetNamespace::NetNamespace() {
  const auto number = static_cast<unsigned>(::getpid());
  cable_ = "hft" + std::to_string(number);
  const std::string net = fmt::format("10.{}.{}.", 64 + number / 16384 % 64, number / 64 % 256);
  host_ = net + std::to_string(number % 64 * 4 + 1);
  inside_ = net + std::to_string(number % 64 * 4 + 2);
}

std::unique_ptr<NetNamespace> NetNamespace::make(std::string& why_not) {
  std::unique_ptr<NetNamespace> space(new NetNamespace);
  {
    const Fd outside = current_namespace();
    if (::unshare(CLONE_NEWNET) != 0) {
      why_not = std::string("cannot make a network namespace: ") + std::strerror(errno);
      return nullptr;
    }
    space->space_ = current_namespace();
    base::check(::setns(outside.get(), CLONE_NEWNET) == 0, "the way back from a new namespace is open");
  }
  why_not = space->add_cable();
  return why_not.empty() ? std::move(space) : nullptr;
}

// The network itself goes by itself, but not at once: its cable's name is free when this returns.
NetNamespace::~NetNamespace() { ip("link del " + cable_); }

std::string NetNamespace::add_cable() {
  const std::string there = fmt::format("/proc/{}/fd/{}", ::getpid(), space_.get());
  for (const std::string& line :
       {fmt::format("link add {0} type veth peer name {0}x netns {1}", cable_, there),
        fmt::format("addr add {}/30 dev {}", host_, cable_), fmt::format("link set {} up", cable_)}) {
    if (std::string complaint = ip(line); !complaint.empty()) return complaint;
  }
  const Inside inside(*this);
  for (const std::string& line : {std::string("link set lo up"), fmt::format("addr add {}/30 dev {}x", inside_, cable_),
                                  fmt::format("link set {}x up", cable_)}) {
    if (std::string complaint = ip(line); !complaint.empty()) return complaint;
  }
  return {};
}

bool NetNamespace::route(const char* change) const {
  const Inside inside(*this);
  return ip(fmt::format("route {} blackhole {}/32", change, host_)).empty();
}
bool NetNamespace::drop_route() const { return route("add"); }
bool NetNamespace::restore_route() const { return route("del"); }

NetNamespace::Inside::Inside(const NetNamespace& space) : outside_(current_namespace()) {
  base::check(::setns(space.space_.get(), CLONE_NEWNET) == 0, "a namespace of ours can be entered");
}

NetNamespace::Inside::~Inside() {
  base::check(::setns(outside_.get(), CLONE_NEWNET) == 0, "the way back from a namespace is open");
}

}  // namespace holdfast::support

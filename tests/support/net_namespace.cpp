#include "tests/support/net_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

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

Fd open_namespace(const std::string& path) { return Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}; }

}  // namespace

// Names and addresses by the process, so that two runs at once do not meet: each has four addresses of 10.64.0.0/10.
NetNamespace::NetNamespace() {
  const auto number = static_cast<unsigned>(::getpid());
  name_ = "holdfast-test-" + std::to_string(number);
  cable_ = "hft" + std::to_string(number);
  host_ = "10." + std::to_string(64 + number / 16384 % 64) + "." + std::to_string(number / 64 % 256) + "." +
          std::to_string(number % 64 * 4 + 1);
}

std::unique_ptr<NetNamespace> NetNamespace::make(std::string& why_not) {
  std::unique_ptr<NetNamespace> space(new NetNamespace);
  const std::string& n = space->name_;
  const std::string& c = space->cable_;
  std::string& there = space->inside_ = space->host_;
  const auto last = there.rfind('.') + 1;
  there = there.substr(0, last) + std::to_string(std::stoi(there.substr(last)) + 1);
  for (const std::string& line :
       {fmt::format("netns add {}", n), fmt::format("link add {0} type veth peer name {0}x netns {1}", c, n),
        fmt::format("addr add {}/30 dev {}", space->host_, c), fmt::format("link set {} up", c),
        fmt::format("-n {} link set lo up", n), fmt::format("-n {} addr add {}/30 dev {}x", n, there, c),
        fmt::format("-n {} link set {}x up", n, c)}) {
    why_not = ip(line);
    if (!why_not.empty()) return nullptr;
  }
  return space;
}

NetNamespace::~NetNamespace() {
  ip("link del " + cable_);
  ip("netns del " + name_);
}

bool NetNamespace::drop_route() const { return ip("-n " + name_ + " route add blackhole " + host_ + "/32").empty(); }
bool NetNamespace::restore_route() const { return ip("-n " + name_ + " route del blackhole " + host_ + "/32").empty(); }

NetNamespace::Inside::Inside(const NetNamespace& space) : outside_(open_namespace("/proc/thread-self/ns/net")) {
  const Fd inside = open_namespace("/var/run/netns/" + space.name_);
  base::check(inside.is_open() && ::setns(inside.get(), CLONE_NEWNET) == 0, "a namespace of ours can be entered");
}

NetNamespace::Inside::~Inside() {
  base::check(::setns(outside_.get(), CLONE_NEWNET) == 0, "the way back from a namespace is open");
}

}  // namespace holdfast::support

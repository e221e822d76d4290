#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/scheduler.h"
#include "conf/reload.h"
#include "conf/settings.h"
#include "net/address.h"

namespace holdfast::server {

/// Reads and checks the configuration. Errors: Invalid, with all mistakes in words, each on a line of its own. Any
/// thread.
using ReadConfig = std::function<base::Result<conf::Settings>()>;

/// Settings that could be put in force: parsed, checked, every name resolved.
struct Candidate {
  conf::Settings settings;
  std::vector<conf::KeyChange> changes;  ///< To what was running; a Reloader tells them.
  std::vector<net::Address> backends;    ///< As Settings::backends.
  std::vector<net::Address> listens;     ///< As Settings::listens.
  std::vector<std::string> pages;        ///< Maintenance pages, as Settings::pools; an empty one is ours.
};

/// Resolves every name in `settings` and reads what it names; blocks. Errors: with the backend, listener or file in
/// question.
base::Result<Candidate> resolved(conf::Settings settings);

/// Reads a configuration anew beside the control loop: the disk and the resolver may take their time, and probes and
/// heartbeats shall not wait for them. One at a time; on the control loop.
class Reloader {
 public:
  /// Takes what it wants out of it.
  using Done = std::function<void(base::Result<Candidate>&)>;

  Reloader(base::Scheduler& loop, ReadConfig read) : loop_(loop), read_(std::move(read)) {}
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;
  /// Waits for the reading that is under way.
  ~Reloader();

  bool is_under_way() const { return done_ != nullptr; }
  /// Not while one is under way. `running` is what it is compared with. `done` comes on the loop.
  void begin(std::shared_ptr<const conf::Settings> running, Done done);

 private:
  base::Scheduler& loop_;
  const ReadConfig read_;
  Done done_;
  std::thread thread_;
};

}  // namespace holdfast::server

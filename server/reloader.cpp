#include "server/reloader.h"

#include <utility>

#include "server/named_files.h"

namespace holdfast::server {

base::Result<Candidate> resolved(conf::Settings settings) {
  Candidate out;
  for (const conf::Backend& backend : settings.backends) {
    auto address = net::resolve(backend.address);
    if (!address) {
      return base::Error{address.error().code, "backend " + settings.pools[conf::index(backend.pool)].name + "/" +
                                                   backend.name + ": " + address.error().text};
    }
    out.backends.push_back(*address);
  }
  for (const conf::Listen& listen : settings.listens) {
    auto address = net::resolve(listen.address);
    if (!address) return address.error();
    out.listens.push_back(*address);
  }
  auto pages = load_maintenance_pages(settings);
  if (!pages) return pages.error();
  out.pages = std::move(*pages);
  out.settings = std::move(settings);
  return out;
}

Reloader::~Reloader() {
  if (thread_.joinable()) thread_.join();
}

void Reloader::begin(std::shared_ptr<const conf::Settings> running, Done done) {
  done_ = std::move(done);
  if (thread_.joinable()) thread_.join();  // it has posted its result: it is at its end
  thread_ = std::thread([this, running = std::move(running)] {
    auto settings = read_();
    auto found = std::make_shared<base::Result<Candidate>>(settings ? resolved(std::move(*settings))
                                                                    : base::Result<Candidate>(settings.error()));
    if (*found) (*found)->changes = conf::changes(*running, (*found)->settings);
    loop_.post([this, found] { std::exchange(done_, nullptr)(*found); });
  });
}

}  // namespace holdfast::server

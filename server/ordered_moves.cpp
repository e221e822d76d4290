#include "server/ordered_moves.h"

namespace holdfast::server {

void OrderedMoves::note(conf::BackendId from, std::string_view reason, std::uint64_t sessions) {
  if (sessions == 0) return;
  if (counts_.size() <= conf::index(from)) counts_.resize(conf::index(from) + 1);
  admin::add(counts_[conf::index(from)], reason, sessions);
}

void OrderedMoves::add_to(admin::BackendView& view, conf::BackendId from) const {
  if (counts_.size() <= conf::index(from)) return;
  for (const admin::Count& each : counts_[conf::index(from)]) {
    admin::add(view.moved_away, each.word, each.count);
    view.moved_away_total += each.count;
  }
}

}  // namespace holdfast::server

#include "admin/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace holdfast::admin {

using web::Feed;
using web::Pipe;

namespace {

using Json = nlohmann::ordered_json;

/// JSON has no line breaks outside of strings, and none inside: one data line is enough.
std::string message(std::string_view kind, std::string_view id, const std::string& data) {
  if (id.empty()) return fmt::format("event: {}\ndata: {}\n\n", kind, data);
  return fmt::format("event: {}\nid: {}\ndata: {}\n\n", kind, id, data);
}

std::string_view name_of(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::Debug:
    case base::LogLevel::Info:
      return "info";
    case base::LogLevel::Warn:
      return "warn";
    case base::LogLevel::Error:
      return "error";
  }
  return "info";
}

}  // namespace

/// One who listens. Lives as long as its connection.
class Live::Listener final : public Feed {
 public:
  Listener(Live& live, std::uint64_t seen, With with, MayListen may_listen)
      : live_(live), seen_(seen), with_(with), may_listen_(std::move(may_listen)) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() override {
    if (pipe_ != nullptr) live_.leave(*this);
  }

  void begin(Pipe& pipe) override {
    pipe_ = &pipe;
    live_.begin(*this);
  }
  bool wants_status() const { return with_ == With::Status; }
  /// What the timeline has that it has not seen.
  void catch_up(const Timeline& timeline, base::Instant now) {
    if (timeline.last_number() == seen_) return;
    std::string text;
    for (const TimelineEvent& event : timeline.after(seen_)) {
      seen_ = event.number;
      text += message("event", timeline.id_of(event.number), base::json_text(event_json(event, timeline)));
    }
    push(text, now);
  }
  void push(std::string_view text, base::Instant now) {
    if (!may_listen_()) return pipe_->end();
    pushed_at_ = now;
    pipe_->push(text);
  }
  void heartbeat(base::Instant now, base::Duration heartbeat) {
    if (!may_listen_()) return pipe_->end();
    if (now - pushed_at_ >= heartbeat) push(": still here\n\n", now);
  }

 private:
  Live& live_;
  Pipe* pipe_ = nullptr;
  std::uint64_t seen_;
  const With with_;
  const MayListen may_listen_;
  base::Instant pushed_at_{};
};

Live::Live(base::Scheduler& scheduler, const StatusSource& source, const Timeline& timeline, Limits limits)
    : scheduler_(scheduler),
      timeline_(timeline),
      limits_(limits),
      patches_(source, limits.patches),
      timer_(scheduler.timer([this] { on_tick(); })) {}

Live::~Live() = default;

std::shared_ptr<Feed> Live::listen(std::uint64_t number, With with, MayListen may_listen) {
  if (listeners_.size() >= limits_.listeners_max) return nullptr;
  return std::make_shared<Listener>(*this, number, with, std::move(may_listen));
}

void Live::begin(Listener& listener) {
  const base::Instant now = scheduler_.now();
  listener.push("retry: 2000\n\n", now);
  if (listener.wants_status()) {
    // Those who listen already are told first, so that one document is what all of them know.
    send_patch(patches_.all(now));
    told_at_ = now;
    listener.push(message("status", {}, patches_.document()), now);
  }
  listener.catch_up(timeline_, now);
  listeners_.push_back(&listener);
  if (!timer_->is_set()) timer_->set(now + limits_.tick);
}

void Live::leave(const Listener& listener) {
  std::erase(listeners_, &listener);
  if (!has_status_listeners()) patches_.forget();
  if (listeners_.empty()) timer_->cancel();
}

bool Live::has_status_listeners() const {
  return std::any_of(listeners_.begin(), listeners_.end(), [](const Listener* each) { return each->wants_status(); });
}

void Live::nudge() {
  if (listeners_.empty()) return;
  timer_->set(std::max(scheduler_.now(), told_at_ + limits_.soonest));
}

void Live::on_tick() {
  const base::Instant now = scheduler_.now();
  if (has_status_listeners()) send_patch(patches_.step(now));
  told_at_ = now;
  for (Listener* const listener : listeners_) {
    listener->catch_up(timeline_, now);
    listener->heartbeat(now, limits_.heartbeat);
  }
  timer_->set(now + limits_.tick);
}

void Live::send_patch(const std::optional<std::string>& patch) {
  if (!patch) return;
  const base::Instant now = scheduler_.now();
  const std::string text = message("patch", {}, *patch);
  for (Listener* const listener : listeners_) {
    if (listener->wants_status()) listener->push(text, now);
  }
}

Json event_json(const TimelineEvent& event, const Timeline& timeline) {
  Json fields = Json::object();
  Json out = {{"id", timeline.id_of(event.number)},
              {"time", base::timestamp_text(event.at)},
              {"level", name_of(event.level)},
              {"event", event.word},
              {"pool", ""},
              {"backend", ""},
              {"reason", ""}};
  for (const auto& [key, value] : event.fields) {
    const Json given = std::visit([](const auto& plain) { return Json(plain); }, value);
    (key == "pool" || key == "backend" || key == "reason" ? out[key] : fields[key]) = given;
  }
  out["fields"] = std::move(fields);
  return out;
}

std::string events_json(const Timeline& timeline, std::uint64_t after) {
  Json events = Json::array();
  std::uint64_t last = after;
  for (const TimelineEvent& event : timeline.after(after)) {
    last = event.number;
    events.push_back(event_json(event, timeline));
  }
  return base::json_text({{"events", std::move(events)}, {"last", timeline.id_of(last)}, {"kept", Timeline::kKept}}) +
         "\n";
}

}  // namespace holdfast::admin

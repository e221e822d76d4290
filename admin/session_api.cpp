#include "admin/session_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "sessions/order.h"
#include "sessions/redis_text.h"

namespace holdfast::admin {

using web::json_response;
using web::parameter;
using web::Request;
using web::Response;
using web::Router;
using web::text_response;

namespace {

using Json = nlohmann::ordered_json;
using sessions::Acked;
using sessions::BackendTag;
using sessions::Effect;
using sessions::Listed;

constexpr std::size_t kLimitDefault = 100;
constexpr std::size_t kLimitMax = 10'000;
constexpr std::size_t kMovesNoted = 1000;  // of one order; the most recently used are those that people ask after
constexpr std::string_view kByOperator = "operator";

/// A backend by its names, and how it is.
struct Backend {
  std::string pool;
  std::string name;
  BackendTag tag = BackendTag::None;
  health::State state = health::State::Starting;
};

/// The configured backends at the time of one request.
class Directory {
 public:
  Directory(const StatusSource& source, const SessionService& service) {
    for (const PoolView& pool : source.states().pools) {
      pools_.push_back(pool.name);
      for (const BackendView& backend : pool.backends) {
        backends_.push_back({pool.name, backend.name, service.tag_of(pool.name, backend.name), backend.state});
      }
    }
  }
  const std::vector<std::string>& pools() const { return pools_; }
  bool has_pool(std::string_view name) const { return std::find(pools_.begin(), pools_.end(), name) != pools_.end(); }
  std::vector<Backend> of(std::string_view pool) const {
    std::vector<Backend> found;
    std::copy_if(backends_.begin(), backends_.end(), std::back_inserter(found),
                 [&](const Backend& backend) { return backend.pool == pool; });
    return found;
  }
  /// "pool/backend"; nullptr when there is none.
  const Backend* find(std::string_view full_name) const {
    for (const Backend& backend : backends_) {
      if (backend.pool + "/" + backend.name == full_name) return &backend;
    }
    return nullptr;
  }
  const Backend* find(BackendTag tag) const {
    const auto at = std::find_if(backends_.begin(), backends_.end(), [&](const Backend& b) { return b.tag == tag; });
    return at == backends_.end() ? nullptr : &*at;
  }

 private:
  std::vector<std::string> pools_;
  std::vector<Backend> backends_;
};

Response failed(const base::Error& error) {
  const bool may_have_happened = error.code == base::ErrorCode::Timeout;
  return text_response(503,
                       fmt::format("{} ({}): {}", may_have_happened ? "this may have happened" : "nothing was done",
                                   base::name_of(error.code), error.text));
}

/// Every proxy that uses copies has acknowledged it.
bool is_confirmed(const Effect& effect) { return effect.acked == Acked::ByAll; }

Json session_json(const Listed& session, const Directory& directory, const sessions::MoveLog& moves) {
  const Backend* backend = directory.find(session.binding.backend);
  Json out = {{"id", sessions::id_text(session.key)},
              {"pool", backend != nullptr ? backend->pool : ""},
              {"backend", backend != nullptr ? backend->name : ""},
              {"since", base::timestamp_text(session.created)},
              {"last_seen", base::timestamp_text(session.last_used)},
              {"moves", sessions::moves_of(session.binding.generation)}};
  if (const auto move = moves.last(session.key)) {
    const Backend* from = directory.find(move->from);
    out["last_move"] = {
        {"from", from != nullptr ? from->name : ""}, {"reason", move->reason}, {"at", base::timestamp_text(move->at)}};
  }
  return out;
}

/// GET /api/v1/sessions: pool after pool, as each may have to be asked for.
class Listing : public std::enable_shared_from_this<Listing> {
 public:
  Listing(Directory directory, SessionService& service, std::size_t limit, Router::Respond respond)
      : directory_(std::move(directory)), service_(service), limit_(limit), respond_(std::move(respond)) {}

  void add(const std::string& pool, std::vector<BackendTag> tags) { wanted_.emplace_back(pool, std::move(tags)); }
  void go_on() {
    if (wanted_.empty() || found_.size() >= limit_) return finish();
    const auto [pool, tags] = std::move(wanted_.back());
    wanted_.pop_back();
    service_.registry().list(pool, tags, limit_ - found_.size(),
                             [self = shared_from_this()](const base::Result<std::vector<Listed>>& listed) {
                               if (!listed) return self->respond_(failed(listed.error()));
                               self->found_.insert(self->found_.end(), listed->begin(), listed->end());
                               self->go_on();
                             });
  }

 private:
  void finish() {
    Json all = Json::array();
    for (const Listed& session : found_) all.push_back(session_json(session, directory_, service_.moves()));
    respond_(json_response({{"sessions", std::move(all)}, {"limit", limit_}}));
  }

  const Directory directory_;
  SessionService& service_;
  const std::size_t limit_;
  const Router::Respond respond_;
  std::vector<std::pair<std::string, std::vector<BackendTag>>> wanted_;
  std::vector<Listed> found_;
};

/// GET /api/v1/sessions?id=: the one of that id, looked for in pool after pool.
void list_one(std::string_view id, const std::shared_ptr<const Directory>& directory, std::vector<std::string> pools,
              SessionService& service, const Router::Respond& respond) {
  const auto key = sessions::parse_id(id);
  if (!key || pools.empty()) return respond(json_response({{"sessions", Json::array()}, {"limit", 1}}));
  const std::string pool = std::move(pools.back());
  pools.pop_back();
  service.registry().find(pool, *key,
                          [id = std::string(id), directory, pools = std::move(pools), pool, &service,
                           respond](const base::Result<std::optional<Listed>>& found) {
                            if (!found) return respond(failed(found.error()));
                            const Backend* backend = *found ? directory->find((*found)->binding.backend) : nullptr;
                            if (backend == nullptr || backend->pool != pool) {
                              return list_one(id, directory, pools, service, respond);
                            }
                            Json all = Json::array();
                            all.push_back(session_json(**found, *directory, service.moves()));
                            respond(json_response({{"sessions", std::move(all)}, {"limit", 1}}));
                          });
}

void list(const Request& request, const StatusSource& source, SessionService& service, Router::Respond respond) {
  Directory directory(source, service);
  if (const std::string_view id = parameter(request.query, "id"); !id.empty()) {
    const auto known = std::make_shared<const Directory>(std::move(directory));
    return list_one(id, known, known->pools(), service, respond);
  }
  const std::string_view backend = parameter(request.query, "backend");
  const std::string_view pool = parameter(request.query, "pool");
  const std::string_view limit_text = parameter(request.query, "limit");
  const auto limit = limit_text.empty() ? kLimitDefault : base::parse_decimal(limit_text);
  if (!limit || *limit == 0 || *limit > kLimitMax) {
    return respond(text_response(400, fmt::format("limit: expected a number from 1 to {}", kLimitMax)));
  }
  std::string wanted_backend(backend);
  for (const auto& [code, character] : {std::pair{"%5B", "["}, std::pair{"%5D", "]"}}) {
    if (const auto at = wanted_backend.find(code); at != std::string::npos) wanted_backend.replace(at, 3, character);
  }
  const Backend* only = directory.find(wanted_backend);
  if (!backend.empty() && only == nullptr) {
    return respond(text_response(404, "no backend of that name; expected backend=POOL/BACKEND"));
  }
  if (!pool.empty() && !directory.has_pool(pool)) return respond(text_response(404, "no pool of that name"));
  std::vector<std::pair<std::string, std::vector<BackendTag>>> wanted;
  for (const std::string& name : directory.pools()) {
    if (!pool.empty() && name != pool) continue;
    std::vector<BackendTag> tags;
    for (const Backend& each : directory.of(name)) {
      if (only == nullptr || only->tag == each.tag) tags.push_back(each.tag);
    }
    if (!tags.empty()) wanted.emplace_back(name, std::move(tags));
  }
  auto listing = std::make_shared<Listing>(std::move(directory), service, *limit, std::move(respond));
  for (auto& [name, tags] : wanted) listing->add(name, std::move(tags));
  listing->go_on();
}

/// Calls `found` with the pool of the session and with it, or responds with 404: the id does not name its pool, so they
/// are asked in turn.
void find_pool(const std::shared_ptr<const Directory>& directory, std::vector<std::string> pools,
               const sessions::Key& key, SessionService& service, const Router::Respond& respond,
               const std::function<void(const std::string&, const Listed&)>& found) {
  if (pools.empty()) return respond(text_response(404, "no session of that id"));
  const std::string pool = std::move(pools.back());
  pools.pop_back();
  service.registry().find(pool, key,
                          [directory, pools = std::move(pools), pool, key, &service, respond,
                           found](const base::Result<std::optional<Listed>>& session) {
                            if (!session) return respond(failed(session.error()));
                            const Backend* backend = *session ? directory->find((*session)->binding.backend) : nullptr;
                            // A session of a backend that is configured no longer belongs to whoever knows its id.
                            if (*session && (backend == nullptr || backend->pool == pool))
                              return found(pool, **session);
                            find_pool(directory, pools, key, service, respond, found);
                          });
}

void end_one(const Request& request, const StatusSource& source, SessionService& service,
             const Router::Respond& respond) {
  const auto key = sessions::parse_id(request.captures[0]);
  if (!key) return respond(text_response(404, "this is not a session id"));
  const auto directory = std::make_shared<const Directory>(source, service);
  find_pool(
      directory, directory->pools(), *key, service, respond,
      [&service, key = *key, respond](const std::string& pool, const Listed&) {
        service.registry().end(pool, key, [key, pool, respond](const base::Result<Effect>& done) {
          if (!done) return respond(failed(done.error()));
          if (done->sessions == 0) return respond(text_response(404, "no session of that id"));
          respond(json_response(
              {{"id", sessions::id_text(key)}, {"pool", pool}, {"ended", true}, {"confirmed", is_confirmed(*done)}}));
        });
      });
}

void move_one(const Request& request, const StatusSource& source, SessionService& service,
              const Router::Respond& respond) {
  const auto key = sessions::parse_id(request.captures[0]);
  if (!key) return respond(text_response(404, "this is not a session id"));
  const Json body = base::parse_json(request.body);
  if (!body.is_object() || body.size() != 1 || !body.contains("to") || !body["to"].is_string()) {
    return respond(text_response(400, "expected {\"to\":\"POOL/BACKEND\"}"));
  }
  const auto directory = std::make_shared<const Directory>(source, service);
  const Backend* to = directory->find(body["to"].get<std::string>());
  if (to == nullptr) return respond(text_response(404, "no backend of that name; expected POOL/BACKEND"));
  if (!health::may_keep(to->state)) {
    return respond(text_response(409, fmt::format("{} is {}: nothing was done", to->name, name_of(to->state))));
  }
  find_pool(directory, {to->pool}, *key, service, respond,
            [&service, to = *to, key = *key, respond](const std::string&, const Listed& session) {
              const BackendTag from = session.binding.backend;
              service.registry().move(
                  to.pool, key, to.tag, [from, to, key, &service, respond](const base::Result<Effect>& done) {
                    if (!done) return respond(failed(done.error()));
                    if (done->sessions == 0) return respond(text_response(404, "no session of that id"));
                    service.moves().note(key, {.from = from, .reason = kByOperator, .at = base::wall_now()});
                    if (from != to.tag) service.count_moved(from, kByOperator, 1);
                    respond(json_response({{"id", sessions::id_text(key)},
                                           {"pool", to.pool},
                                           {"backend", to.name},
                                           {"confirmed", is_confirmed(*done)}}));
                  });
            });
}

/// Ends all sessions of backend after backend of one pool.
void end_all(std::vector<Backend> from, const Effect& so_far, SessionService& service, const Router::Respond& respond) {
  if (from.empty()) {
    return respond(json_response({{"ended", so_far.sessions}, {"confirmed", is_confirmed(so_far)}}));
  }
  const Backend backend = std::move(from.back());
  from.pop_back();
  service.registry().clear(
      backend.pool, backend.tag, {},
      [from = std::move(from), so_far, &service, respond](const base::Result<Effect>& more) {
        if (!more) return respond(failed(more.error()));
        const bool all_acked = is_confirmed(so_far) && is_confirmed(*more);
        end_all(from,
                {.sessions = so_far.sessions + more->sessions, .acked = all_acked ? Acked::ByAll : Acked::NotByAll},
                service, respond);
      });
}

/// Moves all sessions of a backend, `listed` among them.
void move_all(const Backend& from, const std::vector<BackendTag>& to, const std::vector<Listed>& listed,
              SessionService& service, const Router::Respond& respond) {
  service.registry().clear(
      from.pool, from.tag, to, [from, listed, &service, respond](const base::Result<Effect>& done) {
        if (!done) return respond(failed(done.error()));
        for (const Listed& session : listed) {
          service.moves().note(session.key, {.from = from.tag, .reason = kByOperator, .at = base::wall_now()});
        }
        service.count_moved(from.tag, kByOperator, done->sessions);
        respond(json_response({{"moved", done->sessions}, {"confirmed", is_confirmed(*done)}}));
      });
}

void end_pool(const Request& request, const StatusSource& source, SessionService& service,
              const Router::Respond& respond) {
  const Directory directory(source, service);
  if (!directory.has_pool(request.captures[0])) return respond(text_response(404, "no pool of that name"));
  end_all(directory.of(request.captures[0]), {}, service, respond);
}

/// The backend of the path; responds with an error if there is none.
const Backend* named_in(const Request& request, const Directory& directory, const Router::Respond& respond) {
  const Backend* named = directory.find(request.captures[0] + "/" + request.captures[1]);
  if (named == nullptr) respond(text_response(404, "no backend of that name in that pool"));
  return named;
}

void end_backend(const Request& request, const StatusSource& source, SessionService& service,
                 const Router::Respond& respond) {
  const Directory directory(source, service);
  if (const Backend* from = named_in(request, directory, respond)) end_all({*from}, {}, service, respond);
}

void move_backend(const Request& request, const StatusSource& source, SessionService& service,
                  const Router::Respond& respond) {
  const Directory directory(source, service);
  const Backend* from = named_in(request, directory, respond);
  if (from == nullptr) return;
  std::vector<BackendTag> to;
  for (const Backend& backend : directory.of(from->pool)) {
    if (backend.tag != from->tag && health::may_take_new(backend.state)) to.push_back(backend.tag);
  }
  if (to.empty()) return respond(text_response(409, "no other backend of the pool is UP: nothing was done"));
  service.registry().list(from->pool, {from->tag}, kMovesNoted,
                          [from = *from, to, &service, respond](const base::Result<std::vector<Listed>>& listed) {
                            // Without the list they are moved all the same; only nobody can say why afterwards.
                            move_all(from, to, listed ? *listed : std::vector<Listed>(), service, respond);
                          });
}

}  // namespace

void add_session_routes(Router& router, const StatusSource& source, SessionService& service) {
  using http::Method;
  using Respond = Router::Respond;
  router.add_later(Method::Get, "/api/v1/sessions",
                   [&](const Request& request, const Respond& respond) { list(request, source, service, respond); });
  router.add_later(Method::Post, "/api/v1/sessions/{id}/end",
                   [&](const Request& request, const Respond& respond) { end_one(request, source, service, respond); });
  router.add_later(Method::Post, "/api/v1/sessions/{id}/move", [&](const Request& request, const Respond& respond) {
    move_one(request, source, service, respond);
  });
  router.add_later(
      Method::Post, "/api/v1/pools/{pool}/sessions/end",
      [&](const Request& request, const Respond& respond) { end_pool(request, source, service, respond); });
  router.add_later(
      Method::Post, "/api/v1/pools/{pool}/backends/{backend}/sessions/end",
      [&](const Request& request, const Respond& respond) { end_backend(request, source, service, respond); });
  router.add_later(
      Method::Post, "/api/v1/pools/{pool}/backends/{backend}/sessions/move",
      [&](const Request& request, const Respond& respond) { move_backend(request, source, service, respond); });
}

}  // namespace holdfast::admin

#include "admin/logins.h"

#include <algorithm>

#include "admin/password.h"

namespace holdfast::admin {

using web::Caller;
using web::Role;

std::string Logins::begin(const std::string& name, Role role, base::Instant now) {
  make_room(now);
  std::string id = new_token();
  const std::string hash = hash_token(id);
  Login& login = logins_[hash];
  login.caller = {.role = role, .by = Caller::By::Login, .name = name, .csrf = new_token(), .login = hash};
  login.began = login.used = now;
  return id;
}

std::optional<Caller> Logins::find(std::string_view id, base::Instant now) {
  const auto found = logins_.find(hash_token(id));
  if (found == logins_.end()) return std::nullopt;
  Login& login = found->second;
  if (is_over(login, now)) {
    logins_.erase(found);
    return std::nullopt;
  }
  login.used = now;
  return login.caller;
}

bool Logins::has(const std::string& login, base::Instant now) const {
  const auto found = logins_.find(login);
  return found != logins_.end() && !is_over(found->second, now);
}

bool Logins::is_over(const Login& login, base::Instant now) {
  return now - login.used > kIdle || now - login.began > kLongest;
}

void Logins::end(std::string_view id) { logins_.erase(hash_token(id)); }

void Logins::make_room(base::Instant now) {
  std::erase_if(logins_, [&](const auto& entry) { return is_over(entry.second, now); });
  if (logins_.size() < kKept) return;
  logins_.erase(std::min_element(logins_.begin(), logins_.end(),
                                 [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
}

bool LoginLimit::is_full(Row& row, std::uint32_t max, base::Instant now) {
  if (now - row.began > kWhile) row = {};
  return row.failures >= max;
}

bool LoginLimit::may_try(const std::string& address, base::Instant now) {
  if (is_full(all_, kFromAll, now)) return false;
  const auto found = failures_.find(address);
  return found == failures_.end() || !is_full(found->second, kFromOne, now);
}

void LoginLimit::note_failure(const std::string& address, base::Instant now) {
  const auto note = [&](Row& row) {
    if (row.failures++ == 0) row.began = now;
  };
  note(all_);
  if (failures_.size() >= kKept && !failures_.contains(address)) {
    failures_.erase(std::min_element(failures_.begin(), failures_.end(),
                                     [](const auto& a, const auto& b) { return a.second.began < b.second.began; }));
  }
  note(failures_[address]);
}

}  // namespace holdfast::admin

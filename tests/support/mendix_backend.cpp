#include "tests/support/mendix_backend.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace holdfast::support {
namespace {

// RFC 4648 section 4; the emulation has its own on purpose, as the wire reader.
std::string base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) out += i + j <= text.size() ? kAlphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string session_of(const WireHead& head) {
  const std::string cookies = head.field("Cookie").value_or("");
  constexpr std::string_view kName = "XASSESSIONID=";
  const std::size_t at = cookies.find(kName);
  if (at == std::string::npos) return {};
  return cookies.substr(at + kName.size(), cookies.find(';', at) - at - kName.size());
}

std::string feedback(std::string_view key, std::string_view word, std::string_view diagnosis = {}) {
  nlohmann::json reply = {{"result", 0}, {"feedback", {{key, word}}}};
  if (!diagnosis.empty()) reply["feedback"]["diagnosis"] = diagnosis;
  return reply.dump();
}

std::string result(int number) { return nlohmann::json({{"result", number}}).dump(); }

}  // namespace

MendixBackend::MendixBackend(const std::string& name, std::string password)
    : password_(std::move(password)), app_(name), admin_(name + "-admin") {
  app_.on("*", [this](Conversation& c) { serve_app(c); });
  admin_.on("*", [this](Conversation& c) { serve_admin(c); });
}

BackendConfig MendixBackend::config() const {
  return {app_.name(), app_.port(), "probe_port = " + std::to_string(admin_.port()) + "\n"};
}

void MendixBackend::set_status(std::string_view status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
}

void MendixBackend::set_health(std::string_view health, std::string_view diagnosis) {
  const std::lock_guard lock(mutex_);
  health_ = health;
  diagnosis_ = diagnosis;
}

void MendixBackend::set_password(std::string_view password) {
  const std::lock_guard lock(mutex_);
  password_ = password;
}

void MendixBackend::set_refusal(Refusal refusal) {
  const std::lock_guard lock(mutex_);
  refusal_ = refusal;
}

void MendixBackend::set_result(int result) {
  const std::lock_guard lock(mutex_);
  result_ = result;
}

void MendixBackend::serve_admin(Conversation& c) {
  if (c.read_body() != End::Whole) return;
  const std::lock_guard lock(mutex_);
  const Arrival& request = c.arrival();
  const bool may_enter = request.head.field("X-M2EE-Authentication").value_or("") == base64(password_);
  if (may_enter && result_ == 0) {
    c.respond(200, reply_to(request), "Content-Type: application/json\r\n");
  } else if (may_enter || refusal_ == Refusal::Ok200) {
    c.respond(200, result(may_enter ? result_ : -4), "Content-Type: application/json\r\n");
  } else {
    c.respond(refusal_ == Refusal::Unauthorized401 ? 401 : 403, "<html>no</html>", "Content-Type: text/html\r\n");
  }
}

std::string MendixBackend::reply_to(const Arrival& request) {
  if (request.method != "POST") return result(-3);
  if (request.head.field("Content-Type").value_or("") != "application/json") return result(-2);
  const auto json = nlohmann::json::parse(request.body, nullptr, false);
  const std::string action = json.is_object() ? json.value("action", "") : "";
  if (action == "runtime_status") return feedback("status", status_);
  if (action != "check_health") return result(-5);
  ++health_checks_;
  return status_ == "running" ? feedback("health", health_, diagnosis_) : result(2);
}

void MendixBackend::serve_app(Conversation& c) {
  if (c.read_body() != End::Whole) return;
  std::string session = session_of(c.arrival().head);
  const std::lock_guard lock(mutex_);
  const std::string_view target = c.arrival().target;
  constexpr std::string_view kJson = "Content-Type: application/json\r\n";
  if (target == "/xas/fail") {
    c.respond(560, R"({"type":"exception","message":"microflow"})", kJson);
  } else if (target.starts_with("/xas/") && !sessions_.contains(session)) {
    c.respond(401, R"({"type":"session lost"})", kJson);
  } else if (target.starts_with("/xas/")) {
    c.respond(200, R"({"node":")" + app_.name() + "\"}", kJson);
  } else {
    session = app_.name() + "-" + std::to_string(sessions_.size());
    sessions_.insert(session);
    c.respond(200, app_.name(), "Set-Cookie: XASSESSIONID=" + session + "; Path=/; HttpOnly\r\n");
  }
}

}  // namespace holdfast::support

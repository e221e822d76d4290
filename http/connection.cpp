#include "http/connection.h"

#include "base/text.h"
#include "http/field_id.h"
#include "http/list.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {

/// More options than this are an attack on the loop below, which compares each with every field.
constexpr std::size_t kOptionsMax = 32;

Fault mark(std::vector<Field>& fields, std::string_view option) {
  const FieldId id = field_id(option);
  if (id == FieldId::Host || id == FieldId::ContentLength || id == FieldId::TransferEncoding || id == FieldId::Expect) {
    return {400, "Connection names a field that no hop may remove"};
  }
  if (is_end_to_end(option, id)) return {};
  for (Field& field : fields) {
    if (base::iequals(field.name, option)) field.hop_by_hop = true;
  }
  return {};
}

Fault read_options(std::string_view value, std::vector<Field>& fields, ConnectionOptions& options, std::size_t& left) {
  ListWalk walk(value);
  std::string_view option;
  while (walk.next(option)) {
    if (left-- == 0) return {400, "too many Connection options"};
    if (option.empty()) continue;
    if (base::iequals(option, "keep-alive")) {
      options.keep_alive = true;
    } else if (base::iequals(option, "close")) {
      options.close = true;
    } else if (base::iequals(option, "upgrade")) {
      options.upgrade = true;
    } else if (!scan::is_token(option)) {
      return {400, "malformed Connection"};
    } else if (const Fault fault = mark(fields, option)) {
      return fault;
    }
  }
  return {};
}

bool begins_with(std::string_view text, std::string_view prefix) {
  return base::iequals(text.substr(0, prefix.size()), prefix);
}

}  // namespace

Fault read_connection(std::vector<Field>& fields, ConnectionOptions& options) {
  std::size_t left = kOptionsMax;
  for (const Field& field : fields) {
    if (field.id != FieldId::Connection) continue;
    if (const Fault fault = read_options(field.value, fields, options, left)) return fault;
  }
  return {};
}

bool may_upgrade_to(std::string_view protocols) {
  ListWalk walk(protocols);
  std::string_view protocol;
  bool any = false;
  while (walk.next(protocol)) {
    if (protocol.empty()) continue;
    const std::size_t slash = protocol.find('/');
    if (!scan::is_token(protocol.substr(0, slash))) return false;
    if (slash != std::string_view::npos && !scan::is_token(protocol.substr(slash + 1))) return false;
    if (begins_with(protocol, "h2") || begins_with(protocol, "http") || begins_with(protocol, "tls")) return false;
    any = true;
  }
  return any;
}

}  // namespace holdfast::http

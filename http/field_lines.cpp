#include "http/field_lines.h"

#include "http/field_id.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {

const char* name_fault(char found, bool is_first) {
  if (is_first && scan::is_blank(found)) return "folded line, or space before a field name";
  if (is_first && found == ':') return "empty field name";
  if (scan::is_blank(found)) return "space before the colon";
  if (found == '\r' || found == '\n') return "field line without a colon";
  return "character that may not be in a field name";
}

}  // namespace

const char* line_fault(const char* at) {
  if (*at == '\n') return "bare LF";
  if (*at == '\r') return "bare CR";
  if (*at == '\0') return "NUL";
  return "control character";
}

FieldLines::Outcome FieldLines::bad(const char* why) {
  why_ = why;
  return Outcome::Bad;
}

FieldLines::Outcome FieldLines::next(Field& out) {
  if (at_ == end_) return Outcome::Incomplete;
  if (*at_ == '\r') {
    if (end_ - at_ < 2) return Outcome::Incomplete;
    if (at_[1] != '\n') return bad("bare CR");
    at_ += 2;
    return Outcome::End;
  }
  const char* const name_end = scan::token_end(at_, end_);
  if (name_end == end_) return Outcome::Incomplete;
  if (name_end == at_ && *at_ == '\n') return bad("bare LF");
  if (*name_end != ':' || name_end == at_) return bad(name_fault(*name_end, name_end == at_));

  const char* value = name_end + 1;
  while (value != end_ && scan::is_blank(*value)) ++value;
  const char* const line_end = scan::value_end(value, end_);
  if (end_ - line_end < 2) {
    if (line_end == end_ || *line_end == '\r') return Outcome::Incomplete;
    return bad(line_fault(line_end));
  }
  if (line_end[0] != '\r' || line_end[1] != '\n') return bad(line_fault(line_end));
  const char* value_end = line_end;
  while (value_end != value && scan::is_blank(value_end[-1])) --value_end;

  out.name = {at_, static_cast<std::size_t>(name_end - at_)};
  out.value = {value, static_cast<std::size_t>(value_end - value)};
  out.id = field_id(out.name);
  out.hop_by_hop = is_hop_by_hop(out.id);
  at_ = line_end + 2;
  return Outcome::Field;
}

}  // namespace holdfast::http

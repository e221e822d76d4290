#include "http/body.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "http/field_id.h"
#include "http/field_lines.h"
#include "http/scan.h"

namespace holdfast::http {

namespace {

constexpr std::uint64_t kChunkMax = std::numeric_limits<std::int64_t>::max();
constexpr std::uint8_t kSizeDigitsMax = 16;
constexpr std::uint32_t kExtensionBytesMax = 4096;

}  // namespace

void BodyReader::start(const Framing& framing, std::size_t trailer_bytes_max, std::size_t trailers_max) {
  framing_ = framing;
  done_ = framing.kind == Framing::Kind::None || (framing.kind == Framing::Kind::Length && framing.length == 0);
  why_bad_ = nullptr;
  content_bytes_ = 0;
  left_ = framing.kind == Framing::Kind::Length ? framing.length : 0;
  at_ = At::Size;
  extension_ = Extension::Gap;
  size_digits_ = 0;
  extension_bytes_ = 0;
  trailer_bytes_max_ = trailer_bytes_max;
  trailers_max_ = trailers_max;
  trailer_bytes_ = 0;
  trailer_lines_ = 0;
  line_start_ = 0;
  trailers_.clear();
}

bool BodyReader::may_end_here() const {
  return why_bad_ == nullptr && (done_ || framing_.kind == Framing::Kind::UntilClose);
}

BodyReader::Step BodyReader::take(std::span<char> input) {
  if (why_bad_ != nullptr) return {Step::State::Bad, 0, {}, why_bad_};
  if (done_) return {Step::State::Done, 0, {}, ""};
  return framing_.kind == Framing::Kind::Chunked ? take_chunked(input) : take_plain(input);
}

BodyReader::Step BodyReader::take_plain(std::span<char> input) {
  std::size_t size = input.size();
  if (framing_.kind == Framing::Kind::Length) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size));
    left_ -= size;
    done_ = left_ == 0;
  }
  content_bytes_ += size;
  return {done_ ? Step::State::Done : Step::State::More, size, input.first(size), ""};
}

// Content keeps its place as long as it is one piece: only what follows a chunk boundary is moved down to close the
// gap, so a body in large chunks is hardly ever moved.
BodyReader::Step BodyReader::take_chunked(std::span<char> input) {
  char* const begin = input.data();
  char* data_begin = begin;
  char* data_end = begin;
  std::size_t i = 0;
  while (i < input.size() && at_ != At::End) {
    if (at_ == At::Data) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - i));
      if (data_begin == data_end) data_begin = data_end = begin + i;
      if (data_end != begin + i) std::memmove(data_end, begin + i, piece);
      data_end += piece;
      i += piece;
      left_ -= piece;
      content_bytes_ += piece;
      if (left_ == 0) at_ = At::DataCr;
      continue;
    }
    why_bad_ = framing_byte(input[i]);
    if (why_bad_ != nullptr) break;
    ++i;
  }
  done_ = at_ == At::End;
  Step step{Step::State::More, i, {data_begin, data_end}, ""};
  if (done_) step.state = Step::State::Done;
  if (why_bad_ != nullptr) step.state = Step::State::Bad, step.why = why_bad_;
  return step;
}

const char* BodyReader::framing_byte(char c) {
  switch (at_) {
    case At::Size:
      return size_byte(c);
    case At::Extension:
      return extension_byte(c);
    case At::SizeLf:
      return c == '\n' ? end_of_size() : "bare CR after a chunk size";
    case At::DataCr:
      return at_ = At::DataLf, c == '\r' ? nullptr : "chunk longer than its size";
    case At::DataLf:
      at_ = At::Size;
      size_digits_ = 0;
      left_ = 0;
      return c == '\n' ? nullptr : "bare CR after a chunk";
    case At::TrailerLine:
      return trailer_byte(c);
    case At::Data:
    case At::End:
      break;
  }
  return "chunk reader out of step";
}

const char* BodyReader::size_byte(char c) {
  const int digit = scan::hex_digit(c);
  if (digit >= 0) {
    if (++size_digits_ > kSizeDigitsMax) return "chunk size has too many digits";
    left_ = left_ << 4 | static_cast<unsigned>(digit);
    return left_ > kChunkMax ? "chunk size out of range" : nullptr;
  }
  if (size_digits_ == 0) return "chunk size missing";
  if (c == '\r') return at_ = At::SizeLf, nullptr;
  at_ = At::Extension;
  extension_ = Extension::Gap;
  return extension_byte(c);
}

// RFC 9112 section 7.1.1, byte by byte. A blank before CR is not part of the grammar: it may only stand beside ';' and
// '='.
const char* BodyReader::extension_byte(char c) {
  constexpr const char* kMalformed = "malformed chunk extension";
  if (++extension_bytes_ > kExtensionBytesMax) return "too much in chunk extensions";
  const auto go = [this](Extension to) { return extension_ = to, nullptr; };
  const auto end_or = [&](Extension after_blank) -> const char* {
    if (c == '\r') return at_ = At::SizeLf, nullptr;
    if (c == ';') return go(Extension::BeforeName);
    return scan::is_blank(c) ? go(after_blank) : kMalformed;
  };
  switch (extension_) {
    case Extension::Gap:
      if (c == ';') return go(Extension::BeforeName);
      return scan::is_blank(c) ? nullptr : "malformed chunk size";
    case Extension::BeforeName:
      if (scan::is_blank(c)) return nullptr;
      return scan::is_token_char(c) ? go(Extension::Name) : kMalformed;
    case Extension::Name:
      if (scan::is_token_char(c)) return nullptr;
      return c == '=' ? go(Extension::BeforeValue) : end_or(Extension::AfterName);
    case Extension::AfterName:
      if (scan::is_blank(c)) return nullptr;
      if (c == '=') return go(Extension::BeforeValue);
      return c == ';' ? go(Extension::BeforeName) : kMalformed;
    case Extension::BeforeValue:
      if (scan::is_blank(c)) return nullptr;
      if (c == '"') return go(Extension::Quoted);
      return scan::is_token_char(c) ? go(Extension::Token) : kMalformed;
    case Extension::Token:
      return scan::is_token_char(c) ? nullptr : end_or(Extension::Gap);
    case Extension::Quoted:
      if (c == '"') return go(Extension::AfterQuoted);
      if (c == '\\') return go(Extension::Escaped);
      return scan::is_value_char(c) ? nullptr : kMalformed;
    case Extension::Escaped:
      return scan::is_value_char(c) ? go(Extension::Quoted) : kMalformed;
    case Extension::AfterQuoted:
      return end_or(Extension::Gap);
  }
  return kMalformed;
}

const char* BodyReader::end_of_size() {
  at_ = left_ == 0 ? At::TrailerLine : At::Data;
  return nullptr;
}

const char* BodyReader::trailer_byte(char c) {
  if (++trailer_bytes_ > trailer_bytes_max_) return "trailers too long";
  trailers_ += c;
  return c == '\n' ? end_of_trailer_line() : nullptr;
}

// The line is read as if it were a head of one field, then rewritten or left out.
const char* BodyReader::end_of_trailer_line() {
  FieldLines lines(trailers_.data() + line_start_, trailers_.data() + trailers_.size());
  Field field;
  switch (lines.next(field)) {
    case FieldLines::Outcome::End:
      trailers_.resize(line_start_);
      at_ = At::End;
      return nullptr;
    case FieldLines::Outcome::Field:
      break;
    case FieldLines::Outcome::Incomplete:
    case FieldLines::Outcome::Bad:
      return "malformed trailer";
  }
  if (++trailer_lines_ > trailers_max_) return "too many trailers";
  if (!may_be_trailer(field.name, field.id)) {
    trailers_.resize(line_start_);
    return nullptr;
  }
  std::string line;
  line.reserve(field.name.size() + field.value.size() + 4);
  line.append(field.name).append(": ").append(field.value).append("\r\n");
  trailers_.replace(line_start_, std::string::npos, line);
  line_start_ = trailers_.size();
  return nullptr;
}

std::string_view chunk_head(std::size_t size, std::span<char, 20> into) {
  char* at = into.data() + into.size();
  *--at = '\n';
  *--at = '\r';
  do {
    *--at = "0123456789abcdef"[size & 15];
    size >>= 4;
  } while (size != 0);
  return {at, static_cast<std::size_t>(into.data() + into.size() - at)};
}

}  // namespace holdfast::http

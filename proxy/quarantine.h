#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "conf/settings.h"

/// What the data path knows of requests that kill their backend. Who is one is decided on the control loop
/// (proxy/quarantine_book.h); docs/guards.md has the rules.
namespace holdfast::proxy {

inline constexpr std::uint64_t kFnvStart = 0xcbf2'9ce4'8422'2325;  // FNV-1a, of 64 bits

/// Of a body's first bytes, however they come in pieces.
class BodyFingerprint {
 public:
  static constexpr std::size_t kBytes = 256;
  void add(std::span<const char> content);
  std::uint64_t value() const { return hash_; }
  /// More bytes would not change it.
  bool is_full() const { return bytes_ == kBytes; }

 private:
  std::uint64_t hash_ = kFnvStart;
  std::size_t bytes_ = 0;
};

/// Who asks: a keyed hash of the session the request shows, or of the client's address where it shows none.
enum class ClientTag : std::uint64_t { Everybody = 0 };

/// What a request is known by when it comes again.
struct Fingerprint {
  static constexpr std::uint64_t kChunked = ~std::uint64_t{0};
  std::uint64_t head = 0;    ///< Of pool, method, path and query.
  std::uint64_t length = 0;  ///< Of the body, as announced.
  std::uint64_t body = 0;    ///< A BodyFingerprint's.
  ClientTag client = ClientTag::Everybody;
  bool operator==(const Fingerprint&) const = default;
};

/// For lists and commands.
std::uint64_t id_of(const Fingerprint& fingerprint);
/// The same request, whoever asks.
constexpr Fingerprint of_everybody(Fingerprint fingerprint) {
  fingerprint.client = ClientTag::Everybody;
  return fingerprint;
}

/// `head` begins with the request line.
std::uint64_t head_fingerprint(std::string_view pool, std::string_view head);
/// The same of all requests of a kind: without the query, and with each segment that has a digit in it taken for a
/// number or a name of one thing ("/orders/17" and "/orders/4f").
std::uint64_t kind_fingerprint(std::string_view pool, std::string_view head);

/// The kinds of the requests that one worker has seen answered lately: a kind is made byte by byte, and most requests
/// are for what was asked for a moment ago. Of fixed size; the later of two on one place stays.
class SeenKinds {
 public:
  /// kind_fingerprint(pool.name, line). `line`: method and path, as a head begins.
  std::uint64_t kind_of(const conf::Pool& pool, std::string_view line);

 private:
  static constexpr std::size_t kPlaces = 256;
  struct Known {
    std::uint64_t line = 0;  // its hash: of two lines that had the same, one would count as of the other's kind
    std::uint64_t kind = 0;
  };
  std::array<Known, kPlaces> known_{};
};

/// Kinds of requests that some backend has answered, and lived. Any thread. Of fixed size: of two kinds that fall on
/// one place the later is remembered.
class SafeKinds {
 public:
  void note(std::uint64_t kind) {
    std::atomic<std::uint32_t>& place = places_[kind % kPlaces];
    if (place.load(std::memory_order_relaxed) != tag_of(kind)) place.store(tag_of(kind), std::memory_order_relaxed);
  }
  bool has(std::uint64_t kind) const { return places_[kind % kPlaces].load(std::memory_order_relaxed) == tag_of(kind); }

 private:
  static constexpr std::size_t kPlaces = std::size_t{1} << 16;
  static constexpr std::uint32_t tag_of(std::uint64_t kind) { return static_cast<std::uint32_t>(kind >> 32) | 1u; }
  std::array<std::atomic<std::uint32_t>, kPlaces> places_{};
};

/// A request whose backend's connection was lost while it was in flight.
struct LostRequest {
  static constexpr std::size_t kShownMax = 256;  ///< Of method and path: they are for people, and kept by the thousand.
  conf::BackendId backend{};
  Fingerprint fingerprint;
  bool is_known = false;  ///< One of its kind has been answered before.
  base::Instant at{};
  std::string method;
  std::string path;  ///< Without the query, where apps carry tokens.
};

/// Immutable: what the workers go by, published when something changes.
struct QuarantineView {
  struct Entry {
    Fingerprint fingerprint;
    bool is_quarantined = false;  ///< Else suspect: a response to it clears it.
    base::Instant until{};
  };
  enum class Body : std::uint8_t {
    Whole,
    NotYet
  };  ///< NotYet: more of it will come, which would change its fingerprint.

  /// What keeps it from being passed on; nullptr: nothing. Of a body that has not come yet only the length is compared.
  const Entry* refusing(const Fingerprint& fingerprint, Body body, base::Instant now) const;
  bool suspects(const Fingerprint& fingerprint) const;
  /// Losses up to then have been judged.
  base::Instant judged(conf::BackendId backend) const {
    return conf::index(backend) < judged_until.size() ? judged_until[conf::index(backend)] : base::Instant{};
  }

  std::unordered_multimap<std::uint64_t, Entry> entries;  ///< By Fingerprint::head.
  std::vector<base::Instant> judged_until;                ///< By BackendId.
};

}  // namespace holdfast::proxy

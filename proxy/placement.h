#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "health/view.h"
#include "proxy/balance.h"
#include "proxy/identity.h"
#include "proxy/snapshot.h"
#include "sessions/cookie.h"
#include "sessions/store.h"

namespace holdfast::proxy {

/// Where one exchange goes, and what that means for its session: looks the session up, binds it, keeps it, moves
/// it by compare-and-set, and says in one word what stickiness did. A value inside its exchange.
class Placement {
 public:
  /// What the choice is made from; borrowed for one call.
  struct Tools {
    const Snapshot& snapshot;
    const health::View& view;
    Balancer& balancer;  ///< Of the pool.
    const Loads& loads;
    sessions::Store& store;
    sessions::StoreHandler& handler;  ///< Gets what the map answers later.
    const sessions::Keyring& keyring;
    sessions::LastCookie& last_cookie;  ///< Of the client's connection.
    base::Instant now;
  };

  /// The backend for a request by `who`; nullopt when none may serve it, or while is_waiting(). `client_hash` (of the
  /// client's address) is what `balance = "hash"` goes by where nothing binds the request.
  std::optional<conf::BackendId> first(const Tools& tools, const conf::Pool& pool, const Identity& who,
                                       std::uint64_t client_hash, const ShownTickets* shown = nullptr);
  /// Another one after `tried` have failed, `wish` where it is given; nullopt when there is none, the session may not
  /// leave, or is_waiting().
  std::optional<conf::BackendId> again(const Tools& tools, const conf::Pool& pool,
                                       std::span<const conf::BackendId> tried,
                                       std::optional<conf::BackendId> wish = {});
  /// The map has been asked: the choice goes on with answered(), when tools.asker gets the binding.
  bool is_waiting() const { return question_ != nullptr; }
  std::optional<conf::BackendId> answered(const Tools& tools, const conf::Pool& pool, const sessions::BindResult& holds,
                                          std::span<const conf::BackendId> tried);
  /// The same, when tools.asker hears whether there is room for a new session.
  std::optional<conf::BackendId> admitted(const Tools& tools, const conf::Pool& pool, sessions::Admission admission);
  /// A new session was not let in: max_sessions of the pool, or of all its backends that may serve, are there.
  bool is_refused() const { return is_refused_; }
  /// The app's response is known, or will never be: if it has begun a session, that was learned.
  void end_admission() { reservation_.reset(); }
  /// Waits no more: the response never comes.
  void stop_waiting() {
    question_.reset();
    publishing_.clear();
    publishing_open_ = 0;
  }

  Stickiness word() const { return word_; }
  /// The backend whose session we have just moved away, once per move.
  std::optional<conf::BackendId> take_moved_from() { return std::exchange(moved_from_, std::nullopt); }

  /// ticket_action() may have something to say.
  bool may_have_ticket() const { return cookie_ == Cookie::Give || companion_.is_on; }
  /// What the response does to the ticket in the client's hands.
  enum class TicketAction : std::uint8_t {
    None,
    Give,    ///< The client has none, an unfit one, or not for long any more: ticket_to_give().
    Expire,  ///< What it has is of a session that ended.
  };
  TicketAction ticket_action(const Tools& tools, const conf::Pool& pool) const;
  /// Its value, where it is to be given. `served_by` has responded. Notes it as given.
  std::string ticket_to_give(const Tools& tools, const conf::Pool& pool, conf::BackendId served_by);

  /// The app's response sets (or ends) its own session cookie; `served_by` answered.
  void learn(const Tools& tools, const conf::Pool& pool, conf::BackendId served_by, std::string_view name,
             std::string_view value);
  void ended_by_app(const Tools& tools, const conf::Pool& pool, std::string_view name, std::string_view value);
  /// The session is in use, though no request comes: a tunnel or a long body.
  void keep_alive(const Tools& tools, const conf::Pool& pool) const;
  /// The app asks for the end of the session this request belongs to, whatever it is known by.
  void end(const Tools& tools, const conf::Pool& pool);
  /// Of the session, where there is one.
  const sessions::Key& key() const { return key_; }
  /// The low half of the key of the session that the request has shown, whatever has become of it; 0: none.
  std::uint64_t shown() const { return shown_; }
  /// Ends and new sessions are under way that other proxies may not know of yet: the response waits for them.
  bool is_publishing() const { return publishing_open_ > 0; }
  /// One of them is over; true: all are.
  bool published();

 private:
  using Choice = std::optional<conf::BackendId>;
  using Tried = std::span<const conf::BackendId>;

  Choice by_own_cookie(const Tools& tools, const conf::Pool& pool, std::string_view cookie);
  Choice by_key(const Tools& tools, const conf::Pool& pool, Stickiness when_missed,
                const ShownTickets* shown = nullptr);
  Choice fresh(const Tools& tools, const conf::Pool& pool, Stickiness word);
  enum class Entry : std::uint8_t { Begin, Bind, Revive, Visit };  // Visit: the app may begin a session, or not
  Choice come_in(const Tools& tools, const conf::Pool& pool, Entry entry);
  bool is_last_resort(const Tools& tools, const conf::Pool& pool, conf::BackendId wanted) const;
  Choice refuse(bool for_want_of_room);
  void note_full(const Tools& tools, const conf::Pool& pool, std::span<const sessions::BackendTag> tags);
  Choice enter(const Tools& tools, const conf::Pool& pool, conf::BackendId backend);
  Choice bind(const Tools& tools, const conf::Pool& pool, const sessions::Binding& wanted);
  Choice settle(const Tools& tools, const conf::Pool& pool, const sessions::BindResult& holds);
  Choice revive(const Tools& tools, const conf::Pool& pool);
  Choice displaced(const Tools& tools, const conf::Pool& pool, Tried tried, Choice wish = {});
  Choice move(const Tools& tools, const conf::Pool& pool, std::optional<conf::BackendId> to, Tried tried);
  Choice moved(const Tools& tools, const conf::Pool& pool, const sessions::BindResult& holds, Tried tried);
  void end(const Tools& tools, const conf::Pool& pool, const sessions::Key& key);
  void await(std::unique_ptr<sessions::Question> question);
  std::optional<conf::BackendId> pick(const Tools& tools, std::span<const conf::BackendId> tried) const;
  std::optional<conf::BackendId> pick_by_hash(const Tools& tools, std::span<const conf::BackendId> tried) const;

  bool is_login_awaited() const;
  Choice by_own_ticket(const Tools& tools, const conf::Pool& pool, const ShownTickets& shown);
  void look_at_claims(const ShownTickets& shown);
  std::optional<sessions::Ticket> best_companion(const Tools& tools, const conf::Pool& pool,
                                                 const ShownTickets& shown) const;

  /// What goes with an app's session in the client's hands.
  struct Companion {
    bool is_on = false;
    bool has_cookies = false;  ///< The client has shown some, whatever they are called.
    bool is_returned = false;  ///< It has shown one of ours.
    bool is_unfit = false;     ///< What it has shown for this id does not open, or does not count.
    bool is_ended = false;     ///< The response ends the session.
    sessions::Generation claimed = sessions::Generation::None;  ///< By what was shown for this very id, unopened.
    base::WallTime issued{};                                    ///< The same.
    base::Instant given{};                                      ///< For this session, by this process, last.
    std::optional<sessions::Key> learned;                       ///< What the client holds after this response.
    sessions::Binding binding{};                                ///< Of that.
  };
  enum class Cookie : std::uint8_t { NotOurs, Good, Give };  // NotOurs: none, or made for another pool
  enum class Asking : std::uint8_t { Admission, Bind, Move };

  Stickiness word_ = Stickiness::None;
  bool has_session_ = false;   // key_ and binding_ mean something
  bool is_unserved_ = false;   // bound for this very request: no backend holds anything of it yet
  std::string_view shown_by_;  // the app cookie that named the session; the settings own it
  Cookie cookie_ = Cookie::NotOurs;
  Asking asking_ = Asking::Bind;  // what question_ is about
  Entry entry_ = Entry::Begin;    // with Asking::Admission, what it is for
  bool is_coming_in_ = false;
  bool is_refused_ = false;
  int moves_ = 0;  // in a row, of this choice
  sessions::Key key_{};
  std::uint64_t shown_ = 0;
  std::optional<std::uint64_t> by_address_;  // the hash that chooses instead of key_'s
  sessions::SessionId id_{};                 // of our own ticket
  Companion companion_;
  sessions::Binding binding_;
  sessions::BackendTag to_ = sessions::BackendTag::None;  // where a move that is under way goes
  std::optional<conf::BackendId> moved_from_;
  std::unique_ptr<sessions::Reservation> reservation_;  // in a pool with limits, until the session is in the map
  std::vector<conf::BackendId> full_;                   // have no place
  std::unique_ptr<sessions::Question> question_;
  std::vector<std::unique_ptr<sessions::Question>> publishing_;
  std::size_t publishing_open_ = 0;
};

}  // namespace holdfast::proxy

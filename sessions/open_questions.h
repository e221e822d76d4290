#pragma once

#include <memory>
#include <unordered_map>

#include "base/scheduler.h"
#include "sessions/store.h"

namespace holdfast::sessions {

/// What one store has asked of others, and has no response to yet.
///
/// A handler may let go of its question inside its own callback, and most do. So a question is a mere handle: what the
/// response meets on the stack, the call with its closure, is owned here, and buried once the response is there.
class OpenQuestions {
  class Handle;

 public:
  /// Waits for one response. Whoever derives from it makes the call, and close()s when the reply is there.
  class Pending : public base::Buried {
   protected:
    /// The response is there: this is buried, so it stays valid until the function that called returns. The handler to
    /// tell; nullptr: nobody waits (any more).
    StoreHandler* close();

   private:
    friend class OpenQuestions;
    /// Goes on to the end, though its handler has left?
    virtual bool outlasts_handler() const { return false; }

    OpenQuestions* home_ = nullptr;  // from add() to close()
    StoreHandler* handler_ = nullptr;
    Handle* handle_ = nullptr;
  };

  explicit OpenQuestions(base::Scheduler& scheduler);
  /// What is still open never calls its handler.
  ~OpenQuestions();
  OpenQuestions(const OpenQuestions&) = delete;
  OpenQuestions& operator=(const OpenQuestions&) = delete;

  /// Keeps `pending` until it closes, or until the handler destroys what is returned.
  std::unique_ptr<Question> add(std::unique_ptr<Pending> pending, StoreHandler& handler);
  /// Nobody waits for this one.
  void add(std::unique_ptr<Pending> pending);
  bool is_empty() const { return open_.empty(); }

 private:
  base::Scheduler& scheduler_;
  std::unordered_map<const Pending*, std::unique_ptr<Pending>> open_;
};

}  // namespace holdfast::sessions

#include "server/password_check.h"

#include <utility>

#include "admin/password.h"

namespace holdfast::server {

PasswordCheck::~PasswordCheck() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void PasswordCheck::check(std::string password, std::string hash, std::function<void(bool)> done) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({std::move(password), std::move(hash), std::move(done)});
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_one();
}

void PasswordCheck::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_ending_ || !tasks_.empty(); });
    if (is_ending_) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    const bool fits = admin::is_password(task.password, task.hash);
    scheduler_.post([done = std::move(task.done), fits] { done(fits); });
  }
}

}  // namespace holdfast::server

#include "sessions/secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "sessions/keyring.h"

namespace holdfast::sessions {

namespace {

constexpr std::size_t kSecretBytesMax = 64u << 10;  // a larger file cannot be a secret

/// An open descriptor, closed at the end.
class File {
 public:
  File(const std::string& path, int flags, mode_t mode = 0) : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

base::Error failed(std::string_view what, const std::string& path, int error) {
  return {base::ErrorCode::Io, fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(error))};
}

base::Error unusable(std::string_view where, std::string_view why) {
  return {base::ErrorCode::Invalid, fmt::format("the secret in {} {}", where, why)};
}

base::Result<std::string> read_all(const File& file, const std::string& path) {
  std::string text;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t got = ::read(file.fd(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read the secret file", path, errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kSecretBytesMax) return unusable(path, fmt::format("is larger than {} bytes", kSecretBytesMax));
  }
}

void drop_line_end(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

base::Result<Secret> read_secret(const File& file, const std::string& path) {
  struct stat about {};
  if (::fstat(file.fd(), &about) != 0) return failed("look at the secret file", path, errno);
  if (!S_ISREG(about.st_mode)) return unusable(path, "cannot be read: it is not a plain file");
  auto text = read_all(file, path);
  if (!text) return text.error();
  drop_line_end(*text);
  if (text->size() < kSecretBytesMin)
    return unusable(path, fmt::format("has {} bytes; at least {} are needed", text->size(), kSecretBytesMin));
  std::string note;
  if ((about.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH)) != 0)
    note = fmt::format("{} can be used by others than its owner (mode {:04o}); chmod 0600 it", path,
                       about.st_mode & 07777);
  return Secret{std::move(*text), path, std::move(note)};
}

// O_NONBLOCK: a FIFO there must not hold up the start.
base::Result<Secret> open_and_read(const std::string& path) {
  const File file(path, O_RDONLY | O_NONBLOCK);
  if (!file.is_open()) return failed("open the secret file", path, errno);
  return read_secret(file, path);
}

std::optional<base::Error> make_directory(const std::string& path) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    ::mkdir(path.substr(0, end).c_str(), 0700);  // what really hinders shows below
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("make the state directory", path, errno);
  return std::nullopt;
}

std::optional<base::Error> write_new(const std::string& path, std::string_view text) {
  const File file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file.is_open()) return failed("create", path, errno);
  while (!text.empty()) {
    const ssize_t put = ::write(file.fd(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed("write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(file.fd()) != 0) return failed("write", path, errno);
  return std::nullopt;
}

// Written whole under a name of its own, then linked to its place: link() refuses where another process was quicker,
// and nobody ever sees half a secret.
std::optional<base::Error> generate(const std::string& directory, const std::string& path) {
  const auto first = random_id();
  const auto second = random_id();
  const std::string temporary = fmt::format("{}.{}.new", path, base::to_hex(random_id()));
  auto error = write_new(temporary, base::to_hex(first) + base::to_hex(second) + "\n");
  if (!error && ::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST)
    error = failed("create the secret file", path, errno);
  ::unlink(temporary.c_str());
  if (error) return error;
  const File parent(directory, O_RDONLY | O_DIRECTORY);
  if (parent.is_open()) ::fsync(parent.fd());  // some file systems cannot: the file is there all the same
  return std::nullopt;
}

base::Result<Secret> load_generated(const std::string& state_dir) {
  const std::string path = state_dir + "/secret";
  {
    const File file(path, O_RDONLY | O_NONBLOCK);
    if (file.is_open()) return read_secret(file, path);
    if (errno != ENOENT) return failed("open the secret file", path, errno);
  }
  if (auto error = make_directory(state_dir)) return *error;
  if (auto error = generate(state_dir, path)) return *error;
  return open_and_read(path);
}

}  // namespace

base::Result<void> check_state_dir(const std::string& state_dir) {
  // The nearest folder that is there decides.
  for (std::string path = state_dir;;) {
    if (::access(path.c_str(), W_OK | X_OK) == 0) {
      const File folder(path, O_RDONLY | O_DIRECTORY);
      if (!folder.is_open()) return failed("use the state directory", path, errno);
      return {};
    }
    const std::size_t slash = path.rfind('/');
    if (errno != ENOENT || slash == std::string::npos) return failed("write to the state directory", path, errno);
    path = slash == 0 ? "/" : path.substr(0, slash);
  }
}

base::Result<Secret> load_secret(const conf::Sessions& settings, const std::string& state_dir,
                                 const char* environment_value) {
  if (!settings.secret_file.empty()) return open_and_read(settings.secret_file);
  if (environment_value == nullptr) return load_generated(state_dir);
  const std::string_view value(environment_value);
  if (value.size() < kSecretBytesMin)
    return unusable("HOLDFAST_SECRET",
                    fmt::format("has {} bytes; at least {} are needed", value.size(), kSecretBytesMin));
  return Secret{std::string(value), "HOLDFAST_SECRET", ""};
}

}  // namespace holdfast::sessions

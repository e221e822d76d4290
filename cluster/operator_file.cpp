#include "cluster/operator_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace holdfast::cluster {

namespace {

constexpr std::size_t kFileBytesMax = 8u << 20;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

base::Error io_error(std::string_view what, const std::string& path) {
  return {base::ErrorCode::Io, std::string(what) + " " + path + ": " + std::system_category().message(errno)};
}

base::Result<std::string> read_all(const std::string& path, const File& file) {
  std::string text;
  char bytes[16384];
  for (;;) {
    const ssize_t got = ::read(file.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("cannot read", path);
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > kFileBytesMax) return base::Error{base::ErrorCode::TooLarge, path + " is too long"};
  }
}

bool write_all(const File& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file.get()) == 0;
}

}  // namespace

OperatorFile::OperatorFile(std::string_view state_dir)
    : dir_(state_dir), path_(std::string(state_dir) + "/operator.json") {}

base::Result<OperatorBook> OperatorFile::load() const {
  const File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR)) return OperatorBook{};
  if (!file.is_open()) return io_error("cannot read", path_);
  const auto text = read_all(path_, file);
  if (!text && text.error().code == base::ErrorCode::Io) return text.error();
  auto book = text ? parse_book(*text) : base::Result<OperatorBook>(text.error());
  if (book) return book;
  const std::string aside = path_ + ".broken";
  std::string why = path_ + ": " + book.error().text;
  if (std::rename(path_.c_str(), aside.c_str()) == 0) why += "; set aside as " + aside;
  return base::Error{base::ErrorCode::Malformed, std::move(why)};
}

base::Result<void> OperatorFile::save(const OperatorBook& book) const {
  const std::string beside = path_ + ".new";
  {
    const File file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!file.is_open() || !write_all(file, text_of(book))) {
      base::Error error = io_error("cannot write", beside);
      ::unlink(beside.c_str());
      return error;
    }
  }
  if (std::rename(beside.c_str(), path_.c_str()) != 0) return io_error("cannot replace", path_);
  const File dir(::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.is_open() || ::fsync(dir.get()) != 0) return io_error("cannot write", dir_);
  return {};
}

}  // namespace holdfast::cluster

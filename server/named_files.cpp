#include "server/named_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace holdfast::server {

namespace {

constexpr std::size_t kPasswordBytesMax = 512;

base::Result<std::string> read_file(std::string_view what, const std::string& path, std::size_t bytes_max) {
  const auto failed = [&](std::string_view why) {
    return base::Error{base::ErrorCode::Io, fmt::format("cannot read {} {}: {}", what, path, why)};
  };
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return failed(std::generic_category().message(errno));
  if (!S_ISREG(about.st_mode)) return failed("it is not a plain file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed(std::generic_category().message(errno));
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return failed("the disk does not give it");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > bytes_max) return failed(fmt::format("it has more than {} bytes", bytes_max));
  if (text.empty()) return failed("it is empty");
  return text;
}

base::Result<std::string> password_in(const std::string& path) {
  auto text = read_file("the admin port's password in", path, kPasswordBytesMax);
  if (!text) return text;
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return base::Error{base::ErrorCode::Invalid, fmt::format("there is no password in {}", path)};
  return text;
}

}  // namespace

base::Result<void> take_probe_passwords(conf::Settings& settings, const char* environment_value) {
  for (conf::Pool& pool : settings.pools) {
    conf::Probe& probe = pool.probe;
    if (probe.type != conf::ProbeType::M2ee || !probe.password.empty()) continue;
    if (!probe.password_file.empty()) {
      auto password = password_in(probe.password_file);
      if (!password)
        return base::Error{password.error().code, fmt::format("pool {}: {}", pool.name, password.error().text)};
      probe.password = std::move(*password);
    } else if (environment_value != nullptr && *environment_value != '\0') {
      probe.password = environment_value;
    } else {
      return base::Error{base::ErrorCode::Invalid,
                         fmt::format("pool {}: an m2ee probe needs the admin port's password: set probe.password or "
                                     "probe.password_file, or the environment's HOLDFAST_M2EE_PASSWORD",
                                     pool.name)};
    }
  }
  return {};
}

base::Result<std::vector<std::string>> load_maintenance_pages(const conf::Settings& settings) {
  std::vector<std::string> pages;
  for (const conf::Pool& pool : settings.pools) {
    pages.emplace_back();
    if (pool.maintenance_page.empty()) continue;
    auto page = read_file("the maintenance page", pool.maintenance_page, kMaintenancePageBytesMax);
    if (!page) return base::Error{page.error().code, fmt::format("pool {}: {}", pool.name, page.error().text)};
    pages.back() = std::move(*page);
  }
  return pages;
}

base::Result<std::shared_ptr<const net::TlsContext>> load_admin_tls(const conf::Settings& settings) {
  const conf::Admin& admin = settings.admin;
  if (!admin.enabled || admin.tls_cert.empty()) return std::shared_ptr<const net::TlsContext>();
  auto made = net::TlsContext::server(admin.tls_cert, admin.tls_key);
  if (!made) return base::Error{made.error().code, "admin.tls: " + made.error().text};
  return made;
}

}  // namespace holdfast::server

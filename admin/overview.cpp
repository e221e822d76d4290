#include "admin/overview.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "admin/summary.h"
#include "base/text.h"

namespace holdfast::admin {

const std::string_view kOverviewStyle =
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:75rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8886}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}.sum{font-size:1.15rem;padding:.6rem "
    ".8rem;border-left:.4rem "
    "solid}.good{border-color:#2a8a3e}.warn{border-color:#c98a00}.bad{border-color:#c62828}"
    ".UP{color:#2a8a3e}.DOWN{color:#c62828;font-weight:bold}.SICK,.DRAINING,.MAINT,.STARTING{color:#b07800}"
    "footer{margin-top:2rem;opacity:.75}.wide{overflow-x:auto}";

namespace {

/// "3 s", "5 min", "2 h", "4 d": how long ago, for people.
std::string age_text(std::chrono::milliseconds age) {
  using namespace std::chrono;
  if (age < minutes{2}) return fmt::format("{} s", std::max<std::int64_t>(0, duration_cast<seconds>(age).count()));
  if (age < hours{2}) return fmt::format("{} min", duration_cast<minutes>(age).count());
  if (age < days{2}) return fmt::format("{} h", duration_cast<hours>(age).count());
  return fmt::format("{} d", duration_cast<days>(age).count());
}

std::string probe_text(const BackendView& backend) {
  if (!backend.probes.last) return "none yet";
  const ProbeView& probe = *backend.probes.last;
  const double ms = std::chrono::duration<double, std::milli>(probe.took).count();
  return fmt::format("{}: {} in {:.1f} ms", probe.passed ? "passed" : "failed", html_escaped(probe.text), ms);
}

std::uint64_t sum_of(const Counts& counts) {
  std::uint64_t sum = 0;
  for (const Count& count : counts) sum += count.count;
  return sum;
}

void append_number(std::string& out, std::uint64_t number) {
  fmt::format_to(std::back_inserter(out), "<td class=n>{}</td>", number);
}

void append_backend(std::string& out, const BackendView& backend, base::WallTime now) {
  const auto at = std::back_inserter(out);
  fmt::format_to(at, "<tr><th scope=row>{}</th><td>{}</td><td class={}>{}{}</td>", html_escaped(backend.name),
                 html_escaped(backend.address), name_of(backend.state), name_of(backend.state),
                 backend.suspect ? " (suspect)" : "");
  fmt::format_to(at, "<td>{}{}{}</td><td title=\"{}\">{}</td>", html_escaped(backend.reason),
                 backend.detail.empty() || backend.reason.empty() ? "" : ": ", html_escaped(backend.detail),
                 base::timestamp_text(backend.since), age_text(now - backend.since));
  append_number(out, backend.sessions);
  append_number(out, backend.requests_in_flight);
  append_number(out, backend.requests_total);
  append_number(out, sum_of(backend.failures));
  append_number(out, backend.moved_away_total);
  fmt::format_to(at, "<td>{}</td></tr>\n", probe_text(backend));
}

void append_pool(std::string& out, const PoolView& pool, base::WallTime now) {
  fmt::format_to(std::back_inserter(out), "<h2>Pool {}</h2>\n<p>{} sessions</p>\n", html_escaped(pool.name),
                 pool.sessions);
  out +=
      "<div class=wide><table><thead><tr><th>Backend<th>Address<th>State<th>Reason<th>Since<th class=n>Sessions"
      "<th class=n>In flight<th class=n>Requests<th class=n>Failures<th class=n>Moved away<th>Last probe</tr></thead>"
      "<tbody>\n";
  for (const BackendView& backend : pool.backends) append_backend(out, backend, now);
  out += "</tbody></table></div>\n";
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string overview_html(const StatusView& view) {
  std::string out;
  const auto at = std::back_inserter(out);
  fmt::format_to(at,
                 "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta http-equiv=refresh content=5>"
                 "<meta name=viewport content=\"width=device-width\"><title>Holdfast {}</title><style>{}</style></head>"
                 "<body>\n<h1>Holdfast {}</h1>\n<p class=\"sum {}\">{}</p>\n",
                 html_escaped(view.node), kOverviewStyle, html_escaped(view.node), name_of(severity_of(view)),
                 html_escaped(summary_text(view)));
  for (const PoolView& pool : view.pools) append_pool(out, pool, view.now);
  fmt::format_to(at,
                 "<footer>Version {}; up {}; {} workers; {} client connections; as of {}. "
                 "<a href=/api/v1/status>JSON</a> <a href=/metrics>Metrics</a></footer>\n</body></html>\n",
                 html_escaped(view.version),
                 age_text(std::chrono::duration_cast<std::chrono::milliseconds>(view.uptime)), view.workers,
                 view.clients.connections, base::timestamp_text(view.now));
  return out;
}

}  // namespace holdfast::admin

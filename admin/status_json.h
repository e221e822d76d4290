#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "admin/view.h"

namespace holdfast::admin {

/// The body of GET /api/v1/status. Never throws: bytes that are not UTF-8 are replaced.
std::string status_json(const StatusView& view);
/// The same as a document.
nlohmann::ordered_json status_document(const StatusView& view);
/// Its parts: all of it but the pools' "backends", and one of those.
nlohmann::ordered_json status_frame(const StatusView& view);
nlohmann::ordered_json backend_document(const BackendView& backend);

}  // namespace holdfast::admin

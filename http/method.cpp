#include "http/method.h"

namespace holdfast::http {

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::Get;
      return text == "PUT" ? Method::Put : Method::Other;
    case 4:
      if (text == "POST") return Method::Post;
      return text == "HEAD" ? Method::Head : Method::Other;
    case 5:
      if (text == "PATCH") return Method::Patch;
      return text == "TRACE" ? Method::Trace : Method::Other;
    case 6:
      return text == "DELETE" ? Method::Delete : Method::Other;
    case 7:
      if (text == "OPTIONS") return Method::Options;
      return text == "CONNECT" ? Method::Connect : Method::Other;
    default:
      return Method::Other;
  }
}

}  // namespace holdfast::http

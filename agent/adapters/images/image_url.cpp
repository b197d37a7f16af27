// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/image_url.h"

#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

namespace kilonova::agent::adapters::images {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

Status Forbidden(std::string_view message) {
  return Error(Code::kPermissionDenied, reason::kImageSourceForbidden, message);
}

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Nothing for a bad escape or a NUL.
std::string PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return {};
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return {};
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return {};
    out += c;
  }
  return out;
}

bool V4Allowed(std::uint32_t address, const HttpOptions& options) {
  const std::uint32_t first = address >> 24;
  if (first == 127) return options.allow_loopback;
  if ((address >> 16) == 0xA9FE) return options.allow_link_local;  // 169.254/16
  return first != 0 && first < 224;  // not "this network", multicast, reserved, broadcast
}

bool V6Allowed(const in6_addr& a, const HttpOptions& options) {
  if (IN6_IS_ADDR_V4MAPPED(&a) || IN6_IS_ADDR_V4COMPAT(&a)) {
    const std::uint32_t v4 = (std::uint32_t{a.s6_addr[12]} << 24) |
                             (std::uint32_t{a.s6_addr[13]} << 16) |
                             (std::uint32_t{a.s6_addr[14]} << 8) | a.s6_addr[15];
    return V4Allowed(v4, options);
  }
  if (IN6_IS_ADDR_LOOPBACK(&a)) return options.allow_loopback;
  if (IN6_IS_ADDR_LINKLOCAL(&a)) return options.allow_link_local;
  return !IN6_IS_ADDR_MULTICAST(&a) && !IN6_IS_ADDR_UNSPECIFIED(&a);
}

}  // namespace

Expected<Scheme> SchemeOf(std::string_view url) {
  if (url.starts_with("file://")) return Scheme::kFile;
  if (url.starts_with("http://")) return Scheme::kHttp;
  if (url.starts_with("https://")) return Scheme::kHttps;
  return Forbidden("an image comes from file, http or https only");
}

Expected<std::filesystem::path> PathOfFileUrl(std::string_view url) {
  constexpr std::string_view kPrefix = "file://";
  if (!url.starts_with(kPrefix) || url.size() > 4096) return Forbidden("not a file URL");
  const std::string_view rest = url.substr(kPrefix.size());
  if (!rest.starts_with('/') || rest.find_first_of("?#") != std::string_view::npos) {
    return Forbidden("a file URL names an absolute path and nothing else");
  }
  const std::filesystem::path path = PercentDecode(rest);
  const bool climbs =
      std::any_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
  if (path.empty() || !path.is_absolute() || climbs) {
    return Forbidden("a file URL names an absolute path without ..");
  }
  return path.lexically_normal();
}

Expected<HttpUrl> CheckHttpUrl(const std::string& url, const HttpOptions& options) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (url.size() > 4096 || url.find('\0') != std::string::npos || parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return Forbidden("the image's URL is malformed");
  }
  HttpUrl out{Part(parsed.get(), CURLUPART_SCHEME), Part(parsed.get(), CURLUPART_HOST),
              Part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  if (out.scheme != "http" && out.scheme != "https") {
    return Forbidden("an image comes from file, http or https only");
  }
  if (!Part(parsed.get(), CURLUPART_USER).empty() ||
      !Part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return Forbidden("an image's URL carries no user name or password");
  }
  std::transform(out.host.begin(), out.host.end(), out.host.begin(),
                 [](unsigned char c) { return c < 128 ? static_cast<char>(std::tolower(c)) : c; });
  const bool listed = options.allowed_hosts.empty() || options.allowed_hosts.contains(out.host);
  if (!listed || options.denied_hosts.contains(out.host)) {
    return Forbidden("images do not come from this server");
  }
  return out;
}

bool SameOrigin(const HttpUrl& from, const HttpUrl& to) {
  if (from.host != to.host) return false;
  if (from.scheme == to.scheme) return from.port == to.port;
  return to.scheme == "https" && from.port == "80" && to.port == "443";
}

bool AddressAllowed(const sockaddr* address, const HttpOptions& options) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return V4Allowed(ntohl(v4->sin_addr.s_addr), options);
  }
  if (address->sa_family == AF_INET6) {
    return V6Allowed(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, options);
  }
  return false;
}

}  // namespace kilonova::agent::adapters::images

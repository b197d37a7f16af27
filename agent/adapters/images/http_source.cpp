// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "agent/adapters/images/image_url.h"
#include "agent/adapters/images/sources.h"

namespace kilonova::agent::adapters::images {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;

Status FetchFailed(Code code, std::string_view message, std::string operator_detail = {}) {
  return Error(code, reason::kImageFetchFailed, message, {{kOperatorDetail, operator_detail}});
}

// What the callbacks of one transfer share.
struct Transfer {
  CURL* easy = nullptr;
  const HttpOptions& options;
  ByteSink& sink;
  const std::stop_token& stop;
  Status sink_status;
  bool address_refused = false;
  bool any_byte = false;

  long HttpStatus() const {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
};

std::size_t OnBody(char* data, std::size_t one, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t size = one * count;
  if (transfer.HttpStatus() != 200) return 0;  // the body of an error is of no interest
  transfer.any_byte = true;
  transfer.sink_status = transfer.sink.Write({data, size});
  return transfer.sink_status.ok() ? size : 0;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->stop.stop_requested() ? 1 : 0;
}

// Called with the address DNS gave, for every connection: nothing can come between the check and
// the use.
curl_socket_t OnOpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!AddressAllowed(&address->addr, transfer.options)) {
    transfer.address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

template <class T>
bool Set(CURL* easy, CURLoption option, T value) {
  return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

// Every option must be taken: one that a library does not know would be a limit not kept.
bool Configure(Transfer& t, const std::string& url, std::chrono::milliseconds left) {
  CURL* e = t.easy;
  const long total = static_cast<long>(std::max<std::int64_t>(left.count(), 1));
  const long connect = std::min(total, static_cast<long>(t.options.connect_timeout.count()));
  bool ok = Set(e, CURLOPT_URL, url.c_str()) && Set(e, CURLOPT_PROTOCOLS_STR, "http,https") &&
            Set(e, CURLOPT_FOLLOWLOCATION, 0L) && Set(e, CURLOPT_NOSIGNAL, 1L) &&
            Set(e, CURLOPT_PROXY, "") && Set(e, CURLOPT_USERAGENT, "kilonova-agent") &&
            Set(e, CURLOPT_CONNECTTIMEOUT_MS, connect) && Set(e, CURLOPT_TIMEOUT_MS, total) &&
            Set(e, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(t.options.min_bytes_per_second)) &&
            Set(e, CURLOPT_LOW_SPEED_TIME, static_cast<long>(t.options.stall_time.count()));
  ok = ok && Set(e, CURLOPT_WRITEFUNCTION, &OnBody) && Set(e, CURLOPT_WRITEDATA, &t) &&
       Set(e, CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket) && Set(e, CURLOPT_OPENSOCKETDATA, &t) &&
       Set(e, CURLOPT_XFERINFOFUNCTION, &OnProgress) && Set(e, CURLOPT_XFERINFODATA, &t) &&
       Set(e, CURLOPT_NOPROGRESS, 0L);
  if (!t.options.ca_file.empty()) ok = ok && Set(e, CURLOPT_CAINFO, t.options.ca_file.c_str());
  return ok;
}

Status FromHttpStatus(long status) {
  return Error(status == 404 ? Code::kNotFound : Code::kUnavailable, reason::kImageFetchFailed,
               "the image's server did not give it", {{"http_status", std::to_string(status)}});
}

bool Connected(CURL* easy) {
  curl_off_t micros = 0;
  return curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &micros) == CURLE_OK && micros > 0;
}

HttpOutcome FromTransfer(const Transfer& t, CURLcode code) {
  if (t.stop.stop_requested()) return {Error(Code::kCancelled, reason::kUnavailable, "stopped")};
  if (!t.sink_status.ok()) return {t.sink_status};
  if (t.address_refused && code == CURLE_COULDNT_CONNECT) {
    return {Error(Code::kPermissionDenied, reason::kImageSourceForbidden,
                  "the image's server has an address images may not come from")};
  }
  const long status = t.HttpStatus();
  if (status != 0 && status != 200) return {FromHttpStatus(status), status >= 500};
  const std::string detail = curl_easy_strerror(code);
  switch (code) {
    case CURLE_OK:
      return {OkStatus()};
    case CURLE_OPERATION_TIMEDOUT:
      return {FetchFailed(Code::kDeadlineExceeded, "the image's server is too slow", detail),
              !Connected(t.easy)};
    case CURLE_PARTIAL_FILE:
      return {
          FetchFailed(Code::kUnavailable, "the image's server ended before the file did", detail)};
    default:
      return {FetchFailed(Code::kUnavailable, "the image could not be fetched", detail),
              !t.any_byte};
  }
}

bool IsRedirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

HttpOutcome ReadHttpSource(const std::string& url, const HttpOptions& options,
                           std::chrono::steady_clock::time_point deadline, ByteSink& sink,
                           const std::stop_token& stop) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return {FetchFailed(Code::kInternal, "no HTTP client")};
  std::string target = url;
  Expected<HttpUrl> from = CheckHttpUrl(target, options);
  for (int hop = 0; hop <= options.max_redirects; ++hop) {
    if (!from.ok()) return {from.status()};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return {FetchFailed(Code::kDeadlineExceeded, "the image did not arrive in time")};
    }
    const Easy easy(curl_easy_init());
    Transfer transfer{easy.get(), options, sink, stop};
    if (easy == nullptr || !Configure(transfer, target, left)) {
      return {FetchFailed(Code::kInternal, "no HTTP client", "an option was refused")};
    }
    const CURLcode code = curl_easy_perform(easy.get());
    if (!IsRedirect(transfer.HttpStatus())) return FromTransfer(transfer, code);
    char* next = nullptr;
    curl_easy_getinfo(easy.get(), CURLINFO_REDIRECT_URL, &next);
    if (next == nullptr) return {FetchFailed(Code::kUnavailable, "a redirect to nowhere")};
    target = next;
    const HttpUrl before = *from;
    from = CheckHttpUrl(target, options);
    if (from.ok() && !SameOrigin(before, *from)) {
      return {Error(Code::kPermissionDenied, reason::kImageSourceForbidden,
                    "the image's server redirects to another one")};
    }
  }
  return {FetchFailed(Code::kUnavailable, "the image's server redirects too often")};
}

}  // namespace kilonova::agent::adapters::images

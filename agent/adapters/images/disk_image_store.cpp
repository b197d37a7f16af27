// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/disk_image_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

#include "agent/adapters/images/image_url.h"
#include "agent/adapters/images/policy.h"
#include "agent/adapters/images/qemu_img.h"
#include "agent/adapters/images/sources.h"
#include "common/base/failpoint.h"
#include "common/base/ids.h"
#include "common/base/log.h"

namespace kilonova::agent::adapters::images {
namespace {

// False when told to stop.
bool Wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

// The digest names a file: nothing but 64 lower-case hex digits may pass.
Expected<std::string> CheckedDigest(const std::string& sha256) {
  std::string digest = sha256;
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  std::transform(digest.begin(), digest.end(), digest.begin(), lower);
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (digest.size() != 64 || !std::all_of(digest.begin(), digest.end(), hex)) {
    return Error(Code::kInvalidArgument, reason::kImageInvalid,
                 "an image needs its SHA-256, 64 hex digits", {{"field", "sha256"}});
  }
  return digest;
}

// A shared download may have ended at the limit of those who were there before us.
bool TooBigForOthersOnly(const Status& status, std::uint64_t our_limit) {
  if (!HasReason(status, reason::kImageTooBigForFlavor)) return false;
  const Details details = DetailsOf(status);
  const auto size = details.find("virtual_size");
  return size != details.end() && std::strtoull(size->second.c_str(), nullptr, 10) <= our_limit;
}

// What was vetted as one format was not vetted as another: the claim is part of the name, so that
// no answer depends on who asked first.
std::string KeyOf(const std::string& digest, const std::string& claim, const std::string& kept) {
  return digest + (claim == kept ? "." : "." + claim + ".") + kept;
}

}  // namespace

DiskImageStore::DiskImageStore(ImageStoreOptions options)
    : options_(std::move(options)),
      cache_(options_.paths),
      manager_(options_.paths, options_.cache, leases_) {}

Expected<std::unique_ptr<DiskImageStore>> DiskImageStore::Open(ImageStoreOptions options) {
  std::unique_ptr<DiskImageStore> store(new DiskImageStore(std::move(options)));
  RETURN_IF_ERROR(store->cache_.Prepare());
  return store;
}

Expected<core::CachedImage> DiskImageStore::Ensure(const model::ImageSource& image,
                                                   std::uint64_t max_virtual_bytes,
                                                   std::stop_token stop) {
  ASSIGN_OR_RETURN(const std::string served_as,
                   ServedAs(image.disk_format, options_.served_formats));
  ASSIGN_OR_RETURN(const std::string digest, CheckedDigest(image.sha256));
  const std::string key = KeyOf(digest, image.disk_format, CachedAs(served_as));
  // Taken before it is looked for: what is found then stays.
  const std::shared_ptr<const void> lease = leases_.Take(key);
  while (true) {
    std::optional<core::CachedImage> found = cache_.Find(key);
    if (!found) {
      // What was registered may differ between two callers; only equals share a download.
      const std::string flight = key + " " + std::to_string(image.size_bytes) + " " + image.url;
      const auto work = [this, image, served_as](const SharedLimit& limit,
                                                 const std::stop_token& end) {
        return Fetch(image, served_as, limit, end);
      };
      Expected<core::CachedImage> result = flights_.Join(flight, max_virtual_bytes, work, stop);
      if (TooBigForOthersOnly(result.status(), max_virtual_bytes)) continue;
      RETURN_IF_ERROR(result.status());
      found = *std::move(result);
    }
    if (found->virtual_size > max_virtual_bytes) {
      return TooBig(found->virtual_size, max_virtual_bytes);
    }
    found->lease = lease;
    return *found;
  }
}

Expected<core::CachedImage> DiskImageStore::Fetch(const model::ImageSource& image,
                                                  const std::string& served_as,
                                                  const SharedLimit& limit,
                                                  const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::string digest, CheckedDigest(image.sha256));
  const std::string key = KeyOf(digest, image.disk_format, CachedAs(served_as));
  // A flight that landed a moment ago has done it all.
  if (const auto found = cache_.Find(key)) return *found;
  RETURN_IF_FAILPOINT("agent.build.image_download.before");
  RETURN_IF_ERROR(manager_.MakeRoom(image.size_bytes));
  const DownloadLimits limits{image.size_bytes, options_.max_file_bytes, &limit};
  ASSIGN_OR_RETURN(const std::unique_ptr<Download> download, Receive(image, limits, stop));
  RETURN_IF_FAILPOINT("agent.build.image_download.after");
  ASSIGN_OR_RETURN(const std::uint64_t virtual_size, Vet(image, served_as, *download, stop));
  if (virtual_size > limit.load()) return TooBig(virtual_size, limit.load());
  if (CachedAs(served_as) == served_as) {
    return cache_.Publish(key, served_as, virtual_size, download->size(), download->draft());
  }
  return PublishRaw(key, served_as, download->draft().path());
}

std::string DiskImageStore::CachedAs(const std::string& served_as) const {
  return options_.disks.force_raw_images ? "raw" : served_as;
}

// force_raw_images. The file has been inspected and names no other.
Expected<core::CachedImage> DiskImageStore::PublishRaw(const std::string& key,
                                                       const std::string& format,
                                                       const std::filesystem::path& file) {
  Draft raw(cache_.downloads() / (Uuid::Random().str() + ".raw"));
  RETURN_IF_ERROR(ConvertImage(options_.tools, {file, raw.path(), format, "raw"}));
  if (chmod(raw.path().c_str(), 0444) != 0) return FileError(errno, "chmod", raw.path());
  RETURN_IF_ERROR(SyncFile(raw.path()));
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(raw.path(), error);
  if (error) return FileError(error.value(), "size", raw.path());
  return cache_.Publish(key, "raw", size, size, raw);
}

Expected<std::unique_ptr<Download>> DiskImageStore::Receive(const model::ImageSource& image,
                                                            const DownloadLimits& limits,
                                                            const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const Scheme scheme, SchemeOf(image.url));
  const auto deadline = std::chrono::steady_clock::now() + options_.http.total_timeout;
  std::chrono::milliseconds backoff = options_.http.first_backoff;
  for (int attempt = 1;; ++attempt, backoff *= 2) {
    ASSIGN_OR_RETURN(std::unique_ptr<Download> download,
                     Download::Begin(cache_.downloads(), limits));
    HttpOutcome outcome;
    if (scheme == Scheme::kFile) {
      outcome.status = ReadFileSource(image.url, options_.image_file_roots, *download, stop);
    } else {
      outcome = ReadHttpSource(image.url, options_.http, deadline, *download, stop);
    }
    if (outcome.status.ok()) {
      RETURN_IF_ERROR(download->Complete());
      return download;
    }
    if (!outcome.worth_retrying || attempt >= options_.http.attempts) return outcome.status;
    LogWarn("image server failed, will try again",
            {F("image", image.id), F("attempt", attempt), F("status", outcome.status)});
    if (!Wait(backoff, stop)) return Error(Code::kCancelled, reason::kUnavailable, "stopped");
  }
}

Expected<std::uint64_t> DiskImageStore::Vet(const model::ImageSource& image,
                                            const std::string& served_as, Download& download,
                                            const std::stop_token& stop) {
  RETURN_IF_FAILPOINT("agent.build.image_checksum.before");
  ASSIGN_OR_RETURN(const std::string expected, CheckedDigest(image.sha256));
  const std::string actual = download.Sha256Hex();
  if (actual != expected) {
    return Error(Code::kFailedPrecondition, reason::kImageChecksumMismatch,
                 "the image is not the one that was registered",
                 {{"expected", expected}, {"actual", actual}});
  }
  RETURN_IF_FAILPOINT("agent.build.image_checksum.after");
  RETURN_IF_FAILPOINT("agent.build.image_inspect.before");
  const Verdict verdict = download.Inspect(image.disk_format);
  RETURN_IF_ERROR(ExplainVerdict(verdict, image.disk_format));
  ASSIGN_OR_RETURN(const std::uint64_t virtual_size,
                   AgreedVirtualSize(options_.tools, download.draft().path(), served_as,
                                     verdict.virtual_size.value_or(0), stop));
  RETURN_IF_FAILPOINT("agent.build.image_inspect.after");
  return virtual_size;
}

}  // namespace kilonova::agent::adapters::images

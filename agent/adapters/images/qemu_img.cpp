// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/qemu_img.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/adapters/images/files.h"
#include "agent/adapters/images/inspector/bytes.h"
#include "agent/adapters/images/records.h"
#include "agent/adapters/images/tool.h"

namespace kilonova::agent::adapters::images {
namespace {

constexpr std::size_t kHeaderBytes = 65536;  // the first cluster: header, extensions, backing name
constexpr std::uint32_t kBackingFormat = 0xE2792ACA;

Status Disagrees(std::string_view message, std::string detail) {
  return Error(Code::kInvalidArgument, reason::kImageUnsafe, message,
               {{"check", "qemu_disagrees"}, {kOperatorDetail, std::move(detail)}});
}

std::optional<std::string> ReadHeader(const std::filesystem::path& path) {
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info = {};
  if (!fd.ok() || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  std::string header(kHeaderBytes, '\0');
  const ssize_t n = pread(fd.get(), header.data(), header.size(), 0);
  if (n < 0) return std::nullopt;
  header.resize(static_cast<std::size_t>(n));
  return header;
}

std::string BackingFormat(Bytes header) {
  std::uint64_t at = header.Be32(100);
  while (at + 8 <= header.size()) {
    const std::uint32_t type = header.Be32(at);
    const std::uint64_t length = header.Be32(at + 4);
    if (type == 0) break;
    if (type == kBackingFormat) return std::string(header.Slice(at + 8, length));
    at += 8 + DivideUp(length, 8) * 8;
  }
  return {};
}

}  // namespace

Expected<std::uint64_t> AgreedVirtualSize(const ToolOptions& tools,
                                          const std::filesystem::path& image,
                                          std::string_view expected_format,
                                          std::uint64_t inspected_size,
                                          const std::stop_token& stop) {
  ToolRun run;
  run.program = tools.qemu_img;
  run.arguments = {"info", "--output=json", image.string()};
  run.wall_clock = tools.wall_clock;
  Expected<ToolResult> result = RunTool(run, stop);
  if (!result.ok() && result.status().code() == Code::kDeadlineExceeded) {
    return Disagrees("the image could not be examined in time", "qemu-img info");
  }
  RETURN_IF_ERROR(result.status());
  if (result->exit_code != 0) {
    return Disagrees("the image cannot be read by QEMU", result->diagnostics);
  }
  const std::optional<QemuImgInfo> info = ParseQemuImgInfo(result->output);
  if (!info) return Disagrees("the image cannot be read by QEMU", "no JSON");
  if (info->format != expected_format || info->refers_elsewhere) {
    return Disagrees("QEMU takes the image for something else", info->format);
  }
  return std::max(info->virtual_size, inspected_size);
}

Status MakeOverlay(const ToolOptions& tools, const OverlayPlan& plan,
                   const std::filesystem::path& overlay) {
  ToolRun run;
  run.program = tools.qemu_img;
  // -u: the base is not opened; it has been inspected and its size is known.
  run.arguments = {"create",
                   "-q",
                   "-u",
                   "-f",
                   "qcow2",
                   "-F",
                   plan.base_format,
                   "-b",
                   plan.base.string(),
                   overlay.string(),
                   std::to_string(plan.size)};
  run.wall_clock = tools.wall_clock;
  ASSIGN_OR_RETURN(const ToolResult result, RunTool(run));
  if (result.exit_code == 0) return OkStatus();
  return ToolFileError(reason::kInternal, "the host could not make the instance's disk",
                       overlay.parent_path(), result.diagnostics);
}

Status ConvertImage(const ToolOptions& tools, const Conversion& conversion) {
  ToolRun run;
  run.program = tools.qemu_img;
  run.arguments = {"convert",
                   "-q",
                   "-f",
                   conversion.from_format,
                   "-O",
                   conversion.to_format,
                   conversion.from.string(),
                   conversion.to.string()};
  run.wall_clock = conversion.most;
  run.cpu_seconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(conversion.most).count());
  ASSIGN_OR_RETURN(const ToolResult result, RunTool(run));
  if (result.exit_code == 0) return OkStatus();
  return ToolFileError(reason::kInternal, "the host could not make the instance's disk",
                       conversion.to.parent_path(), result.diagnostics);
}

std::optional<OverlayPlan> ReadOverlay(const std::filesystem::path& overlay) {
  const std::optional<std::string> data = ReadHeader(overlay);
  if (!data) return std::nullopt;
  const Bytes header(*data);
  if (!header.Has(0, "QFI\xfb") || header.Be32(4) != 3 || header.size() < 104) return std::nullopt;
  const std::uint32_t name_bytes = header.Be32(16);
  const std::string_view name = header.Slice(header.Be64(8), name_bytes);
  if (name.empty() || name.size() != name_bytes) return std::nullopt;
  return OverlayPlan{std::string(name), BackingFormat(header), header.Be64(24)};
}

Expected<std::string> ReadBackingFile(const std::filesystem::path& disk) {
  struct stat info = {};
  if (lstat(disk.c_str(), &info) != 0 && errno == ENOENT) return std::string();
  if (S_ISDIR(info.st_mode)) return std::string();
  const std::optional<std::string> data = ReadHeader(disk);
  if (!data) return FileError(EIO, "read", disk);
  const Bytes header(*data);
  if (!header.Has(0, "QFI\xfb") || header.size() < 24) return std::string();
  const std::uint64_t at = header.Be64(8);
  const std::uint32_t length = header.Be32(16);
  if (at == 0 || length == 0) return std::string();
  const std::string_view name = header.Slice(at, length);
  if (name.size() != length) return FileError(EIO, "read the base of", disk);
  return std::string(name);
}

}  // namespace kilonova::agent::adapters::images

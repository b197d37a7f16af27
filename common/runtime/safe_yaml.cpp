// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/safe_yaml.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>

namespace kilonova::runtime {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} * 1024;
constexpr int kMaxDepth = 16;

struct Refused {
  YAML::Mark mark;
  std::string message;
};

// Walks the events before any node exists, so that a bomb is refused before it is built.
class Guard final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refused{mark, "more than one document"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Check(mark, "", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark, "aliases are not allowed"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string&) override {
    Check(mark, tag, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Check(mark, tag, anchor);
    Enter(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Check(mark, tag, anchor);
    Enter(mark);
  }
  void OnMapEnd() override { --depth_; }

 private:
  static void Check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refused{mark, "anchors are not allowed"};
    // "?" and "!" are what yaml-cpp says of plain and of quoted scalars without a tag.
    if (!tag.empty() && tag != "?" && tag != "!") throw Refused{mark, "tags are not allowed"};
  }
  void Enter(const YAML::Mark& mark) {
    if (++depth_ > kMaxDepth) throw Refused{mark, "nested deeper than 16 levels"};
  }
  int depth_ = 0;
  int documents_ = 0;
};

Status FindDuplicates(const YAML::Node& node, const std::string& name) {
  if (node.IsMap()) {
    std::set<std::string> seen;
    for (const auto& item : node) {
      if (!item.first.IsScalar()) {
        return YamlError(name, item.first.Mark(), "a key must be a plain word");
      }
      if (!seen.insert(item.first.Scalar()).second) {
        return YamlError(name, item.first.Mark(), "duplicate key '" + item.first.Scalar() + "'");
      }
      RETURN_IF_ERROR(FindDuplicates(item.second, name));
    }
  } else if (node.IsSequence()) {
    for (const auto& item : node) RETURN_IF_ERROR(FindDuplicates(item, name));
  }
  return OkStatus();
}

Status FileError(const std::filesystem::path& path, std::string_view message) {
  return Error(Code::kInvalidArgument, reason::kConfigInvalid,
               path.string() + ": " + std::string(message), {{"file", path.string()}});
}

}  // namespace

Status YamlError(const std::string& name, const YAML::Mark& mark, std::string_view message) {
  const std::string line = std::to_string(mark.line + 1);
  return Error(Code::kInvalidArgument, reason::kConfigInvalid,
               name + ":" + line + ": " + std::string(message), {{"file", name}, {"line", line}});
}

std::string Where(const std::string& name, const YAML::Node& node) {
  return name + ":" + std::to_string(node.Mark().line + 1);
}

Expected<YAML::Node> ParseYaml(std::string_view text, const std::string& name) {
  if (text.size() > kMaxBytes) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid, name + ": larger than 256 KiB",
                 {{"file", name}});
  }
  if (text.find('\0') != std::string_view::npos) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid, name + ": contains a NUL byte",
                 {{"file", name}});
  }
  try {
    {
      std::istringstream stream{std::string(text)};
      YAML::Parser parser(stream);
      Guard guard;
      while (parser.HandleNextDocument(guard)) {
      }
    }
    YAML::Node node = YAML::Load(std::string(text));
    RETURN_IF_ERROR(FindDuplicates(node, name));
    return node;
  } catch (const Refused& refused) {
    return YamlError(name, refused.mark, refused.message);
  } catch (const YAML::Exception& error) {
    return YamlError(name, error.mark, error.msg);
  }
}

Expected<std::string> ReadConfigFile(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(path, std::string("cannot open: ") + std::strerror(errno));
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return FileError(path, "not a regular file");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    close(fd);
    return FileError(path, "writable by group or others; chmod go-w it");
  }
  std::string text;
  char buffer[65536];
  ssize_t got = 0;
  while (text.size() <= kMaxBytes && (got = read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  close(fd);
  if (got < 0) return FileError(path, "cannot read");
  return text;
}

Expected<YAML::Node> LoadYamlFile(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadConfigFile(path));
  return ParseYaml(text, path.string());
}

}  // namespace kilonova::runtime

// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/images/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "agent/adapters/images/tool.h"
#include "common/base/hash.h"

namespace kilonova::testing {
namespace fs = std::filesystem;
using agent::adapters::images::DiskImageStore;

void WriteFile(const fs::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.flush().good()) << path;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string MustRun(const std::string& program, const std::vector<std::string>& arguments) {
  agent::adapters::images::ToolRun run;
  run.program = program;
  run.arguments = arguments;
  const auto result = agent::adapters::images::RunTool(run);
  if (!result.ok() || result->exit_code != 0) {
    ADD_FAILURE() << program << ": "
                  << (result.ok() ? result->diagnostics : Describe(result.status()));
    return {};
  }
  return result->output;
}

ImageServer::ImageServer(const fs::path& file) : log_(dir_.path() / "requests") {
  int in[2];
  if (pipe2(in, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const std::string script = KILONOVA_SOURCE_DIR "/tests/support/image_server.py";
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in[0], STDIN_FILENO);
    const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, STDOUT_FILENO);
    execl("/usr/bin/python3", "python3", script.c_str(), file.c_str(), nullptr);
    _exit(127);
  }
  close(in[0]);
  stdin_ = in[1];
  EXPECT_TRUE(Eventually([&] { return ReadFile(log_).find('\n') != std::string::npos; }))
      << "the image server did not start";
  const std::string log = ReadFile(log_);
  port_ = log.substr(0, log.find('\n'));
}

ImageServer::~ImageServer() {
  close(stdin_);
  waitpid(pid_, nullptr, 0);
}

std::string ImageServer::Url(const std::string& path) const {
  return "http://127.0.0.1:" + port_ + path;
}

int ImageServer::Requests(const std::string& path) const {
  std::istringstream log(ReadFile(log_));
  int count = 0;
  for (std::string line; std::getline(log, line);) count += line == path;
  return count;
}

ImageStoreTest::ImageStoreTest() {
  const fs::path wrapper = dir.path() / "qemu-img";
  WriteFile(wrapper, "#!/bin/sh\necho \"$@\" >> " + (dir.path() / "starts").string() +
                         "\nexec /usr/bin/qemu-img \"$@\"\n");
  chmod(wrapper.c_str(), 0755);
  options.paths.state_dir = dir.path() / "state";
  options.image_file_roots = {dir.path()};
  options.tools.qemu_img = wrapper;
  options.http.allow_loopback = true;
  options.http.first_backoff = std::chrono::milliseconds(1);
  Reopen();
}

void ImageStoreTest::Reopen() {
  store.reset();
  auto opened = DiskImageStore::Open(options);
  ASSERT_TRUE(opened.ok()) << Describe(opened.status());
  store = *std::move(opened);
}

model::ImageSource ImageStoreTest::Source(const fs::path& file, const std::string& claim) const {
  model::ImageSource image;
  image.id = Uuid::Random();
  image.disk_format = claim;
  image.container_format = "bare";
  image.url = "file://" + file.string();
  const std::string bytes = ReadFile(file);
  image.sha256 = Sha256Hex(bytes);
  image.size_bytes = bytes.size();
  return image;
}

Expected<agent::core::CachedImage> ImageStoreTest::Ensure(const model::ImageSource& image,
                                                          std::uint64_t most) {
  return store->Ensure(image, most, {});
}

int ImageStoreTest::QemuImgStarts() const {
  const std::string log = ReadFile(dir.path() / "starts");
  return static_cast<int>(std::count(log.begin(), log.end(), '\n'));
}

std::vector<std::string> ImageStoreTest::CacheFiles() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(options.paths.Images())) {
    if (entry.is_regular_file()) {
      names.push_back(entry.path().lexically_relative(options.paths.Images()).string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace kilonova::testing

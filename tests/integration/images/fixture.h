// SPDX-License-Identifier: Apache-2.0
// A store in a directory of its own, a qemu-img that counts its starts, and a misbehaving HTTP
// server.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/adapters/images/disk_image_store.h"
#include "common/model/requests.h"
#include "tests/support/temp_dir.h"

namespace kilonova::testing {

// tests/support/image_server.py over one file; ends with this object.
class ImageServer {
 public:
  explicit ImageServer(const std::filesystem::path& file);
  ~ImageServer();
  ImageServer(const ImageServer&) = delete;
  std::string Url(const std::string& path) const;
  // Requests for `path` so far.
  int Requests(const std::string& path) const;

 private:
  TempDir dir_;
  std::filesystem::path log_;
  int stdin_ = -1;
  int pid_ = -1;
  std::string port_;
};

void WriteFile(const std::filesystem::path& path, std::string_view bytes);
std::string ReadFile(const std::filesystem::path& path);
// Runs a tool and expects it to succeed; its output.
std::string MustRun(const std::string& program, const std::vector<std::string>& arguments);
// Polls until `ready` or a minute has passed.
template <class Ready>
bool Eventually(Ready ready);

class ImageStoreTest : public ::testing::Test {
 protected:
  ImageStoreTest();
  // Opens the store again with what `options` says now.
  void Reopen();
  model::ImageSource Source(const std::filesystem::path& file, const std::string& claim) const;
  Expected<agent::core::CachedImage> Ensure(const model::ImageSource& image,
                                            std::uint64_t most = UINT64_MAX);
  int QemuImgStarts() const;
  // Every file below images/, names relative to it.
  std::vector<std::string> CacheFiles() const;

  TempDir dir;
  agent::adapters::images::ImageStoreOptions options;
  std::unique_ptr<agent::adapters::images::DiskImageStore> store;
};

template <class Ready>
bool Eventually(Ready ready) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!ready()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace kilonova::testing

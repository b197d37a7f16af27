// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace kilonova::runtime {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

std::string ErrorOf(const std::string& text) {
  const auto config = Config::Parse(text, "c.yaml");
  return config.ok() ? "" : Message(config.status());
}

TEST(Config, ReadsValuesAndKeepsDefaults) {
  auto config = Config::Parse(
      "host: a\namqp:\n  url: amqp://u:secret@h/\nworkers: 7\nratio: 1.5\nlease: 250ms\n"
      "filters: [A, B]\non: true\n",
      "c.yaml");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->String("host", "x"), "a");
  EXPECT_EQ(config->String("amqp.url", ""), "amqp://u:secret@h/");
  EXPECT_EQ(config->Int("workers", 1, 1, 64), 7);
  EXPECT_EQ(config->Int("queue", 5, 1, 64), 5);
  EXPECT_DOUBLE_EQ(config->Double("ratio", 1, 0, 9), 1.5);
  EXPECT_EQ(config->Duration("lease", 15s), 250ms);
  EXPECT_EQ(config->List("filters", {}), (std::vector<std::string>{"A", "B"}));
  EXPECT_TRUE(config->Bool("on", false));
  EXPECT_EQ(config->Secret("token", ""), "");
  EXPECT_TRUE(config->Finish().ok());
  const std::string print = config->Print();
  EXPECT_EQ(print.find("secret"), std::string::npos) << print;
  EXPECT_NE(print.find("amqp://u:***@h/"), std::string::npos) << print;
}

TEST(Config, Finish_NamesFileLineAndKeyOfEveryFault) {
  auto config = Config::Parse("workers: many\nlease: 15\ntypo: 1\n", "c.yaml");
  ASSERT_TRUE(config.ok());
  config->Int("workers", 1, 1, 64);
  config->Duration("lease", 15s);
  const std::string message = Message(config->Finish());
  EXPECT_NE(message.find("c.yaml:1: 'workers' must be a whole number, 1 to 64"), std::string::npos);
  EXPECT_NE(message.find("c.yaml:2: 'lease' must be a time"), std::string::npos);
  EXPECT_NE(message.find("c.yaml:3: unknown key 'typo'"), std::string::npos);
}

TEST(Config, EnvironmentOverridesTheFile) {
  setenv("KILONOVA_AMQP_URL", "amqp://env/", 1);
  auto config = Config::Parse("amqp:\n  url: amqp://file/\n", "c.yaml");
  EXPECT_EQ(config->String("amqp.url", ""), "amqp://env/");
  unsetenv("KILONOVA_AMQP_URL");
  EXPECT_TRUE(config->Finish().ok());
}

TEST(Config, RefusesBombsAndDuplicates) {
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"), "c.yaml:3: duplicate key 'a'");
  EXPECT_EQ(ErrorOf("a: &x [1]\nb: *x\n"), "c.yaml:1: anchors are not allowed");
  EXPECT_EQ(ErrorOf("a: !!python/object x\n"), "c.yaml:1: tags are not allowed");
  EXPECT_NE(ErrorOf(std::string(10000, '[')).find("16 levels"), std::string::npos);
  EXPECT_NE(ErrorOf("a: [1\n"), "");
  EXPECT_NE(ErrorOf("a: " + std::string(300 * 1024, 'x')).find("256 KiB"), std::string::npos);
  EXPECT_NE(ErrorOf("- 1\n"), "");
  EXPECT_NE(ErrorOf("a: 1\n---\nb: 1\n"), "");
}

TEST(Config, Load_RefusesAFileOthersMayWrite) {
  const testing::TempDir dir;
  const std::string path = dir.File("config.yaml");
  std::ofstream(path) << "a: 1\n";
  chmod(path.c_str(), 0666);
  EXPECT_NE(Message(Config::Load(path).status()).find("chmod go-w"), std::string::npos);
  chmod(path.c_str(), 0644);
  EXPECT_TRUE(Config::Load(path).ok());
  EXPECT_FALSE(Config::Load(path + ".absent").ok());
}

}  // namespace
}  // namespace kilonova::runtime

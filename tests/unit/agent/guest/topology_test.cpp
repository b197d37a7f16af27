// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "agent/guest/cpu_topology.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

struct Case {
  std::int64_t vcpus;
  std::map<std::string, std::string> specs, properties;
  std::int64_t sockets, cores, threads;
};

TEST(Topology, ChosenAsNova) {
  const Case cases[] = {{4, {}, {}, 4, 1, 1},
                        {4, {{"hw:cpu_sockets", "2"}}, {}, 2, 2, 1},
                        {8, {{"hw:cpu_max_sockets", "2"}}, {}, 2, 4, 1},
                        {8, {{"hw:cpu_threads", "2"}}, {}, 4, 1, 2},
                        {8, {{"hw:cpu_max_sockets", "1"}, {"hw:cpu_threads", "2"}}, {}, 1, 4, 2},
                        {8, {}, {{"hw_cpu_cores", "8"}}, 1, 8, 1},
                        {6, {{"hw:cpu_cores", "4"}}, {}, 6, 1, 1},
                        {7, {{"hw:cpu_max_cores", "3"}}, {}, 7, 1, 1}};
  for (const auto& c : cases) {
    auto request = PlainRequest();
    request.flavor.vcpus = c.vcpus;
    request.flavor.extra_specs = c.specs;
    request.image.properties = c.properties;
    const auto got = agent::guest::ChooseTopology(request.flavor, request.image);
    ASSERT_TRUE(got.ok()) << Describe(got.status());
    EXPECT_EQ(std::tuple(got->sockets, got->cores, got->threads),
              std::tuple(c.sockets, c.cores, c.threads))
        << c.vcpus;
  }
}

TEST(Topology, ImageOverFlavor_Refused) {
  auto request = PlainRequest();
  request.flavor.extra_specs = {{"hw:cpu_max_cores", "2"}};
  request.image.properties = {{"hw_cpu_max_cores", "4"}};
  EXPECT_TRUE(HasReason(agent::guest::ChooseTopology(request.flavor, request.image).status(),
                        reason::kImageInvalid));
  request.image.properties = {{"hw_cpu_cores", "4"}};
  EXPECT_TRUE(HasReason(agent::guest::ChooseTopology(request.flavor, request.image).status(),
                        reason::kImageInvalid));
}

TEST(Topology, NothingFits_Refused) {
  auto request = PlainRequest();
  request.flavor.vcpus = 7;
  request.flavor.extra_specs = {
      {"hw:cpu_max_sockets", "1"}, {"hw:cpu_max_cores", "2"}, {"hw:cpu_max_threads", "2"}};
  EXPECT_TRUE(HasReason(agent::guest::ChooseTopology(request.flavor, request.image).status(),
                        reason::kFlavorInvalid));
}

}  // namespace
}  // namespace kilonova::testing

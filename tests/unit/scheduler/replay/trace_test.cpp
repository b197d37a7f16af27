// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/trace.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace kilonova::scheduler::replay {
namespace {

class TraceFile : public ::testing::Test {
 protected:
  TraceFile()
      : path_(std::filesystem::temp_directory_path() /
              ("kn-trace-" + std::to_string(getpid()) + ".csv")) {}
  ~TraceFile() override { std::filesystem::remove(path_); }
  void Write(const std::string& text) const { std::ofstream(path_) << text; }
  std::string Refusal() const { return Message(ReadTrace(path_).status()); }
  const std::filesystem::path path_;
};

constexpr const char* kHeader = "vmId,tenantId,cores,ram,vmTypeId,starttime,endtime\n";

TEST_F(TraceFile, Lines_AreReadInTheirUnitsAndSortedByStart) {
  Write(std::string(kHeader) + "7,3,200.0,28.0,0,1.5,2.25\n8,4,42.0,7.0,1,-3.0,inf\n");
  const auto vms = ReadTrace(path_);
  ASSERT_TRUE(vms.ok()) << Describe(vms.status());
  ASSERT_EQ(vms->size(), 2u);
  EXPECT_EQ((*vms)[0], (TraceVm{8, 4, 42, 1792, true, -3.0, kNever}));
  EXPECT_EQ((*vms)[1], (TraceVm{7, 3, 200, 7168, false, 1.5, 2.25}));
}

TEST_F(TraceFile, Gzip_IsReadAlike) {
  gzFile file = gzopen(path_.c_str(), "wb");
  gzputs(file, (std::string(kHeader) + "1,1,100,14,0,0,1\n").c_str());
  gzclose(file);
  const auto vms = ReadTrace(path_);
  ASSERT_TRUE(vms.ok());
  EXPECT_EQ(vms->size(), 1u);
}

TEST_F(TraceFile, BadLines_AreNamedByFileAndLine) {
  struct Case {
    const char* line;
    const char* why;
  };
  for (const Case& c :
       {Case{"1,1,100,14,0,0", "expected 7 columns"}, Case{"x,1,100,14,0,0,1", "vmId"},
        Case{"1,x,100,14,0,0,1", "tenantId"}, Case{"1,1,0,14,0,0,1", "cores"},
        Case{"1,1,nan,14,0,0,1", "cores"}, Case{"1,1,100,-1,0,0,1", "ram"},
        Case{"1,1,100,14,2,0,1", "vmTypeId"}, Case{"1,1,100,14,0,inf,inf", "starttime"},
        Case{"1,1,100,14,0,2,1", "before"}}) {
    Write(std::string(kHeader) + "1,1,100,14,0,0,1\n" + c.line + "\n");
    EXPECT_NE(Refusal().find(path_.string() + ":3: "), std::string::npos) << Refusal();
    EXPECT_NE(Refusal().find(c.why), std::string::npos) << Refusal();
  }
  Write(std::string(5000, '1'));
  EXPECT_NE(Refusal().find("too long"), std::string::npos);
}

TEST_F(TraceFile, Missing_IsNotFound) {
  EXPECT_EQ(ReadTrace("/nowhere/trace.csv").status().code(), Code::kNotFound);
}

TEST(PeakDemand, CountsWhatLivesTogether) {
  const std::vector<TraceVm> vms{{1, 1, 100, 10, false, 0, 2},
                                 {2, 1, 300, 10, false, 1, 2},
                                 {3, 1, 200, 50, false, 2, kNever}};
  const Demand peak = PeakDemand(vms);
  EXPECT_EQ(peak.centicores, 400);
  EXPECT_EQ(peak.memory_mb, 50);
}

}  // namespace
}  // namespace kilonova::scheduler::replay

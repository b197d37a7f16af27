// SPDX-License-Identifier: Apache-2.0
#include "tests/support/libvirtd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace kilonova::testing {
namespace {

Status Failed(const std::string& what) { return Error(Code::kInternal, reason::kInternal, what); }

std::string Script() { return std::string(KILONOVA_SOURCE_DIR) + "/tests/support/libvirtd.sh"; }

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

pid_t Spawn(const std::vector<std::string>& command, int out) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(nothing, 0);
    dup2(out, 1);
    dup2(out, 2);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(nothing);
  return pid;
}

int Wait(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

TestLibvirtd::TestLibvirtd(TestLibvirtdOptions options) : options_(options) {
  std::string name = "/tmp/kn-lv-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) std::abort();
  directory_ = name;
  chmod(name.c_str(), 0755);
}

TestLibvirtd::~TestLibvirtd() {
  Stop();
  std::error_code ignored;
  if (std::getenv("KILONOVA_TEST_KEEP") == nullptr) {
    std::filesystem::remove_all(directory_, ignored);
  }
}

std::string TestLibvirtd::uri() const {
  return "qemu+unix:///system?socket=" + directory_.string() + "/sock/libvirt-sock";
}

Status TestLibvirtd::Start(std::chrono::seconds patience) {
  if (options_.console_bytes > 0) {
    setenv("KILONOVA_TEST_CONSOLE_BYTES", std::to_string(options_.console_bytes).c_str(), 1);
  }
  std::vector<std::string> command{"setpriv", "--pdeathsig",       "KILL",        "unshare",
                                   "--mount", "--propagation",     "private",     "--pid",
                                   "--fork",  "--kill-child=KILL", "--mount-proc"};
  if (options_.own_net) command.emplace_back("--net");
  command.insert(command.end(), {Script(), "hold", directory_.string()});
  const auto log = directory_ / "hold.err";
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  holder_ = Spawn(command, out);
  close(out);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!std::filesystem::exists(directory_ / "held")) {
    if (std::chrono::steady_clock::now() > until || waitpid(holder_, nullptr, WNOHANG) != 0) {
      return Failed("no namespaces: " + ReadFile(log));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::string pid = std::to_string(holder_);
  init_ = std::atoi(ReadFile("/proc/" + pid + "/task/" + pid + "/children").c_str());
  if (init_ <= 0) return Failed("the namespaces' first process is not there");
  return Restart();
}

Status TestLibvirtd::Restart() { return Inside({Script(), "start", directory_.string()}).status(); }

Expected<std::string> TestLibvirtd::Inside(const std::vector<std::string>& command) {
  std::vector<std::string> all{"nsenter", "-t", std::to_string(init_), "--mount", "--pid"};
  if (options_.own_net) all.emplace_back("--net");
  all.insert(all.end(), command.begin(), command.end());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Failed("pipe");
  const pid_t pid = Spawn(all, ends[1]);
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) != 0;) {
    if (n < 0 && errno != EINTR) break;
    if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  if (Wait(pid) != 0) return Failed(command.front() + ": " + text);
  return Trimmed(text);
}

Expected<std::string> TestLibvirtd::Virsh(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{"virsh", "-q", "-c", uri()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return Inside(command);
}

void TestLibvirtd::Signal(const char* name) {
  const std::string pid = Trimmed(ReadFile(directory_ / "libvirtd.pid"));
  if (!pid.empty()) Inside({"kill", std::string("-") + name, pid}).status().IgnoreError();
}

void TestLibvirtd::Kill9() {
  const std::string pid = Trimmed(ReadFile(directory_ / "libvirtd.pid"));
  Signal("KILL");
  // Gone, not merely told: Restart looks for it.
  for (int i = 0; i < 1000 && Inside({"kill", "-0", pid}).ok(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void TestLibvirtd::Pause() { Signal("STOP"); }
void TestLibvirtd::Unpause() { Signal("CONT"); }

Status TestLibvirtd::AddBridge(const std::string& name) {
  RETURN_IF_ERROR(Inside({"ip", "link", "add", name, "type", "bridge"}).status());
  bridges_.push_back(name);
  return Inside({"ip", "link", "set", name, "up"}).status();
}

Status TestLibvirtd::AddNetwork(const std::string& name, const std::string& bridge) {
  const auto file = directory_ / (bridge + ".xml");
  std::ofstream(file) << "<network><name>" << name << "</name><bridge name='" << bridge
                      << "'/></network>";
  RETURN_IF_ERROR(Virsh({"net-define", file.string()}).status());
  networks_.push_back(name);
  RETURN_IF_ERROR(Virsh({"net-autostart", name}).status());
  return Virsh({"net-start", name}).status();
}

int TestLibvirtd::QemuPid(const std::string& domain_name) {
  const std::string pid = Trimmed(ReadFile(directory_ / "run" / "qemu" / (domain_name + ".pid")));
  if (pid.empty() || !Inside({"kill", "-0", pid}).ok()) return 0;
  return std::atoi(pid.c_str());
}

void TestLibvirtd::Stop() {
  if (holder_ <= 0) return;
  // Interfaces of the machine's own namespace do not go with ours.
  if (!options_.own_net && init_ > 0) {
    Unpause();
    Restart().IgnoreError();
    const auto guests = Virsh({"list", "--uuid"});
    std::istringstream uuids(guests.ok() ? *guests : "");
    for (std::string uuid; uuids >> uuid;) Virsh({"destroy", uuid}).status().IgnoreError();
    for (const auto& name : networks_) Virsh({"net-destroy", name}).status().IgnoreError();
    for (const auto& name : bridges_) Inside({"ip", "link", "del", name}).status().IgnoreError();
  }
  kill(holder_, SIGKILL);  // and with it, by the kernel, everything in the namespaces
  Wait(holder_);
  holder_ = init_ = -1;
}

}  // namespace kilonova::testing

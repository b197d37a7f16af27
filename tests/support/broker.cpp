// SPDX-License-Identifier: Apache-2.0
#include "tests/support/broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

namespace kilonova::testing {
namespace {

// Not /usr/sbin/rabbitmq-server: that one changes to its own user and directories.
constexpr const char* kInstalled = "/usr/lib/rabbitmq/bin/rabbitmq-server";

Status Failed(const std::string& what) { return Error(Code::kInternal, reason::kInternal, what); }

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Below the range that outgoing connections take theirs from, or one of those might be there first.
// The socket, added to `holders`, keeps the port from others who look for one; whoever sets
// SO_REUSEADDR, as servers do, can listen there.
std::uint16_t TakePort(std::vector<int>& holders) {
  static std::mt19937 random{std::random_device{}()};
  while (true) {
    const auto port =
        static_cast<std::uint16_t>(std::uniform_int_distribution<int>(12000, 32000)(random));
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(port);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      close(fd);
      continue;
    }
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    holders.push_back(fd);
    return port;
  }
}

// The broker has answered an AMQP greeting.
bool Greets(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(port);
  const timeval patience{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char first = 0;
  const bool greeted = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                       write(fd, "AMQP\0\0\x09\x01", 8) == 8 && read(fd, &first, 1) == 1 &&
                       first == 1;
  close(fd);
  return greeted;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

// The installation without its optional plugins: every module is looked for in every folder, and a
// start costs a third less without them.
void LinkInstallation(const std::filesystem::path& slim) {
  const auto installed = std::filesystem::canonical(kInstalled).parent_path().parent_path();
  for (const char* folder : {"sbin", "plugins"}) {
    std::filesystem::create_directories(slim / folder);
    for (const auto& entry : std::filesystem::directory_iterator(installed / folder)) {
      const std::string name = entry.path().filename();
      const bool optional =
          name.starts_with("rabbitmq_") && name.find("prelaunch") == std::string::npos;
      if (!optional) std::filesystem::create_symlink(entry.path(), slim / folder / name);
    }
  }
  std::filesystem::create_symlink(installed / "escript", slim / "escript");
}

pid_t Spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
            const std::filesystem::path& out, const std::filesystem::path& err) {
  std::vector<char*> argv, envp;
  for (const auto& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  for (const auto& one : environment) envp.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
  dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
  for (int fd = 3; fd < 256; ++fd) close(fd);
  execve(argv[0], argv.data(), envp.data());
  _exit(127);
}

bool Exited(pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; }

void KillAndReap(pid_t* pid) {
  if (*pid <= 0) return;
  kill(*pid, SIGKILL);
  waitpid(*pid, nullptr, 0);
  *pid = -1;
}

constexpr auto kPollEvery = std::chrono::milliseconds(20);

}  // namespace

TestBroker::TestBroker(TestBrokerOptions options)
    : options_(std::move(options)),
      port_(TakePort(port_holders_)),
      tls_port_(options_.tls_cert.empty() ? std::uint16_t{0} : TakePort(port_holders_)),
      epmd_port_(TakePort(port_holders_)),
      dist_port_(TakePort(port_holders_)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "kn-broker-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  directory_ = pattern;
  node_ = "kn" + std::to_string(getpid()) + "p" + std::to_string(port_) + "@localhost";
  for (const char* name : {"home", "mnesia", "log"}) {
    std::filesystem::create_directory(directory_ / name);
  }
  LinkInstallation(directory_ / "rabbitmq");
  const auto cookie = directory_ / "home" / ".erlang.cookie";
  WriteFile(cookie, "TEST" + std::to_string(port_) + std::to_string(epmd_port_));
  std::filesystem::permissions(cookie, std::filesystem::perms::owner_read);
  // Names are looked up here alone: a slow resolver would cost every start its timeout.
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  WriteFile(
      directory_ / "inetrc",
      std::string("{lookup,[file]}.\n{host,{127,0,0,1},[\"localhost\",\"") + host + "\"]}.\n");
  WriteFile(directory_ / "enabled_plugins", "[].\n");
  std::string config = "listeners.tcp.1 = 127.0.0.1:" + std::to_string(port_) +
                       "\nloopback_users.guest = true\nvm_memory_high_watermark.absolute = 4GB\n"
                       "disk_free_limit.absolute = 10MB\nlog.console = false\n";
  if (tls_port_ != 0) {
    config += "listeners.ssl.1 = 127.0.0.1:" + std::to_string(tls_port_) +
              "\nssl_options.cacertfile = " + options_.tls_ca +
              "\nssl_options.certfile = " + options_.tls_cert +
              "\nssl_options.keyfile = " + options_.tls_key +
              "\nssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n";
  }
  WriteFile(directory_ / "rabbitmq.conf", config + options_.extra_config);
}

TestBroker::~TestBroker() {
  KillAndReap(&server_);
  KillAndReap(&epmd_);
  for (const int fd : port_holders_) close(fd);
  if (std::getenv("KILONOVA_TEST_KEEP") != nullptr) return;
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::vector<std::string> TestBroker::Environment() const {
  const std::string dir = directory_.string();
  return {
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
      "LANG=C.UTF-8",
      "HOME=" + dir + "/home",
      "ERL_INETRC=" + dir + "/inetrc",
      "ERL_EPMD_PORT=" + std::to_string(epmd_port_),
      "ERL_EPMD_ADDRESS=127.0.0.1",
      "RABBITMQ_SCRIPTS_DIR=" + dir + "/rabbitmq/sbin",
      "RABBITMQ_NODENAME=" + node_,
      "RABBITMQ_DIST_PORT=" + std::to_string(dist_port_),
      "RABBITMQ_MNESIA_BASE=" + dir + "/mnesia",
      "RABBITMQ_LOG_BASE=" + dir + "/log",
      "RABBITMQ_CONFIG_FILE=" + dir + "/rabbitmq.conf",
      "RABBITMQ_ADVANCED_CONFIG_FILE=" + dir + "/none.config",
      "RABBITMQ_CONF_ENV_FILE=/dev/null",
      "RABBITMQ_ENABLED_PLUGINS_FILE=" + dir + "/enabled_plugins",
      "RABBITMQ_PID_FILE=" + dir + "/pid",
      // Makes the script become the Erlang machine instead of watching over it: one pid to kill.
      "RABBITMQ_ALLOW_INPUT=1",
      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-noinput -start_epmd false "
      "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
  };
}

std::filesystem::path TestBroker::LogFile() const { return directory_ / "log" / (node_ + ".log"); }

Status TestBroker::Start(std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  if (epmd_ <= 0) {
    epmd_ = Spawn({"/usr/bin/epmd", "-port", std::to_string(epmd_port_), "-address", "127.0.0.1"},
                  Environment(), directory_ / "epmd.out", directory_ / "epmd.err");
  }
  const auto seen = ReadFile(LogFile()).size();
  server_ = Spawn({(directory_ / "rabbitmq/sbin/rabbitmq-server").string()}, Environment(),
                  directory_ / "server.out", directory_ / "server.err");
  while (std::chrono::steady_clock::now() < deadline) {
    if (Exited(server_)) {
      server_ = -1;
      return Failed("rabbitmq-server exited: " + ReadFile(directory_ / "server.err") +
                    ReadFile(directory_ / "server.out"));
    }
    const std::string log = ReadFile(LogFile());
    if (log.size() > seen && log.find("Server startup complete", seen) != std::string::npos &&
        Greets(port_)) {
      return OkStatus();
    }
    std::this_thread::sleep_for(kPollEvery);
  }
  KillAndReap(&server_);
  return Failed("rabbitmq-server was not ready in time; its log is in " + directory_.string());
}

void TestBroker::Kill9() { KillAndReap(&server_); }

void TestBroker::Stop() {
  if (server_ <= 0) return;
  kill(server_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (Exited(server_)) {
      server_ = -1;
      return;
    }
    std::this_thread::sleep_for(kPollEvery);
  }
  KillAndReap(&server_);
}

Status TestBroker::WaitForQueueOnDisk(const std::string& queue) {
  const auto names = directory_ / "mnesia" / node_ / "quorum" / node_ / "names.dets";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    if (ReadFile(names).find("_" + queue) != std::string::npos) return OkStatus();
    std::this_thread::sleep_for(kPollEvery);
  }
  return Failed("queue " + queue + " did not reach " + names.string());
}

Status TestBroker::Restart() {
  KillAndReap(&server_);
  return Start();
}

// Returns once every thread of it stands: on a busy machine one may go on answering for a while.
void TestBroker::Pause() {
  kill(server_, SIGSTOP);
  const std::filesystem::path tasks =
      std::filesystem::path("/proc") / std::to_string(server_) / "task";
  const auto stands = [&tasks] {
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
      const std::string stat = ReadFile(task.path() / "stat");
      const std::size_t name_end = stat.rfind(") ");
      if (name_end != std::string::npos && stat[name_end + 2] != 'T') return false;
    }
    return true;
  };
  for (int i = 0; i < 500 && !stands(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}
void TestBroker::Unpause() { kill(server_, SIGCONT); }

Expected<std::string> TestBroker::Ctl(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {(directory_ / "rabbitmq/sbin/rabbitmqctl").string(), "-q"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto out = directory_ / "ctl.out";
  const auto err = directory_ / "ctl.err";
  const pid_t pid = Spawn(command, Environment(), out, err);
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Failed("rabbitmqctl " + arguments.front() + ": " + ReadFile(err) + ReadFile(out));
  }
  return ReadFile(out);
}

std::string TestBroker::url() const {
  return "amqp://guest:guest@127.0.0.1:" + std::to_string(port_) + "/";
}

}  // namespace kilonova::testing

// SPDX-License-Identifier: Apache-2.0
#include "agent/app/daemon.h"

#include "agent/adapters/images/config_drive.h"
#include "agent/adapters/images/disk_image_store.h"
#include "agent/adapters/journal/sqlite_journal.h"
#include "agent/adapters/libvirt/hypervisor.h"
#include "agent/adapters/network/networks.h"
#include "agent/adapters/queue/queue_receiver.h"
#include "agent/adapters/scheduler/grpc_transport.h"
#include "agent/adapters/scheduler/session_client.h"
#include "agent/app/metrics.h"
#include "agent/app/version.h"
#include "agent/app/wiring.h"
#include "agent/core/agent.h"
#include "agent/core/instance_files.h"
#include "common/base/log.h"
#include "common/runtime/metrics_server.h"
#include "common/runtime/process.h"

namespace kilonova::agent::app {
namespace {

adapters::libvirt::Options LibvirtOptions(const Options& options, runtime::Metrics& metrics) {
  adapters::libvirt::Options libvirt;
  libvirt.uri = options.libvirt_uri;
  libvirt.host = options.agent.host;
  libvirt.virt_type = options.virt_type;
  libvirt.cpu_models = options.guest.cpu.models;
  if (options.guest.cpu.mode == "none") libvirt.cpu_models = {"qemu64"};  // QEMU's own default
  libvirt.rng_dev_path = options.guest.rng_dev_path;
  libvirt.pci_device_specs = options.pci_device_specs;
  libvirt.mdevs = !options.agent.mdev_types.Empty();
  libvirt.on_call = [&metrics](std::string_view call, std::chrono::microseconds took, bool ok) {
    metrics.Observe("kilonova_agent_libvirt_call_seconds",
                    std::chrono::duration<double>(took).count(),
                    {{"call", std::string(call)}, {"ok", ok ? "true" : "false"}});
  };
  return libvirt;
}

guest::GuestConfig GuestOptions(const Options& options) {
  guest::GuestConfig config = options.guest;
  if (config.disk.cache == "auto") {
    config.disk.cache = DetectDiskCache(options.agent.paths.Instances());
  }
  return config;
}

adapters::scheduler::SessionOptions SessionOptionsOf(const Options& options) {
  adapters::scheduler::SessionOptions session;
  session.host = options.agent.host;
  session.agent_version = kVersion;
  return session;
}

}  // namespace

// Members are destroyed from the last to the first.
struct Daemon::Parts {
  Parts(const Options& options, runtime::ProcessLock the_lock,
        std::unique_ptr<adapters::journal::SqliteJournal> the_journal,
        std::unique_ptr<adapters::images::DiskImageStore> the_images,
        std::unique_ptr<adapters::scheduler::Transport> transport)
      : lock(std::move(the_lock)),
        counters(metrics),
        journal(std::move(the_journal)),
        images(std::move(the_images)),
        config_drives(options.images.tools, options.images.disks.config_drive_format),
        hypervisor(LibvirtOptions(options, metrics)),
        networks(hypervisor),
        describer(GuestOptions(options), options.default_ephemeral_format),
        session(SessionOptionsOf(options), std::move(transport), SystemClock()),
        agent(options.agent, core::Ports{hypervisor, *images, config_drives, networks, *journal,
                                         session, describer, decoder, SystemClock()}) {}

  runtime::ProcessLock lock;
  runtime::Metrics metrics;
  CounterExport counters;
  std::unique_ptr<adapters::journal::SqliteJournal> journal;
  std::unique_ptr<adapters::images::DiskImageStore> images;
  adapters::images::ToolConfigDrive config_drives;
  adapters::libvirt::Hypervisor hypervisor;
  adapters::network::Networks networks;
  GuestDescriber describer;
  RequestDecoder decoder;
  adapters::scheduler::SessionClient session;
  core::Agent agent;
  std::unique_ptr<adapters::queue::QueueReceiver> queue;
  std::unique_ptr<runtime::MetricsServer> metrics_server;
};

Expected<std::unique_ptr<Daemon>> Daemon::Start(const Options& options) {
  const core::Paths& paths = options.agent.paths;
  RETURN_IF_ERROR(core::PrepareStateDir(paths));
  ASSIGN_OR_RETURN(auto lock, runtime::ProcessLock::Take(paths.Lock()));
  adapters::journal::JournalOptions journal_options{paths.Journal(), paths.Reserve(),
                                                    options.journal_reserve_bytes};
  if (options.journal_reserve_bytes == 0) journal_options.reserve.clear();
  ASSIGN_OR_RETURN(auto journal,
                   adapters::journal::SqliteJournal::Open(journal_options, SystemClock()));
  ASSIGN_OR_RETURN(auto images, adapters::images::DiskImageStore::Open(options.images));
  ::kilonova::grpc::ChannelOptions channel;
  channel.target = options.scheduler_address;
  channel.tls = options.scheduler_tls;
  channel.authority = options.scheduler_authority;
  ASSIGN_OR_RETURN(auto transport, adapters::scheduler::MakeGrpcTransport(channel));
  auto parts = std::make_unique<Parts>(options, std::move(lock), std::move(journal),
                                       std::move(images), std::move(transport));
  Parts& p = *parts;
  // From here on what fails is taken down in the daemon's order: the session's threads use the
  // agent.
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(parts)));
  RETURN_IF_ERROR(p.agent.Start());
  p.session.Start(*p.journal, p.agent);
  adapters::queue::QueueReceiverOptions queue;
  queue.host = options.agent.host;
  queue.reading_mark = paths.Reading();
  p.queue = std::make_unique<adapters::queue::QueueReceiver>(options.amqp, queue, p.agent);
  if (!options.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(
        p.metrics_server,
        runtime::MetricsServer::Start(
            options.metrics_listen, &p.metrics, [&p] { p.counters.Update(p.agent.Counters()); },
            [&p] { return p.session.Connected() ? "" : "no session"; }));
  }
  LogInfo("agent is up",
          {F("host", options.agent.host), F("version", kVersion),
           F("amqp", amqp::Describe(options.amqp)), F("scheduler", options.scheduler_address)});
  return daemon;
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() {
  parts_->metrics_server.reset();
  parts_->queue.reset();
  parts_->agent.HurryDrain();
  parts_->agent.Drain(std::chrono::steady_clock::now());
  parts_->session.Stop();
}

bool Daemon::Drain(std::chrono::steady_clock::time_point deadline) {
  parts_->agent.StopTaking();
  parts_->queue.reset();  // closes the connection: unsettled messages go back to the queue
  return parts_->agent.Drain(deadline);
}

void Daemon::HurryDrain() { parts_->agent.HurryDrain(); }

}  // namespace kilonova::agent::app

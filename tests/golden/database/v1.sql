-- A database as schema version 1 wrote it: one host, one instance on it, and what goes with them.
CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL);
INSERT INTO migrations VALUES (1, 1700000000000000);
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('pruned_through', 0), ('last_revision', 0);
CREATE TABLE hosts (
  name TEXT PRIMARY KEY, enabled INTEGER NOT NULL, disabled_reason TEXT NOT NULL,
  agent_version TEXT NOT NULL, journal_id TEXT NOT NULL, last_seq INTEGER NOT NULL,
  last_seen INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE flavors (
  id INTEGER PRIMARY KEY AUTOINCREMENT, flavorid TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  doc TEXT NOT NULL);
CREATE TABLE images (
  id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE networks (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE instances (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
  vm_state TEXT NOT NULL, terminated_at INTEGER, admin_password TEXT NOT NULL DEFAULT '',
  doc TEXT NOT NULL);
CREATE INDEX instances_deleted ON instances (terminated_at) WHERE terminated_at IS NOT NULL;
CREATE INDEX instances_deleted_revision ON instances (revision) WHERE terminated_at IS NOT NULL;
CREATE TABLE claims (
  instance TEXT PRIMARY KEY REFERENCES instances (uuid), claim_id TEXT NOT NULL,
  host TEXT NOT NULL, generation INTEGER NOT NULL, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE addresses (
  network TEXT NOT NULL REFERENCES networks (id), address TEXT NOT NULL, port TEXT NOT NULL,
  instance TEXT NOT NULL REFERENCES instances (uuid),
  PRIMARY KEY (network, address)) WITHOUT ROWID;
CREATE INDEX addresses_instance ON addresses (instance);
CREATE TABLE requests (
  request_id TEXT PRIMARY KEY, digest TEXT NOT NULL, created_at INTEGER NOT NULL,
  doc TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX requests_created ON requests (created_at);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, instance TEXT NOT NULL,
  generation INTEGER NOT NULL, method TEXT NOT NULL, unique_id TEXT NOT NULL,
  created_at INTEGER NOT NULL, body BLOB NOT NULL);
UPDATE meta SET value = 9 WHERE key = 'last_revision';
INSERT INTO hosts VALUES ('a', 0, 'disk swap', '1.0', '11111111-1111-4111-8111-111111111111', 4,
  1700000000000000, '{"host":"a","hypervisor_hostname":"a.node","hypervisor_type":"QEMU","inventories":{"VCPU":[16,0,1,16,1,1.0],"MEMORY_MB":[32768,0,1,32768,1,1.0],"DISK_GB":[500,0,1,500,1,1.0]},"degraded":[]}');
INSERT INTO flavors VALUES (3, '1', 'm1.tiny', '{"id":3,"flavorid":"1","name":"m1.tiny","vcpus":1,"memory_mb":512,"root_gb":1,"rxtx_factor":1.0,"is_public":true,"extra_specs":{}}');
INSERT INTO networks VALUES ('22222222-2222-4222-8222-222222222222', 'net', '{"id":"22222222-2222-4222-8222-222222222222","name":"net","bridge":false,"source":"default","mtu":1500,"dhcp":false,"cidr":"10.20.0.0/24","gateway":"10.20.0.1","pool_start":"10.20.0.2","pool_end":"10.20.0.254","dns_servers":[]}');
INSERT INTO instances VALUES (7, '33333333-3333-4333-8333-333333333333', 9, 'active', NULL, '', '{"spec":{"id":7,"uuid":"33333333-3333-4333-8333-333333333333","display_name":"old","hostname":"old","project_id":"p","user_id":"u","metadata":{"k":"v"},"created_at":1700000000000000},"flavor":{"id":3,"flavorid":"1","name":"m1.tiny","vcpus":1,"memory_mb":512,"root_gb":1,"rxtx_factor":1.0,"is_public":true,"extra_specs":{}},"image":{"id":"44444444-4444-4444-8444-444444444444","name":"cirros","disk_format":"qcow2"},"nics":[{"port_id":"55555555-5555-4555-8555-555555555555","network_id":"22222222-2222-4222-8222-222222222222","network_name":"net","bridge":false,"source":"default","mac":"fa:16:3e:00:00:01","mtu":1500,"dhcp":false,"fixed_ips":[{"address":"10.20.0.2","prefix":24,"gateway":"10.20.0.1","version":4}],"dns_servers":[]}],"hints":{},"forced_host":"","vm_state":"active","task_state":"","power_state":1,"host":"a","node":"a.node","availability_zone":"nova","claim_id":"66666666-6666-4666-8666-666666666666","generation":1,"started_generation":1,"tried_hosts":["a"],"alternates":[],"attempts":[],"request_id":"req-1","action_request_id":"req-1","updated_at":1700000000000000,"launched_at":1700000000000000}');
INSERT INTO claims VALUES ('33333333-3333-4333-8333-333333333333', '66666666-6666-4666-8666-666666666666', 'a', 1, '{"DISK_GB":1,"MEMORY_MB":512,"VCPU":1}');
INSERT INTO addresses VALUES ('22222222-2222-4222-8222-222222222222', '10.20.0.2', '55555555-5555-4555-8555-555555555555', '33333333-3333-4333-8333-333333333333');
INSERT INTO requests VALUES ('client-1', 'digest', 1700000000000000, '["33333333-3333-4333-8333-333333333333"]');

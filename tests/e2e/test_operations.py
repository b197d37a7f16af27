# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md, carried out: its commands as they stand there, on a cloud with the certificates,
the broker's users and the files it tells of."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request

import pika
import pytest

from cloud import BIN, PATIENCE, ROOT, Cloud, CliError, Daemon, free_port, poll

PAGE = (ROOT / "docs" / "operations.md").read_text()


def block(word, language="sh"):
    """The code block of the page that holds `word`."""
    found = [code for kind, code in re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.S | re.M)
             if kind == language and word in code]
    assert len(found) == 1, f"{len(found)} blocks of the page have {word}"
    return found[0]


def shell(code, directory, path=None):
    """Runs it as it stands; `path` goes before PATH."""
    env = {**os.environ, "PATH": f"{path}:{BIN}:{os.environ['PATH']}" if path else f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", code], cwd=directory, env=env, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Page(Cloud):
    """The page's cloud: TLS, a user at the broker for each, secrets in files of their own."""

    def __init__(self):
        super().__init__(agents=["compute1"], start=False)
        self.port, self.metrics = free_port(), {"scheduler": free_port(), "compute1": free_port()}
        self.tools = self.directory / "tools"

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        try:
            super().__enter__()
            self.tools.mkdir()
            self.certificates()
            self.users()
            self.start_scheduler()
            self.start_agent("compute1")
            self.wait_hosts_up(["compute1"])
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def certificates(self):
        (self.directory / "pki").mkdir()
        assert shell(block("openssl req"), self.directory / "pki").count(": OK") == 3

    def users(self):
        tool = self.tools / "rabbitmqctl"
        env = " ".join(f"'{k}={v}'" for k, v in self.broker._environment().items())
        tool.write_text(f"#!/bin/sh\nexec env -i {env} {self.broker.directory}/rabbitmq/sbin/rabbitmqctl -q \"$@\"\n")
        tool.chmod(0o755)
        shell(block("rabbitmqctl add_vhost"), self.directory, self.tools)
        # For the tests: an operator who may see everything there.
        shell("rabbitmqctl set_permissions -p kilonova guest '.*' '.*' '.*'", self.directory, self.tools)

    def amqp(self, user, password):
        return f"amqp://{user}:{password}@127.0.0.1:{self.broker.port}/kilonova"

    def pem(self, name):
        return f"{self.directory}/pki/{name}"

    def secret(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start_scheduler(self, extra="", **env):
        password = self.secret("amqp-password", "scheduler-secret\n")
        self.config = self.write_config("scheduler", f"""
listen: "{self.server}"
state_dir: "{self.directory}/scheduler"
tls: {{ca: "{self.pem('ca.pem')}", cert: "{self.pem('scheduler.pem')}", key: "{self.pem('scheduler.key')}"}}
amqp: {{url: "amqp://scheduler@127.0.0.1:{self.broker.port}/kilonova", password_file: "{password}"}}
metrics: {{listen: "127.0.0.1:{self.metrics['scheduler']}"}}
{extra}""")
        self.scheduler = Daemon("scheduler", [str(BIN / "kilonova-scheduler"), "--config", str(self.config)],
                                self.directory, env)
        return self.scheduler.start()

    def agent_config_of(self, name, certificate):
        url = self.secret(f"amqp-url-{name}", self.amqp("compute1", "compute1-secret") + "\n")
        return self.write_config(f"agent-{name}", f"""
host: "{name}"
state_dir: "{self.directory}/agent-{name}"
libvirt: {{uri: "{self.libvirtd.uri}", virt_type: qemu}}
amqp: {{url_file: "{url}"}}
scheduler:
  address: "{self.server}"
  tls: {{ca: "{self.pem('ca.pem')}", cert: "{self.pem(certificate + '.pem')}", key: "{self.pem(certificate + '.key')}"}}
images: {{file_roots: ["{self.directory}"]}}
metrics: {{listen: "127.0.0.1:{self.metrics.setdefault(name, free_port())}"}}
""")

    def start_agent(self, name, certificate=None, **env):
        config = self.agent_config_of(name, certificate or name)
        self.agents[name] = Daemon(f"agent-{name}", [str(BIN / "kilonova-agent"), "--config", str(config)],
                                   self.directory, env)
        return self.agents[name].start()

    def cli(self, *args, timeout=60, json_out=True, certificate="operator"):
        tls = ["--ca", self.pem("ca.pem")]
        if certificate:
            tls += ["--cert", self.pem(certificate + ".pem"), "--key", self.pem(certificate + ".key")]
        return super().cli(*tls, *args, timeout=timeout, json_out=json_out)

    def get(self, who, path):
        """Status and text of an HTTP answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics[who]}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, who, name):
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get(who, "/metrics")[1], re.M)
        return float(found[0]) if found else None


@pytest.fixture(scope="module")
def page():
    with Page() as one:
        one.seed()
        yield one


@pytest.fixture(autouse=True)
def tidy(page):
    yield
    page.settle()
    page.assert_no_leak()


def test_what_an_installation_puts_where(page):
    prefix = page.directory / "usr-local"
    done = subprocess.run(["cmake", "--install", str(BIN.parent), "--prefix", str(prefix)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = sorted(p.name for p in (prefix / "bin").iterdir())
    assert names == ["kilonova", "kilonova-agent", "kilonova-scheduler"]
    assert (ROOT / "CMakePresets.json").read_text().count('"release"') >= 1


def test_check_and_print_the_configuration(page):
    code = block("--check-config").replace("/etc/kilonova/scheduler.yaml", str(page.config)).replace(
        "/etc/kilonova/agent.yaml", f"{page.directory}/agent-compute1.yaml")
    printed = shell(code, page.directory)
    assert "configuration is good" in printed and "host: compute1" in printed
    assert "secret" not in printed.replace("password_file", ""), "secrets are hidden"
    # Keys nobody knows, wrong values, what others may write: with the line.
    for text, mode, words in (("lease: 2s\ncolour: blue\n", 0o600, ["colour", ":2"]),
                              ("lease: 2\n", 0o600, ["lease", ":1"]), ("lease: 2s\n", 0o666, ["writ"])):
        bad = page.write_config("bad", text)
        bad.chmod(mode)
        for program in ("kilonova-scheduler", "kilonova-agent"):
            text = text if program == "kilonova-scheduler" else text.replace("lease", "drain_timeout")
            bad.write_text(text)
            done = subprocess.run([BIN / program, "--config", bad, "--check-config"], capture_output=True, text=True,
                                  check=False)
            assert done.returncode == 2, (program, text, done)
            for word in words:
                assert word.replace("lease", "drain_timeout" if "agent" in program else "lease") in done.stderr, done
    env = {**os.environ, "KILONOVA_AMQP_URL": "amqp://broker.example/x", "KILONOVA_PLACEMENT_ISOLATED_HOSTS": "a,b"}
    done = subprocess.run([BIN / "kilonova-scheduler", "--print-config"], capture_output=True, text=True, env=env,
                          check=True)
    assert "broker.example" in done.stdout and re.search(r"isolated_hosts: \[?a, ?b", done.stdout), done.stdout


def test_certificates_say_who_may_speak_for_a_host(page):
    assert page.cli("host", "list")[0]["name"] == "compute1"
    for certificate in (None,):
        with pytest.raises(CliError) as error:
            page.cli("host", "list", certificate=certificate)
        assert error.value.code == 3
    # Another host with this one's certificate gets no session, and is no host.
    other = page.start_agent("compute2", certificate="compute1")
    poll(lambda: re.search("certificate|PERMISSION|HOST_", other.log.read_text()),
         lambda: "why it is kept out" + other.tail())
    assert sorted(page.hosts()) == ["compute1"]
    other.stop()
    del page.agents["compute2"]


def test_a_hosts_user_at_the_broker_sees_its_own_queue_alone(page):
    def channel():
        connection = pika.BlockingConnection(pika.URLParameters(page.amqp("compute1", "compute1-secret")))
        return connection.channel()

    page.broker.ctl("add_user", "compute9", "x")
    admin = pika.BlockingConnection(pika.URLParameters(page.amqp("guest", "guest"))).channel()
    admin.queue_declare("compute.compute9", durable=True, arguments={"x-queue-type": "quorum"})
    for forbidden in (lambda c: c.basic_get("compute.compute9"),
                      lambda c: c.queue_bind("compute.compute1", "nova", "compute.compute9"),
                      lambda c: c.queue_declare("mine"),
                      lambda c: c.queue_purge("compute.compute9")):
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as error:
            forbidden(channel())
        assert error.value.reply_code == 403, error.value
    # Nor can it forge a message for another: the topic permission holds for publishing too.
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as error:
        one = channel()
        one.confirm_delivery()
        one.basic_publish("nova", "compute.compute9", b"{}")
    assert error.value.reply_code == 403
    admin.queue_delete("compute.compute9")


def test_what_to_watch(page):
    uuid = page.create("watched")
    page.wait_state(uuid, "ACTIVE")
    for who in ("scheduler", "compute1"):
        assert page.get(who, "/healthz") == (200, "ok\n") or page.get(who, "/healthz")[0] == 200
        status, text = page.get(who, "/readyz")
        assert status == 200 and text.strip() == "ok", text
    alerts = re.search(r"^Worth an alert: (.*?)\n\n", PAGE, re.S | re.M)[1]
    names = re.findall(r"`(kilonova_scheduler_\w+)`", alerts)
    assert len(names) >= 3
    for name in names:
        assert page.metric("scheduler", name) is not None, name
    assert page.metric("scheduler", "kilonova_scheduler_broker_connected") == 1

    # The request's id is in each of the agent's lines about it.
    request = page.show(uuid)["request_id"]
    found = shell(block("grep req-").replace(re.search(r"req-[0-9a-f-]{36}", block("grep req-"))[0], request)
                  .replace("agent.log", str(page.agents["compute1"].log)), page.directory)
    assert uuid in found

    # What is refused is counted with its reason, and dead.
    admin = pika.BlockingConnection(pika.URLParameters(page.amqp("guest", "guest"))).channel()
    admin.basic_publish("nova", "compute.compute1", b'{"oslo.version": "3.0"}')
    poll(lambda: page.metric("compute1", "kilonova_agent_messages_refused_total"), "the refusal is counted")
    assert 'what="' in re.search(r"kilonova_agent_messages_refused_total\S+", page.get("compute1", "/metrics")[1])[0]
    log = page.agents["compute1"].log.read_text()
    assert re.search(r"refused.*[0-9a-f]{64}", log), "its log has the body's digest"
    script = page.directory / "dead.py"
    script.write_text(block("dead.py", "python"))
    out = poll(lambda: subprocess.run(["/usr/bin/python3", script, page.amqp("guest", "guest")], capture_output=True,
                                      text=True, check=True).stdout, "the dead letter")
    assert "compute.compute1" in out and "3.0" in out
    # It took nothing away.
    assert "3.0" in poll(lambda: subprocess.run(["/usr/bin/python3", script, page.amqp("guest", "guest")],
                                                capture_output=True, text=True, check=True).stdout, "it again")
    purge = re.search(r"`(rabbitmqctl purge_queue [^`]*)`", PAGE)[1]
    shell(purge, page.directory, page.tools)
    assert admin.queue_declare("nova.dead", passive=True).method.message_count == 0
    page.delete(uuid)


def test_without_scheduler_or_broker(page):
    """Not ready, and why; what was accepted waits for the broker, what is new finds no host."""
    uuid = page.create("there")
    page.wait_state(uuid, "ACTIVE")
    page.scheduler.stop()
    poll(lambda: page.get("compute1", "/readyz")[0] != 200, "the agent misses its session")
    assert page.get("compute1", "/readyz")[1].strip()
    assert page.get("compute1", "/healthz")[0] == 200
    page.scheduler.start()
    poll(lambda: page.get("compute1", "/readyz")[0] == 200, "the agent is back")
    page.wait_hosts_up(["compute1"])
    page.broker.wait_for_queue_on_disk("compute.compute1")
    page.broker.kill9()
    try:
        poll(lambda: page.get("scheduler", "/readyz")[0] != 200, "the scheduler misses its broker")
        assert page.metric("scheduler", "kilonova_scheduler_broker_connected") == 0
        poll(lambda: any(r.startswith("QUEUE_DEAF") for r in page.hosts()["compute1"]["degraded"]),
             lambda: f"the host says so: {page.hosts()}")
        assert page.cli("instance", "delete", uuid)["task_state"] == "deleting"
        assert page.metric("scheduler", "kilonova_scheduler_outbox_pending") == 1
        new = page.create("new")
        assert page.wait_state(new, "ERROR")["fault"]["reason"] == "NO_VALID_HOST"
        assert page.domains() == {uuid: True}
    finally:
        page.broker.start()
    page.wait_state(uuid, "DELETED")
    page.wait_hosts_up(["compute1"])
    page.delete(new)


def test_a_disabled_host_keeps_what_it_has(page):
    uuid = page.create("stays")
    page.wait_state(uuid, "ACTIVE")
    command = re.search(r"`kilonova (host disable HOST --reason \"[^`]*\")`", PAGE)[1]
    page.cli(*re.sub(r'"', "", command.replace("HOST", "compute1")).split(" ", 4))
    assert page.hosts()["compute1"]["disabled_reason"] == "disk replacement"
    other = page.create("goes nowhere")
    assert page.wait_state(other, "ERROR")["fault"]["reason"] == "NO_VALID_HOST"
    assert page.domains() == {uuid: True}
    assert page.cli("explain", other)["passed"] == "0"
    page.cli("host", "enable", "compute1")
    page.delete(other)
    page.delete(uuid)


def test_signals(page):
    """SIGHUP: the scheduler reads its log's level again, the agent does nothing. SIGTERM twice: the
    agent ends at once."""
    page.config.write_text(page.config.read_text() + "log: {level: debug}\n")
    page.scheduler.process.send_signal(signal.SIGHUP)
    poll(lambda: "configuration reloaded" in page.scheduler.log.read_text(), "the reload")
    page.cli("host", "list")
    agent = page.agents["compute1"]
    agent.process.send_signal(signal.SIGHUP)
    poll(lambda: "nothing to reload" in agent.log.read_text(), "the agent's shrug")
    uuid = page.create("guest")
    page.wait_state(uuid, "ACTIVE")
    # A stop that waits for its guest, which heeds no button.
    page.cli("instance", "stop", uuid)
    agent.process.send_signal(signal.SIGTERM)
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(PATIENCE) == 0
    assert page.domains() == {uuid: True} or page.domains() == {uuid: False}, "the guest is as it was"
    agent.start()
    page.wait_state(uuid, "STOPPED")
    assert page.scheduler.stop() == 0
    page.scheduler.start()
    page.wait_hosts_up(["compute1"])
    page.delete(uuid)
    for program in ("kilonova-scheduler", "kilonova-agent"):
        assert subprocess.run([BIN / program, "--nonsense"], capture_output=True, check=False).returncode == 2
    taken = subprocess.run([BIN / "kilonova-scheduler", "--config", page.config], capture_output=True, check=False)
    assert taken.returncode == 1, "the directory is another's"


def test_backup_and_restore(page):
    kept = page.create("kept")
    gone = page.create("deleted since")
    page.wait_state(kept, "ACTIVE")
    page.wait_state(gone, "ACTIVE")
    state, backup = page.directory / "scheduler", page.directory / "backup"
    backup.mkdir()
    code = block(".backup").replace("/var/lib/kilonova-scheduler", str(state)).replace("/backup/", f"{backup}/")
    assert shell(code, page.directory).strip() == "ok"
    page.delete(gone)
    later = page.create("made since")
    made = page.wait_state(later, "ACTIVE")
    page.scheduler.stop()
    shutil.copy(backup / "scheduler.db", state / "scheduler.db")
    for end in ("-wal", "-shm"):
        (state / f"scheduler.db{end}").unlink(missing_ok=True)
    page.scheduler.start()
    page.wait_hosts_up(["compute1"])
    assert page.domains() == {kept: True, later: True}, "guests never die of it"
    poll(lambda: "host has an instance nobody knows; left alone" in page.scheduler.log.read_text(),
         "what the log says of it")
    again = poll(lambda: page.show(gone) if page.show(gone)["power_state"] == "POWER_STATE_NOSTATE" else None,
                 "listed again with power NOSTATE")
    assert again["vm_state"] == "VM_STATE_ACTIVE"
    page.delete(gone)
    # Numbers and addresses of guests it does not know are not given again.
    new = page.create("new")
    fresh = page.wait_state(new, "ACTIVE")
    assert int(fresh["id"]) > int(made["id"])
    assert fresh["interfaces"][0]["fixed_ips"] != made["interfaces"][0]["fixed_ips"]
    # By hand, as the page says.
    page.libvirtd.virsh("destroy", later)
    page.libvirtd.virsh("undefine", later)
    shutil.rmtree(page.directory / "agent-compute1" / "instances" / later)
    page.agents["compute1"].restart()
    page.wait_hosts_up(["compute1"])
    for uuid in (kept, new):
        page.delete(uuid)


def test_a_lost_journal(page):
    uuid = page.create("adopted")
    page.wait_state(uuid, "ACTIVE")
    agent, state = page.agents["compute1"], page.directory / "agent-compute1"
    nobody = state / "instances" / "00000000-0000-4000-8000-000000000001"
    nobody.mkdir()
    agent.stop()
    for end in ("", "-wal", "-shm"):
        if (state / f"journal.db{end}").exists():
            shutil.move(state / f"journal.db{end}", page.directory / f"lost.db{end}")
    agent.start()
    page.wait_hosts_up(["compute1"])
    assert page.domains() == {uuid: True}
    poll(lambda: not nobody.exists(), "the directory nobody knows is put away")
    assert [p.name.split(".")[0] for p in (state / "quarantine").iterdir()] == [nobody.name]
    page.cli("instance", "stop", uuid, "--wait", timeout=120)
    page.cli("instance", "start", uuid, "--wait", timeout=120)
    with sqlite3.connect(state / "journal.db") as journal:
        assert journal.execute("SELECT count(*) FROM instances").fetchone() == (1,)
    page.delete(uuid)


def test_a_queue_that_is_deleted_comes_again(page):
    command = re.search(r"`(rabbitmqctl delete_queue -p kilonova compute\.HOST)`", PAGE)[1]
    shell(command.replace("HOST", "compute1"), page.directory, page.tools)
    uuid = poll(lambda: _active(page), "the agent has declared it anew", every=1)
    page.delete(uuid)


def _active(page):
    uuid = page.create("x")
    if page.wait_state(uuid, "ACTIVE", "ERROR")["vm_state"] == "VM_STATE_ACTIVE":
        return uuid
    page.delete(uuid)
    return None


def test_what_others_may_read(page):
    """docs/formats/host-files.md and docs/security.md: modes of what is kept, no core dumps."""
    uuid = page.create("kept")
    page.wait_state(uuid, "ACTIVE")
    scheduler, agent = page.directory / "scheduler", page.directory / "agent-compute1"

    def mode(path):
        return oct(path.stat().st_mode & 0o7777)

    assert mode(scheduler) == "0o700" and mode(scheduler / "scheduler.db") == "0o600"
    table = re.findall(r"^\| `([^`]+)`[^|]*\| (0\d+) \|", (ROOT / "docs/formats/host-files.md").read_text(), re.M)
    assert len(table) >= 7, table
    for name, want in table:
        for path in agent.glob(re.sub(r"<[^>]*>", "*", name)) if name != "." else [agent]:
            assert mode(path) == "0o" + want.lstrip("0"), path
    for daemon in (page.scheduler, page.agents["compute1"]):
        limits = open(f"/proc/{daemon.process.pid}/limits", encoding="utf-8").read()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits
        for secret in ("scheduler-secret", "compute1-secret"):
            assert secret not in daemon.log.read_text()
            assert secret.encode() not in open(f"/proc/{daemon.process.pid}/cmdline", "rb").read()
    page.delete(uuid)

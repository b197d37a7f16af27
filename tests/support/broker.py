#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real RabbitMQ of the caller's own: private ports, data, cookie and port mapper; nothing listens
beyond 127.0.0.1.

    with Broker() as broker:            # started, takes connections
        broker.kill9(); broker.restart()
        broker.ctl("list_queues", "name", "messages")
        broker.url                       # amqp://guest:guest@127.0.0.1:PORT/

As a program it keeps a broker for scripts (deploy/quickstart.sh):

    broker.py start DIR [--port N]   prints the URL once ready
    broker.py stop DIR
    broker.py ctl DIR ARGUMENT...
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# Not /usr/sbin/rabbitmq-server: that one changes to its own user and directories.
INSTALLED = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server").resolve().parent.parent


def take_port():
    """A free port, below the range that outgoing connections take theirs from, and the socket that
    keeps it from others who look for one; whoever sets SO_REUSEADDR, as servers do, can listen there."""
    while True:
        port = random.randrange(12000, 32000)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return port, holder


def free_port():
    port, holder = take_port()
    holder.close()
    return port


def greets(port):
    """The broker has answered an AMQP greeting."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"AMQP\x00\x00\x09\x01")
            return s.recv(1) == b"\x01"
    except OSError:
        return False


class Broker:
    def __init__(self, directory=None, port=None, extra_config="", keep=None, start=True):
        self.made_directory = directory is None
        self.keep = bool(os.environ.get("KILONOVA_TEST_KEEP")) if keep is None else keep
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="kn-broker-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.epmd = self.server = None
        facts = self.directory / "facts.json"
        if facts.exists():
            self.facts = json.loads(facts.read_text())
        else:
            taken = {name: take_port() for name in ("port", "epmd_port", "dist_port")}
            self._holders = [holder for _, holder in taken.values()]  # as long as this object
            self.facts = {name: number for name, (number, _) in taken.items()}
            self.facts["port"] = port or self.facts["port"]
            self.facts["node"] = f"kn{os.getpid()}p{self.facts['port']}@localhost"
            facts.write_text(json.dumps(self.facts))
            self._write_files(extra_config)
        self.port, self.node = self.facts["port"], self.facts["node"]
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    def _write_files(self, extra_config):
        d = self.directory
        for name in ("home", "mnesia", "log"):
            (d / name).mkdir(exist_ok=True)
        cookie = d / "home/.erlang.cookie"
        cookie.write_text("TEST%d%d" % (self.facts["port"], self.facts["epmd_port"]))
        cookie.chmod(0o400)
        # Names are looked up here alone: a slow resolver would cost every start its timeout.
        (d / "inetrc").write_text('{lookup,[file]}.\n{host,{127,0,0,1},["localhost","%s"]}.\n'
                                  % socket.gethostname())
        (d / "enabled_plugins").write_text("[].\n")
        (d / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.facts['port']}\n"
            "loopback_users.guest = true\n"
            "vm_memory_high_watermark.absolute = 4GB\n"
            "disk_free_limit.absolute = 10MB\n"
            "log.console = false\n" + extra_config)

        # The installation without its optional plugins: every module is looked for in every folder,
        # and a start costs a third less without them.
        slim = d / "rabbitmq"
        for folder in ("sbin", "plugins"):
            (slim / folder).mkdir(parents=True, exist_ok=True)
            for entry in (INSTALLED / folder).iterdir():
                optional = entry.name.startswith("rabbitmq_") and "prelaunch" not in entry.name
                if not optional:
                    (slim / folder / entry.name).symlink_to(entry)
        (slim / "escript").symlink_to(INSTALLED / "escript")

    def _environment(self):
        d = str(self.directory)
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": d + "/home",
            "ERL_INETRC": d + "/inetrc",
            "ERL_EPMD_PORT": str(self.facts["epmd_port"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SCRIPTS_DIR": d + "/rabbitmq/sbin",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self.facts["dist_port"]),
            "RABBITMQ_MNESIA_BASE": d + "/mnesia",
            "RABBITMQ_LOG_BASE": d + "/log",
            "RABBITMQ_CONFIG_FILE": d + "/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": d + "/none.config",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": d + "/enabled_plugins",
            "RABBITMQ_PID_FILE": d + "/pid",
            # Makes the script become the Erlang machine instead of watching over it.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -start_epmd false "
            "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
        }

    @property
    def log(self):
        return self.directory / "log" / (self.node + ".log")

    def _spawn(self, command, name):
        with open(self.directory / (name + ".out"), "wb") as out:
            return subprocess.Popen(command, env=self._environment(), cwd="/",
                                    stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT, start_new_session=True)

    def start(self, patience=120):
        if self.epmd is None:
            self.epmd = self._spawn(["/usr/bin/epmd", "-port", str(self.facts["epmd_port"]),
                                     "-address", "127.0.0.1"], "epmd")
        seen = self.log.stat().st_size if self.log.exists() else 0
        self.server = self._spawn([self.directory / "rabbitmq/sbin/rabbitmq-server"], "server")
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.server.poll() is not None:
                raise RuntimeError("rabbitmq-server exited: "
                                   + (self.directory / "server.out").read_text(errors="replace"))
            if self.log.exists():
                with open(self.log, "rb") as log:
                    log.seek(seen)
                    started = b"Server startup complete" in log.read()
                if started and greets(self.port):
                    return self
            time.sleep(0.02)
        self.kill9()
        raise RuntimeError(f"rabbitmq-server was not ready in time; its log: {self.log}")

    def _end(self, which):
        process = getattr(self, which)
        if process is not None:
            if process.poll() is None:
                process.kill()
            process.wait()
            setattr(self, which, None)

    def kill9(self):
        self._end("server")

    def stop(self, patience=20):
        """As an operator would."""
        if self.server is None:
            return
        self.server.terminate()
        try:
            self.server.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        self._end("server")

    def restart(self):
        self.kill9()
        return self.start()

    def pause(self):
        self.server.send_signal(signal.SIGSTOP)

    def unpause(self):
        self.server.send_signal(signal.SIGCONT)

    def ctl(self, *arguments):
        done = subprocess.run([self.directory / "rabbitmq/sbin/rabbitmqctl", "-q", *arguments], env=self._environment(),
                              cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmqctl {arguments}: {done.stderr}{done.stdout}")
        return done.stdout

    def wait_for_queue_on_disk(self, queue, patience=10):
        """RabbitMQ 3.10 writes a new quorum queue's name down about half a second after declaring
        it; a queue killed before that never elects a leader again."""
        names = self.directory / "mnesia" / self.node / "quorum" / self.node / "names.dets"
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if names.exists() and b"_" + queue.encode() in names.read_bytes():
                return
            time.sleep(0.02)
        raise RuntimeError(f"queue {queue} did not reach {names}")

    def close(self):
        """Ends exactly what this object started; removes the directory if it made it."""
        self._end("server")
        self._end("epmd")
        if self.made_directory and not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def started_as(pid, word):
    """True when `pid` still is the process we wrote down, by its command line."""
    try:
        return word.encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["start", "stop", "ctl"])
    parser.add_argument("directory")
    parser.add_argument("--port", type=int)
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    directory = os.path.abspath(options.directory)
    pids = pathlib.Path(directory) / "pids.json"
    if options.action == "start":
        port = options.port
        if "--port" in options.rest:  # argparse leaves it there after the directory
            port = int(options.rest[options.rest.index("--port") + 1])
        broker = Broker(directory, port=port, keep=True)
        pids.write_text(json.dumps({"server": broker.server.pid, "epmd": broker.epmd.pid}))
        print(broker.url)
        return 0
    if options.action == "ctl":
        sys.stdout.write(Broker(directory, start=False).ctl(*options.rest))
        return 0
    if not pids.exists():
        return 0
    known = json.loads(pids.read_text())
    for which, word, sig in (("server", "beam", signal.SIGTERM), ("epmd", "epmd", signal.SIGTERM)):
        pid = known[which]
        deadline = time.monotonic() + 20
        while started_as(pid, word):
            os.kill(pid, sig if time.monotonic() < deadline - 2 else signal.SIGKILL)
            time.sleep(0.1)
    pids.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""A program of ours under test, and waiting for what it does."""
import os
import pathlib
import re
import subprocess
import threading
import time


# Seconds for what has no time limit of its own: longer than anything takes, on a machine that does ten
# other things too.
PATIENCE = 90


def poll(condition, what, seconds=PATIENCE, every=0.05):
    """Waits until condition() is truthy and returns it; `what` it waits for is a text or makes one."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        last = condition()
        if last:
            return last
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(every)


class Daemon:
    """One of our programs, restartable with the same or another environment."""

    def __init__(self, name, argv, directory, env=None):
        self.name, self.argv, self.directory = name, argv, pathlib.Path(directory)
        self.ready_file = self.directory / f"{name}.ready"
        self.log = self.directory / f"{name}.log"
        self.env = dict(env or {})
        self.process = None
        self.starts = 0
        self.exits = []
        self._supervisor = None
        self._stop = threading.Event()

    def start(self, wait=True, **env):
        self.env.update(env)
        self.ready_file.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.argv, "--ready-file", str(self.ready_file)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, **self.env}, start_new_session=True)
        self.starts += 1
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=PATIENCE):
        poll(lambda: self.ready_file.exists() or self.process.poll() is not None,
             lambda: f"{self.name} ready; its log ends: {self.tail()}", seconds, every=0.01)
        if not self.ready_file.exists():
            raise AssertionError(f"{self.name} exited {self.process.returncode}: {self.tail()}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=PATIENCE):
        self._stop.set()
        if self._supervisor:
            self._supervisor.join()
            self._supervisor = None
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill9()
                raise AssertionError(f"{self.name} did not stop in {seconds} s: {self.tail()}")
        return self.process.returncode if self.process else None

    def restart(self, **env):
        self.stop()
        return self.start(**env)

    def supervise(self):
        """Starts it again whenever it dies."""
        self._stop.clear()

        def run():
            while not self._stop.wait(0.05):
                if self.process.poll() is not None:
                    self.exits.append(self.process.returncode)
                    self.start(wait=False)

        self._supervisor = threading.Thread(target=run, daemon=True)
        self._supervisor.start()

    def unsupervise(self):
        self._stop.set()
        if self._supervisor:
            self._supervisor.join()
            self._supervisor = None

    def tail(self, lines=25):
        if not self.log.exists():
            return "(no log)"
        return "\n" + "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def rss_kb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kilonova-scheduler as a process: configuration, start, one owner, reload, end."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ["KILONOVA_BUILD_DIR"])
SOURCE = pathlib.Path(__file__).resolve().parents[3]
BINARY = BUILD / "bin" / "kilonova-scheduler"


def wait_for(condition, what, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.01)


class DaemonTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="kilonova-scheduler-")
        self.dir = pathlib.Path(self.directory.name)
        self.processes = []
        # Nobody listens there: the scheduler must do without a broker until it comes.
        self.config = self.write(
            f'listen: "127.0.0.1:0"\nstate_dir: "{self.dir}/state"\n'
            'amqp: {url: "amqp://guest:hush@127.0.0.1:1/"}\n')

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.directory.cleanup()

    def write(self, text, name="scheduler.yaml"):
        path = self.dir / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def run_once(self, *args, **env):
        return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True,
                              timeout=60, env={**os.environ, **env}, check=False)

    def start(self, *args):
        ready = self.dir / "ready"
        ready.unlink(missing_ok=True)
        log = open(self.dir / "log", "ab")
        process = subprocess.Popen(
            [BINARY, "--config", str(self.config), "--ready-file", str(ready), *args],
            stdout=log, stderr=log)
        log.close()
        self.processes.append(process)
        wait_for(lambda: ready.exists() or process.poll() is not None, "the ready file")
        self.assertIsNone(process.poll(), self.log())
        return process, ready.read_text().strip()

    def log(self):
        return (self.dir / "log").read_text()

    def test_shipped_example_is_good_and_says_the_defaults(self):
        example = self.write((SOURCE / "deploy/config/scheduler.yaml").read_text(), "example.yaml")
        shipped = self.run_once("--config", example, "--print-config")
        self.assertEqual(shipped.returncode, 0, shipped.stderr)
        self.assertEqual(shipped.stdout, self.run_once("--print-config").stdout)
        self.assertEqual(self.run_once("--config", example, "--check-config").returncode, 0)

    def test_bad_configuration_is_refused_with_all_that_is_wrong(self):
        bad = self.write("lease: 15\ncolour: blue\nplacement: {enabled_filters: [NoFilter]}\n")
        result = self.run_once("--config", bad, "--check-config")
        self.assertEqual(result.returncode, 2)
        for word in ("lease", "colour"):
            self.assertIn(word, result.stderr)
        for text in ('listen: "0.0.0.0:9500"\n', "placement: {enabled_filters: [NoFilter]}\n",
                     "amqp: {url: 'http://x'}\n", "placement: {weight_multipliers: {x: 1.0}}\n"):
            result = self.run_once("--config", self.write(text), "--check-config")
            self.assertEqual(result.returncode, 2, text)
        self.assertEqual(self.run_once("--nonsense").returncode, 2)

    def test_secrets_are_not_printed(self):
        printed = self.run_once("--config", self.config, "--print-config",
                                KILONOVA_AMQP_PASSWORD="whisper")
        self.assertEqual(printed.returncode, 0, printed.stderr)
        self.assertNotIn("hush", printed.stdout)
        self.assertNotIn("whisper", printed.stdout)

    def test_starts_without_a_broker_keeps_others_out_and_ends_in_order(self):
        process, address = self.start()
        self.assertRegex(address, r"^127\.0\.0\.1:[1-9][0-9]*$")
        self.assertIn(f"address={address}", self.log())
        second = self.run_once("--config", self.config)
        self.assertEqual(second.returncode, 1)
        self.assertIn("lock", second.stderr)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertIn("stopped", self.log())
        self.assertNotIn("hush", self.log())
        # The same state again, after an end and after a kill.
        process, _ = self.start()
        process.kill()
        process.wait()
        self.start()

    def test_reload_brings_new_flavors(self):
        flavors = self.dir / "flavors"
        flavors.mkdir()
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(f'flavor_dir: "{flavors}"\nmetrics: {{listen: "127.0.0.1:0"}}\n')
        process, _ = self.start()
        self.assertIn("new=0", self.log())
        for name in (SOURCE / "flavors/catalog").glob("*.yaml"):
            (flavors / name.name).write_bytes(name.read_bytes())
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "configuration reloaded" in self.log(), "the reload")
        self.assertRegex(self.log(), r"flavors seeded.* new=[1-9]")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])

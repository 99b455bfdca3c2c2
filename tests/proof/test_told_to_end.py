"""Who tells the proof to end does not wait for what its threads are waiting for."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from proof.mutants.copies import ROOT, Copy, Run

# A killed program that never comes back, and a Ctrl-C right after the kill.
STRUCK = """
import subprocess, sys
from types import SimpleNamespace
from proof.rig.killer import Killer

victim = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
market = SimpleNamespace(pid=lambda name: victim.pid)
chance = SimpleNamespace(choices=lambda names, weights: ["scheduler"], random=lambda: 1.0)
Killer(SimpleNamespace(market=market), chance)._strike()
assert victim.wait(10) != 0
print("struck", flush=True)
raise KeyboardInterrupt
"""
SLEEPS = """
import pathlib, time

def test_it() -> None:
    pathlib.Path("begun").touch()
    time.sleep(600)
"""


def test_nobody_waits_until_a_killed_program_works_again() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STRUCK], cwd=ROOT, capture_output=True, text=True, timeout=40
    )
    assert ended.stdout == "struck\n"
    assert ended.returncode != 0
    assert "KeyboardInterrupt" in ended.stderr


def test_the_tests_of_a_mutant_are_killed_and_no_others_begin(tmp_path: Path) -> None:
    (tmp_path / "proof").symlink_to(ROOT / "proof")  # pytest's plugin of a copy is there
    (tmp_path / "test_it.py").write_text(SLEEPS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:schemathesis\n")
    copy, runs = Copy(tmp_path), list[Run]()

    def run() -> None:
        runs.append(copy.run(["test_it.py"], stop_at_first=True, timeout_s=300))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    end = time.monotonic() + 40
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < end, "the tests did not begin"
        time.sleep(0.05)
    copy.end()
    thread.join(10)
    assert [bool(r.trouble) for r in runs] == [True]
    assert copy.run(["test_it.py"], stop_at_first=True, timeout_s=300).trouble

"""The API raises its limit of open files for its streams, and does not start where it cannot."""

import subprocess
import sys

_ASK = """
import resource, sys
soft, hard, needed = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from offerhub.cli.serve import allow_open_files
allow_open_files(needed)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def _ask(*, soft: int, hard: int, needed: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _ASK, str(soft), str(hard), str(needed)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_limit_is_raised_to_what_is_needed_and_no_further() -> None:
    assert _ask(soft=256, hard=1000, needed=700).stdout.split() == ["700", "1000"]
    assert _ask(soft=800, hard=1000, needed=700).stdout.split() == ["800", "1000"]


def test_a_system_that_allows_too_few_is_told_what_to_do() -> None:
    done = _ask(soft=256, hard=512, needed=700)
    assert done.returncode != 0
    for part in ("700 open files", "512", "OFFERHUB_EVENT_STREAMS", "LimitNOFILE"):
        assert part in done.stderr

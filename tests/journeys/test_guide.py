"""The guide for newcomers, copied block by block into one bash, as it says."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "api" / "guide.md"
SAID = (
    "FUNDS_RESERVED\nFUNDS_RESERVED\n", "ESCROW_FUNDING\nIN_PROGRESS\n",
    "UNDER_REVIEW\nUNDER_REVIEW\nRESOLVED\n", "56.82\n87.88\nSPLIT\n", '"dispute.resolved"',
    "The books are right", "OfferHub is down.",
)  # fmt: skip


@pytest.mark.full
@pytest.mark.timeout(300)
def test_the_guide_leads_from_the_first_key_to_a_resolved_dispute() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="oh-") as folder:
        try:
            followed = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", "".join(blocks)],
                cwd=folder, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=240,
            )  # fmt: skip
        finally:
            command = Path(folder, "my-market", "bin", "offerhub")
            if command.exists():
                subprocess.run([command, "down"], capture_output=True, timeout=60, check=False)
    told = followed.stdout + followed.stderr
    assert followed.returncode == 0, told
    place = 0
    for words in SAID:
        assert words in told[place:], told
        place = told.index(words, place)

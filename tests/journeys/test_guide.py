"""The guide for newcomers and its chapter on testing, copied block by block into one bash."""

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
    "19.50", "TOPUP_FAILED\n",
    "FUNDS_RESERVED\nESCROW_FUNDING\nIN_PROGRESS\nCOMPLETED\nRELEASED\nUNDER_REVIEW\nRESOLVED\nCLOSED\n",
    "WITHDRAWAL_COMPLETED\nWITHDRAWAL_CREATED\nWITHDRAWAL_COMPLETED\n9.90\n",
    "TOPUP_AWAITING_USER_CONFIRMATION\n",
    "The books are right", "OfferHub is down.",
)  # fmt: skip


def _blocks(page: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_the_guide_leads_from_the_first_key_to_a_resolved_dispute() -> None:
    *blocks, last = _blocks(GUIDE)
    blocks += [*_blocks(GUIDE.with_name("testing.md")), last]
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

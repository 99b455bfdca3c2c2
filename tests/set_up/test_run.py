"""`./run` sets up once, again when it must, and tells uv what pip has been told.

uv is played by a script that notes how it was called, so nothing is fetched.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_UV = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo "$@" >> "$UV_NOTES"
env | grep '^UV_\\|^SSL_CERT_FILE' | grep -v UV_NOTES >> "$UV_NOTES"
for venv; do :; done
if [ "$1" = venv ]; then
    rm -rf "$venv"; mkdir -p "$venv/bin"; ln -s "$NOTED_PYTHON" "$venv/bin/python"
    printf '#!/bin/sh\\necho "offerhub: $*"\\n' > "$venv/bin/offerhub"
    chmod +x "$venv/bin/offerhub"
fi
"""


class Checkout:
    """A copy of the script with a small pyproject.toml beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder.parent / f"{folder.name}.notes"
        folder.mkdir()
        shutil.copy(ROOT / "run", folder / "run")
        (folder / "pyproject.toml").write_text("[project]\n")
        uv = folder / ".boot" / "bin" / "uv"
        uv.parent.mkdir(parents=True)
        uv.write_text(_UV)
        uv.chmod(0o755)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PIP_", "UV_", "OFFERHUB_", "SSL_CERT"))
        }
        own = {
            "PYTHON": getattr(sys, "_base_executable", sys.executable),
            "NOTED_PYTHON": sys.executable,
            "UV_NOTES": str(self.notes),
            "PIP_CONFIG_FILE": os.devnull,
        }
        return subprocess.run(
            [str(self.folder / "run"), *arguments],
            env={**inherited, **own, **environment},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )

    def uv_calls(self) -> list[str]:
        """What uv was asked to do since the last look."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return [line.split()[0] for line in lines if line.startswith(("venv", "pip"))]

    def told_uv(self) -> set[str]:
        return set(self.notes.read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "a checkout")


def test_a_command_sets_up_once_and_then_starts_at_once(checkout: Checkout) -> None:
    first = checkout.run("offerhub", "ledger", "verify")
    assert first.stdout == "offerhub: ledger verify\n", first.stderr
    assert checkout.uv_calls() == ["venv", "pip"]
    second = checkout.run("offerhub", "ledger", "verify")
    assert (second.stdout, second.stderr) == (first.stdout, "")
    assert checkout.uv_calls() == []


def test_a_changed_project_file_is_installed_again(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.uv_calls()
    (checkout.folder / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    checkout.run("setup")
    assert checkout.uv_calls() == ["pip"]


def test_a_checkout_that_moved_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.run("setup")
    checkout.uv_calls()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))
    checkout.run("setup")
    assert checkout.uv_calls() == ["venv", "pip"]


def test_the_environment_can_live_elsewhere(checkout: Checkout, tmp_path: Path) -> None:
    shutil.copytree(checkout.folder / ".boot", tmp_path / "mine" / ".boot")
    done = checkout.run("demo", "--fast", OFFERHUB_VENV=str(tmp_path / "mine" / ".venv"))
    assert done.stdout.endswith(" --fast\n"), done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_what_pip_was_told_uv_is_told(checkout: Checkout) -> None:
    done = checkout.run(
        "setup",
        PIP_INDEX_URL="http://mirror.test/simple",
        PIP_EXTRA_INDEX_URL="http://a.test http://b.test",
        PIP_FIND_LINKS="/wheels /more",
        PIP_TRUSTED_HOST="mirror.test",
        PIP_CERT="/etc/own.pem",
    )
    assert done.returncode == 0, done.stderr
    assert checkout.told_uv() >= {
        "UV_DEFAULT_INDEX=http://mirror.test/simple",
        "UV_INDEX=http://a.test http://b.test",
        "UV_INDEX_STRATEGY=unsafe-best-match",  # pip takes the best of all its indexes
        "UV_FIND_LINKS=/wheels,/more",
        "UV_INSECURE_HOST=mirror.test",
        "SSL_CERT_FILE=/etc/own.pem",
    }


def test_what_uv_was_told_itself_comes_first(checkout: Checkout) -> None:
    checkout.run("setup", PIP_INDEX_URL="http://pip.test", UV_DEFAULT_INDEX="http://uv.test")
    assert "UV_DEFAULT_INDEX=http://uv.test" in checkout.told_uv()


def test_pips_configuration_file_counts_too(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://file.test/simple\n")
    checkout.run("setup", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert "UV_DEFAULT_INDEX=http://file.test/simple" in checkout.told_uv()


def test_a_python_that_does_not_run_is_named(checkout: Checkout) -> None:
    done = checkout.run("setup", PYTHON="/nowhere/python3")
    assert done.returncode == 1
    assert "/nowhere/python3" in done.stderr


def test_an_unknown_command_is_refused_before_any_set_up(checkout: Checkout) -> None:
    done = checkout.run("dance")
    assert done.returncode == 1
    assert "no such command: dance" in done.stderr
    assert checkout.uv_calls() == []


def test_help_needs_no_set_up(checkout: Checkout) -> None:
    done = checkout.run("help")
    assert done.returncode == 0
    assert "./run COMMAND" in done.stdout
    assert checkout.uv_calls() == []


def test_runs_that_start_together_set_up_once(checkout: Checkout) -> None:
    command = [str(checkout.folder / "run"), "setup"]
    environment = {
        **os.environ,
        "PYTHON": getattr(sys, "_base_executable", sys.executable),
        "NOTED_PYTHON": sys.executable,
        "UV_NOTES": str(checkout.notes),
    }
    started = [subprocess.Popen(command, env=environment) for _ in range(3)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    assert checkout.uv_calls() == ["venv", "pip"]


def test_the_demo_is_made_in_the_checkout_unless_told_otherwise(checkout: Checkout) -> None:
    folder = checkout.folder / "demo-market"
    assert checkout.run("demo", "--once").stdout == f"offerhub: demo --dir {folder} --once\n"
    told = checkout.run("demo", "--dir", "elsewhere").stdout
    assert told == "offerhub: demo --dir elsewhere\n"


@pytest.mark.parametrize("script", ["run", ".ci/run"])
def test_scripts_are_executable_and_plain_shell(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & stat.S_IXUSR
    assert path.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", str(path)], check=True, timeout=10)

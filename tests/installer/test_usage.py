"""Wrong or missing input to create-offerhub: a sentence and a code, never a traceback."""

import random
import socket
import string
import subprocess
import sys
import time
from pathlib import Path

import pytest
from create_offerhub import answers
from create_offerhub.checks import CHECKS
from create_offerhub.cli import create

from tests.installer.conftest import Install


def _refused(install: Install, code: int, text: str, *arguments: str | Path) -> None:
    ran = install(*arguments)
    assert ran.code == code, ran.said
    assert text in ran.err
    assert "Traceback" not in ran.said


def test_without_a_terminal_a_missing_answer_names_its_flag(install: Install, folder: Path) -> None:
    _refused(install, 2, "DIRECTORY", "--profile", "demo")
    _refused(install, 2, "--profile", folder)
    _refused(install, 2, "--public-url", folder, "--profile", "production")
    _refused(install, 2, "--public-url", folder, "--profile", "production", "--yes")
    assert not folder.exists()


def test_a_closed_input_ends_quickly(folder: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "create_offerhub", str(folder)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--profile" in done.stderr
    assert time.monotonic() - started < 10


def test_every_question_has_a_flag() -> None:
    flags = {name for parameter in create.params for name in parameter.opts}
    assert set(answers.FLAGS.values()) <= flags


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--public-url", "http://pay.shop.example"), "https for production"),
        (("--public-url", "https://"), "plain URL"),
        (("--public-url", "https://a b"), "plain URL"),
        (("--public-url", "https://x/path"), "plain URL"),
        (("--public-url", "https://u:p@x"), "plain URL"),
        (("--public-url", "https://x\nEVIL=1"), "plain URL"),
        (("--public-url", "https://{{x}}"), "plain URL"),
        (("--public-url", "https://x:99999"), "plain URL"),
        (("--public-url", "https://x", "--port", "0"), "--port"),
        (("--public-url", "https://x", "--port", "70000"), "--port"),
        (("--public-url", "https://x", "--port", "9", "--sandbox-port", "9"), "--sandbox-port"),
        (("--public-url", "https://x", "--port", "eight"), "--port"),
        (("--public-url", "https://x", "--ignore", "nonsense"), "there is no check"),
        (("--public-url", "https://x", "--ignore", "directory"), "cannot be ignored"),
        (("--nonsense",), "No such option"),
    ],
)
def test_a_bad_value_is_refused_with_its_flag(
    install: Install, folder: Path, arguments: tuple[str, ...], text: str
) -> None:
    _refused(install, 2, text, folder, "--profile", "production", "--yes", *arguments)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("profile = 'demo'\nsecret = 'x'", "'secret' is not an answer"),
        ("port = '8080'", "port must be int"),
        ("port = true", "port must be int"),
        ("profile = ", "is not TOML"),
        ("profile = 'staging'", "--profile must be one of"),
    ],
)
def test_a_bad_answers_file_is_refused(
    install: Install, folder: Path, tmp_path: Path, content: str, text: str
) -> None:
    file = tmp_path / "answers.toml"
    file.write_text(content)
    _refused(install, 2, text, folder, "--answers", file, "--yes")
    _refused(install, 2, "cannot be read", folder, "--answers", tmp_path / "none", "--yes")


def test_printed_answers_can_be_given_back(install: Install, folder: Path, tmp_path: Path) -> None:
    printed = install(folder, "--profile", "demo", "--yes", "--port", "18081", "--print-answers")
    assert printed.code == 0
    assert not folder.exists()
    file = tmp_path / "answers.toml"
    file.write_text(printed.out)
    again = install(folder, "--answers", file, "--print-answers")
    assert again.out == printed.out
    flag = install(folder, "--answers", file, "--port", "18082", "--print-answers")
    assert "port = 18082" in flag.out


def test_answers_of_an_existing_deployment_are_not_changed_by_flags(
    install: Install, folder: Path
) -> None:
    assert install(folder, "--profile", "demo", "--yes", "--port", "18083").code == 0
    _refused(install, 2, "--port: this deployment was made with 18083", folder, "--port", "18084")
    _refused(install, 2, "--profile: this deployment was made with 'demo'", folder, "--profile",
             "production")  # fmt: skip


@pytest.mark.parametrize("content", ["", "- a\n", "profile: [", "profile: demo\n", "\x00"])
def test_a_broken_record_of_answers_is_refused(
    install: Install, folder: Path, content: str
) -> None:
    folder.mkdir()
    (folder / ".copier-answers.yml").write_text(content)
    _refused(install, 2, "cannot be understood", folder, "--yes")


def test_a_port_that_is_taken_is_refused_before_any_write(install: Install, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        _refused(
            install, 3, f"{port} is in use", folder, "--profile", "demo", "--yes", "--port", port
        )
        assert not folder.exists()
        ran = install(folder, "--profile", "demo", "--yes", "--port", port, "--ignore", "port")
        assert ran.code == 0
        assert "ignored by request: port" in ran.err


def test_there_are_twenty_checks_and_all_are_told(install: Install, folder: Path) -> None:
    ran = install(folder, "--profile", "demo", "--yes", "--plan")
    assert len(CHECKS) >= 20
    lines = [line.split() for line in ran.err.splitlines() if line.startswith("  ")]
    assert [words[1] for words in lines] == list(CHECKS)
    assert {words[0] for words in lines} <= {"pass", "warn", "fail", "skip"}


@pytest.mark.parametrize("place", ["a\nb", "", "  ", "a\x1b[31m"])
def test_a_directory_that_would_break_a_line_is_refused(install: Install, place: str) -> None:
    _refused(install, 2, "DIRECTORY", place, "--profile", "demo", "--yes")


def test_a_file_in_the_way_is_refused(install: Install, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    _refused(install, 3, "is not a folder", tmp_path / "file", "--profile", "demo", "--yes")
    _refused(install, 3, "writable", tmp_path / "file" / "below", "--profile", "demo", "--yes")


def test_a_thousand_random_command_lines_end_without_a_traceback(
    install: Install, tmp_path: Path
) -> None:
    chance = random.Random(20260110)
    flags = [name for parameter in create.params for name in parameter.opts if name[0] == "-"]
    texts = ["demo", "production", "0", "-1", "99999999999999999999", "https://x.example", "", " ",
             "\x00", "é", "{{ 1 }}", "../../..", "~", "-", "--", "💶", str(tmp_path / "d"),
             "[::1", "https://[", "http://\udcff", "a" * 5000, "/dev/null"]  # fmt: skip
    for _ in range(1000):
        line = [chance.choice(chance.choice((flags, texts))) for _ in range(chance.randint(0, 6))]
        if chance.random() < 0.3:
            line.append("".join(chance.choices(string.printable, k=12)))
        ran = install(*line, "--plan", "--ignore", "no-such-check")
        assert ran.code in {0, 1, 2, 3}, line
        assert "Traceback" not in ran.said, line
    assert not list(tmp_path.iterdir())

"""Where the key comes from, and where it must not."""

from pathlib import Path

import pytest
from offerhub_tui.profiles import Profile, ProfileProblem, find_profile, read_key


def key_file(folder: Path, *, text: str = "ohk_test_key_secret\n", mode: int = 0o600) -> Path:
    path = folder / "admin.key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_key_file_holds_the_plain_key(tmp_path: Path) -> None:
    assert read_key(key_file(tmp_path)) == "ohk_test_key_secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601, 0o610])
def test_a_key_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ProfileProblem, match="chmod 600"):
        read_key(key_file(tmp_path, mode=mode))


@pytest.mark.parametrize("text", ["", "\n", "two words", "a\x00b", "x" * 5000])
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProfileProblem, match="does not hold") as caught:
        read_key(key_file(tmp_path, text=text))
    assert "two" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileProblem, match="cannot read"):
        read_key(tmp_path / "none")
    with pytest.raises(ProfileProblem):
        read_key(tmp_path)


def test_the_deployment_says_address_and_key(tmp_path: Path) -> None:
    key_file(tmp_path)
    (tmp_path / "config.env").write_text("# bind\nOFFERHUB_BIND='0.0.0.0:9000'\nOTHER=x\n")
    profile = find_profile(url=None, key_file=None, environ={"OFFERHUB_HOME": str(tmp_path)})
    assert profile == Profile(url="http://127.0.0.1:9000", key="ohk_test_key_secret")


def test_the_real_environment_wins_over_the_file(tmp_path: Path) -> None:
    key_file(tmp_path)
    (tmp_path / "config.env").write_text("OFFERHUB_BIND=127.0.0.1:9000\n")
    environ = {"OFFERHUB_HOME": str(tmp_path), "OFFERHUB_BIND": "127.0.0.1:9100"}
    profile = find_profile(url=None, key_file=None, environ=environ)
    assert profile.url == "http://127.0.0.1:9100"


def test_options_win_over_the_deployment(tmp_path: Path) -> None:
    key = key_file(tmp_path)
    profile = find_profile(url="https://pay.example.com", key_file=key, environ={})
    assert profile.url == "https://pay.example.com"


def test_without_a_deployment_the_key_file_must_be_named() -> None:
    with pytest.raises(ProfileProblem, match="--key-file"):
        find_profile(url="https://pay.example.com", key_file=None, environ={})


def test_the_key_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Profile(url="http://x", key="ohk_secret"))

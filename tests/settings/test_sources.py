"""Where settings come from: files of a deployment, files of single secrets, the environment."""

from pathlib import Path

import pytest

from offerhub.settings import InvalidSettings, load, load_home, load_process, origins, paths
from offerhub.settings.fields import secret_variables
from tests.settings import environs


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A deployment folder with a space in its name and complete files."""
    folder = tmp_path / "my market"
    folder.mkdir()
    values = environs.demo(OFFERHUB_HOME="")
    hidden = {name: text for name, text in values.items() if name in secret_variables()}
    shown = {name: text for name, text in values.items() if name not in hidden}
    _write(folder / "config.env", shown)
    _write(folder / "secrets.env", hidden)
    (folder / "secrets.env").chmod(0o600)
    return folder


def _write(path: Path, values: dict[str, str]) -> None:
    path.write_text("# comment\n" + "".join(f"{k}={v}\n" for k, v in values.items()))


def test_a_deployment_is_read_from_its_two_files(home: Path) -> None:
    settings = load_home(home, {})
    assert settings.home == home
    assert settings.database_url == f"sqlite:///{home}/data/offerhub.db"
    assert load_process({"OFFERHUB_HOME": str(home)}) == settings


def test_the_real_environment_wins_over_the_files(home: Path) -> None:
    environ = {"OFFERHUB_BIND": "127.0.0.1:9000"}
    assert load_home(home, environ).bind == "127.0.0.1:9000"
    assert origins(home, environ)["OFFERHUB_BIND"] == "environment"
    assert origins(home, {})["OFFERHUB_MASTER_KEY"] == "secrets.env"
    assert origins(home, {})["OFFERHUB_MARKETPLACE_ID"] == "config.env"
    assert origins(home, {})["OFFERHUB_BIND"] == "default"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_secrets_that_others_can_read_are_refused(home: Path, mode: int) -> None:
    (home / "secrets.env").chmod(mode)
    with pytest.raises(InvalidSettings, match=r"secrets\.env.*chmod 600"):
        load_home(home, {})


def test_a_secret_in_the_wrong_file_is_refused_by_name(home: Path) -> None:
    with (home / "config.env").open("a") as file:
        file.write("AIRTM_API_SECRET=s3cret-s3cret-s3cret\n")
    with pytest.raises(InvalidSettings, match="AIRTM_API_SECRET: belongs in secrets") as caught:
        load_home(home, {})
    assert "s3cret" not in str(caught.value)


def test_a_typing_error_in_a_file_is_refused_by_name(home: Path) -> None:
    with (home / "config.env").open("a") as file:
        file.write("OFFERHUB_PLATFORM_FEE=250\n")
    with pytest.raises(InvalidSettings, match="OFFERHUB_PLATFORM_FEE: is not a setting"):
        load_home(home, {})


@pytest.mark.parametrize("name", sorted(secret_variables() | {"DATABASE_URL", "REDIS_URL"}))
def test_every_secret_can_come_from_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    urls = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://redis/0"}
    environ = environs.demo() | urls
    file = tmp_path / "secret"
    file.write_text(environ[name] + "\n")
    expected = load(environ)
    del environ[name]
    assert load(environ | {f"{name}_FILE": str(file)}) == expected


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("x" * 40)
    with pytest.raises(InvalidSettings, match="AIRTM_API_KEY: is set twice"):
        load(environs.demo(AIRTM_API_KEY_FILE=str(file)))


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_secret_file_without_a_secret_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSettings, match="AIRTM_API_KEY_FILE: names"):
        load(environs.demo(AIRTM_API_KEY="", AIRTM_API_KEY_FILE=str(file)))


def test_a_short_folder_keeps_its_sockets_and_a_long_one_does_not() -> None:
    short, long = Path("/srv/my market"), Path("/srv") / ("m" * 120)
    assert paths.sockets(short) == short / "data/run"
    assert paths.sockets(long) != long / "data/run"
    assert paths.sockets(long) == paths.sockets(long)
    assert paths.sockets(long) != paths.sockets(Path("/srv") / ("n" * 120))
    for home in (short, long, Path("/srv/odd;#%name")):
        assert len(str(paths.supervisor_socket(home)) + ".12345678") <= 104


def test_a_private_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    paths.make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(paths.UnsafeFolder):
        paths.make_private(tmp_path / "run")

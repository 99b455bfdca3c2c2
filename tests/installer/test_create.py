"""create-offerhub: both profiles are complete and valid, and a second run changes nothing."""

import configparser
import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from create_offerhub import answers, credentials

from offerhub.cli.appliance import programs
from offerhub.sandbox.chain.actors import actor_keypair
from offerhub.settings import InvalidSettings, load_home
from tests.installer.conftest import Install, Ran

PRODUCTION = ("--profile", "production", "--public-url", "https://pay.shop.example", "--yes")
DEMO = ("--profile", "demo", "--yes")
PROFILES = [DEMO, PRODUCTION]


def _tree(folder: Path) -> dict[str, tuple[str, str, int]]:
    """Content hash, mode and time of every file."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            stat.filemode(path.stat().st_mode),
            path.stat().st_mtime_ns if path.is_file() else 0,
        )
        for path in sorted(folder.rglob("*"))
    }


def _values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)  # type: ignore[misc]


def test_a_demo_is_complete_for_the_server(install: Install, folder: Path) -> None:
    ran = install(folder, *DEMO, "--port", "18080", "--sandbox-port", "18090")
    assert ran.code == 0, ran.said
    settings = load_home(folder, {})
    assert settings.environment == "demo"
    assert settings.bind == "127.0.0.1:18080"
    assert settings.public_url == "http://127.0.0.1:18080"
    assert settings.sandbox_address == ("127.0.0.1", 18090)
    assert settings.airtm_base_url == "http://127.0.0.1:18090/airtm/v2"
    assert settings.airtm_checkout_url_template == "http://127.0.0.1:18090/checkout/payin/{id}"
    assert settings.trustless_work_base_url == "http://127.0.0.1:18090/trustless-work"
    assert settings.stellar_horizon_url == "http://127.0.0.1:18090/horizon"
    assert settings.deposit_poll_s == 1
    assert settings.redis_embedded


def test_the_demo_trusts_the_issuer_of_the_sandbox(install: Install, folder: Path) -> None:
    install(folder, *DEMO)
    assert load_home(folder, {}).stellar_usdc_issuer == actor_keypair("usdc issuer").public_key


def test_production_is_refused_by_name_until_it_is_filled_in(
    install: Install, folder: Path
) -> None:
    assert install(folder, *PRODUCTION).code == 0
    with pytest.raises(InvalidSettings) as caught:
        load_home(folder, {})
    assert {problem.name for problem in caught.value.problems} == {
        "AIRTM_API_KEY", "AIRTM_API_SECRET", "AIRTM_WEBHOOK_SECRET", "TRUSTLESS_WORK_API_KEY",
        "STELLAR_HORIZON_URL", "TRUSTLESS_WORK_FACTORY_IDS",
    }  # fmt: skip
    given = {
        "AIRTM_API_KEY": "key-from-airtm", "AIRTM_API_SECRET": "secret-from-airtm",
        "AIRTM_WEBHOOK_SECRET": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "TRUSTLESS_WORK_API_KEY": "key-from-trustless-work",
        "STELLAR_HORIZON_URL": "https://horizon.provider.example",
        "TRUSTLESS_WORK_FACTORY_IDS": "CAS3J7GYLGXMF6TDJBBYYSE3HQ6BBSMLNUQ34T6TZMYMW2EVH34XOWMA",
    }  # fmt: skip
    assert load_home(folder, given).environment == "production"


@pytest.mark.parametrize("arguments", PROFILES)
def test_modes_are_as_narrow_as_their_use(
    install: Install, folder: Path, arguments: tuple[str, ...]
) -> None:
    os.umask(before := os.umask(0))
    try:
        os.umask(0)
        install(folder, *arguments)
    finally:
        os.umask(before)
    modes = {name: found[1] for name, found in _tree(folder).items()}
    assert stat.filemode(folder.stat().st_mode) == "drwx------"
    assert modes["secrets.env"] == "-rw-------"
    assert modes["bin/offerhub"] == "-rwxr-xr-x"
    assert modes["config.env"] == "-rw-r--r--"
    for name in ("data", "data/run", "data/logs", "backups"):
        assert modes[name] == "drwx------"
    assert modes.get(".env", "-rw-------") == "-rw-------"
    assert (".env" in modes) == (arguments is PRODUCTION)
    assert not [name for name, mode in modes.items() if mode[8] == "w"]


@pytest.mark.parametrize("arguments", PROFILES)
def test_a_second_run_changes_no_file(
    install: Install, folder: Path, arguments: tuple[str, ...]
) -> None:
    install(folder, *arguments)
    before = _tree(folder)
    again = install(folder, *arguments, "--json")
    assert again.code == 0
    said = json.loads(again.out)
    assert (said["files"]["new"], said["files"]["replaced"], said["files"]["kept"]) == ([], [], [])
    assert install(folder, "--yes").code == 0
    assert _tree(folder) == before


def test_settings_that_the_operator_changed_stay(install: Install, folder: Path) -> None:
    install(folder, *DEMO)
    config = folder / "config.env"
    config.write_text(config.read_text() + "OFFERHUB_TOPUP_EXPIRY_H=12\n")
    before = _tree(folder)
    install(folder, "--yes", "--overwrite")
    assert _tree(folder) == before


def test_a_template_file_that_was_changed_is_kept_and_named(install: Install, folder: Path) -> None:
    install(folder, *DEMO)
    (folder / "Caddyfile").write_text("mine")
    ran = install(folder, "--yes")
    assert "--overwrite" in ran.out
    assert "Caddyfile" in ran.out
    assert (folder / "Caddyfile").read_text() == "mine"
    install(folder, "--yes", "--overwrite")
    assert "reverse_proxy" in (folder / "Caddyfile").read_text()


@pytest.mark.parametrize("arguments", PROFILES)
def test_no_secret_is_said(install: Install, folder: Path, arguments: tuple[str, ...]) -> None:
    said = [install(folder, *arguments), install(folder, "--yes", "--json"),
            install(folder, "--yes", "--plan")]  # fmt: skip
    texts = [ran.said for ran in said]
    texts += [p.read_text() for p in folder.rglob("*") if p.is_file() and "env" not in p.name]
    hidden = _values(folder / "secrets.env")
    if (folder / ".env").exists():
        hidden |= _values(folder / ".env")
    found = [text for text in hidden.values() if text != credentials.PLACEHOLDER]
    assert len(found) >= 7
    for secret in found:
        assert not [text for text in texts if secret in text]
        assert secret not in (folder / "config.env").read_text()


WATCHED = """
import json, sys
seen = []
def watch(event, args):
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "socket.connect",
                 "socket.getaddrinfo", "socket.sendto"}:
        seen.append([event, repr(args)])
sys.addaudithook(watch)
from create_offerhub.cli import main
try:
    main(sys.argv[2:])
finally:
    with open(sys.argv[1], "w") as file:
        json.dump(seen, file)
"""


def test_a_run_tells_no_process_a_secret_and_calls_nobody(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "seen.json"
    subprocess.run(
        [sys.executable, "-c", WATCHED, str(report), str(folder), *DEMO],
        check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    seen = json.loads(report.read_text())
    assert not [args for event, args in seen if event.startswith("socket.")]
    for secret in _values(folder / "secrets.env").values():
        assert not [args for _, args in seen if secret in args]


def test_every_deployment_has_secrets_of_its_own(install: Install, tmp_path: Path) -> None:
    install(tmp_path / "one", *DEMO)
    install(tmp_path / "two", *DEMO)
    one, two = (_values(tmp_path / name / "secrets.env") for name in ("one", "two"))
    assert not set(one.values()) & set(two.values())


def test_plan_writes_nothing_and_names_everything(install: Install, tmp_path: Path) -> None:
    target = tmp_path / "planned"
    ran = install(target, *PRODUCTION, "--plan", "--json")
    assert ran.code == 0
    assert not list(tmp_path.iterdir())
    planned = json.loads(ran.out)
    made = install(target, *PRODUCTION)
    assert made.code == 0
    files = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert set(planned["files"]) == files
    assert set(planned["files"].values()) == {"new"}
    assert set(planned["secret_names"]) == set(_values(target / "secrets.env"))
    assert planned["network_calls"] == []


class _Strict(yaml.SafeLoader):
    """As Compose reads: a name that stands twice in one mapping is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [name.value for name, _ in node.value if name.tag != "tag:yaml.org,2002:merge"]
        assert len(names) == len(set(names)), f"twice: {names}"
        return super().construct_mapping(node, deep)


@pytest.mark.parametrize("arguments", PROFILES)
def test_compose_is_valid_and_open_on_this_machine_only(
    install: Install, folder: Path, arguments: tuple[str, ...]
) -> None:
    install(folder, *arguments, "--port", "18080")
    described = yaml.load((folder / "compose.yaml").read_text(), _Strict)
    for name, service in described["services"].items():
        assert service["image"], name
        assert "mem_limit" in service, name
        assert not service.get("privileged")
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
        if service["image"].startswith("${OFFERHUB_IMAGE"):
            assert service["read_only"] is True
            assert service["env_file"] == ["config.env", "secrets.env"]
    if arguments is PRODUCTION:
        commands = [tuple(s["command"]) for s in described["services"].values() if "command" in s]
        own = [
            program.command for program in programs.ALL if program.name not in {"valkey", "sandbox"}
        ]
        assert {("serve",), ("relay",), ("worker", "critical")} <= set(own)
        for wanted in own:
            assert wanted in commands
        assert "POSTGRES_PASSWORD" in _values(folder / ".env")
        for secret in _values(folder / ".env").values():
            assert secret not in (folder / "compose.yaml").read_text()


@pytest.mark.parametrize("arguments", PROFILES)
def test_prometheus_finds_the_rules_and_the_metrics(
    install: Install, folder: Path, arguments: tuple[str, ...]
) -> None:
    install(folder, *arguments, "--port", "18080")
    described = yaml.load((folder / "monitoring/prometheus.yml").read_text(), _Strict)
    (job,) = described["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("offerhub", "/api/v1/metrics")
    assert job["static_configs"] == [{"targets": ["127.0.0.1:18080"]}]
    (rules,) = described["rule_files"]
    documented = Path(__file__).parents[2] / "docs/operations/alerts.yml"
    assert (folder / "monitoring" / rules).read_bytes() == documented.read_bytes(), "./run docs"


@pytest.mark.parametrize("arguments", PROFILES)
def test_the_systemd_unit_is_a_unit(
    install: Install, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    folder = tmp_path / 'od%d "market"'
    install(folder, *arguments)
    unit = configparser.RawConfigParser(strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(folder / "systemd/offerhub.service")
    assert unit["Service"]["Type"] == "forking"
    assert unit["Service"]["PIDFile"].endswith("data/run/supervisord.pid")
    assert "od%%d" in unit["Service"]["WorkingDirectory"]
    assert unit["Service"]["ExecStart"].endswith('/od%%d \\"market\\"/bin/offerhub" up')


def test_the_caddyfile_proxies_to_the_loopback_port(install: Install, folder: Path) -> None:
    install(folder, *PRODUCTION, "--port", "18080")
    text = (folder / "Caddyfile").read_text()
    assert "https://pay.shop.example {" in text
    assert "reverse_proxy 127.0.0.1:18080" in text
    assert text.count("{") == text.count("}")


def test_the_wrapper_binds_the_command_line_to_its_folder(install: Install, folder: Path) -> None:
    install(folder, *DEMO)
    moved = folder.rename(folder.with_name("moved; it's $here"))
    done = subprocess.run(
        [str(moved / "bin/offerhub"), "config", "show"],
        capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(moved) in done.stdout
    for secret in _values(moved / "secrets.env").values():
        assert secret not in done.stdout


def test_ports_that_are_taken_are_passed_over(install: Install, tmp_path: Path) -> None:
    first = install(tmp_path / "one", *DEMO, "--plan", "--json")
    ports = json.loads(first.out)["ports"]
    assert ports["api"] >= answers.FIRST_PORT
    assert ports["api"] != ports["sandbox"]


def test_a_killed_run_is_completed_by_the_next(install: Install, folder: Path) -> None:
    """Whatever single step a run got to, running it again ends the same way."""
    install(folder, *DEMO)
    complete = {name: found[0] for name, found in _tree(folder).items()}
    order = [".copier-answers.yml", "secrets.env", "Caddyfile", "README.md", "bin/offerhub",
             "compose.yaml", "config.env", "monitoring/offerhub-alerts.yml",
             "monitoring/prometheus.yml", "systemd/offerhub.service"]  # fmt: skip
    for reached in range(1, len(order) + 1):
        for name in order[reached:]:
            (folder / name).unlink(missing_ok=True)
        (folder / ".create-offerhub.tmp").write_text("half")
        kept_secrets = (folder / "secrets.env").exists()
        ran = install(folder, "--yes")
        assert ran.code == 0, ran.said
        after = {name: found[0] for name, found in _tree(folder).items()}
        if not kept_secrets:
            complete["secrets.env"] = after["secrets.env"]
        assert after == complete


def _fails(ran: Ran, code: int, text: str) -> None:
    assert ran.code == code, ran.said
    assert text in ran.err
    assert "Traceback" not in ran.said


def test_a_folder_of_somebody_else_is_refused_with_three_remedies(
    install: Install, folder: Path
) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    ran = install(folder, *DEMO)
    _fails(ran, 3, "name a new folder, or an empty one, or move what is in it away")
    assert [p.name for p in folder.iterdir()] == ["thesis.txt"]


def test_secrets_that_others_can_read_stop_a_second_run(install: Install, folder: Path) -> None:
    install(folder, *DEMO)
    (folder / "secrets.env").chmod(0o644)
    _fails(install(folder, "--yes"), 3, "chmod 600 secrets.env")

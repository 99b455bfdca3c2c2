"""Who may import whom: the contracts hold, and they cover everything there is."""

import configparser
import subprocess
import sys

import pytest

from tests.architecture.tree import PACKAGES, ROOT, imported_names, modules, shown

_PURE = ("offerhub.domain", "offerhub.ports")
# Beside the layers, each with contracts of its own.
_APART = {"sandbox", "sdk"}


def _contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def _children(package: str) -> set[str]:
    folder = PACKAGES[package]
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    files = {path.stem for path in folder.glob("*.py")}
    return (packages | files) - {"__init__", "__main__"}


def test_the_import_contracts_hold() -> None:
    program = "from importlinter.cli import lint_imports_command as command; command()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_has_its_layer() -> None:
    layers = _contracts()["importlinter:contract:layers"]["layers"]
    listed = {name.strip() for line in layers.split("\n") for name in line.split("|")} - {""}
    assert listed | _APART == _children("offerhub")


def test_every_package_is_named_by_the_rules_for_all_of_the_server() -> None:
    contracts = _contracts()
    everything = {f"offerhub.{name}" for name in _children("offerhub")}
    exempt = {
        "adapters-named-once": {"offerhub.bootstrap", "offerhub.providers"},
        "settings-handed-in": {"offerhub.bootstrap", "offerhub.cli", "offerhub.settings"},
        "peewee-at-home": {"offerhub.store"},
        "sandbox-only-from-cli": {"offerhub.cli", "offerhub.sandbox"},
        "server-apart": {"offerhub.sdk"},
    }
    for contract, exceptions in exempt.items():
        section = contracts[f"importlinter:contract:{contract}"]
        named = {line for line in section["source_modules"].split() if "offerhub." in line}
        assert named == everything - exceptions, contract


@pytest.mark.parametrize("package", _PURE)
def test_pure_packages_import_the_standard_library_only(package: str) -> None:
    allowed = {"offerhub.domain", package}
    for path in modules(package):
        for name in imported_names(path):
            ours = any(name == own or name.startswith(f"{own}.") for own in allowed)
            standard = name.split(".")[0] in sys.stdlib_module_names
            assert ours or standard, f"{shown(path)} imports {name}"


@pytest.mark.parametrize("folder", ["installer", "tui", "templates", "tests"])
def test_bare_folder_names_never_become_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()

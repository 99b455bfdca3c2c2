"""Settings: complete ones load, and everything unsafe is refused by its name alone."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from stellar_sdk import Keypair, StrKey

from offerhub.settings import InvalidSettings, formats, load, load_process
from offerhub.settings.fields import Settings, secret_variables, variables
from offerhub.settings.manual import as_markdown
from tests.settings import environs

MANUAL = Path(__file__).parents[2] / "docs/operations/settings.md"
MAINNET = "Public Global Stellar Network ; September 2015"


def _refused(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        load(environ)
    said = str(caught.value)
    for name, text in environ.items():
        if name in secret_variables() and len(text) > 3:
            assert text not in said
    return {problem.name: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("environ", [environs.demo, environs.sandbox, environs.production])
def test_a_complete_environment_loads(environ: Callable[[], dict[str, str]]) -> None:
    values = environ()
    settings = load(values)
    assert settings.environment == values["OFFERHUB_ENVIRONMENT"]
    assert settings.database_url == "sqlite:////srv/market/data/offerhub.db"
    assert settings.redis_embedded
    assert settings.platform_fee_bps == 250
    assert settings.wallet_xlm_stroops == 30_000_000
    assert list(settings.key_ring) == ["k1"]


def test_settings_cannot_be_changed() -> None:
    settings = load(environs.demo())
    with pytest.raises(ValidationError, match="frozen"):
        settings.bind = "0.0.0.0:80"


def test_demo_looks_for_deposits_every_second_and_others_every_minute() -> None:
    assert load(environs.demo()).deposit_poll_s == 1
    assert load(environs.sandbox()).deposit_poll_s == 60
    assert load(environs.demo(OFFERHUB_DEPOSIT_POLL_S="7")).deposit_poll_s == 7


def test_demo_talks_to_the_sandbox_program_wherever_it_listens() -> None:
    settings = load(environs.demo(OFFERHUB_SANDBOX_BIND="127.0.0.1:9999"))
    assert settings.airtm_base_url == "http://127.0.0.1:9999/airtm/v2"
    assert settings.airtm_checkout_url_template == "http://127.0.0.1:9999/checkout/payin/{id}"
    assert settings.stellar_horizon_url == "http://127.0.0.1:9999/horizon"
    assert settings.sandbox_address == ("127.0.0.1", 9999)


@pytest.mark.parametrize(
    "name",
    ["OFFERHUB_BNID", "AIRTM_APIKEY", "TRUSTLESS_WORK_FACTORIES", "STELLAR_SECRET",
     "OFFERHUB_BIND_FILE"],
)  # fmt: skip
def test_an_unknown_variable_of_ours_is_refused_by_name(name: str) -> None:
    assert set(_refused(environs.demo(**{name: "x"}))) == {name}


def test_variables_of_other_programs_are_none_of_our_business() -> None:
    load(environs.demo(PATH="/bin", OFFERHUB_TEST_FULL="1", OFFERHUB_VENV="/x", POSTGRES_PORT="1"))


OPTIONAL = {
    "OFFERHUB_HOME",
    "OFFERHUB_VALKEY_PASSWORD",
    "OFFERHUB_METRICS_TOKEN",
    "TRUSTLESS_WORK_WEBHOOK_SECRET",
}
REQUIRED = sorted(set(environs.production()) - OPTIONAL)


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.proves("P10")
def test_production_without_a_required_variable_is_refused_by_its_name(name: str) -> None:
    assert name in _refused(environs.production(**{name: ""}))


@pytest.mark.parametrize("name", sorted(secret_variables()))
@pytest.mark.parametrize(
    "text", ["REPLACE_ME", "changeme", "<your secret>", "your-secret", "xxxxxxxxxx"]
)
def test_a_placeholder_is_refused_everywhere(name: str, text: str) -> None:
    found = _refused(environs.demo(**{name: text}))
    assert set(found) == {name}
    assert "placeholder" in found[name]


SAME = environs.production()["STELLAR_TREASURY_SECRET"]
ONE_SECRET = environs.production()["OFFERHUB_MASTER_KEY"]
REFUSALS = [
    (environs.production, {"OFFERHUB_PUBLIC_URL": "http://pay.shop.example"},
     "OFFERHUB_PUBLIC_URL"),
    (environs.production, {"AIRTM_BASE_URL": "https://api.stg.enterprise.airtm.com/v2"},
     "AIRTM_BASE_URL"),
    (environs.production, {"AIRTM_BASE_URL": "http://api.enterprise.airtm.com/v2"},
     "AIRTM_BASE_URL"),
    (environs.production, {"AIRTM_BASE_URL": "http://127.0.0.1:8090/airtm/v2"}, "AIRTM_BASE_URL"),
    (environs.production, {"AIRTM_CHECKOUT_URL_TEMPLATE": "https://app.stg.airtm.io/payin/{id}"},
     "AIRTM_CHECKOUT_URL_TEMPLATE"),
    (environs.production, {"TRUSTLESS_WORK_BASE_URL": "https://dev.api.trustlesswork.com"},
     "TRUSTLESS_WORK_BASE_URL"),
    (environs.production, {"STELLAR_HORIZON_URL": "https://horizon-testnet.stellar.org"},
     "STELLAR_HORIZON_URL"),
    (environs.production, {"STELLAR_NETWORK_PASSPHRASE": "OfferHub Sandbox Network ; 2026"},
     "STELLAR_NETWORK_PASSPHRASE"),
    (environs.production, {"STELLAR_NETWORK_PASSPHRASE": "Test SDF Network ; September 2015"},
     "STELLAR_NETWORK_PASSPHRASE"),
    (environs.production, {"TRUSTLESS_WORK_FACTORY_IDS": " , "}, "TRUSTLESS_WORK_FACTORY_IDS"),
    (environs.production, {"STELLAR_TREASURY_SECRET": SAME, "STELLAR_RELEASE_SECRET": SAME},
     "STELLAR_RELEASE_SECRET"),
    (environs.sandbox, {"STELLAR_RESOLVER_SECRET": SAME, "STELLAR_RELEASE_SECRET": SAME},
     "STELLAR_RESOLVER_SECRET"),
    (environs.demo, {"STELLAR_RESOLVER_SECRET": SAME, "STELLAR_TREASURY_SECRET": SAME},
     "STELLAR_RESOLVER_SECRET"),
    (environs.demo, {"OFFERHUB_MASTER_KEY": ONE_SECRET, "OFFERHUB_TOKEN_SECRET": ONE_SECRET},
     "OFFERHUB_TOKEN_SECRET"),
    (environs.demo, {"STELLAR_NETWORK_PASSPHRASE": MAINNET}, "STELLAR_NETWORK_PASSPHRASE"),
    (environs.sandbox, {"STELLAR_NETWORK_PASSPHRASE": MAINNET}, "STELLAR_NETWORK_PASSPHRASE"),
    (environs.demo, {"AIRTM_BASE_URL": "https://api.enterprise.airtm.com/v2"}, "AIRTM_BASE_URL"),
    (environs.sandbox, {"TRUSTLESS_WORK_BASE_URL": "https://api.trustlesswork.com"},
     "TRUSTLESS_WORK_BASE_URL"),
    (environs.demo, {"AIRTM_WEBHOOK_SECRET": ""}, "AIRTM_WEBHOOK_SECRET"),
    (environs.demo, {"AIRTM_WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "AIRTM_WEBHOOK_SECRET"),
    (environs.demo, {"OFFERHUB_MASTER_KEY": "short-but-secret"}, "OFFERHUB_MASTER_KEY"),
    (environs.demo, {"OFFERHUB_TOKEN_SECRET": "abc" * 20}, "OFFERHUB_TOKEN_SECRET"),
    (environs.demo, {"OFFERHUB_WALLET_KEKS": "k1:c2hvcnQ="}, "OFFERHUB_WALLET_KEKS"),
    (environs.demo, {"OFFERHUB_WALLET_KEKS": "k1:" + base64.b64encode(bytes(32)).decode()},
     "OFFERHUB_WALLET_KEKS"),
    (environs.demo, {"OFFERHUB_VALKEY_PASSWORD": ""}, "OFFERHUB_VALKEY_PASSWORD"),
    (environs.demo, {"OFFERHUB_ENVIRONMENT": "live"}, "OFFERHUB_ENVIRONMENT"),
    (environs.demo, {"OFFERHUB_MARKETPLACE_ID": "mkt_1"}, "OFFERHUB_MARKETPLACE_ID"),
    (environs.demo, {"OFFERHUB_BIND": "8080"}, "OFFERHUB_BIND"),
    (environs.demo, {"OFFERHUB_BIND": "127.0.0.1:0"}, "OFFERHUB_BIND"),
    (environs.demo, {"OFFERHUB_PLATFORM_FEE_BPS": "2.5"}, "OFFERHUB_PLATFORM_FEE_BPS"),
    (environs.demo, {"OFFERHUB_PLATFORM_FEE_BPS": "9901"}, "OFFERHUB_PLATFORM_FEE_BPS"),
    (environs.demo, {"OFFERHUB_TRUSTED_PROXIES": "-1"}, "OFFERHUB_TRUSTED_PROXIES"),
    (environs.demo, {"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
    (environs.demo, {"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
    (environs.demo, {"STELLAR_USDC_ISSUER": "GABC"}, "STELLAR_USDC_ISSUER"),
    (environs.demo, {"STELLAR_WALLET_XLM": "1e400"}, "STELLAR_WALLET_XLM"),
    (environs.demo, {"STELLAR_WALLET_XLM": "3.00000001"}, "STELLAR_WALLET_XLM"),
    (environs.demo, {"STELLAR_TREASURY_SECRET": "S" + "A" * 55}, "STELLAR_TREASURY_SECRET"),
    (environs.demo, {"AIRTM_CHECKOUT_URL_TEMPLATE": "http://127.0.0.1/payin"},
     "AIRTM_CHECKOUT_URL_TEMPLATE"),
    (environs.demo, {"TRUSTLESS_WORK_FACTORY_IDS": "CABC"}, "TRUSTLESS_WORK_FACTORY_IDS"),
    (environs.demo, {"AIRTM_BASE_URL": "http://user:pass@127.0.0.1/"}, "AIRTM_BASE_URL"),
    (environs.demo, {"OFFERHUB_HOME": ""}, "DATABASE_URL"),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "changes", "name"), REFUSALS)
def test_an_unsafe_value_is_refused_by_its_name(
    environ: Callable[..., dict[str, str]], changes: dict[str, str], name: str
) -> None:
    assert name in _refused(environ(**changes))


def test_all_problems_are_told_at_once() -> None:
    found = _refused(environs.production(AIRTM_API_KEY="", OFFERHUB_BIND="x", OFFERHUB_TYPO="1"))
    assert {"AIRTM_API_KEY", "OFFERHUB_BIND", "OFFERHUB_TYPO"} <= set(found)


def test_no_form_of_the_settings_shows_a_secret() -> None:
    environ = environs.demo(
        DATABASE_URL="postgresql://market:hunter2hunter2@db/x",
        REDIS_URL="redis://:hunter3hunter3@redis/0",
    )
    settings = load(environ)
    shown = repr(settings) + str(settings) + str(settings.redacted())
    for name in secret_variables():
        assert environ[name] not in shown
    assert "hunter" not in shown
    assert settings.redacted()["DATABASE_URL"] == "postgresql://market:***@db/x"
    assert settings.redacted()["OFFERHUB_MASTER_KEY"] == "(set)"


def test_every_secret_is_held_as_one() -> None:
    settings = load(environs.demo())
    for field, name in variables().items():
        assert isinstance(getattr(settings, field), SecretStr) == (name in secret_variables())


def test_the_embedded_valkey_is_told_from_another_one_by_its_address() -> None:
    assert load(environs.demo()).redis_embedded
    assert not load(environs.demo(REDIS_URL="redis://127.0.0.1:6379/0")).redis_embedded


def test_two_keys_in_the_ring_keep_their_order() -> None:
    keys = [base64.b64encode(bytes(range(start, start + 32))).decode() for start in (1, 50)]
    settings = load(environs.demo(OFFERHUB_WALLET_KEKS=f"new:{keys[0]},old:{keys[1]}"))
    assert list(settings.key_ring) == ["new", "old"]
    assert settings.key_ring["new"] == bytes(range(1, 33))


def test_a_process_without_a_home_reads_the_environment_alone() -> None:
    environ = environs.sandbox(
        OFFERHUB_HOME="", DATABASE_URL="postgresql://db/x", REDIS_URL="redis://redis/0"
    )
    assert load_process(environ).database_url == "postgresql://db/x"


def test_every_setting_has_a_sentence_and_numbers_have_a_unit() -> None:
    for info in Settings.model_fields.values():
        assert info.description
        assert info.description.endswith((".", "…")), info.alias
        if info.annotation is int:
            assert isinstance(info.json_schema_extra, dict)
            assert info.json_schema_extra["unit"], info.alias


def test_the_manual_is_what_the_settings_say() -> None:
    assert MANUAL.read_text(encoding="utf-8") == as_markdown()


def test_keys_of_the_chain_are_told_apart_as_its_own_library_does() -> None:
    kinds = (
        (formats.stellar_account, StrKey.is_valid_ed25519_public_key),
        (formats.stellar_seed, StrKey.is_valid_ed25519_secret_seed),
        (formats.contract_ids, StrKey.is_valid_contract),
    )
    key = Keypair.random()
    contract = StrKey.encode_contract(key.raw_public_key())
    texts = [key.public_key, key.secret, contract, key.public_key[:-1], key.secret.lower()]
    texts += [f"{text[:20]}{'A' if text[20] != 'A' else 'B'}{text[21:]}" for text in texts[:3]]
    for check, known in kinds:
        for text in texts:
            if known(text):
                check(text)
            else:
                with pytest.raises(ValueError, match=r"must be|is not"):
                    check(text)

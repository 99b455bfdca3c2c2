"""The test rig, for every test; see `tests/fixtures/` for what each fixture gives."""

pytest_plugins = [
    "tests.fixtures.ports",
    "tests.fixtures.session",
    "tests.fixtures.databases",
    "tests.fixtures.redis_servers",
    "tests.fixtures.clock",
    "tests.fixtures.processes",
    "tests.fixtures.examples",
    "tests.fixtures.groups",
    "tests.fixtures.names",
    "tests.fixtures.routes",
    "tests.fixtures.proof",
]

"""The invariants of the books, each checked over everything that was ever posted."""

from dataclasses import dataclass

from offerhub.ledger import accounts
from offerhub.store import ledger as store


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken invariant: which, on what, and the figures in stroops."""

    invariant: str
    subject: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The balance sheet, in stroops. `difference` is assets - liabilities - equity: always zero."""

    assets: dict[str, int]
    liabilities_stroops: int
    equity: dict[str, int]

    @property
    def assets_stroops(self) -> int:
        return sum(self.assets.values())

    @property
    def equity_stroops(self) -> int:
        return sum(self.equity.values())

    @property
    def difference_stroops(self) -> int:
        return self.assets_stroops - self.liabilities_stroops - self.equity_stroops


def check() -> list[Finding]:
    """Every finding; none when the books are right. Reads everything.

    Call it in a `snapshot`: its statements must see the same moment.
    """
    folded = store.folded_all()
    findings = [
        Finding("a transfer has entries that sum to zero", transfer_id, 0, 1)
        for transfer_id in store.unbalanced_transfers()
    ]
    total = sum(folded.values())
    if total != 0:
        findings.append(Finding("all entries sum to zero", "books", 0, total))
    findings += _cached(folded)
    sheet_ = _sheet(folded)
    if sheet_.difference_stroops != 0:
        findings.append(
            Finding("assets = liabilities + equity", "books", 0, sheet_.difference_stroops)
        )
    return findings


def sheet() -> Sheet:
    """The balance sheet now."""
    return _sheet(store.folded_all())


def _sheet(folded: dict[str, int]) -> Sheet:
    natural = {name: accounts.sign(name) * total for name, total in folded.items()}
    return Sheet(
        assets={n: v for n, v in natural.items() if accounts.is_asset(n)},
        liabilities_stroops=sum(v for n, v in natural.items() if accounts.is_liability(n)),
        equity={
            n: v
            for n, v in natural.items()
            if not accounts.is_asset(n) and not accounts.is_liability(n)
        },
    )


def _cached(folded: dict[str, int]) -> list[Finding]:
    findings = []
    cached = store.cached_all()
    for name, balance in cached.items():
        expected = accounts.sign(name) * folded.get(name, 0)
        if balance != expected:
            findings.append(Finding("balance = fold(entries)", name, expected, balance))
        if balance < 0:
            findings.append(Finding("no guarded account below zero", name, 0, balance))
    for name, after in store.last_balances_after().items():
        if cached.get(name) != after:
            findings.append(
                Finding("newest entry states the balance", name, cached.get(name, 0), after)
            )
    for name in folded:
        if accounts.is_guarded(name) and name not in cached:
            findings.append(Finding("guarded accounts have a row", name, 1, 0))
    return findings

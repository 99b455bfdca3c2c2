"""Reading escrows back: the service's view of a contract, checked against the chain by it.

A balance is always the live one of the contract. What cannot be read is Unavailable.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from offerhub.ports.escrow import Deployed, EscrowFacts
from offerhub.providers.trustlesswork import mapping
from offerhub.providers.trustlesswork.client import TrustlessWorkClient

MAX_PAGES: Final = 50
BATCH: Final = 20  # more balances in one call are refused (TooManyEscrowsRequested)

T = TypeVar("T")


class EscrowReader:
    """The read half of the adapter."""

    def __init__(self, client: TrustlessWorkClient) -> None:
        self._client = client

    def one(self, contract_id: str, *, multi_release: bool) -> EscrowFacts | None:
        """None when the service does not know the contract (its index may lag)."""
        query = {"contractIds[]": contract_id, "validateOnChain": "true"}
        body = self._client.get("/helper/get-escrow-by-contract-ids", query)
        if body is None:
            return None
        for item in self._read(mapping.items, body):
            # An answer to the question about one contract may leave its id out.
            if item.get("contractId", contract_id) == contract_id:
                return self._facts(item, contract_id, multi_release)
        return None

    def many(self, contracts: Mapping[str, bool]) -> dict[str, EscrowFacts]:
        """Contracts by id, in as few calls as the service allows; unknown ones are left out."""
        found: dict[str, EscrowFacts] = {}
        wanted = list(contracts)
        for start in range(0, len(wanted), BATCH):
            found |= self._batch(wanted[start : start + BATCH], contracts)
        return found

    def _batch(self, ids: list[str], contracts: Mapping[str, bool]) -> dict[str, EscrowFacts]:
        query: dict[str, str | list[str]] = {"contractIds[]": ids, "validateOnChain": "true"}
        body = self._client.get("/helper/get-escrow-by-contract-ids", query)
        listed = [] if body is None else self._read(mapping.items, body)
        known = {self._read(mapping.contract_id, item): item for item in listed}
        known = {id_: item for id_, item in known.items() if id_ in ids}
        if not known:
            return {}
        asked: dict[str, str | list[str]] = {"addresses[]": list(known)}
        balances = self._client.get("/helper/get-multiple-escrow-balance", asked) or []

        def read(given: mapping.Item) -> EscrowFacts:
            id_ = mapping.contract_id(given)
            held = mapping.balance(balances, id_)
            multi = contracts[id_]
            return mapping.facts(given, id_=id_, multi_release=multi, balance_stroops=held)

        return {id_: self._read(read, item) for id_, item in known.items()}

    def deployed_by(self, signer: str) -> Deployed:
        """Order ids by contract id, of everything that `signer` deployed."""
        items, complete = self._pages({"signer": signer})
        return Deployed(
            {
                self._read(mapping.contract_id, item): str(item.get("engagementId") or "")
                for item in items
            },
            complete,
        )

    def of_order(self, order_id: str, *, signer: str) -> tuple[EscrowFacts, ...]:
        """Contracts that `signer` deployed for an order, oldest first.

        The service's own filter may match loosely, so the order is compared again.
        """
        found: dict[str, mapping.Item] = {}
        query = {"signer": signer, "engagementId": order_id, "validateOnChain": "true"}
        for item in self._pages(query)[0]:
            if item.get("engagementId") == order_id:
                found.setdefault(self._read(mapping.contract_id, item), item)
        ordered = sorted(found.items(), key=lambda entry: mapping.created_at(entry[1]))
        return tuple(
            self._facts(item, id_, self._read(mapping.is_multi, item)) for id_, item in ordered
        )

    def _pages(self, query: dict[str, str]) -> tuple[list[mapping.Item], bool]:
        """Every item of a search, at most MAX_PAGES pages, and whether these were all.

        Whether pages count from 0 or 1 is not documented, so the first is asked for without a
        number; when page 1 repeats it, that is no reason to stop.
        """
        listed: list[mapping.Item] = []
        seen: set[str] = set()
        for page in range(MAX_PAGES):
            numbered = {**query, "page": str(page)} if page else query
            body = self._client.get("/helper/get-escrows-by-signer", numbered)
            items = [] if body is None else self._read(mapping.items, body)
            ids = {str(item.get("contractId")) for item in items}
            if not ids or (page > 1 and ids <= seen):
                return listed, True
            listed += items
            seen |= ids
        return listed, False

    def _facts(self, item: mapping.Item, id_: str, multi_release: bool) -> EscrowFacts:
        balance = self._balance(id_, multi_release)
        return self._read(
            lambda given: mapping.facts(
                given, id_=id_, multi_release=multi_release, balance_stroops=balance
            ),
            item,
        )

    def _balance(self, id_: str, multi_release: bool) -> int:
        query = {"addresses[]": id_}
        body = self._client.get("/helper/get-multiple-escrow-balance", query)
        if body is None:
            kind = mapping.kind_path(multi_release)
            body = self._client.get(f"/escrow/{kind}/get-multiple-escrow-balance", query)
        return self._read(lambda given: mapping.balance(given, id_), body)

    def _read(self, reading: Callable[[Any], T], given: Any) -> T:
        try:
            return reading(given)
        except (ValueError, TypeError, AttributeError) as exc:
            raise self._client.unreadable(str(exc)) from exc

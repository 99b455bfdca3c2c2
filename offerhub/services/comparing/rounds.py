"""Taking turns: what cannot all be looked at in one run is looked at a part at a time.

Where a round stands is a flag in the database, so every run goes on from the last one's end.
"""

from offerhub.services.comparing.findings import Section
from offerhub.services.context import Context
from offerhub.store import leases
from offerhub.store.database import atomic, connection


class Round:
    """One kind of thing, by id. `after` is the last id that was looked at in this round."""

    def __init__(self, name: str) -> None:
        self._flag = f"reconciliation.round.{name}"
        with connection():
            self.after = str(leases.flag(self._flag) or "")

    def advance(self, ctx: Context, ids: list[str], section: Section, *, ended: bool) -> None:
        """Note how far this run got, and say how many runs a whole round takes. Commits.

        ids: those of this run's turn, in order. ended: there were no more, so the next run begins
        anew.
        """
        with atomic():
            leases.set_flag(self._flag, "" if ended or not ids else ids[-1], now=ctx.now_ms())
        if section.checked < section.total:
            runs = -(-section.total // max(1, len(ids) or section.checked))
            section.notes.append(
                f"{section.checked} of {section.total} in this run; all of them within {runs} runs"
            )

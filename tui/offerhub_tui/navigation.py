"""Where the operator is and has been: breadcrumbs, back, history. Pure."""

from dataclasses import dataclass, field, replace

MAX_PLACES = 200


@dataclass(frozen=True)
class Place:
    """A screen, and what it is about (an id, or nothing). `cursor_id` is the row left behind.

    `hint`: what else helps to find the subject, such as the number of an event.
    """

    screen: str
    subject: str = ""
    hint: str = ""
    cursor_id: str = ""
    filter_text: str = ""

    def same_as(self, other: "Place") -> bool:
        return (self.screen, self.subject) == (other.screen, other.subject)


@dataclass(frozen=True)
class Trail:
    """One step of the breadcrumbs: the places above this one, the last being the parent."""

    places: tuple[Place, ...] = ()


@dataclass
class History:
    """Every visit in order, and the trail of each. `here` is always valid."""

    visits: list[tuple[Place, Trail]] = field(default_factory=list)
    position: int = 0

    def start(self, place: Place) -> None:
        self.visits, self.position = [(place, Trail())], 0

    @property
    def here(self) -> Place:
        return self.visits[self.position][0]

    @property
    def trail(self) -> Trail:
        return self.visits[self.position][1]

    def remember(self, *, cursor_id: str, filter_text: str) -> None:
        """Keep the cursor and filter of the place that is about to be left."""
        place, trail = self.visits[self.position]
        kept = replace(place, cursor_id=cursor_id, filter_text=filter_text)
        self.visits[self.position] = (kept, trail)

    def go(self, place: Place) -> None:
        """Jump: the trail starts anew."""
        self._visit(place, Trail())

    def drill(self, place: Place) -> None:
        """One level down: this place becomes the parent."""
        self._visit(place, Trail((*self.trail.places, self.here)))

    def up(self) -> bool:
        """To the parent, as it was left. False at the top."""
        if not self.trail.places:
            return False
        *above, parent = self.trail.places
        self._visit(parent, Trail(tuple(above)))
        return True

    def move(self, steps: int) -> bool:
        """Back (-1) or forward (+1) in time. False at either end."""
        target = self.position + steps
        if not 0 <= target < len(self.visits):
            return False
        self.position = target
        return True

    def last(self) -> bool:
        """To the place visited just before, and back again when repeated."""
        if self.position == 0:
            return self.move(+1)
        return self.move(-1)

    def _visit(self, place: Place, trail: Trail) -> None:
        if place.same_as(self.here) and trail == self.trail:
            return
        del self.visits[self.position + 1 :]
        self.visits.append((place, trail))
        del self.visits[:-MAX_PLACES]
        self.position = len(self.visits) - 1

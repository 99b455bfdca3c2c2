"""Going down, up, back and forth."""

from offerhub_tui.navigation import MAX_PLACES, History, Place


def started() -> History:
    history = History()
    history.start(Place("overview"))
    return history


def test_drilling_makes_a_trail_and_up_leads_back() -> None:
    history = started()
    history.go(Place("orders"))
    history.remember(cursor_id="ord_2", filter_text="state:open")
    history.drill(Place("order", "ord_2"))
    assert [place.screen for place in history.trail.places] == ["orders"]
    assert history.up()
    assert history.here == Place("orders", cursor_id="ord_2", filter_text="state:open")
    assert not history.up()


def test_history_goes_both_ways_and_a_new_visit_cuts_the_future() -> None:
    history = started()
    history.go(Place("orders"))
    history.go(Place("keys"))
    assert history.move(-1)
    assert history.move(-1)
    assert not history.move(-1)
    assert history.here.screen == "overview"
    assert history.move(+1)
    history.go(Place("events"))
    assert not history.move(+1)
    assert [place.screen for place, _ in history.visits] == ["overview", "orders", "events"]


def test_last_switches_between_two_places() -> None:
    history = started()
    history.go(Place("orders"))
    assert history.last()
    assert history.here.screen == "overview"
    assert history.last()
    assert history.here.screen == "orders"


def test_going_where_one_is_is_no_visit() -> None:
    history = started()
    history.go(Place("overview"))
    assert len(history.visits) == 1


def test_the_history_is_bounded() -> None:
    history = started()
    for number in range(MAX_PLACES * 2):
        history.go(Place("order", f"ord_{number}"))
    assert len(history.visits) == MAX_PLACES
    assert history.here.subject == f"ord_{MAX_PLACES * 2 - 1}"

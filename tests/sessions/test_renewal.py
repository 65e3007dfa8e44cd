"""When a session is followed by another one: the machine alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from neko.sessions import renewal as on
from neko.sessions.renewal import Effect, Moment, RenewalTimes, Stage, State, advance

TIMES = RenewalTimes()
QUIET, SOUNDING, BUSY = on.Look(Moment.QUIET), on.Look(Moment.SOUNDING), on.Look(Moment.BUSY)


@dataclass
class Machine:
    now: float = 100.0
    state: State = field(default_factory=State)

    def take(self, *events: on.Event) -> list[Effect]:
        effects: list[Effect] = []
        for event in events:
            self.state, more = advance(self.state, event, self.now, TIMES)
            effects += more
        return effects

    def wait(self, seconds: float, then: on.Event = BUSY) -> list[Effect]:
        self.now += seconds
        return self.take(then)


def test_a_session_that_ages_is_marked_after_40_s_and_followed_10_s_later_at_a_quiet_moment() -> None:
    machine = Machine()
    assert machine.take(on.Began(ages=True), QUIET) == []
    assert machine.wait(39.9) == []
    assert machine.wait(0.1) == [Effect.FOLD]
    assert machine.wait(9.9) == []
    assert machine.wait(0.1) == [Effect.PREPARE]
    assert machine.take(on.Prepared(), BUSY, SOUNDING) == []
    assert machine.take(QUIET) == [Effect.TAKE_OVER]


def test_a_session_that_is_sent_the_talk_stays_until_something_changes() -> None:
    machine = Machine()
    machine.take(on.Began(ages=False))
    assert machine.wait(3_600, QUIET) == []
    assert machine.take(on.ResultsWait(), QUIET) == []
    assert machine.take(on.Outdated(), QUIET) == [Effect.PREPARE]


def test_results_that_wait_have_the_next_one_prepared_at_once() -> None:
    machine = Machine()
    machine.take(on.Began(ages=True))
    assert machine.take(on.ResultsWait(), BUSY) == [Effect.PREPARE]


def test_what_was_prepared_before_a_change_is_prepared_anew() -> None:
    machine = Machine()
    machine.take(on.Began(ages=False), on.Outdated(), BUSY)
    assert machine.take(on.Outdated(), on.Prepared()) == [Effect.DISCARD, Effect.PREPARE]
    assert machine.take(on.Prepared(), on.Outdated()) == [Effect.DISCARD, Effect.PREPARE]
    assert machine.take(on.Prepared(), QUIET) == [Effect.TAKE_OVER]


def test_preparations_that_fail_are_tried_again_ever_later() -> None:
    machine = Machine()
    machine.take(on.Began(ages=False), on.Outdated(), BUSY)
    for pause in (5, 10, 20, 40, 80, 120, 120):
        machine.take(on.PreparationFailed())
        assert machine.wait(pause - 0.1) == []
        assert machine.wait(0.1) == [Effect.PREPARE]


def test_before_the_providers_limit_less_and_less_has_to_be_quiet() -> None:
    machine = Machine()
    machine.take(on.Began(ages=False), on.Ends(machine.now + 100))
    assert machine.wait(39) == []
    assert machine.wait(1) == [Effect.PREPARE]
    assert machine.take(on.Prepared(), SOUNDING) == []
    machine.now += 40
    assert machine.take(BUSY) == []
    assert machine.take(SOUNDING) == [Effect.TAKE_OVER]
    assert machine.wait(16, BUSY) == [Effect.TAKE_OVER]


EVENTS = st.sampled_from(
    [
        on.Began(ages=True),
        on.Began(ages=False),
        on.Outdated(),
        on.ResultsWait(),
        on.Prepared(),
        on.PreparationFailed(),
        on.Left(),
        QUIET,
        SOUNDING,
        BUSY,
    ]
)


@given(st.lists(st.tuples(EVENTS, st.floats(0, 100)), max_size=40))
def test_whatever_happens_one_at_most_is_prepared_and_every_deadline_lies_ahead(
    steps: list[tuple[on.Event, float]],
) -> None:
    machine, prepared = Machine(), False
    for event, seconds in steps:
        machine.now += seconds
        for effect in machine.take(event):
            if effect is Effect.PREPARE:
                assert not prepared
                prepared = True
            elif effect is Effect.DISCARD:
                prepared = False
        if isinstance(event, on.Began | on.Left | on.PreparationFailed):
            prepared = False
        assert prepared or machine.state.stage not in (Stage.PREPARING, Stage.READY)
        deadline = machine.state.deadline(machine.now, TIMES)
        assert deadline is None or deadline > machine.now

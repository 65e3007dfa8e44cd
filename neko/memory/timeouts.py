"""How long the memory waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryTimeouts:
    """Seconds. ``lock_timeout_s``: for a file another program holds. ``read_timeout_s``: for a page of the log.
    ``recall_timeout_s``: of processor, for a turn's recall; ``longest_recall_s``: by the clock, where others keep the
    processor busy. A recall waits that long for its turn too, and ``recall_of_others_s`` longer for each of others
    that comes before it, ``longest_turn_s`` in all. ``question_timeout_s``: for the vector of what is recalled for.
    ``embedding_pause_s``: before lines are embedded again after a failure, at first. ``room_s``: for which nobody has
    waited for anything before the next few lines are embedded; ``longest_room_s``: how long that is waited for.
    ``find_timeout_s``: for a search of the user's.
    ``close_timeout_s``: for the recent file to be written, and for background work to stop, at the end.
    ``memo_timeout_s``: for a model to make a memo, a model that is loaded first and long lines in parts included.
    ``review_timeout_s``: for it to look the recent window over.
    ``write_delay_s``: from a new line to the write of its recent file, so that the lines of a turn are written at
    once. ``quiet_s``: from the last line that was brought in until it is learnt from; ``learn_again_s``: until that is
    tried again. ``silence_s``: from what was said elsewhere until it is settled, as after Neko's own talk.
    ``backup_check_s``: between looks at whether a backup, or a check, is due. ``check_pause_s``: between two checks of
    a log, at least. Models have deadlines of their own."""

    lock_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    recall_timeout_s: float = 0.25
    longest_recall_s: float = 1.0
    recall_of_others_s: float = 0.05
    longest_turn_s: float = 5.0
    question_timeout_s: float = 0.4
    embedding_pause_s: float = 2.0
    room_s: float = 0.1
    longest_room_s: float = 5.0
    find_timeout_s: float = 5.0
    close_timeout_s: float = 2.0
    write_delay_s: float = 0.5
    memo_timeout_s: float = 1800.0
    review_timeout_s: float = 600.0
    quiet_s: float = 5.0
    learn_again_s: float = 600.0
    silence_s: float = 600.0
    backup_check_s: float = 120.0
    check_pause_s: float = 600.0

    def question_s(self, search_s: float | None) -> float:
        """For the vector of what a turn, or a search that has ``search_s``, asks for."""
        return self.question_timeout_s if search_s is None else max(self.question_timeout_s, search_s / 4)

    def turn_s(self, ahead: int) -> float:
        """How much longer a recall waits for its turn when ``ahead`` of others come before it."""
        return min(ahead * self.recall_of_others_s, self.longest_turn_s)

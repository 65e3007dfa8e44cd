"""Small things that are fun: jokes, riddles, rock paper scissors, guessing an animal, a story with choices, chance.

A game in play is looked at before anything but feelings; a line that is no move is answered as any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from neko.sessions.models.builtin.phrasebook import Phrasebook
from neko.sessions.models.builtin.wording import Wording

_KINDS: Final = ("riddle", "rps", "animals", "story", "coin", "die", "number", "joke")
_MOST_LINES_AWAY: Final = 3
"""Lines that are no move, after which a game is over."""


@dataclass(slots=True)
class Games:
    """What one session plays. ``at`` is where in it: a riddle, a question of the tree, a place of the story."""

    wording: Wording
    kind: str = ""
    at: Any = None
    last: str = ""
    _away: int = 0

    def start(self, book: Phrasebook, text: str) -> str | None:
        """Begin what ``text`` wishes for; None when it wishes for no game."""
        if self.last and book.matches("another", text):
            return self._begin(book, self.last)
        kind = next((kind for kind in _KINDS if book.matches(kind, text)), None)
        if kind:
            return self._begin(book, kind)
        return self.wording.say(book, "games_offered") if book.matches("play", text) else None

    def move(self, book: Phrasebook, text: str) -> str | None:
        """The answer to a move in the game that is played; None when ``text`` is none."""
        if not self.kind:
            return None
        if book.matches("stop_game", text) and self.kind != "riddle":
            return self._end(self.wording.say(book, "game_over"))
        move = {"riddle": self._riddle, "rps": self._rps, "animals": self._animals, "story": self._story}[self.kind]
        reply = move(book, text)
        self._away = 0 if reply else self._away + 1
        if self._away >= _MOST_LINES_AWAY:
            self._end("")
        return reply

    def _begin(self, book: Phrasebook, kind: str) -> str:
        self.kind, self.last, self._away = "", kind, 0
        say, games = self.wording.say, book.games
        match kind:
            case "riddle":
                question = self.wording.pick("riddle", list(games["riddles"]))
                self.kind, self.at = "riddle", question
                return "<happy>" + question
            case "rps":
                self.kind = "rps"
                return say(book, "rps_start")
            case "animals":
                self.kind, self.at = "animals", ("", games["animals"])
                return say(book, "animals_start")
            case "story":
                self.kind, self.at = "story", games["story"]
                return "<relaxed>" + str(self.at["text"])
            case "coin" | "die" | "number":
                return self._chance(book, kind)
        return say(book, "joke")

    def _chance(self, book: Phrasebook, kind: str) -> str:
        choice = self.wording.choice
        if kind == "coin":
            return self.wording.say(book, "coin", result=choice.choice(book.games["coin"]))
        return self.wording.say(book, "number", result=choice.randint(1, 6 if kind == "die" else 10))

    def _riddle(self, book: Phrasebook, text: str) -> str | None:
        solved, solution, hint = book.games["riddles"].get(self.at, ("", "", ""))
        if not solved:
            return self._end("") or None
        if re.search(solved, text):
            return self._end(self.wording.say(book, "riddle_right", solution=solution))
        if book.matches("give_up", text) or book.matches("stop_game", text):
            return self._end(self.wording.say(book, "riddle_solution", solution=solution))
        if book.matches("hint_please", text):
            return f"<happy>{hint}"
        guess_words = text.split()
        short = len(guess_words) <= 4 and len(text) <= 24
        return self.wording.say(book, "riddle_wrong") if short and not book.matches("question", text) else None

    def _rps(self, book: Phrasebook, text: str) -> str | None:
        signs: Mapping[str, str] = book.games["rps"]
        mine = next((at for at, pattern in enumerate(signs.values()) if re.search(pattern, text)), None)
        if mine is None:
            return None
        hers = self.wording.choice.randrange(3)
        name = ("rps_draw", "rps_user_wins", "rps_she_wins")[(mine - hers) % 3]
        return self.wording.say(book, name, sign=list(signs)[hers])

    def _animals(self, book: Phrasebook, text: str) -> str | None:
        asked, tree = self.at
        yes, no = book.matches("yes", text), book.matches("no", text)
        if yes == no:
            return None
        if asked == "guess":
            return self._end(self.wording.say(book, "animals_right" if yes else "animals_wrong"))
        if not asked:
            if no:
                return self._end(self.wording.say(book, "game_over"))
        else:
            tree = tree[1 if yes else 2]
        if isinstance(tree, str):
            self.at = ("guess", tree)
            return self.wording.say(book, "animals_guess", animal=tree)
        self.at = ("question", tree)
        return f"<neutral>{tree[0]}"

    def _story(self, book: Phrasebook, text: str) -> str | None:
        chosen = next((one for one in ("1", "2") if re.search(book.games["choices"][one], text)), None)
        if chosen is None:
            return None
        self.at = self.at[chosen]
        return ("<relaxed>" + str(self.at["text"])) if "1" in self.at else self._end("<happy>" + str(self.at["text"]))

    def _end(self, reply: str) -> str:
        self.kind, self.at = "", None
        return reply

"""What Steam's numbers for the outcome of a call mean.

``EResult``, as its Workshop means it: https://partner.steamgames.com/doc/features/workshop/implementation, "Errors".
"""

from __future__ import annotations

from typing import Final

OK: Final = 1
_WORDS: Final = {
    2: "it failed without a reason",
    3: "there is no connection with Steam's servers",
    8: "something that was sent is not valid, or the app does not take part in the Workshop",
    9: "the item, its folder or its picture was not found",
    10: "Steam is busy",
    14: "you have an item of this name already",
    15: "this account does not own the app, or may not do that",
    16: "Steam's servers did not answer in time",
    17: "this account has a VAC or game ban",
    20: "Steam's server for this content has trouble; try again later",
    21: "you are not logged in to Steam",
    24: "this account may not upload: it is locked or banned from the community",
    25: "the picture has more than 1 MB, or there is no room left in Steam Cloud",
    29: "it was uploaded already",
    33: "another upload is at it",
    37: "Steam could not read or write something",
    40: "it is blocked",
    44: "after a change of password or mail address an account cannot upload for some days",
    52: "it was cancelled",
    53: "the content is damaged",
    54: "the disk is full",
    84: "there were too many requests; try again later",
    86: "the item has been deleted",
    112: "this account is limited: Steam wants a purchase first",
}


def words(result: int) -> str:
    """An outcome that is not ``OK``, in English, as the other side said it."""
    return f"{_WORDS.get(result, 'the reason is not known here')} (EResult {result})"

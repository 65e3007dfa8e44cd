"""The catalogue of providers is data that ages: each entry says when somebody last looked."""

from __future__ import annotations

import re
from datetime import date

import pytest

from neko.providers import catalogue

ENTRIES = [*catalogue().core.items(), *((key, one) for key, one in catalogue().assist.items() if one.base_url)]


@pytest.mark.parametrize("entry", [one for _, one in ENTRIES], ids=[key for key, _ in ENTRIES])
def test_each_provider_says_in_which_month_it_was_checked(entry: object) -> None:
    checked = getattr(entry, "checked", "")
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", checked)
    assert checked <= f"{date.today():%Y-%m}"

"""A second page is a template of a few lines: head, bar, theme, language and notices come from the shell."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
from playwright.async_api import Browser, expect

from neko.web.style_sheets import joined
from tests.page.static_page import open_static_page

TEMPLATES = Path(__file__).parents[2] / "neko" / "web" / "templates"

SECOND_PAGE = """{% extends "shell.html" %}
{% set entry = "app/second.js" %}
{% set styles = ["markdown"] %}
{% block title %}Second{% endblock %}
{% block content %}<h1 id="greeting"></h1>{% endblock %}
"""

SECOND_ENTRY = """
import { startShell } from "./shell.js";
import { onLanguage, t } from "./i18n.js";
import { toast } from "./notices.js";
const show = await startShell();
onLanguage(() => { document.getElementById("greeting").textContent = t("settings.title"); });
show();
toast("here");
"""


def render(**variables: str) -> str:
    loader = jinja2.ChoiceLoader(
        [jinja2.DictLoader({"second.html": SECOND_PAGE}), jinja2.FileSystemLoader(TEMPLATES)],
    )
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.globals["modules_of"] = lambda *entries: [*entries, "app/shell.js"]
    page = {"base": "/", "character": "Mio", "language": "ja", "version": "v1", **variables}
    return environment.get_template("second.html").render(page)


def test_a_page_of_a_few_lines_has_its_own_title_entry_and_styles_after_the_shared_ones() -> None:
    page = render()
    assert page.startswith("<!doctype html>")
    assert '<html lang="ja" data-character="Mio" data-version="v1">' in page
    assert "<title>Second</title>" in page
    styles = re.findall(r'href="static/css/([\w+]+)\.css\?v=v1"', page)
    assert styles == ["tokens+shell+controls+bar+notices+markdown"]
    assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="static/app/second.js?v=v1">']
    assert 'class="stage"' not in page


def test_the_nonce_of_the_policy_reaches_the_script_and_text_stays_text() -> None:
    page = render(nonce="abc", character="<script>")
    assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="static/app/second.js?v=v1" nonce="abc">']


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_in_a_browser_it_has_the_theme_the_words_and_the_notices(browser: Browser, scheme: str) -> None:
    sheets = "tokens+shell+controls+bar+notices+markdown"
    files = {"/static/app/second.js": SECOND_ENTRY, f"/static/css/{sheets}.css": joined(sheets) or ""}
    page = await open_static_page(browser, html=render(), files=files)
    await expect(page.locator("html")).to_have_attribute("data-ready", "")
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    await expect(page.locator("#greeting")).to_have_text("設定")
    await expect(page.locator("#greeting")).to_be_visible()
    await expect(page.locator(".toast")).to_have_text("here")
    await expect(page.locator("a.bar-name")).to_have_text("Mio")
    papers = await page.evaluate(
        """() => {
          const root = getComputedStyle(document.documentElement);
          return [root.getPropertyValue("--paper").trim(), getComputedStyle(document.body).backgroundColor];
        }"""
    )
    assert papers == (["#f6efe6", "rgb(246, 239, 230)"] if scheme == "light" else ["#1b1718", "rgb(27, 23, 24)"])

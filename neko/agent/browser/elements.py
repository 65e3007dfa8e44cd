"""What an element of a page really is, for the user to read before it is acted on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from neko.agent.browser.gate import place_of
from neko.agent.outside import visible
from neko.types.hands import ActionError

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

_REF: Final = re.compile(r"(?:\[?ref=)?((?:f\d+)?e\d+)\]?")
_TIMEOUT_MS: Final = 3_000
_LONGEST_NAME: Final = 80
_READ: Final = r"""element => {
  const controls = 'a, button, input, select, textarea, summary, label, option, [role], [contenteditable]';
  const control = element.closest(controls) ?? element;
  const form = control.form ?? control.closest('form');
  const link = element.closest('a[href]');
  const senders = 'button:not([type=button]):not([type=reset]), input[type=submit], input[type=image]';
  const here = element.ownerDocument.location.href.split('#')[0];
  const acting =
    /^(onclick|(data-)?hx-(post|put|patch|delete)|data-(turbo-)?(method|confirm)|data-remote|wire:|@|x-on:|ng-click)/;
  const leadsNowhere = /^#!?$/.test(link?.getAttribute('href') ?? '') || (!!link && link.href === here + '#');
  const submitter = form?.querySelector(senders);
  const submits = !!form && !!control.matches?.(senders);
  const text = one => (one.innerText ?? '').trim();
  const pictures = one => [...one.querySelectorAll('img[alt], svg[aria-label], [title]')].slice(0, 5)
    .map(inner => inner.getAttribute('alt') ?? inner.getAttribute('aria-label') ?? inner.title);
  const referred = one => (one.getAttribute('aria-labelledby') ?? '').split(/\s+/).filter(Boolean)
    .map(id => one.getRootNode().getElementById?.(id)?.textContent);
  const said = one => one ? [one.getAttribute('aria-label'), ...referred(one),
    ...[...(one.labels ?? [])].map(text), ['INPUT', 'SELECT', 'TEXTAREA'].includes(one.tagName) ? '' : text(one),
    ['submit', 'button', 'image', 'reset'].includes(one.type) ? one.value : '', one.alt, one.title, one.placeholder,
    ...pictures(one)].map(part => part?.trim()).filter(Boolean) : [];
  const silent = ['password', 'hidden', 'submit', 'button', 'reset', 'file', 'image'];
  const told = field => field.name && field.value && !silent.includes(field.type)
    && (!['checkbox', 'radio'].includes(field.type) || field.checked)
    && !/cc-|password|one-time/.test(field.autocomplete ?? '');
  const fields = form ? [...form.elements].filter(told).slice(0, 20)
    .map(field => [field.name.slice(0, 60), String(field.value).slice(0, 300)]) : [];
  const typed = field => field.value && !/^(search|hidden|submit|button|reset|image|checkbox|radio|range|color)$/
    .test(field.type) && field.getAttribute('role') !== 'searchbox' && !/^(q|s|query|search)$/i.test(field.name ?? '');
  const filled = !!form && [...form.elements].some(field => /^(INPUT|TEXTAREA)$/.test(field.tagName) && typed(field));
  const told_of = 'dialog, [role=dialog], [role=alertdialog], ' + ['cookie', 'consent', 'gdpr', 'privacy']
    .flatMap(word => ['id', 'class', 'aria-label'].map(name => `[${name}*="${word}" i]`)).join();
  const hangs = one => ['fixed', 'sticky'].includes(getComputedStyle(one).position);
  const above = [];
  for (let one = control; one && one.tagName !== 'BODY' && above.length < 15;
    one = one.parentElement ?? one.getRootNode().host) above.push(one);
  const notice = above.filter(one => one.matches(told_of) || hangs(one)).map(text)
    .some(words => words.length < 6000 && /cookie|クッキー|쿠키/i.test(words));
  const target = (submits && control.getAttribute('formaction')) || (form?.getAttribute('action') ?? '');
  const absolute = address => Object.assign(element.ownerDocument.createElement('a'), {href: address}).href;
  const origin = element.ownerDocument.defaultView?.origin ?? '';
  return {
    tag: control.tagName.toLowerCase(),
    type: (control.tagName === 'INPUT' || control.tagName === 'BUTTON') ? control.type : '',
    role: control.getAttribute('role') ?? '',
    name: (said(control)[0] ?? '').slice(0, 500),
    words: said(control).join(' ').slice(0, 1000),
    link: link ? link.href : '',
    opens: control.hasAttribute('aria-expanded') || control.hasAttribute('aria-haspopup'),
    handled: !!link && (link.getAttribute('role') === 'button' || leadsNowhere
      || [...link.attributes].some(one => acting.test(one.name))),
    autocomplete: control.getAttribute('autocomplete') ?? '',
    editable: control.isContentEditable === true,
    submits,
    asks: !!form && form.method === 'get' && form.hasAttribute('action') && !form.hasAttribute('onsubmit')
      && !(submits && control.hasAttribute('formmethod')) && !form.querySelector('input[type=password]'),
    submitter: said(submitter).join(' ').slice(0, 500),
    fields: Object.fromEntries(fields),
    filled,
    notice,
    grid: !!control.closest('[role=grid], [role=gridcell], [role=listbox]'),
    target: form ? absolute(target).slice(0, 2000) : '',
    origin,
  };
}"""


@dataclass(frozen=True, slots=True)
class Element:
    """``name``: what it says first; ``words``: all that it says of itself, seen or not. ``link``: where it leads.
    ``opens``: a menu or a part of the page. ``submits`` its form; ``form_asks``: that only asks for another page;
    ``submitter``: the words of the button that sends it; ``target``: where its form is sent; ``fields``: what that
    holds, but no secrets. ``filled``: texts stand in that which are no search. ``in_cookie_notice``: in a dialog, or in
    what lies over the page, that speaks of cookies. ``in_grid``: it is a cell of a calendar, or an entry of a list to
    choose from. ``host``: of the document that it stands in, "" if that has none of its own.
    """

    role: str
    name: str
    words: str
    tag: str
    type: str = ""
    link: str = ""
    link_is_button: bool = False
    opens: bool = False
    autocomplete: str = ""
    editable: bool = False
    submits: bool = False
    form_asks: bool = False
    submitter: str = ""
    target: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    filled: bool = False
    in_cookie_notice: bool = False
    in_grid: bool = False
    host: str = ""

    @property
    def title(self) -> str:
        return f"“{self.name}”" if self.name else f"a {self.role or self.tag} without a name"

    @property
    def secret(self) -> bool:
        """A field that only the user fills in."""
        kinds = self.autocomplete.lower().split()
        return self.type == "password" or any(
            kind.startswith("cc-") or kind in ("current-password", "new-password", "one-time-code") for kind in kinds
        )

    @property
    def takes_text(self) -> bool:
        buttons = ("button", "submit", "reset", "image", "checkbox", "radio", "file", "color", "range", "hidden")
        return self.editable or self.tag == "textarea" or (self.tag == "input" and self.type not in buttons)


def located(page: Page, ref: Any) -> Locator:
    """Raises ``ActionError`` when that is no ref."""
    match = _REF.fullmatch(ref.strip()) if isinstance(ref, str) else None
    if match is None:
        raise ActionError('Give "ref" as it stands in the snapshot, as in "e12".')
    return page.locator(f"aria-ref={match[1]}")


async def element_at(locator: Locator) -> Element:
    """What it says now. Raises ``ActionError`` when the page has it no more.

    Not by a snapshot of it: that would be the latest, and all refs but those in it would be of no use.
    """
    from playwright.async_api import Error

    try:
        async with asyncio.timeout(_TIMEOUT_MS / 1000 + 1):
            read: dict[str, Any] = await locator.evaluate(_READ, timeout=_TIMEOUT_MS)
    except (Error, TimeoutError) as error:
        raise ActionError("The page has no such element any more. Look at it again and take a ref of now.") from error
    return Element(
        role=read["role"][:30],
        name=shown(read["name"]),
        words=read["words"],
        tag=read["tag"],
        type=read["type"],
        link=read["link"],
        link_is_button=read["handled"],
        opens=read["opens"],
        autocomplete=read["autocomplete"],
        editable=read["editable"],
        submits=read["submits"],
        form_asks=read["asks"],
        submitter=read["submitter"],
        target=read["target"],
        fields=read["fields"],
        filled=read["filled"],
        in_cookie_notice=read["notice"],
        in_grid=read["grid"],
        host=place_of(read["origin"])[0],
    )


def shown(text: str, longest: int = _LONGEST_NAME) -> str:
    """On one line, nothing invisible, cut."""
    text = " ".join(visible(text[: 10 * longest]).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"

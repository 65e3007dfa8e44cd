"""What the user wants to be asked: by hand, domain, plug-in and tool, kept in a file that can be edited by hand."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from neko.agent.agent_file import AgentFile
from neko.agent.approvals import Approvals
from neko.agent.permission import Permission, Permit, Scope, Wanted
from neko.agent.policies import Policies
from neko.errors import ConfigError
from neko.types.agent import Act, Approval, Decision, Policy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.json"


def written(path: Path, content: str, faults: list[ConfigError] | None = None) -> Policies:
    """The policies of a file with this content."""
    path.write_text(content, encoding="utf-8")
    file = AgentFile(path, (faults if faults is not None else []).append)
    file.load()
    policies = Policies(file)
    policies.load()
    return policies


def of(**tables: dict[str, str]) -> str:
    return json.dumps({"policies": tables, "kept": 1})


async def test_always_is_for_the_tool_as_it_was_and_what_is_said_on_the_page_for_any(path: Path) -> None:
    policies = written(path, "{}")
    await policies.allow("user_plugin", "weather", "today", "v1")

    def holds(version: str) -> Policy:
        file = AgentFile(path)
        file.load()
        again = Policies(file)
        again.load()
        assert again.all() == policies.all()
        return again.of("user_plugin", "weather", "today", Act.WRITE, version)

    assert [holds("v1"), holds("v2")] == [Policy.ALLOW, Policy.ASK]
    await policies.put({"tools": {"user_plugin/weather/today": Policy.ALLOW}})
    assert [holds("v1"), holds("v2")] == [Policy.ALLOW, Policy.ALLOW]


@pytest.mark.parametrize(
    ("hand", "act", "policy"),
    [
        ("browser_use", Act.READ, Policy.ALLOW),
        ("computer_use", Act.READ, Policy.ALLOW),
        ("browser_use", Act.WRITE, Policy.ASK_ONCE),
        ("mcp", Act.READ, Policy.ASK),
        ("user_plugin", Act.WRITE, Policy.ASK),
        ("browser_use", Act.DESTRUCTIVE, Policy.ASK),
        ("user_plugin", Act.EXFILTRATING, Policy.ASK),
    ],
)
def test_what_nothing_was_said_of(path: Path, hand: Any, act: Act, policy: Policy) -> None:
    assert written(path, "{}").of(hand, "example.com", "click", act) is policy


def test_the_nearest_word_counts_but_never_is_undone_by_none(path: Path) -> None:
    domains = {"Example.COM.": "ask", "shop.example.com": "allow", "evil.org": "never", "a.evil.org": "allow"}
    policies = written(path, of(hands={"browser_use": "ask_once"}, domains=domains))

    def policy(host: str, act: Act = Act.WRITE) -> Policy:
        return policies.of("browser_use", host, "click", act)

    assert policy("example.com") is policy("www.example.com") is Policy.ASK
    assert policy("shop.example.com") is policy("x.shop.example.com") is Policy.ALLOW
    assert policy("notexample.com") is policy("example.com.evil.net") is Policy.ASK_ONCE
    assert policy("a.evil.org") is policy("evil.org", Act.READ) is Policy.NEVER
    assert policy("shop.example.com", Act.DESTRUCTIVE) is Policy.ASK
    assert policies.of("computer_use", "evil.org", "click", Act.READ) is Policy.ALLOW


def test_a_plug_in_and_a_tool_have_theirs(path: Path) -> None:
    tools = {"user_plugin/weather/send": "ask", "computer_use//click": "allow"}
    policies = written(path, of(plugins={"weather": "allow"}, tools=tools))
    assert policies.of("user_plugin", "weather", "today", Act.WRITE) is Policy.ALLOW
    assert policies.of("user_plugin", "weather", "send", Act.WRITE) is Policy.ASK
    assert policies.of("user_plugin", "news", "today", Act.WRITE) is Policy.ASK
    assert policies.of("computer_use", "", "click", Act.WRITE) is Policy.ALLOW


def test_a_word_that_is_none_is_told_and_counts_for_nothing(path: Path) -> None:
    faults: list[ConfigError] = []
    policies = written(path, of(hands={"browser_use": "sometimes", "feet": "allow"}, domains={"a.org": 7}), faults)  # type: ignore[dict-item]
    assert policies.of("browser_use", "a.org", "click", Act.WRITE) is Policy.ASK_ONCE
    told = {(fault.code, fault.params["key"]) for fault in faults}
    keys = ("hands.browser_use", "hands.feet", "domains.a.org")
    assert told == {("value_unusable", f"policies.{key}") for key in keys}


@pytest.mark.parametrize("content", ["{", "[1]", '{"policies": 3}', '{"policies": {"hands": ["x"]}}'])
def test_a_damaged_file_allows_nothing(path: Path, content: str) -> None:
    policies = written(path, content)
    assert policies.of("user_plugin", "weather", "send", Act.WRITE) is Policy.ASK
    assert policies.all() == {"hands": {}, "domains": {}, "plugins": {}, "tools": {}}


async def test_changes_are_kept_beside_what_others_wrote_meanwhile(path: Path) -> None:
    policies = written(path, of(hands={"mcp": "ask"}, domains={"a.org": "never"}))
    path.write_text(json.dumps({"policies": {"hands": {"mcp": "ask"}}, "mine": 2}), encoding="utf-8")
    await policies.put({"domains": {"A.org": None, "b.org": Policy.ALLOW}})
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert (stored["mine"], stored["policies"]["domains"]) == (2, {"b.org": "allow"})
    assert policies.all()["hands"] == {"mcp": "ask"}


async def test_two_words_at_once_are_both_kept(path: Path) -> None:
    policies = written(path, "{}")
    await asyncio.gather(
        policies.put({"domains": {"bank.example": Policy.NEVER}}), policies.put({"plugins": {"weather": Policy.ALLOW}})
    )
    assert (policies.all()["domains"], policies.all()["plugins"]) == ({"bank.example": "never"}, {"weather": "allow"})
    assert json.loads(path.read_text())["policies"] == policies.all()


# ── permission ──────────────────────────────────────────────────────────────────────────


class Asked:
    """A user who always answers alike; ``acts`` are what they were asked for."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.acts: list[str] = []
        self.holds: list[str] = []
        self.kept = 0
        self.approvals = Approvals(self._hear)
        self.permission = Permission(self.approvals)

    def _hear(self, message: Any) -> bool:
        if message["event_type"] == "neko_approval":
            self.acts.append(message["question"]["act"])
            self.holds.append(message["question"]["holds"])
            self.approvals.answer(message["question"]["id"], self.decision)
        return True

    async def wants(
        self, act: Act, policy: Policy, *, outside: bool = False, scope: Scope | None = None, lasts: bool = True
    ) -> Permit:
        approval = Approval("Mio", "a.org", "click", "click", "{}", act, True, outside)
        return await self.permission.of(Wanted(approval, policy, "a.org", self._keep, lasts, scope))

    async def _keep(self) -> None:
        self.kept += 1


async def test_asked_once_is_asked_once_since_the_start_or_in_the_task() -> None:
    user = Asked(Decision.ONCE)
    for _ in range(2):
        assert (await user.wants(Act.WRITE, Policy.ASK_ONCE)).may_act
    assert user.acts == ["write"]
    user = Asked(Decision.ONCE)
    for scope in (Scope(), Scope()):
        for _ in range(2):
            await user.wants(Act.WRITE, Policy.ASK_ONCE, scope=scope, lasts=False, outside=True)
    assert user.acts == ["write", "write"]


@pytest.mark.parametrize("lasts", [True, False])
@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("policy", [Policy.ALLOW, Policy.ASK, Policy.ASK_ONCE])
async def test_a_yes_spares_the_questions_that_it_says_it_does_and_no_other(
    policy: Policy, act: Act, *, outside: bool, lasts: bool
) -> None:
    user, scope = Asked(Decision.ONCE), Scope()

    async def asked(task: Scope | None) -> bool:
        before = len(user.acts)
        await user.wants(act, policy, outside=outside, scope=task, lasts=lasts)
        return len(user.acts) > before

    if not await asked(scope):
        return
    tasks = {"in the task": scope, "in another": Scope(), "in none": None}
    spared = {where for where, task in tasks.items() if not await asked(task)}
    assert spared == {"once": set(), "task": {"in the task"}, "restart": set(tasks)}[user.holds[0]]


@pytest.mark.parametrize("lasts", [True, False])
@pytest.mark.parametrize("act", [Act.READ, Act.WRITE])
async def test_a_yes_in_words_is_for_the_one_act_whatever_another_would_hold_for(act: Act, *, lasts: bool) -> None:
    user, scope = Asked(Decision.IN_WORDS), Scope()
    for _ in range(2):
        assert await user.wants(act, Policy.ASK_ONCE, scope=scope, lasts=lasts) is Permit.APPROVED
    assert len(user.acts) == 2


@pytest.mark.parametrize(
    ("changes", "still_approved"),
    [
        ({"hands": {"user_plugin": Policy.ASK}}, set()),
        ({"plugins": {"weather": Policy.ASK}}, {"send in news"}),
        ({"tools": {"user_plugin/weather/weather__send": Policy.ASK}}, {"tell in weather", "send in news"}),
        ({"hands": {"mcp": Policy.NEVER}}, {"send in weather", "tell in weather", "send in news"}),
        ({"plugins": {"weather": Policy.ASK_ONCE}}, {"send in weather", "tell in weather", "send in news"}),
    ],
)
async def test_what_was_approved_until_the_next_start_ends_with_another_word_on_it(
    path: Path, changes: Any, still_approved: set[str]
) -> None:
    user, policies = Asked(Decision.ONCE), written(path, of(plugins={"weather": "ask_once"}))
    policies.on_change = user.permission.forget
    wanted = {
        f"{tool} in {place}": Wanted(
            Approval("Mio", place, tool, tool, "{}", Act.WRITE, hand="user_plugin"),
            *(Policy.ASK_ONCE, (place, tool), user._keep),
            function=f"{place}__{tool}",
        )
        for place, tool in (("weather", "send"), ("weather", "tell"), ("news", "send"))
    }
    for one in wanted.values():
        assert await user.permission.of(one) is Permit.APPROVED
    await policies.put(changes)
    assert {name for name, one in wanted.items() if user.permission.unasked(one)} == still_approved


async def test_what_was_approved_covers_nothing_worse() -> None:
    user, scope = Asked(Decision.ONCE), Scope()
    for act in (Act.READ, Act.WRITE, Act.WRITE, Act.READ, Act.DESTRUCTIVE, Act.DESTRUCTIVE, Act.EXFILTRATING):
        await user.wants(act, Policy.ASK_ONCE, scope=scope, lasts=False)
    assert user.acts == ["read", "write", "destructive", "destructive", "exfiltrating"]


@pytest.mark.parametrize("policy", sorted(Policy))
@pytest.mark.parametrize("act", [Act.WRITE, Act.DESTRUCTIVE, Act.EXFILTRATING])
async def test_after_words_from_outside_nothing_but_reading_is_unasked(policy: Policy, act: Act) -> None:
    user = Asked(Decision.DENY)
    permit = await user.wants(act, policy, outside=True, scope=Scope())
    assert permit is (Permit.REFUSED if policy is Policy.NEVER else Permit.DENIED)


@pytest.mark.parametrize(("act", "kept"), [(Act.WRITE, 1), (Act.DESTRUCTIVE, 0), (Act.EXFILTRATING, 0)])
async def test_always_lasts_only_for_what_can_do_no_harm(act: Act, kept: int) -> None:
    user = Asked(Decision.ALWAYS)
    assert await user.wants(act, Policy.ASK) is Permit.APPROVED
    assert user.kept == kept

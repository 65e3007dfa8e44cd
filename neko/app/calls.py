"""Who answers a call: the provider's own voice model directly, or her text model, which is given ears and a voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from neko.errors import SettingError
from neko.providers import ModelEndpoint
from neko.providers.addresses import host_of
from neko.providers.catalogue import CoreProvider, catalogue
from neko.providers.resolution import core_key_for
from neko.sessions.models import realtime
from neko.sessions.renewal import RenewalTimes
from neko.settings import CoreConfig, Settings, is_loopback
from neko.settings.in_force import change_of
from neko.settings.masking import is_masked
from neko.settings.pasted import typed_key
from neko.settings.registry import (
    CALL_LIMIT_LEAD_S,
    CALL_MARK_S,
    CALL_PREPARE_S,
    CALL_TURNS,
    CALL_VOICE,
    CALL_WAY,
    CORE_API,
    CORE_API_KEY,
    LOCAL_ONLY,
    CallTurns,
    CallVoice,
    CallWay,
)

Auto = Literal["auto"]


@dataclass(frozen=True, slots=True)
class CallProvider:
    """A provider that has a voice model. ``has_key``: there is a key that may be sent to it."""

    provider: CoreProvider
    has_key: bool


class CallChoice:
    """``neko.models.calls``. ``resolve`` gives the endpoint of the role ``realtime``; ``answers_here`` says that the
    user wants only the models of this computer asked."""

    def __init__(
        self,
        config: CoreConfig,
        settings: Settings,
        resolve: Callable[[], ModelEndpoint | None],
        answers_here: Callable[[], bool],
    ) -> None:
        self._config = config
        self._settings = settings
        self._resolve = resolve
        self._answers_here = answers_here

    @property
    def chosen(self) -> CallWay | None:
        """What the user chose; None leaves it to her."""
        return self._config.in_force.get(CALL_WAY)

    @property
    def provider(self) -> CoreProvider:
        """Whose voice model is configured."""
        providers = catalogue().core
        return providers.get(self._config.in_force.get(CORE_API)) or providers[catalogue().core_default]

    @property
    def chosen_voice(self) -> CallVoice | None:
        """Whose voice the user wants to hear in such a call; None leaves it to her."""
        return self._config.in_force.get(CALL_VOICE)

    @property
    def chosen_turns(self) -> CallTurns | None:
        """Who finds out that they have finished; None leaves it to her."""
        return self._config.in_force.get(CALL_TURNS)

    @property
    def lets_find_turns(self) -> bool:
        """Can that be found out on this computer?"""
        return realtime.lets_find_turns(self.dialect)

    @property
    def model(self) -> ModelEndpoint | None:
        """The voice model that can be asked, if there is one."""
        endpoint = self._resolve()
        return endpoint if endpoint and realtime.is_spoken(self.dialect) else None

    @property
    def dialect(self) -> str:
        """How it is spoken with: as with the core provider, also at an address of the user's own."""
        return self.provider.key

    @property
    def endpoint(self) -> ModelEndpoint | None:
        """The voice model that answers calls; None where they go through text."""
        if self.chosen == "text":
            return None
        model = self.model
        if model is None or self.chosen == "direct":
            return model
        is_elsewhere = not is_loopback(host_of(model.base_url))
        if is_elsewhere and (self._answers_here() or self._config.in_force.get(LOCAL_ONLY)):
            return None
        return model

    @property
    def voices(self) -> tuple[str, ...]:
        """The voices of the provider's model."""
        return realtime.voices(self.dialect)

    @property
    def finds_turns_here(self) -> bool:
        """Is it found out on this computer when the user has finished?"""
        if not realtime.lets_find_turns(self.dialect):
            return False
        chosen = self.chosen_turns
        return chosen == "here" or (chosen is None and not realtime.finds_turns(self.dialect))

    def renewal_times(self, times: RenewalTimes) -> RenewalTimes:
        """These, as the user has set them."""
        get = self._config.in_force.get
        return replace(
            times, mark_s=get(CALL_MARK_S), prepare_s=get(CALL_PREPARE_S), limit_lead_s=get(CALL_LIMIT_LEAD_S)
        )

    @property
    def choice(self) -> object:
        """All that decides how a call is answered; equal while nothing changed."""
        return self.endpoint, self.chosen_voice, self.chosen_turns

    @property
    def providers(self) -> list[CallProvider]:
        """All that have a voice model."""
        values, environ = self._config.values, self._settings.environ
        return [
            CallProvider(one, bool(core_key_for(one, values, environ)))
            for one in catalogue().core.values()
            if realtime.is_spoken(one.key)
        ]

    def changes(
        self,
        *,
        way: CallWay | Auto | None = None,
        voice: CallVoice | Auto | None = None,
        turns: CallTurns | Auto | None = None,
        provider: str | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """What to merge into ``core_config.json``; what is None stays, "auto" is left to her. Raises
        ``SettingError``."""
        call: dict[str, Any] = {}
        for setting, chosen in ((CALL_WAY, way), (CALL_VOICE, voice), (CALL_TURNS, turns)):
            if chosen is not None:
                call |= change_of(setting, None if chosen == "auto" else chosen)["neko"]["call"]
        changes: dict[str, Any] = {"neko": {"call": call}} if call else {}
        if provider is not None:
            if provider not in {one.provider.key for one in self.providers}:
                raise SettingError("unknown_provider", "There is no such provider of voice models.")
            changes[CORE_API.name] = provider
            if provider != self.provider.key and key is None:
                changes[CORE_API_KEY.name] = ""  # a key goes to whom it was given for
        if key is not None and not is_masked(key):
            changes[CORE_API_KEY.name] = typed_key(key)
        return changes

"""Which trouble a provider's words mean.

Servers of one protocol put the same trouble under many statuses and into many words, also with a 200. The words
below are those of OpenAI, Azure, Anthropic, Gemini, Mistral, DeepSeek, DashScope, Zhipu, Moonshot, MiniMax, Groq,
xAI, OpenRouter, Hugging Face, llama.cpp, LM Studio, Ollama, vLLM and the gateways between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from neko.errors import (
    ContextTooLongError,
    ModelBadRequestError,
    ModelContentFilteredError,
    ModelError,
    ModelForbiddenError,
    ModelKeyRefusedError,
    ModelLoadingError,
    ModelNotFoundError,
    ModelNotPulledError,
    ModelOutOfCreditError,
    ModelRateLimitedError,
    ModelReplyCutError,
    ModelSchemeError,
    ModelServerError,
    ModelTimeoutError,
    ModelWebPageError,
    ModelWrongPathError,
    NoModelLoadedError,
    ParameterRefusedError,
    PicturesRefusedError,
    ToolsRefusedError,
)
from neko.providers.error_body import ErrorBody


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CONTEXT = _any(
    r"context[ _-]?(length|window|size|limit|overflow|shift)|maximum (prompt|input|model|sequence) length",
    r"(prompt|input|message|request|conversation)s?( is| are|_is)?[ _]too[ _](long|large|big)|too many (input )?tokens",
    r"reduce the length of|model token limit|input token count|token count.{0,30}exceed|tokens? (limit )?exceed",
    r"exceed.{0,40}(context|maximum.{0,20}(tokens|length)|max length|token limit|max_model_len)|exceed_context",
    r"(prompt|input).{0,20}(length|tokens).{0,30}(exceed|should be|must be|too)|`inputs`.{0,60}tokens",
    r"when context the|tokens to keep from the initial prompt",
    r"上下文.{0,8}(超|过长|溢出|长度)|(输入|提示|内容).{0,6}(过长|超长|超限|超出.{0,6}长度)",
)
_LIMITS = (
    r"(?:context|prompt|model|input|sequence|max\w*)[ _](?:length|window|size|len)(?: is| of| limit)*(?: only)?"
    r"\D{0,12}?(\d[\d,]*)",
    r"limit(?: is| of|:)?\s*(\d[\d,]*)",
    r"(?:>|<=|less than|cannot exceed|at most|allowed \(|with)\s*(\d[\d,]*)",
    r"\[1,\s*(\d[\d,]*)\]",
)
_REPLY_TOO_LONG = _any(r"max(_completion|_output|_new)?_tokens\W.{0,60}too (large|big|high)")
_PICTURES = _any(r"\bimages?\b|image_url|\bpictures?\b|\bvision\b|multi-?modal|mmproj|modalit(y|ies)|图片|图像|多模态")
_STRING_ONLY = _any(
    r"content.{0,60}(must|should|expected|valid|type).{0,40}str(ing)?\b|expected (a |type )?`?str(ing)?`?\b",
    r"(unmarshal|deserialize).{0,60}(array|content)|invalid type: sequence|unknown variant",
)
_TOOLS = _any(r"\btools?\b|tool_|function[ _.-]?call")
_BILLING = _any(
    r"insufficient[_ -](user[_ ])?(quota|balance|funds?|credits?)|\bbilling\b|arrear|good standing|payment required",
    r"(out of|not enough|no|more|exhausted|add|purchase|buy|all available|low on) credits?\b",
    r"credits? (balance|exhausted|depleted)|monthly included credits",
    r"exceeded_current_quota|spending limit|balance (is )?(too low|insufficient|not enough)",
    r"account.{0,30}(suspended|overdue|deactivated)|欠费|余额|充值|额度.{0,6}(不足|用尽|用完|耗尽)|(点数|积分).{0,4}不足|资源包",
)
_LOADING = _any(
    r"\bloading model|model.{0,80}\b(is|still|being|currently)( \w+)? (loading|loaded|starting|warming)",
    r"loading the model|(engine|server|model|worker) (is )?(starting|warming|initiali[sz]ing|not (yet )?ready)",
    r"warming up|模型.{0,6}加载中",
)
_RATE = _any(
    r"rate.?limit|too many requests|overloaded|throttl|too frequent|concurren(t|cy)|per minute|slow down",
    r"\b[RT]PM\b|频率|频繁|限流|并发|请求过多|请求数|繁忙|稍后再试",
)
_FILTER = _any(
    r"content[ _-]?(filter|policy|management|moderation)|responsible ?ai|safety|data_?inspection|inappropriate",
    r"moderation|\bflagged\b|prohibited|usage polic|sensitive (content|words?)|recitation",
    r"violat.{0,40}(polic|terms|guideline)|polic(y|ies).{0,20}violat|敏感|违规|审核|不安全",
)
_NOT_PULLED = _any(r"try pulling it|ollama pull|pull the model")
_NOT_LOADED = _any(
    r"no models? (is |are )?(currently )?loaded|model (is )?not loaded|please load a model|load a model first"
)
_NO_MODEL = _any(
    r"model_?not_?found|model.{0,80}(not[ _]found|does ?n.t exist|not[ _]exist|not supported|unavailable|no longer)",
    r"(unknown|invalid|no such|unsupported|nonexistent)[ _](model|deployment)\b",
    r"deployment.{0,60}(not[ _]?found|not exist)|not a valid model|no endpoints found for|模型.{0,40}(不存在|未找到)",
)
_NO_CHANNEL = _any(r"no (available )?(channel|endpoint|provider)s?.{0,20}(for|found).{0,20}model|无可用渠道")
_KEY = _any(
    r"\b(invalid|incorrect|wrong|missing|no|bad|expired|unknown|malformed|revoked|disabled|provide|need)\b.{0,30}"
    r"(api[ _-]?(key|secret)|access[ _-]?key|credentials?\b|auth(entication|orization)?\b|access token)",
    r"api[ _-]?key.{0,30}(invalid|not valid|expired|missing|required|incorrect|wrong|无效|错误|不存在)",
    r"invalid_(api_)?key|(invalid|expired) token|unauthori[sz]ed|authenticat|not logged|login fail|permission_?denied",
    r"令牌|密钥|鉴权|未授权|身份验证|认证失败|登录",
)
_NOTHING_HERE = _any(
    r"\bnot[ _]found\b|cannot (post|get)|invalid url|no (such )?route|unknown (request )?(url|path|endpoint)",
    r"unexpected endpoint|method not allowed|no handler|not (a valid|an) (path|endpoint)|请求路径",
)
_PLAIN_TO_TLS = _any(r"http request (was sent )?to (an )?https|plain http|speaking plain http")
_ROLES = _any(r"roles? must alternate|roles? should alternate|after the optional system message|alternate user")
_SYSTEM = _any(
    r"system.{0,20}(role|message|prompt|instruction)s?.{0,30}(not|n.t|un)[ -]?(support|allow|enabl|permit)",
    r"(developer|system) instruction is not enabled|only user,? ?(and|assistant).{0,40}roles? are supported",
    r"support.{0,20}system (role|message)|role.{0,30}['\"`]?(system|developer)['\"`]?|system['\"`] (is|does) not",
)
_EMPTY = _any(
    r"content.{0,60}(empty|null|none|nil|blank|required|got null|must be a string)|(empty|null|missing).{0,20}content",
    r"messages?.{0,40}(must|may|can|should) ?not be (empty|null|blank)|消息.{0,10}(不能)?为空",
)
_OWN_FIELDS: Final = frozenset(("reasoning_content", "extra_content"))
"""Fields of messages and their tool calls that only those servers want back that have sent them."""
_UNKNOWN_FIELD = _any(
    r"unsupported|unexpected|unrecogni[sz]ed|unknown|not supported|not permitted|not allowed|extra inputs"
)
_NO_PARAMETERS: Final = frozenset(("model", "messages"))
_ALWAYS_OWN_CAUSE: Final = (401, 402, 403, 408, 429)


@dataclass(frozen=True)
class Refusal:
    """An answer that is no reply: its HTTP status (None inside a good one), its words and what had been asked.

    ``request`` is the body that was sent, empty when there was none. ``hint``: seconds that a header asks to wait.
    """

    status: int | None
    body: ErrorBody
    request: Mapping[str, Any]
    model: str
    hint: float | None = None

    @cached_property
    def code(self) -> int:
        """The status that counts: an answer that failed by HTTP has its own, a good one what it names inside."""
        if self.status is not None and self.status >= 400:
            return self.status
        return self.body.status or 0

    @cached_property
    def may_be_about_request(self) -> bool:
        return self.code not in _ALWAYS_OWN_CAUSE

    def has(self, pattern: re.Pattern[str]) -> bool:
        return pattern.search(self.body.words) is not None

    @cached_property
    def blamed(self) -> str:
        """The part of the request that the answer blames by its form, "" for none. See ``ParameterRefusedError``."""
        if self.has(_ROLES):
            return "roles"
        if self.has(_SYSTEM):
            return "system"
        if any(name in self.body.words for name in _OWN_FIELDS & _fields(self._messages)):
            return "fields"
        if self.has(_EMPTY) and not all(message.get("content") for message in self._messages):
            return "empty"
        return self.body.parameter if self.body.parameter in self._sent else ""

    @cached_property
    def parameter(self) -> str:
        """The part of the request that is refused: the one blamed, else the first that the words name."""
        if self.blamed:
            return self.blamed
        if self.code >= 500 and not self.has(_UNKNOWN_FIELD):
            return ""
        return next((name for name in self._sent if re.search(rf"\b{re.escape(name)}\b", self.body.words)), "")

    @property
    def _messages(self) -> Sequence[Mapping[str, Any]]:
        return self.request.get("messages") or ()

    @property
    def _sent(self) -> list[str]:
        return [name for name in self.request if name not in _NO_PARAMETERS]


def error_for(refusal: Refusal) -> ModelError:
    """The error of the tree for an answer; without names and the provider's sentence yet."""
    kind = _about_the_request(refusal) or _by_words(refusal) or ModelServerError
    error = kind(f"status {refusal.status}" if refusal.status else "inside a good answer")
    if isinstance(error, ContextTooLongError):
        error.limit = refusal.body.context or _limit(refusal.body.words)
    elif isinstance(error, ParameterRefusedError):
        error.parameter = refusal.parameter
    elif isinstance(error, ModelSchemeError):
        error.params["scheme"] = "https"
    elif isinstance(error, ModelRateLimitedError | ModelLoadingError | ModelServerError):
        error.params.update(_waiting(refusal))
    elif isinstance(error, ModelTimeoutError):
        error.params["seconds"] = 0
    return error


def _about_the_request(refusal: Refusal) -> type[ModelError] | None:
    """What would be answered if it were asked otherwise."""
    has, request = refusal.has, refusal.request
    if refusal.body.is_page and refusal.code != 413:
        return None
    if refusal.may_be_about_request and has(_REPLY_TOO_LONG) and refusal.parameter:
        return ParameterRefusedError
    if has(_CONTEXT) and refusal.code not in (401, 402, 403):
        return ContextTooLongError
    if not refusal.may_be_about_request:
        return None
    if _has_pictures(request) and (has(_PICTURES) or has(_STRING_ONLY) or refusal.code == 413):
        return PicturesRefusedError
    if refusal.code == 413:
        return ContextTooLongError
    if refusal.blamed not in ("", "tools"):
        return ParameterRefusedError
    return ToolsRefusedError if "tools" in request and has(_TOOLS) else None


def _by_words(refusal: Refusal) -> type[ModelError] | None:
    has, code = refusal.has, refusal.code
    if code == 402 or (code < 500 and has(_BILLING) and not _is_passing_quota(refusal)):
        return ModelOutOfCreditError
    if has(_PLAIN_TO_TLS) and 400 <= code < 500:
        return ModelSchemeError
    if has(_LOADING) and not refusal.body.is_page:
        return ModelLoadingError
    if code == 429 or (code in (0, 500) and has(_RATE)):
        return ModelRateLimitedError
    if has(_NO_CHANNEL):
        return ModelNotFoundError
    if code in (502, 503, 504) or code > 505:
        return ModelServerError
    if refusal.body.is_page:
        return _of_page(code)
    if code != 401:
        if has(_NOT_LOADED):
            return NoModelLoadedError
        if has(_NOT_PULLED):
            return ModelNotPulledError
        if (
            has(_NO_MODEL)
            or (code == 404 and _names_model(refusal))
            or (code == 404 and refusal.body.said and not has(_NOTHING_HERE))
        ):
            return ModelNotFoundError
        if has(_FILTER) and code != 404:
            return ModelContentFilteredError
    return _by_status(refusal)


def _of_page(code: int) -> type[ModelError]:
    if code in (404, 405, 410):
        return ModelWrongPathError
    return ModelServerError if code >= 500 else ModelWebPageError


def _by_status(refusal: Refusal) -> type[ModelError] | None:
    has, code = refusal.has, refusal.code
    if code == 401 or (code in (0, 400, 403) and has(_KEY)):
        return ModelKeyRefusedError
    if code == 403:
        return ModelForbiddenError if " " in refusal.body.said else ModelKeyRefusedError
    if code in (404, 405):
        return ModelWrongPathError
    if code == 408:
        return ModelTimeoutError
    if refusal.parameter:
        return ParameterRefusedError
    return ModelBadRequestError if 400 <= code < 500 else None


def _is_passing_quota(refusal: Refusal) -> bool:
    """Google calls its limits by the minute a quota too, and says when to try again."""
    return refusal.code == 429 and _wait_s(refusal) is not None and "insufficient_quota" not in refusal.body.words


def _wait_s(refusal: Refusal) -> float | None:
    return refusal.hint if refusal.hint is not None else refusal.body.wait_s


def _waiting(refusal: Refusal) -> dict[str, int | float]:
    seconds = _wait_s(refusal)
    if seconds is None:
        return {}
    return {"seconds": round(seconds, 1), "minutes": round(seconds / 60), "hours": round(seconds / 3600)}


def _names_model(refusal: Refusal) -> bool:
    return bool(refusal.model) and refusal.model.lower() in refusal.body.words.lower()


def _fields(messages: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names in messages and their tool calls."""
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    return {name for holder in (*messages, *calls) for name in holder}


def _has_pictures(request: Mapping[str, Any]) -> bool:
    messages = request.get("messages") or ()
    return any(isinstance(message.get("content"), list) for message in messages)


def _limit(words: str) -> int | None:
    """The most tokens that the model takes, as the words have it."""
    for pattern in _LIMITS:
        for match in re.finditer(pattern, words, re.IGNORECASE):
            number = int(match[1].replace(",", ""))
            if number >= 256:
                return number
    return None


_CUT = _any(r"(model_|max_)?length|max_(output_)?tokens|token_limit")
_FILTERED = _any(
    r"content_filter(ed)?|(image_)?safety|recitation|blocklist|prohibited_content|spii|sensitive|refusal|language"
    r"|guardrail_intervened"
)
_FAILED = _any(r"error|failed|network_error|insufficient_system_resource|malformed_function_call|abort|other")


def finish_error(reason: str) -> type[ModelError] | None:
    """What a ``finish_reason`` says went wrong, None for a proper end (and for one that nobody knows)."""
    if _CUT.fullmatch(reason):
        return ModelReplyCutError
    if _FILTERED.fullmatch(reason):
        return ModelContentFilteredError
    return ModelServerError if _FAILED.fullmatch(reason) else None

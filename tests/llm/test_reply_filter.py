"""Thoughts and what a template leaves never show; ordinary text always does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.llm.reply_filter import ReplyFilter
from neko.llm.speaker_labels import SpeakerLabels
from tests.field.hostile_provider import spelled

THOUGHT = "The user says hello. I should greet (a < b), and offer tea.\n\n1. Greet\nSecret plan."
SAID = "Hello! Would you like some tea?"


class Shown:
    """What a reader has of a reply."""

    def __init__(self, *, begun: str = "", opened: bool = False) -> None:
        self.text = begun
        self.taken_back = 0
        self._begun = begun
        self.filter = ReplyFilter(self._take_back, SpeakerLabels("Mio", "Rei"), begun=begun, opened=opened)

    def _take_back(self) -> None:
        self.text = self._begun
        self.taken_back += 1

    def read(self, *pieces: str) -> str:
        for piece in pieces:
            shown = self.filter.feed(piece)
            self.text += shown
        rest = self.filter.flush()
        self.text += rest
        return self.text


THOUGHTS = {
    "think": f"<think>\n{THOUGHT}\n</think>\n\n{SAID}",
    "after white space": f"\n\n <think>{THOUGHT}</think> {SAID}",
    "capitals": f"<Thinking>{THOUGHT}</THINKING>{SAID}",
    "reasoning": f"<reasoning>{THOUGHT}</reasoning>{SAID}",
    "reflection": f"<reflection>{THOUGHT}</reflection>{SAID}",
    "scratchpad": f"<scratchpad>{THOUGHT}</scratchpad>{SAID}",
    "a name nobody has used yet": f"<my:deep_thought depth=3>{THOUGHT}</my:deep_thought>{SAID}",
    "in Chinese": f"<思考>{THOUGHT}</思考>{SAID}",
    "seed": f"<seed:think>{THOUGHT}</seed:think>{SAID}",
    "open webui": f'<details type="reasoning" done="true">\n<summary>Thought</summary>\n{THOUGHT}\n</details>\n{SAID}',
    "mistral": f"[THINK]{THOUGHT}[/THINK]{SAID}",
    "kimi": f"◁think▷{THOUGHT}◁/think▷{SAID}",
    "bars": f"<|thinking|>{THOUGHT}<|/thinking|>{SAID}",
    "open thoughts": f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>\n\n"
    f"<|begin_of_solution|>\n{SAID}\n<|end_of_solution|>",
    "cohere": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{SAID}<|END_RESPONSE|>",
    "gemma": f"<|channel>thought\n{THOUGHT}<channel|>{SAID}<turn|>",
    "apertus": f"<|inner_prefix|>{THOUGHT}<|inner_suffix|>{SAID}",
    "solar": f"<|think|>{THOUGHT}<|end|><|begin|>assistant<|content|>{SAID}<|end|>",
    "hunyuan": f"<think>{THOUGHT}</think>\n<answer>\n{SAID}\n</answer>",
    "granite": f"Here is my thought process:\n{THOUGHT}\nHere is my response:\n{SAID}",
    "apriel": f"Here are my reasoning steps:\n{THOUGHT}\n[BEGIN FINAL RESPONSE]\n{SAID}\n[END FINAL RESPONSE]\n<|end|>",
    "twice": f"<think>{THOUGHT}</think>\n<think>{THOUGHT}</think>\n{SAID}",
    "empty": f"<think>\n\n</think>\n\n{SAID}",
    "harmony": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>"
    f"{SAID}<|return|>",
    "harmony with a call": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>commentary "
    f"to=functions.a <|constrain|>json<|message|>{{}}<|call|><|start|>assistant<|channel|>final<|message|>{SAID}",
    "harmony without its marks": f"analysis{THOUGHT}assistantfinal{SAID}",
    "after her name": f"Mio: <think>{THOUGHT}</think>{SAID}",
    "after a token": f"<|im_start|>assistant\n<think>{THOUGHT}</think>{SAID}<|im_end|>",
    "t_unused": f"<unused94>thought\n{THOUGHT}<unused95>{SAID}",
    "t_fenced": f"```thinking\n{THOUGHT}\n```\n{SAID}",
    "t_fenced_code": f"```thinking\n{THOUGHT}\n```py\n{THOUGHT}\n``` \n{SAID}",
    "t_two_blocks": f"<think>{THOUGHT}</think>{SAID}\n<think>{THOUGHT}</think>",
    "two blocks in a line": f"<think>{THOUGHT}</think>{SAID}<think>{THOUGHT}</think>",
    "t_ant": f"<antThinking>{THOUGHT}</antThinking>{SAID}",
    "a process": f"<thought_process>{THOUGHT}</thought_process>{SAID}",
    "in small letters": f"<think> the user says hi. i greet </think>\n\n{SAID}",
    "of a tag that is empty": f"<think/>{SAID}",
    "a call of Gemma before the words": f"<|tool_call>call:x{{}}<tool_call|>{SAID}",
    "a call of DeepSeek before the words": f"<｜tool▁calls▁begin｜>x<｜tool▁calls▁end｜>{SAID}",
    "a call before the words": f'<tool_call>\n{{"name": "a"}}\n</tool_call>\n{SAID}',
}
OPENED_BY_THE_TEMPLATE = {
    "close only": f"{THOUGHT}\n</think>\n\n{SAID}",
    "close only, glued": f"{THOUGHT}</think>{SAID}",
    "mistral": f"{THOUGHT}[/THINK]{SAID}",
    "kimi": f"{THOUGHT}◁/think▷{SAID}",
    "cohere": f"{THOUGHT}<|END_THINKING|>{SAID}",
    "a thought that thinks of thoughts": f"Is it <b>time</b>? Yes.\n</thinking>\n{SAID}",
    "nested": f"<think>a <think> b.</think> {THOUGHT}\n</think>{SAID}",
    "harmony, first mark eaten": f"analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>"
    f"{SAID}",
    "harmony, header eaten": f"{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{SAID}<|return|>",
    "harmony without its marks": f"{THOUGHT}assistantfinal{SAID}",
    "without a full stop": f"{THOUGHT} so I greet </think>\n\n{SAID}",
    "in Chinese, glued": f"{THOUGHT}\n用户在打招呼</think>{SAID}",
    "that ends in a colon": f"{THOUGHT} I write:\n</think>\n\n{SAID}",
}
LEFTOVERS = {
    "l_tool_call": f'{SAID}\n<tool_call>\n{{"name": "web_search", "arguments": {{}}}}\n</tool_call>',
    "l_tool_calls_mistral": f'{SAID}[TOOL_CALLS][{{"name": "web_search", "arguments": {{}}}}]',
    "tool_call_text": f'{SAID}\n\n<tool_call>\n{{"name": "web_search"}}\n</tool_call>',
    "a call and another turn": f"{SAID}\n<tool_call>{{}}</tool_call><|im_end|>\n<|im_start|>user\nHi",
    "a second thought and another turn": f"<think>a</think>{SAID}<think>b</think><|im_end|>\n<|im_start|>user\nHi",
    "a call of a function": f'{SAID}<function=search>{{"q": 1}}</function>',
    "a call of Gemma": f"{SAID}<|tool_call>call:x{{}}<tool_call|>",
    "a call of Kimi": f"{SAID}<|tool_calls_section_begin|><|tool_call_begin|>x<|tool_call_end|>",
    "the end of a thought once more": f"<think>{THOUGHT}</think>{SAID}</think>",
    "another instruction under a heading": f"{SAID}\n\n### Instruction:\nMore.\n\n### Response:\nMore.",
    "a call that is cut off": f'{SAID}\n<tool_call>\n{{"name": "web_se',
    "a call in XML": f"{SAID}\n<tool_call>\n<function=search>\n<parameter=q>tea</parameter>\n</function>\n</tool_call>",
    "a call with its arguments": f"{SAID}[TOOL_CALLS]search[ARGS]{{}}",
    "a call of GLM": f"{SAID}\n<tool_call>search\n<arg_key>q</arg_key>\n</tool_call>",
    "a call of Llama": f'{SAID}<|python_tag|>{{"name": "search"}}',
    "l_minimax": f"{SAID}[e~[",
    "l_spaced": f"{SAID}< | im_end | >",
    "a role in a tag": f"{SAID}</assistant>",
    "all of it in a role": f"<assistant>\n{SAID}\n</assistant>",
    "padding": f"{SAID}<pad><pad>",
    "the master's turn and more of them": f"{SAID}\n\nRei: Yes please!\nMio: Here.\nRei: Thanks.",
    **{token: SAID + token for token in ("<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "<|return|>")},
    **{
        token: SAID + token
        for token in ("<｜end▁of▁sentence｜>", "</s>", "<end_of_turn>", "[/INST]", "<turn|>", "<eos>")
    },
    **{token: SAID + token for token in ("<|never_heard_of_it|>", "<|assistant|>", "\n<|im_end|>\n", "<|eot_id|></s>")},
    "llama header": f"{SAID}<|start_header_id|>assistant<|end_header_id|>\n\nMore.",
    "another turn": f"{SAID}<|im_end|>\n<|im_start|>user\nYes please!<|im_end|>",
    "another instruction": f"{SAID}\n[INST] And now? [/INST] Now this.",
    "llama header without its marks": f"{SAID}assistant\n\nMore.",
    "a token that was cut short": f"{SAID}<|im_en",
    "llama system": f"{SAID}<<SYS>>You are",
    "heading": f"{SAID}\n\n### Assistant:",
    "heading of the user": f"{SAID}\n### User:\nYes",
    "the user's turn": f"{SAID}\nUser: Yes please!\nMio: Here you are.",
    "the master's turn": f"{SAID}\n\nRei: Yes please!",
    "the master's turn, bold": f"{SAID}\n**Rei:** Yes please!",
    "the user's turn in Chinese": f"{SAID}\n用户：好的",
    "at the start": f"<s>[INST] {SAID}",
    "roles at the start": f"<|start_header_id|>assistant<|end_header_id|>\n\n{SAID}",
    "gemma at the start": f"<start_of_turn>model\n{SAID}<end_of_turn>",
    "a bare role": f"assistant\n\n{SAID}",
    **{
        name: name + SAID
        for name in ("Mio: ", "**Mio:** ", "**Mio**: ", "Mio：", "[Mio]: ", "\n mio : ", "Assistant: ")
    },
}
SIBLINGS = {
    "k2_thoughtful": "<thoughtful> Hmm, let me see. Tea!",
    "k2_thinkpad": "<ThinkPad> is written on it.",
    "k2_reasonable": "<reason_code> 7, <thinking_face>, <analysis_report>: three of them.",
    "k2_analysis_tag": "<analysis> is the tag that you asked about.",
    "k_reasoning_begin": "<reasoning> is the tag you asked about.\n\nIt opens a thought.",
    "k_think_only_word": "<think> about it, will you?",
    "k_think_pair": "<think> and </think> mark a thought.",
    "k_think_dots": "<think>…</think> is what stands around it.",
    "k_think_bracket": "[THINK] is a sign at IBM.",
    "k_close_begin": "</think> closes a thought.",
    "k2_close_last": "The tag that closes a thought is </think>",
    "k2_close_line": "Close it with </think>\nand go on.",
    "k2_close_colon": "The closing tag:\n</think>\nThat is all.",
    "k2_close_bold": "Use **</think>** to close it.",
    "k2_close_list": "- <think> opens\n- </think> closes\nThat is all.",
    "k2_model_xml": "A car: <car><model>Civic</model><year>2020</year></car> done.",
    "k2_model_attributes": '<car><model id="7">Civic</model><year>2020</year></car> done.',
    "k2_bot_tag": "In the file: <bot>Neko</bot> and <user>you</user>, see?",
    "k2_bot_close": "It says </bot> at the end.\n</model> is there, too.",
    "k2_assistant_xml": "<assistant>me</assistant> and <human>you</human>.",
    "k2_eol_tag": "Write <end_of_line>\nand then go on here.",
    "k2_reserved_tag": "Choose <reserved_seat>\nor <end_of_file>.",
    "k2_indent_code": "Look:\n\n    <model>Civic</model>\n    </think>\n    <|im_end|>\n\nDone.",
    "k2_chatml_talk": "ChatML looks like <|im_start|>user and ends with <|im_end|>, that is all of it.",
    "k2_token_line": "The end token:\n<|im_end|>\nThat is all.",
    "k2_eos_word": "<eos> and <bos> are tokens.",
    "k2_bos_word": "<bos> and <eos> are tokens.",
    "k2_unk_tail": "Your typing <unk>",
    "k2_mask": "The capital of France is <mask>",
    "k2_dialogue2": "Here you go!\n\nUser: Is it open?\nClerk: Yes.",
    "k2_dialogue3": "A scene.\n\nUser: Hi!\n\n**Clerk:** Hello.\nUser: Bye!",
    "k2_reason_xml": "<order><reason>late</reason><item>tea</item></order>",
    "k_think_list": "<think>, <reasoning> and <analysis> are tags.",
    "k_think_ellipsis": "<think> … </think> stands before the answer.",
    "k_tokens_list": "Tokens:\n- <|im_start|>\n- <|im_end|>\n- <|endoftext|>\n\nThat is all.",
    "k_tokens_numbered": "Tokens:\n\n1. <|im_start|>\n2. <|im_end|>\n10. </think>\n\nThat is all.",
    "k_token_paragraph": "A turn ends with <|im_end|>\n\nThat is all.",
    "k_comma_zh": "结束标记是</think>，然后回答。令牌<|im_end|>表示结束。",
    "k_particle_ja": "思考は</think>。トークン<|im_end|>は終わりです。",
    "k_particle_ko": "토큰 <|im_end|>는 끝입니다.",
    "k_pipes": "f <| list |> h and (g <|map|> h)",
    "k_pipe_last": "Write f <|map",
    "k_inst_begin": "[INST] and [/INST] are tokens of Llama.",
    "k_token_begin": "<|im_end|> ends a turn.",
    "k_close_inline": "It reads: </think>\n\nThat ends it.",
    "k_close_heading": "Marks:\n\n## </think>\n\nIt ends a thought.",
    "k_close_hyphen": "Mind </think>-tags and the </think>'s place.",
    "k_unk_begin": "<unk>: unknown.",
    "k_close_colon_begin": "</think>: the end of a thought.",
    "k_eos_comma": "<eos>, <bos> and <pad> are tokens.",
    "k_model_root": "<model>\n<name>x</name>\n</model>",
    "k_headings": "A quiz.\n\n### Question:\nWhy?\n\n### Answer:\nBecause.",
    "k_headings_first": "Here it is.\n\n### Input:\nA text.\n\n### Output:\nAnother.",
    "k_function_talk": "Write <function=name> there.",
    "k_call_talk": "Qwen writes <tool_call>{}</tool_call> there; <tool_call> opens it.",
    "k_ket": "The states <|b> and a<|x|>b and <y|> are written so.",
    "k_quote_tag": 'She said "<think>" with a grin.',
    "k_r1_talk": "DeepSeek writes <think>…</think> before its answer.",
    "k_think_ticks": "In that format `</think>` closes the thought, and `<think>` opens it.",
}
ORDINARY = (
    *SIBLINGS.values(),
    "Press <Enter> to send, or <Ctrl>+<C>. <Enter> <Esc>",
    "<mio@example.com> or <https://example.com>, npm i <package>, 日本<にほん>, <b>bold</b>",
    "2 < 3 and 5 > 4, a<b, a -> b, b <- a, I <3 you, x <| f |> g, List<Thought>",
    "Note: tea\nUser: admin\nHost: here",
    "Here is the log:\nUser: anna\nAssistant: yes",
    "- User: x\n- Mio: y\n\n> User: z\n\n| User: | a |",
    "```\nUser: a\n<think>x</think>\n</think>\n<|im_end|>\n```\nThat was it.",
    "```\n```html\nUser: a\n<|im_end|>\n```\nThat was it.",
    "````\n```\n<|im_end|>\n```\nUser: a\n</think>\n````\nThat was it.",
    "- So:\n  ~~~html\n  </think>\n  <|im_end|>\n  ~~~\n- That was it.",
    "> ```\n> <|im_end|>\n> ```\n\nThat was it.",
    "In `<think>` and `</think>` stands a thought, after `<|im_end|>` nothing.",
    "The tags <think> and </think> mark a thought.",
    "The model writes </think> and then answers.",
    "The token <|im_end|> ends a turn, and <|eot_id|>, too. So does </s>.",
    'I said "</think>" once, and ("<|im_end|>") too.',
    "Now <s>9</s> 8 euros? No: <s>8</s> 7 euros.",
    "The tag **</think>** ends a thought.",
    "Marks:\n\n| </think> | end |\n| <|im_end|> | end |\n\n- </think>: end of a thought\n- <|im_end|>: end of a turn",
    "<thinking face> Hm. <Thought bubble>",
    "One.as two.assistants three.assistant four?a",
    "analysis of tea: analysis, then more analysis",
    "analysisResult is a name, like finalAnswer",
    "Here is my thought process: none.",
    "Thinking about tea makes me happy.",
    "Mio is my name. User",
    "Users: many\nHumans: few\nReina: x",
    "[SMILES] Hi [this](that) [x] [OK]",
    "Assistants help.",
    "x\n\n# Heading\n\n## User guide\n\nok",
)


def check_in_pieces(text: str, said: str, taken_back: set[int], size: int | None) -> None:
    shown = Shown()
    assert shown.read(*(spelled(text, size) if size else [text])) == said
    assert shown.taken_back in taken_back


SIZES = pytest.mark.parametrize("size", [1, 2, 3, 4, 7, None])


@SIZES
@pytest.mark.parametrize("text", THOUGHTS.values(), ids=THOUGHTS)
def test_a_thought_that_begins_a_reply_is_hidden(text: str, size: int | None) -> None:
    check_in_pieces(text, SAID, {0}, size)


@SIZES
@pytest.mark.parametrize("text", OPENED_BY_THE_TEMPLATE.values(), ids=OPENED_BY_THE_TEMPLATE)
def test_a_thought_of_which_only_the_end_comes_is_taken_back(text: str, size: int | None) -> None:
    check_in_pieces(text, SAID, {0, 1, 2}, size)


@SIZES
@pytest.mark.parametrize("text", LEFTOVERS.values(), ids=LEFTOVERS)
def test_what_a_template_leaves_is_cut(text: str, size: int | None) -> None:
    check_in_pieces(text, SAID, {0}, size)


@SIZES
@pytest.mark.parametrize(
    "text",
    ["```x``` is it.", "```\nx\n```", "```\nx\n```\nIt.", "- ```\n  x\n  ```\n\nIt.", "> ```\n> x\n\nIt.", "1. `x`"],
)
def test_behind_code_a_template_leaves_as_much(text: str, size: int | None) -> None:
    shown = Shown()
    assert shown.read(*spelled(f"{text}<|im_end|>\nUser: Yes!", size or 100)).strip() == text


def test_a_reply_that_goes_on_in_code_is_code() -> None:
    goes_on = ReplyFilter(int, begun="See:\n```html\n")
    text = "a\n<|im_end|>\nUser: b\n```\n"
    assert goes_on.feed(text) + goes_on.flush() == text.rstrip()


ORDINARY_IDS = [*SIBLINGS, *(None for _ in ORDINARY[len(SIBLINGS) :])]


@SIZES
@pytest.mark.parametrize("text", ORDINARY, ids=ORDINARY_IDS)
def test_ordinary_text_is_shown_to_the_letter(text: str, size: int | None) -> None:
    check_in_pieces(text, text, {0}, size)


@pytest.mark.parametrize("text", ORDINARY, ids=ORDINARY_IDS)
def test_ordinary_text_of_a_model_that_is_known_for_thoughts_is_shown_too(text: str) -> None:
    for size in (1, 5, len(text)):
        shown = Shown(opened=True)
        assert shown.read(*spelled(text, size)) == text
        assert not shown.filter.ends_a_thought


NAMES = st.sampled_from(
    [
        *("think", "thinking", "thought", "reasoning", "reason", "analysis", "reflection", "ThinkPad", "thoughtful"),
        *("answer", "final", "model", "bot", "assistant", "user", "system", "order", "end_of_line", "end", "turn"),
        *("message", "channel", "tool", "tool_call", "b", "Enter", "your-name", "details"),
    ]
)
MENTIONS = st.one_of(
    NAMES.map("<{}>".format),
    NAMES.map("<{0}>x</{0}>".format),
    NAMES.map('<{0} a="1">the tea</{0}>'.format),
    NAMES.map("[{}]".format),
    NAMES.map(lambda name: f"[{name.upper()[:9]}]".replace("[THINK", "[TALK")),
    NAMES.map("`</{0}>` `<|{0}|>`".format),
    NAMES.map("so:\n```\n<{0}>\nUser: x\n</{0}>\n```\nthat".format),
    st.sampled_from(
        ["Mio: tea", "User: tea", "a < b", "x <- y", "a | b", "[1]", "</b>", "</bot>", "</model> it", "<3"]
    ),
)
WORDS = st.sampled_from(["the", "cat", "found", "place,", "and", "tea", "is", "here;", "really:", "yes"])
SENTENCES = st.lists(st.tuples(WORDS, st.one_of(WORDS, MENTIONS)).map(" ".join), min_size=1, max_size=6)


@given(SENTENCES, st.sampled_from([" ", " and ", ". Then ", "!\n", "\n\n"]), st.integers(1, 9))
def test_ordinary_words_with_tags_names_and_code_are_shown_to_the_letter(
    sentences: list[str], between: str, size: int
) -> None:
    text = f"Well, {between.join(sentences)} indeed."
    for opened in (False, True):
        assert Shown(opened=opened).read(*spelled(text, size)) == text


@given(st.text(alphabet="abcxyz_-:", min_size=1, max_size=12), st.sampled_from([" is a tag.", "x</{}> is a tag."]))
def test_a_tag_of_any_other_name_is_text_where_a_reply_begins(name: str, after: str) -> None:
    text = f"<{name}>{after.format(name)}"
    assert Shown().read(text) == text


PARTS = st.sampled_from(
    [
        *"<>|[]/ \n`:*#◁▷｜.{,a",
        *("think", "Mio", "User", "Rei", "<|im_end|>", "<think>", "</think>", "channel", "final", "s>"),
        *(
            "<tool_call>",
            "<model>",
            "</model>",
            "<|im_start|>",
            "user",
            "Mio: ",
            "\nRin: ",
            "\nUser: ",
            "<unused1>thought",
        ),
    ]
)


@given(st.lists(PARTS, max_size=12).map("".join), st.integers(1, 5))
def test_where_the_deltas_are_cut_changes_nothing(text: str, size: int) -> None:
    assert Shown().read(*spelled(text, size)).strip() == Shown().read(text).strip()


@given(st.text(alphabet="ab cd\n.,!?:-()\"'*_#123é猫。", max_size=80), st.integers(1, 5))
def test_text_without_any_mark_is_shown(text: str, size: int) -> None:
    assert Shown().read(*spelled(text, size)) == text.lstrip().rstrip("\n") or text.endswith((" ", "\n"))
    assert Shown().read(*spelled(text, size)).split() == text.split()


@pytest.mark.parametrize(
    "text",
    [
        "<think>for ever",
        "<|channel|>analysis<|message|>for ever",
        "a.</think>",
        "<|im_end|>",
        "<|tool_call>call:x{}<tool_call|>",
    ],
)
def test_a_thought_without_an_answer_shows_nothing(text: str) -> None:
    assert Shown().read(*text) == ""


def test_ordinary_text_is_not_held_back() -> None:
    shown = Shown()
    assert [shown.filter.feed(piece) for piece in ("\n", " Hi", " there", "! 1 < 2")] == ["", "Hi", " there", "! 1 < 2"]


def test_a_model_that_is_known_for_thoughts_shows_none_of_the_next_one() -> None:
    first = Shown()
    first.read(*spelled(f"{THOUGHT}</think>{SAID}"))
    assert first.filter.ends_a_thought
    second = Shown(opened=True)
    assert second.read(*spelled(f"{THOUGHT}</think>{SAID}")) == SAID
    assert second.taken_back == 0
    assert second.filter.ends_a_thought


def test_a_model_that_is_known_for_thoughts_may_answer_without_one() -> None:
    shown = Shown(opened=True)
    assert shown.read(*spelled(f"{SAID}<|im_end|>")) == SAID
    assert not shown.filter.ends_a_thought


@pytest.mark.parametrize(
    "opening", ["<think> about", "Here is my thought process:", "analysis\N{HORIZONTAL ELLIPSIS}", ""]
)
def test_what_may_be_a_thought_is_one_when_it_gets_longer_than_any_reply(opening: str) -> None:
    doubtful, certain = (Shown(opened=not opening) for _ in range(2))
    assert doubtful.read(opening, *["and tea "] * 1_000) != ""
    assert certain.read(opening, *["and tea "] * 2_000) == ""
    assert certain.taken_back == 0


def test_an_answer_after_a_very_long_thought_is_shown() -> None:
    for size in (5, 100_000):
        assert Shown(opened=True).read(*spelled("and tea " * 5_000 + "</think>" + SAID, size)) == SAID
        assert Shown().read(*spelled("<think> about" + " tea" * 10_000 + "</think>" + SAID, size)) == SAID


def test_a_channel_is_looked_for_only_shortly_after_the_end_of_a_turn() -> None:
    shown = Shown()
    shown.read(SAID, "<|im_end|>", *["\nand you?"] * 50)
    assert not shown.filter.has_ended
    shown.read(*["\nand you?"] * 100)
    assert shown.filter.has_ended
    assert shown.text == SAID


def test_a_continuation_keeps_its_white_space_and_what_it_goes_on_with() -> None:
    assert Shown(begun="The tea").read(" is", " ready.") == "The tea is ready."
    assert Shown(begun="The tea ").read("hm.</think>", "is ready.") == "The tea is ready."


def test_nothing_is_read_after_somebody_else_has_spoken() -> None:
    shown = Shown()
    shown.filter.feed(f"{SAID}\nUser: yes\nMio: ")
    assert shown.filter.has_ended


@SIZES
@pytest.mark.parametrize(
    "text", ["Mio: name of a cat \nRin: name of a dog", "**Mio:** I am <b>here</b>.\n**Old Rin:** Me too.\nUser: tea"]
)
def test_her_label_is_shown_where_the_next_line_has_one_of_somebody_else(text: str, size: int | None) -> None:
    check_in_pieces(text, text, {0, 1}, size)


@pytest.mark.parametrize("text", ["Hello!\nI am here.", "Hello!\n\nNote: tea", "Hello!\nMio and Rin: cats", "Hello!\n"])
def test_her_label_is_cut_where_the_next_line_is_hers(text: str) -> None:
    for size in (1, 3, 40):
        check_in_pieces(f"Mio: {text}", text.strip(), {0}, size)


def test_an_endless_turn_of_somebody_else_is_not_read_to_its_end() -> None:
    shown = Shown()
    assert shown.filter.feed(f"{SAID}\nUser: {'yes ' * 400}") == SAID
    assert shown.filter.has_ended


def test_a_thought_that_is_cut_is_hidden_though_a_sentence_seems_to_go_on() -> None:
    shown = Shown()
    assert shown.filter.feed("<think> okay, the user says") == ""
    assert shown.filter.flush(cut=True) == ""

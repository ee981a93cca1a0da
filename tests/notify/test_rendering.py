"""What messages say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.domain import making
from tests.notify.support import (
    MARKS,
    MODEL,
    NOW,
    all_clear,
    everything,
    item,
    many,
    message,
    near,
    quota_item,
    voice,
)
from voicereg.domain.concerns import of_deadline, of_retiring, of_state
from voicereg.domain.messages import Item, Language, News
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis
from voicereg.notify import Rendered, render
from voicereg.notify.rendering import LIMIT

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE


def english(*items: Item) -> Rendered:
    return render(message(*items), ENGLISH)


def test_a_voice_near_its_deletion_is_told_with_all_that_is_known_and_what_to_type() -> None:
    text = english(near(6.5, pinned=True)).text
    assert "calm-1 (v-1): 6 days left, until 2026-11-29 UTC" in text
    for fact in ("cosyvoice-v3.5-plus", "owner radio", "use=news", "alias narrator", "pinned"):
        assert fact in text
    assert 'voicereg -a studio synthesize v-1 "…" -o FILE' in text
    assert "voicereg -a studio edit v-1 --pin" in text


def test_commands_name_the_default_account_only_where_they_must() -> None:
    text = english(near(6, account="default")).text
    assert "voicereg edit v-1 --pin" in text
    assert "-a " not in text


@pytest.mark.parametrize(
    ("days_left", "told"),
    [
        (-1, "may go any day, since 2026-11-22 UTC"),
        (0.5, "less than a day left"),
        (1.5, "1 day left"),
        (2.5, "2 days left"),
    ],
)
def test_the_time_left_in_english(days_left: float, told: str) -> None:
    assert told in english(near(days_left)).text


@pytest.mark.parametrize(
    ("days_left", "told"),
    [(-1, "随时可能被删除"), (0.5, "剩余不足一天"), (1.5, "还剩 1 天"), (2.5, "还剩 2 天")],
)
def test_the_time_left_in_chinese(days_left: float, told: str) -> None:
    assert told in render(message(near(days_left)), CHINESE).text


def test_an_estimated_deadline_says_that_it_is_one() -> None:
    estimated = near(6, deadline_basis=DeadlineBasis.ESTIMATED)
    assert "(estimated: the earliest possible)" in english(estimated).text


@pytest.mark.parametrize(
    ("count", "title"),
    [(1, "voicereg: 1 voice near deletion"), (3, "voicereg: 3 voices near deletion")],
)
def test_the_title_counts_with_proper_plurals(count: int, title: str) -> None:
    assert english(*many(count, 5)).title == title


def test_the_title_says_what_there_is_by_urgency() -> None:
    rendered = english(*many(2, 1.5), quota_item())
    assert rendered.title == "voicereg: 2 voices near deletion, qwen-tts quota 95 % full"
    assert english(quota_item(used=1000)).title == "voicereg: qwen-tts quota full"


def test_the_title_names_the_accounts_where_there_are_several() -> None:
    two = english(near(5), near(5, 2, account="radio"))
    assert two.title == "voicereg (studio, radio): 2 voices near deletion"
    assert "account radio" in two.text
    assert "voicereg expiring" not in two.text
    five = english(*(near(5, n, account=f"account-{n}") for n in range(5)))
    assert five.title == "voicereg (account-0, account-1, account-2, …): 5 voices near deletion"


@pytest.mark.parametrize("language", Language)
def test_the_title_is_short_and_a_single_line_whatever_there_is(language: Language) -> None:
    title = render(message(*everything()), language).title
    assert len(title) <= 120
    assert title.endswith("…")
    assert title.isprintable()


@pytest.mark.parametrize("language", Language)
def test_every_kind_of_item_is_told(language: Language) -> None:
    rendered = render(message(*everything()), language)
    for form in (rendered.text, rendered.markdown, rendered.html):
        for number in (1, 2, 3, 5, 6, 7):
            assert f"v-{number}" in form
        assert MODEL in form
        assert form.count("qwen-tts") >= 2
        assert "the provider answered 503" in form
        assert "the prompt breaks a rule" in form
        for command in (
            "show v-5",
            "list --family qwen-tts --unused-for 300",
            "resolve v-6 --adopt VOICE_ID",
            "resolve v-6 --release",
            "delete v-7",
            f"list --model {MODEL}",
        ):
            assert f"voicereg -a studio {command}" in form


def test_chinese_has_no_english_phrases() -> None:
    text = render(message(*everything()), CHINESE).text
    for phrase in ("left", "until", "owner", "alias", "slot", "more", "account "):
        assert phrase not in text


def test_all_clears_say_what_is_well_again() -> None:
    rendered = render(all_clear(), ENGLISH)
    assert "1 voice safe again" in rendered.title
    assert "qwen-tts quota has room again" in rendered.title
    assert "1 create settled" in rendered.title
    assert "used on 2026-11-23 UTC, safe until 2027-11-23 UTC" in rendered.text
    assert "12 of 1,000 slots taken (1 %), 988 remaining" in rendered.text
    assert "voicereg -a" not in rendered.text  # nothing is to be done


def test_an_all_clear_says_who_has_used_the_voice() -> None:
    kept = voice(365, last_used_at=NOW, last_used_source="keep-alive")
    warned = near(3).concern
    safe = Item(News.ALL_CLEAR, replace(warned, voices=(kept,), deadline_at=kept.deadline_at))
    assert "used by keep-alive" in english(safe).text
    assert "使用来源 keep-alive" in render(message(safe), CHINESE).text


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.DELETED, "deleted on request"),
        (State.EXPIRED, "gone since 2026-11-23 UTC, after its deadline"),
        (State.LOST, "gone since 2026-11-23 UTC, before its deadline"),
        (State.FAILED, "never made"),
    ],
)
def test_an_all_clear_of_a_voice_that_is_no_more(state: State, told: str) -> None:
    gone = voice(3, state=state, gone_at=NOW)
    clear = Item(News.ALL_CLEAR, replace(near(3).concern, voices=(gone,)))
    assert told in english(clear).text
    assert gone.id in render(message(clear), CHINESE).text


def test_stale_figures_say_so() -> None:
    assert "may be out of date" in english(quota_item(stale=True)).text


def test_a_quota_without_any_slots_is_full() -> None:
    assert "0 of 0 slots taken (100 %)" in english(quota_item(limit=0, used=0)).text


def test_a_retiring_model_names_some_of_its_voices() -> None:
    bound = [voice(90, number) for number in range(5)]
    concern = of_retiring("studio", MODEL, NOW.date(), bound, NOW, MARKS)
    text = english(item(concern)).text
    assert "withdrawn on 2026-11-23 UTC (by now), with 5 voices; calm-0, calm-1, calm-2" in text
    assert "and 2 more" in text


def test_an_unnamed_voice_is_told_by_its_id() -> None:
    assert english(near(3, name="")).markdown.count("- `v-1`: ") == 1


def test_what_may_be_a_repeat_says_so_at_the_top_and_at_the_item() -> None:
    rendered = english(near(3, 1), near(3, 2, repeat=True))
    assert rendered.text.startswith("Some of this may have been sent before: a round ended")
    assert "calm-2 (v-2) (perhaps sent before): " in rendered.text
    assert rendered.text.count("perhaps sent before") == 1
    chinese = render(message(near(3, repeat=True)), CHINESE)
    assert chinese.text.startswith("以下部分内容可能已经发送过")
    assert "（可能已发送过）" in chinese.markdown


@pytest.mark.parametrize("language", Language)
def test_a_thousand_alike_are_counted(language: Language) -> None:
    rendered = render(message(*many(1000)), language)
    assert "1,000" in rendered.title
    assert rendered.text.count("\n- calm-") == 10
    assert "990" in rendered.text
    assert "voicereg -a studio expiring" in rendered.text
    assert len(rendered.text) <= LIMIT


def test_those_that_may_go_any_day_hide_no_other() -> None:
    text = english(*many(1000), near(5, 5000)).text
    assert "calm-5000 (v-5000): 5 days left" in text


def test_eleven_are_shown_rather_than_ten_and_one_more() -> None:
    assert "more" not in english(*many(11, 5)).text


@pytest.mark.parametrize("language", Language)
def test_the_longest_message_stays_short(language: Language) -> None:
    long: dict[str, Any] = {"name": "n" * 500, "owner": "o" * 500, "tags": {"t" * 200: "v" * 200}}
    crowd = [
        each
        for number in range(200)
        for each in (
            near(-5, number, account=f"account-{number % 9}", repeat=True, **long),
            near(5, 1000 + number, **long),
            item(of_state(voice(5, 2000 + number, state=State.REJECTED, **long), NOW)),
        )
    ]
    rendered = render(message(*crowd, *everything()), language)
    assert len(rendered.text) <= LIMIT
    assert len(rendered.markdown) <= LIMIT


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("room", [2000, 1000, 500])
def test_where_there_is_less_room_less_is_told(language: Language, room: int) -> None:
    rendered = render(
        message(*many(50, 5), *everything()),
        language,
        fits=lambda rendered: len(rendered.markdown) <= room,
    )
    assert len(rendered.markdown) <= room
    assert "v-5" in rendered.text  # the most urgent


def test_what_there_was_no_room_for_is_counted() -> None:
    items = [near(5), quota_item(), item(of_state(voice(9, 7, state=State.REJECTED), NOW))]
    rendered = render(message(*items), ENGLISH, fits=lambda rendered: False)
    assert rendered.text.startswith("… and 2 notices more")


def test_a_placeholder_stands_for_what_cannot_be_typed() -> None:
    model = "x; rm -rf $HOME `id`"
    retiring = of_retiring("studio", model, NOW.date(), [voice(90)], NOW, MARKS)
    rendered = english(item(retiring), item(of_deadline(voice(3, id="$(id)"), NOW, MARKS)))
    assert "list --model MODEL" in rendered.text
    assert "edit ID --pin" in rendered.text
    assert "`id`" not in rendered.markdown


def test_a_message_can_be_made_of_a_record_of_any_account() -> None:
    other = quota_item(account="a b;c")
    assert "voicereg -a ACCOUNT list" in english(other).text
    assert making.quota().account == "studio"

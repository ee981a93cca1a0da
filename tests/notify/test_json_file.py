"""Messages in a file."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.notify.support import everything, many, message, near
from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language, Message
from voicereg.notify import open_channel


def send(path: Path | str, told: Message, language: Language = Language.ENGLISH) -> None:
    url = path if isinstance(path, str) else path.as_uri()
    open_channel("file", url, environment={}).send(told, language)


def test_a_message_is_a_line_with_everything(tmp_path: Path) -> None:
    path = tmp_path / "a b%20?.jsonl"
    told = message(*everything())
    send(path, told, Language.CHINESE)
    send(path, message(near(3)))
    first, second = map(json.loads, path.read_text().splitlines())
    assert {key: first[key] for key in told.as_dict()} == told.as_dict()
    assert first["title"].startswith("voicereg：")
    assert first["text"].startswith("服务端已不存在的音色")
    assert second["title"] == "voicereg: 1 voice near deletion"


def test_the_items_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    send(path, message(*many(1000)))
    assert len(json.loads(path.read_text())["items"]) == 1000


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    before = os.umask(0)
    try:
        send(path, message(near(3)))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_cannot_be_seen_is_escaped_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    name = "旁白\u202e\u2028\x1b\x9b\ud800\U000e0041"
    send(path, message(near(3, name=name)))
    raw = path.read_text()
    assert raw.removesuffix("\n").isprintable()
    assert "旁白" in raw
    assert json.loads(raw)["items"][0]["voice"]["name"] == name


def test_a_line_that_was_cut_short_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"cut')
    send(path, message(near(3)))
    cut, whole = path.read_text().splitlines()
    assert cut == '{"cut'
    assert json.loads(whole)["id"] == "m-1"


def test_it_may_be_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    send("file://~/x.jsonl", message(near(3)))
    assert (tmp_path / "x.jsonl").exists()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, why in (
        (tmp_path / "nowhere" / "x", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (pipe, "not a regular file"),
    ):
        with pytest.raises(DeliveryFailed, match=why) as caught:
            send(path, message(near(3)))
        assert caught.value.channel == "file"
    with pytest.raises(DeliveryFailed, match="three slashes"):
        send("file://host/x", message(near(3)))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_device_is_no_file() -> None:
    with pytest.raises(DeliveryFailed, match="not a regular file"):
        send("file:///dev/full", message(near(3)))


def test_a_write_in_part_is_no_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))
    with pytest.raises(DeliveryFailed, match="written in part"):
        send(tmp_path / "x", message(near(3)))

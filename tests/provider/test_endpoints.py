"""Where requests go: every region, workspace and base URL, and what is refused."""

from __future__ import annotations

import pytest

from voicereg.domain.errors import InvalidInput
from voicereg.domain.provider_errors import NotConnected
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import endpoint

from .support import KEY, Waits, design

BEIJING, SINGAPORE = "cn-beijing", "ap-southeast-1"


@pytest.mark.parametrize(
    ("region", "workspace", "base_url"),
    [
        (BEIJING, None, "https://dashscope.aliyuncs.com/api/v1"),
        (SINGAPORE, None, "https://dashscope-intl.aliyuncs.com/api/v1"),
        (BEIJING, "ws-1", "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1"),
        (SINGAPORE, "ws-1", "https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1"),
        ("eu-new-1", "ws-1", "https://ws-1.eu-new-1.maas.aliyuncs.com/api/v1"),
    ],
)
def test_documented_hosts(region: str, workspace: str | None, base_url: str) -> None:
    made = endpoint(region=region, workspace=workspace, base_url=None)
    assert made.base_url == base_url
    assert made.host == base_url.removeprefix("https://").removesuffix("/api/v1")
    assert made.workspace == workspace
    assert not made.is_loopback


@pytest.mark.parametrize("region", [BEIJING, SINGAPORE, "eu-new-1"])
@pytest.mark.parametrize("workspace", [None, "ws-1"])
def test_a_base_url_overrides_region_and_workspace(region: str, workspace: str | None) -> None:
    made = endpoint(region=region, workspace=workspace, base_url="https://my.example:8443/api/v1/")
    assert made.base_url == "https://my.example:8443/api/v1"
    assert made.host == "my.example:8443"
    assert made.workspace == workspace


@pytest.mark.parametrize("region", ["eu-new-1", "", "CN-BEIJING", "beijing"])
def test_an_unknown_region_needs_a_host(region: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=region, workspace=None, base_url=None)
    assert caught.value.problems[0].where == "region"
    assert caught.value.advice is not None
    assert "base URL" in caught.value.advice


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8080/api/v1",
        "http://127.8.9.1/api/v1",
        "http://localhost:1/api/v1",
        "http://LocalHost/api/v1",
        "http://[::1]:8080/api/v1",
        "https://127.0.0.1/api/v1",
    ],
)
def test_this_machine_may_be_spoken_to_in_the_clear(base_url: str) -> None:
    made = endpoint(region=BEIJING, workspace=None, base_url=base_url)
    assert made.is_loopback
    assert made.base_url == base_url


@pytest.mark.parametrize(
    "base_url",
    [
        "http://dashscope.aliyuncs.com/api/v1",
        "http://192.168.1.5/api/v1",
        "http://0.0.0.0/api/v1",
        "http://localhost.evil.example/api/v1",
        "http://127.0.0.1.evil.example/api/v1",
        "http://[2001:db8::1]/api/v1",
        "HTTP://dashscope.aliyuncs.com/api/v1",
    ],
)
def test_a_key_is_not_sent_in_the_clear(base_url: str) -> None:
    with pytest.raises(InvalidInput, match="unencrypted"):
        endpoint(region=BEIJING, workspace=None, base_url=base_url)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://somebody:hunter2@my.example/api/v1",
        "https://:hunter2@my.example/api/v1",
        "https://hunter2@my.example/api/v1",
        "http://somebody:hunter2@127.0.0.1/api/v1",
        "ftp://somebody:hunter2@my.example/api/v1",
        "https://somebody:hunter2@my.example:99999/api/v1",
        "https://somebody:hunter2@[::1/api/v1",
        "somebody:hunter2@my.example/api/v1",
        "//somebody:hunter2@my.example/api/v1",
        "https:/somebody:hunter2@my.example/api/v1",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(base_url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=BEIJING, workspace=None, base_url=base_url)
    shown = f"{caught.value} {caught.value!r} {caught.value.problems} {caught.value.__cause__}"
    assert "hunter2" not in shown
    assert "password" in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://my.example/api/v1?key=hunter2",
        "https://my.example/api/v1#hunter2",
        "https://my.example/api/v1;hunter2",
        "https://my.example/api/v1&key=hunter2",
        "https://my.example/?key=hunter2/api/v1",
        "http://my.example/api/v1?key=hunter2",
        "ftp://my.example/?key=hunter2",
        "my.example?key=hunter2",
        "https://?key=hunter2",
        "https://my.example/ ?key=hunter2",
        "https://my.example:port?key=hunter2",
        "https://somebody:hunter2%40my.example/api/v1",
        "https://somebody:hunter2/api/v1",
        "https://somebody:hunter2\uff20my.example/api/v1",
        "https://[::1?key=hunter2",
        "hunter2",
    ],
)
def test_a_key_in_the_url_is_not_repeated(base_url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=BEIJING, workspace=None, base_url=base_url)
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.problems}"


def test_what_holds_no_key_is_shown() -> None:
    with pytest.raises(InvalidInput, match=r"given: https://my\.example/v2\)"):
        endpoint(region=BEIJING, workspace=None, base_url="https://my.example/v2?key=hunter2")
    with pytest.raises(InvalidInput, match=r"given: http://my\.example/api/v1\)"):
        endpoint(region=BEIJING, workspace=None, base_url="http://my.example/api/v1")


@pytest.mark.parametrize(
    "base_url",
    [
        "https://my.example",
        "https://my.example/",
        "https://my.example/api/v2",
        "https://my.example/api/v1/services",
        "https://my.example/API/V1",
        "https://my.example/notapi/v1",
        "https://my.example/api/v1?region=1",
        "https://my.example/api/v1#top",
        "https://my.example/api/v1?",
        "https://my.example/api/v1#",
        "https://my.example/?x=/api/v1",
    ],
)
def test_it_must_end_in_the_base_path(base_url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=BEIJING, workspace=None, base_url=base_url)
    assert "/api/v1" in caught.value.problems[0].rule


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "my.example/api/v1",
        "/api/v1",
        "https:///api/v1",
        "ftp://my.example/api/v1",
        "wss://my.example/api/v1",
        "https://my.example:99999/api/v1",
        "https://my.example:0/api/v1",
        "https://my.example:port/api/v1",
        "https://[::1/api/v1",
        " https://my.example/api/v1",
        "https://my.example/api/v1 ",
        "https://my ex.example/api/v1",
        "https://my\n.example/api/v1",
        "https://my.example\t/api/v1",
        "https://my\x7f.example/api/v1",
    ],
)
def test_what_is_no_base_url(base_url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=BEIJING, workspace=None, base_url=base_url)
    assert caught.value.problems[0].where == "base-url"


@pytest.mark.parametrize("host", ["1.2.3.999", "-\u2603-\u2603", "[v1.x]"])
def test_a_host_that_cannot_be_is_not_connected_to(host: str) -> None:
    waits = Waits()
    made = endpoint(region=BEIJING, workspace=None, base_url=f"https://{host}/api/v1")
    with ProviderClient(made, KEY, sleep=waits) as client, pytest.raises(NotConnected):
        client.create(design())


def test_a_reverse_proxy_may_stand_before_the_base_path() -> None:
    made = endpoint(region=BEIJING, workspace=None, base_url="https://my.example/speech/api/v1")
    assert made.base_url == "https://my.example/speech/api/v1"


@pytest.mark.parametrize(
    "wild",
    ["", "evil.example/", "evil.example#", "a@evil.example", "a b", "ws\r\nX-Evil: 1", "工作", "?"],
)
def test_a_workspace_or_region_cannot_choose_another_host(wild: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=BEIJING, workspace=wild, base_url=None)
    assert caught.value.problems[0].where == "workspace"
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=wild, workspace="ws-1", base_url=None)
    assert caught.value.problems[0].where == "region"


@pytest.mark.parametrize("wild", ["", "ws\r\nX-Evil: 1", "工作", "a b", "nul\x00"])
def test_a_workspace_that_is_no_header_is_refused_with_a_base_url_too(wild: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        endpoint(region=BEIJING, workspace=wild, base_url="https://my.example/api/v1")
    assert caught.value.problems[0].where == "workspace"


@pytest.mark.parametrize("workspace", ["ws-1", "llm-0a1B2c", "Team_7"])
def test_workspaces_that_are_fine(workspace: str) -> None:
    made = endpoint(region=BEIJING, workspace=workspace, base_url=None)
    with ProviderClient(made, KEY):
        assert made.workspace == workspace

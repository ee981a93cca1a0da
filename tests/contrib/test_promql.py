"""The evaluator that the tests of rules rely on: it agrees with PromQL, or refuses."""

from __future__ import annotations

import pytest

from tests.contrib.promql import NAME, Value, Vector, asked, evaluate, grouped, names, samples

EXPOSITION = """\
# TYPE used gauge
used{account="default",family="cosyvoice"} 95
used{account="studio",family="cosyvoice"} 5
# TYPE most gauge
most{account="default",family="cosyvoice"} 100
most{account="studio",family="cosyvoice"} 100
# TYPE last gauge
last 1000
"""


def found(expression: str, now: float = 5000.0) -> Value:
    return evaluate(expression, samples(EXPOSITION, job="voicereg"), now)


def by_account(expression: str) -> dict[str, float]:
    value = found(expression)
    assert isinstance(value, dict)
    return {dict(labels).get("account", ""): number for labels, number in value.items()}


def test_comparisons_filter_and_keep_the_value() -> None:
    assert by_account("used > 5") == {"default": 95}
    assert by_account("used >= 5") == {"default": 95, "studio": 5}
    assert by_account('used{account!="default"} < 10') == {"studio": 5}
    assert by_account('used{account=~"def.*"} == 95') == {"default": 95}


def test_precedence_is_that_of_promql() -> None:
    assert found("1 + 2 * 3") == 7
    assert found("(1 + 2) * 3") == 9
    assert found("10 - 4 - 3") == 3
    assert by_account("used / most > 0.9 and used > 5") == {"default": 0.95}
    assert by_account("used > 90 or used < 10 unless used > 3") == {"default": 95}


def test_time_and_arithmetic_drop_the_name() -> None:
    value = found("time() - last > 3600")
    assert value == {frozenset({("job", "voicereg")}): 4000.0}


def test_aggregation_and_absence() -> None:
    assert found("sum by (family) (used)") == {frozenset({("family", "cosyvoice")}): 100}
    assert found("max(used)") == {frozenset(): 95}
    assert found("max without (job, account) (used)") == {frozenset({("family", "cosyvoice")}): 95}
    assert found("abs(last - 3000)") == {frozenset({("job", "voicereg")}): 2000}
    assert found("absent(nothing)") == {frozenset(): 1}
    assert found("absent(used)") == {}
    assert found('absent(up{job="voicereg"} == 1)') == {frozenset(): 1}


def test_matching_on_labels() -> None:
    value = found("used and on (account) most{account='studio'}".replace("'", '"'))
    assert isinstance(value, dict)
    assert list(value.values()) == [5]
    value = found('used{account="studio"} / on (account) most')
    assert value == {frozenset({("account", "studio")}): 0.05}
    assert names("used / on (account) most > time() - last") == {"used", "most", "last"}
    assert asked('used{account="studio"} or most') == {"used": {"account"}, "most": set()}
    assert grouped("max without (job) (used and on (account) most)") == {"job", "account"}


def test_many_match_one_and_take_labels_from_it() -> None:
    found = samples(
        '# TYPE used gauge\nused{account="a",family="x"} 2\nused{account="a",family="y"} 3\n'
        '# TYPE info gauge\ninfo{account="a",quota_group="g"} 1\n',
        job="voicereg",
    )
    joined = "used * on (job, account) group_left (quota_group) info"
    labels = {"account": "a", "quota_group": "g", "job": "voicereg"}
    assert evaluate(joined, found, 0) == {
        frozenset((labels | {"family": "x"}).items()): 2,
        frozenset((labels | {"family": "y"}).items()): 3,
    }
    with pytest.raises(AssertionError, match="many match one"):
        evaluate("used * on (job, account) info", found, 0)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(used[5m])",
        "increase(used)",
        "used >",
        "1 > 2",
        "used)",
        "used / on (family) most",
        "sum(1)",
    ],
)
def test_what_it_does_not_know_is_refused(expression: str) -> None:
    with pytest.raises((AssertionError, IndexError)):
        found(expression)


def test_comparisons_in_a_row_filter_twice() -> None:
    assert by_account("used >= 5 < 95") == {"studio": 5}
    assert by_account("used >= 5 <= 95") == {"default": 95, "studio": 5}


def test_a_label_without_a_value_is_none() -> None:
    assert samples('# TYPE a gauge\na{b=""} 1\n') == {frozenset({(NAME, "a")}): 1.0}


def test_a_sample_keeps_the_labels_of_its_target() -> None:
    vector: Vector = samples("# TYPE a gauge\na 1\n", job="voicereg", instance="host:9464")
    assert vector == {frozenset({(NAME, "a"), ("job", "voicereg"), ("instance", "host:9464")}): 1.0}

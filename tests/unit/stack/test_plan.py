"""Differences: what is repaired, what is refused, and how they look."""

import pytest

from pipelines.core.catalogue import Sizes
from pipelines.core.errors import ContractError
from pipelines.core.kafka import TopicState
from pipelines.stack.plan import Change, apply_changes, format_table
from pipelines.stack.topics import _config_changes, _size_changes


def test_everything_repairable_is_repaired_before_a_refusal() -> None:
    done: list[str] = []
    changes = [
        Change("topic a", "partitions", "3", "6: raise the generation"),
        Change("topic b", "-", "missing", "6 partitions", lambda: done.append("b")),
    ]
    with pytest.raises(ContractError, match=r"(?s)not changed by a command.*topic a") as caught:
        apply_changes(changes)
    assert done == ["b"]
    assert "topic b" not in str(caught.value)
    assert apply_changes(changes[1:]) == 1


def test_partitions_of_a_keyed_topic_are_never_changed() -> None:
    sizes = Sizes(partitions=6, replication=1, min_in_sync=1)
    (change,) = _size_changes("topic x", TopicState(3, 1, {}), sizes)
    assert change.apply is None
    assert "generation" in change.wanted
    assert list(_size_changes("topic x", TopicState(6, 1, {}), sizes)) == []


def test_settings_are_compared_both_ways() -> None:
    changes = list(_config_changes(None, "t", {"a": "1", "extra": "9"}, {"a": "2", "b": "3"}))
    assert [(c.field, c.actual, c.wanted) for c in changes] == [
        ("a", "1", "2"),
        ("b", "not set", "3"),
        ("extra", "9", "the broker's default"),
    ]


def test_the_table_is_aligned() -> None:
    text = format_table([Change("topic long-name", "f", "1", "2")])
    head, row = text.splitlines()
    assert head.index("field") == row.index("f", len("topic long-name"))

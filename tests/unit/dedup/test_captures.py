"""Packing of captures: what is kept, what is dropped and why, and reading without a copy."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError, ContractError
from pipelines.dedup.biometrics import warm
from pipelines.dedup.captures import CaptureLimits, Templates, pack_captures
from pipelines.dedup.fingers import compare_fingers, unpack_minutiae
from pipelines.dedup.irises import compare_irises
from pipelines.dedup.templates import EYES, FINGERS, POSITIONS
from tests.unit.dedup.capture_samples import COLUMN, FULL_MASK, column, finger, iris, minutia
from tests.unit.dedup.random_rows import SEEDS, random_rows

GRID = [(20 * (i % 5), 30 * (i // 5), 7 * i, i % 2) for i in range(10)]
CODE = bytes(range(256))


def minutiae_of(templates: Templates, row: int, position: int) -> list[tuple[int, ...]]:
    body = int(templates.body_words(position, np.array([row]))[0])
    found = unpack_minutiae(templates.words, body, int(templates.counts[row, position]))
    return [tuple(values) for values in found.T.tolist()]


def flags_of(*captures: dict[str, object]) -> list[str]:
    flags: list[str] = pack_captures(column([list(captures)]))[1].to_pylist()[0]
    return flags


def test_a_record_is_read_back_as_it_was_packed():
    record = [iris(CODE, position="LEFT_IRIS", quality=61), finger(GRID, "LEFT_INDEX", 77)]
    packed, flags = pack_captures(column([None, record, []]))
    templates = Templates.from_packed(packed)
    index = POSITIONS.index("LEFT_INDEX")
    assert flags.to_pylist() == [[], [], []]
    assert templates.quality[1, index] == 77
    assert templates.quality[1, EYES[1]] == 61
    assert (templates.quality[[0, 2]] == -1).all()
    assert templates.present_fingers() == (index,)
    assert minutiae_of(templates, 1, index) == GRID
    body = templates.body_words(EYES[1], np.array([1]))[0]
    assert templates.words[body : body + 32].tobytes() == CODE
    assert templates.words[body + 32 : body + 64].tobytes() == FULL_MASK
    assert [len(value) for value in packed.to_pylist()] == [8, 8 * (1 + 2 + 5 + 64), 8]


@pytest.mark.parametrize(
    ("capture", "flag"),
    [
        (iris(CODE[:128]), "BAD_IRIS_LENGTH"),
        (iris(CODE, FULL_MASK + b"\xff"), "BAD_IRIS_LENGTH"),
        (iris(CODE, None), "BAD_IRIS_LENGTH"),
        (iris(None, None), "LOW_QUALITY"),
        (iris(bytes(256)), "LOW_QUALITY"),
        (iris(FULL_MASK), "LOW_QUALITY"),
        (iris(CODE, bytes(256)), "LOW_QUALITY"),
        (iris(CODE, quality=19), "LOW_QUALITY"),
        (finger(GRID, quality=101), "LOW_QUALITY"),
        (finger(GRID[:7]), "LOW_QUALITY"),
        (finger([]), "LOW_QUALITY"),
        (finger([(40, 40, i, 0) for i in range(30)]), "LOW_QUALITY"),
        (finger([*GRID, (-1, 0, 0, 0)]), "BAD_MINUTIAE"),
        (finger([*GRID, (0, 2048, 0, 0)]), "BAD_MINUTIAE"),
        (finger([*GRID, (0, 0, 360, 0)]), "BAD_MINUTIAE"),
        (finger([*GRID, (0, 0, -1, 0)]), "BAD_MINUTIAE"),
        (finger(GRID, "LEFT_TOE"), "BAD_POSITION"),
    ],
)
def test_a_bad_capture_is_dropped_with_its_flag_and_the_row_stays(capture, flag):
    packed, flags = pack_captures(column([[capture, finger(GRID, "LEFT_RING")]]))
    quality = Templates.from_packed(packed).quality[0]
    assert flags.to_pylist() == [[flag]]
    assert np.flatnonzero(quality >= 0).tolist() == [POSITIONS.index("LEFT_RING")]


def test_nulls_inside_a_capture_are_faults_not_failures():
    broken = finger(GRID)
    broken["minutiae"][3]["angle"] = None
    untyped = finger(GRID, "LEFT_THUMB")
    untyped["minutiae"][0]["type"] = None
    unrated = finger(GRID, "LEFT_INDEX")
    unrated["quality"] = None
    assert flags_of(broken, untyped, unrated) == ["LOW_QUALITY", "BAD_MINUTIAE"]
    assert pack_captures(column([[None]]))[1].to_pylist() == [["BAD_POSITION"]]


def test_fifty_best_minutiae_stay_in_input_order():
    capture = finger([])
    rng = np.random.default_rng(3)
    quality = rng.integers(0, 101, 80)
    capture["minutiae"] = [
        minutia((i, i, i, 0), int(q)) for i, q in enumerate(quality)
    ]  # fmt: skip
    templates = Templates.from_packed(
        pack_captures(column([[finger(GRID, "LEFT_THUMB"), capture]]))[0]
    )
    best = sorted(sorted(range(80), key=lambda i: -quality[i])[:50])
    assert [m[0] for m in minutiae_of(templates, 0, 0)] == best
    assert minutiae_of(templates, 0, 1) == GRID


def test_the_better_capture_of_a_position_stays():
    record = [finger(GRID, quality=50), finger(GRID[:9], quality=90), finger(GRID[1:], quality=60)]
    templates = Templates.from_packed(pack_captures(column([record]))[0])
    assert templates.quality[0, 0] == 90
    assert minutiae_of(templates, 0, 0) == GRID[:9]


def test_slices_chunks_and_batches_pack_alike():
    records = [[finger(GRID[i % 3 :]), iris(CODE[i:] + CODE[:i])] for i in range(9)]
    records[4] = None
    whole = column(records)
    packed = pack_captures(whole)[0]
    assert pack_captures(whole.slice(3, 4))[0].equals(packed.slice(3, 4))
    assert pack_captures(pa.chunked_array([whole[:2], whole[2:]]))[0].equals(packed)
    assert len(pack_captures(pa.chunked_array([], type=COLUMN))[0]) == 0
    part, all_ = Templates.from_packed(packed.slice(3, 4)), Templates.from_packed(packed)
    assert np.array_equal(part.quality, all_.quality[3:7])
    assert minutiae_of(part, 2, 0) == minutiae_of(all_, 5, 0)


def test_a_mapped_file_is_read_in_place(tmp_path: Path):
    packed = pack_captures(column([[finger(GRID)], None, [iris(CODE)]]))[0]
    for kind in (pa.binary(), pa.large_binary()):
        table = pa.table({"captures": packed.cast(kind)})
        path = tmp_path / f"{kind}.arrow"
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
        with pa.memory_map(str(path)) as source:
            stored = pa.ipc.open_file(source).read_all().column(0).chunk(0)
            templates = Templates.from_packed(stored)
            assert templates.words.ctypes.data == stored.buffers()[2].address
            assert minutiae_of(templates, 0, 0) == GRID


def test_a_null_or_empty_column_has_no_captures():
    assert (Templates.from_packed(pa.array([None, None], pa.binary())).quality == -1).all()
    assert len(Templates.from_packed(pa.array([], pa.binary()))) == 0


def test_foreign_bytes_are_refused_with_the_row():
    with pytest.raises(ContractError, match="row 1"):
        Templates.from_packed(pa.array([None, b"abc"]))
    with pytest.raises(ContractError, match=r"row 1.*version"):
        Templates.from_packed(pa.array([b"\x01" + bytes(7), b"\x02" + bytes(7)]))


def test_limits_that_the_layout_cannot_hold_are_refused():
    with pytest.raises(ConfigError, match="max_coordinate"):
        CaptureLimits(max_coordinate=4000)
    with pytest.raises(ConfigError, match="min_minutiae"):
        CaptureLimits(min_minutiae=60)


KINDS = {
    "is_finger": [True, False],
    "position": [0, 1],
    "count": range(13),
    "quality": range(101),
    "code": [None, b"", CODE, CODE[::-1], bytes(256)],
    "mask": [None, FULL_MASK, bytes(256), bytes(250) + b"\xff" * 6],
}


def captures_of_any_kind(seed: int, count: int) -> list[dict[str, object]]:
    """Fingers with up to twelve minutiae, some outside of all limits, and eyes of any bytes."""
    rng, made = np.random.default_rng(seed), []
    for kind in random_rows(seed, count, KINDS):
        minutiae = rng.integers(
            (-2, -2, -1, 0), (40, 40, 360, 1), (kind["count"], 4), endpoint=True
        )
        if kind["is_finger"]:
            made.append(finger(minutiae.tolist(), POSITIONS[kind["position"]], kind["quality"]))
        else:
            position = POSITIONS[10 + kind["position"]]
            made.append(iris(kind["code"], kind["mask"], position, kind["quality"]))
    return made


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 5), st.integers(0, 4))
def test_no_capture_makes_a_nan(seed, count, most):
    """K6, K7: blanks, single minutiae and zero spread pass through every comparison."""
    limits = CaptureLimits(min_minutiae=1)
    sizes = np.random.default_rng(seed).integers(0, most, count, endpoint=True).tolist()
    records = [captures_of_any_kind(seed + row, size) for row, size in enumerate(sizes)]
    templates = Templates.from_packed(pack_captures(column(records), limits)[0])
    left, right = (a.ravel() for a in np.meshgrid(*[np.arange(len(records))] * 2))
    for levels, values in (
        compare_fingers(templates, templates, left, right, FINGERS),
        compare_irises(templates, templates, left, right),
    ):
        assert np.isfinite(values).all()
        assert ((values >= 0) & (values <= 1) | (values == -1)).all()
        assert ((levels >= -1) & (levels <= 4)).all()
        assert (levels[values == -1] == -1).all()


def test_warm_runs_every_kernel():
    warm()

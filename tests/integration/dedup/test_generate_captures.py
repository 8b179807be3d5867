"""Fingers, irises and capture plans of the synthetic register; own decoding, own geometry."""

from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.dedup.generate import write_synthetic
from pipelines.dedup.hashing import splitmix64
from pipelines.dedup.synthetic.config import FingerModel
from pipelines.dedup.synthetic.fingers import make_fingers
from tests.unit.dedup.synthetic_register import pair_with_first

Bits = npt.NDArray[np.bool_]
Columns = tuple[npt.NDArray[np.float64], ...]
RECORDS = 3_000
PLAIN = ("position", "quality", "iris_code", "iris_mask")


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Records with `by_position`: captures of a record by position."""
    made = write_synthetic(RECORDS, tmp_path_factory.mktemp("register"), workers=1)
    rows = pq.read_table(made.enrolments)
    frame = rows.drop_columns(["captures"]).to_pandas()
    truth = pq.read_table(made.entities).to_pandas()
    captures = by_position(rows["captures"].combine_chunks())
    return frame.assign(by_position=captures, **truth[["entity_id", "kind"]])


def by_position(column: pa.ListArray) -> list[dict[str, dict]]:
    """Captures of each record by position; minutiae stay an Arrow array, most are never looked at."""
    flat = column.flatten()
    plain = {name: flat.field(name).to_pylist() for name in PLAIN}
    plain["minutiae"] = [one.values for one in flat.field("minutiae")]
    captures = [
        dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)
    ]
    places = iter(captures)
    return [
        {one["position"]: one for one in islice(places, length.as_py())}
        for length in pc.list_value_length(column)
    ]


@pytest.fixture(scope="module")
def mates(register: pd.DataFrame) -> pd.DataFrame:
    """Later record beside first record of a person (suffix _1)."""
    return pair_with_first(register)


def decode(packed: bytes) -> Bits:
    """Bits [16, 128]: bit r * 128 + c, least significant bit first."""
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), bitorder="little")
    return bits.astype(bool).reshape(16, 128)


def distances(pairs: list[tuple[dict, dict]]) -> npt.NDArray[np.float64]:
    """Masked Hamming distances [pairs, 13] with the other eye turned back by -6..6 columns."""
    code, mask, code_2, mask_2 = (
        np.array([decode(pair[side][name]) for pair in pairs])
        for side in (0, 1)
        for name in ("iris_code", "iris_mask")
    )
    found = []
    for shift in range(-6, 7):
        usable = mask & np.roll(mask_2, -shift, axis=2)
        wrong = (code ^ np.roll(code_2, -shift, axis=2)) & usable
        found.append(wrong.sum(axis=(1, 2)) / usable.sum(axis=(1, 2)))
    return np.array(found).T


def eyes_of(mates: pd.DataFrame, count: int) -> list[tuple[dict, dict]]:
    """Left eyes that both records of a pair have; exact duplicates say nothing and are left out."""
    pairs = mates[mates["kind"] != "exact"]
    both = zip(pairs["by_position"], pairs["by_position_1"], strict=True)
    return [
        (a["LEFT_IRIS"], b["LEFT_IRIS"]) for a, b in both if "LEFT_IRIS" in a and "LEFT_IRIS" in b
    ][:count]


def test_captures_have_their_form(register: pd.DataFrame) -> None:
    order = ["RIGHT_THUMB", "LEFT_THUMB", "RIGHT_IRIS", "LEFT_IRIS"]
    for record in register["by_position"]:
        assert list(record) == [position for position in order if position in record]
        for position, capture in record.items():
            assert 20 <= capture["quality"] <= 100
            is_eye = position.endswith("IRIS")
            assert (len(capture["minutiae"]) == 0) == is_eye
            assert (capture["iris_code"] is not None) == is_eye
            if is_eye:
                assert len(capture["iris_code"]) == len(capture["iris_mask"]) == 256


def test_minutiae_of_captures(register: pd.DataFrame) -> None:
    shown = [c["minutiae"] for record in register["by_position"] for c in record.values()]
    counts = [len(minutiae) for minutiae in shown if len(minutiae)]
    flat = pa.concat_arrays(shown)
    x, y, angle, quality = (flat.field(n).to_numpy() for n in ("x", "y", "angle", "quality"))
    endings = pc.equal(flat.field("type"), "ENDING").to_numpy(zero_copy_only=False)
    assert ((x >= 0) & (x <= 500) & (y >= 0) & (y <= 600)).all()
    assert ((angle >= 0) & (angle < 360) & (quality >= 1) & (quality <= 100)).all()
    is_next_of_a_capture = np.diff(np.repeat(np.arange(len(counts)), counts)) == 0
    assert (np.diff(quality)[is_next_of_a_capture] <= 0).all()
    assert min(counts) >= 8
    assert 45 <= max(counts) <= 50
    assert np.mean(counts) == pytest.approx(38 * (0.97 * 0.88 + 0.03 * 0.7 + 0.08), abs=0.4)
    assert 0.5 < np.mean(endings) < 0.6


def test_true_minutiae_keep_their_distance() -> None:
    fingers = make_fingers(FingerModel(), splitmix64(np.arange(3_000, dtype=np.uint64)))
    counts = fingers.valid.sum(axis=1)
    assert (counts.min(), counts.max()) == (30, 46)
    assert counts.mean() == pytest.approx(38, abs=0.3)
    for f in range(300):
        x, y = fingers.x[f][fingers.valid[f]], fingers.y[f][fingers.valid[f]]
        apart = np.hypot(x[:, None] - x, y[:, None] - y) + 1_000 * np.eye(len(x))
        assert apart.min() >= 14
        assert (((x - 250) / 150.5) ** 2 + ((y - 300) / 200.5) ** 2 <= 1.01).all()


def points(capture: dict) -> Columns:
    """x, y, angle, type of a capture's minutiae."""
    minutiae = capture["minutiae"]
    numbers = [minutiae.field(name).to_numpy() for name in ("x", "y", "angle")]
    is_ending = pc.equal(minutiae.field("type"), "ENDING").to_numpy(zero_copy_only=False)
    return tuple(column.astype(float) for column in (*numbers, is_ending))


def similarity(one: Columns, other: Columns) -> float:
    """Most minutiae within 10 px and 30 degrees, of one type, over alignments of one on another."""
    x, y, angle, kind = one
    best = 0
    for a in range(len(x)):
        at = np.flatnonzero(other[3] == kind[a])  # all that it may be laid on, at once
        turned = (angle[a] - other[2][at])[:, None, None]
        sin, cos = np.sin(np.radians(turned)), np.cos(np.radians(turned))
        dx, dy = (side - side[at][:, None, None] for side in other[:2])
        u, v = x[a] + dx * cos - dy * sin, y[a] + dx * sin + dy * cos
        bend = angle[:, None] - other[2] - turned
        fits = (x[:, None] - u) ** 2 + (y[:, None] - v) ** 2 <= 10**2
        fits &= (np.abs((bend + 180) % 360 - 180) <= 30) & (kind[:, None] == other[3])
        found = np.minimum(fits.any(axis=1).sum(axis=1), fits.any(axis=2).sum(axis=1))
        best = max(best, found.max(initial=0))
    return best / max(len(x), len(other[0]))


def test_finger_similarity(mates: pd.DataFrame) -> None:
    pairs = mates[mates["kind"] != "exact"]
    thumbs = [
        (points(a["LEFT_THUMB"]), points(b["LEFT_THUMB"]))
        for a, b in zip(pairs["by_position"], pairs["by_position_1"], strict=True)
        if all("LEFT_THUMB" in side and side["LEFT_THUMB"]["quality"] >= 40 for side in (a, b))
    ][:8]
    genuine = [similarity(a, b) for a, b in thumbs]
    strangers = [similarity(thumbs[k][0], thumbs[k - 1][1]) for k in range(len(thumbs))]
    assert min(genuine) >= 0.4
    assert 0.58 <= np.mean(genuine) <= 0.8
    assert max(strangers) <= 0.17
    assert 0.04 <= np.mean(strangers) <= 0.12


def test_iris_distances_of_mates(mates: pd.DataFrame) -> None:
    eyes = eyes_of(mates, 400)
    found = distances(eyes)
    is_good = np.array([a["quality"] >= 40 and b["quality"] >= 40 for a, b in eyes])
    best = found.min(axis=1)
    assert best[is_good].mean() == pytest.approx(0.10, abs=0.006)
    assert best[is_good].std() == pytest.approx(0.03, abs=0.006)
    assert best[~is_good].mean() == pytest.approx(0.20, abs=0.03)
    turn = found.argmin(axis=1) - 6
    assert abs(turn.mean()) < 0.15
    assert turn.std() == pytest.approx(1.0, abs=0.15)


def test_iris_distances_of_strangers(register: pd.DataFrame) -> None:
    first = register[register["kind"] == "first"]["by_position"]
    eyes = [record["RIGHT_IRIS"] for record in first if "RIGHT_IRIS" in record][:900]
    codes = np.array([decode(eye["iris_code"]) for eye in eyes])
    masks = np.array([decode(eye["iris_mask"]) for eye in eyes])
    found = []
    for step in (1, 2, 3):
        usable = masks & np.roll(masks, step, axis=0)
        wrong = (codes ^ np.roll(codes, step, axis=0)) & usable
        found.append(wrong.sum(axis=(1, 2)) / usable.sum(axis=(1, 2)))
    assert np.mean(found) == pytest.approx(0.5, abs=0.003)
    assert np.std(found) == pytest.approx(0.032, abs=0.0015)
    assert 1 - masks.mean() == pytest.approx(0.10, abs=0.01)
    assert masks[:, :10].all()  # eyelids stay in the outer rings
    assert codes.mean() == pytest.approx(0.5, abs=0.01)
    own = [
        (record["RIGHT_IRIS"], record["LEFT_IRIS"])
        for record in first.head(40)
        if {"RIGHT_IRIS", "LEFT_IRIS"} <= set(record)
    ]
    assert (
        distances(own).min() > 0.3
    )  # the two eyes of a person are as different as those of strangers


def test_shares_of_missing_and_bad_captures(register: pd.DataFrame) -> None:
    rows = register[register["kind"] != "exact"]["by_position"]
    no_finger = rows.map(lambda r: "LEFT_THUMB" not in r)
    no_iris = rows.map(lambda r: "LEFT_IRIS" not in r)
    assert no_finger.mean() == pytest.approx(0.02, abs=0.008)
    assert no_iris.mean() == pytest.approx(0.02, abs=0.008)
    assert (no_finger & no_iris).mean() == pytest.approx(0.0014, abs=0.0015)
    quality = {
        part: np.array([r[p]["quality"] for r in rows for p in r if p.endswith(part)])
        for part in ("THUMB", "IRIS")
    }
    assert (quality["THUMB"] < 40).mean() == pytest.approx(0.03, abs=0.006)
    assert (quality["IRIS"] < 40).mean() == pytest.approx(0.02, abs=0.005)
    assert not ((quality["IRIS"] >= 40) & (quality["IRIS"] < 45)).any()


def test_exact_duplicates_repeat_their_captures(mates: pd.DataFrame) -> None:
    exact = mates[mates["kind"] == "exact"]
    assert len(exact) == pytest.approx(RECORDS * 0.02, abs=2)
    assert (exact["by_position"] == exact["by_position_1"]).all()
    others = mates[(mates["kind"] != "exact") & mates["by_position"].map(bool)]
    assert not (others["by_position"] == others["by_position_1"]).any()


def test_changed_identities_keep_a_capture(mates: pd.DataFrame) -> None:
    changed = mates[mates["kind"] == "identity_change"]
    for a, b in zip(changed["by_position"], changed["by_position_1"], strict=True):
        assert any(p in b and min(a[p]["quality"], b[p]["quality"]) >= 40 for p in a)


def test_twins_have_their_own_eyes(register: pd.DataFrame) -> None:
    first = register[register["kind"] == "first"]
    twins = first[first.duplicated("phone", keep=False)].groupby("phone")["by_position"]
    eyes = [
        (one["LEFT_IRIS"], other["LEFT_IRIS"])
        for one, other in twins.apply(list)
        if "LEFT_IRIS" in one and "LEFT_IRIS" in other
    ]
    assert len(eyes) >= 3
    assert distances(eyes).min() > 0.3


def test_ten_fingers(tmp_path: Path) -> None:
    made = write_synthetic(40, tmp_path, fingers=10, workers=1)
    captures = pq.read_table(made.enrolments)["captures"].combine_chunks()
    most = captures[int(np.argmax(pc.list_value_length(captures)))].values
    assert len(most) == len(pc.unique(most.field("position"))) == 12

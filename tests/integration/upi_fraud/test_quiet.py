"""Generated payments with all that they bring along: batches and single messages give the same bytes and states."""

import pytest

from pipelines.core.errors import ContractError
from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.files import write_reference
from pipelines.upi_fraud.generate import generate
from pipelines.upi_fraud.profile import NAMES
from pipelines.upi_fraud.sources import Source, read_truth
from tests.unit.upi_fraud.samples import CONFIG, TOKENISER

WIRE = Wire("upi.Transaction")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Generated payments; merchants, flags and labels about some of them."""
    changes = {"transactions": 6_000, "payers": 400, "duplicate_share": 0.01, "late_share": 0.01,
               "corrupt_share": 0.01, "invalid_share": 0.01}  # fmt: skip
    made = generate(CONFIG.generator.model_copy(update=changes), CONFIG.times, 5)
    source = Source("small", "", True, made.payments, read_truth(made.truth), made.merchants)
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    write_reference(references(source), path)
    return list(source.raws()), path


def references(source):
    """Every merchant, a flag on each tenth, a label on each twentieth payment of the first half."""
    yield from ((0, one["merchant_id"], one) for one in source.merchants)
    moment = source.payments["kafka_time_ms"][0].as_py()
    head = {"event_time": moment, "ingest_time": moment, "source": "test", "schema_version": 1,
            "region": "IN", "priority": 5}  # fmt: skip
    for one in source.merchants[::10]:
        yield 1, one["merchant_id"], {"event_id": f"f-{one['merchant_id']}", "event_time": moment,
            "subject": one["merchant_id"], "subject_kind": "MERCHANT", "kind": "COLLUSION",
            "value": 9, "expires_at": None, "evidence": ""}  # fmt: skip
    for raw in list(source.raws())[:3_000:20]:
        try:
            identifier = WIRE.decode(raw.value)["transaction_id"]
        except ContractError:
            continue
        yield 3, identifier, {**head, "event_id": f"l-{identifier}", "transaction_id": identifier,
            "is_fraud": True, "fraud_type": None, "labelled_at": moment}  # fmt: skip


@pytest.mark.parametrize("profile", NAMES)
def test_generated_payments_and_their_reference_give_the_same_bytes(profile, small):
    raws, reference = small
    plan = DeciderPlan(CONFIG, profile, TOKENISER, "test", str(reference))
    one, many, singly, together = plan(), plan(), {}, {}
    left = []
    single = many.handle_one
    many.handle_one = lambda raw, states: left.append(raw) or single(raw, states)
    assert many.handle(raws, together) == [one.handle_one(raw, singly) for raw in raws]
    assert together == singly
    assert many.intake.notes == one.intake.notes
    assert len(left) < 0.4 * len(raws)

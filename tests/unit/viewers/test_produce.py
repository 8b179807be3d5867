"""What `python -m pipelines produce viewer` sends."""

from pipelines.core import avro_codec
from pipelines.core.contract_store import get_contract
from pipelines.produce.domains import DOMAINS


def test_a_seeded_match_is_made_of_records_of_the_contract(tmp_path):
    make = DOMAINS["viewer"].load()
    ((topic, records),) = make(3000, 7, tmp_path / "a").items()
    found = list(records)
    assert topic == "viewer.events.v1"
    assert len(found) == 3000
    schema = avro_codec.parse(get_contract("viewer.Event").schema)
    for record in found[::100]:
        avro_codec.check_record(schema, record)
    again = list(make(3000, 7, tmp_path / "b")[topic])
    assert again == found
    assert {one["event_type"] for one in found} > {"PLAY", "HEARTBEAT", "STOP", "QUALITY_CHANGE"}

"""The DataStream part: a keyed operator, one call decides a batch of a bucket's payments.

Runs in thread mode. A bucket is a few partitions of the topic. States of its payers lie in a
`MapState`; decoded ones are kept at hand and every change is written through before the call ends,
so that a checkpoint holds it.
"""

from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyflink.common import Row, Time, TypeInformation, Types
from pyflink.datastream import (
    DataStream,
    KeyedBroadcastProcessFunction,
    KeyedStream,
    RuntimeContext,
)
from pyflink.datastream.state import MapStateDescriptor, StateTtlConfig
from pyflink.java_gateway import get_gateway

from pipelines.core.flink_gateway import make_operator
from pipelines.upi_fraud.batch_codec import read_messages, write_outcomes
from pipelines.upi_fraud.config import BatchSettings
from pipelines.upi_fraud.decider import Decider
from pipelines.upi_fraud.follow import LABEL, Follower
from pipelines.upi_fraud.garbage import collect_rarely

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment as Tables

    __all__ = ["DecideBatch", "Tables", "decide_batches", "gather"]

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
KEYED_BATCH: TypeInformation = Types.ROW_NAMED(
    ["bucket", "batch"],
    [Types.INT(), Types.ROW_NAMED(["bucket", "messages"], [Types.INT(), _BYTES])],
)
"""A batch behind its bucket, with the old type system: the keyed operator takes no other."""
OUTCOMES: TypeInformation = Types.ROW_NAMED(["outcomes"], [_BYTES])
"""Outcomes of a batch."""

_GATHER = "sangam.fraud.GatherMessages"

REFERENCE_STATE = MapStateDescriptor("reference", Types.STRING(), Types.PICKLED_BYTE_ARRAY())


class BucketStates(MutableMapping[str, bytes]):
    """Packed states of one bucket's payers: those used lately at hand, all in Flink.

    Attributes:
        changed: states that differ from what Flink holds.
    """

    def __init__(self, stored: Any, limit: int) -> None:
        self._stored, self._limit = stored, limit
        self._known: dict[str, bytes | None] = {}
        self.changed: dict[str, bytes] = {}

    def get(self, payer: str, default: Any = None) -> Any:
        """State of a payer, without an exception for the many who are new."""
        try:
            state = self._known[payer]
        except KeyError:
            state = self._known[payer] = self._stored.get(payer)
        return default if state is None else state

    def __getitem__(self, payer: str) -> bytes:
        state: bytes | None = self.get(payer)
        if state is None:
            raise KeyError(payer)
        return state

    def __setitem__(self, payer: str, state: bytes) -> None:
        self._known[payer] = self.changed[payer] = state

    def __delitem__(self, payer: str) -> None:
        self._known.pop(payer, None)
        self._stored.remove(payer)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored.keys())

    def __len__(self) -> int:
        return len(list(self._stored.keys()))

    def write(self) -> None:
        """Write what changed, all in one call; forget states when there are too many."""
        if self.changed:
            self._stored.put_all(self.changed)
            self.changed = {}
        if len(self._known) > self._limit:
            self._known.clear()


class DecideBatch(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Decides batches; takes merchants, flags and rule sets from the broadcast side.

    Args:
        make_decider: builds what decides, on the worker; loads the snapshot of the reference.
        ttl_days: idle states are removed from Flink after so long.
        cached_payers: states kept at hand for each bucket.
    """

    def __init__(
        self, make_decider: Callable[[], Decider], ttl_days: int, cached_payers: int
    ) -> None:
        self._make_decider = make_decider
        self._ttl_days, self._cached = ttl_days, cached_payers

    def open(self, runtime_context: RuntimeContext) -> None:
        """Register the state and load what decides."""
        descriptor = MapStateDescriptor("payers", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        descriptor.enable_time_to_live(state_ttl(24 * self._ttl_days))
        self._stored = runtime_context.get_map_state(descriptor)
        self._decider = self._make_decider()
        self._follower = Follower(self._decider.reference, self._decider.profiles)
        self._buckets: dict[int, BucketStates] = {}
        self._is_restored = False
        collect_rarely()

    def process_element(self, value: Row, ctx: Any) -> Iterator[Row]:
        """Decide one batch."""
        if not self._is_restored:
            for _, data in ctx.get_broadcast_state(REFERENCE_STATE).items():
                self._follower.take(bytes(data))
            self._is_restored = True
        bucket, messages = value
        states = self._buckets.get(bucket)
        if states is None:
            states = self._buckets[bucket] = BucketStates(self._stored, self._cached)
        outcomes = self._decider.handle(read_messages(bytes(messages)), states)
        states.write()
        yield Row(write_outcomes(outcomes))

    def process_broadcast_element(self, value: Row, ctx: Any) -> None:
        """Take a reference record in; the broadcast state is the durable copy of all but labels."""
        kind, key, data = value
        record = bytes((kind,)) + bytes(data)
        if self._follower.take(record) and kind != LABEL:
            ctx.get_broadcast_state(REFERENCE_STATE).put(f"{kind}/{bytes(key).decode()}", record)


def state_ttl(hours: int) -> StateTtlConfig:
    """Idle states are removed after so long: in RocksDB's compactions, in memory when restored.

    Flink's cleaning at each access is off: it looks through whole maps, and a bucket's map holds
    all its payers. The time between compactions is named, since its default is looked up in a
    Python client, which the task managers of a cluster have not.
    """
    return (
        StateTtlConfig.new_builder(Time.hours(hours))
        .disable_cleanup_in_background()
        .cleanup_full_snapshot()
        .cleanup_in_rocksdb_compact_filter(10_000, Time.hours(hours))
        .build()
    )


def gather(tables: "Tables", arriving: Any, jar: Path, batch: BatchSettings) -> DataStream:
    """Batches of a table of messages.

    Args:
        tables: environment, which knows the jar.
        arriving: columns as `GatherMessages` takes them.
        jar: holds that class.
        batch: settings.
    """
    numbers = (batch.buckets, batch.most_payments, batch.linger_ms)
    operator = make_operator(get_gateway(), jar, _GATHER, *numbers)
    table = arriving._j_table
    inner = get_gateway().jvm.java.lang.Class.forName("org.apache.flink.table.data.RowData")
    rows = table.getResolvedSchema().toPhysicalRowDataType().bridgedTo(inner)
    messages = tables._j_tenv.toDataStream(table, rows)  # rows as SQL has them: none is converted
    batches = messages.transform("gather payments", KEYED_BATCH.get_java_type_info(), operator)
    return DataStream(batches.uid("upi-gather"))


def decide_batches(batches: Any, reference: Any, function: DecideBatch) -> Any:
    """Connect the batches with the broadcast reference and decide.

    Args:
        batches: stream of a bucket, and of a row of the bucket and its messages as one run of bytes
            (`batch_codec`).
        reference: stream of tag, key and value.
        function: decides.
    """
    return (
        _by_bucket(batches)
        .connect(reference.broadcast(REFERENCE_STATE))
        .process(function, output_type=OUTCOMES)
        .name("decide payments")
        .uid("upi-decide")
    )


def _by_bucket(batches: Any) -> KeyedStream:
    """Partition rows of a bucket and its batch by the bucket.

    `DataStream.key_by` would ask Python for the key of each row, so every batch would cross to
    Python and back before it is decided; here `GatherMessages` has put the key where Flink looks
    for it.
    """
    keyed = batches._j_data_stream.keyBy(
        get_gateway().jvm.KeyByKeySelector(), Types.ROW([Types.INT()]).get_java_type_info()
    )
    return KeyedStream(keyed, batches.get_type(), batches)

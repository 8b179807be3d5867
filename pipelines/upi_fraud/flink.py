"""The DataStream part: a keyed operator, one call decides a batch of a bucket's payments.

Runs in thread mode. A bucket is a few partitions of the topic. States of its payers lie in a
`MapState`; decoded ones are kept at hand and every change is written through before the call ends,
so that a checkpoint holds it.
"""

from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from pyflink.common import Row, Time, TypeInformation, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, KeyedStream, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, StateTtlConfig
from pyflink.java_gateway import get_gateway

from pipelines.upi_fraud.decider import Decider
from pipelines.upi_fraud.follow import LABEL, Follower
from pipelines.upi_fraud.garbage import collect_rarely
from pipelines.upi_fraud.payment import Raw, make_raw
from pipelines.upi_fraud.state import PayerState
from pipelines.upi_fraud.state_codec import decode_state, encode_state

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment as Tables

    __all__ = ["DecideBatch", "Tables", "decide_batches"]

_BYTES = Types.OBJECT_ARRAY(Types.PRIMITIVE_ARRAY(Types.BYTE()))
_LONGS = Types.OBJECT_ARRAY(Types.LONG())
KEYED_BATCH: TypeInformation = Types.ROW_NAMED(
    ["bucket", "batch"],
    [
        Types.INT(),
        Types.ROW_NAMED(
            ["bucket", "message_keys", "message_values", "meta"],
            [Types.INT(), _BYTES, _BYTES, Types.STRING()],
        ),
    ],
)
"""A batch behind its bucket, with the old type system: the keyed operator takes no other."""
OUTCOMES: TypeInformation = Types.ROW_NAMED(
    ["kinds", "message_keys", "message_values", "times", "latenesses"],
    [_LONGS, _BYTES, _BYTES, _LONGS, _LONGS],
)
"""Outcomes of a batch, column by column: rows inside an array would all become the last one."""

REFERENCE_STATE = MapStateDescriptor("reference", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
META_FIELDS = ("partition", "offset", "time", "attempt")
"""Coordinates, record time and number of replays of each message, separated by commas."""


class BucketStates(MutableMapping[str, PayerState]):
    """States of one bucket's payers: decoded ones at hand, the rest in Flink.

    Attributes:
        changed: payers whose state differs from what Flink holds.
    """

    def __init__(self, stored: Any, limit: int) -> None:
        self._stored, self._limit = stored, limit
        self._known: dict[str, PayerState] = {}
        self.changed: set[str] = set()

    def __getitem__(self, payer: str) -> PayerState:
        known = self._known.get(payer)
        if known is None:
            data = self._stored.get(payer)
            if data is None:
                raise KeyError(payer)
            known = self._known[payer] = decode_state(data)
        return known

    def get(self, payer: str, default: Any = None) -> Any:
        """State of a payer, without an exception for the many who are new."""
        known = self._known.get(payer)
        if known is not None:
            return known
        data = self._stored.get(payer)
        if data is None:
            return default
        known = self._known[payer] = decode_state(data)
        return known

    def __setitem__(self, payer: str, state: PayerState) -> None:
        self._known[payer] = state
        self.changed.add(payer)

    def __delitem__(self, payer: str) -> None:
        self._known.pop(payer, None)
        self._stored.remove(payer)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored.keys())

    def __len__(self) -> int:
        return len(list(self._stored.keys()))

    def write(self) -> None:
        """Write what changed, all in one call; forget decoded states when there are too many."""
        if self.changed:
            known = self._known
            self._stored.put_all({payer: encode_state(known[payer]) for payer in self.changed})
            self.changed.clear()
        if len(self._known) > self._limit:
            self._known.clear()


class DecideBatch(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Decides batches; takes merchants, flags and rule sets from the broadcast side.

    Args:
        make_decider: builds what decides, on the worker; loads the snapshot of the reference.
        ttl_days: idle states are removed from Flink after so long.
        cached_payers: decoded states kept at hand for each bucket.
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
        bucket, keys, values, meta = value
        states = self._buckets.get(bucket)
        if states is None:
            states = self._buckets[bucket] = BucketStates(self._stored, self._cached)
        raws = read_batch(keys, values, meta)
        outcomes = self._decider.handle(raws, states)
        states.write()
        kinds, out_keys, out_values, times, latenesses = zip(*outcomes, strict=True)
        yield Row([*map(int, kinds)], out_keys, out_values, times, latenesses)

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


def decide_batches(batches: Any, reference: Any, function: DecideBatch) -> Any:
    """Connect the batches with the broadcast reference and decide.

    Args:
        batches: stream of a bucket, and of a row of the bucket, keys, values and `META_FIELDS` of
            its messages.
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
    Python and back before it is decided; here SQL has put the key where Flink looks for it.
    """
    keyed = batches._j_data_stream.keyBy(
        get_gateway().jvm.KeyByKeySelector(), Types.ROW([Types.INT()]).get_java_type_info()
    )
    return KeyedStream(keyed, batches.get_type(), batches)


def read_batch(keys: Any, values: Any, meta: str) -> list[Raw]:
    """Messages of a batch; those of a partition are in the order of their offsets."""
    raws = []
    for key, value, line in zip(keys, values, meta.split(";"), strict=True):
        partition, offset, time_ms, attempt = line.split(",")
        raws.append(
            make_raw(
                (
                    int(partition), int(offset), int(time_ms), None if key is None else bytes(key),
                    None if value is None else bytes(value), attempt.encode() or None,
                )
            )
        )  # fmt: skip
    return raws

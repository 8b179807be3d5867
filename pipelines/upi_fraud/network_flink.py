"""The Python operators of the slow path on Kafka: messages to edges, findings to flags."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor
from pyflink.table import DataTypes, FunctionContext, TableFunction
from pyflink.table.udf import udtf

from pipelines.core.privacy import Tokeniser
from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import reference_messages
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.flags import Finding, Standing, flag_key, is_pattern, next_flag
from pipelines.upi_fraud.flink import REFERENCE_STATE, state_ttl
from pipelines.upi_fraud.follow import Follower
from pipelines.upi_fraud.intake import Intake
from pipelines.upi_fraud.network import EdgeReader
from pipelines.upi_fraud.payment import Raw
from pipelines.upi_fraud.profile import load_profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.timeline import Timeline

MESSAGES = Types.ROW_NAMED(
    ["message_key", "message_value", "time_ms"],
    [Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.LONG()],
)


class ReadEdge(TableFunction):  # type: ignore[misc]
    """One message in, its edge out, or nothing.

    Args:
        config: limits of the intake.
        tokeniser: key of the run.
    """

    def __init__(self, config: UpiConfig, tokeniser: Tokeniser) -> None:
        self._config, self._tokeniser = config, tokeniser

    def open(self, function_context: FunctionContext) -> None:
        """Build the door."""
        self._reader = EdgeReader(Intake(self._config.intake_limits(), self._tokeniser))

    def eval(self, key: Any, value: Any, partition: int, offset: int, time_ms: int) -> Any:
        """Edge of a message."""
        raw = Raw(
            partition, offset, time_ms, None if key is None else bytes(key),
            None if value is None else bytes(value),
        )  # fmt: skip
        found = self._reader.read(raw)
        if found is not None:
            yield found[1]


def read_edge(config: UpiConfig, tokeniser: Tokeniser) -> Any:
    """`ReadEdge` as SQL calls it."""
    text, number = DataTypes.STRING(), DataTypes.BIGINT()
    return udtf(ReadEdge(config, tokeniser), result_types=[text, text, text, number, text, text])


class FlagFindings(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Findings of one subject in, flags out; merchants and permissions come by broadcast.

    Args:
        config: settings.
        servers: Kafka, whose reference topics are read to begin with.
    """

    def __init__(self, config: UpiConfig, servers: str) -> None:
        self._config, self._servers = config, servers

    def open(self, runtime_context: RuntimeContext) -> None:
        """Register the state and read the reference."""
        hours = max(self._config.network.account_flag_hours, self._config.network.shared_hours)
        descriptor = ValueStateDescriptor("standing", Types.STRING())
        descriptor.enable_time_to_live(state_ttl(2 * hours))
        self._standing = runtime_context.get_state(descriptor)
        self._reference = Reference(
            self._config.reference.activation_ms, self._config.reference.versions
        )
        profiles = Timeline(load_profile("strict"), self._config.reference.activation_ms)
        self._follower = Follower(self._reference, profiles)
        for message in reference_messages(None, self._servers):
            self._follower.take(message)
        self._wire = Wire("upi.Flag")

    def process_element(self, value: Row, ctx: Any) -> Iterator[Row]:
        """Flag of a finding, where it is worth one."""
        one, known = Finding(*value), self._standing.value()
        if not is_pattern(one, self._reference, self._config.network):
            return
        before = Standing(*map(int, known.split())) if known else None
        flag = next_flag(one, before, self._config.network)
        if flag is not None:
            self._standing.update(f"{flag['expires_at']} {one.measure}")
            yield Row(flag_key(one).encode(), self._wire.encode(flag), flag["event_time"])

    def process_broadcast_element(self, value: Row, ctx: Any) -> None:
        """Take a reference record in; all of them are read again at the next start."""
        self._follower.take(bytes((value[0],)) + bytes(value[2]))


def flag_findings(findings: Any, reference: Any, function: FlagFindings) -> Any:
    """Connect the findings with the reference and make flags.

    Args:
        findings: stream with the columns of `Finding`.
        reference: stream of tag, key and value.
        function: makes the flags.
    """
    return (
        findings.key_by(_subject_of, key_type=Types.STRING())
        .connect(reference.broadcast(REFERENCE_STATE))
        .process(function, output_type=MESSAGES)
        .name("flag findings")
        .uid("upi-flag-findings")
    )


def _subject_of(finding: Any) -> str:
    return "|".join(finding[:3])

"""The same audience in plain PyFlink: a Python function per event with keyed state and timers."""

import time
from pathlib import Path

from pipelines.viewers import engine
from pipelines.viewers.rules import ENDS, SIGNS_OF_LIFE


def run_datastream(folder: Path, config) -> float:
    """Count live sessions every slice by content; seconds from submitting to the end."""
    from pyflink.common import Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import ValueStateDescriptor

    from pipelines.core.errors import ContractError
    from pipelines.core.wire import Wire

    class Live(KeyedProcessFunction):
        def open(self, context):
            self.wire = Wire("viewer.Event")
            self.last = context.get_state(ValueStateDescriptor("last", Types.LONG()))

        def process_element(self, value, context):
            try:
                event = self.wire.decode(value[1])
            except ContractError:
                return
            last = self.last.value() or 0
            if event["event_type"] in SIGNS_OF_LIFE and event["event_time"] > last:
                self.last.update(event["event_time"])
                context.timer_service().register_event_time_timer(event["event_time"] + 30_000)
                if not last:
                    yield event["content_id"], 1
            elif event["event_type"] in ENDS and last:
                self.last.clear()
                yield event["content_id"], -1

        def on_timer(self, timestamp, context):
            if (self.last.value() or timestamp) <= timestamp - 30_000:
                self.last.clear()
                yield "", -1

    opened = engine.open_engine("bench", config.flink)
    opened.execute_sql(engine.messages_in_files("messages", folder, 30, 4_102_444_800_000))
    table = opened.sql_query("SELECT message_key, message_value, event_at FROM messages")
    stream = opened.to_data_stream(table)
    out = Types.TUPLE([Types.STRING(), Types.INT()])
    counted = stream.key_by(lambda row: bytes(row[0]), Types.PICKLED_BYTE_ARRAY()).process(
        Live(), out
    )
    opened.create_temporary_view("counted", opened.from_data_stream(counted))
    opened.execute_sql(
        "CREATE TEMPORARY TABLE out_table (a STRING, b INT) WITH ('connector' = 'blackhole')"
    )
    start = time.monotonic()
    opened.execute_sql("INSERT INTO out_table SELECT * FROM counted").wait()
    return time.monotonic() - start

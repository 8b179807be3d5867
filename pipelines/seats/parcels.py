"""Arrow tables as bytes, for what a task hands to the driver as a whole."""

import pyarrow as pa

_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


def pack_table(table: pa.Table) -> bytes:
    """An Arrow table as compressed bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_LZ4) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def read_packed(payload: bytes) -> pa.Table:
    """The inverse of `pack_table`."""
    return pa.ipc.open_stream(payload).read_all()

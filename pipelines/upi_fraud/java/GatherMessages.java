package sangam.fraud;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.flink.api.common.operators.ProcessingTimeService.ProcessingTimeCallback;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.types.Row;

/**
 * Gathers messages of a bucket to one run of bytes, so that a batch crosses into Python as one object:
 * their number, a head for each (offset, time, partition, lengths of key, value and attempt; a length
 * of -1 stands for null), then key, value and attempt of each. Numbers have their lowest byte first.
 *
 * A batch leaves when its first message has waited long enough, when it is full, before a checkpoint
 * (so that there is no state) and when the input ends. Messages of a partition keep their order.
 */
public class GatherMessages extends AbstractStreamOperator
        implements OneInputStreamOperator, BoundedOneInput, ProcessingTimeCallback {
    private static final int COUNT = 4;
    private static final int HEAD = 32;

    private final int buckets;
    private final int most;
    private final int waitMillis;
    private transient Batch[] batches;
    private transient boolean isTimed;

    /** For so many buckets; at most so many messages and milliseconds in a batch. */
    public GatherMessages(int buckets, int most, int waitMillis) {
        this.buckets = buckets;
        this.most = most;
        this.waitMillis = waitMillis;
    }

    public void open() throws Exception {
        super.open();
        batches = new Batch[buckets];
        for (int bucket = 0; bucket < buckets; bucket++) {
            batches[bucket] = new Batch();
        }
    }

    /** Takes one message in: bucket, key, value, partition, offset, time, attempt. */
    public void processElement(StreamRecord element) throws Exception {
        RowData row = (RowData) element.getValue();
        int bucket = row.getInt(0);
        Batch batch = batches[bucket];
        int at = batch.count * HEAD;
        batch.heads = withRoom(batch.heads, at, HEAD);
        ByteBuffer head = ByteBuffer.wrap(batch.heads, at, HEAD).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(row.getLong(4));
        head.putLong(row.getLong(5));
        head.putInt(row.getInt(3));
        head.putInt(append(batch, row.isNullAt(1) ? null : row.getBinary(1)));
        head.putInt(append(batch, row.isNullAt(2) ? null : row.getBinary(2)));
        StringData attempt = row.getString(6);
        head.putInt(append(batch, attempt.toBytes()));
        batch.count++;
        if (batch.count == most) {
            emit(bucket);
        } else if (!isTimed) {
            isTimed = true;
            long now = getProcessingTimeService().getCurrentProcessingTime();
            getProcessingTimeService().registerTimer(now + waitMillis, this);
        }
    }

    public void onProcessingTime(long time) {
        isTimed = false;
        emitAll();
    }

    public void prepareSnapshotPreBarrier(long checkpoint) {
        emitAll();
    }

    public void endInput() {
        emitAll();
    }

    private void emitAll() {
        for (int bucket = 0; bucket < buckets; bucket++) {
            if (batches[bucket].count > 0) {
                emit(bucket);
            }
        }
    }

    private void emit(int bucket) {
        Batch batch = batches[bucket];
        int heads = batch.count * HEAD;
        ByteBuffer out = ByteBuffer.allocate(COUNT + heads + batch.used);
        out.order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(batch.count);
        out.put(batch.heads, 0, heads);
        out.put(batch.bodies, 0, batch.used);
        batch.count = 0;
        batch.used = 0;
        Row keyed = new Row(2);
        keyed.setField(0, Integer.valueOf(bucket));
        keyed.setField(1, out.array());
        Row row = new Row(2);
        row.setField(0, Integer.valueOf(bucket));
        row.setField(1, keyed);
        output.collect(new StreamRecord(row));
    }

    private static int append(Batch batch, byte[] part) {
        if (part == null) {
            return -1;
        }
        batch.bodies = withRoom(batch.bodies, batch.used, part.length);
        System.arraycopy(part, 0, batch.bodies, batch.used, part.length);
        batch.used += part.length;
        return part.length;
    }

    private static byte[] withRoom(byte[] data, int used, int more) {
        int needed = used + more;
        return needed <= data.length ? data : Arrays.copyOf(data, Math.max(needed, 2 * data.length));
    }
}

package sangam.fraud;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * Gathers messages to one run of bytes, so that a batch crosses into Python as one object: their
 * number, a head for each (offset, time, partition, lengths of key, value and attempt; a length of -1
 * stands for null), then key, value and attempt of each. Numbers have their lowest byte first.
 */
public class GatherMessages extends AggregateFunction {
    private static final int COUNT = 4;
    private static final int HEAD = 32;

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType bytes = (DataType) factory.createDataType("BYTES");
        DataType integer = (DataType) factory.createDataType("INT");
        DataType number = (DataType) factory.createDataType("BIGINT");
        DataType text = (DataType) factory.createDataType("STRING");
        DataType batch = (DataType) factory.createDataType(Batch.class);
        return TypeInference.newBuilder()
            .typedArguments(new DataType[] {
                bytes, bytes, integer, number, number,
                (DataType) text.bridgedTo(StringData.class)})
            .accumulatorTypeStrategy(TypeStrategies.explicit(batch))
            .outputTypeStrategy(TypeStrategies.explicit(bytes))
            .build();
    }

    public Object createAccumulator() {
        return new Batch();
    }

    /** Takes one message in. */
    public void accumulate(
            Batch batch, byte[] key, byte[] value, Integer partition, Long offset, Long time,
            StringData attempt) {
        int at = batch.count * HEAD;
        batch.heads = withRoom(batch.heads, at, HEAD);
        ByteBuffer head = ByteBuffer.wrap(batch.heads, at, HEAD).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(offset.longValue());
        head.putLong(time.longValue());
        head.putInt(partition.intValue());
        head.putInt(append(batch, key));
        head.putInt(append(batch, value));
        head.putInt(append(batch, attempt.toBytes()));
        batch.count++;
    }

    public Object getValue(Object gathered) {
        Batch batch = (Batch) gathered;
        int heads = batch.count * HEAD;
        ByteBuffer out = ByteBuffer.allocate(COUNT + heads + batch.used);
        out.order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(batch.count);
        out.put(batch.heads, 0, heads);
        out.put(batch.bodies, 0, batch.used);
        return out.array();
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

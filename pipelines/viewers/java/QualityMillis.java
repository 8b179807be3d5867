package sangam.viewers;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * Play time of a session by quality, from the marks its changes left: a mark is the play time so far
 * in its upper bits and the new quality in its lowest 3. A mark that came twice changes nothing.
 */
public class QualityMillis extends ScalarFunction {
    private static final String[] NAMES = {"UNKNOWN", "Q360", "Q480", "Q720", "Q1080", "Q4K"};

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType marks = (DataType) factory.createDataType("ARRAY<BIGINT>");
        DataType number = (DataType) factory.createDataType("BIGINT");
        DataType out = (DataType) factory.createDataType("MAP<STRING NOT NULL, BIGINT NOT NULL> NOT NULL");
        DataType plain = (DataType) out.bridgedTo(MapData.class);
        return TypeInference.newBuilder()
            .typedArguments(new DataType[] {
                (DataType) marks.bridgedTo(ArrayData.class), number, number})
            .outputTypeStrategy(TypeStrategies.explicit(plain))
            .build();
    }

    /** Milliseconds by quality; `first` is the quality of the start, `total` all play time. */
    public MapData eval(ArrayData marks, Long first, Long total) {
        long[] sorted = marks.toLongArray();
        Arrays.sort(sorted);
        long[] spent = new long[NAMES.length];
        int quality = first == null ? 0 : (int) (first.longValue() & 7);
        long since = 0;
        for (int one = 0; one < sorted.length; one++) {
            spent[quality] += (sorted[one] >> 3) - since;
            since = sorted[one] >> 3;
            quality = (int) (sorted[one] & 7);
        }
        spent[quality] += Math.max(0, (total == null ? 0 : total.longValue()) - since);
        Map found = new HashMap();
        for (int one = 0; one < NAMES.length; one++) {
            if (spent[one] > 0) {
                found.put(BinaryStringData.fromString(NAMES[one]), Long.valueOf(spent[one]));
            }
        }
        return new GenericMapData(found);
    }
}

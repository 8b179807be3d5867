package sangam.viewers;

import java.util.Arrays;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * How regular the heartbeats of a session are: number, sum and sum of squares of the gaps between
 * neighbouring moments. A beat that came twice counts once; a longer gap than usual is a pause.
 */
public class BeatGaps extends ScalarFunction {
    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType moments = (DataType) factory.createDataType("ARRAY<BIGINT>");
        DataType number = (DataType) factory.createDataType("BIGINT NOT NULL");
        DataType out = (DataType) factory.createDataType("ARRAY<BIGINT NOT NULL> NOT NULL");
        return TypeInference.newBuilder()
            .typedArguments(new DataType[] {
                (DataType) moments.bridgedTo(ArrayData.class),
                (DataType) number.bridgedTo(long.class)})
            .outputTypeStrategy(
                TypeStrategies.explicit((DataType) out.bridgedTo(ArrayData.class)))
            .build();
    }

    /** Number, sum and sum of squares of the gaps, ms. */
    public ArrayData eval(ArrayData moments, long usual) {
        int size = moments == null ? 0 : moments.size();
        long[] sorted = new long[size];
        for (int one = 0; one < size; one++) {
            sorted[one] = moments.getLong(one);
        }
        Arrays.sort(sorted);
        long number = 0;
        long sum = 0;
        long squares = 0;
        for (int one = 1; one < size; one++) {
            long gap = sorted[one] - sorted[one - 1];
            if (gap > 0 && gap <= usual) {
                number++;
                sum += gap;
                squares += gap * gap;
            }
        }
        return new GenericArrayData(new long[] {number, sum, squares});
    }
}

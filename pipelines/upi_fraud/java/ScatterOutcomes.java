package sangam.fraud;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * Outcomes of a batch as rows, out of one run of bytes: their number, a head for each (time, lateness,
 * kind, lengths of key and value), then key and value of each. Numbers have their lowest byte first.
 */
public class ScatterOutcomes extends TableFunction {
    private static final String OUTPUT = "ROW<kind INT, message_key BYTES, message_value BYTES,"
        + " time_ms BIGINT, lateness_ms BIGINT>";
    private static final int COUNT = 4;
    private static final int HEAD = 28;
    private static final int COLUMNS = 5;

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType bytes = (DataType) factory.createDataType("BYTES");
        DataType out = (DataType) factory.createDataType(OUTPUT);
        return TypeInference.newBuilder()
            .typedArguments(new DataType[] {bytes})
            .outputTypeStrategy(TypeStrategies.explicit((DataType) out.bridgedTo(RowData.class)))
            .build();
    }

    /** One row for each outcome. */
    public void eval(byte[] packed) {
        ByteBuffer heads = ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN);
        int count = heads.getInt();
        int at = COUNT + count * HEAD;
        for (int one = 0; one < count; one++) {
            GenericRowData row = new GenericRowData(COLUMNS);
            row.setField(3, Long.valueOf(heads.getLong()));
            row.setField(4, Long.valueOf(heads.getLong()));
            row.setField(0, Integer.valueOf(heads.getInt()));
            int behindKey = at + heads.getInt();
            int behind = behindKey + heads.getInt();
            row.setField(1, Arrays.copyOfRange(packed, at, behindKey));
            row.setField(2, Arrays.copyOfRange(packed, behindKey, behind));
            at = behind;
            collect(row);
        }
    }
}

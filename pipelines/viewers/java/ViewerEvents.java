package sangam.viewers;

import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * Decodes a message of viewer.Event (versions 1 and 2) to one row, and never throws: a message that
 * cannot be decoded gives a row whose first column names the fault, as the platform's codes do.
 * The dimensions become one number, the cell, by the lists that the caller hands over as text.
 */
public class ViewerEvents extends TableFunction {
    private static final int SHORTEST = 5;

    private transient EventRow row;
    private transient Codes known;

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType bytes = (DataType) factory.createDataType("BYTES");
        DataType time = (DataType) factory.createDataType("TIMESTAMP_LTZ(3)");
        DataType moment = (DataType) time.bridgedTo(TimestampData.class);
        DataType number = (DataType) factory.createDataType("INT NOT NULL");
        DataType text = (DataType) factory.createDataType("STRING");
        DataType out = (DataType) factory.createDataType(EventRow.TYPE);
        DataType id = (DataType) number.bridgedTo(int.class);
        return TypeInference.newBuilder()
            .typedArguments(new DataType[] {
                bytes, moment, moment, id, id, text})
            .outputTypeStrategy(TypeStrategies.explicit((DataType) out.bridgedTo(RowData.class)))
            .build();
    }

    /**
     * One row for a message.
     *
     * @param time moment of the record
     * @param taken moment that the source takes it for; another one if its clock is wrong
     * @param first wire id of version 1
     * @param second wire id of version 2
     * @param codes see `Codes`
     */
    public void eval(byte[] value, TimestampData time, TimestampData taken, int first, int second,
            String codes) throws Exception {
        if (row == null) {
            row = new EventRow();
            known = new Codes(codes);
        }
        String fault = decode(value, first, second);
        if (fault == null && time != null) {
            boolean isTime = time.getMillisecond() == row.getLong(EventRow.AT);
            fault = isTime && time.equals(taken) ? null : "E_TIME";
        }
        if (fault == null) {
            row.identify();
        } else {
            row.fail(StringData.fromString(fault));
        }
        collect(row);
    }

    private String decode(byte[] value, int first, int second) {
        if (value == null || value.length < SHORTEST) {
            return "E_SHORT";
        }
        if (value[0] != 0) {
            return "E_MAGIC";
        }
        int id = (value[1] & 255) << 24 | (value[2] & 255) << 16
            | (value[3] & 255) << 8 | value[4] & 255;
        if (id != first && id != second) {
            return "E_SCHEMA_ID";
        }
        try {
            row.readFirst(value, known);
            if (id == second) {
                row.readSecond(known);
            }
        } catch (RuntimeException error) {
            return "E_BODY";
        }
        return row.hasMore() ? "E_TRAILING" : null;
    }
}

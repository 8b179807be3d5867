package sangam.viewers;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * Decodes a message of viewer.Event (versions 1 and 2) to one row, and never throws: a message that
 * cannot be decoded gives a row whose first column names the fault, as the platform's codes do.
 * Strings are views of the message, so a row costs little more than walking its bytes once. The
 * dimensions become one number, the cell, by the lists that the caller hands over as text.
 */
public class ViewerEvents extends TableFunction {
    private static final String OUTPUT = "ROW<fault STRING, user_id STRING, session_id STRING,"
        + " content_id STRING, kind INT, quality INT, viewer INT, at_ms BIGINT, cell BIGINT,"
        + " is_fatal BOOLEAN, bitrate_kbps INT, buffer_seconds DOUBLE,"
        + " played_ms BIGINT, rebuffered_ms BIGINT, delivered_kilobits BIGINT,"
        + " total_played_ms BIGINT, total_rebuffered_ms BIGINT, total_delivered_kilobits BIGINT,"
        + " account_id STRING, device_key INT, bucket INT, session_key BIGINT>";
    private static final int COLUMNS = 22;
    private static final int BUCKET_BITS = 6;
    private static final int COUNTERS = 12;
    private static final int KINDS = 10;
    private static final int QUALITIES = 6;
    private static final int OTHERS = 5;

    private transient GenericRowData row;
    private transient Map regions;
    private transient Map cities;
    private transient Map languages;
    private transient int deviceShift;
    private transient int networkShift;
    private transient int qualityShift;
    private transient byte[] data;
    private transient int at;
    private transient int from;
    private transient int end;
    private transient long cell;

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType bytes = (DataType) factory.createDataType("BYTES");
        DataType time = (DataType) factory.createDataType("TIMESTAMP_LTZ(3)");
        DataType moment = (DataType) time.bridgedTo(TimestampData.class);
        DataType number = (DataType) factory.createDataType("INT NOT NULL");
        DataType text = (DataType) factory.createDataType("STRING");
        DataType out = (DataType) factory.createDataType(OUTPUT);
        DataType id = (DataType) number.bridgedTo(int.class);
        return TypeInference.newBuilder()
            .typedArguments(new DataType[] {
                bytes, moment, moment, id, id, text})
            .outputTypeStrategy(TypeStrategies.explicit((DataType) out.bridgedTo(RowData.class)))
            .build();
    }

    public void open(FunctionContext context) {
        row = new GenericRowData(COLUMNS);
    }

    /**
     * One row for a message.
     *
     * @param time moment of the record
     * @param taken moment that the source takes it for; another one if its clock is wrong
     * @param first wire id of version 1
     * @param second wire id of version 2
     * @param codes first bit and values of region, city and language (`0:a,b;4:c;15:d`), then the
     *     first bits of device, network and quality
     */
    public void eval(byte[] value, TimestampData time, TimestampData taken, int first, int second,
            String codes) {
        if (regions == null) {
            readLists(codes);
        }
        for (int column = 0; column < COLUMNS; column++) {
            row.setField(column, null);
        }
        String fault = decode(value, time, first, second);
        if (fault == null && time != null && !time.equals(taken)) {
            fault = "E_TIME";
        }
        if (fault != null) {
            row.setField(0, BinaryStringData.fromString(fault));
        }
        collect(row);
    }

    private void readLists(String codes) {
        String[] parts = codes.split(";");
        regions = codesOf(parts[0]);
        cities = codesOf(parts[1]);
        languages = codesOf(parts[2]);
        deviceShift = Integer.parseInt(parts[3]);
        networkShift = Integer.parseInt(parts[4]);
        qualityShift = Integer.parseInt(parts[5]);
    }

    private static Map codesOf(String part) {
        int colon = part.indexOf(':');
        int shift = Integer.parseInt(part.substring(0, colon));
        String[] values = part.substring(colon + 1).split(",");
        Map found = new HashMap();
        for (int place = 0; place < values.length; place++) {
            Long code = Long.valueOf((long) (place + 1) << shift);
            found.put(BinaryStringData.fromString(values[place]), code);
        }
        return found;
    }

    private String decode(byte[] value, TimestampData time, int first, int second) {
        if (value == null || value.length < 5) {
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
        data = value;
        at = 5;
        end = value.length;
        cell = 0;
        long moment;
        try {
            moment = walk(id == second);
        } catch (RuntimeException error) {
            return "E_BODY";
        }
        if (at != end) {
            return "E_TRAILING";
        }
        row.setField(8, Long.valueOf(cell));
        return time != null && time.getMillisecond() != moment ? "E_TIME" : null;
    }

    /** The fields of version 1 in their order; returns the moment of the event. */
    private long walk(boolean isSecond) {
        text();
        long moment = number();
        row.setField(7, Long.valueOf(moment));
        if (branch()) {
            number();
        }
        text();
        number();
        listed(regions);
        number();
        row.setField(1, text());
        long viewer = digest();
        row.setField(6, Integer.valueOf((int) viewer));
        row.setField(20, Integer.valueOf((int) (viewer >>> 64 - BUCKET_BITS)));
        row.setField(2, text());
        long session = viewer + 31 * digest();
        row.setField(3, text());
        row.setField(21, Long.valueOf(session + 961 * digest()));
        row.setField(4, Integer.valueOf(place(KINDS)));
        int quality = place(QUALITIES);
        row.setField(5, Integer.valueOf(quality));
        cell |= (long) quality << qualityShift;
        if (branch()) {
            real();
        }
        listed(cities);
        cell |= (long) place(OTHERS) << deviceShift;
        if (branch()) {
            listed(languages);
        }
        row.setField(9, Boolean.FALSE);
        for (int counter = 0; counter < 6; counter++) {
            row.setField(COUNTERS + counter, Long.valueOf(0L));
        }
        if (isSecond) {
            walkSecond();
        }
        return moment;
    }

    private void walkSecond() {
        if (branch()) {
            row.setField(18, text());
        }
        if (branch()) {
            text();
            row.setField(19, Integer.valueOf((int) digest()));
        }
        cell |= (long) place(OTHERS) << networkShift;
        if (branch()) {
            row.setField(10, Integer.valueOf((int) number()));
        }
        if (branch()) {
            row.setField(11, Double.valueOf(real()));
        }
        if (branch()) {
            text();
        }
        for (int counter = 0; counter < 6; counter++) {
            row.setField(COUNTERS + counter, Long.valueOf(number()));
        }
        if (data[at] != 0 && data[at] != 1) {
            throw new IllegalArgumentException();
        }
        row.setField(9, Boolean.valueOf(data[at++] == 1));
    }

    private void listed(Map codes) {
        Object code = codes.get(text());
        if (code != null) {
            cell |= ((Long) code).longValue();
        }
    }

    private long number() {
        long found = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte one = data[at++];
            found |= (long) (one & 127) << shift;
            if (one >= 0) {
                return found >>> 1 ^ -(found & 1);
            }
        }
        throw new IllegalArgumentException();
    }

    private boolean branch() {
        long found = number();
        if (found != 0 && found != 1) {
            throw new IllegalArgumentException();
        }
        return found == 1;
    }

    private int place(int symbols) {
        long found = number();
        if (found < 0 || found >= symbols) {
            throw new IllegalArgumentException();
        }
        return (int) found;
    }

    private double real() {
        if (end - at < 8) {
            throw new IllegalArgumentException();
        }
        long bits = 0;
        for (int place = 7; place >= 0; place--) {
            bits = bits << 8 | data[at + place] & 255;
        }
        at += 8;
        return Double.longBitsToDouble(bits);
    }

    private BinaryStringData text() {
        long length = number();
        if (length < 0 || length > end - at) {
            throw new IllegalArgumentException();
        }
        from = at;
        at += (int) length;
        return BinaryStringData.fromBytes(data, from, (int) length);
    }

    /** 64 bits out of the text just read: FNV-1a, then the mixer of SplitMix64. */
    private long digest() {
        long mixed = -3750763034362895579L;
        for (int place = from; place < at; place++) {
            mixed = (mixed ^ data[place]) * 1099511628211L;
        }
        mixed = (mixed ^ mixed >>> 30) * -4658895280553007687L;
        mixed = (mixed ^ mixed >>> 27) * -7723592293110705685L;
        return mixed ^ mixed >>> 31;
    }
}

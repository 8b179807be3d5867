package sangam.viewers;

import org.apache.flink.table.data.BoxedWrapperRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.binary.BinaryStringData;

/**
 * One message of viewer.Event (versions 1 and 2) as a row. Its bytes are walked once, which notes
 * numbers and where texts lie; a column is made when somebody asks for it, and nothing is boxed.
 */
final class EventRow extends BoxedWrapperRowData {
    static final String TYPE = "ROW<fault STRING, user_id STRING, session_id STRING,"
        + " content_id STRING, kind INT, quality INT, viewer INT, at_ms BIGINT, cell BIGINT,"
        + " is_fatal BOOLEAN, bitrate_kbps INT, buffer_seconds DOUBLE,"
        + " played_ms BIGINT, rebuffered_ms BIGINT, delivered_kilobits BIGINT,"
        + " total_played_ms BIGINT, total_rebuffered_ms BIGINT, total_delivered_kilobits BIGINT,"
        + " account_id STRING, device_key INT, bucket INT, session_key BIGINT>";
    static final int FAULT = 0;
    static final int USER = 1;
    static final int SESSION = 2;
    static final int CONTENT = 3;
    static final int KIND = 4;
    static final int QUALITY = 5;
    static final int VIEWER = 6;
    static final int AT = 7;
    static final int CELL = 8;
    static final int FATAL = 9;
    static final int BITRATE = 10;
    static final int BUFFER = 11;
    static final int STEPS = 12;
    static final int TOTALS = 15;
    static final int ACCOUNT = 18;
    static final int DEVICE = 19;
    static final int BUCKET = 20;
    static final int KEY = 21;
    static final int COUNTERS = 6;
    static final int BUCKET_BITS = 6;
    private static final int COLUMNS = 22;
    private static final int NOTHING = (1 << COLUMNS) - 1;
    private static final int OF_SECOND = 1 << ACCOUNT | 1 << DEVICE | 1 << BITRATE | 1 << BUFFER;
    private static final int KINDS = 10;
    private static final int QUALITIES = 6;
    private static final int OTHERS = 5;
    private static final int FRAME = 5;

    private final long[] numbers = new long[COLUMNS];
    private final int[] starts = new int[COLUMNS];
    private final int[] lengths = new int[COLUMNS];
    private final Cursor in = new Cursor();
    private StringData fault;
    private int absent;

    EventRow() {
        super(COLUMNS);
    }

    /**
     * Reads a framed message as far as version 1 goes.
     *
     * @param codes what the cell is made with
     * @throws RuntimeException the body is broken
     */
    void readFirst(byte[] value, Codes codes) {
        in.data = value;
        in.at = FRAME;
        fault = null;
        absent = OF_SECOND | 1 << FAULT;
        in.skipText();
        numbers[AT] = in.number();
        if (in.branch()) {
            in.number();
        }
        in.skipText();
        in.number();
        long cell = listed(codes.regions);
        in.number();
        text(USER);
        text(SESSION);
        text(CONTENT);
        numbers[KIND] = in.place(KINDS);
        numbers[QUALITY] = in.place(QUALITIES);
        if (in.branch()) {
            in.real();
        }
        cell |= listed(codes.cities);
        long device = in.place(OTHERS);
        if (in.branch()) {
            cell |= listed(codes.languages);
        }
        numbers[CELL] = cell | device << codes.device | numbers[QUALITY] << codes.quality;
        numbers[FATAL] = 0;
        for (int counter = 0; counter < COUNTERS; counter++) {
            numbers[STEPS + counter] = 0;
        }
    }

    /** Reads what version 2 has beyond that. */
    void readSecond(Codes codes) {
        if (in.branch()) {
            text(ACCOUNT);
            absent &= ~(1 << ACCOUNT);
        }
        if (in.branch()) {
            text(DEVICE);
            absent &= ~(1 << DEVICE);
        }
        numbers[CELL] |= (long) in.place(OTHERS) << codes.network;
        if (in.branch()) {
            numbers[BITRATE] = in.number();
            absent &= ~(1 << BITRATE);
        }
        if (in.branch()) {
            numbers[BUFFER] = in.real();
            absent &= ~(1 << BUFFER);
        }
        if (in.branch()) {
            in.skipText();
        }
        for (int counter = 0; counter < COUNTERS; counter++) {
            numbers[STEPS + counter] = in.number();
        }
        if (in.data[in.at] != 0 && in.data[in.at] != 1) {
            throw new IllegalArgumentException();
        }
        numbers[FATAL] = in.data[in.at++];
    }

    /** Whether bytes are left that nobody has read. */
    boolean hasMore() {
        return in.hasMore();
    }

    /** Makes what tells viewer and session apart, and the bucket that counts them. */
    void identify() {
        long viewer = digest(USER);
        numbers[VIEWER] = (int) viewer;
        numbers[BUCKET] = viewer >>> 64 - BUCKET_BITS;
        numbers[KEY] = viewer + 31 * digest(SESSION) + 961 * digest(CONTENT);
    }

    /** Makes this a row that has nothing but a fault. */
    void fail(StringData found) {
        fault = found;
        absent = NOTHING & ~(1 << FAULT);
    }

    /** Whether a text is the same as a known one. */
    boolean isText(int column, String known) {
        int length = lengths[column];
        if (known == null || known.length() != length) {
            return false;
        }
        for (int place = 0; place < length; place++) {
            if (known.charAt(place) != in.data[starts[column] + place]) {
                return false;
            }
        }
        return true;
    }

    public boolean isNullAt(int column) {
        return (absent >> column & 1) == 1;
    }

    public boolean getBoolean(int column) {
        return numbers[column] != 0;
    }

    public int getInt(int column) {
        return (int) (column == DEVICE ? digest(DEVICE) : numbers[column]);
    }

    public long getLong(int column) {
        return numbers[column];
    }

    public double getDouble(int column) {
        return Double.longBitsToDouble(numbers[column]);
    }

    public StringData getString(int column) {
        if (column == FAULT) {
            return fault;
        }
        return BinaryStringData.fromBytes(in.data, starts[column], lengths[column]);
    }

    private long listed(Names names) {
        int length = in.skipText();
        return names.codeOf(in.data, in.textAt, length);
    }

    private void text(int column) {
        lengths[column] = in.skipText();
        starts[column] = in.textAt;
    }

    /** 64 bits out of a text: FNV-1a, then the mixer of SplitMix64. */
    private long digest(int column) {
        long mixed = -3750763034362895579L;
        int end = starts[column] + lengths[column];
        for (int place = starts[column]; place < end; place++) {
            mixed = (mixed ^ in.data[place]) * 1099511628211L;
        }
        mixed = (mixed ^ mixed >>> 30) * -4658895280553007687L;
        mixed = (mixed ^ mixed >>> 27) * -7723592293110705685L;
        return mixed ^ mixed >>> 31;
    }
}

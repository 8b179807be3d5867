package sangam.viewers;

import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;

/** What the count of sessions hands on: one shape for five kinds of rows, told apart by `what`. */
final class Rows {
    static final String OUTPUT = "ROW<what INT, content_id STRING, dimension STRING,"
        + " dimension_value STRING, concurrent BIGINT, sessions BIGINT, failures BIGINT,"
        + " played_ms BIGINT, rebuffered_ms BIGINT, delivered_kilobits BIGINT, startup_ms BIGINT,"
        + " starts BIGINT, unique_viewers BIGINT, account_id STRING, device_key INT,"
        + " session_id STRING, user_id STRING, newest BIGINT, first_moment BIGINT,"
        + " play_key BIGINT, frame_moment BIGINT, last_key BIGINT, pauses BIGINT,"
        + " marks ARRAY<BIGINT>, gaps BIGINT, gap_sum BIGINT, gap_squares BIGINT,"
        + " quality INT, wish INT>";
    private static final int COLUMNS = 29;

    private Rows() {
    }

    /** How many sessions of a code are live. */
    static GenericRowData slice(Settings settings, StringData content, int code, long live) {
        GenericRowData row = row(1, settings, content, code);
        row.setField(4, Long.valueOf(live));
        return row;
    }

    /** What the sessions of a code watched in a minute. */
    static GenericRowData minute(Settings settings, StringData content, int code, Tally tally) {
        GenericRowData row = row(2, settings, content, code);
        for (int one = 0; one < Tally.SUMS; one++) {
            row.setField(5 + one, Long.valueOf(tally.sums[code][one]));
        }
        row.setField(12, Long.valueOf(tally.viewers[code]));
        return row;
    }

    /** A device of an account that ends a minute live. */
    static GenericRowData device(String content, MinuteState minute) {
        GenericRowData row = row(3, StringData.fromString(content));
        row.setField(13, StringData.fromString(minute.account));
        row.setField(14, minute.device);
        return row;
    }

    /** A session that is over. */
    static GenericRowData session(SessionState session) {
        GenericRowData row = row(4, StringData.fromString(session.content));
        row.setField(7, Long.valueOf(session.played));
        row.setField(8, Long.valueOf(session.rebuffered));
        row.setField(9, Long.valueOf(session.kilobits));
        row.setField(15, StringData.fromString(session.session));
        row.setField(16, StringData.fromString(session.user));
        row.setField(17, Long.valueOf(session.newest));
        row.setField(18, Long.valueOf(session.first));
        row.setField(19, known(session.play));
        row.setField(20, known(session.frame));
        row.setField(21, Long.valueOf(session.last < 0 ? session.first * 16 : session.last));
        row.setField(22, Long.valueOf(session.pauses));
        row.setField(23, new GenericArrayData(session.marks));
        row.setField(24, Long.valueOf(session.gaps));
        row.setField(25, Long.valueOf(session.gap_sum));
        row.setField(26, Long.valueOf(session.gap_squares));
        return row;
    }

    /** A command to a player: what it plays, and why it should change that. */
    static GenericRowData command(String session, long key, int quality, int wish) {
        GenericRowData row = row(5, null);
        row.setField(15, StringData.fromString(session));
        row.setField(17, Long.valueOf(key));
        row.setField(27, Integer.valueOf(quality));
        row.setField(28, Integer.valueOf(wish));
        return row;
    }

    private static Long known(long number) {
        return number == MinuteState.NONE ? null : Long.valueOf(number);
    }

    private static GenericRowData row(int what, Settings settings, StringData content, int code) {
        GenericRowData row = row(what, content);
        row.setField(2, settings.names[code]);
        row.setField(3, settings.values[code]);
        return row;
    }

    private static GenericRowData row(int what, StringData content) {
        GenericRowData row = new GenericRowData(COLUMNS);
        row.setField(0, Integer.valueOf(what));
        row.setField(1, content);
        return row;
    }
}

package sangam.viewers;

/** Columns of an event as the count of sessions takes it, and the kinds that it tells apart. */
final class Events {
    static final String INPUT = "ROW<bucket INT, event_at TIMESTAMP_LTZ(3),"
        + " content_id STRING, session_id STRING, user_id STRING, session_key BIGINT,"
        + " order_key BIGINT, kind INT, quality INT, viewer INT, is_fatal BOOLEAN,"
        + " account_id STRING, device_key INT, played_ms BIGINT, rebuffered_ms BIGINT,"
        + " delivered_kilobits BIGINT, total_played_ms BIGINT, total_rebuffered_ms BIGINT,"
        + " total_delivered_kilobits BIGINT>";

    static final int CONTENT = 2;
    static final int SESSION = 3;
    static final int USER = 4;
    static final int KEY = 5;
    static final int ORDER = 6;
    static final int KIND = 7;
    static final int QUALITY = 8;
    static final int VIEWER = 9;
    static final int FATAL = 10;
    static final int ACCOUNT = 11;
    static final int DEVICE = 12;
    static final int STEPS = 13;
    static final int TOTALS = 16;

    static final int PLAY = 1;
    static final int PAUSE = 2;
    static final int STOP = 4;
    static final int BEAT = 5;
    static final int CHANGE = 6;
    static final int ERROR = 9;

    private Events() {
    }
}

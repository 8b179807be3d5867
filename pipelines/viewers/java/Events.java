package sangam.viewers;

/** Columns of an event as the count of sessions takes it, and the kinds that it tells apart. */
final class Events {
    static final String INPUT = "ROW<bucket INT, event_at TIMESTAMP_LTZ(3), viewer INT,"
        + " session_key BIGINT, order_key BIGINT, wish INT, message_value BYTES>";

    static final int BUCKET = 0;
    static final int VIEWER = 2;
    static final int KEY = 3;
    static final int ORDER = 4;
    static final int WISH = 5;
    static final int MESSAGE = 6;

    static final int PLAY = 1;
    static final int PAUSE = 2;
    static final int STOP = 4;
    static final int BEAT = 5;
    static final int CHANGE = 6;
    static final int ERROR = 9;

    private Events() {
    }
}

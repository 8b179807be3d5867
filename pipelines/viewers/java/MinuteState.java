package sangam.viewers;

import java.util.Arrays;
import org.apache.flink.table.data.RowData;

/**
 * What a session did in one minute: largest and smallest values and sets, so that copies and order
 * of its events do not matter. Flink keeps the public fields as state.
 */
public class MinuteState {
    static final long NONE = Long.MAX_VALUE;

    public long end;
    public long newest;
    public long first = NONE;
    public long play = NONE;
    public long frame = NONE;
    public long last = -1;
    public boolean is_failed;
    public String account;
    public Integer device;
    public long[] pauses = new long[0];
    public long[] marks = new long[0];
    public long[] beats = new long[0];
    public long played;
    public long rebuffered;
    public long kilobits;
    public long played_before = NONE;
    public long rebuffered_before = NONE;
    public long kilobits_before = NONE;

    /** Takes an event in. */
    void see(RowData event, long moment, int kind) {
        int quality = event.getInt(Events.QUALITY);
        boolean isFatal = event.getBoolean(Events.FATAL);
        long total = event.getLong(Events.TOTALS);
        newest = Math.max(newest, event.getLong(Events.ORDER));
        first = Math.min(first, moment);
        if (kind == Events.PLAY) {
            play = Math.min(play, moment * 8 + quality);
        } else if (kind == Events.PAUSE) {
            pauses = with(pauses, moment);
        } else if (kind == Events.CHANGE) {
            marks = with(marks, total * 8 + quality);
        } else if (kind == Events.BEAT) {
            beats = with(beats, moment);
        }
        if (kind == Events.BEAT || kind == Events.CHANGE) {
            frame = Math.min(frame, moment);
        }
        if (kind != Events.ERROR || isFatal) {
            last = Math.max(last, moment * 16 + kind);
        }
        is_failed |= isFatal;
        count(event, total);
        identify(event);
    }

    private void count(RowData event, long total) {
        long stalled = event.getLong(Events.TOTALS + 1);
        long sent = event.getLong(Events.TOTALS + 2);
        played = Math.max(played, total);
        rebuffered = Math.max(rebuffered, stalled);
        kilobits = Math.max(kilobits, sent);
        played_before = Math.min(played_before, total - event.getLong(Events.STEPS));
        rebuffered_before =
            Math.min(rebuffered_before, stalled - event.getLong(Events.STEPS + 1));
        kilobits_before = Math.min(kilobits_before, sent - event.getLong(Events.STEPS + 2));
    }

    /** Account and device, the largest if they should change inside a session. */
    private void identify(RowData event) {
        if (!event.isNullAt(Events.DEVICE)) {
            int found = event.getInt(Events.DEVICE);
            device = Integer.valueOf(device == null ? found : Math.max(device.intValue(), found));
        }
        if (!event.isNullAt(Events.ACCOUNT)) {
            String found = event.getString(Events.ACCOUNT).toString();
            account = account == null || found.compareTo(account) > 0 ? found : account;
        }
    }

    /** Numbers with one more, each of them once. */
    static long[] with(long[] numbers, long one) {
        for (int place = 0; place < numbers.length; place++) {
            if (numbers[place] == one) {
                return numbers;
            }
        }
        long[] found = Arrays.copyOf(numbers, numbers.length + 1);
        found[numbers.length] = one;
        return found;
    }
}

package sangam.viewers;

import java.util.Arrays;

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

    /** Takes an event in; `key` is its order key. */
    void see(EventRow event, long key, long moment, int kind) {
        int quality = event.getInt(EventRow.QUALITY);
        boolean isFatal = event.getBoolean(EventRow.FATAL);
        long total = event.getLong(EventRow.TOTALS);
        newest = Math.max(newest, key);
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

    private void count(EventRow event, long total) {
        long stalled = event.getLong(EventRow.TOTALS + 1);
        long sent = event.getLong(EventRow.TOTALS + 2);
        played = Math.max(played, total);
        rebuffered = Math.max(rebuffered, stalled);
        kilobits = Math.max(kilobits, sent);
        played_before = Math.min(played_before, total - event.getLong(EventRow.STEPS));
        rebuffered_before =
            Math.min(rebuffered_before, stalled - event.getLong(EventRow.STEPS + 1));
        kilobits_before = Math.min(kilobits_before, sent - event.getLong(EventRow.STEPS + 2));
    }

    /** Account and device, the largest if they should change inside a session. */
    private void identify(EventRow event) {
        if (!event.isNullAt(EventRow.DEVICE)) {
            int found = event.getInt(EventRow.DEVICE);
            if (device == null || device.intValue() < found) {
                device = Integer.valueOf(found);
            }
        }
        if (!event.isNullAt(EventRow.ACCOUNT) && !event.isText(EventRow.ACCOUNT, account)) {
            String found = event.getString(EventRow.ACCOUNT).toString();
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

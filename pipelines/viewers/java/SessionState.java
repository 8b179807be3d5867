package sangam.viewers;

import java.util.Arrays;

/**
 * What is known of a session: whether it is live, its open minutes, and the sums of those that are
 * over. The largest order key up to a moment says whether it is live and where it counts. Flink keeps
 * the public fields as state.
 */
public class SessionState {
    private static final long FIRST_MS = 1577836800000L;
    private static final int CELL_BITS = 22;
    private static final long NEVER = Long.MIN_VALUE / 2;

    public String session;
    public String user;
    public String content;
    public int viewer;
    public long settled;
    public long[] pending = new long[0];
    public MinuteState[] minutes = new MinuteState[0];
    public long ended;
    public long newest;
    public long first = MinuteState.NONE;
    public long play = MinuteState.NONE;
    public long frame = MinuteState.NONE;
    public long last = -1;
    public long pauses;
    public long gaps;
    public long gap_sum;
    public long gap_squares;
    public long[] marks = new long[0];
    public long played;
    public long rebuffered;
    public long kilobits;
    public long commanded = NEVER;

    static long momentOf(long key) {
        return (key >> CELL_BITS + 1) + FIRST_MS;
    }

    /** The dimensions of where it counts. */
    static long cellOf(long key) {
        return key & (1L << CELL_BITS) - 1;
    }

    /**
     * Takes an event in.
     *
     * @param key its order key
     * @param reached the watermark; minutes up to it are over
     */
    void see(EventRow event, long key, long reached, Settings settings) {
        int kind = event.getInt(EventRow.KIND);
        if (isAlive(key) || kind == Events.PAUSE || kind == Events.STOP) {
            pending = MinuteState.with(pending, key);
        }
        if (settings.minute > 0) {
            long at = momentOf(key);
            long end = (Math.floorDiv(at, settings.minute) + 1) * settings.minute;
            if (end > reached) {
                minuteOf(end).see(event, key, at - FIRST_MS, kind);
            }
        }
    }

    /**
     * Whether a wish for another quality becomes a command: none that lies more than a cool-down
     * behind the watermark, and none within the cool-down of the last, or before it.
     *
     * @param at moment of the wish
     */
    boolean isCommanded(long at, long reached, Settings settings) {
        if (at + settings.cooldown <= reached || at < commanded + settings.cooldown) {
            return false;
        }
        commanded = at;
        return true;
    }

    /** Whether a wish can still come that the last command forbids. */
    boolean isCooling(long now, Settings settings) {
        return commanded + 2 * settings.cooldown > now;
    }

    private MinuteState minuteOf(long end) {
        for (int one = 0; one < minutes.length; one++) {
            if (minutes[one].end == end) {
                return minutes[one];
            }
        }
        minutes = (MinuteState[]) Arrays.copyOf(minutes, minutes.length + 1);
        MinuteState found = new MinuteState();
        found.end = end;
        minutes[minutes.length - 1] = found;
        return found;
    }

    private static boolean isAlive(long key) {
        return (key >> CELL_BITS & 1) == 1;
    }

    /** A key whose event is a sign of life less than a time-out before a moment. */
    static boolean isFresh(long key, long moment, long timeout) {
        return isAlive(key) && momentOf(key) > moment - timeout;
    }

    /** Brings `settled` up to a moment. */
    void settle(long moment) {
        int left = 0;
        for (int one = 0; one < pending.length; one++) {
            if (momentOf(pending[one]) <= moment) {
                settled = Math.max(settled, pending[one]);
            } else {
                pending[left++] = pending[one];
            }
        }
        if (left < pending.length) {
            pending = Arrays.copyOf(pending, left);
        }
    }

    /** Takes out the minute that ends at a moment; null when nothing happened in it. */
    MinuteState close(long end, long usual) {
        for (int one = 0; one < minutes.length; one++) {
            if (minutes[one].end == end) {
                MinuteState found = minutes[one];
                MinuteState[] left = (MinuteState[]) Arrays.copyOf(minutes, minutes.length - 1);
                System.arraycopy(minutes, one + 1, left, one, left.length - one);
                minutes = left;
                add(found, usual);
                return found;
            }
        }
        return null;
    }

    private void add(MinuteState minute, long usual) {
        ended = minute.end;
        newest = Math.max(newest, minute.newest);
        first = Math.min(first, minute.first);
        play = Math.min(play, minute.play);
        frame = Math.min(frame, minute.frame);
        last = Math.max(last, minute.last);
        pauses += minute.pauses.length;
        played = Math.max(played, minute.played);
        rebuffered = Math.max(rebuffered, minute.rebuffered);
        kilobits = Math.max(kilobits, minute.kilobits);
        for (int one = 0; one < minute.marks.length; one++) {
            marks = MinuteState.with(marks, minute.marks[one]);
        }
        long[] beats = minute.beats;
        Arrays.sort(beats);
        for (int one = 1; one < beats.length; one++) {
            long gap = beats[one] - beats[one - 1];
            if (gap <= usual) {
                gaps++;
                gap_sum += gap;
                gap_squares += gap * gap;
            }
        }
    }

    /** Begins another session under the same name; what is open stays. */
    SessionState renewed() {
        SessionState found = new SessionState();
        found.session = session;
        found.user = user;
        found.content = content;
        found.viewer = viewer;
        found.settled = settled;
        found.pending = pending;
        found.minutes = minutes;
        found.commanded = commanded;
        return found;
    }
}

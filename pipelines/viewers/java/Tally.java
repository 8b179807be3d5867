package sangam.viewers;

import java.util.Arrays;

/**
 * Counts of the sessions of one content at one moment, by code: how many are live, and what was
 * watched in the minute that ends. Every viewer is in one bucket, so viewers of buckets add up.
 */
final class Tally {
    static final int SUMS = 7;

    final long[] live;
    final long[][] sums;
    final long[] viewers;
    private final Settings settings;
    private long[] seen = new long[64];
    private int number;

    Tally(Settings settings) {
        this.settings = settings;
        live = new long[settings.codes];
        sums = new long[settings.codes][];
        viewers = new long[settings.codes];
    }

    /** Counts a live session. */
    void add(long cell) {
        live[0] += settings.sample;
        for (int one = 0; one < settings.dimensions; one++) {
            live[settings.codeOf(cell, one)] += settings.sample;
        }
    }

    /** Counts what a session watched in a minute. */
    void add(MinuteState minute, int viewer) {
        boolean isStarted = minute.frame != MinuteState.NONE && minute.play != MinuteState.NONE
            && minute.frame >= minute.play / 8;
        long[] watched = {
            1, minute.is_failed ? 1 : 0, minute.played - minute.played_before,
            minute.rebuffered - minute.rebuffered_before,
            minute.kilobits - minute.kilobits_before,
            isStarted ? minute.frame - minute.play / 8 : 0, isStarted ? 1 : 0};
        long cell = SessionState.cellOf(minute.newest);
        add(0, watched, viewer);
        for (int one = 0; one < settings.dimensions; one++) {
            add(settings.codeOf(cell, one), watched, viewer);
        }
    }

    private void add(int code, long[] watched, int viewer) {
        if (sums[code] == null) {
            sums[code] = new long[SUMS];
        }
        for (int one = 0; one < SUMS; one++) {
            sums[code][one] += watched[one];
        }
        if (viewer % settings.unique == 0) {
            if (number == seen.length) {
                seen = Arrays.copyOf(seen, number * 2);
            }
            seen[number++] = (long) code << 32 | viewer & 0xffffffffL;
        }
    }

    /** Counts each viewer once; call it when all sessions are in. */
    void countViewers() {
        Arrays.sort(seen, 0, number);
        for (int one = 0; one < number; one++) {
            if (one == 0 || seen[one] != seen[one - 1]) {
                viewers[(int) (seen[one] >> 32)] += settings.unique;
            }
        }
    }
}

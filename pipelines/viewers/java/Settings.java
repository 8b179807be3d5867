package sangam.viewers;

import org.apache.flink.table.data.StringData;

/**
 * What a count of sessions is told: lengths of time in milliseconds, and the dimensions of a cell.
 * The text is `slice|timeout|minute|gap|usual|sample|unique|cooldown` and, for each dimension,
 * `|name:shift:bits:` with its values. A code is the place of a dimension's value among those of all; 0 is the total.
 */
final class Settings {
    private static final int NUMBERS = 8;

    final long slice;
    final long timeout;
    final long minute;
    final long gap;
    final long usual;
    final int sample;
    final int unique;
    final long cooldown;
    final int dimensions;
    final int codes;
    final StringData[] names;
    final StringData[] values;
    private final int[] shifts;
    private final int[] masks;
    private final int[] firsts;

    Settings(String text) {
        String[] parts = text.split("\\|");
        slice = Long.parseLong(parts[0]);
        timeout = Long.parseLong(parts[1]);
        minute = Long.parseLong(parts[2]);
        gap = Long.parseLong(parts[3]);
        usual = Long.parseLong(parts[4]);
        sample = Integer.parseInt(parts[5]);
        unique = Integer.parseInt(parts[6]);
        cooldown = Long.parseLong(parts[7]);
        dimensions = parts.length - NUMBERS;
        shifts = new int[dimensions];
        masks = new int[dimensions];
        firsts = new int[dimensions];
        String[] known = new String[] {"total:ALL"};
        for (int one = 0; one < dimensions; one++) {
            String[] told = parts[NUMBERS + one].split(":");
            shifts[one] = Integer.parseInt(told[1]);
            masks[one] = (1 << Integer.parseInt(told[2])) - 1;
            firsts[one] = known.length;
            known = joined(known, told[0], told[3].split(","));
        }
        codes = known.length;
        names = new StringData[codes];
        values = new StringData[codes];
        for (int code = 0; code < codes; code++) {
            int colon = known[code].indexOf(':');
            names[code] = StringData.fromString(known[code].substring(0, colon));
            values[code] = StringData.fromString(known[code].substring(colon + 1));
        }
    }

    private static String[] joined(String[] known, String name, String[] values) {
        String[] found = new String[known.length + values.length];
        System.arraycopy(known, 0, found, 0, known.length);
        for (int one = 0; one < values.length; one++) {
            found[known.length + one] = name + ":" + values[one];
        }
        return found;
    }

    /** Code of a dimension's value inside a cell. */
    int codeOf(long cell, int dimension) {
        return firsts[dimension] + ((int) (cell >> shifts[dimension]) & masks[dimension]);
    }

    /** End of the slice that holds a moment; a moment that equals an end is inside. */
    long sliceOf(long moment) {
        return -Math.floorDiv(-moment, slice) * slice;
    }
}

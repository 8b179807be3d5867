package sangam.viewers;

import java.util.Arrays;

/** Texts of a closed list and the code of each, found by their bytes without making a text. */
final class Names {
    private static final int SLOTS = 256;

    private final byte[][] texts = new byte[SLOTS][];
    private final long[] codes = new long[SLOTS];

    /** Reads `shift:first,second,...`: the code of a text is its place, counted from 1, at a bit. */
    Names(String told) throws java.io.UnsupportedEncodingException {
        int colon = told.indexOf(':');
        int shift = Integer.parseInt(told.substring(0, colon));
        String[] values = told.substring(colon + 1).split(",");
        for (int place = 0; place < values.length; place++) {
            byte[] text = values[place].getBytes("UTF-8");
            int slot = slotOf(text, 0, text.length);
            while (texts[slot] != null) {
                slot = slot + 1 & SLOTS - 1;
            }
            texts[slot] = text;
            codes[slot] = (long) (place + 1) << shift;
        }
    }

    /** Code of the text at a place of some bytes; 0 for one that the list does not have. */
    long codeOf(byte[] data, int from, int length) {
        int slot = slotOf(data, from, length);
        while (texts[slot] != null) {
            if (Arrays.equals(texts[slot], 0, texts[slot].length, data, from, from + length)) {
                return codes[slot];
            }
            slot = slot + 1 & SLOTS - 1;
        }
        return 0;
    }

    private static int slotOf(byte[] data, int from, int length) {
        if (length == 0) {
            return 0;
        }
        return length * 31 + data[from] * 7 + data[from + length - 1] * 3 + data[from + length / 2]
            & SLOTS - 1;
    }
}

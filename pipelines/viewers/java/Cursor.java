package sangam.viewers;

/** Reads the parts of an Avro body one after the other; a RuntimeException says that it is broken. */
final class Cursor {
    byte[] data;
    int at;
    int textAt;

    boolean hasMore() {
        return at < data.length;
    }

    /** Passes a text, which then begins at `textAt`; returns its length. */
    int skipText() {
        long length = number();
        if (length < 0 || length > data.length - at) {
            throw new IllegalArgumentException();
        }
        textAt = at;
        at += (int) length;
        return (int) length;
    }

    /** A whole number: seven bits a byte, the lowest first, the sign in the lowest. */
    long number() {
        byte one = data[at++];
        long found = one & 127;
        for (int shift = 7; one < 0; shift += 7) {
            if (shift > 63) {
                throw new IllegalArgumentException();
            }
            one = data[at++];
            found |= (long) (one & 127) << shift;
        }
        return found >>> 1 ^ -(found & 1);
    }

    /** Whether an optional value is there. */
    boolean branch() {
        return place(2) == 1;
    }

    /** Place of a symbol. */
    int place(int symbols) {
        long found = number();
        if (found < 0 || found >= symbols) {
            throw new IllegalArgumentException();
        }
        return (int) found;
    }

    /** The bits of a number with a fraction. */
    long real() {
        if (data.length - at < 8) {
            throw new IllegalArgumentException();
        }
        long bits = 0;
        for (int place = 7; place >= 0; place--) {
            bits = bits << 8 | data[at + place] & 255;
        }
        at += 8;
        return bits;
    }
}

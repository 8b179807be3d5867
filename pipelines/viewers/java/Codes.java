package sangam.viewers;

/**
 * What the decoder needs to make a cell. The text is `0:a,b;4:c;15:d`, first bit and values of region,
 * city and language, then the first bits of device, network and quality.
 */
final class Codes {
    private static final String NONE = "0:;0:;0:;0;0;0";

    final Names regions;
    final Names cities;
    final Names languages;
    final int device;
    final int network;
    final int quality;

    /** For readers who need no cell. */
    static Codes none() throws java.io.UnsupportedEncodingException {
        return new Codes(NONE);
    }

    Codes(String text) throws java.io.UnsupportedEncodingException {
        String[] parts = text.split(";");
        regions = new Names(parts[0]);
        cities = new Names(parts[1]);
        languages = new Names(parts[2]);
        device = Integer.parseInt(parts[3]);
        network = Integer.parseInt(parts[4]);
        quality = Integer.parseInt(parts[5]);
    }
}

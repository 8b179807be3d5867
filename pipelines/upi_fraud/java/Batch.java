package sangam.fraud;

/**
 * Messages gathered so far: of each a head of a fixed size in `heads`, and its bytes in `bodies`.
 * Both arrays have room to spare behind what is used.
 */
public class Batch {
    public int count;
    public int used;
    public byte[] heads = new byte[0];
    public byte[] bodies = new byte[0];
}

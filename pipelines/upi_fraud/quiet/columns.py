"""Columns of `walk.Payments.numbers`: all that the walk reads of a payment.

Row of the payer (-1 for none); time (ms) and amount; `HAS_INGEST` -1 without one; begin and end of
texts in the messages, and of tokens in the tokens; hashes of the tokens; `DEVICE_LENGTH` -1 without
a device; place in degrees x 1e5 with the hash of its label; merchant; 64 bits of the id and 46 of
the whole payment.
"""

(
    PAYER, EVENT, PAISE, HAS_INGEST, INGEST, PRIORITY, PARTITION, OFFSET, REGION, REGION_END, ID_AT,
    ID_END, PAYER_TOKEN, PAYER_TOKEN_END, PAYEE_TOKEN, PAYEE_TOKEN_END, PAYEE, DEVICE,
    DEVICE_LENGTH, HAS_SPOT, LAT, LON, LABEL, REPUTATION, FIRST_SEEN, ID_HASH, DIGEST_OF_ALL, WIDTH,
) = range(28)  # fmt: skip

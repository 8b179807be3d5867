"""UPI payments: approve, verify, review or block each while the payer waits, with reasons."""

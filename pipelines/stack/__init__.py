"""The stack as code: topics, buckets, users, and a broker and a store to run them on."""

"""Credit scoring: scorecards from account history, scored as native Spark expressions."""

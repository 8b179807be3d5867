"""A generated population whose true default probabilities are known."""

"""The model on card payments whose labels come a week late (Fraud-Detection-Handbook)."""

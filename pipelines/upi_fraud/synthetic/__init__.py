"""Seeded payments: people, habits, look-alikes of fraud, frauds with labels, the way to Kafka."""

"""Seeded synthetic identities with known truth, one file per step (`pipelines.dedup.generate`)."""

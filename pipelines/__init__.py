"""Sangam: data pipelines for population-scale Indian workloads."""

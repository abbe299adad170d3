"""Metrics: (cloud, cloud) -> float, with floor and spread."""

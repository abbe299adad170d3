"""Noise: schedules, the exact mixture law, and the forward process."""

"""rkdiff: see generative models work, on any object with a kernel."""

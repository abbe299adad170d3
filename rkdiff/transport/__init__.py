"""Optimal transport between point clouds: plans, maps, barycentres. NumPy and SciPy at heart, POT where it is the better tool.

Source x (n, d), target y (m, d), weights a (n,), b (m,), uniform unless given. Costs are |x - y|^2 / 2 and the entropic parameter is
eps = sigma^2, the variance at time 1 of the Brownian motion that the plan's bridge refers to (POT's `reg` for `ot.dist` is 2 eps).
"""

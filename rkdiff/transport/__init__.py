"""Optimal transport between point clouds: plans, maps, barycentres. NumPy and SciPy at heart, POT where it is the better tool.

Source x (n, d), target y (m, d), weights a (n,), b (m,), uniform unless given. Costs are |x - y|^2 / 2 and the entropic parameter is
eps = sigma^2, the variance at time 1 of the Brownian motion that the plan's bridge refers to (POT's `reg` for `ot.dist` is 2 eps).

    sinkhorn.py        entropic plans in the log domain; starts.py: where they begin; divergence.py: the debiased divergence
    exact.py           matchings, exact plans, displacement interpolation, the Monge gap
    entropic_map.py    maps for new points, at once and progressively; costs.py: for other costs than the square
    unbalanced.py      masses that need not agree; multimarginal.py: several clouds at once; barycentres.py: their averages
    confidence.py      how sure a measured distance is
    manifolds.py       spaces that are not flat; circle_bridge.py: bridges on a circle, exactly
    experimental/      steps of the JKO scheme on particles
"""

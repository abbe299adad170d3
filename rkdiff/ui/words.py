"""What the options of a choice do, in a line each: shown in the help of its select box."""

#: Words by knob, or by part and knob where a part means something of its own by the same name.
OPTIONS = {
    "noise": {
        "spectrum": "variances are a power of the data's: smoothness 0 is white, 1 is like the data",
        "power_law": "variances fall as 1 / j to the power of the smoothness",
        "matern": "the Matern family: the smoothness says how often paths can be differentiated",
    },
    "decoder": {
        "fixed_point": "climb to the point of H from the nearest training object (Mika et al. 1999)",
        "simplex": "weighted average of the nearest training objects: stays among the data",
        "gradient": "the same climb as the fixed point, by plain gradients",
        "distance": "in closed form from distances to the neighbours (Kwok and Tsang 2004)",
        "conformal": "in closed form, from inner products of training objects",
        "average": "mean of the training objects with the largest weights",
        "learned": "a regression from coordinates back to objects: sharp, not always near",
        "nearest": "the nearest training object: always valid, never new",
    },
    "clouds.decoder": {
        "flow": "points flow until their projections are those of the fixed point",
        "simplex_flow": "points flow to a weighted average of the nearest clouds",
        "average_flow": "points flow to the mean of the clouds with the largest weights",
        "distance_flow": "points flow to the closed form from distances",
        "conformal_flow": "points flow to the closed form from inner products",
        "learned_flow": "points flow to what a regression says",
        "nearest": "the nearest training cloud: never new",
    },
    "strings.decoder": {
        "beam": "letter by letter to the wanted counts of substrings, keeping the best beginnings",
        "grammar": "the same beam among words that keep the dataset's rule",
        "search": "edit the nearest known word, letter by letter",
        "nearest": "the nearest training word: never new",
    },
    "tables.decoder": {
        "ascent": "column by column to the nearest allowed row",
        "fixed_point": "all columns at once, each then to its nearest allowed value",
        "simplex": "average the nearest training rows, categories by majority",
        "nearest": "the nearest training row: never new",
    },
    "graphs.decoder": {
        "search": "add, remove and turn edges from the nearest training graph, as the constraint allows",
        "barycentre": "the transport mean of the four nearest training graphs",
        "barycentre_search": "begin at that average, then search",
        "preview": "the chance of every edge by regression, in a millisecond: blocks and density, no fine structure",
        "nearest": "the nearest training graph: never new",
    },
    "ancestral.variance": {
        "fixed_small": "as much fresh noise as if the data were one point",
        "fixed_large": "as much as if the data had variance 1",
        "analytic": "measured on the model as it samples; one more call a step",
    },
    "dpm_solver_2m.variant": {
        "midpoint": "carries on half of the last movement",
        "heun": "carries it on exactly, if it is a straight line",
    },
    "dpm_solver_3m.coefficients": {
        "corrected": "third order, as meant",
        "published": "the formula in the paper; second order",
    },
    "flow_matching.coupling": {
        "independent": "any noise with any point: paths cross and bend",
        "ot": "the best matching of each group: straighter paths, a bias that shrinks with the group",
        "sinkhorn": "partners drawn from the entropic plan of each group",
        "immiscible": "the same on distances in half precision: nearly as good",
    },
    "flow_matching.interpolant": {
        "linear": "straight lines from noise to data",
        "trigonometric": "a quarter of a circle: the variance of a cloud of variance 1 stays",
        "encoding_decoding": "through pure noise half-way: ends forget each other",
        "brownian": "a straight line with the noise of a Brownian bridge",
    },
    "sliced_wasserstein_flow.gap": {
        "horizontal": "particles go to the data's quantile of their rank (Wasserstein)",
        "vertical": "pulled by the gap of distribution functions, at bounded speed (energy distance): detail takes longer",
    },
    "sliced_wasserstein_flow.scheme": {
        "even": "evenly spread directions, turned anew in each step",
        "orthogonal": "random orthonormal bases",
        "iid": "independent directions: the noisiest",
    },
    "sliced_wasserstein_flow.scaling": {
        "none": "the space's own coordinates",
        "axes": "each coordinate with spread one",
        "whiten": "all directions with spread one: no axis counts for little",
    },
    "diffusion_schrodinger_bridge.reference": {
        "brownian": "Brownian motion from the noise",
        "ornstein_uhlenbeck": "the noising process of diffusion, cut short",
    },
    "schrodinger_bridge_matching.start": {
        "independent": "any with any",
        "reference": "each point with itself plus noise",
        "sinkhorn": "by the entropic plan of batches",
    },
}

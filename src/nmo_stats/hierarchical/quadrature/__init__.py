"""The deterministic engine: the posterior as an integral.

    p(log_rate, sd_rate, log_rate_ratio, sd_rate_ratio | counts) = prior * product over patients of L_i /
    evidence

    L_i = integral of Normal(a; log_rate, sd_rate) F_i(a, b) Normal(b; log_rate_ratio, sd_rate_ratio) over a
    and b

F_i(a, b) is the probability of the patient's counts at log rates a - b/2 and a + b/2 (:mod:`patients`),
integrated against the two Normal densities by weights on a lattice (:mod:`elements`, :mod:`likelihood`). The
four parameters stand on two blocks of nodes (:mod:`blocks`), placed where the posterior is (:mod:`adapt`,
:mod:`solve`); with them plain sums are spectrally accurate, and characteristic functions turn the nodes into
distributions (:mod:`marginal`, :mod:`solution`). A second, finer resolution estimates the error
(:mod:`accuracy`, :mod:`engine`).
"""

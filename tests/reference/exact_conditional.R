# The exact ratio stratified by patient, by brute force: every combination of the patients' comparator counts is
# listed and weighed with the product of binomial probabilities (no convolution), and the tails are inverted.
# Run: Rscript tests/reference/exact_conditional.R

total_distribution <- function(ratio, totals, odds) {
  combinations <- as.matrix(expand.grid(lapply(totals, function(n) 0:n)))
  weights <- rep(1, nrow(combinations))
  for (i in seq_along(totals)) {
    chance <- ratio * odds[i] / (1 + ratio * odds[i])
    weights <- weights * dbinom(combinations[, i], totals[i], chance)
  }
  tapply(weights, factor(rowSums(combinations), 0:sum(totals)), sum)
}

tails <- function(ratio, reference, comparator, years, at_weight) {
  pmf <- total_distribution(ratio, reference + comparator, years[, 2] / years[, 1])
  observed <- sum(comparator)
  at <- pmf[[observed + 1]]
  above <- if (observed < length(pmf) - 1) sum(pmf[(observed + 2):length(pmf)]) else 0
  below <- if (observed > 0) sum(pmf[1:observed]) else 0
  c(lower = below + at_weight * at, upper = above + at_weight * at)
}

root <- function(f) exp(uniroot(f, c(-25, 25), tol = 1e-13)$root)

show <- function(label, reference, comparator, years, level = 0.95) {
  for (at_weight in c(1, 0.5)) {
    tail <- (1 - level) / 2
    side <- function(name) function(x) tails(exp(x), reference, comparator, years, at_weight)[[name]] - tail
    low <- if (sum(comparator) == 0) 0 else root(side("upper"))
    high <- if (sum(reference) == 0) Inf else root(side("lower"))
    p <- min(1, 2 * min(tails(1, reference, comparator, years, at_weight)))
    odds <- years[, 2] / years[, 1]
    totals <- reference + comparator
    excess <- function(x) sum(totals * exp(x) * odds / (1 + exp(x) * odds)) - sum(comparator)
    estimate <- if (sum(comparator) == 0) 0 else if (sum(reference) == 0) Inf else root(excess)
    cat(sprintf(
      "%-34s %-5s level %-5g RR %.9g low %.9g high %.9g central p %.9g\n",
      label, if (at_weight == 1) "exact" else "mid-p", level, estimate, low, high, p
    ))
  }
}

example <- cbind(c(32, 8, 4), c(21, 18, 9)) / 12
for (level in c(0.95, 0.5, 0.999)) show("example", c(6, 2, 1), c(1, 0, 1), example, level)
show("example, one relapse removed each", c(5, 1, 0), c(1, 0, 1), example)
half <- 0.5 / 12
show("example, corner low", c(6, 2, 1), c(1, 0, 1), example + cbind(rep(-half, 3), rep(half, 3)))
show("example, corner high", c(6, 2, 1), c(1, 0, 1), example + cbind(rep(half, 3), rep(-half, 3)))
times <- cbind(c(3, 3.5, 3), c(2, 2, 2))
show("d", c(5, 4, 3), c(1, 0, 1), times)
show("d0", c(5, 4, 3), c(0, 0, 0), times)
show("d, patient C 1 against 1", c(5, 4, 1), c(1, 0, 1), times)
show("none on the reference", c(0, 0), c(2, 3), cbind(c(1, 2), c(2, 1)))

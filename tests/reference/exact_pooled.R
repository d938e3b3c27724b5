# The exact pooled rate ratio: stats::poisson.test and the central p-value of the binomial test behind it.
# Run: Rscript tests/reference/exact_pooled.R

show <- function(label, relapses, years, level = 0.95) {
  # relapses and years in the order reference, comparator; poisson.test divides the first by the second
  found <- poisson.test(rev(relapses), rev(years), conf.level = level)
  chance <- years[2] / sum(years)
  central <- min(1, 2 * min(
    pbinom(relapses[2], sum(relapses), chance),
    pbinom(relapses[2] - 1, sum(relapses), chance, lower.tail = FALSE)
  ))
  cat(sprintf(
    "%-28s level %-6g RR %.9g low %.9g high %.9g central p %.9g minimum-likelihood p %.9g\n",
    label, level, found$estimate, found$conf.int[1], found$conf.int[2], central, found$p.value
  ))
}

for (level in c(0.95, 0.5, 0.999)) show("example", c(9, 2), c(44, 48) / 12, level)
show("d", c(12, 2), c(9.5, 6))
show("d0", c(12, 0), c(9.5, 6))
show("none on the reference", c(0, 5), c(3, 3))
show("tie", c(4, 4), c(3, 2))
show("placebo, Thall and Vail", c(862, 963), c(28, 28) * 56 / 365.25)

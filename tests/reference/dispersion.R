# Within-patient dispersion: Pearson residuals of the binomial regression given each patient's total, and its 95 %
# limit by simulation with the ratio refitted. The limit carries Monte Carlo error (about 0.01 at 20,000 cohorts).
# Run: Rscript tests/reference/dispersion.R

dispersion <- function(comparator, totals, offset) {
  fit <- glm(cbind(comparator, totals - comparator) ~ 1 + offset(offset), family = binomial)
  sum(residuals(fit, type = "pearson")^2) / (length(totals) - 1)
}

trial <- read.csv("data/thall_vail1990/periods.csv")
set.seed(1990)
for (arm in c("placebo", "progabide")) {
  of <- function(period) trial$relapses[trial$arm == arm & trial$treatment == period]
  comparator <- of("after")
  totals <- of("before") + comparator
  offset <- rep(0, length(totals))
  chance <- sum(comparator) / sum(totals) # equal times: the fitted probability is the pooled one
  simulated <- replicate(20000, {
    y <- rbinom(length(totals), totals, chance)
    p <- sum(y) / sum(totals)
    sum((y - totals * p)^2 / (totals * p * (1 - p))) / (length(totals) - 1)
  })
  cat(sprintf(
    "%-10s dispersion %.8g simulated 95 %% limit %.4g\n",
    arm, dispersion(comparator, totals, offset), quantile(simulated, 0.95)
  ))
}

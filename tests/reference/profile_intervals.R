# Profile-likelihood intervals of the Poisson and the conditional Poisson (binomial) regressions: confint(), which
# interpolates a spline, and the root of the deviance of refitted models, which does not.
# Run: Rscript tests/reference/profile_intervals.R

rooted <- function(fit_at, estimate, deviance_at_maximum, level) {
  cut <- qchisq(level, 1)
  excess <- function(x) deviance(fit_at(x)) - deviance_at_maximum - cut
  limit <- function(range) exp(uniroot(excess, range, tol = 1e-12)$root)
  c(limit(c(estimate - 6, estimate)), limit(c(estimate, estimate + 6)))
}

show <- function(label, estimate, spline, exact, p) {
  cat(sprintf(
    "%-44s RR %.9g confint %.6g to %.6g root %.9g to %.9g likelihood-ratio p %.9g\n",
    label, exp(estimate), exp(spline[1]), exp(spline[2]), exact[1], exact[2], p
  ))
}

tight <- glm.control(epsilon = 1e-14, maxit = 100)

marginal <- function(label, reference, comparator, years, level = 0.95) {
  y <- c(reference, comparator)
  t <- c(years[, 1], years[, 2])
  x <- rep(0:1, each = length(reference))
  fit <- glm(y ~ x + offset(log(t)), family = poisson, control = tight)
  fit_at <- function(b) glm(y ~ 1 + offset(log(t) + b * x), family = poisson, control = tight)
  spline <- suppressMessages(confint(fit, "x", level = level))
  exact <- rooted(fit_at, coef(fit)[["x"]], deviance(fit), level)
  p <- pchisq(deviance(fit_at(0)) - deviance(fit), 1, lower.tail = FALSE)
  show(paste("poisson,", label, level), coef(fit)[["x"]], spline, exact, p)
}

within <- function(label, reference, comparator, years, level = 0.95) {
  counts <- cbind(comparator, reference)
  t <- log(years[, 2] / years[, 1])
  fit <- glm(counts ~ 1 + offset(t), family = binomial, control = tight)
  fit_at <- function(b) glm(counts ~ 0 + offset(t + b), family = binomial, control = tight)
  spline <- suppressMessages(confint(fit, level = level))
  exact <- rooted(fit_at, coef(fit)[[1]], deviance(fit), level)
  p <- pchisq(deviance(fit_at(0)) - deviance(fit), 1, lower.tail = FALSE)
  show(paste("conditional_poisson,", label, level), coef(fit)[[1]], spline, exact, p)
}

example <- cbind(c(32, 8, 4), c(21, 18, 9)) / 12
times <- cbind(c(3, 3.5, 3), c(2, 2, 2))
for (level in c(0.95, 0.5, 0.999)) {
  marginal("example", c(6, 2, 1), c(1, 0, 1), example, level)
  within("example", c(6, 2, 1), c(1, 0, 1), example, level)
}
marginal("d", c(5, 4, 3), c(1, 0, 1), times)
within("d", c(5, 4, 3), c(1, 0, 1), times)
within("d, patient C 1 against 1", c(5, 4, 1), c(1, 0, 1), times)

# The marginal negative-binomial (NB2) regression: MASS::glm.nb, its profile interval by refitting at fixed ratios,
# and the Thall-Vail placebo arm.
# Run: Rscript tests/reference/negative_binomial.R

show <- function(label, reference, comparator, years) {
  y <- c(reference, comparator)
  t <- log(c(years[, 1], years[, 2]))
  x <- rep(0:1, each = length(reference))
  control <- glm.control(epsilon = 1e-12, maxit = 200)
  fit <- MASS::glm.nb(y ~ x + offset(t), control = control)
  drop <- function(b) {
    2 * as.numeric(logLik(fit) - logLik(MASS::glm.nb(y ~ 1 + offset(t + b * x), control = control)))
  }
  limit <- function(range) exp(uniroot(function(b) drop(b) - qchisq(0.95, 1), range, tol = 1e-10)$root)
  estimate <- coef(fit)[["x"]]
  cat(sprintf(
    "%-24s RR %.8g overdispersion %.8g low %.7g high %.7g likelihood-ratio p %.7g\n",
    label, exp(estimate), 1 / fit$theta, limit(c(estimate - 4, estimate)), limit(c(estimate, estimate + 4)),
    pchisq(drop(0), 1, lower.tail = FALSE)
  ))
}

# 24 simulated patients: Gamma rates, drawn for each period by itself
reference <- c(10, 0, 0, 2, 0, 0, 0, 8, 0, 7, 0, 0, 0, 6, 0, 3, 0, 0, 0, 12, 0, 6, 3, 9)
comparator <- c(0, 0, 2, 2, 1, 1, 1, 0, 4, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 5, 1, 2, 16, 1)
years <- cbind(
  c(2.9, 2.3, 0.6, 2.2, 1.5, 0.9, 3.3, 1.5, 2.7, 1.6, 0.8, 3.0, 2.8, 1.1, 1.2, 2.9, 1.6, 1.8, 2.5, 3.5, 0.8, 3.1, 1.3, 2.9),
  c(3.1, 1.1, 3.2, 3.8, 1.9, 2.0, 2.5, 0.7, 0.8, 3.3, 3.1, 2.4, 0.6, 1.5, 1.6, 3.3, 3.4, 0.7, 1.0, 2.7, 2.4, 1.9, 3.8, 1.0)
)
show("simulated, 24 patients", reference, comparator, years)

trial <- read.csv("data/thall_vail1990/periods.csv")
of <- function(arm, period) trial$relapses[trial$arm == arm & trial$treatment == period]
show("placebo, Thall and Vail", of("placebo", "before"), of("placebo", "after"), matrix(56 / 365.25, 28, 2))

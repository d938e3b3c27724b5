# Score interval of a difference of two Poisson rates: the constrained maximum is found numerically, by optimize().
# Run: Rscript tests/reference/rate_difference.R

score <- function(difference, y, t) {
  log_likelihood <- function(rate) sum(dpois(y, t * (rate + c(difference, 0)), log = TRUE))
  from <- max(0, -difference)
  best <- optimize(log_likelihood, from + c(1e-12, 10 * sum(y) / min(t)), maximum = TRUE, tol = 1e-12)$maximum
  (y[1] / t[1] - y[2] / t[2] - difference) / sqrt((best + difference) / t[1] + best / t[2])
}

show <- function(label, y, t, level = 0.95) {
  z <- qnorm((1 + level) / 2)
  estimate <- y[1] / t[1] - y[2] / t[2]
  reach <- 5 * z * sqrt(sum(y / t^2))
  low <- uniroot(function(d) score(d, y, t) - z, c(estimate - reach, estimate), tol = 1e-10)$root
  high <- uniroot(function(d) score(d, y, t) + z, c(estimate, estimate + reach), tol = 1e-10)$root
  cat(sprintf("%-10s level %-5g difference %.8g low %.6g high %.6g\n", label, level, estimate, low, high))
}

show("example", c(9, 2), c(44, 48) / 12)
show("example", c(9, 2), c(44, 48) / 12, 0.5)
show("example", c(9, 2), c(44, 48) / 12, 0.999)
show("d", c(12, 2), c(9.5, 6))

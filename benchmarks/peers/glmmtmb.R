# The same likelihood in glmmTMB: maximum likelihood with the Laplace approximation, no priors, Wald interval.
source("common.R")
require_package("glmmTMB")
task <- read_task()

fit <- function(...) {
  glmmTMB(
    relapses ~ 1 + x + (1 | patient) + (0 + x | patient) + offset(log_years),
    data = task$periods, family = poisson
  )
}

answer <- function(fitted) {
  found <- summary(fitted)$coefficients$cond["x", c("Estimate", "Std. Error")]
  limits <- exp(found[[1]] + c(-1, 1) * qnorm(0.975) * found[[2]])
  list(estimate = exp(found[[1]]), low = limits[1], high = limits[2])
}

measure(fit, fit, answer)

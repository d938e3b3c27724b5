# The same model in rstanarm, with its defaults. Its decov prior gives each spread a Gamma, never a half-normal; taken is
# the Gamma that is closest to the half-normal (smallest Kullback-Leibler divergence, found by its E[s] and E[log s]):
#   log E[s] - E[log s] = log(shape) - digamma(shape),  scale = E[s] / shape
source("common.R")
require_package("rstanarm")
task <- read_task()

gap <- log(sqrt(2 / pi)) + (log(2) - digamma(1)) / 2
shape <- uniroot(function(shape) log(shape) - digamma(shape) - gap, c(0.5, 5), tol = 1e-10)$root
spreads <- task$sd[c("sd_rate", "sd_rate_ratio")]

fit <- function(...) {
  stan_glmer(
    relapses ~ 1 + x + (1 | patient) + (0 + x | patient) + offset(log_years),
    data = task$periods, family = poisson,
    prior_intercept = normal(task$mean[["log_rate"]], task$sd[["log_rate"]], autoscale = FALSE),
    prior = normal(task$mean[["log_rate_ratio"]], task$sd[["log_rate_ratio"]], autoscale = FALSE),
    prior_covariance = decov(shape = rep(shape, 2), scale = unname(spreads) * sqrt(2 / pi) / shape),
    seed = task$seed, refresh = 0
  )
}

answer <- function(fitted) draws_answer(as.matrix(fitted, pars = "x")[, "x"], fitted$stanfit)

measure(fit, fit, answer)

# The same model in brms, with its defaults and exactly the same priors; the second call keeps the compiled model.
source("common.R")
require_package("brms")
task <- read_task()
if (!nzchar(rstan::rstan_options("boost_lib"))) {
  rstan::rstan_options(boost_lib = "/usr/include") # Debian's BH holds no headers: they are the system's
}

normal_prior <- function(parameter, ...) {
  set_prior(sprintf("normal(%.17g, %.17g)", task$mean[[parameter]], task$sd[[parameter]]), ...)
}

priors <- c(
  normal_prior("log_rate", class = "Intercept"), # brms centres x, whose mean is 0 already
  normal_prior("log_rate_ratio", class = "b", coef = "x"),
  normal_prior("sd_rate", class = "sd", group = "patient", coef = "Intercept"), # brms cuts it off below 0
  normal_prior("sd_rate_ratio", class = "sd", group = "patient", coef = "x")
)

first <- function() {
  brm(
    relapses ~ 1 + x + (1 | patient) + (0 + x | patient) + offset(log_years),
    data = task$periods, family = poisson(), prior = priors, seed = task$seed, refresh = 0, silent = 2
  )
}

second <- function(fitted) {
  update(fitted, newdata = task$periods, recompile = FALSE, seed = task$seed, refresh = 0, silent = 2)
}

answer <- function(fitted) draws_answer(as.matrix(fitted, variable = "b_x")[, "b_x"], fitted$fit)

measure(first, second, answer)

# What the R peers share. A task is a folder with periods.csv (patient, x, years, log_years, relapses; x = -1/2 on the
# reference, +1/2 on the comparator) and priors.csv (parameter, mean, sd). A peer prints lines that begin with RESULT
# or STATUS.

require_package <- function(package) {
  if (!requireNamespace(package, quietly = TRUE)) {
    cat("STATUS not installed\n")
    quit(status = 0)
  }
  suppressPackageStartupMessages(library(package, character.only = TRUE))
  report(version = as.character(packageVersion(package)))
}

read_task <- function() {
  given <- commandArgs(trailingOnly = TRUE)
  periods <- read.csv(file.path(given[1], "periods.csv"))
  periods$patient <- factor(periods$patient)
  priors <- read.csv(file.path(given[1], "priors.csv"), row.names = "parameter")
  # Starting R processes for the chains costs more than it saves where the fit is short.
  options(mc.cores = if (nrow(periods) < 400) 1L else parallel::detectCores())
  list(periods = periods, mean = setNames(priors$mean, rownames(priors)),
       sd = setNames(priors$sd, rownames(priors)), seed = as.integer(given[2]))
}

# Time the first call and the second one in this process; each includes its answer.
measure <- function(first, second, answer) {
  start <- proc.time()[["elapsed"]]
  fitted <- first()
  found <- answer(fitted)
  do.call(report, c(first_call_s = proc.time()[["elapsed"]] - start, found))
  start <- proc.time()[["elapsed"]]
  answer(second(fitted))
  report(second_call_s = proc.time()[["elapsed"]] - start)
}

draws_answer <- function(log_ratio, stan_fit) {
  limits <- exp(quantile(log_ratio, c(0.5, 0.025, 0.975), names = FALSE))
  list(estimate = limits[1], low = limits[2], high = limits[3], divergences = rstan::get_num_divergent(stan_fit))
}

report <- function(...) {
  values <- list(...)
  cat("RESULT", sprintf("%s=%s", names(values), vapply(values, format, "", digits = 10)), "\n")
}

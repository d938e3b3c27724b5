# Time to the first relapse and mean cumulative number of relapses, by survival::survfit.
# Run: Rscript tests/reference/recurrent_events.R
suppressPackageStartupMessages(library(survival))

km <- function(label, time, status) {
  fit <- survfit(Surv(time, status) ~ 1, conf.type = "log-log")
  cat(label, "\n")
  print(data.frame(time = fit$time, n = fit$n.risk, d = fit$n.event, share = fit$surv), digits = 12)
  cat("median", format(quantile(fit, 0.5, conf.int = FALSE), digits = 12), "\n")
}
km("tocilizumab, months", c(3, 18, 4), c(1, 0, 1))
km("even number", c(1, 2, 3, 4), c(1, 1, 1, 1))
km("half at the end", c(1, 2, 3, 3), c(1, 1, 0, 0))
km("ties and censoring", c(2, 2, 3, 5, 5, 8, 9, 11), c(1, 0, 1, 1, 1, 0, 1, 0))

# Mean cumulative number: one row for each interval between relapses; the variance is that of Lawless and Nadeau (robust).
mcf <- function(label, ends, relapses) {
  rows <- do.call(rbind, lapply(seq_along(ends), function(i) {
    times <- sort(relapses[[i]])
    stops <- c(times, if (length(times) == 0 || max(times) < ends[i]) ends[i])
    data.frame(id = i, start = c(0, head(stops, -1)), stop = stops, status = as.integer(seq_along(stops) <= length(times)))
  }))
  fit <- survfit(Surv(start, stop, status) ~ 1, data = rows, id = id, robust = TRUE)
  cat(label, "\n")
  print(data.frame(time = fit$time, n = fit$n.risk, d = fit$n.event, mean = fit$cumhaz, se = fit$std.chaz), digits = 12)
}
mcf("tocilizumab, months", c(21, 18, 9), list(3, numeric(0), 4))
mcf("ends differ, ties between patients", c(10, 6, 8, 12, 3), list(c(1, 4, 9), c(4), c(2, 8), numeric(0), c(3)))

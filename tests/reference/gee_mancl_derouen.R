# Poisson GEE with the Mancl-DeRouen covariance by matrix algebra, independence and exchangeable working correlation.
# The moment estimates of scale and correlation divide by (2N - 2) and (N - 2), as statsmodels does.
# Run: Rscript tests/reference/gee_mancl_derouen.R

fit <- function(counts, years, exchangeable) {
  n <- nrow(counts)
  x <- cbind(1, 0:1)
  beta <- c(log(sum(counts[, 1]) / sum(years[, 1])), 0)
  rho <- 0
  for (step in 1:500) {
    mu <- years * matrix(exp(x %*% beta), n, 2, byrow = TRUE)
    residual <- (counts - mu) / sqrt(mu)
    if (exchangeable) rho <- sum(residual[, 1] * residual[, 2]) / (n - 2) / (sum(residual^2) / (2 * n - 2))
    information <- matrix(0, 2, 2)
    score <- c(0, 0)
    for (i in seq_len(n)) {
      d <- diag(mu[i, ]) %*% x
      half <- diag(sqrt(mu[i, ]))
      v_inverse <- solve(half %*% matrix(c(1, rho, rho, 1), 2) %*% half)
      information <- information + t(d) %*% v_inverse %*% d
      score <- score + t(d) %*% v_inverse %*% (counts[i, ] - mu[i, ])
    }
    change <- solve(information, score)
    beta <- beta + as.vector(change)
    if (max(abs(change)) < 1e-13) break
  }
  bread <- solve(information)
  meat <- plain <- matrix(0, 2, 2)
  for (i in seq_len(n)) {
    d <- diag(mu[i, ]) %*% x
    half <- diag(sqrt(mu[i, ]))
    v_inverse <- solve(half %*% matrix(c(1, rho, rho, 1), 2) %*% half)
    leverage <- d %*% bread %*% t(d) %*% v_inverse
    corrected <- solve(diag(2) - leverage, counts[i, ] - mu[i, ])
    meat <- meat + tcrossprod(t(d) %*% v_inverse %*% corrected)
    plain <- plain + tcrossprod(t(d) %*% v_inverse %*% (counts[i, ] - mu[i, ]))
  }
  list(
    estimate = beta[2], rho = rho,
    error = sqrt((bread %*% meat %*% bread)[2, 2]), sandwich = sqrt((bread %*% plain %*% bread)[2, 2])
  )
}

show <- function(label, counts, years) {
  for (exchangeable in c(FALSE, TRUE)) {
    found <- fit(counts, years, exchangeable)
    margin <- qt(0.975, nrow(counts) - 2) * found$error
    cat(sprintf(
      "%-24s %-12s log RR %.10g correlation %.8g Mancl-DeRouen SE %.8g sandwich SE %.8g t interval %.7g to %.7g p %.7g\n",
      label, if (exchangeable) "exchangeable" else "independence", found$estimate, found$rho, found$error,
      found$sandwich, exp(found$estimate - margin), exp(found$estimate + margin),
      2 * pt(-abs(found$estimate / found$error), nrow(counts) - 2)
    ))
  }
}

trial <- read.csv("data/thall_vail1990/periods.csv")
of <- function(arm) cbind(
  trial$relapses[trial$arm == arm & trial$treatment == "before"],
  trial$relapses[trial$arm == arm & trial$treatment == "after"]
)
show("placebo, Thall and Vail", of("placebo"), matrix(56 / 365.25, 28, 2))
show("progabide, Thall and Vail", of("progabide"), matrix(56 / 365.25, 31, 2))
show(
  "six patients", cbind(c(6, 2, 1, 3, 5, 1), c(1, 0, 1, 2, 0, 1)),
  cbind(c(32, 8, 4, 12, 30, 9), c(21, 18, 9, 24, 12, 20)) / 12
)

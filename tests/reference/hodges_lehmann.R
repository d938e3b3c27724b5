# Hodges-Lehmann estimate with its exact interval, and the exact signed-rank p, by stats::wilcox.test (no ties, no zeros).
# Run: Rscript tests/reference/hodges_lehmann.R
show <- function(differences) {
  found <- wilcox.test(differences, conf.int = TRUE)
  cat(sprintf("estimate %.9g low %.9g high %.9g p %.9g\n", found$estimate, found$conf.int[1], found$conf.int[2], found$p.value))
}
show(c(-2, -1.5, -3, -0.5, 1, -4, -5.5, -2.5))
show(c(0.5, 1, -1.5, 2, 2.5, 3, 3.5, -4, 4.5, 5))
